"""Crashes, restarts and pauses of processes.

A crash takes a process with all that it has made: their state, their timers, what they were to
send again. Messages that arrive while it is down are gone. Invariant: a restarted process has its
old id, is set up with what it was given, and never uses the number of a child or a timer again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from quorate.core import effects as fx
from quorate.core import events as ev
from quorate.core.ids import ProcessId
from quorate.core.messages import own_copy
from quorate.core.process import Process
from quorate.worlds.base import kinds_of
from quorate.worlds.sim.network import Parcel

if TYPE_CHECKING:
    from quorate.worlds.sim.host import SimulatedHost

_OWN = (fx.Resume, ev.TimerFired, Parcel)
"""What is on the agenda for a process by its own doing, and goes with it."""


@dataclass(slots=True)
class Down:
    """A process that has crashed, as it was.

    `chosen` says that the crash was its own, and not that of who has made it, `returns` that it is
    to be restarted.
    """

    process: Process
    daemon: bool
    chosen: bool
    returns: bool


class Lives:
    """Who is down, who is paused, and what processes were set up with."""

    def __init__(self, host: SimulatedHost, keeps: bool) -> None:
        """Without `keeps` no process will be restarted, and nothing need be known for that."""
        self.host = host
        self.keeps = keeps
        self.crashes = 0
        self.down: dict[ProcessId, Down] = {}
        self.paused: dict[ProcessId, float] = {}  # until when
        self.gone: set[str] = set()  # the names and classes of those that have ended
        self.returning = 0  # processes that are down, and are to be restarted
        self._setups: dict[ProcessId, list[fx.Setup]] = {}
        self._lives: dict[ProcessId, int] = {}  # how often each has been restarted

    def set_up(self, order: fx.Setup) -> None:
        """Remember what a process is set up with."""
        if not self.keeps:
            return
        again = fx.Setup(order.id, own_copy(order.args), own_copy(order.kwargs))
        self._setups.setdefault(order.id, []).append(again)

    def forget(self, process: Process) -> None:
        """A process is over."""
        self._setups.pop(process.id_, None)
        if self.keeps:
            self.gone |= {repr(process.id_), *kinds_of(type(process))}

    def crash(self, id: ProcessId, seconds: float) -> None:
        """Lose a process that is there, now; it is restarted after `seconds`, unless infinite."""
        agenda = self.host.agenda
        returns = seconds != float("inf")
        self.crashes += 1
        for victim in self._with_children(id):
            self._lose(victim, victim == id, returns and victim == id)
        if returns:
            agenda.act_at(agenda.now + seconds, partial(self.restart, id), counts=True)

    def _lose(self, id: ProcessId, chosen: bool, returns: bool) -> None:
        host = self.host
        process = host.processes.pop(id)
        self.down[id] = Down(process, id in host.daemons, chosen, returns)
        self.returning += returns
        self.paused.pop(id, None)
        if process.operation_ is not None:
            host.operate(process, fx.Operation("unknown"))
        host.lost(process)
        host.agenda.drop_where(lambda item: item[3] == id and isinstance(item[4], _OWN))
        host.network.forget(id)
        host.agenda.note("crash", id)

    def restart(self, id: ProcessId) -> None:
        """Begin a process anew that is down; of no effect on any other."""
        down = self.down.pop(id, None)
        if down is None:
            return
        host, old = self.host, down.process
        self.returning -= down.returns
        new = host.add(type(old), id, old.parent_, down.daemon, old.rates_.items())
        self.carry_over(old, new)
        host.agenda.note("restart", id)
        for setup in self._setups.get(id, ()):
            args, kwargs = own_copy(setup.args), own_copy(setup.kwargs)
            host.queue.append((new, fx.Setup(id, args, kwargs), None, None))
        host.order(id, fx.Start(id))
        host.plan()

    def carry_over(self, old: Process, new: Process) -> None:
        """What outlasts a crash: here the numbers that keep names unique, and fresh randomness.

        State that a process keeps on a disk is given back here, before its setup runs.
        """
        life = self._lives[new.id_] = self._lives.get(new.id_, 0) + 1
        new.creations_, new.timers_ = old.creations_, old.timers_
        new.random_ = Random(f"{self.host.seed} {new.id_!r} {life}")

    def dismiss(self, id: ProcessId) -> None:
        """A process that is down is ended by another: it is not restarted."""
        down = self.down.get(id)
        if down is not None:
            self.returning -= down.returns
            del self.down[id]

    def pause(self, id: ProcessId, seconds: float) -> None:
        """Let a process, with those it has made, do nothing for a while; what comes waits."""
        agenda = self.host.agenda
        until = agenda.now + seconds
        for each in self._with_children(id):
            self.paused[each] = until
            agenda.note("pause", each, value=until)
            agenda.act_at(until, self._going_on(each, until))

    def _going_on(self, id: ProcessId, until: float) -> Callable[[], None]:
        def go_on() -> None:
            if self.paused.get(id) == until:
                del self.paused[id]

        return go_on

    def _with_children(self, id: ProcessId) -> list[ProcessId]:
        depth = len(id.path)
        return [each for each in self.host.processes if each.path[:depth] == id.path]

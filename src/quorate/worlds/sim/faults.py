"""The faults that strike a run from time to time: partitions, clogs, crashes and pauses.

Invariant: when and whom they strike follows from the seed alone, by a generator of their own;
each is over by the time when all faults are to be.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any

from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.lang.faults import Fault
from quorate.worlds.base import kinds_of
from quorate.worlds.sim.host import SimulatedHost
from quorate.worlds.sim.partitions import places
from quorate.worlds.sim.strikes import Strike, befall, upon


def swarm(faults: Iterable[Fault], seed: int) -> list[Fault]:
    """About half of the faults, as the seed says (Groce et al., Swarm Testing, ISSTA 2012).

    Faults of one name go together.
    """
    random = Random(f"{seed} swarm")
    drawn: dict[str, bool] = {}
    return [
        fault
        for fault in faults
        if drawn.setdefault(fault.name, random.random() < 0.5) or fault.name == "latency"
    ]


class Strikes:
    """Lets the faults of a run that come and go befall `host` until a time, in virtual seconds."""

    def __init__(self, host: SimulatedHost, faults: Iterable[Fault], until: float) -> None:
        self.host = host
        self.until = until
        self.random = Random(f"{host.seed} faults")
        self._strike: dict[str, Callable[[Fault, float], None]] = {
            "partition": self._partition,
            "clog": self._clog,
            "crash": self._crash,
            "pause": self._pause,
        }
        for fault in faults:
            if fault.name in self._strike:
                self._plan(fault)

    def _plan(self, fault: Fault) -> None:
        """The next strike: the gaps between them are exponential, with the mean `every`."""
        agenda = self.host.agenda
        at = agenda.now - fault["every"] * math.log1p(-self.random.random())
        if at < self.until:
            agenda.act_at(at, partial(self._go, fault))

    def _go(self, fault: Fault) -> None:
        """Strike now, for between half and one and a half times as long as the fault says."""
        seconds = fault["for"] * (0.5 + self.random.random())
        if seconds < math.inf:
            seconds = min(seconds, self.until - self.host.agenda.now)
        self._strike[fault.name](fault, seconds)
        self._plan(fault)

    def _partition(self, fault: Fault, seconds: float) -> None:
        """Some of the places, but neither all nor none, on one side."""
        found = places(self._running())
        if len(found) < 2:
            return
        size = 1 + self._below(len(found) - 1)
        mixed = sorted(found, key=lambda _: self.random.random())
        groups = tuple(sorted(mixed[:size])), tuple(sorted(mixed[size:]))
        befall(self.host, Strike("partition", groups, seconds, fault["oneway"]))

    def _clog(self, fault: Fault, seconds: float) -> None:
        """One way between two processes."""
        senders, receivers = self._called(fault["from"]), self._called(fault["to"])
        pairs = [(sender, to) for sender in senders for to in receivers if sender != to]
        if pairs:
            sender, to = self._one_of(pairs)
            befall(self.host, Strike("clog", ((sender.path, to.path),), seconds))

    def _crash(self, fault: Fault, seconds: float) -> None:
        lives, kind = self.host.lives, fault["kind"]
        down = sum(d.chosen and is_called(d.process, kind) for d in lives.down.values())
        victims = self._victims(kind)
        if victims and down < fault["count"]:
            befall(self.host, Strike("crash", upon(self._one_of(victims)), seconds))

    def _pause(self, fault: Fault, seconds: float) -> None:
        lives = self.host.lives
        victims = self._victims(fault["kind"])
        free = [id for id in victims if id not in lives.paused]
        if free and len(victims) - len(free) < fault["count"]:
            befall(self.host, Strike("pause", upon(self._one_of(free)), seconds))

    # Whom.

    def _running(self) -> list[ProcessId]:
        """The processes that have started, without `main`."""
        return [id for id, each in self.host.processes.items() if id.path and each.started_]

    def _called(self, name: str | None) -> list[ProcessId]:
        running = self._running()
        return [id for id in running if is_called(self.host.processes[id], name)]

    def _victims(self, kind: str | None) -> list[ProcessId]:
        """Those of a class, or without one those that are at the top of a place."""
        found = self._called(kind)
        tops = set(places(found)) if kind is None else ()
        return [id for id in found if kind is not None or id.path in tops]

    def _below(self, n: int) -> int:
        return int(self.random.random() * n)

    def _one_of(self, values: list[Any]) -> Any:
        return values[self._below(len(values))]


def is_called(process: Process, name: str | None) -> bool:
    """Whether a process has this id, or is of this class, or of one that extends it."""
    return name is None or name == repr(process.id_) or name in kinds_of(type(process))

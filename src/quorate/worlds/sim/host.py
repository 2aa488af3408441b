"""The simulated place: all processes of a run, and the agenda of what is still to happen.

Time is virtual: it is that of the thing that happens. Invariant: what happens next is the first
of the agenda, ordered by time and then by the order in which it was put there; nothing else
decides.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

from quorate.core import effects as fx
from quorate.core import events as ev
from quorate.core.freeze import freeze
from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.core.thaw import thaw
from quorate.worlds.base import Host
from quorate.worlds.sim.network import Network

EPOCH_SECONDS = 1_600_000_000.0
"""What `time.time()` is when a simulation begins."""

PAUSE_SECONDS_MIN = 0.000_005
PAUSE_SECONDS_MAX = 0.000_015
"""How long a yield point lasts: a program that polls must not keep time from passing."""


class Item(NamedTuple):
    """Something that is to happen: a message, or an order or RESUME, which have no sender."""

    at: float
    number: int
    process: ProcessId
    what: Any
    sender: ProcessId | None
    stamp: Any


class SimulatedHost(Host):
    """A host whose queue never holds more than what happens now; the rest is on the agenda."""

    def __init__(
        self,
        seed: int,
        config: Mapping[str, Any],
        show: Callable[[float, Process, fx.Output], None],
        refreeze: Mapping[str, Any] | None = None,
    ) -> None:
        """With `refreeze` (modules by name) every process is frozen and thawed at every step."""
        super().__init__(seed, config)
        self.near = {}  # every message goes through `forward`
        self._named: dict[str, ProcessId] = {}
        self.names = self._named
        self.time = 0.0
        self.steps = 0
        self.agenda: list[Item] = []
        self.random = Random(f"{seed} world")
        self.network = Network(self.random, config)
        self.error: BaseException | None = None
        self.at_fault: Process | None = None
        self.codes: list[int] = []
        self.made = 0
        self.begun = False
        self.starting = 0  # orders to start, on the agenda
        self.active = 0  # processes that have started, are no daemons, and have not ended
        self._show = show
        self._modules = refreeze
        self._numbers = 0
        self._timers: set[tuple[ProcessId, int]] = set()

    # What a host is asked.

    def now(self, which: str) -> float:
        return self.time + EPOCH_SECONDS if which == "time" else self.time

    def set_timer(self, process: Process, timer: int, seconds: float) -> None:
        self._timers.add((process.id_, timer))
        at = self.time + max(seconds, 0.0)
        self._put(at, process.id_, ev.TimerFired(timer), None, None)

    def cancel_timer(self, process: Process, timer: int) -> None:
        self._timers.discard((process.id_, timer))

    def show(self, process: Process, output: fx.Output) -> None:
        self._show(self.time, process, output)

    def failed(self, process: Process, error: BaseException) -> None:
        if self.error is None:
            self.error, self.at_fault = error, process

    def make(self, creation: fx.Create, parent: ProcessId) -> None:
        super().make(creation, parent)
        self.made += 1
        if creation.id.name:
            self._named[creation.id.name] = creation.id

    def started(self, process: Process) -> None:
        self.begun = True
        self.active += process.id_ not in self.daemons

    def ended(self, process: Process, code: int) -> None:
        self.active -= process.started_ and process.id_ not in self.daemons
        self.codes.append(code)

    def forward(self, to: ProcessId, what: Any, sender: ProcessId | None, stamp: Any) -> None:
        """A message goes on its way; at its end, or for an order, the process may be unmade."""
        source = None if sender is None else self.processes.get(sender)
        if source is None:
            super().forward(to, what, sender, stamp)
        else:
            at = self.network.arrival(self.time, source, to, self.processes.get(to))
            self._put(at, to, what, sender, stamp)

    # The agenda.

    def _put(
        self, at: float, process: ProcessId, what: Any, sender: ProcessId | None, stamp: Any
    ) -> None:
        self._numbers += 1
        self.starting += type(what) is fx.Start
        heapq.heappush(self.agenda, Item(at, self._numbers, process, what, sender, stamp))

    def over(self) -> bool:
        """Whether all processes that started, and are no daemons, have ended."""
        return self.begun and not self.active and not self.starting

    def next_time(self) -> float | None:
        """When the next thing happens, in virtual seconds; None if nothing can happen any more."""
        while self.agenda and not self._matters(self.agenda[0]):
            self._pop()
        return self.agenda[0].at if self.agenda else None

    def step(self) -> None:
        """Let the next thing happen, with all that it brings about; there has to be one."""
        item = self._pop()
        self.time, self.steps = item.at, self.steps + 1
        if isinstance(item.what, ev.TimerFired) and item.sender is None:
            self._timers.remove((item.process, item.what.timer))
        process = self.processes.get(item.process)
        if process is None:
            Host.forward(self, item.process, item.what, item.sender, item.stamp)
        else:
            if self._modules is not None:
                process = self._refrozen(process)
            self.queue.append((process, item.what, item.sender, item.stamp))
            self.turn(1)
        self.plan()

    def _pop(self) -> Item:
        item = heapq.heappop(self.agenda)
        self.starting -= type(item.what) is fx.Start
        return item

    def _matters(self, item: Item) -> bool:
        """False for a timer that was cancelled, and for what is to go to a process that is over."""
        if isinstance(item.what, ev.TimerFired) and item.sender is None:
            if (item.process, item.what.timer) not in self._timers:
                return False
        return item.process in self.processes or not self.was_made(item.process)

    def plan(self) -> None:
        """Put on the agenda what a step has brought about: orders now, a RESUME a little later."""
        while self.queue:
            process, what, sender, stamp = self.queue.popleft()
            pause = 0.0
            if what is fx.RESUME:
                pause = self.random.uniform(PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX)
            self._put(self.time + pause, process.id_, what, sender, stamp)

    def _refrozen(self, process: Process) -> Process:
        """The same process, from its frozen state; the effects of a failed step stay with it."""
        thawed = thaw(freeze(process, self._modules), self, self._modules)
        self.processes[process.id_] = thawed
        return thawed

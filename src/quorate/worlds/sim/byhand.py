"""A run that goes on by hand: its holder says which message comes, and when time passes.

What processes do by themselves, they do at once; messages wait under way, and timers for their
time. Invariant: between two calls nothing is left to do but what the holder may choose.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from heapq import heapify, heappush
from types import ModuleType
from typing import Any

from quorate.core import events as core_ev
from quorate.core.ids import ProcessId
from quorate.core.messages import own_copy
from quorate.core.process import Process
from quorate.trace import events as ev
from quorate.worlds.base import Watch, config_of, properties_of, specifications_of
from quorate.worlds.sim.agenda import AT_ONCE, Item
from quorate.worlds.sim.host import StepsExceeded
from quorate.worlds.sim.network import Network, Parcel
from quorate.worlds.sim.recording import RecordedHost, Recorder
from quorate.worlds.sim.scenario import play, read_scenario

STEPS_MAX = 10_000
"""Of processes by themselves, until only messages and timers are left."""


class NotUnderWay(LookupError):
    """There is no such message to be delivered, or not now; the text says what there is."""


class HeldNetwork(Network):
    """A network whose messages stay under way, by number, in the order in which they were sent."""

    under_way: dict[int, Parcel]

    def send(self, source: Process, to: ProcessId, message: Any, stamp: Any) -> None:
        number = next(self.agenda.numbers)
        self.agenda.note("send", source.id_, to, number, message)
        route = self.routes.of(source, to)
        self.under_way[number] = Parcel(source, to, message, stamp, number, route)

    def deliver(self, number: int) -> None:
        """Have a message arrive. Raises NotUnderWay."""
        parcel = self.under_way[number]
        if self._is_cut(parcel):
            raise NotUnderWay("a partition stands in its way")
        if parcel.route.ordered and self._earlier(parcel):
            raise NotUnderWay("its channel keeps order, and another is before it")
        del self.under_way[number]
        item = (self.agenda.now, AT_ONCE, number, parcel.to, parcel.message, parcel.sender)
        heappush(self.agenda.items, (*item, parcel.stamp))

    def lose(self, number: int) -> None:
        parcel = self.under_way.pop(number)
        self.drop(parcel.to, parcel.sender, number, "lost")

    def duplicate(self, number: int) -> None:
        """Have a message be under way twice."""
        parcel = self.under_way[number]
        copy = next(self.agenda.numbers)
        self.agenda.note("duplicate", parcel.sender, parcel.to, copy, number)
        message = own_copy(parcel.message)
        self.under_way[copy] = Parcel(
            *(parcel.source, parcel.to, message, parcel.stamp, copy, parcel.route)
        )

    def forget(self, process: ProcessId) -> None:
        """What a process has sent stays under way when it crashes: it has left already."""

    def _earlier(self, parcel: Parcel) -> bool:
        pair = parcel.sender, parcel.to
        before = (each for each in self.under_way.values() if each.number < parcel.number)
        return any((each.sender, each.to) == pair for each in before)


class HeldRun:
    """One run of a program that has been loaded. `tell` is told all that happens after `begin`."""

    def __init__(
        self,
        module: ModuleType,
        begin: ev.Begin,
        tell: Callable[[ev.Event], None],
        config: Mapping[str, Any] | None = None,
    ) -> None:
        from quorate.compiler.loader import main_of

        self.recorder = Recorder(begin, tell)
        shown = lambda *_: None  # noqa: E731  # outputs are told with all else
        self.host = RecordedHost(
            *(begin.seed, config_of(module, config), shown, self.recorder), restarts=True
        )
        self.network = HeldNetwork(self.host.agenda, self.host.network.routes)
        self.network.under_way = {}
        self.host.network = self.network
        if properties := properties_of(module):
            self.host.watch = Watch(properties)
        self.host.history.said = specifications_of(module)
        self._judged = 0  # events of the history
        self.recorder.begins((), restarts=True)
        self.host.add_main(main_of(module))
        self.host.plan()
        self._settle()

    @property
    def under_way(self) -> dict[str, int]:
        """The messages that can be chosen, by name, in the order in which they were sent."""
        return {self.recorder.message(number): number for number in self.network.under_way}

    def chosen(self, name: str) -> int:
        """The number of a message: `A>B#2`, or `A>B` for the first of them. Raises NotUnderWay."""
        there = self.under_way
        for message, number in there.items():
            if name in (message, message.partition("#")[0]):
                return number
        known = ", ".join(there) if there else "none"
        raise NotUnderWay(f"no message {name} is under way; there are: {known}")

    def deliver(self, name: str) -> None:
        """Have a message arrive, and its receiver do all that it does by that.

        Raises NotUnderWay.
        """
        try:
            self.network.deliver(self.chosen(name))
        except NotUnderWay as error:
            raise NotUnderWay(f"{name}: {error}") from None
        self._settle()

    def drop(self, name: str) -> None:
        """Lose a message, on whatever channel. Raises NotUnderWay."""
        self.network.lose(self.chosen(name))

    def duplicate(self, name: str) -> None:
        """Have a message be under way twice, on whatever channel. Raises NotUnderWay."""
        self.network.duplicate(self.chosen(name))

    def befall(self, said: str) -> None:
        """Let happen what a line of a scenario says, without its time: `crash Server-2 for 1s`.

        Raises ScenarioError.
        """
        play(self.host, read_scenario(f"at 0s {said}", "command"))
        self.tick(0.0)

    def tick(self, seconds: float) -> None:
        """Let time pass, and timers run out, and what a fault has begun come to its end."""
        host, agenda = self.host, self.host.agenda
        until = agenda.now + seconds
        while host.error is None:
            timer = min(self._timers(), default=None)
            at = math.inf if timer is None else timer[0]
            if min(at, agenda.next_act) > until:
                break
            if agenda.next_act <= at:
                agenda.act()
            elif timer is not None:
                self._take(timer)
            self._settle()
        agenda.now = max(until, agenda.now)

    def _timers(self) -> Iterator[Item]:
        return (item for item in self.host.agenda.items if type(item[4]) is core_ev.TimerFired)

    def _settle(self) -> None:
        """Let processes do what they do by themselves, and see whether clients are well served."""
        self._let_them_go_on()
        if len(self.host.history.events) > self._judged:
            self._judged = len(self.host.history.events)
            self.host.look_at_history()

    def _let_them_go_on(self) -> None:
        """Have all steps taken that need no message and no timer."""
        agenda = self.host.agenda
        for _ in range(STEPS_MAX):
            if self.host.error is not None:
                return
            ready = [item for item in agenda.items if type(item[4]) is not core_ev.TimerFired]
            if not ready:
                return
            item = min(ready)
            self._take(item, (agenda.now, *item[1:]))
        self.host.error = StepsExceeded(f"no rest after {STEPS_MAX:,} steps without a message")

    def _take(self, item: Item, instead: Item | None = None) -> None:
        items = self.host.agenda.items
        items.remove(item)
        heapify(items)
        self.host.step(item if instead is None else instead)

"""What is still to happen in a simulated run, and what time it is.

Time is virtual: it is that of the thing that happens. Invariant: what happens next is the first
item, by time, then by a draw of the run's generator, so that what is ready at the same time comes
in an order of the seed, then by number. Nothing else decides.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from itertools import count
from random import Random
from typing import Any, NamedTuple

from quorate.core.ids import ProcessId
from quorate.worlds.sim.choices import Asked, Choices
from quorate.worlds.sim.happenings import Happening, Kind, Observer

AT_ONCE = 0.0
"""The draw of what is to come first at its time, in the order in which it was put there."""

Item = tuple[float, float, int, ProcessId, Any, ProcessId | None, Any]
"""(time, draw, number, process, message, sender, stamp); without a sender, no message but an
order, RESUME, a timer or something of the network. A bare tuple: a message costs little more."""


class Act(NamedTuple):
    """Something that befalls the run from outside. If it `counts`, there is more to come."""

    at: float
    number: int
    counts: bool
    do: Callable[[], None]


class Agenda:
    """The items, a heap; the acts, another; and the time, in virtual seconds."""

    def __init__(
        self, random: Random, observer: Observer | None = None, choices: Choices | None = None
    ) -> None:
        self.now = 0.0
        self.items: list[Item] = []
        self.numbers = count(1)
        self.draw = random.random
        self.observer = observer
        self.choices = choices  # of a run that is recorded
        self.acts: list[Act] = []
        self.next_act = float("inf")  # the time of the first

    def number(self, what: Asked, of: int | ProcessId) -> float:
        """A random number from 0 to 1, less than 1, for a message, by its number, or a process."""
        choices = self.choices
        return self.draw() if choices is None else choices.number(what, of, self.draw)

    def befalls(self, what: Asked, of: int, chance: float) -> bool:
        """Whether a message meets what mostly it does not."""
        choices = self.choices
        if choices is None:
            return self.draw() < chance
        return choices.befalls(what, of, chance, self.draw)

    def put(
        self,
        at: float,
        draw: float,
        process: ProcessId,
        what: Any,
        sender: ProcessId | None = None,
        stamp: Any = None,
    ) -> None:
        item = (at, draw, next(self.numbers), process, what, sender, stamp)
        heapq.heappush(self.items, item)

    def drop_where(self, unwanted: Callable[[Item], bool]) -> None:
        """Take items off, wherever they stand."""
        self.items[:] = [item for item in self.items if not unwanted(item)]
        heapq.heapify(self.items)

    def act_at(self, at: float, do: Callable[[], None], *, counts: bool = False) -> None:
        """Call `do` at a time, before anything else that happens then."""
        heapq.heappush(self.acts, Act(max(at, self.now), next(self.numbers), counts, do))
        self.next_act = self.acts[0].at

    def act(self) -> None:
        """Let the first act happen; there has to be one."""
        act = heapq.heappop(self.acts)
        self.next_act = self.acts[0].at if self.acts else float("inf")
        self.now = act.at
        act.do()

    def acts_count(self) -> bool:
        """Whether any act is still to come that counts."""
        return any(act.counts for act in self.acts)

    def note(
        self,
        kind: Kind,
        process: ProcessId | None = None,
        peer: ProcessId | None = None,
        number: int = 0,
        value: Any = None,
    ) -> None:
        """Tell the observer, if there is one. Where it is asked for often, ask for it first."""
        if self.observer is not None:
            self.observer(Happening(self.now, kind, process, peer, number, value))

    def note_each(self, kind: Kind, processes: Iterable[ProcessId], value: Any = None) -> None:
        for process in processes:
            self.note(kind, process, value=value)

"""Random walks: runs from the beginning, whose every step is drawn from those that can be taken.

Each thing that can happen is as likely as the others: that a message is taken, or that a process
goes on, in however many ways that may go. What may happen only so often would be used up at once if
it were drawn so: the time of each is drawn beforehand instead, from as many steps as the longest
run had. (Drawing the process first, or all alike, took more runs to find the bugs of tests/zoo.)
Invariant: the same seed gives the same runs; every way has a chance.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import Random
from typing import Any

from quorate.worlds.check.effects import DUPLICATES, LOSSES, Effect
from quorate.worlds.check.explore import FINGERPRINT_BYTES, Explorer, Graph, State, Step
from quorate.worlds.check.network import MASK
from quorate.worlds.check.tables import FREE, NOBODY

Event = int
"""What can happen: a message is taken, or what is `own` to a slot."""

STEPS_MAX = 1000
"""How long a run is at most, where nothing is said."""

LATE = 10
"""What the last runs found is told: of so many, one."""


class Runs(Explorer):
    """Goes through states in runs. `numbers` are those of all states come to, by fingerprint.

    Subclasses may say otherwise where a run begins, and which step is taken.
    """

    def __init__(self, *given: Any, runs: int, seed: int, **options: Any) -> None:
        super().__init__(*given, **options)
        self.runs, self.seed = runs, seed
        self.random = Random(seed)
        self.longest = 1
        self.cut = 0  # how many runs were too long
        self.news = bytearray()  # of each run, whether it found a new state
        self.taken: set[int] = set()  # actions
        self.numbers: dict[int, int] = {}
        self.steps_max = STEPS_MAX if self.bounds.depth is None else self.bounds.depth

    def begin(self, begins: Sequence[int]) -> None:
        self.taken.update(begins)
        super().begin(begins)
        self.firsts = self.next
        self.numbers = {state.print: state.number for state in self.firsts}

    @property
    def is_over(self) -> bool:
        return self.graph.is_refuted or self.graph.stopped is not None

    def go_on(self, states: int | None = None) -> Graph:
        """Run until there are so many states, or to the end. A run is never taken up again."""
        graph = self.graph
        while not self.is_over and (states is None or graph.states < states):
            before = graph.states
            self._run(*self._start())
            self.news.append(graph.states > before)
            if len(self.news) == self.runs and not graph.is_refuted:
                graph.stopped = graph.stopped or "runs"
        graph.seconds = time.perf_counter() - self.begun
        return graph

    def _start(self) -> tuple[State, int]:
        """A state from which a run is to go on, and after how many steps it is reached."""
        return self.random.choice(self.firsts), 0

    def _run(self, state: State, length: int) -> None:
        """Take one step after another, until none can be taken, or the run is too long."""
        due = self._due(state, length)
        while not self.is_over:
            if length >= self.steps_max:
                self.cut += 1
                return
            step = self._take_due(state, due, length) or self._choose(state)
            if step is None:  # nothing can happen but what may happen only so often
                found = self._possible(state, self._events(state.row, state.net))
                if self.is_over or not found:
                    return
                step = self.random.choice(found)
            state = self._take(state, *step)
            length += 1
            self.longest = max(self.longest, length)
            self.graph.depth = max(self.graph.depth, length)
            self._look_at_time(self.runs - len(self.news))

    def _choose(self, state: State) -> Step | None:
        """The step to take in a state, of those that are not counted, if there are any.

        Only what is drawn is looked at, which may be what cannot happen.
        """
        events = self._at(state)
        while events:
            place = self.random.randrange(len(events))
            events[place], event = events[-1], events[place]
            events.pop()
            if found := self._of(state, event):
                return self.random.choice(found)
        return None

    def _of(self, state: State, event: Event, cost: int = FREE) -> list[Step]:
        """What can come of an event in a state, at a cost."""
        slot = self.tables.to[event] if event >= 0 else own(event)
        place = self.head + slot
        local = state.row[place] if place < len(state.row) else NOBODY
        effects = self.effects.move(local) if event < 0 else self.effects.deliver(local, event)
        able = [each for each in effects if each.cost == cost]
        return self._steps(state, self._followed(state.row, able))[0]

    def _due(self, state: State, length: int) -> list[tuple[int, int]]:
        """When what may happen only so often is to happen: after how many steps, and which."""
        return [
            (self.random.randrange(length, max(length, self.longest) + 1), budget)
            for budget, times in enumerate(state.row[: self.head])
            for _ in range(times)
        ]

    def _take_due(self, state: State, due: list[tuple[int, int]], length: int) -> Step | None:
        """What is to happen now, or was before, and can now."""
        for each in [each for each in due if each[0] <= length]:
            befalls_messages = each[1] in (LOSSES, DUPLICATES)
            events = [event for event in self._at(state) if (event >= 0) == befalls_messages]
            self.random.shuffle(events)
            for event in events:
                if found := self._of(state, event, cost=each[1]):
                    due.remove(each)
                    return self.random.choice(found)
        return None

    def _at(self, state: State) -> list[Event]:
        """What may happen in a state, if it can."""
        found = [own(slot) for slot, local in enumerate(state.row[self.head :]) if local]
        return [*found, *self.network.first(state.net)]

    def _take(self, state: State, effect: Effect, print: int) -> State:
        """The state that a step leads to."""
        self.graph.transitions += 1
        self.taken.add(effect.action)
        number = self.numbers.get(print)
        if number is None:
            self.numbers[print] = len(self.graph.parents)
            new = self._add(state, effect, print)
            self._stop_if_full()
            return new
        row, net = self._after(state, effect)
        return State(tuple(row), net, print, (state.seen + effect.seen) & MASK, number)

    @property
    def late(self) -> tuple[int, int]:
        """Of how many of the last runs new states were found, and how many these are."""
        last = self.news[-max(1, len(self.news) // LATE) :]
        return sum(last), len(last)

    def _memory(self) -> int:
        return self.graph.states * FINGERPRINT_BYTES


def own(number: int) -> int:
    """What the process in a slot does by itself, as an event; and which slot that is."""
    return -1 - number

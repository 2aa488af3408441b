"""A way to what contradicts, made shorter: loops are cut, and steps left out one by one.

Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", TSE
28(2), 2002): ever smaller parts are left out, and kept out where the rest still leads to the same.
A step is known by what it takes or does, not by the state before it; one that cannot be taken any
more is passed over. Invariant: the way in the graph is one that was taken, from the beginning.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from quorate.worlds.check.effects import LOST
from quorate.worlds.check.explore import Explorer, Graph, State, Step

STEPS_MAX = 100_000
"""About how many steps are taken again at most."""


class Same(NamedTuple):
    """A step as it is known in other states too. `taken` is a message, of a queue if it has one."""

    kind: str
    slot: int
    queue: int
    taken: int
    choices: tuple[int, ...] = ()


def shorten(explorer: Explorer, steps_max: int = STEPS_MAX) -> None:
    """Give what was found without reductions a shorter way, if there is one. Ctrl-C ends it."""
    graph, observer = explorer.graph, explorer.observer
    assert graph.end is not None
    missing, observer.sometimes = observer.sometimes, []
    again = _Again(explorer, steps_max)
    with contextlib.suppress(KeyboardInterrupt):
        again.shorten()
    observer.sometimes = [found.property for _, found in graph.reached]
    again.give()
    observer.sometimes = missing


class _Again(Explorer):
    """Takes steps again, those that can be taken, from the beginning of what was found."""

    def __init__(self, explorer: Explorer, steps_max: int) -> None:
        self.found = found = explorer.graph
        assert found.end is not None
        super().__init__(
            *(explorer.tables, explorer.observer, explorer.bounds),
            deadlocks=found.wrong is None and found.failed is None,
        )
        first, *rest = explorer.way_to(*found.end)
        self.first = self.effects.of(first)
        self.steps = [self._same(action) for action in rest]
        self.left = steps_max

    def shorten(self) -> None:
        """Leave out ever smaller parts of the steps, single ones until none can be."""
        size = len(self.steps)
        while size and self.left > 0:
            before, start = len(self.steps), 0
            while start < len(self.steps) and self.left > 0:
                if self._lead_there(self.steps[:start] + self.steps[start + size :]):
                    self.steps = [self._same(action) for action in self._way()[1:]]
                else:
                    start += size
            if size > 1 or len(self.steps) == before:
                size //= 2

    def give(self) -> None:
        """Take the way that is left once more, and put it into the graph of what was found."""
        if not self._lead_there(self.steps):
            return
        found, graph = self.found, self.graph
        assert graph.end is not None
        states = graph.states_to(graph.end[0])
        numbers = {each: len(found.parents) + place for place, each in enumerate(states)}
        for each in states:
            found.parents.append(numbers.get(graph.parents[each], -1))
            found.actions.append(graph.actions[each])
        found.forgotten -= len(states)
        found.reached += [(numbers[at], each) for at, each in graph.reached if at in numbers]
        if graph.wrong is not None:
            found.wrong = numbers[graph.wrong[0]], graph.wrong[1]
        elif graph.failed is not None:
            found.failed = numbers.get(graph.failed[0], -1), graph.failed[1]
        elif graph.stuck is not None:
            found.stuck = numbers[graph.stuck]

    def _way(self) -> list[int]:
        assert self.graph.end is not None
        return self.way_to(*self.graph.end)

    def _lead_there(self, steps: Sequence[Same]) -> bool:
        """Whether these steps lead to the same, the first time that they lead to anything."""
        self.graph, self.asked = Graph(), set()
        self.known: dict[int, State] = {}
        self.state = self.before_all
        found = self._possible(self.state, self._followed(self.state.row, [self.first]))
        if found:
            found = self._go(self.state, found[0])
        for same in steps:
            if self.graph.is_refuted:
                break
            if step := self._like(same, found):
                found = self._go(self.state, step)
                self.left -= 1
        return self._is_same()

    def _go(self, state: State, step: Step) -> list[Step]:
        """Take a step, if need be back to where the way was before; what can happen there."""
        effect, print = step
        if print not in self.known:
            self.known[print] = self._add(state, effect, print)
        self.state = self.known[print]
        return self._possible(self.state, self._events(self.state.row, self.state.net))

    def _like(self, same: Same, found: Sequence[Step]) -> Step | None:
        """The same step here, as like as can be: one of the same queue is better than none."""
        best, likest = None, 0
        for step in found:
            other = self._same(step[0].action)
            likeness = sum(1 for a, b in zip(other, same, strict=True) if a == b)
            if other[:2] == same[:2] and other.queue == same.queue and likeness > likest:
                best, likest = step, likeness
        return best

    def _same(self, action: int) -> Same:
        if action < 0:
            message, twice = divmod(LOST - action, 2)
            return Same("twice" if twice else "lost", -1, self.tables.channel[message], message)
        outcome = self.tables.outcomes[action]
        slot = self.tables.slot[outcome.before or outcome.after]
        queue = self.tables.channel[outcome.taken] if outcome.taken >= 0 else -1
        return Same(outcome.kind, slot, queue, outcome.taken, outcome.came.choices)

    def _is_same(self) -> bool:
        """Whether what contradicts now does so as what was found."""
        found, graph = self.found, self.graph
        if found.wrong is not None:
            return graph.wrong is not None and graph.wrong[1].property == found.wrong[1].property
        if found.failed is not None:
            return graph.failed is not None and self._error(graph) == self._error(found)
        return graph.stuck is not None

    def _error(self, graph: Graph) -> tuple[object, type]:
        assert graph.failed is not None
        came = self.tables.outcomes[graph.failed[1]].came
        return came.failed, type(came.error)

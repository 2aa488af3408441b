"""Fair runs of a graph: a way to a cycle in which nothing that is owed is put off for ever.

Such a cycle lies in a strongly connected component, and a component has one if it fulfils what it
owes (Lichtenstein and Pnueli, POPL 1985; Emerson and Lei, SCP 8(3), 1987). Anyone may stand still,
so that a cycle may have no steps. Invariant: a run that is found goes over links that are there,
and none is found only where there is none.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

NOWHERE = -1
"""Where a step leads that may happen next, but has been kept from happening."""

NEVER_OWED = -1
"""The goal of a step that need never be taken."""

DONE = (1 << 31) - 1
"""The index of a state whose component is known: above all others, so that it lowers no link."""


@dataclass
class Links:
    """The steps of a graph, in the order of the states that they start from.

    Those of a state s are `first[s]` to `first[s + 1]`. Step number i leads to the state `to[i]`,
    is `action[i]`, and fulfils `goal[i]`: what is owed where a step with this goal may be taken.
    States from `states` on have not been looked at.
    """

    first: array[int] = field(default_factory=lambda: array("q", [0]))
    to: array[int] = field(default_factory=lambda: array("i"))
    goal: array[int] = field(default_factory=lambda: array("i"))
    action: array[int] = field(default_factory=lambda: array("i"))

    @property
    def states(self) -> int:
        return len(self.first) - 1

    def add(self, to: int, goal: int, action: int) -> None:
        """A step from the state at hand."""
        self.to.append(to)
        self.goal.append(goal)
        self.action.append(action)

    def close(self) -> None:
        """The state at hand has no more steps."""
        self.first.append(len(self.to))

    def steps(self, state: int) -> range:
        return range(self.first[state], self.first[state + 1])

    def owed(self, state: int) -> set[int]:
        """The goals of the steps that may be taken in a state."""
        found = set(self.goal[self.first[state] : self.first[state + 1]])
        found.discard(NEVER_OWED)
        return found

    def arrivals(self, at: bytearray) -> set[int]:
        """The states of `at` to which a step leads from one that is not."""
        return {
            to
            for state in range(self.states)
            if not at[state]
            for to in self.to[self.first[state] : self.first[state + 1]]
            if to != NOWHERE and at[to]
        }


class Run(NamedTuple):
    """A fair run: steps that lead from `root` to a cycle, and those of the cycle, by their numbers.

    `free` are the goals that are owed somewhere in the cycle, but not all around it.
    """

    root: int
    way: list[int]
    loop: list[int]
    free: frozenset[int]


def fair_run(
    links: Links,
    roots: Iterable[int],
    inside: bytearray,
    marked: bytearray | None = None,
    *,
    strong: bool = False,
) -> Run | None:
    """A run from one of `roots` that never leaves `inside`, and is at marked states for ever.

    It is weakly fair: what may happen all the time from some point on, happens then. If `strong`,
    what may happen again and again, happens again and again. `inside` is used up.
    """
    search = _Search(links, inside, strong)
    search.reach(roots)
    found = search.first_fair(marked)
    if found is None:
        return None
    entry, component = found
    root, way = search.way_to(entry)
    return Run(root, way, *search.loop(entry, component))


class _Search:
    def __init__(self, links: Links, inside: bytearray, strong: bool) -> None:
        self.links = links
        self.inside = inside
        self.strong = strong
        self.reached = array("i")
        self.index = array("i", bytes(4 * links.states))
        self.low = array("i", bytes(4 * links.states))
        self.came = array("q", bytes(8 * links.states))  # 1 + the step that a state was reached by
        self.before = array("i", bytes(4 * links.states))

    # What can be reached.

    def reach(self, roots: Iterable[int]) -> None:
        """Go through `inside`, breadth first."""
        links, unseen = self.links, bytearray(self.inside)
        count = links.states
        for root in sorted(roots):
            if root < count and unseen[root]:
                unseen[root] = 0
                self.reached.append(root)
        for state in self.reached:
            for step in links.steps(state):
                to = links.to[step]
                if 0 <= to < count and unseen[to]:
                    unseen[to] = 0
                    self.came[to] = step + 1
                    self.before[to] = state
                    self.reached.append(to)

    def way_to(self, state: int) -> tuple[int, list[int]]:
        """The root, and the steps from there to a state."""
        way = []
        while self.came[state]:
            way.append(self.came[state] - 1)
            state = self.before[state]
        return state, way[::-1]

    # Components.

    def first_fair(self, marked: bytearray | None) -> tuple[int, list[int]] | None:
        """The component with a fair cycle to which the way is shortest, and where that ends."""
        rank = array("i", bytes(4 * self.links.states))
        for number, state in enumerate(self.reached):
            rank[state] = number
        best: tuple[int, list[int]] | None = None
        todo: list[Sequence[int]] = [self.reached]
        while todo:
            for component in self._components(todo.pop()):
                entries = [s for s in component if marked is None or marked[s]]
                entry = min(entries, key=rank.__getitem__, default=None)
                if entry is None or (best is not None and rank[best[0]] < rank[entry]):
                    continue
                unpaid = self._unpaid(component)
                if not unpaid:
                    best = entry, component
                elif self.strong and len(component) > 1:
                    todo.append(self._without(component, unpaid))
        return best

    def _unpaid(self, component: Sequence[int]) -> set[int]:
        """The goals that no cycle in a component can fulfil which goes through all of it."""
        links = self.links
        owed = links.owed(component[0])
        for state in component[1:]:
            if self.strong:
                owed |= links.owed(state)
            elif owed:
                owed &= links.owed(state)
            else:
                return owed
        if not owed:
            return owed
        members = set(component)
        for state in component:
            owed.difference_update(
                links.goal[i] for i in links.steps(state) if links.to[i] in members
            )
        return owed

    def _without(self, component: Sequence[int], goals: set[int]) -> list[int]:
        """The states of a component in which none of these goals is owed; the others are gone."""
        left = []
        for state in component:
            if self.links.owed(state) & goals:
                self.inside[state] = 0
            else:
                self.index[state] = 0
                left.append(state)
        return left

    def _components(self, states: Sequence[int]) -> Iterator[list[int]]:
        """The strongly connected components of states (Tarjan, SIAM J. Comput. 1(2), 1972)."""
        first, all_to, count = self.links.first, self.links.to, self.links.states
        index, low, inside = self.index, self.low, self.inside
        stack: list[int] = []
        number = 0
        for root in states:
            path = [] if index[root] else [root]
            steps = [first[root]]
            while path:
                state, step = path[-1], steps[-1]
                if not index[state]:
                    number += 1
                    index[state] = low[state] = number
                    stack.append(state)
                if step < first[state + 1]:
                    steps[-1] += 1
                    to = all_to[step]
                    if not 0 <= to < count or not inside[to]:
                        continue
                    if not index[to]:
                        path.append(to)
                        steps.append(first[to])
                    elif index[to] < low[state]:
                        low[state] = index[to]
                    continue
                path.pop()
                steps.pop()
                if path and low[state] < low[path[-1]]:
                    low[path[-1]] = low[state]
                if low[state] == index[state]:
                    component = [stack.pop()]
                    while component[-1] != state:
                        component.append(stack.pop())
                    for each in component:
                        index[each] = DONE
                    yield component

    # The cycle.

    def loop(self, entry: int, component: Sequence[int]) -> tuple[list[int], frozenset[int]]:
        """The steps of a fair cycle from `entry` in a component that has one, a short one."""
        links, members = self.links, set(component)
        loop: list[int] = []
        taken: set[int] = set()
        met = links.owed(entry)
        owed = set(met)

        def pays(step: int) -> bool:
            if links.goal[step] in owed:
                return True
            return not self.strong and not owed <= links.owed(links.to[step])

        def closes(step: int) -> bool:
            return links.to[step] == entry

        here = entry
        while owed or here != entry:
            for step in self._walk(here, members, pays if owed else closes):
                here = links.to[step]
                loop.append(step)
                taken.add(links.goal[step])
                there = links.owed(here)
                met |= there
                owed = (owed | there if self.strong else owed & there) - taken
        return loop, frozenset(met - taken)

    def _walk(self, start: int, members: Set[int], ends: Callable[[int], bool]) -> list[int]:
        """The fewest steps among `members` from a state to the end of a step that `ends` it."""
        links = self.links
        came: dict[int, tuple[int, int]] = {}
        queue = [start]
        for state in queue:
            for step in links.steps(state):
                to = links.to[step]
                if to not in members:
                    continue
                if ends(step):
                    way = [step]
                    while state != start:
                        state, step = came[state]
                        way.append(step)
                    return way[::-1]
                if to != start and to not in came:
                    came[to] = state, step
                    queue.append(to)
        raise AssertionError("a component is strongly connected")

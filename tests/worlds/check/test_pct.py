"""Priorities over chains: what the papers prove of them, held to all orders of small events."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.worlds.check.pct import Chains, Priorities

After = list[set[int]]
"""Of each event, those that it comes after, all of which appear before it."""


def orders(most: int) -> st.SearchStrategy[After]:
    """Partial orders of a few events."""
    return st.integers(1, most).flatmap(
        lambda count: st.tuples(
            *(st.sets(st.integers(0, max(0, n - 1))) for n in range(count))
        ).map(lambda sets: closed([set() if n == 0 else each for n, each in enumerate(sets)]))
    )


def closed(direct: After) -> After:
    found: After = []
    for each in direct:
        found.append(each.union(*(found[event] for event in each)))
    return found


def width(order: After) -> int:
    """How many events are independent of one another, at most."""

    def independent(events: tuple[int, ...]) -> bool:
        return not any(a in order[b] for a, b in combinations(events, 2))

    sizes = range(1, len(order) + 1)
    return max(n for n in sizes if any(map(independent, combinations(range(len(order)), n))))


@given(orders(9))
@settings(max_examples=300, deadline=None)
def test_chains_are_ordered_and_not_many(order: After) -> None:
    chains = Chains()
    members: dict[Any, list[int]] = {}
    for event, after in enumerate(order):
        members.setdefault(chains.add(after), []).append(event)
    for chain in members.values():
        assert all(a in order[b] for a, b in combinations(chain, 2))
    w = width(order)
    assert chains.count == len(members) <= w * (w + 1) // 2


class Every:
    """Chance that falls out in every way, one after the other; `share` is how likely each is."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.counts: list[int] = []

    def ways(self) -> Iterator[Fraction]:
        while True:
            self.asked = 0
            self.share = Fraction(1)
            yield Fraction(1)
            while self.answers and self.answers[-1] + 1 == self.counts[-1]:
                self.answers.pop()
                self.counts.pop()
            if not self.answers:
                return
            self.answers[-1] += 1

    def randrange(self, low: int, high: int | None = None) -> int:
        first, end = (0, low) if high is None else (low, high)
        if self.asked == len(self.answers):
            self.answers.append(0)
            self.counts.append(end - first)
        self.asked += 1
        self.share /= end - first
        return first + self.answers[self.asked - 1]

    def choice(self, of: Any) -> Any:
        return of[self.randrange(len(of))]

    def sample(self, of: Any, count: int) -> list[Any]:
        left = list(of)
        return [left.pop(self.randrange(len(left))) for _ in range(count)]


def schedule(order: After, priorities: Priorities) -> list[int]:
    """The events in the order in which they happen: each appears when all before it have."""
    numbers: dict[int, int] = {}
    done: list[int] = []
    while len(done) < len(order):
        for event, after in enumerate(order):
            if event not in numbers and after <= set(done):
                numbers[event] = priorities.appear([numbers[each] for each in after])
        number = priorities.next(lambda each: True)
        priorities.over(number)
        done.append(next(event for event, each in numbers.items() if each == number))
    return done


def hits(order: After, done: list[int], events: tuple[int, ...]) -> bool:
    """Whether each of the events comes as late as those after it let it."""
    return all(
        any(later in (event, *order[event]) for later in events[place:])
        for place, each in enumerate(events)
        for event in done[done.index(each) :]
    )


@pytest.mark.parametrize("bug_depth", [1, 2, 3])
@given(orders(4))
@settings(max_examples=25, deadline=None)
def test_whatever_few_events_bring_about_is_found(bug_depth: int, order: After) -> None:
    count = len(order)
    if count < bug_depth:
        return
    chains = 0
    found: dict[tuple[int, ...], Fraction] = {
        events: Fraction(0)
        for events in permutations(range(count), bug_depth)
        if not any(b in order[a] for a, b in combinations(events, 2))
    }
    every: Any = Every()
    total = Fraction(0)
    for _ in every.ways():
        priorities = Priorities(every, bug_depth, count)
        done = schedule(order, priorities)
        total += every.share
        chains = max(chains, priorities.chains.count)
        for events in found:
            found[events] += every.share * hits(order, done, events)
    assert total == 1
    assert chains <= width(order) ** 2
    assert min(found.values()) >= Fraction(1, chains * count ** (bug_depth - 1))

"""Holding a search with reductions to one without: the same verdict, and the same ends.

Reductions are guesses that were held to the steps of the program (reduction.py, symmetry.py); this
holds them to its behaviours. Invariant: two states that differ by the names of processes which may
change places count as one, and nothing else does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from quorate.worlds.check.explore import Explorer, State
from quorate.worlds.check.tables import NOBODY

End = tuple[tuple[int, ...], tuple[int, ...]]
"""Local states and the network of a state in which nothing can happen any more."""


class Compared(NamedTuple):
    """Two searches: how many states each has found, and in how many ends; whether these agree.

    `unfinished` is the bound that stopped one of them: then only what they have found was compared.
    """

    reduced: int
    whole: int
    ends: int
    agree: bool
    unfinished: str | None


class Ends(Explorer):
    """Explores in plain Python, and notes where nothing can happen any more."""

    ends: dict[int, End]

    def begin(self, begins: Sequence[int]) -> None:
        self.ends = {}
        super().begin(begins)

    def _rest(self, state: State) -> None:
        self.ends[state.print] = state.row[self.head :], state.net
        super()._rest(state)


def compared(part: Ends, whole: Ends, begins: Sequence[int]) -> Compared:
    """Explore both as far as they go; `part` is the one with reductions, none of them refuted."""
    verdicts = [_verdict(each, begins) for each in (part, whole)]
    stopped = part.graph.stopped or whole.graph.stopped
    agree = verdicts[0] == verdicts[1]
    if not (stopped or part.graph.is_refuted or whole.graph.is_refuted):
        agree = agree and is_covered(whole, part, part) and is_covered(part, whole, part)
    elif stopped:
        agree = True  # nobody can tell
    return Compared(part.graph.states, whole.graph.states, len(whole.ends), agree, stopped)


def _verdict(explorer: Ends, begins: Sequence[int]) -> tuple[bool, list[str]]:
    """Explore; what does not depend on the order: whether it is refuted, and what was never so."""
    explorer.observer.begin()
    explorer.begin(begins)
    explorer.go_on()
    refuted = explorer.graph.is_refuted
    return refuted, [] if refuted else [each.name for each in explorer.observer.sometimes]


def is_covered(ends: Ends, by: Ends, part: Ends) -> bool:
    """Whether each end of a search is one of another, but for who may change places in `part`."""
    known = set(by.ends.values())
    return all(any(other in known for other in alike(end, part)) for end in ends.ends.values())


def alike(end: End, part: Ends) -> Iterator[End]:
    """An end, and those that differ from it by the names of processes that may change places."""
    found, known, symmetry = [end], {end}, part.symmetry
    for row, net in found:
        yield row, net
        if symmetry is None:
            return
        for swap in range(len(symmetry.swaps)):
            changed = list(row)
            other = symmetry.change(swap, changed, net, 0, part.network)
            while changed and changed[-1] == NOBODY:
                changed.pop()
            if (tuple(changed), other) not in known:
                known.add((tuple(changed), other))
                found.append((tuple(changed), other))

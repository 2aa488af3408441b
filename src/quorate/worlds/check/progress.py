"""What a breadth-first search has beside its graph, as arrays: to be handed on, written and read.

Invariant: twin and kernel have the same, so that either goes on from where the other was.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from quorate.worlds.check.network import Net

Numbers: TypeAlias = Any
"""An array of integers, of Python or of numpy."""

PART = 1 << 16
"""So many members of a set are handed on at once."""


class Waiting(NamedTuple):
    """States of one level that are still to be looked at, one after the other.

    A row has how many local states there are, those of State.row, and the messages of its network.
    """

    lengths: Numbers
    rows: Numbers
    prints: Numbers
    seen: Numbers


class Progress(NamedTuple):
    """What there is beside a graph: what is left of its last level but one, and what there is of
    the last; the fingerprints of all states, and of what properties were asked, in parts."""

    level: Waiting
    next: Waiting
    asked_count: int
    visited: Iterable[Numbers]
    asked: Iterable[Numbers]


def parts_of(known: Iterable[int]) -> Iterator[Numbers]:
    """The members of a set, a part at a time."""
    left = iter(known)
    while part := array("Q", islice(left, PART)):
        yield part


def waiting_of(states: Iterable[tuple[tuple[int, ...], Net, int, int, int]], head: int) -> Waiting:
    """States as arrays, with `head` budgets in a row; their numbers follow from their place."""
    found = Waiting(array("i"), array("i"), array("Q"), array("Q"))
    for row, net, print, seen, _ in states:
        found.lengths.append(1 + len(row) + len(net))
        found.rows.extend((len(row) - head, *row, *net))
        found.prints.append(print)
        found.seen.append(seen)
    return found


def states_in(waiting: Waiting, head: int) -> Iterator[tuple[tuple[int, ...], Net, int, int]]:
    """The row, the network, and the fingerprints of each."""
    at = 0
    for length, print, seen in zip(waiting.lengths, waiting.prints, waiting.seen, strict=True):
        size, *numbers = waiting.rows[at : at + length]
        yield tuple(numbers[: head + size]), tuple(numbers[head + size :]), print, seen
        at += length

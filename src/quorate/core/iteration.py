"""What a loop that crosses a yield point goes through: a sequence, and the loop keeps an index.

Python's own iterators of containers cannot be stored, so the container itself is kept. Invariant:
the loop sees the same members, at the same moments, as Python's own loop would.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import GeneratorType
from typing import Any

KEPT = (list, tuple, range, str, bytes, bytearray)


class Drawn(Sequence[Any]):
    """A sequence as long as an iterator has been drawn from: it may be without end.

    Its length is one more than the last member that was read, or less where there is none.
    """

    __slots__ = ("_source", "_start", "_waiting")

    def __init__(self, source: Iterator[Any]) -> None:
        self._source = source
        self._start = 0
        self._waiting: list[Any] = []

    def __len__(self) -> int:
        if not self._waiting:
            self._waiting.extend(value for value in _one(self._source))
        return self._start + len(self._waiting)

    def __getitem__(self, index: Any) -> Any:
        if not self._waiting or index != self._start:
            raise IndexError(index)
        self._start += 1
        return self._waiting.pop()


def _one(source: Iterator[Any]) -> Iterator[Any]:
    for value in source:
        yield value
        return


def items(iterable: Iterable[Any]) -> Sequence[Any]:
    """The members of `iterable` in order, as a sequence to be read once, from the front.

    A list is itself, so that the loop sees what is added to it, as in Python. An iterator is
    drawn from as the loop goes on; only a generator expression is drawn from at once, since it
    could not be stored half-way.
    """
    if isinstance(iterable, KEPT):
        return iterable
    if isinstance(iterable, GeneratorType) and iterable.gi_code.co_name == "<genexpr>":
        return list(iterable)
    if isinstance(iterable, Iterator):
        return Drawn(iterable)
    return list(iterable)

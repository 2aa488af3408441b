"""What views keep of messages, as a value: what is frozen of a view with its process.

Nothing that follows from the rest, or is as the class of the process begins it, is a part of that.
Invariant: a view that is begun anew and given its state back answers as it would have, for who
watches it asks it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

State = tuple[Any, ...]
"""Rows, and tuples and frozensets of them; () where nothing has come yet."""

Order = Callable[[Iterable[Any]], State]
"""How rows are arranged, of which but a query can tell in which order they came."""


class Unordered(tuple[Any, ...]):
    """Rows in an order that nobody can see."""

    __slots__ = ()


class Kept:
    """The rows of one key, or of a view without keys, as far as they are kept."""

    __slots__ = ()

    def add(self, row: Any) -> bool:
        """Take a row; whether that can change the answer of a query."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def state(self, order: Order) -> State:
        """What there is, from which `restore` makes the same of what has just been begun."""
        return tuple(self)

    def restore(self, state: State) -> None:
        for row in state:
            self.add(row)

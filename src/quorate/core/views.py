"""Views: for each pattern that queries ask for, the rows that are enough to answer them.

A row is what the variables of a pattern are bound to by one message, a key what the pattern
compares with; a view is kept up to date as messages are taken (finite differencing: Paige and
Koenig 1982, sections 2 and 3; for histories: Liu, Stoller and Lin, TOPLAS 2017, section 4).
Invariant: rows are gone through in the order in which the first message of each was taken.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, Protocol

from quorate.core.ids import ProcessId

METHODS = frozenset({"received_views_", "sent_views_", "keep_received_", "keep_sent_"})
"""What a compiled class calls the methods that begin its views and add to them."""

NONE: Collection[Any] = ()
_TOTAL = frozenset({bool, int, str, bytes, ProcessId})
"""Types whose values are totally ordered among themselves."""


class Rows(Protocol):
    """The rows of one view, or of one key of it."""

    def add(self, row: Any) -> bool:
        """Take a row; whether that can change the answer of a query."""

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...


class Distinct:
    """Each row once, the first of equal ones."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: dict[Any, Any] = {}

    def add(self, row: Any) -> bool:
        rows = self.rows
        try:
            if row in rows:
                return False
            rows[row] = row
        except TypeError:  # a list, say, is told from others by nothing but comparing
            rows[Unhashable()] = row
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)


class Unhashable:
    """Stands for a row that cannot be the key of a dictionary."""


class Every(list[Any]):
    """Every row, as often as it comes: for sums, and for lists in the order of the history."""

    def add(self, row: Any) -> bool:
        self.append(row)
        return True


class _Extreme:
    """The greatest of all rows, or the least: enough for a comparison with it.

    What is not totally ordered with the rest (a set, a vector time, a number among texts) is kept
    beside it, so that comparing goes as it would with all of them.
    """

    __slots__ = ("best", "odd")

    def __init__(self) -> None:
        self.best: tuple[Any, ...] = ()
        self.odd: list[Any] = []

    def better(self, row: Any, best: Any) -> bool:
        raise NotImplementedError

    def add(self, row: Any) -> bool:
        if not self.best:
            if _is_ordered(row):
                self.best = (row,)
                return True
        elif _ordered_alike(row, self.best[0]):
            if not self.better(row, self.best[0]):
                return False
            self.best = (row,)
            return True
        self.odd.append(row)
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter((*self.best, *self.odd) if self.odd else self.best)

    def __len__(self) -> int:
        return len(self.best) + len(self.odd)


class Greatest(_Extreme):
    __slots__ = ()

    def better(self, row: Any, best: Any) -> bool:
        return bool(row > best)


class Least(_Extreme):
    __slots__ = ()

    def better(self, row: Any, best: Any) -> bool:
        return bool(row < best)


def _is_ordered(row: Any) -> bool:
    kind = type(row)
    if kind is tuple:
        return all(map(_is_ordered, row))
    return kind in _TOTAL or (kind is float and row == row)


def _ordered_alike(one: Any, other: Any) -> bool:
    """Whether two rows, the second of them ordered, are comparable part by part."""
    kind, other_kind = type(one), type(other)
    if kind is tuple and other_kind is tuple:
        return len(one) == len(other) and all(map(_ordered_alike, one, other))
    if kind is other_kind:
        return kind in _TOTAL or _is_ordered(one)
    return kind in _NUMBERS and other_kind in _NUMBERS and one == one


_NUMBERS = frozenset({bool, int, float})


class Facts:
    """The keys that there is a message for."""

    __slots__ = ("keys", "odd")

    def __init__(self) -> None:
        self.keys: set[Any] = set()
        self.odd: list[Any] = []

    def add(self, key: Any) -> bool:
        try:
            if key in self.keys:
                return False
            self.keys.add(key)
        except TypeError:
            self.odd.append(key)
        return True

    def __contains__(self, key: Any) -> bool:
        try:
            if key in self.keys:
                return True
        except TypeError:
            return key in self.odd or any(key == each for each in self.keys)
        return bool(self.odd) and key in self.odd

    def __getitem__(self, key: Any) -> Collection[Any]:
        """One row that says nothing, or none."""
        return (True,) if key in self else NONE


class Groups:
    """Rows by key, each group kept as `kind` does."""

    __slots__ = ("groups", "kind", "odd")

    def __init__(self, kind: Callable[[], Rows] = Distinct) -> None:
        self.kind = kind
        self.groups: dict[Any, Rows] = {}
        self.odd: list[tuple[Any, Rows]] = []  # those whose keys cannot be hashed

    def add(self, key: Any, row: Any) -> bool:
        try:
            group = self.groups.get(key)
            if group is None:
                group = self.groups[key] = self.kind()
        except TypeError:
            group = next((rows for own, rows in self.odd if own == key), None)
            if group is None:
                group = self.kind()
                self.odd.append((key, group))
        return group.add(row)

    def __getitem__(self, key: Any) -> Collection[Any]:
        """The rows of `key`, none where there is no such group."""
        try:
            group = self.groups.get(key)
        except TypeError:
            return self._compared(key)
        if self.odd:
            return self._compared(key)
        return NONE if group is None else group  # type: ignore[return-value]

    def _compared(self, key: Any) -> Collection[Any]:
        everybody = [*self.groups.items(), *self.odd]
        return [row for own, rows in everybody if own == key for row in rows]

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
from quorate.core.pending import Pending, Unhashable, Watched, reading, state_of, wake

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


class Distinct(Watched):
    """Each row once, the first of equal ones."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[Any, Any] = {}

    def add(self, row: Any) -> bool:
        rows = self.rows
        try:
            if row in rows:
                return False
            rows[row] = row
        except TypeError:  # a list, say, is told from others by nothing but comparing
            rows[Unhashable()] = row
        if self.watchers:
            self.changed()
        return True

    def __iter__(self) -> Iterator[Any]:
        if reading.log is not None:
            self.read()
        return iter(self.rows.values())

    def __len__(self) -> int:
        if reading.log is not None:
            self.read()
        return len(self.rows)


class Every(Watched):
    """Every row, as often as it comes: for sums, and for lists in the order of the history."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Any] = []

    def add(self, row: Any) -> bool:
        self.rows.append(row)
        if self.watchers:
            self.changed()
        return True

    def __iter__(self) -> Iterator[Any]:
        self.read()
        return iter(self.rows)

    def __len__(self) -> int:
        self.read()
        return len(self.rows)


class _Extreme(Watched):
    """The greatest of all rows, or the least: enough for a comparison with it.

    What is not totally ordered with the rest (a set, a vector time, a number among texts) is kept
    beside it, so that comparing goes as it would with all of them.
    """

    __slots__ = ("best", "odd")

    def __init__(self) -> None:
        super().__init__()
        self.best: tuple[Any, ...] = ()
        self.odd: list[Any] = []

    def better(self, row: Any, best: Any) -> bool:
        raise NotImplementedError

    def add(self, row: Any) -> bool:
        if not self.best:
            ordered = _is_ordered(row)
        else:
            ordered = _ordered_alike(row, self.best[0])
            if ordered and not self.better(row, self.best[0]):
                return False
        if ordered:
            self.best = (row,)
        else:
            self.odd.append(row)
        if self.watchers:
            self.changed()
        return True

    def __iter__(self) -> Iterator[Any]:
        self.read()
        return iter((*self.best, *self.odd) if self.odd else self.best)

    def __len__(self) -> int:
        self.read()
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


class _Keyed:
    """Keys; who has asked for one that is not there can be told when it comes."""

    __slots__ = ("absent", "odd")

    def __init__(self) -> None:
        self.absent: dict[Any, set[tuple[Pending, Any]]] = {}
        self.odd: list[Any] = []  # what belongs to keys that cannot be hashed

    def missing(self, key: Any) -> None:
        """Note that `key` was asked for, and is not there."""
        if reading.log is not None:
            reading.log.append((self, key))

    def watch(self, key: Any, pending: Pending, row: Any) -> None:
        """Wake a row of `pending` when `key` comes."""
        self.absent.setdefault(key, set()).add((pending, row))

    def came(self, key: Any) -> None:
        wake(self.absent.pop(key, ()))

    def unwatchable(self) -> None:
        """Note that keys were compared one by one."""
        if reading.log is not None:
            reading.log.append(None)

    def __getstate__(self) -> Any:
        return state_of(self)


class Facts(_Keyed):
    """The keys that there is a message for."""

    __slots__ = ("keys",)

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[Any] = set()

    def add(self, key: Any) -> bool:
        try:
            if key in self.keys:
                return False
            self.keys.add(key)
        except TypeError:
            self.odd.append(key)
            self.absent, absent = {}, self.absent
            for watchers in absent.values():
                wake(watchers)
            return True
        if self.absent:
            self.came(key)
        return True

    def __contains__(self, key: Any) -> bool:
        try:
            if key in self.keys:
                return True
        except TypeError:
            self.unwatchable()
            return key in self.odd or any(key == each for each in self.keys)
        if self.odd and key in self.odd:
            return True
        if reading.log is not None:
            self.missing(key)
        return False

    def __getitem__(self, key: Any) -> Collection[Any]:
        """One row that says nothing, or none."""
        return (True,) if key in self else NONE


class Groups(_Keyed):
    """Rows by key, each group kept as `kind` does."""

    __slots__ = ("empty", "groups", "kind")

    def __init__(self, kind: Callable[[], Rows] = Distinct) -> None:
        super().__init__()
        self.kind = kind
        self.empty = kind()
        self.groups: dict[Any, Rows] = {}

    def add(self, key: Any, row: Any) -> bool:
        try:
            group = self.groups.get(key)
            if group is None:
                group = self.groups[key] = self.kind()
                if self.absent:
                    self.came(key)
        except TypeError:
            group = next((rows for own, rows in self.odd if own == key), None)
            if group is None:
                group = self.kind()
                self.odd.append((key, group))
        return group.add(row)

    def __getitem__(self, key: Any) -> Rows:
        """The rows of `key`, none where there is no such group."""
        try:
            group = self.groups.get(key)
        except TypeError:
            return self._compared(key)
        if self.odd:
            return self._compared(key)
        if group is None:
            if reading.log is not None:
                self.missing(key)
            return self.empty
        return group

    def _compared(self, key: Any) -> Rows:
        self.unwatchable()
        found = self.kind()
        for own, rows in [*self.groups.items(), *self.odd]:
            if own == key:
                for row in rows:
                    found.add(row)
        return found

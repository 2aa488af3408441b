"""Rows of which the greatest, the least, the first or the sum are enough to answer a query.

Each takes a row in constant time, and keeps those that can still be an answer. What is not totally
ordered with the rest (a set, a vector time, a number among texts) is kept beside them, so that
comparing goes as it would with all rows. Invariant: rows are gone through in the order they came.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

from quorate.core.ids import ProcessId
from quorate.core.kept import Kept, Order, State
from quorate.core.pending import Unhashable

_NUMBERS = frozenset({bool, int, float})
_TOTAL = frozenset({bool, int, str, bytes, ProcessId})
"""Types whose values are totally ordered among themselves."""

Columns = tuple[int, ...] | None
"""Places in a row; None for the row itself, which is no tuple where it has one column."""


def part(row: Any, columns: Columns) -> Any:
    """The value of some columns of a row: one as it is, several as a tuple."""
    if columns is None:
        return row
    return row[columns[0]] if len(columns) == 1 else tuple(row[column] for column in columns)


def greater(value: Any, other: Any) -> bool:
    return bool(value > other)


def less(value: Any, other: Any) -> bool:
    return bool(value < other)


class Ranked:
    """What keeps rows by which is better; the class says in which direction."""

    __slots__ = ()

    @staticmethod
    def better(value: Any, other: Any) -> bool:
        raise NotImplementedError


class _Extreme(Ranked, Kept):
    """The greatest of all rows, or the least: enough for a comparison with it.

    Of rows that come one after the other and are ordered alike, the best is kept. Python's `max`
    over what is kept compares as over all rows, and so raises nothing that it would not raise.
    """

    __slots__ = ("odd", "ordered", "rows")

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.ordered = False  # the last of them
        self.odd: set[Any] = set()

    def add(self, row: Any) -> bool:
        rows = self.rows
        if self.ordered and ordered_alike(row, rows[-1]):
            if not self.better(row, rows[-1]):
                return False
            rows[-1] = row
            return True
        ordered = is_ordered(row)
        if not ordered:
            try:
                if row in self.odd:
                    return False
                self.odd.add(row)
            except TypeError:  # it cannot be hashed
                pass
        self.ordered = ordered
        rows.append(row)
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class Greatest(_Extreme):
    __slots__ = ()
    better = staticmethod(greater)


class Least(_Extreme):
    __slots__ = ()
    better = staticmethod(less)


class _Records(Ranked, Kept):
    """The rows that were better than all before them, by the value of some columns.

    The first row of all that passes a bound is one of these, and is found by bisection. From the
    first odd row on, all are kept.
    """

    __slots__ = ("columns", "rest", "rows", "values")

    def __init__(self, columns: Columns = None) -> None:
        self.columns = columns
        self.values: list[Any] = []
        self.rows: list[Any] = []
        self.rest: dict[Any, Any] = {}

    def add(self, row: Any) -> bool:
        value = part(row, self.columns)
        if self.rest or not self._fits(value):
            try:
                if row in self.rest:
                    return False
                self.rest[row] = row
            except TypeError:
                self.rest[Unhashable()] = row
        elif not self.values or self.better(value, self.values[-1]):
            self.values.append(value)
            self.rows.append(row)
        else:
            return False
        return True

    def _fits(self, value: Any) -> bool:
        return ordered_alike(value, self.values[0]) if self.values else is_ordered(value)

    def beyond(self, bound: Any) -> Iterator[Any]:
        """The rows from the first on that may be as good as `bound`."""
        first = 0
        if self.values and ordered_alike(bound, self.values[0]):
            last = len(self.values)
            while first < last:
                middle = (first + last) // 2
                if self.better(bound, self.values[middle]):
                    first = middle + 1
                else:
                    last = middle
        for place in range(first, len(self.rows)):
            yield self.rows[place]
        yield from self.rest.values()

    def __iter__(self) -> Iterator[Any]:
        return iter([*self.rows, *self.rest.values()])

    def __len__(self) -> int:
        return len(self.rows) + len(self.rest)


class Rising(_Records):
    __slots__ = ()
    better = staticmethod(greater)


class Falling(_Records):
    __slots__ = ()
    better = staticmethod(less)


class _Tops(Ranked, Kept):
    """Different rows, without those that another of their group is better than.

    `of` are the columns that tell which is better, `by` those that a group has in common.
    """

    __slots__ = ("by", "of", "rows", "tops")

    def __init__(self, of: Columns, by: Columns = ()) -> None:
        self.of = of
        self.by = by
        self.rows: dict[Any, Any] = {}
        self.tops: dict[Any, tuple[Any, list[Any]]] = {}  # of a group: its best, the rows of that

    def add(self, row: Any) -> bool:
        try:
            if row in self.rows:
                return False
        except TypeError:
            self.rows[Unhashable()] = row
            return True
        value, group = part(row, self.of), part(row, self.by)
        top = self.tops.get(group)
        if top is None or not ordered_alike(value, top[0]):
            if top is None and is_ordered(value):
                self.tops[group] = value, [row]
        elif self.better(top[0], value):
            return False
        elif self.better(value, top[0]):
            for lesser in top[1]:
                del self.rows[lesser]
            self.tops[group] = value, [row]
        else:
            top[1].append(row)
        self.rows[row] = row
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)

    def state(self, order: Order) -> State:
        if not self.rows:
            return ()
        groups = order(self.tops)
        tops = type(groups)((group, *self._top(group, order)) for group in groups)
        return order(self.rows.values()), tops

    def _top(self, group: Any, order: Order) -> tuple[Any, State]:
        best, rows = self.tops[group]
        return best, order(rows)

    def restore(self, state: State) -> None:
        if state:
            all_rows, tops = state
            for row in all_rows:
                try:
                    self.rows[row] = row
                except TypeError:
                    self.rows[Unhashable()] = row
            for group, best, rows in tops:
                self.tops[group] = best, list(rows)


class Highest(_Tops):
    __slots__ = ()
    better = staticmethod(greater)


class Lowest(_Tops):
    __slots__ = ()
    better = staticmethod(less)


class Unlike(Kept):
    """The first row, and the first that differs from it in the value of some columns.

    The first of all rows that is unlike a given value is one of the two.
    """

    __slots__ = ("columns", "rows")

    def __init__(self, columns: Columns = None) -> None:
        self.columns = columns
        self.rows: list[Any] = []

    def add(self, row: Any) -> bool:
        known = self.rows
        if not known or (len(known) < 2 and self._differ(row, known[0])):
            known.append(row)
            return True
        return False

    def _differ(self, row: Any, other: Any) -> bool:
        return bool(part(row, self.columns) != part(other, self.columns))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class Sorted(Kept):
    """Different rows, sorted by the value of some columns as far as these are ordered alike."""

    __slots__ = ("columns", "rest", "rows", "sorted", "values")

    def __init__(self, columns: Columns = None) -> None:
        self.columns = columns
        self.rows: dict[Any, Any] = {}
        self.values: list[Any] = []
        self.sorted: list[tuple[int, Any]] = []  # by `values`: (number, row)
        self.rest: list[tuple[int, Any]] = []

    def add(self, row: Any) -> bool:
        entry = len(self.rows), row
        try:
            if row in self.rows:
                return False
            self.rows[row] = row
        except TypeError:
            self.rows[Unhashable()] = row
        value = part(row, self.columns)
        if not (ordered_alike(value, self.values[0]) if self.values else is_ordered(value)):
            self.rest.append(entry)
            return True
        place = bisect_right(self.values, value)
        self.values.insert(place, value)
        self.sorted.insert(place, entry)
        return True

    def within(self, bound: Callable[[], Any], upward: bool, nearest: bool) -> Iterator[Any]:
        """The rows that may be on one side of a bound or at it, in the order in which they came.

        With `nearest`, where rows have no other columns, of those that are ordered the two that are
        closest to it: one that is equal may not be asked for.
        """
        try:
            limit = bound()
            if not (self.values and ordered_alike(limit, self.values[0])):
                return iter(self)
        except Exception:  # the comparison itself is to raise it, if it comes to that
            return iter(self)
        if upward:
            found = self.sorted[bisect_left(self.values, limit) :]
            found = found[:2] if nearest else found
        else:
            found = self.sorted[: bisect_right(self.values, limit)]
            found = found[-2:] if nearest else found
        return (row for _, row in sorted([*found, *self.rest], key=itemgetter(0)))

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)


class Total(Kept):
    """The sum of the whole numbers up to the first value that is none, and all from that on.

    Python's `sum` over these adds up as over all: fractions, whose sum depends on their order, in
    their order.
    """

    __slots__ = ("rest", "rows", "total")

    def __init__(self) -> None:
        self.rows = 0
        self.total = 0
        self.rest: list[Any] = []

    def add(self, row: Any) -> bool:
        if self.rest or type(row) not in (int, bool):
            self.rest.append(row)
        else:
            self.rows += 1
            self.total += row
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter([self.total, *self.rest])

    def __len__(self) -> int:
        return self.rows + len(self.rest)

    def state(self, order: Order) -> State:
        return (self.rows, self.total, *self.rest) if len(self) else ()

    def restore(self, state: State) -> None:
        if state:
            self.rows, self.total, *self.rest = state


def is_ordered(row: Any) -> bool:
    """Whether a value is totally ordered among those of its types."""
    kind = type(row)
    if kind is tuple:
        return all(map(is_ordered, row))
    return kind in _TOTAL or (kind is float and row == row)


def ordered_alike(one: Any, other: Any) -> bool:
    """Whether two values, the second of them ordered, are comparable part by part."""
    kind, other_kind = type(one), type(other)
    if kind is tuple and other_kind is tuple:
        return len(one) == len(other) and all(map(ordered_alike, one, other))
    if kind is other_kind:
        return kind in _TOTAL or is_ordered(one)
    return kind in _NUMBERS and other_kind in _NUMBERS and one == one

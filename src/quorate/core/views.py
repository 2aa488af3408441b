"""Views: for each pattern that queries ask for, the rows that are enough to answer them.

A row is what the variables of a pattern are bound to by one message, a key what the pattern
compares with; a view is kept up to date as messages are taken (finite differencing: Paige and
Koenig 1982, sections 2 and 3; for histories: Liu, Stoller and Lin, TOPLAS 2017, section 4).
Invariant: rows are gone through in the order in which the first message of each was taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from typing import Any

from quorate.core.kept import Kept, Order, State
from quorate.core.pending import Unhashable, Watched, reading

NONE: Collection[Any] = ()
# What is kept of rows -------------------------------------------------------------------------


class Distinct(dict[Any, Any], Kept):
    """Each row once, the first of equal ones."""

    __slots__ = ()

    def add(self, row: Any) -> bool:
        before = len(self)
        try:
            self.setdefault(row, row)
        except TypeError:  # a list, say, is told from others by nothing but comparing
            self[Unhashable()] = row
        return len(self) != before

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values())

    def state(self, order: Order) -> State:
        return order(self.values())


class Every(list[Any], Kept):
    """Every row, as often as it comes: for sums, and for lists in the order of the history."""

    __slots__ = ()

    def add(self, row: Any) -> bool:
        self.append(row)
        return True


# Views ----------------------------------------------------------------------------------------


class Rows(Watched):
    """The rows of a pattern that compares with nothing."""

    __slots__ = ("rows",)

    def __init__(self, kind: Callable[[], Kept] = Distinct) -> None:
        super().__init__()
        self.rows = kind()

    def add(self, row: Any) -> bool:
        changed = self.rows.add(row)
        if changed and self.watchers:
            self.wake(None)
        return changed

    def __iter__(self) -> Iterator[Any]:
        if reading.log is not None:
            self.read(None)
        return iter(self.rows)

    def __len__(self) -> int:
        if reading.log is not None:
            self.read(None)
        return len(self.rows)

    def beyond(self, bound: Any) -> Iterator[Any]:
        """Of records, those that may be as good as `bound`."""
        if reading.log is not None:
            self.read(None)
        return self.rows.beyond(bound)  # type: ignore[attr-defined, no-any-return]

    def within(self, bound: Callable[[], Any], upward: bool, nearest: bool) -> Iterator[Any]:
        """Of sorted rows, those that may be on one side of a bound."""
        if reading.log is not None:
            self.read(None)
        return self.rows.within(bound, upward, nearest)  # type: ignore[attr-defined, no-any-return]

    def state(self, order: Order) -> State:
        return self.rows.state(order)

    def restore(self, state: State) -> None:
        self.rows.restore(state)


class Facts(Watched):
    """The keys that there is a message for.

    A new one changes no answer where all that has been read is watched, and this key is not.
    """

    __slots__ = ("keys", "odd")

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[Any] = set()
        self.odd: list[Any] = []  # those that cannot be hashed

    def add(self, key: Any) -> bool:
        try:
            if key in self.keys:
                return False
            self.keys.add(key)
        except TypeError:
            self.odd.append(key)
            self.wake_all()  # some key may be equal to it
            return True
        if self.watchers and self.wake(key):
            return True
        return self.unnoted

    def __contains__(self, key: Any) -> bool:
        try:
            known = key in self.keys
        except TypeError:
            self.unwatchable()
            return key in self.odd or any(key == each for each in self.keys)
        if known or (self.odd and key in self.odd):
            return True
        if reading.log is not None:
            self.read(key)
        else:
            self.unnoted = True
        return False

    def discard(self, key: Any) -> None:
        """Nobody is going to ask for `key` any more."""
        self.keys.discard(key)

    def __getitem__(self, key: Any) -> Collection[Any]:
        """One row that says nothing, or none."""
        return (True,) if key in self else NONE

    def state(self, order: Order) -> State:
        return (frozenset(self.keys), *self.odd) if self.keys or self.odd else ()

    def restore(self, state: State) -> None:
        if state:
            keys, *self.odd = state
            self.keys.update(keys)


class Groups(Watched):
    """Rows by key: different ones, or as `kind` keeps them."""

    __slots__ = ("empty", "groups", "kind", "odd", "spare")

    def __init__(self, kind: Callable[[], Kept] = Distinct) -> None:
        super().__init__()
        self.kind = kind
        self.empty = kind()
        self.spare = kind()  # for the next key, so that it is hashed once
        self.groups: defaultdict[Any, Any] = defaultdict(kind)  # begun when first asked for
        self.odd: list[tuple[Any, Kept]] = []  # those whose keys cannot be hashed

    def add(self, key: Any, row: Any) -> bool:
        try:
            group: Kept = self.groups[key]
        except TypeError:
            self.wake_all()
            return self._odd_group(key).add(row)
        changed = group.add(row)
        if changed and self.watchers:
            self.wake(key)
        return changed

    def put(self, key: Any, row: Any) -> Kept:
        """Add to different rows, and answer those of `key` afterwards."""
        if not (self.watchers or self.odd):
            try:
                spare = self.spare
                group: Kept = self.groups.setdefault(key, spare)
                if group is spare:
                    self.spare = self.kind()
                group.setdefault(row, row)  # type: ignore[attr-defined]
                return group
            except TypeError:
                pass
        self.add(key, row)
        return self[key]

    def _odd_group(self, key: Any) -> Kept:
        for own, rows in self.odd:
            if own == key:
                return rows
        self.odd.append((key, self.kind()))
        return self.odd[-1][1]

    def __getitem__(self, key: Any) -> Kept:
        """The rows of `key`, none where there is no such group."""
        try:
            group = self.groups.get(key)
        except TypeError:
            return self._compared(key)
        if self.odd:
            return self._compared(key)
        if reading.log is not None:
            self.read(key)
        return self.empty if group is None else group

    def _compared(self, key: Any) -> Kept:
        self.unwatchable()
        found = self.kind()
        for own, rows in [*self.groups.items(), *self.odd]:
            if own == key:
                for row in rows:
                    found.add(row)
        return found

    def state(self, order: Order) -> State:
        if not self.groups and not self.odd:
            return ()
        keys = order(key for key, rows in self.groups.items() if len(rows))
        groups = type(keys)((key, self.groups[key].state(order)) for key in keys)
        return groups, tuple((key, rows.state(order)) for key, rows in self.odd)

    def restore(self, state: State) -> None:
        if state:
            groups, odd = state
            for key, rows in groups:
                self.groups[key].restore(rows)
            for key, rows in odd:
                self._odd_group(key).restore(rows)

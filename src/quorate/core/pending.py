"""Rows that may still decide a query, and who wakes them.

A condition that has been evaluated for a row is evaluated again only when a view that it read has
changed, or a value from outside of the history (self-adjusting computation: Acar, Blelloch and
Harper, POPL 2002; on demand: Hammer et al., PLDI 2014). A row for which it can never matter again
is dropped. Invariant: what sleeps would be evaluated to what it was evaluated to before.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, Protocol

from quorate.core.ids import ProcessId
from quorate.core.kept import Order, State
from quorate.core.messages import is_fixed


class _Reading:
    """What is read while the condition of a row is evaluated: (view, key or None) each.

    None among them stands for what cannot be watched.
    """

    __slots__ = ("log",)

    def __init__(self) -> None:
        self.log: list[tuple[Any, Any] | None] | None = None


reading = _Reading()


class Sleeper(Protocol):
    """Whose rows sleep until a view wakes them: it puts them into `awake`."""

    awake: set[Any]


class _Several(set[Any]):
    """Rows that watch the same key, where there is more than one."""

    __slots__ = ()


class Watched:
    """A view that tells who has read it when that changes, key by key; None where it has none.

    Of each sleeper it holds which row watches which key: most keys have one row, which costs an
    entry of a dictionary and nothing that the garbage collector goes over. `unnoted` is set for
    good once somebody reads it who watches nothing.
    """

    __slots__ = ("unnoted", "watchers")

    def __init__(self) -> None:
        self.watchers: dict[Sleeper, dict[Any, Any]] = {}
        self.unnoted = False

    def read(self, key: Any) -> None:
        """What there is for `key` is read."""
        if reading.log is not None:
            reading.log.append((self, key))

    def unwatchable(self) -> None:
        """Keys are compared one by one."""
        self.unnoted = True
        if reading.log is not None:
            reading.log.append(None)

    def watch(self, key: Any, pending: Sleeper, row: Any) -> None:
        """Wake a row of `pending` when there is more for `key`."""
        watched = self.watchers.setdefault(pending, {})
        known = watched.setdefault(key, row)
        if isinstance(known, _Several):
            known.add(row)
        elif known is not row:
            watched[key] = _Several((known, row))

    def unwatch(self, key: Any, pending: Sleeper, row: Any) -> None:
        """Wake it no more."""
        watched = self.watchers.get(pending, {})
        known = watched.get(key)
        if isinstance(known, _Several) and len(known) > 1:
            known.discard(row)
        elif known == row or known == {row}:
            self._forget(key, pending, watched)

    def wake(self, key: Any) -> bool:
        """There is more for `key`; whether somebody watches that."""
        woken = False
        for pending, watched in list(self.watchers.items()):
            if key in watched:
                woken = True
                row = self._forget(key, pending, watched)
                if isinstance(row, _Several):
                    pending.awake |= row
                else:
                    pending.awake.add(row)
        return woken

    def _forget(self, key: Any, pending: Sleeper, watched: dict[Any, Any]) -> Any:
        row = watched.pop(key, None)
        if not watched:
            self.watchers.pop(pending, None)
        return row

    def wake_all(self) -> None:
        for key in {key for watched in self.watchers.values() for key in watched}:
            self.wake(key)


def watch_all(log: list[tuple[Any, Any] | None], pending: Sleeper, row: Any) -> bool:
    """Have all that was read for a row of `pending` wake it; whether that can be done."""
    watchable = None not in log
    for read in log:
        if read is None:
            continue
        view, key = read
        if watchable:
            view.watch(key, pending, row)
        else:
            view.unnoted = True
    return watchable


class Unhashable:
    """Stands for a row that cannot be the key of a dictionary."""


class Pending:
    """Different rows, for one query alone, which asks for them by `open`.

    Where a row holds the time at which its message was sent, and by whom, at the places `time` and
    `sender`, and channels keep order, a row that is not later than one dropped has come before.
    """

    __slots__ = ("awake", "count", "dropped", "over", "params", "places", "rows", "views")

    def __init__(self, time: int | None = None, sender: int = 0) -> None:
        self.places = None if time is None else (time, sender)
        self.dropped: dict[ProcessId, Any] = {}  # sender -> the latest time
        self.rows: dict[Any, tuple[int, Any]] = {}  # with the number that tells the order
        self.over: dict[Any, tuple[int, Any]] = {}  # dropped, as long as `views` are not reset
        self.views: tuple[Any, ...] = ()
        self.count = 0
        self.awake: set[Any] = set()
        self.params: Any = None

    def add(self, row: Any) -> bool:
        try:
            if row in self.rows or row in self.over:
                return False
            key = row
            if self.dropped and self._has_come(row):
                return False
        except TypeError:
            key = Unhashable()
        self.rows[key] = self.count, row
        self.awake.add(key)
        self.count += 1
        return True

    def _origin(self, row: Any) -> tuple[Any, ProcessId]:
        assert self.places is not None
        time, sender = self.places
        return row[time], row[sender]

    def _has_come(self, row: Any) -> bool:
        time, sender = self._origin(row)
        return sender in self.dropped and bool(time <= self.dropped[sender])

    def _settle(self, row: Any, facts: Any) -> None:
        """Forget a row that is dropped for ever, with the fact that drops it."""
        time, sender = self._origin(row)
        self.dropped[sender] = max(time, self.dropped.get(sender, time))
        facts.discard(row)

    def __iter__(self) -> Iterator[Any]:
        """All that have not been dropped."""
        return (row for _, row in self.rows.values())

    def __len__(self) -> int:
        return len(self.rows)

    def open(
        self,
        params: Callable[[], tuple[Any, ...]],
        final: Callable[..., bool] | None = None,
        views: tuple[Any, ...] = (),
        settles: Any = None,
    ) -> Iterator[Any]:
        """The rows whose condition may answer otherwise than before, in order.

        Whoever goes through them stops at the first that decides the query. `params` gives the
        values from outside; `final` says of the columns of a row that it cannot decide any more,
        until one of `views`, which are those of the other history, begins anew. `settles` are the
        facts that `final` asks for, of which nobody else asks.
        """
        if any(map(operator.is_not, views, self.views)):
            self.rows = dict(sorted((self.over | self.rows).items(), key=lambda item: item[1][0]))
            self.over, self.params = {}, None
        self.views = views
        if not self.rows:
            return
        given = params()
        if given != self.params or not is_fixed(given):
            self.params = given
            self.awake = set(self.rows)
        self.awake = {key for key in self.awake if key in self.rows}  # not what was dropped
        for key in sorted(self.awake, key=lambda each: self.rows[each][0]):
            entry = self.rows[key]
            row = entry[1]
            if final is not None and _holds(final, row):
                del self.rows[key]
                self.awake.discard(key)
                if views:
                    self.over[key] = entry
                elif settles is not None and self.places is not None:
                    self._settle(row, settles)
                continue
            log: list[tuple[Any, Any] | None] = []
            reading.log = log
            decides = True
            try:
                yield row
                decides = False
            finally:
                reading.log = None
                if watch_all(log, self, key) and not decides:
                    self.awake.discard(key)

    def state(self, order: Order) -> State:
        """Restored, all rows are awake."""
        if not (self.rows or self.over or self.dropped):
            return ()
        rows = [(number, row, 0) for number, row in self.rows.values()]
        if self.over:
            rows += [(number, row, 1) for number, row in self.over.values()]
            rows.sort(key=itemgetter(0))
        entries = [(row, is_over) for _, row, is_over in rows]
        return order(self.dropped.items()), order(entries), self.views

    def restore(self, state: State) -> None:
        if state:
            dropped, entries, self.views = state
            for row, is_over in entries:
                self.add(row)
                if is_over:
                    key, self.over[key] = self.rows.popitem()
                    self.awake.discard(key)
            self.dropped.update(dropped)


def _holds(test: Callable[..., bool], row: Any) -> bool:
    """Of a row of several columns, a test takes each by itself."""
    columns = test.__code__.co_argcount
    return test(row) if columns == 1 else test(*row) if columns else test()

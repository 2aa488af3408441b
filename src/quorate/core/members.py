"""Queries of awaits over members of a field: which of them are to be evaluated again.

    await(each(p in ps, has=received(('reply', ours), from_=p)))

What core/pending.py does for the rows of messages, for members: one that has been evaluated sleeps
until a view that it read has changed. Invariant: what sleeps would be evaluated as it was before,
for the members, the values from outside and the views are the same.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from quorate.core.containers import Sight, is_settled
from quorate.core.history import members
from quorate.core.messages import PLAIN, is_fixed
from quorate.core.ordering import in_order
from quorate.core.pending import reading, watch_all

if TYPE_CHECKING:
    from quorate.core.process import Process

FEW = 16
"""So many members are evaluated in less time than it takes to know which need not be."""


class Members:
    """One such query, as a place in the program; how far each process is with it is kept there."""

    __slots__ = ("ordered",)

    def __init__(self, ordered: bool = False) -> None:
        self.ordered = ordered  # whether it is asked which member it is that decides

    def awake(
        self,
        process: Process,
        collection: Any,
        params: Callable[[], tuple[Any, ...]],
        views: tuple[Any, ...] = (),
    ) -> Iterable[Any]:
        """The members that may be evaluated otherwise than before, in order; else all.

        Whoever goes through them stops at the first that decides the query. `params` gives the
        values from outside that the condition reads, and `views` are those that it reads.
        """
        if type(collection) not in PLAIN or len(collection) <= FEW:
            return self._all(collection)
        try:
            given = params()
        except Exception:  # the condition may never come to it
            return self._all(collection)
        known = process.members_.get(self)
        if known is None or not known.holds(collection, given, views):
            if known is not None:
                known.forget()
                del process.members_[self]
            if not is_settled(collection) or not all(map(_is_settled, given)):
                return self._all(collection)
            known = Standing(collection, list(self._all(collection)), given, views)
            process.members_[self] = known
        return known.open()

    def _all(self, collection: Any) -> Iterable[Any]:
        all_of_it: Iterable[Any] = members(collection)
        return in_order(all_of_it) if self.ordered else all_of_it


def _is_settled(value: Any) -> bool:
    return is_settled(value) if type(value) in PLAIN else is_fixed(value)


def _is_same(one: Any, other: Any) -> bool:
    """Whether a value from outside is what it was; a container has to be the same one."""
    if one is other:
        return True
    return type(one) is type(other) and type(one) not in PLAIN and bool(one == other)


class Standing:
    """How far one process is with a query: `rows` from `reached` on have not been evaluated."""

    __slots__ = ("awake", "params", "reached", "rows", "sights", "views", "watched")

    def __init__(
        self, collection: Any, rows: list[Any], params: tuple[Any, ...], views: tuple[Any, ...]
    ) -> None:
        self.rows = rows
        self.params = params
        self.views = views
        containers = [collection, *(value for value in params if type(value) in PLAIN)]
        self.sights = [Sight(each) for each in containers]
        self.reached = 0
        self.awake: set[int] = set()  # of those before `reached`
        self.watched: set[tuple[Any, Any, int]] = set()  # (view, key, row)

    def holds(self, collection: Any, params: tuple[Any, ...], views: tuple[Any, ...]) -> bool:
        """Whether nothing but the rows of views can have changed."""
        return (
            self.sights[0].container is collection
            and all(map(Sight.holds, self.sights))
            and all(map(_is_same, params, self.params))
            and all(map(operator.is_, views, self.views))
        )

    def open(self) -> Iterator[Any]:
        for place in self._places():
            log: list[Any] = []
            reading.log = log
            decides = True
            try:
                yield self.rows[place]
                decides = False
            finally:
                reading.log = None
                if watch_all(log, self, place):
                    self.watched.update((view, key, place) for view, key in log)
                    if not decides:
                        self.awake.discard(place)

    def _places(self) -> Iterator[int]:
        yield from sorted(self.awake)
        while self.reached < len(self.rows):
            self.awake.add(self.reached)
            self.reached += 1
            yield self.reached - 1

    def forget(self) -> None:
        """Have no view keep what is of no use any more."""
        for view, key, place in self.watched:
            view.unwatch(key, self, place)

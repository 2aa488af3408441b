"""Views of which a part of the key is only ever asked for as it grows: what is less is dropped.

compiler/growing.py proves it of a field. Invariant: a key is dropped only where it is less, in a
total order, than one that has been asked for; at any time about as many are kept as can still be
asked for, or LEAST_KEPT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from quorate.core.extremes import is_ordered, ordered_alike
from quorate.core.kept import Kept, Order, State
from quorate.core.views import Distinct, Facts, Groups

LEAST_KEPT = 64


class Floor:
    """The greatest value that has been asked for in one place of a key (None: the whole key)."""

    __slots__ = ("last", "limit", "place", "value")

    def __init__(self, place: int | None) -> None:
        self.place = place
        self.last: Any = None  # asked for
        self.value: tuple[Any, ...] = ()
        self.limit = LEAST_KEPT

    def ask(self, key: Any) -> None:
        value = key if self.place is None else key[self.place]
        if value is self.last:
            return
        self.last = value
        if not self.value:
            self.value = (value,) if is_ordered(value) else ()
        elif ordered_alike(value, self.value[0]) and value > self.value[0]:
            self.value = (value,)

    def above(self, state: State) -> State:
        """The state of a view with this floor, given that of the same view without."""
        return (self.value, state) if self.value or state else ()

    def restore(self, state: State) -> State:
        """Of such a state, take what is of the floor; the rest."""
        if not state:
            return ()
        self.value, kept = state
        return kept  # type: ignore[no-any-return]

    def below(self, keys: Iterable[Any]) -> list[Any]:
        """Those of `keys` that will never be asked for again."""
        if not self.value:
            return []
        (floor,) = self.value
        places = ((key, key if self.place is None else key[self.place]) for key in keys)
        return [key for key, value in places if ordered_alike(value, floor) and value < floor]


class SettledFacts(Facts):
    """The same, without those below the floor."""

    __slots__ = ("floor",)

    def __init__(self, place: int | None) -> None:
        super().__init__()
        self.floor = Floor(place)

    def add(self, key: Any) -> bool:
        if len(self.keys) >= self.floor.limit:
            self.keys.difference_update(self.floor.below(self.keys))
            self.floor.limit = max(LEAST_KEPT, 2 * len(self.keys))
        return super().add(key)

    def __contains__(self, key: Any) -> bool:
        self.floor.ask(key)
        return super().__contains__(key)

    def state(self, order: Order) -> State:
        return self.floor.above(super().state(order))

    def restore(self, state: State) -> None:
        super().restore(self.floor.restore(state))


class SettledGroups(Groups):
    """The same, without the groups below the floor."""

    __slots__ = ("floor",)

    def __init__(self, place: int | None, kind: Callable[[], Kept] = Distinct) -> None:
        super().__init__(kind)
        self.floor = Floor(place)

    def _make_room(self) -> None:
        if len(self.groups) >= self.floor.limit:
            for key in self.floor.below(self.groups):
                del self.groups[key]
            self.floor.limit = max(LEAST_KEPT, 2 * len(self.groups))

    def add(self, key: Any, row: Any) -> bool:
        self._make_room()
        return super().add(key, row)

    def put(self, key: Any, row: Any) -> Kept:
        self._make_room()
        return super().put(key, row)

    def __getitem__(self, key: Any) -> Kept:
        self.floor.ask(key)
        return super().__getitem__(key)

    def state(self, order: Order) -> State:
        return self.floor.above(super().state(order))

    def restore(self, state: State) -> None:
        super().restore(self.floor.restore(state))

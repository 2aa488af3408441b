"""A view that is begun anew and given its state back goes on as the one whose state that is."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.core.extremes import (
    Falling,
    Greatest,
    Highest,
    Least,
    Lowest,
    Rising,
    Sorted,
    Total,
    Unlike,
)
from quorate.core.ids import ProcessId
from quorate.core.joins import Relation
from quorate.core.pending import Pending
from quorate.core.settled import SettledFacts, SettledGroups
from quorate.core.views import Distinct, Every, Facts, Groups, Rows

IDS = [ProcessId("P", (number,)) for number in range(3)]

KINDS: dict[str, Callable[[], Any]] = {
    **{kind.__name__: kind for kind in (Distinct, Every, Greatest, Least, Total)},
    **{kind.__name__: lambda kind=kind: kind((0,)) for kind in (Rising, Falling, Unlike, Sorted)},
    **{kind.__name__: lambda kind=kind: kind((0,), (1,)) for kind in (Highest, Lowest)},
    "Relation": lambda: Relation(2),
}

VIEWS: dict[str, Callable[[], Any]] = {
    "Rows": Rows,
    "Facts": Facts,
    "SettledFacts": lambda: SettledFacts(0),
    "SettledGroups": lambda: SettledGroups(0, Greatest),
    "Pending": lambda: Pending(0, 1),
    **{f"Groups of {name}": lambda kind=kind: Groups(kind) for name, kind in KINDS.items()},
}

columns = st.one_of(
    st.integers(0, 5),
    st.integers(0, 5),
    st.sampled_from([True, 2.5, "a", "b", (1, 2), frozenset({1}), frozenset({2})]),
    st.lists(st.integers(0, 2), max_size=1),  # which cannot be hashed
)
numbers = st.integers(0, 5)


def rows_of(name: str) -> Any:
    if name == "Total":
        return st.one_of(numbers, numbers, st.floats(0, 2), st.booleans())
    return st.tuples(columns, st.sampled_from(IDS))


def again(view: Any, begin: Callable[[], Any]) -> Any:
    other = begin()
    other.restore(view.state(tuple))
    assert other.state(tuple) == view.state(tuple)
    return other


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_rows_of_every_kind(name: str, data: st.DataObject) -> None:
    rows = st.lists(rows_of(name), max_size=12)
    one = KINDS[name]()
    for row in data.draw(rows):
        one.add(row)
    other = again(one, KINDS[name])
    for row in data.draw(rows):
        assert one.add(row) == other.add(row)
        assert (list(one), len(one)) == (list(other), len(other))
    again(one, KINDS[name])


@pytest.mark.parametrize("name", [name for name in VIEWS if name not in ("Rows", "Pending")])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_views_by_key(name: str, data: st.DataObject) -> None:
    kind = name.removeprefix("Groups of ")
    keys, rows = st.tuples(columns, numbers), rows_of("SettledGroups" if kind == name else kind)
    one = other = VIEWS[name]()
    for _ in range(data.draw(st.integers(0, 3))):
        for key, row in data.draw(st.lists(st.tuples(keys, rows), max_size=6)):
            added = (key, row) if hasattr(one, "groups") else (key,)
            one.add(*added)
            if other is not one:
                other.add(*added)
        key = data.draw(keys)
        assert list(one[key]) == list(other[key])
        other = again(one, VIEWS[name])


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_rows_that_may_decide(data: st.DataObject) -> None:
    """Which are dropped changes each time; those that are stay so as long as one view is there."""
    one = other = Pending(0, 1)
    facts = Facts()
    for _ in range(data.draw(st.integers(0, 4))):
        for row in data.draw(st.lists(st.tuples(numbers, st.sampled_from(IDS)), max_size=4)):
            assert one.add(row) == other.add(row) or other is one
        limit, stays = data.draw(numbers), data.draw(st.booleans())
        facts = facts if stays else Facts()
        views = (facts,) if data.draw(st.booleans()) or one.views else ()
        settles = None if views else Facts()

        def opened(pending: Any) -> list[Any]:
            final = lambda time, sender: time % 3 == limit % 3  # noqa: B023, E731
            return list(pending.open(lambda: (limit,), final, views, settles))  # noqa: B023

        found = opened(one)
        assert other is one or opened(other) == found
        assert list(one) == list(other)
        other = again(one, lambda: Pending(0, 1))
        assert opened(other) == list(one)  # all are awake


def test_of_what_has_not_begun_nothing_is_told() -> None:
    for begin in (*KINDS.values(), *VIEWS.values()):
        assert begin().state(tuple) == ()

"""Sets have one order, whatever is in them and however they were made."""

import enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.clocks import VectorTime
from quorate.core.ids import ProcessId
from quorate.core.ordering import in_order, repr_of, text_of


class Colour(enum.Enum):
    RED = 2
    BLUE = 1


class Thing:
    def __init__(self, *fields: Any) -> None:
        self.fields = fields


class Slim:
    __slots__ = ("field",)

    def __init__(self, field: Any) -> None:
        self.field = field

    def __repr__(self) -> str:
        return str(self.field)


IDS = [ProcessId("P", (n,)) for n in range(3)]
VECTOR_TIMES = [VectorTime([(p, n)]) for p in IDS for n in (1, 2)]
SIMPLE = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(allow_nan=False)),
    *(st.text(max_size=2), st.binary(max_size=2)),
    st.sampled_from([*IDS, *Colour, *VECTOR_TIMES, int, Thing, len]),
)
MEMBERS = st.recursive(
    SIMPLE,
    lambda inner: st.tuples(inner, inner) | st.lists(inner, max_size=3).map(frozenset),
    max_leaves=6,
)


@given(st.lists(MEMBERS, max_size=6), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_how_the_set_was_made(members: list[Any], random: Any) -> None:
    one = set(members)
    shuffled = sorted(one, key=lambda member: random.random())
    two: set[Any] = set(range(100, 200))
    two.update(shuffled)
    two -= set(range(100, 200)) - one
    assert [*map(id_of, in_order(one))] == [*map(id_of, in_order(two))]


def id_of(member: Any) -> Any:
    """What tells members apart that the test need not tell: equal ones, and NaN."""
    return "nan" if member != member else (type(member), repr_of(member))


def test_the_order_is_the_natural_one_where_there_is_one() -> None:
    assert list(in_order({"b", "a", "c"})) == ["a", "b", "c"]
    assert list(in_order({3, 1, 2})) == [1, 2, 3]
    assert list(in_order(set(IDS))) == IDS
    assert list(in_order({(2, "a"), (1, "b"), (1, "a")})) == [(1, "a"), (1, "b"), (2, "a")]
    assert list(in_order({1.5, 1, "a", None})) == [None, 1, 1.5, "a"]
    assert list(in_order(frozenset({(1,), ()}))) == [(), (1,)]


def test_sets_of_sets_are_in_order_although_inclusion_is_partial() -> None:
    sets = {frozenset(each) for each in ("ab", "cd", "ac", "b", "")}
    assert [sorted(each) for each in in_order(sets)] == [
        [],
        ["a", "b"],
        ["a", "c"],
        ["b"],
        ["c", "d"],
    ]


def test_instances_are_ordered_by_class_and_fields() -> None:
    things = [Slim("y"), Slim(3), Thing(1, "x"), Thing(2)]
    assert list(in_order(set(things))) == [things[1], things[0], things[2], things[3]]


def test_other_iterables_keep_their_own_order() -> None:
    assert list(in_order([3, 1, 2])) == [3, 1, 2]
    assert list(in_order({3: 0, 1: 0})) == [3, 1]


@pytest.mark.parametrize(
    "value", [(), (1,), [1, "a"], {}, {"a": (1, [2])}, set(), frozenset(), {1}, frozenset({"a"})]
)
def test_texts_are_those_of_python(value: Any) -> None:
    assert repr_of(value) == text_of(value) == repr(value)


def test_texts_of_sets_are_in_order() -> None:
    assert text_of({"c", "a", "b"}) == "{'a', 'b', 'c'}"
    assert text_of([({2, 10, 1}, {"k": frozenset({"b", "a"})})]) == (
        "[({1, 2, 10}, {'k': frozenset({'a', 'b'})})]"
    )
    assert (text_of("text"), repr_of("text")) == ("text", "'text'")

"""Values as JSON: they come back equal and of the same type, and no tree does harm."""

import json
import math
from collections import OrderedDict
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoded import hashable, same, values
from quorate.core.containers import ObservedSet
from quorate.trace.values import BadValue, Shown, decode, encode, shown


@given(values)
def test_values_come_back_through_text(value: Any) -> None:
    written = json.dumps(encode(value), ensure_ascii=False)
    written.encode("utf-8")  # which lone surrogates would not let be
    assert same(decode(json.loads(written)), value)


@given(st.sets(hashable, max_size=6))
def test_the_order_of_a_set_leaves_no_mark(value: set[Any]) -> None:
    other: set[Any] = set()
    for member in reversed([*value]):
        other.add(member)
    assert json.dumps(encode(value)) == json.dumps(encode(other))


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                *[["#tup", "#set", "#frozenset", "#map", "#bigint", "#float", "#complex", "#text"]]
            )
            | st.sampled_from(
                ["#bytes", "#process", "#object", "state", "path", "kind", "value", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(trees)
def test_any_tree_is_a_value_or_refused(tree: Any) -> None:
    try:
        value = decode(tree)
    except BadValue:
        return
    assert isinstance(shown(tree), str)
    assert same(decode(json.loads(json.dumps(encode(value)))), value)


class Colour(Enum):
    RED = 1


class Point(NamedTuple):
    x: int
    y: int


class Thing:
    def __init__(self) -> None:
        self.name = "a"
        self.members = {"y", "x"}


class Nothing:
    pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Colour.RED, "Colour.RED"),
        (Point(1, 2), "Point((1, 2))"),
        (Thing(), "Thing(name='a', members={'x', 'y'})"),
        (Nothing(), "<Nothing>"),
        (ValueError("no"), "ValueError(('no',))"),
        (Decimal("1.5"), "Decimal('1.5')"),
        (OrderedDict(a=1), "OrderedDict({'a': 1})"),
        (len, "builtins.len"),
        (Thing().__init__, f"{__name__}.Thing.__init__"),
        (math, "math"),
        (ObservedSet({2, 1}), "{1, 2}"),
        ({Point(1, 2)}, "{Point((1, 2))}"),
    ],
)
def test_what_is_only_shown(value: Any, expected: str) -> None:
    tree = json.loads(json.dumps(encode(value)))
    assert shown(tree) == expected
    assert encode(decode(tree)) == tree


def test_what_holds_itself_has_an_end() -> None:
    ring: list[Any] = []
    ring.append(ring)
    assert shown(encode(ring)).endswith("...]" + "]" * 100)


@pytest.mark.parametrize(
    "tree",
    [
        *({}, {"a": 1}, {"#tup": 1}, {"#set": [[]]}, {"#map": [[1]]}, {"#bigint": "x"}),
        *({"#float": "1.0"}, {"#bytes": "0"}, {"#text": [-1]}, {"#tup": [], "more": 1}),
        *({"#process": "Q-1", "kind": "P", "path": [1]}, {"#process": "P", "kind": "P"}),
        *({"#object": 1}, {"#object": "a", "else": 1}, {"#map": {"a": 1}}),
    ],
)
def test_trees_that_are_no_values(tree: Any) -> None:
    with pytest.raises(BadValue):
        decode(tree)


def test_values_that_are_shown_can_be_members() -> None:
    assert {Shown('{"#object": "a.B"}')} == {Shown('{"#object": "a.B"}')}

"""A shape never says that a message cannot match when one of its values can."""

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.lang.shapes import UNKNOWN, Scalar, Sequence, Shape, may_match, of_value, tag

SCALARS = st.sampled_from(["a", "b", 0, 1, True, None])
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
)


def exact(value: Any) -> Shape:
    if isinstance(value, (tuple, list)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return Sequence(kind, tuple(map(exact, value)))
    return Scalar(value)


@st.composite
def blurred(draw: st.DrawFn, value: Any) -> Shape:
    """A shape that has `value` among its values."""
    if draw(st.integers(0, 4)) == 0:
        return UNKNOWN
    if not isinstance(value, (tuple, list)):
        return Scalar(value)
    kind = "tuple" if isinstance(value, tuple) else "list"
    parts = tuple(draw(blurred(part)) for part in value)
    if draw(st.booleans()):
        return Sequence(kind, parts)
    start = draw(st.integers(0, len(parts)))
    return Sequence(kind, parts[:start], True, parts[draw(st.integers(start, len(parts))) :])


@given(st.data(), VALUES)
def test_two_shapes_of_one_value_may_match(data: st.DataObject, value: Any) -> None:
    one, two = data.draw(blurred(value)), data.draw(blurred(value))
    assert may_match(one, two)
    assert may_match(two, one)


@given(VALUES, VALUES)
def test_exact_shapes_match_as_their_values_do(one: Any, two: Any) -> None:
    assert may_match(exact(one), exact(two)) == (one == two)


@given(VALUES)
def test_the_text_of_a_value_has_its_shape(value: Any) -> None:
    assert of_value(ast.parse(repr(value), mode="eval").body) == [exact(value)]


@pytest.mark.parametrize(
    ("text", "values", "others"),
    [
        ("('a',) + x", [("a",), ("a", 1, 2)], [(), ("b",), ["a"], "a"]),
        ("x + ('a', 1)", [("a", 1), (0, "a", 1)], [("a",), ("a", 2)]),
        ("('a', *x, 1)", [("a", 1), ("a", 0, 1)], [("a",), ("a", 0)]),
        ("('a', 0) + ('b',)", [("a", 0, "b")], [("a", 0)]),
        ("['a', x]", [["a", 0]], [("a", 0), ["a"]]),
        ("('a', f(x))", [("a", ("b",))], [("a",)]),
    ],
)
def test_shapes_of_expressions(text: str, values: list[Any], others: list[Any]) -> None:
    (shape,) = of_value(ast.parse(text, mode="eval").body)
    assert all(may_match(shape, exact(value)) for value in values)
    assert not any(may_match(shape, exact(other)) for other in others)


def test_a_choice_has_several_shapes() -> None:
    body = ast.parse("('a',) if x else ('b', 1)", mode="eval").body
    assert [tag(shape) for shape in of_value(body)] == ["a", "b"]
    assert [tag(shape) for shape in (UNKNOWN, Scalar("a"), Scalar(1))] == [None, "a", None]

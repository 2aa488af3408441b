"""What comes together from several kinds of rows is found by what is new, and only by that."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.joins import MOST, Bottom, First, Joined, Lasting, Relation, Top

values = st.integers(0, 3)
rows = st.tuples(st.integers(0, 2), st.tuples(values, values))
KINDS = (("a", "b"), ("b", "c"), ("c", "a"))
PAIRS = KINDS[:2]


def process() -> Any:
    return SimpleNamespace(joins_={})


def naive(relations: tuple[Relation, ...], test: Any) -> list[tuple[int, ...]]:
    """(a, b, c) in the order of three loops inside of one another."""
    return [
        (a, b, c)
        for a, b in relations[0]
        for b2, c in relations[1]
        for c2, a2 in relations[2]
        if (b, c, a) == (b2, c2, a2) and test(a, b, c)
    ]


@given(st.lists(rows, max_size=30), st.integers(0, 3))
def test_what_is_known_is_what_going_over_all_rows_finds(given: list[Any], limit: int) -> None:
    """A triangle, so that some way of joining finds nothing known in the middle."""
    relations = tuple(Relation(2) for _ in KINDS)
    one = process()

    def test(a: int, b: int, c: int) -> bool:
        return a + b + c >= limit

    every, first = Joined(KINDS, ("a", "b", "c")), Joined(KINDS, ("c",), First)
    top, bottom = Joined(KINDS, ("b", "c"), Top), Joined(KINDS, ("a",), Bottom)
    for kind, row in given:
        relations[kind].add(row)
        meant = naive(relations, test)
        assert list(every.open(one, relations, test)) == list(dict.fromkeys(meant))
        assert len(every.open(one, relations, test)) == len(set(meant))
        assert list(first.open(one, relations, test)) == [c for _, _, c in meant[:1]]
        best = max((b, c) for _, b, c in meant) if meant else None
        assert max(top.open(one, relations, test), default=None) == best
        least = min((a for a, _, _ in meant), default=None)
        assert min(bottom.open(one, relations, test), default=None) == least


@given(st.lists(rows, max_size=30))
def test_what_is_told_against_is_gone(given: list[Any]) -> None:
    """(a, b) and (b, c) without (c, _): a row of the answer may come together in several ways."""
    relations = (Relation(2), Relation(2), Relation(1))
    one, query = process(), Joined(PAIRS, ("a",), Lasting, (("c",),))
    for kind, row in given:
        relations[kind].add(row if kind < 2 else row[0])
        told = set(relations[2])
        meant = [a for a, b in relations[0] for b2, c in relations[1] if b == b2 and c not in told]
        assert list(query.open(one, relations)) == list(dict.fromkeys(meant))
        assert len(query.open(one, relations)) == len(set(meant))


def filled(count: int) -> tuple[Relation, Relation]:
    left, right = Relation(2), Relation(2)
    for number in range(count):
        left.add((number, number % 7))
        right.add((number, number))
    return left, right


def test_only_what_is_new_is_looked_at() -> None:
    asked: list[tuple[int, ...]] = []

    def test(*found: int) -> bool:
        asked.append(found)
        return True

    one, relations, query = process(), filled(1000), Joined(PAIRS, ("a", "c"))
    assert len(query.open(one, relations, test)) == 1000
    asked.clear()
    relations[0].add((1000, 3))
    assert len(query.open(one, relations, test)) == 1001
    assert asked == [(1000, 3, 3)]


def test_after_the_first_nothing_is_tested_that_comes_later() -> None:
    asked: list[int] = []

    def test(a: int, _b: int, _c: int) -> bool:
        asked.append(a)
        return a >= 5

    query = Joined(PAIRS, ("a",), First)
    assert list(query.open(process(), filled(1000), test)) == [5]
    assert max(asked) == 5


def test_another_value_from_outside_is_another_question() -> None:
    one, relations, query = process(), filled(10), Joined(PAIRS, ("a",))
    limit = 8

    def ask() -> list[int]:
        return list(query.open(one, relations, lambda a, b, c: a >= limit, lambda: (limit,)))

    assert ask() == [8, 9]
    limit = 9
    assert ask() == [9]
    limit = 8
    assert ask() == [8, 9]


@pytest.mark.parametrize("given", [[3], ({3},), object()])
def test_nothing_is_known_where_a_value_from_outside_may_change_inside(given: Any) -> None:
    one, relations, query = process(), filled(10), Joined(PAIRS, ("a",))
    assert len(query.open(one, relations, lambda *_: True, lambda: (given,))) == 10
    assert not one.joins_


def test_so_many_questions_are_known_and_no_more() -> None:
    one, relations, query = process(), filled(10), Joined(PAIRS, ("a",))
    for limit in range(2 * MOST):
        query.open(
            one, relations, lambda a, *_, limit=limit: a < limit, lambda limit=limit: (limit,)
        )
    assert len(one.joins_) == MOST


def test_an_error_is_that_of_going_over_all_rows() -> None:
    """Which ends at the first, and never comes to what cannot be compared."""
    left, right = filled(10)
    left.add(("odd", 3))
    query = Joined(PAIRS, ("a",), First)
    assert list(query.open(process(), (left, right), lambda a, *_: a > 2)) == [3]
    with pytest.raises(TypeError):
        query.open(process(), (left, right), lambda a, *_: a > 20)
    right.add(("earlier", "odd"))
    left.rows.insert(0, ("odd", "earlier"))
    with pytest.raises(TypeError):
        query.open(process(), (left, right), lambda a, *_: a > 2)


def test_what_cannot_be_hashed_is_compared() -> None:
    left, right = filled(5)
    left.add((0, [1]))
    right.add(([1], "found"))
    right.add(([1], "found"))
    query = Joined((("a", "b"), ("b", "c")), ("c",))
    assert "found" not in query.open(process(), filled(5))
    found = list(query.open(process(), (left, right)))
    assert found == [0, 1, 2, 3, 4, "found"]
    assert list(Joined(PAIRS, ("b",)).open(process(), (left, right)))[-1] == [1]
    told = Relation(1)
    one, against = process(), Joined(PAIRS, ("b",), Lasting, (("b",),))
    assert [1] in list(against.open(one, (left, right, told)))
    told.add([1])
    assert list(against.open(one, (left, right, told))) == [0, 1, 2, 3, 4]

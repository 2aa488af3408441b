"""Observed containers are Python's own to whoever looks, and tell of every change."""

import copy
import heapq
import operator
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.core.containers import (
    FEW,
    OBSERVED,
    ObservedDict,
    ObservedList,
    ObservedSet,
    chosen,
    chosen_in_order,
    is_settled,
    observed,
    type_of,
)
from quorate.core.index import Index, is_plain
from quorate.core.messages import is_fixed, own_copy
from quorate.core.ordering import in_order, repr_of, text_of

Draw = st.DrawFn
Operation = Callable[[Any], Any]


class Loose:
    """Equal to what it holds, with another hash; and changeable."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, Loose) else other))

    def __hash__(self) -> int:
        return 7

    def __repr__(self) -> str:
        return f"Loose({self.value!r})"


LOOSE = Loose(1)
small = st.integers(0, 3)
nan = float("nan")
parts = small | st.sampled_from(["a", True, 1.0, None, nan, (0, 1), LOOSE, frozenset({1})])
pairs = st.tuples(small, small) | st.tuples(parts, st.tuples(parts, parts))
hashable = st.one_of(pairs, pairs, pairs, parts, st.tuples(small, small, small))
values = hashable | st.just([1]) | st.just({})
iterables = st.one_of(
    st.lists(values, max_size=4),
    st.lists(hashable, max_size=4),
    st.lists(hashable, max_size=2).map(tuple),
    st.sets(hashable, max_size=3),
    st.frozensets(hashable, max_size=12),
    st.dictionaries(hashable, values, max_size=3),
)


def calls(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Operation]:
    return st.tuples(*arguments).map(lambda given: operator.methodcaller(name, *given))


def drawn(name: str, arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Operation]:
    """From an iterator, which may be at its end too soon: it divides by what is drawn."""

    def made(given: list[Any]) -> Operation:
        return lambda of: getattr(of, name)(n for n in given if 1 // (n != 3))

    return st.lists(arguments, max_size=4).map(made)


def in_place(name: str, other: st.SearchStrategy[Any]) -> st.SearchStrategy[Operation]:
    return other.map(lambda given: lambda of: getattr(operator, name)(of, given))


numbers = st.integers(-5, 5)
slices = st.builds(
    slice, st.none() | numbers, st.none() | numbers, st.sampled_from([None, 1, -1, 2])
)
OPERATIONS: dict[type, list[st.SearchStrategy[Operation]]] = {
    set: [
        *(calls(name, values) for name in ("add", "add", "add", "discard", "discard", "remove")),
        calls("discard", st.sets(small)),
        calls("pop"),
        calls("clear"),
        *(calls(name, iterables) for name in ("update", "difference_update")),
        *(calls(name, iterables, iterables) for name in ("update", "difference_update")),
        calls("intersection_update", iterables),
        calls("symmetric_difference_update", iterables),
        *(in_place(name, iterables) for name in ("ior", "iand", "isub", "ixor")),
        drawn("update", hashable),
        st.just(lambda of: of.update(of)),
        st.just(lambda of: operator.isub(of, of)),
    ],
    list: [
        *(calls(name, values) for name in ("append", "append", "remove")),
        calls("insert", numbers, values),
        *(calls("pop", *some) for some in ([], [numbers])),
        *(calls(name) for name in ("clear", "reverse", "sort")),
        st.just(lambda of: of.sort(key=repr, reverse=True)),
        calls("extend", iterables),
        drawn("extend", values),
        in_place("iadd", iterables),
        in_place("imul", st.sampled_from([0, 1, 2, "x"])),
        *(calls("__setitem__", numbers, values) for _ in range(2)),
        calls("__setitem__", slices, iterables),
        *(calls("__delitem__", place) for place in (numbers, slices)),
        st.just(lambda of: of.extend(of)),
    ],
    dict: [
        *(calls("__setitem__", values, values) for _ in range(4)),
        calls("__delitem__", values),
        *(calls("pop", *some) for some in ([values], [values, values])),
        *(calls("setdefault", *some) for some in ([values], [values, values])),
        *(calls(name) for name in ("popitem", "clear")),
        calls("update", iterables),
        calls("update", st.dictionaries(hashable, values, max_size=3)),
        st.just(lambda of: of.update(a=1, b=[2])),
        in_place("ior", iterables),
    ],
}


def outcome(operation: Operation, of: Any) -> Any:
    """What an operation answers, its text where it is the container itself; or its error."""
    try:
        answer = operation(of)
    except Exception as error:
        return type(error), str(error)
    return "itself" if answer is of else answer


def check(plain: Any, watched: Any, before: tuple[Any, int]) -> None:
    kind = type(plain)
    assert watched == plain and plain == watched and len(watched) == len(plain)
    content, version = before
    same = len(content) == len(entries(plain)) and (
        all(map(operator.is_, content, list(watched))) if kind is list else True
    )
    if kind is not list:
        same = same and set(map(id, content)) == set(map(id, entries(watched)))
    assert same or watched.version_ != version, "a change is told"
    settled = all(map(fixed, plain)) and (kind is not dict or all(map(fixed, plain.values())))
    assert not is_settled(watched) or settled
    if kind is not set:
        assert repr(watched) == repr(plain)


def entries(container: Any) -> list[Any]:
    both = isinstance(container, dict)
    return [*container, *container.values()] if both else list(container)


def fixed(value: Any) -> bool:
    return is_fixed(value)


PATHS = [((0,),), ((1,),), ((0,), (1,)), ((1, 0),), ((0,), (1, 1))]


def check_indexes(watched: Any, key: tuple[Any, Any]) -> None:
    """Whatever a member is equal to at the places of an index, it is among the candidates."""
    for paths in PATHS:
        asked = key[: len(paths)]
        found = list(chosen(watched, paths, asked))
        assert all(any(one is member for member in watched) for one in found)
        matching = [
            m for m in watched if all(at(m, p) == k for p, k in zip(paths, asked, strict=True))
        ]
        assert all(any(one is member for one in found) for member in matching)
        ordered = [m for m in in_order(watched) if any(m is one for one in matching)]
        again = [m for m in chosen_in_order(watched, paths, asked) if any(m is o for o in ordered)]
        assert list(map(id, again)) == list(map(id, ordered)) or LOOSE in again


def at(member: Any, path: tuple[int, ...]) -> Any:
    for place in path:
        if not isinstance(member, tuple) or len(member) <= place:
            return object()
        member = member[place]
    return member


@pytest.mark.parametrize("kind", [set, list, dict])
@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_all_that_is_done_to_it_is_done_as_to_pythons_own(kind: type, data: st.DataObject) -> None:
    many = st.frozensets(hashable, min_size=FEW, max_size=14)
    first = data.draw(many | st.just(()) if kind is set else st.just(()))
    plain, watched = kind(first), OBSERVED[kind](first)
    for operation in data.draw(st.lists(st.one_of(*OPERATIONS[kind]), max_size=10)):
        before = entries(watched), watched.version_
        if operation == operator.methodcaller("pop") and kind is set and plain:
            assert watched.pop() in plain
            plain = set(watched)
            continue
        meant, given = outcome(operation, plain), outcome(operation, watched)
        if kind is set and getattr(meant, "__class__", None) is not tuple and meant in plain:
            plain, meant = set(watched), given  # which one it is that `pop` takes is open
        assert repr(meant) == repr(given) or meant == given
        check(plain, watched, before)
        if kind is set:
            check_indexes(watched, data.draw(st.tuples(parts, parts)))


SAMPLES: dict[type, Any] = {set: {1, 2}, list: [1, [2]], dict: {"a": 1, "b": [2]}}


@pytest.mark.parametrize("kind", [set, list, dict])
def test_to_whoever_looks_it_is_pythons_own(kind: type) -> None:
    plain = SAMPLES[kind]
    watched = OBSERVED[kind](plain)
    for show in (repr, str, "%s".__mod__, "{}".format, ascii, repr_of, text_of):
        for value in (plain, kind()):
            assert show(OBSERVED[kind](value)) == show(value)  # type: ignore[operator]
    assert isinstance(watched, kind)
    assert watched.__class__ is type_of(watched) is kind
    assert type(watched).__name__ == kind.__name__
    made = [
        *(copy.copy(watched), copy.deepcopy(watched), watched.copy(), own_copy(watched)),
        *(pickle.loads(pickle.dumps(watched, p)) for p in range(pickle.HIGHEST_PROTOCOL + 1)),
        *own_copy((watched, [watched]))[1],
    ]
    for value in made:
        assert type(value) is kind and value == plain
    for break_ in (hash, lambda v: v.nothing, lambda v: v + 1, lambda v: setattr(v, "x", 1)):
        assert outcome(break_, watched) == outcome(break_, plain)


def test_operators_make_pythons_own() -> None:
    one, two = ObservedSet({1, 2}), ObservedSet({2, 3})
    for name in ("or_", "and_", "sub", "xor"):
        for answer in (getattr(operator, name)(one, two), getattr(operator, name)({1}, two)):
            assert type(answer) is set
    assert type(one.union([4])) is type(one.difference([1])) is set
    items = ObservedList([1, 2])
    assert {
        type(each)
        for each in (operator.add(items, [3]), operator.add([0], items), items * 2, items[:1])
    } == {list}
    table = ObservedDict(a=1)
    assert {type(each) for each in (table | {"b": 2}, {"b": 2} | table)} == {dict}
    assert type(table.fromkeys("ab")) is dict


def test_a_list_that_holds_itself_is_copied() -> None:
    watched = ObservedList([1])
    watched.append(watched)
    assert repr(watched) == "[1, [...]]"
    made = copy.deepcopy(watched)
    assert type(made) is list and made[1] is made


def test_only_what_nobody_else_has_is_replaced() -> None:
    mine = [1]
    assert observed(mine) is mine
    held = {"a": {1}}
    assert observed(held["a"]) is held["a"]
    new = [  # not in an assertion, which pytest takes apart and holds the parts of
        observed([1]),
        observed({n % 2 for n in range(3)}),
        observed({"a": 1}),
        observed(held["a"] | {2}),
        observed(sorted(held)),
    ]
    assert [*map(type, new)] == [ObservedList, ObservedSet, ObservedDict, ObservedSet, ObservedList]
    assert observed(frozenset()) == frozenset()


def test_what_changes_it_from_behind_is_seen_by_its_length() -> None:
    watched = ObservedSet((n, 0) for n in range(20))
    assert list(chosen(watched, ((0,),), (3,))) == [(3, 0)]
    set.add(watched, (3, 1))
    assert set(chosen(watched, ((0,),), (3,))) == {(3, 0), (3, 1)}
    set.add(watched, (4, 1))
    watched.add((5, 1))
    assert set(chosen(watched, ((0,),), (4,))) == {(4, 0), (4, 1)}
    items = ObservedList([2])
    before = len(items)
    heapq.heappush(items, 1)
    assert len(items) != before


def test_values_that_may_be_equal_with_another_hash_are_looked_for_everywhere() -> None:
    assert not is_plain(LOOSE) and not is_plain((1, LOOSE)) and is_plain((1, frozenset({"a"})))
    index = Index(((0,),), [(1, 2), (LOOSE, 3), 4, ()])
    assert list(index.candidates((1,))) == [(1, 2), (LOOSE, 3)]
    many = ObservedSet((n, 0) for n in range(20))
    assert chosen(many, ((0,),), (LOOSE,)) is many
    assert chosen([1], ((0,),), (1,)) == [1]


def test_an_index_follows_what_comes_and_goes() -> None:
    many, paths = ObservedSet((n, n % 3) for n in range(20)), ((1,),)
    assert len(chosen(many, paths, (1,))) == 7
    index = many.indexes_[paths]
    many.add((50, 1))
    many |= {(51, 1)}
    many.update([(52, 1)])
    many.discard((1, 1))
    many.remove((4, 1))
    many -= {(7, 1)}
    assert many.indexes_[paths] is index
    assert set(chosen(many, paths, (1,))) == {member for member in many if member[1] == 1}
    assert len(chosen(many, paths, (1,))) == 7

"""Values of the language for tests by hypothesis, and whether two are the same."""

import math
from typing import Any

from hypothesis import strategies as st

from quorate.core.ids import ProcessId

ids = st.builds(
    ProcessId,
    st.sampled_from(["P", "Server"]),
    st.lists(st.integers(1, 9), max_size=3).map(tuple),
    st.sampled_from(["", "a", "2", "x-1~@ü"]),
    *[st.sampled_from(["", "node1", "node2"])] * 2,
)
text = st.text(st.characters(exclude_categories=()), max_size=5)  # surrogates among them
atoms = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.binary(max_size=3), text, ids),
    st.complex_numbers(allow_nan=False),
)
hashable = st.one_of(
    atoms, st.lists(atoms, max_size=3).map(tuple), st.frozensets(atoms, max_size=3)
)


def _containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, max_size=3)
    sets = st.sets(hashable, max_size=3)
    return st.one_of(
        inner, lists, lists.map(tuple), sets, st.dictionaries(hashable, inner, max_size=3)
    )


values = _containers(_containers(hashable))


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, and of the same type at every depth; NaN equals itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, ProcessId):
        return (one, one.kind, one.name) == (other, other.kind, other.name)
    if isinstance(one, (set, frozenset)):
        return len(one) == len(other) and all(any(same(a, b) for b in other) for a in one)
    return bool(one == other)

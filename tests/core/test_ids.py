"""Ids: values that compare, hash and print alike in every run."""

import copy
import pickle

from hypothesis import given
from hypothesis import strategies as st

from quorate.core.ids import ProcessId, main_id

PATHS = st.lists(st.integers(1, 5), max_size=3).map(tuple)
IDS = st.builds(ProcessId, st.sampled_from("AB"), PATHS, st.just(""), st.sampled_from(["", "n"]))


def test_ids_print_by_kind_and_path_or_name() -> None:
    leader = main_id().child(10, "Leader")
    assert repr(main_id()) == "main"
    assert repr(main_id("node1")) == "main@node1"
    assert repr(leader) == "Leader-10"
    assert repr(leader.child(1, "Scout")) == "Scout-10.1"
    assert repr(main_id().child(1, "P", "alice")) == "P-alice"
    assert repr(leader.child(2, "Scout", node="n2")) == "Scout-10.2@n2"
    assert "%r %s" % (leader, leader) == "Leader-10 Leader-10"  # noqa: UP031


def test_ids_are_ordered_by_creation() -> None:
    main = main_id()
    tenth = main.child(10, "P")
    ids = [main, main.child(2, "Q"), tenth, tenth.child(1, "P"), tenth.child(2, "P")]
    assert sorted(ids) == ids


@given(IDS, IDS)
def test_the_order_is_total_and_agrees_with_equality(a: ProcessId, b: ProcessId) -> None:
    assert [a < b, a == b, a > b].count(True) == 1
    assert (a <= b, a >= b) == (a < b or a == b, a > b or a == b)
    assert a != b or hash(a) == hash(b)


@given(IDS)
def test_copies_are_equal(id: ProcessId) -> None:
    assert copy.deepcopy(id) is id
    back = pickle.loads(pickle.dumps(id))
    assert (back, repr(back), hash(back)) == (id, repr(id), hash(id))


def test_an_id_is_no_other_value() -> None:
    assert main_id() != ()
    assert (main_id() == "main") is False

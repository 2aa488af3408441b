"""Ids: values that compare, hash and print alike in every run."""

import copy
import pickle

from hypothesis import given
from hypothesis import strategies as st

from quorate.core.ids import ProcessId, main_id

PATHS = st.lists(st.integers(1, 5), max_size=3).map(tuple)
NODES = st.sampled_from(["", "a", "b"])
IDS = st.builds(ProcessId, st.sampled_from("AB"), PATHS, st.just(""), NODES, NODES)


def test_ids_print_by_kind_and_path_or_name() -> None:
    leader = main_id().child(10, "Leader")
    assert repr(main_id()) == "main"
    assert repr(main_id("node1")) == "main@node1"
    assert repr(leader) == "Leader-10"
    assert repr(leader.child(1, "Scout")) == "Scout-10.1"
    assert repr(main_id().child(1, "P", "alice")) == "P-alice"
    assert "%r %s" % (leader, leader) == "Leader-10 Leader-10"  # noqa: UP031


def test_an_id_says_where_its_process_lives_and_whose_main_it_comes_from() -> None:
    leader = main_id("a").child(3, "Leader")
    scout = leader.child(2, "Scout", node="b")
    assert repr(leader) == "Leader-3@a"
    assert repr(scout) == "Scout-a.3.2@b"
    assert repr(scout.child(1, "P")) == "P-a.3.2.1@b"
    assert repr(leader.child(1, "P", "alice", node="b")) == "P-alice@b"
    assert scout != main_id("b").child(3, "Leader").child(2, "Scout")
    assert sorted([scout, main_id("b"), leader, main_id("a")]) == [
        *(main_id("a"), main_id("b"), leader, scout)
    ]


def test_an_id_that_lies_about_its_node_is_equal_to_none_other() -> None:
    true = main_id("a").child(1, "P", node="b")
    assert main_id("a").child(1, "P", node="c") != true


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

"""Which name was meant: misspellings are found, and names that only look alike are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.lang.names import nearest

WORDS = ["reliable", "unreliable", "fifo", "unfifo"]


@pytest.mark.parametrize(
    ("name", "candidates", "expected"),
    [
        ("reliabel", WORDS, "reliable"),
        ("unreliabel", WORDS, "unreliable"),
        ("Fifo", WORDS, "fifo"),
        ("handlng", ["channel", "clock", "handling", "unmatched"], "handling"),
        ("frm", ["msg", "from_", "to", "clk", "at"], "from_"),
        ("balot", {"ballot", "ballots", "slot"}, "ballot"),
        ("maxballot", ["max_ballot", "maxballots"], "max_ballot"),
        ("id_leader", ["leader_id", "id_reader"], "leader_id"),
        ("sp", ["ps", "p", "s"], "ps"),
        ("Ps", ["ps", "sp"], "ps"),
        ("p", ["q", "P"], "P"),
        ("acceptros", ["acceptors", "acceptor", "replicas"], "acceptors"),
    ],
)
def test_a_misspelling_is_found(name: str, candidates: list[str], expected: str) -> None:
    assert nearest(name, candidates) == expected


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("q", ["p", "c"]),
        ("qs", ["ps", "cs"]),
        ("vote", ["ballot", "quorum"]),
        ("leader", ["reader_id", "loader_of"]),
        ("x", []),
        ("same", ["same"]),
    ],
)
def test_names_that_are_no_misspelling_are_left_alone(name: str, candidates: list[str]) -> None:
    assert nearest(name, candidates) is None


@given(st.text(alphabet="abc_", min_size=3), st.lists(st.text(alphabet="abc_", min_size=1)))
def test_the_answer_is_a_candidate_whatever_their_order(name: str, others: list[str]) -> None:
    found = nearest(name, others)
    assert found is None or found in others
    assert found == nearest(name, reversed(others)) == nearest(name, set(others))


@given(st.text(alphabet="abcdef", min_size=4), st.data())
def test_two_letters_exchanged_are_always_found(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 2))
    wrong = name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    assert nearest(wrong, [name]) == (name if wrong != name else None)

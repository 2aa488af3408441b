"""What another node says is believed only where it can know, and names find who is meant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.ids import ProcessId, main_id
from quorate.core.process import Process
from quorate.net.codec import BadFrame
from quorate.worlds.real import notes
from quorate.worlds.real.census import Change, change
from quorate.worlds.real.known import KnownNodes
from quorate.worlds.real.membership import Address, Fingerprint, Membership
from quorate.worlds.real.roads import UnreliableChannels
from quorate.worlds.real.shared import Freed, Met, Names, Parted, shared_file

MINE = main_id("a").child(1, "P", node="b")
NAMED = main_id("a").child(2, "P", "alice", node="b")


@pytest.fixture
def names() -> Iterator[Names]:
    file = shared_file()
    yield Names(file)
    os.close(file)


def test_notes_come_as_they_were_told() -> None:
    told = [
        notes.Lives([change(MINE, -1, 3), change(main_id("a").child(4, "P", node="c"), 1, 0)]),
        notes.Failed("boo"),
        notes.Over(3),
        notes.named([NAMED]),
        notes.quiet(2, False, {("a",): (3, 4)}),
        notes.Ask(0),
        notes.Where(),
        notes.Stands("P-1 waits", 2),
    ]
    for note in told:
        assert notes.decoded(notes.encoded(note), "b", "a") == note
    assert notes.counts_of(notes.quiet(2, False, {("a",): (3, 4)})) == {("a",): (3, 4)}


@pytest.mark.parametrize(
    "note",
    [
        notes.Lives([change(main_id("a").child(1, "P", node="c"), -1, 0)]),  # c knows, not b
        notes.Lives([change(main_id("c").child(1, "P", node="b"), -1, 0)]),  # for c to hear
        notes.Lives([Change((1,), "a", "b", "P", 7, 0)]),
        notes.Lives([Change((-1,), "a", "b", "P", 1, 0)]),
        notes.named([MINE]),
        notes.named([ProcessId("P", (), "alice", "b")]),
    ],
)
def test_what_a_node_cannot_know_is_refused(note: Any) -> None:
    with pytest.raises(BadFrame):
        notes.decoded(notes.encoded(note), "b", "a")


small = st.integers(-9, 9) | st.text(max_size=2) | st.lists(st.integers(-1, 9), max_size=3)
shapes = st.lists(small | st.lists(st.lists(small, max_size=6), max_size=2), max_size=4)


@given(st.binary(max_size=30) | shapes.map(msgspec.msgpack.encode))
def test_whatever_comes_is_a_note_or_refused(data: bytes) -> None:
    try:
        note = notes.decoded(data, "b", "a")
    except BadFrame:
        return
    assert notes.decoded(notes.encoded(note), "b", "a") == note


def test_names_are_free_when_all_that_came_from_a_main_is_over(names: Names) -> None:
    names.claim(NAMED)
    assert names.hear(NAMED) is None
    other = main_id("c").child(1, "P", "alice")
    assert names.hear(other) == NAMED
    bob = main_id("c").child(2, "P", "bob")
    assert names.hear(bob) is None
    told, position = names.since(0)
    assert told == [NAMED, bob]
    names.add(Freed("a"))
    assert names.since(position)[0] == []
    assert names.since(0)[0] == [bob]
    assert dict(names) == {"bob": bob}
    names.claim(other)
    assert names["alice"] == other


def test_nodes_are_known_by_name_and_address(names: Names) -> None:
    place = Address("192.0.2.7", 7420)
    local = {"d": Address("127.0.0.1", 1)}
    me = Membership(
        *("a", place, 1, Fingerprint("", {})),
        known={"b": place},
        find=local.get,
        names=lambda: list(local),
    )
    nodes, elsewhere = KnownNodes(me, names), KnownNodes(me, Names(names._file))
    assert {nodes[name] for name in ("a", "b", "d")} == {main_id("a"), main_id("b"), main_id("d")}
    for text in ("c", "", "c@", "c@h:99999", "@h"):
        assert nodes.get(text) is None
    assert nodes["c@192.0.2.7:7000"] == main_id("c")
    assert elsewhere["c"] == main_id("c")
    assert elsewhere.find("c") == Address("192.0.2.7", 7000)
    names.add(Met("e", None))
    assert list(elsewhere) == ["a", "b", "c", "d", "e"]
    assert len(nodes) == 5
    names.add(Parted("c"))
    assert elsewhere.get("c") is None


def test_channels_that_need_not_deliver() -> None:
    classes = [type(name, (Process,), {}) for name in ("Sensor", "Alarm", "Display")]
    config = {
        "channel": frozenset({"fifo"}),
        "channels": [(["Sensor"], None, {"unreliable"}), (None, ["Alarm"], {"reliable"})],
    }
    unreliable = UnreliableChannels(config)
    assert unreliable.are_between("Sensor", "Display")
    assert not unreliable.are_between("Sensor", "Alarm")
    assert not unreliable.are_between("Display", "Sensor")
    assert UnreliableChannels({"channel": "unreliable"}).are_between("Alarm", "main")
    assert len(classes) == 3, "they are there as long as they are looked up"

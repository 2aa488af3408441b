"""Whatever becomes of connections, everything arrives once and in order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net.meeting import Party, Side, agree, carry
from quorate.net import session as sn
from quorate.net.session import BadSession, Session

names = st.sampled_from("ab")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), names, st.integers(0, 3)),
        st.tuples(st.just("send"), names, st.integers(1, 3)),
        st.tuples(st.just("carry"), names, st.integers(1, 700)),
        st.tuples(st.just("acknowledge"), names, st.none()),
        st.tuples(st.just("break"), names, st.booleans()),
        st.tuples(st.just("late"), names, st.integers(1, 700)),
    ),
    max_size=60,
)


class Line:
    """Two nodes, and one connection after another, which a test breaks at any byte."""

    def __init__(self) -> None:
        self.parties = {name: Party(name) for name in "ab"}
        self.added: dict[str, list[Any]] = {"a": [], "b": []}
        self.came: dict[str, list[Any]] = {"a": [], "b": []}
        self.connections = 0
        self.sides: dict[str, Side] = {}
        self.connect("a")
        self.meet()

    def connect(self, dialer: str) -> None:
        self.connections += 1
        self.former = self.sides
        self.sides = {
            name: Side(self.parties[name], self.other(name) if name == dialer else None, number)
            for number, name in enumerate("ab", 2 * self.connections % 250)
        }

    def other(self, name: str) -> str:
        return "b" if name == "a" else "a"

    def do(self, what: str, name: str, count: Any) -> None:
        side, there = self.sides[name], self.sides[self.other(name)]
        match what:
            case "add":
                number = len(self.added[name])
                self.added[name].append((sn.NOTE, f"{number}".encode() * 10**count))
                self.parties[name].session.add(*self.added[name][-1])
            case "send":
                side.send(count)
            case "carry":
                self.carry(side, there, count)
            case "acknowledge":
                side.acknowledge()
            case "break":
                self.connect(name)
                if count:
                    self.meet()
            case "late" if self.former and not agree(there):  # who still reads the former one
                self.carry(self.former[name], self.former[self.other(name)], count)

    def carry(self, side: Side, there: Side, size: int) -> None:
        piece = bytes(side.out[:size])
        del side.out[:size]
        there.feed(piece)
        assert there.refused is None
        self.came[there.party.name] += there.came
        there.came.clear()

    def meet(self) -> None:
        """Have the handshake done, and what is on its way come."""
        while any(side.out for side in self.sides.values()):
            for name in "ab":
                self.do("carry", name, 1 << 20)

    def come_to_an_end(self) -> None:
        for _ in range(3):
            for side in self.sides.values():
                side.send()
                side.acknowledge()
            self.meet()


@given(steps)
@settings(max_examples=300, deadline=None)
def test_everything_arrives_once_and_in_order(steps: list[Any]) -> None:
    line = Line()
    for step in steps:
        line.do(*step)
        for name in "ab":
            added = line.added[line.other(name)]
            assert line.came[name] == added[: len(line.came[name])]
    line.come_to_an_end()
    for name in "ab":
        assert line.came[name] == line.added[line.other(name)]
        session = line.parties[name].session
        assert session.is_settled and not session.waiting


@given(st.lists(st.integers(0, 400), max_size=30))
@settings(max_examples=100, deadline=None)
def test_a_connection_may_break_at_every_byte(places: list[int]) -> None:
    line = Line()
    for number, place in enumerate(places):
        for name in "aaabbb":
            line.do("add", name, number % 3)
        for name in "ab":
            line.do("send", name, 9)
            line.do("carry", name, place)
        line.connect("ab"[number % 2])
        line.meet()
    line.come_to_an_end()
    assert line.came == {"a": line.added["b"], "b": line.added["a"]}


def test_what_comes_while_a_new_connection_is_made_comes_once() -> None:
    """A node has told how far it has come, and then more arrives over the former connection."""
    line = Line()
    for _ in range(3):
        line.do("add", "a", 0)
    line.do("send", "a", 3)
    line.connect("a")
    told = line.parties["b"].introduced
    while line.parties["b"].introduced == told:
        for name in "ab":
            line.do("carry", name, 1)
    line.do("late", "a", 1 << 20)
    assert line.came["b"] == line.added["a"]
    line.come_to_an_end()
    assert line.came["b"] == line.added["a"]


@given(st.lists(st.integers(0, 3 * sn.PAYLOAD_BYTES_MAX), max_size=3))
@settings(max_examples=20, deadline=None)
def test_what_is_large_comes_in_parts(sizes: list[int]) -> None:
    a, b = Session(), Session()
    for size in sizes:
        a.add(sn.NOTE, bytes(size))
    came = []
    while a.has_unsent:
        header, payload = a.next()
        assert len(header) + len(payload) <= sn.FRAME_BYTES_MAX
        came.append(b.take(header + payload))
    assert [each for each in came if each] == [(sn.NOTE, bytes(size)) for size in sizes]
    a.take(b.acknowledgement())
    assert a.is_settled and not a.waiting


def frame(kind: int, number: int, acknowledged: int, payload: bytes = b"") -> bytes:
    return sn._HEADER.pack(kind, number, acknowledged) + payload


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "a frame of 0 bytes"),
        (frame(sn.NOTE, 2, 0), "frame 2 after 0"),
        (frame(sn.NOTE, 1 << 63, 0), "after 0"),
        (frame(sn.ACK, 0, 3), "3 frames were taken of 2"),
        (frame(sn.NOTE, 1, 1 << 60), "were taken of 2"),
    ],
)
def test_what_cannot_come_is_refused(body: bytes, reason: str) -> None:
    session = Session()
    for _ in range(3):
        session.add(sn.NOTE, b"x")
    session.next()
    session.next()
    with pytest.raises(BadSession, match=reason):
        session.take(body)
    assert session.waiting == 3


def test_parts_without_an_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sn, "WHOLE_BYTES_MAX", 1000)
    session = Session()
    empty = [frame(sn.NOTE | sn.MORE, number, 0) for number in range(1, 100)]
    with pytest.raises(BadSession, match="more than 1000 bytes"):
        list(map(session.take, empty))


def test_who_has_taken_what_was_never_sent_is_no_partner() -> None:
    with pytest.raises(BadSession):
        Session().resume(1)


def test_an_empty_handed_side_has_nothing_to_carry() -> None:
    a, b = Side(Party("a"), "b", 1), Side(Party("b"), None, 2)
    carry(a, b)
    assert a.party.session.is_settled and b.party.session.is_settled

"""Nobody speaks for a process of a third node, and what is refused harms nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net import own
from quorate.core import effects as fx
from quorate.core.clocks import VectorTime
from quorate.core.ids import ProcessId, main_id
from quorate.net import codec, guarded
from quorate.net.codec import BadFrame, Encoder
from quorate.net.guarded import GuardedDecoder
from quorate.net.registry import Registry

REGISTRY = Registry({own.__name__: own}.get)
HERE, THERE = main_id("here"), main_id("there")
THIRD = main_id("third")


def at(node: str, *path: int, origin: str = "") -> ProcessId:
    return ProcessId("P", path, "", node, origin)


def receive(fill: Callable[[Encoder], None]) -> tuple[list[Any], GuardedDecoder]:
    encoder, decoder = Encoder(REGISTRY), GuardedDecoder(REGISTRY, "here", "there")
    fill(encoder)
    arrivals = decoder.feed(encoder.take())
    assert decoder.taken == encoder.sent, "both count alike, whatever was refused"
    return arrivals, decoder


nodes = st.sampled_from(["here", "there", "third"])
ids = st.builds(
    lambda node, path, origin: ProcessId("P", tuple(path), "", node, origin),
    nodes,
    st.lists(st.integers(1, 2), max_size=2),
    nodes,
)
parts = st.tuples(ids, ids, st.sampled_from([("m",), [1], HERE]), ids)


@given(st.lists(parts, max_size=8))
@settings(max_examples=200, deadline=None)
def test_only_what_goes_from_there_to_here_is_taken(sent: list[Any]) -> None:
    def fill(encoder: Encoder) -> None:
        for to, sender, message, other in sent:
            encoder.add(to, (message, other), sender, None)

    arrivals, decoder = receive(fill)
    may = [
        (to, (message, other), sender, None)
        for to, sender, message, other in sent
        if to.node == "here" and sender.node == "there"
        if sender.path or sender.origin == "there"  # `main` lives where it comes from
    ]
    assert arrivals == may
    assert decoder.refused == len(sent) - len(may)
    assert bool(decoder.reason) == bool(decoder.refused)


changes = st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4)), min_size=1, max_size=6)


@given(st.lists(parts, min_size=1, max_size=8), changes)
@settings(max_examples=300, deadline=None)
def test_whatever_bytes_come_nobody_else_is_spoken_for(sent: list[Any], changes: list[Any]) -> None:
    encoder, decoder = Encoder(REGISTRY), GuardedDecoder(REGISTRY, "here", "there")
    for to, sender, message, other in sent:
        encoder.add(to, (message, other), sender, None)
        encoder.add_order(to, fx.Create(to, own.Acceptor), sender)
    data = bytearray(encoder.take())
    for place, new in changes:
        place %= len(data)
        data[place : place + len(new)] = new
    arrivals = []
    with contextlib.suppress(BadFrame):
        arrivals = decoder.feed(bytes(data))
    for to, what, sender, _ in arrivals:
        assert to.node == "here" and (sender is None or sender.node == "there")
        if isinstance(what, fx.Create):
            assert sender and to.path[:-1] == sender.path and to.origin == sender.origin


def create(id: ProcessId, creator: ProcessId | None) -> Callable[[Encoder], None]:
    return lambda encoder: encoder.add_order(id, fx.Create(id, own.Acceptor), creator)


@pytest.mark.parametrize(
    ("id", "creator", "taken"),
    [
        (at("here", 1, origin="there"), THERE, True),
        (at("here", 3, 1, origin="third"), at("there", 3, origin="third"), True),
        (at("here", 1, origin="third"), THIRD, False),  # in the name of a third
        (at("here", 1), HERE, False),  # of this node itself
        (at("here", 1), THERE, False),  # another's child
        (at("here", 1), main_id("there"), False),
        (at("here", 2, 1, origin="there"), THERE, False),  # a grandchild
        (at("third", 1, origin="there"), THERE, False),  # that is to live elsewhere
        (at("here", 1, origin="there"), None, False),
    ],
)
def test_children_are_made_by_their_parents(id: ProcessId, creator: Any, taken: bool) -> None:
    arrivals, decoder = receive(create(id, creator))
    assert [arrival[0] for arrival in arrivals] == [id] * taken
    assert decoder.refused == 1 - taken


def test_orders_are_for_processes_that_live_here() -> None:
    def fill(encoder: Encoder) -> None:
        for to in (at("here", 1), at("third", 1), at("there", 1)):
            encoder.add_order(to, fx.Start(to), None)

    arrivals, decoder = receive(fill)
    assert [arrival[0] for arrival in arrivals] == [at("here", 1)]
    assert decoder.refused == 2


def test_what_is_refused_harms_nothing_else() -> None:
    encoder, decoder = Encoder(REGISTRY), GuardedDecoder(REGISTRY, "here", "there")
    encoder.add(HERE, ("first",), THERE, None)
    good = encoder.take()
    bad = b"\x81\xff\xff", b"", msgspec.msgpack.encode([[1, 0, 99, None, ["x"]]])
    frames = [len(each).to_bytes(4, "little") + each for each in bad]
    encoder.add(HERE, ("second",), THERE, None)
    came = decoder.feed(b"".join((good, *frames, encoder.take())))
    assert [arrival[1] for arrival in came] == [("first",), ("second",)]
    assert decoder.refused == 3


def test_a_length_that_is_too_great_ends_it() -> None:
    with pytest.raises(BadFrame, match="at most"):
        GuardedDecoder(REGISTRY, "here", "there").feed(b"\xff" * 4)


def test_ids_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded, "KNOWN_MAX", 10)

    def fill(encoder: Encoder) -> None:
        for number in range(1, 20):
            encoder.add(at("here", number), ("m",), THERE, None)

    arrivals, _ = receive(fill)
    assert len(arrivals) == 9


def test_numbers_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "IDS_MAX", 3)
    encoder, decoder = Encoder(REGISTRY), GuardedDecoder(REGISTRY, "here", "there")
    for number in range(1, 20):
        encoder.add(at("here", number), (number,), THERE, None)
        [(to, message, _, _)] = decoder.feed(encoder.take())
        assert (to.path, message) == ((number,), (number,))
    encoder.add(THIRD, ("m",), THERE, None)
    assert decoder.feed(encoder.take()) == [] and decoder.refused == 1


def test_a_datagram_stands_alone() -> None:
    encoder, decoder = Encoder(REGISTRY), GuardedDecoder(REGISTRY, "here", "there")
    texts = [encoder.alone(HERE, (number, THIRD), THERE, None) for number in range(3)]
    for number in (2, 0):
        assert decoder.alone(texts[number]) == [(HERE, (number, THIRD), THERE, None)]
    with pytest.raises(BadFrame):
        decoder.alone(texts[1][:-1])
    assert decoder.alone(texts[1]) == [(HERE, (1, THIRD), THERE, None)]


NO_PAIRS: Any = (1, 2)
NO_COUNT: Any = ((HERE, "x"),)


@pytest.mark.parametrize("stamp", ["now", 1.5, VectorTime(NO_PAIRS), VectorTime(NO_COUNT)])
def test_a_stamp_is_a_time(stamp: Any) -> None:
    to, sender = at("here", 1), at("there", 1)

    def fill(encoder: Encoder) -> None:
        encoder.add(to, ("m", 1), sender, stamp)
        encoder.add(to, ("m", 2), sender, 3)

    arrivals, decoder = receive(fill)
    assert arrivals == [(to, ("m", 2), sender, 3)]
    assert decoder.refused == 1

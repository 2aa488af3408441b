"""What hostile bytes come to, as functions of any bytes, for a fuzzer and for tests.

Invariant: a target ends, raises nothing, and what it took from the bytes is what may be taken.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, cast

import msgspec

from net import own
from quorate.core import effects as fx
from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.net.codec import HEADER_BYTES, BadFrame, Decoder, Encoder
from quorate.net.datagram import BadDatagram, DatagramOpener, DatagramSealer
from quorate.net.guarded import GuardedDecoder
from quorate.net.handshake import Handshake, Introduction, Refused
from quorate.net.registry import Registry
from quorate.net.session import MESSAGES, NOTE, BadSession, Session

REGISTRY = Registry({own.__name__: own}.get)
A, B = ProcessId("P", (1,), "", "a"), ProcessId("Q", (2,), "", "b")
ORDERS = fx.Create | fx.Setup | fx.Start | fx.End
CHUNK_BYTES_MAX = 64


class Target(NamedTuple):
    """Something that takes bytes from strangers, and bytes that it is to take well."""

    take: Callable[[bytes], object]
    seeds: list[bytes]


def chunks(data: bytes) -> Iterator[bytes]:
    """Pieces of the rest of `data`, as long as its first byte says."""
    size = 1 + data[0] % CHUNK_BYTES_MAX if data else 1
    yield from (data[start : start + size] for start in range(1, len(data), size))


# --- Frames of messages


def messages() -> Encoder:
    """Something of most kinds that are sent."""
    encoder = Encoder(REGISTRY)
    for message in (
        *(("ping", 1, None, 2.5, b"x"), [1, {"a": {2}}, (B,)], 1 << 70, "\ud800", 1j),
        *(own.Ballot(3, A), own.Slot(1), own.Colour.RED, ValueError("x"), frozenset({1})),
    ):
        encoder.add(A, message, B, 7)
    child = B.child(1, "P", node="a")
    for order in (fx.Create(child, own.Acceptor), fx.Setup(child, (1,), {"x": A}), fx.Start(child)):
        encoder.add_order(child, order, B)
    return encoder


def frames_of(encoder: Encoder) -> tuple[bytes, bytes]:
    """(what introduces the ids, what is said with them)."""
    data = encoder.take()
    end = HEADER_BYTES + int.from_bytes(data[:HEADER_BYTES], "little")
    return data[:end], data[end:]


INTRODUCED, SAID = frames_of(messages())


def take_frames(data: bytes) -> None:
    """From a link that may be wrong in any way: what is taken can be sent on."""
    decoder, encoder = Decoder(REGISTRY), Encoder(REGISTRY)
    decoder.feed(INTRODUCED)
    with suppress(BadFrame):
        for chunk in chunks(data):
            for to, message, sender, stamp in decoder.feed(chunk):
                if sender is not None and not isinstance(message, ORDERS):
                    with suppress(ProgramError, AttributeError):  # of objects that lack a slot
                        encoder.add(to, message, sender, stamp)
    Decoder(REGISTRY).feed(encoder.take())


def take_guarded(data: bytes) -> None:
    """From a node that is known, and hostile: it speaks for its own processes only."""
    decoder = GuardedDecoder(REGISTRY, here="a", there="b")
    decoder.feed(INTRODUCED)
    with suppress(BadFrame):
        for chunk in chunks(data):
            for to, _, sender, _ in decoder.feed(chunk):
                assert to.node == "a"
                assert sender is None or sender.node == "b"


# --- Handshakes


@dataclass
class Party:
    """A node that tells whoever has proved himself the same."""

    name: str
    incarnation: int = 1

    def introduce(self, peer: str, incarnation: int, dialed: bool) -> Introduction:
        return Introduction(
            compiler="1.0",
            files={"x.da": "12"},
            idle=False,
            address=("here", 1),
            datagrams=2,
            taken=3,
        )

    def examine(self, introduction: Introduction) -> None:
        pass


def listener() -> Handshake:
    return Handshake(Party("a"), b"cookie", b"a" * 32)


def dialer() -> Handshake:
    return Handshake(Party("b"), b"cookie", b"b" * 32, wanted="a")


def take_strange(data: bytes) -> None:
    """From one who does not know the cookie, and dials or is dialed."""
    for side in (listener(), dialer()):
        side.begin()
        with suppress(Refused):
            for chunk in chunks(data):
                side.feed(chunk)
        assert not side.proved
        assert side.agreed is None


def take_changed(data: bytes) -> None:
    """Between two who know it: each three bytes change one of what the next says.

    Who has been told anything but what the other said does not agree.
    """
    sides = (dialer(), listener())
    said, deceived = sides[0].begin(), [False, False]
    with suppress(Refused):
        for turn in range(5):
            where = data[3 * turn : 3 * turn + 3]
            told = bytearray(said)
            if len(where) == 3 and told:
                told[int.from_bytes(where[:2], "little") % len(told)] ^= where[2]
            there = 1 - turn % 2
            deceived[there] = deceived[there] or told != said
            said = sides[there].feed(bytes(told))
            assert not (deceived[there] and sides[there].agreed)
    assert any(deceived) or all(side.agreed for side in sides)


class Liar(Party):
    """One who knows the cookie, and says anything then."""

    said = b""

    def introduce(self, peer: str, incarnation: int, dialed: bool) -> Introduction:
        return cast(Introduction, msgspec.Raw(self.said))


def take_introduced(data: bytes) -> None:
    """From one who has proved that he knows the cookie: what is believed is well formed."""
    here, there = listener(), dialer()
    there.party = liar = Liar("b")
    liar.said = data
    said, sides = there.begin(), (here, there)
    with suppress(Refused):
        for turn in range(5):
            said = sides[turn % 2].feed(said)
        assert here.agreed is not None
        assert msgspec.msgpack.encode(here.agreed.introduction)


# --- Sessions

HEADER = struct.Struct("<BQQ")


def take_session(data: bytes) -> None:
    """Frames in any order: what is taken comes next, and no more is held than was added."""
    session = Session()
    for payload in (b"1", b"22", b"333"):
        session.add(NOTE, payload)
    session.next()
    session.next()
    with suppress(BadSession):
        for start in range(0, len(data) - 3, 8):
            kind, number, taken, size = data[start : start + 4]
            before = session.taken
            session.take(HEADER.pack(kind, number, taken) + data[start + 4 : start + 4 + size % 5])
            assert session.taken in (before, before + 1)
            assert 0 <= session.acknowledged <= 2
            assert session.waiting == sum((1, 2, 3)[session.acknowledged :])


# --- Datagrams

SEALER = DatagramSealer(b"key")
DATAGRAMS = [SEALER.seal(bytes([number])) for number in range(1 << 6)]


def take_datagrams(data: bytes) -> None:
    """In any order, again, or changed: each is taken once at most, and as it was written."""
    opener, taken = DatagramOpener(b"key"), set[bytes]()
    for start in range(0, len(data) - 3, 4):
        which, where, change, end = data[start : start + 4]
        datagram = bytearray(DATAGRAMS[which % len(DATAGRAMS)])
        datagram[where % len(datagram)] ^= change
        with suppress(BadDatagram):
            body = opener.open(bytes(datagram[: len(datagram) - end // 16]))
            assert body == bytes([which % len(DATAGRAMS)])
            assert body not in taken
            taken.add(body)


TARGETS = {
    "decoder": Target(take_frames, [bytes([63]) + SAID, bytes([0]) + SAID]),
    "guarded": Target(take_guarded, [bytes([63]) + SAID]),
    "stranger": Target(take_strange, [bytes([63]) + dialer().begin()]),
    "changed": Target(take_changed, [bytes(18), bytes([0, 0, 0, 7, 0, 1])]),
    "introduced": Target(
        take_introduced, [msgspec.msgpack.encode(Party("b").introduce("a", 1, True))]
    ),
    "datagrams": Target(take_datagrams, [bytes([1, 0, 0, 0, 3, 0, 0, 0, 3, 1, 0, 0, 2, 0, 0, 0])]),
    "session": Target(
        take_session, [bytes([NOTE, 1, 1, 4, 1, 1, 1, 1, MESSAGES, 2, 2, 2, 0, 0, 0, 0])]
    ),
}

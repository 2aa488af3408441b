"""Whatever a program sends arrives equal and of the same type, and nothing else gets in."""

from __future__ import annotations

import contextlib
import math
import os
import resource
import time
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net import own
from quorate.core import effects as fx
from quorate.core.clocks import VectorTime
from quorate.core.containers import ObservedDict, ObservedList, ObservedSet
from quorate.core.ids import ProcessId
from quorate.core.messages import parts_of_error
from quorate.net import codec
from quorate.net.registry import Registry
from quorate.net.values import DEPTH_MAX, Unsendable

REGISTRY = Registry({own.__name__: own}.get)
IDS = [ProcessId("P", (n,)) for n in range(3)] + [ProcessId("Q", (1, 2), "alice", "node", "origin")]
P, Q = IDS[0], IDS[3]


def cross(*messages: Any, stamp: Any = None) -> list[Any]:
    """The messages as they arrive, sent in one frame."""
    encoder, decoder = codec.Encoder(REGISTRY), codec.Decoder(REGISTRY)
    for message in messages:
        encoder.add(P, message, Q, stamp)
    arrivals = decoder.feed(encoder.take())
    assert all(arrival[::2] == (P, Q) and arrival[3] == stamp for arrival in arrivals)
    assert decoder.taken == encoder.sent == len(messages)
    return [arrival[1] for arrival in arrivals]


def alike(one: Any, two: Any) -> bool:
    """Equal and of the same types, all the way down."""
    if type(one) is not type(two):
        return False
    if isinstance(one, float):
        return one == two or (math.isnan(one) and math.isnan(two))
    if isinstance(one, (set, frozenset)):
        return len(one) == len(two) and all(any(alike(a, b) for b in two) for a in one)
    if isinstance(one, (tuple, list, deque)):
        return len(one) == len(two) and all(map(alike, one, two))
    if isinstance(one, dict):
        return alike(list(one.items()), list(two.items()))
    if isinstance(one, BaseException):
        return alike(parts_of_error(one), parts_of_error(two))
    if isinstance(one, own.Slot):
        return alike((one.index, one.value), (two.index, two.value))
    if hasattr(one, "__dict__") and not isinstance(one, type):
        return alike(vars(one), vars(two))
    return bool(one == two)


atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(),
    st.text(st.characters(), max_size=8),
    st.binary(max_size=8),
    st.sampled_from(IDS),
)
fixed = st.recursive(
    atoms | st.complex_numbers(allow_nan=False) | st.sampled_from([own.Colour.RED, int, own.Slot]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple),
        st.frozensets(inner, max_size=3),
        st.builds(own.Slot, st.integers(), inner),
        st.builds(own.Pair, inner, inner),
    ),
    max_leaves=8,
)
values = st.recursive(
    fixed,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(fixed, inner, max_size=3),
        st.sets(fixed, max_size=3),
        st.builds(own.Ballot, st.integers(), inner, st.lists(inner, max_size=2)),
        st.builds(lambda value: own.Plain(a=value), inner),
    ),
    max_leaves=12,
)


@given(st.lists(values, max_size=4))
@settings(deadline=None, max_examples=300)
def test_what_arrives_is_what_was_sent(messages: list[Any]) -> None:
    assert alike(cross(*messages), messages)


@given(st.lists(st.lists(atoms, max_size=5).map(tuple), max_size=6), st.integers(1, 9))
@settings(deadline=None, max_examples=100)
def test_frames_may_come_in_pieces(messages: list[Any], size: int) -> None:
    encoder, decoder = codec.Encoder(REGISTRY), codec.Decoder(REGISTRY)
    data = b""
    for message in messages:
        encoder.add(P, message, P, 7)
        data += encoder.take()
    pieces = [data[n : n + size] for n in range(0, len(data), size)]
    came = [arrival for piece in pieces for arrival in decoder.feed(piece)]
    assert alike([arrival[1] for arrival in came], messages)


UNUSUAL = [
    own.Colour.BLUE,
    own.Rights.READ | own.Rights.WRITE,
    own.Level.HIGH,
    own.Slot(3, ("x",)),
    own.Packed([1, (2,)]),
    own.Metres(2.5),
    own.Registry(a=1),
    own.Refused("P"),
    own.Coded(code=3),
    ValueError("no", 3),
    ExceptionGroup("all", [own.Coded(code=4), KeyError("k")]),
    own.Acceptor,
    own.Acceptor.Inner,
    own.choose,
    int,
    type(None),
    range(3, 9, 2),
    bytearray(b"abc"),
    Decimal("1.50"),
    Fraction(2, 3),
    UUID(int=5),
    date(1978, 7, 1),
    datetime(1978, 7, 1, 12, tzinfo=UTC),
    timedelta(days=1, microseconds=3),
    deque([1, (2,)], maxlen=5),
    OSError(2, "missing", "here", None, "there"),
    ImportError("missing", name="m"),
    OrderedDict([("b", 1), ("a", 2)]),
    Counter("hello"),
    defaultdict(list, {"a": [1]}),
    VectorTime(((P, 1), (Q, 2))),
    resource.getrusage(resource.RUSAGE_SELF),
    time.localtime(0),
    os.times(),
    os.stat(__file__),
    {(1, 2): [{3}], frozenset({(4,)}): None, P: {Q: b""}},
    -(2**64),
    "\ud800",
]


@pytest.mark.parametrize("value", UNUSUAL, ids=lambda value: type(value).__name__)
def test_unusual_values(value: Any) -> None:
    assert alike(cross(value, (value,), ["in", value]), [value, (value,), ["in", value]])


def test_what_is_observed_arrives_as_pythons_own() -> None:
    [(one, two, three)] = cross((ObservedSet({1}), [ObservedList([1])], ObservedDict(a=1)))
    assert (one, two, three) == ({1}, [[1]], {"a": 1})
    assert [type(one), type(two[0]), type(three)] == [set, list, dict]


def test_state_is_kept_in_slots_and_in_derived_classes() -> None:
    slotted = own.Slotted([1])
    names = own.Names(["a"])
    names.title = "t"
    [one, two] = cross(slotted, names)
    assert (one.first, one.private(), one.second) == ([1], [1], 2)
    assert (type(two), two, two.title) == (own.Names, ["a"], "t")


@pytest.mark.parametrize("stamp", [None, 5, VectorTime(((P, 1),))])
def test_stamps(stamp: Any) -> None:
    assert cross(("m", 1), [2], stamp=stamp) == [("m", 1), [2]]


@pytest.mark.parametrize(
    "order",
    [
        fx.Create(P, own.Acceptor, True, (("crash", 0.5),)),
        fx.Setup(P, ({Q}, [1]), {"x": (2,)}),
        fx.Start(P),
        fx.End(P),
    ],
    ids=lambda order: type(order).__name__,
)
def test_orders(order: Any) -> None:
    encoder, decoder = codec.Encoder(REGISTRY), codec.Decoder(REGISTRY)
    encoder.add_order(P, order, Q)
    encoder.add_order(P, order, None)
    assert decoder.feed(encoder.take()) == [(P, order, Q, None), (P, order, None, None)]


def deep() -> Any:
    value: Any = ()
    for _ in range(DEPTH_MAX + 1):
        value = (value,)
    return value


def loop() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def local() -> Any:
    class Local:
        pass

    return Local()


@pytest.mark.parametrize(
    "value",
    [
        deep(),
        loop(),
        local(),
        lambda: 0,
        len,
        own.system,
        math,
        Registry({}.get),
        [local()],
        own.Plain(__x__=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_sent_says_so(value: Any) -> None:
    encoder = codec.Encoder(REGISTRY)
    with pytest.raises(Unsendable) as raised:
        encoder.add(P, value, Q, None)
    assert raised.value.code == "Q106"
    assert raised.value.help
    assert encoder.take() == b""


def test_no_message_is_larger_than_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "FRAME_BYTES_MAX", 100)
    messages = [("m", "x" * 50)] * 3
    assert cross(*messages) == messages
    encoder, decoder = codec.Encoder(REGISTRY), codec.Decoder(REGISTRY)
    for size, sender in ((1, P), (101, Q), (2, P)):
        encoder.add(P, ("m", "x" * size), sender, None)
    encoder.add_order(P, fx.Setup(P, ("x" * 101,), {}), None)
    came = decoder.feed(encoder.take())
    assert [message for _, message, _, _ in came] == [("m", "x"), ("m", "xx")]
    assert decoder.taken == encoder.sent == 2
    assert [id for id, _ in encoder.refused] == [Q, P]
    assert "cannot be sent: at most 100" in str(encoder.refused[0][1])


def test_a_large_frame_costs_what_its_bytes_do() -> None:
    encoder, decoder = codec.Encoder(REGISTRY), codec.Decoder(REGISTRY)
    encoder.add(P, ("m", bytes(1 << 25)), Q, None)
    data = encoder.take()
    begin = time.process_time()
    arrivals = [
        arrival
        for n in range(0, len(data), 1 << 12)
        for arrival in decoder.feed(data[n : n + (1 << 12)])
    ]
    assert arrivals == [(P, ("m", bytes(1 << 25)), Q, None)]
    assert time.process_time() - begin < 3


def test_a_lack_of_memory_is_no_fault_of_a_frame() -> None:
    class Full:
        def decode(self, body: bytes) -> list[Any]:
            raise MemoryError

    decoder: Any = codec.Decoder(REGISTRY)
    decoder._decoder = Full()
    with pytest.raises(MemoryError):
        decoder.frame(b"", [])


def test_numbers_of_ids_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "IDS_MAX", 3)
    encoder, decoder = codec.Encoder(REGISTRY), codec.Decoder(REGISTRY)
    for turn in range(4):
        sent = [(id, (turn, id)) for id in IDS]
        for id, message in sent:
            encoder.add(id, message, Q, None)
        came = decoder.feed(encoder.take())
        assert [arrival[:2] for arrival in came] == sent


# Hostile frames. A tree is what stands for a value on the wire; see net/values.py.

HOSTILE_TREES = [
    [],
    [99],
    [[1]],
    [True],
    {},
    [4, 1],
    [2, [0]],
    [4, [0], 1],
    [5, "zz"],
    [6, 1.0],
    [8, "os.system", "true"],
    [8, "builtins.bytearray", 1 << 60],
    [8, "fractions.Fraction", 1, 0],
    [12, "os", "system"],
    [12, own.__name__, "system"],
    [12, own.__name__, "math"],
    [12, own.__name__, "Ballot.__init__.__globals__"],
    [12, "builtins", "eval"],
    [9, "builtins", "int", [4]],
    [9, own.__name__, "choose", [4]],
    [9, own.__name__, "Colour", [4]],
    [9, own.__name__, "Ballot", [4, "__class__", 1]],
    [9, own.__name__, "Ballot", [4, 1, 1]],
    [10, own.__name__, "Names", [4], [4]],
    [10, own.__name__, "Ballot", [0], [4]],
    [11, own.__name__, "Colour", "GREEN"],
    [11, own.__name__, "Ballot", "number"],
    [13, own.__name__, "Ballot", [1], [4]],
]


def frame_of(*items: Any) -> bytes:
    body = msgspec.msgpack.encode(items)
    return len(body).to_bytes(4, "little") + body


INTRODUCED = [0, "P", [1], "", ""]


@pytest.mark.parametrize("tree", HOSTILE_TREES, ids=repr)
def test_hostile_trees(tree: Any) -> None:
    with pytest.raises(codec.BadFrame):
        codec.Decoder(REGISTRY).feed(frame_of(INTRODUCED, [2, 0, 0, [1, tree, None]]))


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        frame_of([1, 0, 0, None, []]),
        frame_of(INTRODUCED, [1, -1, 0, None, []]),
        frame_of(INTRODUCED, [3, 0, 0, "x", [1]]),
        frame_of(INTRODUCED, [3, 0, 0, "c", [1, 5, False, [1]]]),
        frame_of(INTRODUCED, [1, 0, 0, None, [msgspec.msgpack.Ext(9, b"x")]]),
        frame_of(INTRODUCED, [1, 0, 0, None, [msgspec.msgpack.Ext(1, b"\xff" * 9)]]),
        frame_of(7),
        (3).to_bytes(4, "little") + b"\x93\x01\x02",
        (60_000).to_bytes(4, "little") + b"\x91" * 60_000,
    ],
)
def test_hostile_frames(data: bytes) -> None:
    with pytest.raises(codec.BadFrame):
        codec.Decoder(REGISTRY).feed(data)


@given(st.binary(max_size=60))
@settings(deadline=None, max_examples=200)
def test_any_bytes_are_a_frame_or_refused(body: bytes) -> None:
    with contextlib.suppress(codec.BadFrame):
        codec.Decoder(REGISTRY).frame(body, [])


@pytest.mark.parametrize(
    "order",
    [
        fx.Create(P, str),
        fx.Create(P, own.Acceptor, 3),
        fx.Create(P, own.Acceptor, False, (("send", "often"),)),
        fx.Create(P, own.Acceptor, False, (("sned", 0.1),)),
        fx.Setup(P, 3, {}),
        fx.Setup(P, (), {3: 4}),
    ],
    ids=str,
)
def test_an_order_that_nobody_gives_is_no_frame(order: Any) -> None:
    encoder = codec.Encoder(REGISTRY)
    encoder.add_order(P, order, Q)
    with pytest.raises(codec.BadFrame):
        codec.Decoder(REGISTRY).feed(encoder.take())

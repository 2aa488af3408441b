"""Messages are values: a copy is equal, of the same types, and shares nothing that can change."""

import collections
import enum
import threading
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core import api as core_
from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.core.messages import is_fixed, own_copy
from stage import OTHER, PEER, Actor


class Box:
    def __init__(self, inside: Any) -> None:
        self.inside = inside

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Box) and self.inside == other.inside

    def __hash__(self) -> int:
        return 1


class Callable(Box):
    def __call__(self) -> Any:
        return self.inside


class Pair(NamedTuple):
    one: Any
    two: Any


class Colour(enum.Enum):
    RED = [1]


HASHABLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=2) | st.just(PEER),
    lambda inner: st.tuples(inner, inner) | st.lists(inner, max_size=2).map(frozenset),
    max_leaves=6,
)
VALUES = st.recursive(
    HASHABLE | st.floats(allow_nan=False) | st.binary(max_size=2) | st.just(Colour.RED),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.builds(Pair, inner, inner)
        | st.lists(HASHABLE, max_size=3).map(set)
        | st.lists(st.tuples(HASHABLE, inner), max_size=3).map(dict)
        | st.builds(Box, inner)
        | st.builds(Callable, inner)
        | st.lists(inner, max_size=2).map(collections.deque)
    ),
)


def changeable(value: Any) -> list[Any]:
    """All objects in a value that can be changed."""
    match value:
        case dict():
            inside = [*value, *value.values()]
        case Box():
            inside = [value.inside]
        case tuple() | list() | set() | frozenset() | collections.deque():
            inside = list(value)
        case _:
            return []
    found = [each for part in inside for each in changeable(part)]
    return found if isinstance(value, (tuple, frozenset)) else [value, *found]


@given(VALUES)
def test_a_copy_is_equal_and_shares_nothing_that_can_change(value: Any) -> None:
    copy = own_copy(value)
    assert copy == value
    assert repr(type(copy)) == repr(type(value))
    assert not {id(each) for each in changeable(copy)} & {id(each) for each in changeable(value)}


@given(VALUES)
def test_what_cannot_change_is_not_copied(value: Any) -> None:
    assert is_fixed(value) == (not changeable(value))
    if is_fixed(value):
        assert own_copy(value) is value


def test_members_of_enumerations_and_classes_stay_themselves() -> None:
    for value in (Colour.RED, Box, len, PEER, changeable):
        assert own_copy((value, [value]))[1][0] is value


class Sender(core_.Process):
    keeps_sent_ = True
    keeps_received_ = True

    def setup(self) -> None:
        self.seen: list[Any] = []
        self.own: list[Any] = []

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> Any:
        message[1].append("changed by a handler")
        self.seen.append(message)

    def sent_2(self, message: Any, to: Any, stamp: Any) -> Any:
        message[1].append("changed by a handler of sent")

    own_handlers_ = (core_.Handler("received", receive_1), core_.Handler("sent", sent_2))


def test_the_receivers_of_one_message_share_nothing_with_each_other_or_the_sender() -> None:
    actor = Actor(Sender)
    message = ("m", [1])
    actor.process.send(message, to=[PEER, OTHER])
    actor.process.send(message, to=PEER)
    actor.begin()
    lists = [message[1], *(sent[1] for sent, _ in actor.sent)]
    lists += [sent[1] for sent, _, _ in actor.process.sent_]
    assert len({id(each) for each in lists}) == 7
    assert all(each == [1] for each in lists)


def test_histories_are_immune() -> None:
    actor = Actor(Sender).begin().give(("m", [1]))
    assert actor.process.seen == [("m", [1, "changed by a handler"])]
    assert actor.process.history_("received") == [(("m", [1]), PEER)]


def test_one_stamp_and_one_entry_a_destination() -> None:
    actor = Actor(Sender, config={"clock": "lamport"})
    actor.process.send(("m", []), to={OTHER, PEER})
    actor.begin()
    assert [to for _, to in actor.sent] == [OTHER, PEER]
    assert actor.stamps == [1, 1]
    assert [entry[1:] for entry in actor.process.sent_] == [(OTHER, 1), (PEER, 1)]


@pytest.mark.parametrize("order", [1, -1])
def test_a_set_of_destinations_is_served_in_order(order: int) -> None:
    ids = [ProcessId("P", (n,)) for n in range(40)]
    actor = Actor(Sender)
    actor.process.send(("m", []), to=set(ids[::order]))
    actor.begin()
    assert [to for _, to in actor.sent] == ids


@pytest.mark.parametrize("to", [None, 3, [PEER, 3], {1: 2}], ids=str)
def test_a_message_goes_to_processes(to: Any) -> None:
    with pytest.raises(ProgramError, match="Q083"):
        Actor(Sender).process.send(("m", []), to=to)


def around() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


@pytest.mark.parametrize(
    "message",
    [threading.Lock(), (1, (x for x in [1])), around(), ("next", lambda x: x), [threading]],
    ids=type,
)
def test_what_cannot_be_copied_cannot_be_sent(message: Any) -> None:
    with pytest.raises(ProgramError, match="Q106"):
        Actor(Sender).process.send(message, to=PEER)


def test_anything_can_be_shown() -> None:
    actor = Actor(Sender)
    actor.process.output(threading.Lock(), [1])
    actor.begin()
    ((text, items),) = actor.shown
    assert "lock" in text
    assert items == [1]


def test_a_name_is_known_to_its_maker_at_once() -> None:
    actor = Actor(Sender)
    (alice,) = actor.process.new(Sender, num=["alice"])
    actor.process.send(("m", []), to="alice")
    assert actor.process.resolve("alice") == alice
    with pytest.raises(ProgramError, match="Q108"):
        actor.process.resolve("bob")


class Coded(Exception):
    def __new__(cls, code: int, names: list[str]) -> "Coded":
        return super().__new__(cls)

    def __init__(self, code: int, names: list[str]) -> None:
        super().__init__(f"code {code}")
        self.names = names


def test_exceptions_are_copied_without_their_constructors() -> None:
    error = Coded(3, ["a"])
    error.add_note("b")
    group = ExceptionGroup("all", [error, FileNotFoundError(2, "missing", "here")])
    copied = own_copy(["in", group])[1]
    coded, missing = copied.exceptions
    assert type(coded) is Coded
    assert (str(coded), coded.args) == ("code 3", ("code 3",))
    assert vars(coded) == {"names": ["a"], "__notes__": ["b"]}
    assert coded.names is not error.names
    assert missing.filename == "here"

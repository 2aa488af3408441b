"""Names that all operating-system processes of a run share, and the channel to the node."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.worlds.real import control as ct
from quorate.worlds.real.shared import Names, shared_file

ALICE, BOB = ProcessId("P", (1,), "alice"), ProcessId("Q", (2, 1), "bob")


@pytest.fixture
def file() -> Any:
    descriptor = shared_file()
    yield descriptor
    os.close(descriptor)


def test_a_name_given_here_is_known_there(file: int) -> None:
    here, there = Names(file), Names(file)
    with pytest.raises(KeyError):
        there["alice"]
    here.claim(ALICE)
    assert there["alice"] == ALICE
    there.claim(BOB)
    assert repr(here["bob"]) == "Q-bob"
    assert (list(here), len(there)) == (["alice", "bob"], 2)


def test_a_name_is_given_once(file: int) -> None:
    Names(file).claim(ALICE)
    with pytest.raises(ProgramError, match="given twice") as raised:
        Names(file).claim(ProcessId("R", (3,), "alice"))
    assert raised.value.code == "Q109"


def test_a_channel_carries_messages_and_sockets() -> None:
    one, two = map(ct.Channel, ct.pair())
    first, second = ct.pair()
    one.send(ct.Granted((1,)), first)
    one.send(ct.Stop())
    assert two.receive() == [ct.Granted((1,)), ct.Stop()]
    come = two.sockets.popleft()
    second.send(b"x")
    assert come.recv(1) == b"x"
    assert two.receive() == []
    one.close()
    assert two.receive() is None
    two.close()
    for end in (come, second):
        end.close()


def test_a_channel_waits_for_room_without_blocking() -> None:
    one, two = map(ct.Channel, ct.pair())
    one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    long = ct.Failed("x" * 100_000, False)
    one.send(long)
    one.send(ct.Stop())
    assert not one.flush()
    came: list[Any] = []
    while len(came) < 2:
        came += two.receive() or []
        one.flush()
    assert came == [long, ct.Stop()]
    one.close()
    two.close()

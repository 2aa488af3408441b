"""Names that all operating-system processes of a run share, and the channel to the node."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.worlds.real import control as ct
from quorate.worlds.real import shared
from quorate.worlds.real.membership import Address
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


def free_names(log: list[Any]) -> dict[str, ProcessId]:
    """What the records say, taken one by one."""
    owners: dict[str, ProcessId] = {}
    for record in log:
        if isinstance(record, shared.Freed):
            owners = {name: id for name, id in owners.items() if id.origin != record.origin}
        elif isinstance(record, ProcessId):
            owners[record.name] = record
    return owners


STEPS = st.tuples(st.integers(0, 2), st.sampled_from("gfmps"), st.integers(0, 3))


@given(st.lists(STEPS, max_size=60), st.integers(0, 4))
def test_all_know_the_same_however_often_the_file_is_written_anew(
    steps: list[tuple[int, str, int]], spare: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, os.fdopen(shared_file(), "rb+") as file:
        patch.setattr(shared, "RECORDS_SPARE", spare)
        readers = [Names(file.fileno()) for _ in range(3)]
        heard = [(0, 0)] * 3  # the length of the log, and the number, when each has asked last
        log: list[Any] = []
        nodes: dict[str, Address | None] = {}
        for count, (which, what, one) in enumerate(steps, 1):
            names, node = readers[which], f"n{one}"
            id = ProcessId("P", (count,), f"name{one}", node, f"o{count % 2}")
            match what:
                case "g" if id.name not in free_names(log):
                    assert names.hear(id) is None
                    log.append(id)
                case "g":
                    assert names.hear(id) == free_names(log)[id.name]
                case "f":
                    names.add(shared.Freed(id.origin))
                    log.append(shared.Freed(id.origin))
                case "m":
                    nodes[node] = None if count % 3 else Address("h", count)
                    names.add(shared.Met(node, nodes[node]))
                case "p":
                    nodes.pop(node, None)
                    names.add(shared.Parted(node))
                case "s":
                    length, number = heard[which]
                    new, number = names.since(number)
                    assert new == list(free_names(log[length:]).values())
                    heard[which] = len(log), number
        for names in readers:
            assert dict(names) == free_names(log)
            assert list(names) == list(free_names(log))
            assert names.nodes() == nodes


def test_what_is_no_more_is_not_kept(file: int) -> None:
    here, there = Names(file), Names(file)
    here.claim(ALICE)
    for number in range(5000):
        here.add(shared.Met("a", None))
        assert here.hear(ProcessId("P", (number,), "bob", "a", "a")) is None
        here.add(shared.Freed("a"))
        here.add(shared.Parted("a"))
    assert os.fstat(file).st_size < 1 << 16
    assert (dict(there), there.nodes()) == ({"alice": ALICE}, {})


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

"""Messages that need not arrive go as datagrams, where they can, and else by stream."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from quorate.core.ids import ProcessId, main_id
from quorate.net.values import Unsendable
from worlds.real.peering import Node, Scene, listening, play


def loosely(node: Node, to: str, *messages: Any) -> None:
    for message in messages:
        node.peers.link(to).add_unreliable(main_id(to), message, main_id(node.name), None)


def watched(node: Node) -> list[bytes]:
    """The datagrams that a node sends from now on."""
    datagrams, sent = node.peers.datagrams, []
    assert datagrams
    send = datagrams.send

    def note_and_send(datagram: bytes, host: str, port: int) -> None:
        sent.append(datagram)
        send(datagram, host, port)

    datagrams.send = note_and_send  # type: ignore[method-assign]
    return sent


async def met(scene: Scene, **more: Any) -> tuple[Node, Node]:
    a, b = scene.pair(**more)
    loose = [lambda: a.peers.link("b")._loose, lambda: b.peers.link("a")._loose]
    await scene.until(lambda: all(each() and each().ready for each in loose))  # type: ignore
    return a, b


def test_each_message_is_a_datagram() -> None:
    async def act(scene: Scene) -> None:
        a, b = await met(scene)
        sent = watched(a)
        third = ProcessId("P", (1,), "", "c")
        loosely(a, "b", 1, ("two", third), {"three": [3]})
        await scene.until(lambda: len(b.messages) == 3)
        assert b.messages == [1, ("two", third), {"three": [3]}]
        assert len(sent) == 3 and b.peers.link("a").counts == (0, 0)

    play(act)


def test_what_is_large_goes_by_stream() -> None:
    async def act(scene: Scene) -> None:
        a, b = await met(scene)
        sent = watched(a)
        loosely(a, "b", "x" * 65_000, "x" * 66_000)
        await scene.until(lambda: len(b.messages) == 2)
        assert sorted(map(len, b.messages)) == [65_000, 66_000]
        assert len(sent) == 1 and len(sent[0]) > 65_000
        loosely(a, "b", "x" * 70_000)
        [report] = a.reports
        assert report.startswith("a message of 66,0") and "goes by stream" in report

    play(act)


def test_before_there_is_a_connection_messages_go_by_stream() -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b")
        a = scene.node("a", b)
        sent = watched(a)
        loosely(a, "b", *range(100))
        await scene.until(lambda: len(b.messages) == 100)
        assert b.messages == list(range(100)) and not sent

    play(act)


def test_where_the_port_is_taken_messages_go_by_stream() -> None:
    async def act(scene: Scene) -> None:
        door = listening()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(door.getsockname())
            b = scene.node("b", listener=door)
            a = scene.node("a", b)
            await scene.until(lambda: a.events and b.events)
            loosely(a, "b", "to b")
            loosely(b, "a", "to a")
            await scene.until(lambda: a.messages and b.messages)
            assert (a.messages, b.messages) == (["to a"], ["to b"])

    play(act)


def test_a_value_that_cannot_be_sent_is_told_at_once() -> None:
    async def act(scene: Scene) -> None:
        a, b = await met(scene)
        with pytest.raises(Unsendable):
            loosely(a, "b", socket.socket)
        loosely(a, "b", "hello")
        await scene.until(lambda: b.messages == ["hello"])

    play(act)


def test_keys_are_new_with_each_connection() -> None:
    async def act(scene: Scene) -> None:
        a, b = await met(scene)
        sent = watched(a)
        loosely(a, "b", "old")
        await scene.until(lambda: b.messages == ["old"])
        old = a.peers.link("b").connection
        assert old
        old.fail(ConnectionResetError())
        again = lambda: a.peers.link("b")._loose  # noqa: E731
        await scene.until(lambda: again() and again().ready)  # type: ignore
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(sent[0], b.me.address)
        loosely(a, "b", "new")
        await scene.until(lambda: b.messages == ["old", "new"])
        assert not b.reports, "an old one is no offence"

    play(act)


def test_forged_datagrams_of_a_node_are_refused() -> None:
    async def act(scene: Scene) -> None:
        a, b = await met(scene)
        link = a.peers.link("b")
        link.add_unreliable(main_id("b"), "forged", main_id("c"), None)
        link.add_unreliable(main_id("b"), "honest", main_id("a"), None)
        await scene.until(lambda: b.messages)
        assert b.messages == ["honest"] and b.peers.link("a").refused == 1

    play(act)

"""Whatever comes to a node's port: it is counted, reported once, dropped, and the node lives on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import pickle
import socket
from typing import Any

import msgspec
import pytest

from net.meeting import Party, Side
from quorate.core.ids import main_id
from quorate.net import session as sn
from quorate.worlds.real import doorway
from quorate.worlds.real.membership import Address
from worlds.real.peering import Node, Proxy, Scene, is_alive, listening, play


async def say(node: Node, data: bytes, source: str = "127.0.0.1") -> bytes:
    """Connect, say something, and hear what the node answers until it hangs up."""
    with socket.socket() as end:
        end.setblocking(False)
        end.bind((source, 0))
        await node.loop.sock_connect(end, node.me.address)
        heard = b""
        with contextlib.suppress(ConnectionError):
            await node.loop.sock_sendall(end, data)
            async with asyncio.timeout(20):
                while piece := await node.loop.sock_recv(end, 1 << 16):
                    heard += piece
        return heard


HOSTILE = {
    "http": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a gigabyte": (1 << 30).to_bytes(4, "little"),
    "a pickle": pickle.dumps({"a": [1, 2]}),
    "a pickle in a record": b"\x20\x00\x00\x00" + pickle.dumps(list(range(20)))[:32],
    "zeros": bytes(64),
    "deep": (900).to_bytes(4, "little") + b"\x91" * 900,
    "a proof before a hello": b"\x24\x00\x00\x00\x92\x01\xc4\x20" + bytes(32),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_nonsense_is_dropped(what: str) -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b")
        assert await say(b, HOSTILE[what]) == b""
        for _ in range(2):
            await say(b, HOSTILE[what], "127.0.0.2")
        assert b.peers.refused == 3
        assert [report.partition(": it does")[0] for report in b.reports] == [
            "warning[Q154]: refused a connection of 127.0.0.1",
            "warning[Q154]: refused a connection of 127.0.0.2",
        ]
        await is_alive(scene, b)

    play(act)


def test_a_wrong_cookie_is_refused_on_both_sides() -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b")
        a = scene.node("a", b, cookie=b"another")
        await scene.until(lambda: a.events and b.reports)
        said = "it says that the cookie of this node is another"
        assert a.events == [("lost", "b", said)]
        assert b.peers.refused == 1 and "its cookie is another" in b.reports[0]
        await is_alive(scene, b)

    play(act)


def test_of_one_address_each_reason_is_reported_once() -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b")
        for _ in range(2):
            await say(b, HOSTILE["http"])
            stranger = scene.node("a", b, cookie=b"another")
            await scene.until(lambda: stranger.events)  # noqa: B023
        assert b.peers.refused == 4 and len(b.reports) == 2
        one, other = b.reports
        assert "does not speak this protocol" in one and "its cookie is another" in other

    play(act)


def test_a_connection_that_is_replayed_is_refused() -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b")
        proxy = Proxy(b.me.address)
        a = scene.node("a", known={"b": proxy.address})
        a.send("b", "once")
        await scene.until(lambda: b.messages and a.events)
        await scene.until_left(a)
        await proxy.close()
        events = list(b.events)
        for end in (len(proxy.said[0]), len(proxy.said[0]) // 2):
            await say(b, proxy.said[0][:end])
        assert b.peers.refused == 2 and "its cookie is another" in b.reports[0]
        assert b.messages == ["once"] and b.events == events

    play(act)


def test_a_node_does_not_talk_to_its_mirror() -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b")
        proxy = Proxy(b.me.address)  # leads back to where the dialing comes from
        b.me.known["a"] = proxy.address  # type: ignore[index]
        b.send("a", "hello")
        await scene.until(lambda: b.reports)
        assert "there is another node of the name b, this one" in b.reports[0]
        await scene.until(lambda: len(b.reports) == 2)
        assert f"{proxy.address}: a node of another name is there: b" in b.reports[1]
        assert not b.events and not b.messages
        await proxy.close()

    play(act)


def test_silent_connections_are_few_and_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "STRANGERS_MAX", 12)
    monkeypatch.setattr(doorway, "STRANGERS_PER_ADDRESS_MAX", 8)

    async def act(scene: Scene) -> None:
        b = scene.node("b")
        with contextlib.ExitStack() as open_ones:

            async def connect(number: int) -> None:
                end = open_ones.enter_context(socket.socket())
                end.setblocking(False)
                end.bind((f"127.0.0.{2 + number % 3}", 0))
                await b.loop.sock_connect(end, b.me.address)
                await b.loop.sock_sendall(end, b"\x40\x00")  # a part of a length

            for number in range(0, 60, 3):
                await connect(number)
            async with asyncio.timeout(20):
                while b.peers.refused < 20 - 8:
                    await asyncio.sleep(0.001)
            assert len(b.peers._doorway._strangers) == 8, "of one address"
            for number in range(100):
                await connect(number)
                assert len(b.peers._doorway._strangers) <= 12
            await is_alive(scene, b)
            await scene.until(lambda: b.peers.refused >= 120 - 12)
            assert len(b.reports) == 3 and "too many connections at once" in b.reports[0]
            monkeypatch.setattr(doorway, "GREETING_SECONDS", 0.01)
            await connect(101)
            await scene.until(lambda: b.peers.refused > 120 - 12)
            assert b.peers._doorway._strangers

    play(act)


def test_a_slow_handshake_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "GREETING_SECONDS", 0.02)

    async def act(scene: Scene) -> None:
        b = scene.node("b")
        hello = Side(Party("a"), "b", 1).said
        assert len(await say(b, hello)) > 32, "it answers, and hangs up"
        assert b.peers.refused == 1 and "it is slow" in b.reports[0]
        await is_alive(scene, b)

    play(act)


class Crowded(socket.socket):
    """A listener for whose connections the system has no room, at first."""

    refusals = 2

    def accept(self) -> Any:
        if self.refusals:
            self.refusals -= 1
            raise OSError(errno.EMFILE, "no room")
        return super().accept()


def test_where_the_system_has_no_room_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorway, "BREATH_SECONDS", 0.01)

    async def act(scene: Scene) -> None:
        door = listening()
        b = scene.node("b", listener=Crowded(fileno=door.detach()))
        await is_alive(scene, b)

    play(act)


def test_bytes_that_change_on_the_way_are_noticed_and_sent_again() -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b", address=Address("127.0.0.1", 1))  # nobody dials it but by the proxy
        where = Address(*b.peers._doorway._listener.getsockname())
        proxy = Proxy(where, changes={number: 700 + 97 * number for number in range(8)})
        a = scene.node("a", known={"b": proxy.address})
        sent = 0
        while proxy.count < 9:
            a.send("b", *range(sent, sent + 100))
            b.send("a", *range(sent, sent + 100))
            sent += 100
            await scene.until(lambda: len(b.messages) == len(a.messages) == sent)  # noqa: B023
        assert a.messages == b.messages == list(range(sent))
        assert len(a.events) == len(b.events) == 1
        assert sum(link.refused for link in (a.peers.link("b"), b.peers.link("a"))) == 8
        await proxy.close()

    play(act)


def test_nobody_speaks_for_another_node() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair()
        link = a.peers.link("b")
        for _ in range(3):
            link.encoder.add(main_id("b"), "forged", main_id("c"), None)
        link.encoder.add(main_id("b"), "honest", main_id("a"), None)
        link.flush()
        await scene.until(lambda: b.messages)
        assert b.messages == ["honest"] and b.peers.link("a").refused == 3
        [report] = b.reports
        assert report == (
            "warning[Q155]: refused what node a has sent: "
            "it is of, or for, a process that lives elsewhere"
        )
        assert b.peers.link("a").counts == (0, 4)

    play(act)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (sn.BYE, b"\xff"),
        (sn.BYE, msgspec.msgpack.encode((1 << 70 >> 8, 3))),
        (sn.HEARD, b"\x81\xa1a\x01"),
        (99, b""),
        (sn.MESSAGES, b"\xff\xff\xff\xff"),
    ],
)
def test_who_breaks_the_protocol_is_lost(kind: int, payload: bytes) -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair()
        a.peers.link("b").session.add(kind, payload)
        await scene.until(lambda: len(b.events) == 2)
        what, node, reason = b.events[1]
        assert (what, node) == ("lost", "a") and reason.startswith("it breaks the protocol: ")
        await is_alive(scene, b)

    play(act)


def test_datagrams_of_strangers_are_dropped() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair()
        await scene.until(lambda: a.peers.link("b")._loose and a.peers.link("b")._loose.ready)
        sent: list[Any] = []
        datagrams = a.peers.datagrams
        assert datagrams
        send, datagrams.send = datagrams.send, lambda *it: sent.append(it)  # type: ignore
        a.peers.link("b").add_unreliable(main_id("b"), "once", main_id("a"), None)
        [(datagram, host, port)] = sent
        changed = datagram[:-1] + bytes([datagram[-1] ^ 1])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            for wrong in (b"", b"hello", pickle.dumps([1]) * 100, changed):
                end.sendto(wrong, (host, port))
            await scene.until(lambda: b.peers.refused == 4)
            assert not b.messages
            for _ in range(2):
                end.sendto(datagram, (host, port))
            await scene.until(lambda: b.peers.refused == 5)
        send(datagram, host, port)
        await scene.until(lambda: b.peers.refused == 6)
        assert b.messages == ["once"] and len(b.reports) == 1

    play(act)

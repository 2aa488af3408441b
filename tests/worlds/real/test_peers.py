"""Two nodes and more over sockets: they meet, everything arrives once, and they part."""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import pytest
import uvloop

from quorate.worlds.real import dialing, peerlink
from quorate.worlds.real.connection import Facts
from quorate.worlds.real.membership import Address, Fingerprint
from quorate.worlds.real.peerlink import PeerLink
from worlds.real.peering import PROGRAM, Node, Proxy, Scene, listening, play


def test_messages_arrive_in_order_with_notes_between() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair()
        a.send("b", 1, 2)
        a.peers.link("b").tell(b"note")
        a.send("b", 3)
        await scene.until(lambda: len(b.messages) == 4)
        assert b.messages == [1, 2, b"note", 3]
        b.send("a", *range(1000))
        await scene.until(lambda: len(a.messages) == 1000)
        assert a.messages == list(range(1000))
        assert (a.events, b.events) == ([("met", "b")], [("met", "a")])
        assert a.peers.nodes() == ["b"] and b.peers.nodes() == ["a"]
        assert a.peers.link("b").counts == (3, 1000)

    play(act)


@pytest.fixture(autouse=True)
def _dials_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialing, "AGAIN_SECONDS", 0.001)


@pytest.mark.parametrize(
    ("seed", "new_loop"),
    [(1, asyncio.new_event_loop), (2, uvloop.new_event_loop), (3, uvloop.new_event_loop)],
)
def test_connections_that_break_anywhere_lose_and_repeat_nothing(seed: int, new_loop: Any) -> None:
    chance = random.Random(seed)
    cuts = [*range(seed, 600, 60), *(chance.randrange(1, 40_000) for _ in range(5))]

    async def act(scene: Scene) -> None:
        door = listening()
        b = scene.node("b", listener=door, address=Address("127.0.0.1", 1))  # nobody listens
        proxy = Proxy(Address(*door.getsockname()), cuts)
        a = scene.node("a", known={"b": proxy.address})
        sent = 0
        while proxy.count <= len(cuts) or sent < 3000:
            a.send("b", *range(sent, sent + 50))
            b.send("a", *(("x" * chance.randrange(500), n) for n in range(sent, sent + 50)))
            sent += 50
            seen = proxy.count, len(a.messages)
            await scene.until(lambda: (proxy.count, len(a.messages)) != seen)  # noqa: B023
        await scene.until(lambda: (len(a.messages), len(b.messages)) == (sent, sent))
        assert b.messages == list(range(sent))
        assert [number for _, number in a.messages] == list(range(sent))
        assert (a.events, b.events) == ([("met", "b")], [("met", "a")])
        await proxy.close()

    play(act, new_loop)


def test_what_is_large_arrives_in_parts() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair(unsent_max=1 << 26)
        a.send("b", "x" * 5_000_000, 1)
        a.peers.link("b").tell(b"y" * 1_000_000)
        await scene.until(lambda: len(b.messages) == 3)
        assert b.messages == ["x" * 5_000_000, 1, b"y" * 1_000_000]

    play(act)


def test_what_is_sent_waits_for_the_connection() -> None:
    async def act(scene: Scene) -> None:
        listener = listening()
        where = Address(*listener.getsockname())
        listener.close()
        a = scene.node("a", find={"b": where}.get)
        a.send("b", "early")
        while not a.peers._dialers["b"].reason.endswith("Connection refused"):
            await asyncio.sleep(0.001)
        b = scene.node("b", listener=listening(where.port))
        await scene.until(lambda: b.messages)
        assert b.messages == ["early"]

    play(act)


def test_of_two_that_dial_at_once_one_connection_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    attached: list[str] = []
    attach = PeerLink.attach

    def attach_and_note(link: PeerLink, *given: Any) -> None:
        attached.append(link.node)
        attach(link, *given)

    monkeypatch.setattr(PeerLink, "attach", attach_and_note)

    async def act(scene: Scene) -> None:
        doors = {name: listening() for name in "ab"}
        known = {name: Address(*door.getsockname()) for name, door in doors.items()}
        a, b = [scene.node(name, known=known, listener=doors[name]) for name in "ab"]
        a.send("b", "from a")
        b.send("a", "from b")
        await scene.until(lambda: a.messages and b.messages)
        assert (a.messages, b.messages) == (["from b"], ["from a"])
        assert (a.events, b.events) == ([("met", "b")], [("met", "a")])
        assert not (a.peers.refused or b.peers.refused or a.reports or b.reports)
        one, other = a.peers.link("b").connection, b.peers.link("a").connection
        assert one and other
        assert one._socket.getsockname() == other._socket.getpeername()
        assert sorted(attached) == ["a", "b"], "and it was the only one"

    play(act)


@pytest.mark.parametrize("seed", range(6))
def test_all_dial_all_while_connections_are_cut(seed: int) -> None:
    chance = random.Random(seed)
    names = "abcd"[: 2 + seed % 3]

    async def act(scene: Scene) -> None:
        doors = {name: listening() for name in chance.sample(names, len(names))}
        known = {name: Address(*door.getsockname()) for name, door in doors.items()}
        nodes = [scene.node(name, known=known, listener=door) for name, door in doors.items()]
        for turn in range(20):
            for node in nodes:
                others = [name for name in names if name != node.name]
                for other in others:
                    node.send(other, (node.name, turn))
                connection = node.peers.link(chance.choice(others)).connection
                if connection and chance.random() < 0.2:
                    connection.fail(ConnectionResetError("cut"))
            await asyncio.sleep(0)
        await scene.until(lambda: {len(node.messages) for node in nodes} == {20 * len(others)})
        for node in nodes:
            for other in names:
                came = [turn for sender, turn in node.messages if sender == other]
                assert came == ([] if other == node.name else list(range(20)))
            assert sorted(node.events) == sorted(("met", n) for n in names if n != node.name)
            assert not node.reports and not node.peers.refused

    play(act, [uvloop.new_event_loop, asyncio.new_event_loop][seed % 2])


def test_nodes_hear_of_others_and_dial_them_once_they_send() -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b")
        a, c = scene.node("a", b), scene.node("c", b)
        await scene.until(lambda: "c" in a.peers.nodes() and "a" in c.peers.nodes())
        assert len(a.events) == len(c.events) == 1
        a.send("c", "hello")
        await scene.until(lambda: c.messages)
        assert sorted(c.events) == [("met", "a"), ("met", "b")]

    play(act)


def test_a_node_leaves_when_all_has_been_taken() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair()
        a.send("b", *range(100))
        await scene.until(lambda: a.events)
        a.peers.leave(3, "interrupted")
        a.peers.link("b").tell(b"afterwards, which is too late")
        await scene.until_left(a, 3, "interrupted")
        assert b.messages == list(range(100))
        assert b.events == [("met", "a"), ("left", "a", 3, "interrupted")]
        b.send("a", "nobody is there")
        assert b.peers.link("a").gone and b.peers.leave(0, "")
        assert [each.taken for each in b.peers.stats()] == [100]
        again = scene.node("a", b, incarnation=2)
        await scene.until(lambda: len(b.events) == 3)
        again.send("b", "anew")
        b.send("a", "anew")
        await scene.until(lambda: again.messages and len(b.messages) == 101)
        assert again.messages == ["anew"] and b.peers.nodes() == ["a"]
        assert [(each.sent, each.taken) for each in b.peers.stats()] == [(1, 101)]

    play(act)


def test_a_node_that_cannot_be_reached_is_lost() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair(patience=0.1)
        await scene.until(lambda: a.events and b.events)
        scene.stop(b)
        a.send("b", "in vain")
        await scene.until(lambda: len(a.events) == 2)
        where = b.me.address
        assert a.events[1] == ("lost", "b", f"it cannot be reached: {where}: Connection refused")
        assert not a.blocked and a.peers.leave(0, "")

    play(act)


def test_a_node_that_nobody_knows_is_lost() -> None:
    async def act(scene: Scene) -> None:
        a = scene.node("a", patience=0.05)
        a.send("b", "in vain")
        await scene.until(lambda: a.events)
        assert a.events == [("lost", "b", "it cannot be reached: nobody says where it is")]

    play(act)


def test_what_nodes_say_of_others_may_be_no_address() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair(patience=0.1)
        await scene.until(lambda: a.events and b.events)
        b.peers.link("a").hear({"c": ("a..b", 7420)})
        await scene.until(lambda: "c" in a.peers.nodes())
        a.send("c", "hello")
        await scene.until(lambda: len(a.events) == 2)
        assert a.events[1] == ("lost", "c", "it cannot be reached: a..b:7420 is no address")

    play(act)


def test_another_incarnation_ends_the_session() -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b")
        a = scene.node("a", b)
        await scene.until(lambda: a.events and b.events)
        scene.stop(a)
        again = scene.node("a", b, incarnation=2)
        await scene.until(lambda: len(b.events) == 3)
        assert b.events[1:] == [("lost", "a", "it has been begun anew"), ("met", "a")]
        again.send("b", "hello")
        await scene.until(lambda: b.messages == ["hello"])

    play(act)


def test_another_incarnation_that_is_dialed_ends_the_session_and_begins_one() -> None:
    async def act(scene: Scene) -> None:
        a = scene.node("a")
        b = scene.node("b", a)
        b.send("a", "to the old one")
        await scene.until(lambda: a.messages and b.events)
        scene.stop(a)
        b.send("a", *range(10))
        again = scene.node("a", incarnation=2, listener=listening(a.me.address.port))
        await scene.until(lambda: len(b.events) == 3)
        assert b.events[1:] == [("lost", "a", "it has been begun anew"), ("met", "a")]
        b.send("a", "to the new one")
        again.send("b", "from the new one")
        await scene.until(lambda: again.messages and b.messages)
        assert (again.messages, b.messages) == (["to the new one"], ["from the new one"])

    play(act)


def test_a_second_node_of_a_name_waits_in_vain() -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b")
        a = scene.node("a", b)
        await scene.until(lambda: a.events and b.events)
        other = scene.node("a", b, incarnation=2, patience=0.2)
        await scene.until(lambda: other.events)
        [(what, node, reason)] = other.events
        said = "it says that there is another node of the name a"
        assert (what, node) == ("lost", "b")
        assert reason == f"it cannot be reached: {b.me.address}: {said}"
        [report] = b.reports
        said = f"there is another node of the name a, at {a.me.address}"
        assert report == f"warning[Q154]: refused a connection of node a at 127.0.0.1: {said}"
        a.send("b", "still here")
        await scene.until(lambda: b.messages == ["still here"])

    play(act)


def test_one_who_was_given_up_learns_it() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair()
        await scene.until(lambda: a.events and b.events)
        b.peers._lose(b.peers.link("a"), "for a test")
        await scene.until(lambda: len(a.events) == 2)
        assert a.events[1] == ("lost", "b", "it has given up on this node, or has left")

    play(act)


def test_a_node_of_another_name_is_named_with_its_port() -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b")
        a = scene.node("a", known={"c": b.me.address}, patience=0.1)
        await scene.until(lambda: a.events)
        said = f"{b.me.address}: a node of another name is there: b"
        assert a.events == [("lost", "c", f"it cannot be reached: {said}")]
        [report] = a.reports
        assert report == f"quorate: warning: node c is not at {said}; it is tried again"
        assert not (b.reports or b.peers.refused)

    play(act)


def test_another_program_is_refused_by_both_with_the_file() -> None:
    async def act(scene: Scene) -> None:
        b = scene.node("b", fingerprint=Fingerprint("1.0", {**PROGRAM.files, "ring.da": "99"}))
        a = scene.node("a", b)
        await scene.until(lambda: a.events and b.reports)
        assert a.events == [("lost", "b", "its program is another: ring.da differs")]
        assert len(b.reports) == 1 and "node a" in b.reports[0] and "ring.da" in b.reports[0]
        assert not b.events and b.peers.refused == 1

    play(act)


def test_a_slow_node_has_the_sender_wait() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair(unsent_max=1 << 16)
        await scene.until(lambda: a.events and b.events)
        b.congested = True
        b.peers.check_congestion()
        sent = 0
        while not a.blocked:
            a.send("b", ("x" * 1000, sent))
            sent += 1
        assert sent < 100 and a.blocked == {a.peers.link("b")}
        b.congested = False
        b.peers.relieve()
        await scene.until(lambda: not a.blocked)
        await scene.until(lambda: len(b.messages) == sent)

    play(act)


def test_two_that_wait_for_each_other_read() -> None:
    """Both have too much to do, until they wait for the other: then both take what has come."""

    async def act(scene: Scene) -> None:
        a, b = scene.pair(unsent_max=1 << 16)
        await scene.until(lambda: a.events and b.events)
        for node in (a, b):
            type(node).congested = property(lambda self: not self.blocked)  # type: ignore
            node.peers.check_congestion()
        try:
            for one, other in ((a, "b"), (b, "a")):
                one.send(other, *("x" * 1000 for _ in range(200)))
            await scene.until(lambda: len(a.messages) == len(b.messages) == 200)
            await scene.until(lambda: not (a.blocked or b.blocked))
        finally:
            del type(a).congested

    play(act)


def test_a_silent_host_is_given_up_though_its_connection_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the system tells it: a cable that is cut, and a node that is stopped."""

    async def act(scene: Scene) -> None:
        a, b = scene.pair(patience=0.2)
        await scene.until(lambda: a.events and b.events)
        connection = a.peers.link("b").connection
        assert connection
        monkeypatch.setattr(connection, "_facts", lambda: Facts(0, 0, 10**6, 100))  # idle
        assert not (connection.is_dead(0.1) or connection.is_dead(0.1))
        monkeypatch.setattr(connection, "_facts", lambda: Facts(1, 5, 50, 100))  # stopped
        assert not (connection.is_dead(0.1) or connection.is_dead(0.1))
        monkeypatch.setattr(connection, "_facts", lambda: Facts(0, 5, 300, 100))
        await scene.until(lambda: connection.closed)
        a.send("b", "over another connection")
        await scene.until(lambda: b.messages)

    play(act)


def test_a_node_that_does_not_answer_is_named_once_until_it_has() -> None:
    said = "quorate: warning: node b has not answered for 10 s; it is waited for"

    async def act(scene: Scene) -> None:
        a, b = scene.pair(patience=1000.0)
        link = a.peers.link("b")
        for number in (1, 2):
            await scene.until(lambda: a.events and link.session.is_settled)
            link.watch(100.0 * number - 50, 10.0)
            _reads(b, False)
            a.send("b", number)
            for seconds, reports in {0.0: 0, 9.9: 0, 10.1: 1, 30.0: 1}.items():
                link.watch(100.0 * number + seconds, 10.0)
                assert a.reports == [said] * (number - 1 + reports)
            _reads(b, True)
        await scene.until(lambda: len(b.messages) == 2 and link.session.is_settled)
        assert not b.reports and len(a.events) == 1

    play(act)


def test_who_is_slow_but_answers_is_not_named() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair(patience=1000.0)
        link = a.peers.link("b")
        for number in range(5):
            a.send("b", number)
            await scene.until(lambda: len(b.messages) > number)  # noqa: B023
            await scene.until(lambda: link.session.is_settled)
            _reads(b, False)
            a.send("b", "more")
            link.watch(7.0 * number, 10.0)  # each time something else is waited for
            _reads(b, True)
            await scene.until(lambda: link.session.is_settled)
            b.messages.remove("more")
        assert not a.reports

    play(act)


def test_nodes_are_watched_for_as_long_as_patience_says() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair(patience=0.2)
        await scene.until(lambda: a.events and b.events)
        _reads(b, False)
        a.send("b", 1)
        await scene.until(lambda: a.reports)
        assert "node b has not answered for 0.2 s" in a.reports[0]
        assert not a.peers.link("b").gone

    play(act)


def _reads(node: Node, reads: bool) -> None:
    """Have a node read what comes, or not, as one that is stopped."""
    node.congested = not reads
    node.peers.check_congestion()
    node.peers.relieve()


def test_what_the_system_tells_of_a_connection_is_read_from_the_right_place() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair()
        await scene.until(lambda: a.events and b.events)
        connection = a.peers.link("b").connection
        assert connection
        facts = connection._facts()
        assert facts is None or (facts.probes == 0 and facts.unacknowledged < 10)
        assert facts is None or (facts.silence_ms < 10_000 and 0 < facts.round_trip_us < 10**6)

    play(act)


def test_a_forked_child_lets_go_of_all_connections() -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair()
        a.send("b", "before")
        await scene.until(lambda: b.messages and a.events)
        c = scene.node("c", known={"b": Address("127.0.0.1", 1)})  # dials in vain
        read, write = os.pipe()
        child = os.fork()
        if not child:
            count = -1
            try:
                before = _sockets()
                for node in (a, b, c):
                    node.peers.abandon()
                count = len(before) - len(_sockets())
            finally:
                os.write(write, bytes([count & 0xFF]))
                os._exit(0)
        os.waitpid(child, 0)
        [count] = os.read(read, 1)
        os.close(read)
        os.close(write)
        assert count >= 3 + 3 + 2, "listeners, sockets of datagrams, both ends of a connection"
        a.send("b", "after")
        await scene.until(lambda: len(b.messages) == 2)

    play(act)


def _sockets() -> list[str]:
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    return [link for link in links if os.path.exists(link) and os.readlink(link)[:4] == "sock"]


def test_acknowledgements_come_though_nothing_is_sent_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(scene: Scene) -> None:
        a, b = scene.pair(unsent_max=1 << 16)
        for number in range(20):
            a.send("b", "x" * 60_000)
            await scene.until(lambda: len(b.messages) > number)  # noqa: B023
            await scene.until(lambda: not a.blocked)
        [stats] = a.peers.stats()
        assert stats.node == "b" and stats.connected and stats.sent == 20
        assert stats.round_trip is None or 0 < stats.round_trip < 10

    monkeypatch.setattr(peerlink, "ACKNOWLEDGE_BYTES", 100_000)
    play(act)

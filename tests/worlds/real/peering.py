"""Nodes of tests: each a `Peers` with what it asks of a worker, all in one loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uvloop

from net import own
from quorate.core.ids import ProcessId, main_id
from quorate.net.registry import Registry
from quorate.worlds.real.membership import Address, Fingerprint, Membership
from quorate.worlds.real.peers import Peers
from quorate.worlds.real.tls import contexts

REGISTRY = Registry({own.__name__: own}.get)
PROGRAM = Fingerprint("1.0", {"pong.da": "12ab", "ring.da": "34cd"})
SECONDS_MAX = 20


class Node:
    """A node whose worker only keeps what it is told."""

    def __init__(self, scene: Scene, name: str, **more: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.scene = scene
        self.name = name
        self.blocked: set[Any] = set()
        self.congested = False
        self.works = True  # whether it would run processes
        self.messages: list[Any] = []
        self.arrivals: list[Any] = []
        self.events: list[tuple[Any, ...]] = []
        self.reports: list[str] = []
        self.refusals: list[Any] = []
        self.faults: list[BaseException] = []
        bounds = {key: more.pop(key) for key in ("unsent_max",) if key in more}
        listener = more.pop("listener", None) or listening()
        address = more.pop("address", None) or Address(*listener.getsockname()[:2])
        facts = {"cookie": b"shared", "incarnation": 1, "fingerprint": PROGRAM, "patience": 8.0}
        files = more.pop("tls", None)
        tls = None if files is None else contexts(files)
        self.me = Membership(name, **{"address": address, "tls": tls, **facts, **more})
        self.peers = Peers(self, self.me, listener, REGISTRY, **bounds)

    def send(self, to: str, *messages: Any) -> None:
        link = self.peers.link(to)
        for message in messages:
            link.encoder.add(main_id(to), message, main_id(self.name), None)
        link.flush()

    # What `Peers` asks of a worker.

    def accept_from(self, node: str, arrivals: list[Any]) -> None:
        self.arrivals += arrivals
        self.messages += [message for _, message, _, _ in arrivals]

    def note(self, node: str, note: bytes) -> None:
        self.messages.append(note)

    def heard(self, node: str, address: Address) -> None:
        """Where another node is said to be."""

    def met(self, node: str, idle: bool) -> None:
        self._event("met", node)

    def left(self, node: str, status: int, reason: str) -> None:
        self._event("left", node, status, reason)

    def lost(self, node: str, reason: str, code: str, help: str) -> None:
        self._event("lost", node, reason)

    def _event(self, *event: Any) -> None:
        self.events.append(event)
        self.scene.changed.set()

    def report(self, text: str, level: int) -> None:
        self.reports.append(text)
        self.scene.changed.set()

    def work(self) -> None:
        self.scene.changed.set()

    def schedule(self) -> None:
        self.scene.changed.set()

    def fault(self, error: BaseException) -> None:
        self.faults.append(error)
        self.scene.changed.set()

    def refuse(self, refused: list[Any]) -> None:
        self.refusals += refused
        refused.clear()


class Scene:
    """The nodes of one test."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.nodes: list[Node] = []

    def node(self, name: str, *known: Node, **more: Any) -> Node:
        """A node that listens, and dials others from the beginning."""
        addresses = {other.name: other.me.address for other in known}
        node = Node(self, name, **{"known": addresses, **more})
        self.nodes.append(node)
        node.peers.open()
        return node

    def pair(self, **more: Any) -> tuple[Node, Node]:
        b = self.node("b", **more)
        return self.node("a", b, **more), b

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until a condition holds, which can come true only when a node is told something."""
        async with asyncio.timeout(SECONDS_MAX):
            while not condition():
                await self.changed.wait()
                self.changed.clear()

    async def until_left(self, node: Node, status: int = 0, reason: str = "") -> None:
        async with asyncio.timeout(SECONDS_MAX):
            while not node.peers.leave(status, reason):
                await asyncio.sleep(0.001)  # as a worker asks again and again
        self.stop(node)

    def stop(self, node: Node) -> None:
        """What the system does when a node is killed."""
        self.nodes.remove(node)
        node.peers.close()


def play(
    act: Callable[[Scene], Coroutine[Any, Any, None]],
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
) -> None:
    """Run a test in a loop of its own; at its end nothing is wrong with any worker.

    And in a thread of its own: in the main one a browser that other tests use may have a loop.
    """

    async def run() -> None:
        scene = Scene()
        try:
            await act(scene)
        finally:
            for node in list(scene.nodes):
                node.peers.close()
        for node in scene.nodes:
            assert not node.faults, node.faults

    def run_all() -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(run())

    with ThreadPoolExecutor(1) as thread:
        thread.submit(run_all).result()


class Proxy:
    """Passes bytes on to a node; cuts the first connections, each after so many bytes.

    `changes` says at which byte of which connection a bit is turned; `said` is what those who have
    connected have said.
    """

    def __init__(
        self, to: Address, cuts: list[int] | None = None, changes: dict[int, int] | None = None
    ) -> None:
        self.to, self.cuts, self.changes = to, cuts or [], changes or {}
        self.count = 0
        self.said: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._listener = listening()
        self._listener.setblocking(False)
        self._tasks = {self._loop.create_task(self._accept())}
        self.address = Address(*self._listener.getsockname())

    async def _accept(self) -> None:
        while True:
            end, _ = await self._loop.sock_accept(self._listener)
            self._tasks.add(self._loop.create_task(self._serve(end)))

    async def _serve(self, end: socket.socket) -> None:
        number = self.count
        self.count += 1
        left = [self.cuts[number] if number < len(self.cuts) else 1 << 60]
        change = [self.changes.get(number, -1)]
        self.said.append(b"")
        with end, socket.socket() as there:
            there.setblocking(False)
            await self._loop.sock_connect(there, self.to)

            def pass_on(data: bytes, ahead: bool) -> bytes:
                self.said[number] += data if ahead else b""
                data = data[: left[0]]
                left[0] -= len(data)
                place, change[0] = change[0], change[0] - len(data)
                if 0 <= place < len(data):
                    data = b"".join((data[:place], bytes([data[place] ^ 1]), data[place + 1 :]))
                return data

            ways = ((end, there, True), (there, end, False))
            pumps = [self._loop.create_task(self._pump(*way, pass_on, left)) for way in ways]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.wait(pumps)

    async def _pump(
        self,
        one: socket.socket,
        other: socket.socket,
        ahead: bool,
        pass_on: Callable[[bytes, bool], bytes],
        left: list[int],
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await self._loop.sock_recv(one, 1 << 16):
                await self._loop.sock_sendall(other, pass_on(data, ahead))
                if not left[0]:
                    return

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._listener.close()


async def is_alive(scene: Scene, node: Node) -> None:
    """Whether a node lets another in, and hears it."""
    friend = scene.node("friend", node)
    friend.send(node.name, "hello")
    await scene.until(lambda: node.messages == ["hello"])


def listening(port: int = 0) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


def process(node: str, *path: int) -> ProcessId:
    return ProcessId("P", path, "", node)

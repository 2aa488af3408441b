"""The gateway of a node: what its first worker does for all, to have to do with other nodes.

Invariant: before anything leaves for another node, so have all names that were given here by then;
and nothing comes in from a node until all that came from its main before has been ended.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.core.mistakes import name_taken
from quorate.net.codec import Arrival
from quorate.net.registry import Registry
from quorate.worlds.real import control as ct
from quorate.worlds.real import notes, shared
from quorate.worlds.real.known import KnownNodes
from quorate.worlds.real.lines import ERROR
from quorate.worlds.real.links import Link
from quorate.worlds.real.membership import Address
from quorate.worlds.real.peerlink import PeerLink
from quorate.worlds.real.peers import Peers
from quorate.worlds.real.program import NodeRow, Place
from quorate.worlds.real.roads import Road, UnreliableChannels

if TYPE_CHECKING:
    from quorate.worlds.real.worker import Worker

LEAVE_SECONDS = 0.4
"""How long others may take to hear the last of a node that has failed."""

AGAIN_SECONDS = 0.005


class Gateway:
    """Between a worker and the other nodes: what `Peers` asks of a worker."""

    def __init__(
        self, worker: Worker, nodes: KnownNodes, registry: Registry, goes_on: bool
    ) -> None:
        options = worker.options
        assert options.membership is not None
        assert options.listener is not None
        self.loop: asyncio.AbstractEventLoop = worker.loop
        self.blocked: set[Any] = worker.blocked
        self._worker = worker
        self._names = nodes.shared
        self._me = me = replace(options.membership, find=nodes.find)
        self._queue_max = options.queue_max
        self._goes_on = goes_on  # though a node is lost
        self._peers = Peers(self, me, options.listener, registry, options.unsent_max)
        self._links: dict[str, PeerLink] = {}
        self._roads: dict[str, Road] = {}
        self._unreliable = UnreliableChannels(worker.config)
        self._here: set[str] = set()  # the nodes that are connected
        self._announced: dict[str, int] = {}  # to each, though it is only sought: names up to where
        self._heard: dict[str, set[str]] = {}  # from each: names
        self._kept: set[str] = set()  # nodes that are lost, though what came from them goes on
        self._clearing: dict[str, list[Arrival]] = {}  # what has come from nodes meanwhile

    def open(self) -> None:
        self._peers.open()

    def abandon(self) -> None:
        """In a forked child."""
        self._peers.abandon()

    # Out.

    def link(self, node: str) -> PeerLink:
        link = self._links.get(node)
        if link is None:
            link = self._links[node] = self._peers.link(node)
            self._announce_to(node)
        return link

    def road(self, node: str) -> Road:
        """The way of messages to a node."""
        road = self._roads.get(node)
        if road is None:
            road = self._roads[node] = Road(self.link(node), self._unreliable)
        return road

    def tell(self, note: ct.Note) -> None:
        self.link(note.node).tell(note.note)

    def push(self) -> None:
        """Send what there is room for, in the middle of a step."""
        self.announce()
        for link in self._links.values():
            link.push()

    def flush(self) -> None:
        """A slice is over: what it has led to is about to leave."""
        self.announce()
        self._peers.relieve()

    def _announce_to(self, node: str) -> None:
        """Have a node told of all names, though what is for it may still have to wait."""
        self._announced.setdefault(node, 0)
        self._heard.setdefault(node, set())

    def announce(self) -> None:
        """Tell all nodes of the names that they may not have heard of."""
        since = cache(self._names.since)  # as most have heard as much
        for node, position in self._announced.items():
            ids, self._announced[node] = since(position)
            new = [id for id in ids if id.name not in self._heard[node]]
            if new:
                self.link(node).tell(notes.encoded(notes.named(new)))

    @property
    def counts(self) -> list[tuple[Place, int, int]]:
        return [((node,), *link.counts) for node, link in self._links.items()]

    def stats(self) -> list[NodeRow]:
        """What has gone to and fro, and what waits."""
        return [
            (each.node, each.taken, each.sent, each.waiting_bytes, each.round_trip, each.refused)
            for each in self._peers.stats()
        ]

    def leave(self, status: int, reason: str) -> None:
        """Say good-bye, and stop the loop once all have heard it, or have had the time to."""
        seconds = LEAVE_SECONDS if status else self._me.patience
        self._leave(status, reason, self.loop.time() + seconds)

    def _leave(self, status: int, reason: str, end: float) -> None:
        if self._peers.leave(status, reason) or self.loop.time() >= end:
            self._peers.close()
            self.loop.stop()
        else:
            self.loop.call_later(AGAIN_SECONDS, self._leave, status, reason, end)

    # In.

    @property
    def congested(self) -> bool:
        """Whether so much is to be done that no more should come.

        A worker that waits for another node takes what comes, as the other may wait for it.
        """
        blocked = self.blocked
        if any(isinstance(link, Link) for link in blocked):
            return True
        return len(self._worker.queue) > self._queue_max and not blocked

    def accept_from(self, node: str, arrivals: list[Arrival]) -> None:
        if node in self._clearing:
            self._clearing[node] += arrivals
        else:
            self._worker.accept(arrivals)

    def note(self, node: str, note: bytes) -> None:
        """A note has come. Raises BadFrame."""
        heard = notes.decoded(note, node, self._me.name)
        if not isinstance(heard, notes.Named):
            self._worker.tell(ct.Note(node, note))
            return
        for given in heard.names:
            self._heard[node].add(given.name)
            self._hear_name(given.id)

    def _hear_name(self, id: ProcessId) -> None:
        owner = self._names.hear(id)
        if owner is None:
            return
        if owner.origin == id.origin and owner.origin not in (self._me.name, *self._here):
            self._names.add(shared.Freed(owner.origin))  # its node has come and gone since
            self._names.hear(id)
            return
        error = name_taken(id.name, owner)
        text = f"error[{error.code}]: {id!r} cannot be made: {error.message}"
        self._worker.tell(ct.Said(text, ERROR) if self._me.idle else ct.Unable(text))

    def heard(self, node: str, address: Address) -> None:
        self._names.add(shared.Met(node, address))

    def met(self, node: str, idle: bool) -> None:
        if node in self._kept:
            self._kept.discard(node)
            self._clear(node)
        self._here.add(node)
        self._names.add(shared.Met(node, None))
        self.link(node)
        self._announce_to(node)
        self._worker.tell(ct.Met(node, idle))
        self.announce()

    def left(self, node: str, status: int, reason: str) -> None:
        self._forget(node)
        self._clear(node)
        self._worker.tell(ct.Left(node, status, reason))

    def lost(self, node: str, reason: str, code: str, help: str) -> None:
        self._forget(node)
        if self._goes_on:
            self._kept.add(node)
        else:
            self._clear(node)
        self._worker.tell(ct.Lost(node, reason, code, help))

    def _forget(self, node: str) -> None:
        self._here.discard(node)
        self._announced.pop(node, None)
        self._heard.pop(node, None)
        self._names.add(shared.Parted(node))

    def _clear(self, origin: str) -> None:
        """End all that came from the main of another node."""
        self._names.add(shared.Freed(origin))
        self._clearing.setdefault(origin, [])
        self._worker.clear(origin)
        self._worker.tell(ct.Clear(origin))

    def cleared(self, origin: str) -> None:
        """It has been done in all workers."""
        arrivals = self._clearing.pop(origin, [])
        if arrivals:
            self._worker.accept(arrivals)
            self._worker.schedule()

    # What concerns the worker alone.

    def report(self, text: str, level: int) -> None:
        if level >= self._worker.options.level:
            self._worker.tell(ct.Said(text, level))

    def work(self) -> None:
        self._worker.work()

    def schedule(self) -> None:
        self._worker.schedule()

    def fault(self, error: BaseException) -> None:
        self._worker.fault(error)

    def refuse(self, refused: list[tuple[ProcessId, ProgramError]]) -> None:
        self._worker.refuse(refused)

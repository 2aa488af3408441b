"""The other nodes, as the gateway of a node has them: who is connected, dialed, refused, lost.

Invariant: with one incarnation of a node there is one session and at most one connection; once
that session is over, by a word or by a loss, it stays so.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, NamedTuple, Protocol

from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.net.codec import Arrival
from quorate.net.handshake import (
    REMEDIES,
    Agreed,
    Introduction,
    Refused,
    Where,
    Why,
)
from quorate.net.records import BadRecord
from quorate.net.registry import Registry
from quorate.net.session import BadSession
from quorate.worlds.real.connection import Connection, greet
from quorate.worlds.real.datagrams import Datagrams
from quorate.worlds.real.dialing import AGAIN_SECONDS, Dialer
from quorate.worlds.real.doorway import Doorway
from quorate.worlds.real.membership import UNSENT_BYTES_MAX, Address, Fingerprint, Membership
from quorate.worlds.real.peerlink import PeerLink

WATCHES = 4
"""How often, while a node is waited for, one looks whether its host is there."""
REPORTED_MAX = 1 << 10
"""Peers, and reasons, of whom is remembered that something has been reported."""
HEARD_MAX = 1 << 12
"""Nodes of which is remembered where they are said to be."""

LOST, OTHER_PROGRAM, MISFIT = "Q149", "Q151", "Q156"

_FATAL = {Why.PROGRAM, Why.ENDED}
_FATAL_AT_FIRST = {Why.ENDED, *REMEDIES}


class Gateway(Protocol):
    """What is asked of the worker that other nodes are connected with."""

    loop: asyncio.AbstractEventLoop
    blocked: set[Any]

    @property
    def congested(self) -> bool:
        """Whether so much is to be done, without waiting for anybody, that no more should come.

        Once it is so no more, `Peers.relieve` is to be called.
        """

    def accept_from(self, node: str, arrivals: list[Arrival]) -> None: ...
    def note(self, node: str, note: bytes) -> None: ...
    def heard(self, node: str, address: Address) -> None: ...
    def met(self, node: str, idle: bool) -> None: ...
    def left(self, node: str, status: int, reason: str) -> None: ...
    def lost(self, node: str, reason: str, code: str, help: str) -> None: ...
    def report(self, text: str, level: int) -> None: ...
    def work(self) -> None: ...
    def schedule(self) -> None: ...
    def fault(self, error: BaseException) -> None: ...
    def refuse(self, refused: list[tuple[ProcessId, ProgramError]]) -> None: ...


class PeerStats(NamedTuple):
    """How things stand with a node; bytes are those that it has not said to have taken."""

    node: str
    connected: bool
    waiting_bytes: int
    round_trip: float | None  # seconds
    sent: int
    taken: int
    refused: int


class Peers:
    """All other nodes. Is the `Party` of every handshake."""

    def __init__(
        self,
        worker: Gateway,
        me: Membership,
        listener: socket.socket,
        registry: Registry,
        unsent_max: int = UNSENT_BYTES_MAX,
    ) -> None:
        self.worker = worker
        self.me = me
        self.name = me.name
        self.incarnation = me.incarnation
        self.registry = registry
        self.unsent_max = unsent_max
        self.refused = 0  # connections, and datagrams of nobody
        self._doorway = Doorway(worker.loop, listener, self._welcome, self._refuse)
        self.datagrams: Datagrams | None = None
        if me.tls is None:
            self.datagrams = Datagrams(
                worker.loop, listener, self._refuse_datagram, self.guarded(self._work)
            )
        self._links: dict[str, PeerLink] = {}
        self._dialers: dict[str, Dialer] = {}
        self._patience: dict[str, asyncio.TimerHandle] = {}
        self._heard: dict[str, Address] = {}
        self._reported: set[tuple[Hashable, int]] = set()
        self._paused = False
        self._watching: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Let others in, and dial those that are known."""
        self._doorway.open()
        if self.datagrams is not None:
            self.datagrams.resume()
        self._watch()
        for node in self.me.known:
            if node != self.name:
                self.link(node)

    def link(self, node: str) -> PeerLink:
        """The link with a node, which is dialed if it has not been yet."""
        link = self._links.get(node)
        if link is None:
            link = self._links[node] = PeerLink(self, node)
            self._seek(link)
        return link

    def nodes(self) -> list[str]:
        """The nodes that are connected or known, and have not left and are not lost."""
        gone = {node for node, link in self._links.items() if link.gone}
        return sorted({*self._links, *self.me.known, *self._heard} - gone - {self.name})

    def leave(self, status: int, reason: str) -> bool:
        """Say that this node leaves; True once nobody has to be waited for.

        To be called again until then, or until one does not want to wait any longer.
        """
        parted = [link.part(status, reason) for link in list(self._links.values())]
        return all(parted)

    def close(self) -> None:
        """Be done with all, without a word."""
        self._doorway.close()
        if self._watching is not None:
            self._watching.cancel()
        if self.datagrams is not None:
            self.datagrams.close()
        for node, link in self._links.items():
            self._stop_seeking(node)
            link.detach()

    def abandon(self) -> None:
        """In a forked child: all connections are the parent's."""
        self._doorway.abandon()
        if self.datagrams is not None:
            self.datagrams.abandon()
        for dialer in self._dialers.values():
            dialer.abandon()
        for link in self._links.values():
            if link.connection is not None:
                link.connection.abandon()

    def stats(self) -> list[PeerStats]:
        return [
            PeerStats(
                *(node, link.connection is not None, link.session.waiting, link.round_trip),
                *(*link.totals, link.refused),
            )
            for node, link in sorted(self._links.items())
        ]

    # Flow.

    def check_congestion(self) -> None:
        """Read no more from others while there is too much to do."""
        if not self._paused and self.worker.congested:
            self._paused = True
            for each in self._sources():
                each.pause()

    def relieve(self) -> None:
        """Read again, if that is wanted."""
        if self._paused and not self.worker.congested:
            self._paused = False
            for each in self._sources():
                each.resume()

    def _sources(self) -> list[Datagrams | Connection]:
        """What is read from."""
        connections = [link.connection for link in self._links.values()]
        return [each for each in (self.datagrams, *connections) if each is not None]

    def _work(self) -> None:
        """Have done what datagrams have brought."""
        self.worker.work()
        self.check_congestion()

    def _watch(self) -> None:
        """Give up connections with hosts that are silent, and say which nodes are, now and then."""
        seconds = self.me.patience / 2
        now = self.worker.loop.time()
        for link in list(self._links.values()):
            if link.connection is not None and link.connection.is_dead(seconds):
                link.connection.fail(TimeoutError("its host is silent"))
            link.watch(now, self.me.patience)
        self._watching = self.worker.loop.call_later(self.me.patience / WATCHES, self._watch)

    # The other nodes' whereabouts.

    def find(self, node: str) -> Address | None:
        """Where a node is: by the command line, as nodes have said, or as the machine knows."""
        return self.me.known.get(node) or self._heard.get(node) or self.me.find(node)

    def heard(self, others: dict[str, Where]) -> None:
        """A node says where others are; of those that are connected one knows better."""
        for node, (host, port) in others.items():
            link = self._links.get(node)
            is_connected = link is not None and link.connection is not None
            has_room = node in self._heard or len(self._heard) < HEARD_MAX
            if node != self.name and has_room and not is_connected:
                self._heard[node] = Address(host, port)
                self.worker.heard(node, self._heard[node])
                if link is not None and link.gone:
                    link.gone = False  # the node has begun anew: what is sent there is for it

    def want(self, link: PeerLink) -> None:
        """Something is to be sent to a node that is not connected."""
        if link.node not in self._patience:
            self._seek(link)

    def _seek(self, link: PeerLink, seconds: float = 0.0) -> None:
        """Dial, until there is a connection or patience has an end."""
        node = link.node
        if node not in self._patience:
            give_up = self.guarded(self._give_up, link)
            self._patience[node] = self.worker.loop.call_later(self.me.patience, give_up)
        dialer = self._dialers.get(node)
        if dialer is None:
            find, meet = partial(self.find, node), partial(self._greet, node)
            dialer = self._dialers[node] = Dialer(self.worker.loop, find, meet)
        dialer.begin(seconds)

    def _stop_seeking(self, node: str) -> None:
        if node in self._dialers:
            self._dialers[node].stop()
        if node in self._patience:
            self._patience.pop(node).cancel()

    def _give_up(self, link: PeerLink) -> None:
        self._lose(link, f"it cannot be reached: {self._dialers[link.node].reason}")

    def _lose(self, link: PeerLink, reason: str, code: str = LOST, help: str = "") -> None:
        """Nothing more is expected of a node."""
        self._stop_seeking(link.node)
        self._end(link, reason, code, help)

    def _end(self, link: PeerLink, reason: str, code: str = LOST, help: str = "") -> None:
        """The session with a node is over, though the node may be about to come anew."""
        if not link.gone:
            link.detach()
            link.end()
            self.guarded(self.worker.lost)(link.node, reason, code, help)

    # Connections.

    def _greet(self, node: str, end: socket.socket) -> Connection:
        """Begin the handshake with a node that has been dialed."""

        def failed(connection: Connection, error: Exception) -> None:
            self._dial_failed(self._links[node], connection, error)

        return self._begin(end, node, failed)

    def _welcome(self, end: socket.socket) -> Connection:
        """Begin the handshake with whoever has come."""
        return self._begin(end, None, self._refuse)

    def _begin(
        self,
        end: socket.socket,
        wanted: str | None,
        failed: Callable[[Connection, Exception], None],
    ) -> Connection:
        agreed, failed = self.guarded(self._agreed), self.guarded(failed)
        return greet(self.worker.loop, end, self.me, self, wanted, agreed, failed)

    def introduce(self, peer: str, incarnation: int, dialed: bool) -> Introduction:
        """What a node is told that has proved itself. Raises Refused."""
        link = self._links.get(peer)
        taken = 0
        if link is not None:
            if incarnation in link.ended:
                raise Refused(Why.ENDED)
            if link.incarnation not in (None, incarnation):
                if link.connection is not None:
                    assert link.address is not None
                    raise Refused(Why.TAKEN, f"{peer}, at {Address(*link.address)}")
                self._end(link, "it has been begun anew")
            elif link.incarnation is not None:
                taken = link.session.taken
            dialer = self._dialers.get(peer)
            mine = None if dialer is None else dialer.connection
            if not dialed and mine and mine.handshake.peer and self.name < peer:
                raise Refused(Why.CROSSED)
        program = self.me.fingerprint
        return Introduction(
            compiler=program.compiler,
            files=dict(program.files),
            idle=self.me.idle,
            address=self.me.address,
            datagrams=0 if self.datagrams is None else self.datagrams.port,
            taken=taken,
        )

    def examine(self, introduction: Introduction) -> None:
        """Judge what a node says of itself. Raises Refused."""
        theirs = Fingerprint(introduction.compiler, introduction.files)
        if difference := self.me.fingerprint.difference(theirs):
            raise Refused(Why.PROGRAM, difference)

    def _agreed(self, connection: Connection, agreed: Agreed) -> None:
        """A handshake is over: go on over this connection."""
        self._doorway.knows(connection)
        node, introduction = agreed.peer, agreed.introduction
        link = self._links.get(node)
        if link is None:
            link = self._links[node] = PeerLink(self, node)
        dialer = self._dialers.get(node)
        if dialer is not None and dialer.connection is connection:
            dialer.agreed()
        if link.incarnation not in (None, agreed.incarnation) or agreed.incarnation in link.ended:
            connection.close()  # another was quicker
            return
        self._stop_seeking(node)
        link.detach()
        self.heard({node: introduction.address})
        is_new = link.incarnation is None
        try:
            link.attach(connection, agreed)
        except BadSession as error:
            connection.close()
            self.distrust(link, str(error))
            return
        link.address = introduction.address
        link.dialed = connection.handshake.wanted is not None
        connection.failed = self.guarded(self._disconnected)
        if self._paused:
            connection.pause()
        if is_new:
            self._introduce_to_others(link, introduction.address)
            self.worker.met(node, introduction.idle)
        link.flush()
        self.worker.schedule()

    def _introduce_to_others(self, link: PeerLink, address: Where) -> None:
        """Tell all who are here of one who has come, and it of all."""
        here = {}
        for other in self._links.values():
            if other is not link and other.incarnation is not None and other.address is not None:
                other.hear({link.node: address})
                here[other.node] = other.address
        if here:
            link.hear(here)

    # What goes wrong.

    def _dial_failed(self, link: PeerLink, connection: Connection, error: Exception) -> None:
        """A handshake that this node has begun has come to nothing."""
        dialer = self._dialers[link.node]
        reason = str(error)
        if isinstance(error, Refused):
            met = link.incarnation is not None
            fatal = error.why in (_FATAL if met else _FATAL_AT_FIRST)
            if fatal and (error.proved or not met):
                code = OTHER_PROGRAM if error.why is Why.PROGRAM else MISFIT
                help = REMEDIES.get(error.why, "")
                self._lose(link, reason, code if help else LOST, help)
                return
            if error.why is Why.NAME:  # not for good, as nodes move
                text = f"node {link.node} is not at {dialer.address}: {reason}; it is tried again"
                self.report((link.node, error.why), f"quorate: warning: {text}")
        dialer.again(f"{dialer.address}: {reason}")

    def _refuse(self, connection: Connection, error: Exception) -> None:
        """A handshake that another has begun has come to nothing."""
        self._doorway.knows(connection)
        if not isinstance(error, Refused) or error.why is Why.CROSSED:
            return
        who = connection.address
        if error.proved:
            who = f"node {connection.handshake.peer} at {who}"
        if not error.told:
            self.refused += 1
            text = f"warning[Q154]: refused a connection of {who}: {error}"
            self.report((who, error.why), text)
        elif error.why is Why.TRUST:  # nobody else tells this node's user
            self.report((who, error.told), f"warning[Q154]: {who} has hung up: {error}")

    def _disconnected(self, connection: Connection, error: Exception) -> None:
        """A connection that was agreed upon has broken."""
        node = connection.handshake.peer
        assert node is not None
        link = self._links[node]
        if link.connection is not connection:
            return
        link.detach()
        if isinstance(error, BadRecord):
            link.refused += 1
            self.report(node, f"warning[Q155]: refused what node {node} has sent: {error}")
        if not link.gone:
            self._seek(link, 0.0 if link.dialed else 2 * AGAIN_SECONDS)

    def _refuse_datagram(self, host: str, reason: str) -> None:
        self.refused += 1
        self.report(host, f"warning[Q154]: refused what {host} has sent: {reason}")

    def distrust(self, link: PeerLink, reason: str) -> None:
        """A node that has proved itself does what no node does."""
        link.refused += 1
        self._lose(link, f"it breaks the protocol: {reason}")

    def report(self, about: Hashable, text: str, level: int = logging.WARNING) -> None:
        """Say what was refused, or is worth knowing, once of each peer, or peer and reason."""
        if (about, level) not in self._reported and len(self._reported) < REPORTED_MAX:
            self._reported.add((about, level))
            self.worker.report(text, level)

    def guarded(self, call: Callable[..., None], *given: Any) -> Callable[..., None]:
        """In callbacks of the loop, which would keep quiet about what goes wrong in the worker."""

        def guarded(*args: Any) -> None:
            try:
                call(*given, *args)
            except BaseException as error:
                self.worker.fault(error)

        return guarded

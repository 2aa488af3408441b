"""The link with another node: what is sent there, whether or not there is a connection just now.

It looks to the worker as a `Link` between places does. Invariant: between two nodes everything
arrives once and in the order in which it was added, until one of them leaves or is lost.
"""

from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING, Any

import msgspec

from quorate.core.ids import ProcessId
from quorate.net import session as sn
from quorate.net.codec import Arrival, BadFrame, Encoder
from quorate.net.guarded import GuardedDecoder
from quorate.net.handshake import Agreed, Where
from quorate.net.session import BadSession, Session
from quorate.worlds.real.connection import ROOM_BYTES, Connection
from quorate.worlds.real.loose import Loose

if TYPE_CHECKING:
    from quorate.worlds.real.peers import Peers

ACKNOWLEDGE_SECONDS = 0.01
"""How long an acknowledgement waits for something to go along with."""
ACKNOWLEDGE_BYTES = 1 << 20
"""How much may be taken before it waits no longer."""

_bye: msgspec.msgpack.Decoder[tuple[int, str]] = msgspec.msgpack.Decoder(tuple[int, str])
_heard: msgspec.msgpack.Decoder[dict[str, Where]] = msgspec.msgpack.Decoder(dict[str, Where])


class PeerLink:
    """This end of what there is between two nodes; the node may be known by its name alone."""

    def __init__(self, peers: Peers, node: str) -> None:
        self.node = node
        self.gone = False
        self.incarnation: int | None = None  # of the node that the session is with
        self.ended: set[int] = set()  # incarnations that nothing is heard of again
        self.connection: Connection | None = None
        self.dialed = False  # by this side, the last time
        self.address: Where | None = None  # as it says
        self.refused = 0  # frames that could not be taken
        self._earlier = (0, 0)  # what went to and fro with incarnations that have ended
        self.parting = False  # this side has said its last
        self._awaits: tuple[int, float] | None = None  # (acknowledged so far, since when)
        self._loose: Loose | None = None  # where messages go that need not arrive
        self._peers = peers
        self._worker = peers.worker
        self._acknowledging: asyncio.TimerHandle | None = None
        self._begin_anew()

    def _begin_anew(self) -> None:
        peers = self._peers
        self.session = Session()
        self.encoder = Encoder(peers.registry)
        self.decoder = self._new_decoder()

    def _new_decoder(self) -> GuardedDecoder:
        return GuardedDecoder(self._peers.registry, self._peers.me.name, self.node)

    @property
    def counts(self) -> tuple[int, int]:
        return self.encoder.sent, self.decoder.taken

    @property
    def totals(self) -> tuple[int, int]:
        """How many were sent to the node and taken from it, of all its incarnations."""
        sent, taken = self.counts
        return self._earlier[0] + sent, self._earlier[1] + taken

    @property
    def round_trip(self) -> float | None:
        """Seconds, lately."""
        return None if self.connection is None else self.connection.round_trip

    # Out.

    def tell(self, note: bytes) -> None:
        """Send a note, in order with the messages; `flush` sees to it."""
        self._collect()
        if not (self.gone or self.parting):
            self.session.add(sn.NOTE, note)
            self.flush()

    def flush(self) -> None:
        """Send what has been added, as far as the connection has room."""
        self._collect()
        if self.connection is None and self.session.has_unsent:
            self._peers.want(self)
        self._pump()
        self._check_room()

    push = flush  # whatever is under way, as nothing here waits for the loop

    def part(self, status: int, reason: str) -> bool:
        """Say that this node leaves; whether the other has taken all, or is not there."""
        if self.gone or (self.incarnation is None and self.session.is_settled):
            return True
        if not self.parting:
            self.parting = True
            self._collect()
            self.session.add(sn.BYE, msgspec.msgpack.encode((status, reason)))
        self.flush()
        return self.session.is_settled

    def hear(self, others: dict[str, Where]) -> None:
        """Tell the node where others are."""
        if not self.parting and self.incarnation is not None:
            self.session.add(sn.HEARD, msgspec.msgpack.encode(others))
            self.flush()

    def _collect(self) -> None:
        data = self.encoder.take()
        if self.encoder.refused:
            self._worker.refuse(self.encoder.refused)
        if self.gone:
            self.encoder = Encoder(self._peers.registry)  # whose introductions nobody has heard
        elif data and not self.parting:
            self.session.add(sn.MESSAGES, data)

    def _pump(self) -> None:
        connection, session = self.connection, self.session
        while connection is not None and connection.has_room and session.has_unsent:
            frames: list[tuple[bytes, ...]] = []
            size = 0
            while session.has_unsent and size < ROOM_BYTES:
                header, payload = session.next()
                frames.append((header, payload))
                size += len(payload)
            connection.send(frames)

    def _check_room(self) -> None:
        """Have the worker wait while too much waits for the node."""
        worker, bound = self._worker, self._peers.unsent_max
        if self in worker.blocked:
            if self.session.waiting <= bound // 2:
                worker.blocked.discard(self)
                worker.schedule()
        elif self.session.waiting > bound:
            worker.blocked.add(self)
            self._peers.relieve()

    # In.

    def _receive_first(self, bodies: list[bytes]) -> None:
        """The other side has agreed too, and so knows the keys of datagrams."""
        if self._loose is not None:
            self._loose.ready = True
        if self.connection is not None:
            self.connection.received = self.receive
        self.receive(bodies)

    def receive(self, bodies: list[bytes]) -> None:
        """Take the frames of a connection."""
        try:
            self._receive(bodies)
        except (BadSession, BadFrame) as error:
            self._peers.distrust(self, str(error))
        except BaseException as error:  # a loop keeps quiet about an OSError
            self._worker.fault(error)

    def _receive(self, bodies: list[bytes]) -> None:
        session, feed = self.session, self.decoder.feed
        arrivals: list[Arrival] = []
        for body in bodies:
            taken = session.take(body)
            if taken is None:
                continue
            kind, payload = taken
            if kind == sn.MESSAGES:
                arrivals += feed(payload)
                continue
            self._accept(arrivals, self.decoder)
            arrivals = []
            self._hear_out(kind, payload)
            if self.gone:
                return
        self._accept(arrivals, self.decoder)
        self._check_room()
        self._worker.work()
        if session.owed:
            self._acknowledge_soon()
        self._peers.check_congestion()

    def _take_loose(self, arrivals: list[Arrival]) -> None:
        """Take what has come as a datagram."""
        if self._loose is not None and not self.gone:
            self._accept(arrivals, self._loose.decoder)

    def _accept(self, arrivals: list[Arrival], decoder: GuardedDecoder) -> None:
        if decoder.refused:
            self.refused += decoder.refused
            decoder.refused = 0
            text = f"warning[Q155]: refused what node {self.node} has sent: {decoder.reason}"
            self._peers.report(self.node, text)
        if arrivals:
            self._worker.accept_from(self.node, arrivals)

    def _hear_out(self, kind: int, payload: bytes) -> None:
        try:
            match kind:
                case sn.NOTE:
                    self._worker.note(self.node, payload)
                case sn.BYE:
                    self._leave(*_bye.decode(payload))
                case sn.HEARD:
                    self._peers.heard(_heard.decode(payload))
                case _:
                    raise BadSession(f"a frame of kind {kind}")
        except msgspec.MsgspecError as error:
            raise BadSession(str(error)) from error

    def _leave(self, status: int, reason: str) -> None:
        """The node leaves; it waits until it knows that this has been heard."""
        self._acknowledge()
        self.end()
        self._worker.left(self.node, status, reason)

    def _acknowledge_soon(self) -> None:
        if self.session.owed > ACKNOWLEDGE_BYTES:
            self._acknowledge()
        elif self._acknowledging is None:
            self._acknowledging = self._worker.loop.call_later(
                ACKNOWLEDGE_SECONDS, self._acknowledge_late
            )

    def _acknowledge_late(self) -> None:
        self._acknowledging = None
        if self.session.owed:
            self._acknowledge()

    def _acknowledge(self) -> None:
        if self.connection is not None:
            self.connection.send([(self.session.acknowledgement(),)])

    def watch(self, now: float, patience: float) -> None:
        """Say that nothing is acknowledged, once until something is: the node is waited for.

        It may be stopped, or compute: its host answers, or the connection would have an end.
        """
        acknowledged = self.session.acknowledged
        if self.connection is None or self.session.is_settled:
            self._awaits = None
        elif self._awaits is None or self._awaits[0] != acknowledged:
            self._awaits = acknowledged, now
        elif now - self._awaits[1] >= patience:
            self._awaits = acknowledged, math.inf
            text = f"node {self.node} has not answered for {patience:g} s; it is waited for"
            self._worker.report(f"quorate: warning: {text}", logging.WARNING)

    # Connections.

    def attach(self, connection: Connection, agreed: Agreed) -> None:
        """Go on over this connection. Raises BadSession."""
        self.session.resume(agreed.introduction.taken)
        self.connection = connection
        self.gone = False
        self.incarnation = agreed.incarnation
        peers = self._peers
        if peers.datagrams is not None and peers.datagrams.port and agreed.introduction.datagrams:
            self._loose = Loose(
                *(peers.datagrams, peers.registry, self._new_decoder()),
                *(agreed, connection.address, peers.guarded(self._take_loose)),
            )
        connection.received = self._receive_first
        connection.send([(self.session.acknowledgement(),)])
        connection.has_room_again = self._pump
        self._check_room()

    def detach(self) -> None:
        """There is no connection any more."""
        if self._loose is not None:
            self._loose.close()
            self._loose = None
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def end(self) -> None:
        """The session is over; the node may come again as another incarnation."""
        self.gone = True
        self.parting = False
        if self.connection is not None:
            self.connection.received = None
        if self.incarnation is not None:
            self.ended.add(self.incarnation)
            self.incarnation = None
        self._earlier = self.totals
        self._begin_anew()
        if self in self._worker.blocked:
            self._worker.blocked.discard(self)
            self._worker.schedule()

    # Without a promise.

    def add_unreliable(self, to: ProcessId, message: Any, sender: ProcessId, stamp: Any) -> None:
        """A message that need not arrive. Raises `Unsendable`."""
        loose = None if self.gone else self._loose
        if loose is not None and loose.ready:
            size = loose.send(to, message, sender, stamp)
            if not size:
                return
            text = f"a message of {size:,} bytes to node {self.node} is too large for a datagram"
            self._peers.report(self.node, f"{text}: it goes by stream", logging.DEBUG)
        self.encoder.add(to, message, sender, stamp)
        self.flush()

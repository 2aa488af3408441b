"""One connection with another node: its socket, TLS where it is used, its handshake, its records.

Invariant: until the handshake has come to an agreement, nothing that comes goes beyond it.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
import sys
from collections.abc import Callable
from struct import Struct
from typing import NamedTuple

from quorate.net.handshake import NONCE_BYTES, Agreed, Handshake, Party, Refused, Why
from quorate.net.records import BadRecord, Splitter
from quorate.net.session import FRAME_BYTES_MAX
from quorate.worlds.real.membership import Membership
from quorate.worlds.real.tls import ALERT, Tunnel

READ_BYTES = 1 << 16
"""At once: memory for more is mapped anew each time, which costs more than the reading."""
READS_MAX = 8
"""In a row, before something else gets its turn."""
ROOM_BYTES = 1 << 18
"""What may wait in a connection for room in its socket; what is more waits in the session."""

_NOTHING = memoryview(b"")


class Facts(NamedTuple):
    """What Linux tells of a connection."""

    probes: int  # that have not been answered
    unacknowledged: int  # packets
    silence_ms: int  # since the other host has acknowledged anything
    round_trip_us: int


_TCP_INFO = Struct("=3xB20xI28xI8xI")  # what is used of `struct tcp_info` in linux/tcp.h


class Connection:
    """This end of a connection. `failed` is called once, at the end, unless it is closed here."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        end: socket.socket,
        handshake: Handshake,
        tunnel: Tunnel | None,
        agreed: Callable[[Connection, Agreed], None],
        failed: Callable[[Connection, Exception], None],
    ) -> None:
        self.handshake = handshake
        self.address: str = _host_of(end)
        self.received: Callable[[list[bytes]], None] | None = None  # once there is an agreement
        self.has_room_again: Callable[[], None] = _nothing
        self.closed = False
        self._loop = loop
        self._socket = end
        self._tunnel = tunnel
        self.failed = failed
        self._agreed = agreed
        self._agreement: Agreed | None = None
        self._splitter: Splitter
        self._rest = _NOTHING  # what there was no room for
        self._paused = self._writing = self._silent = False
        end.setblocking(False)
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop.add_reader(end.fileno(), self._readable)
        if tunnel is None:
            self._begin()
        else:
            tunnel.receive(b"")
            self._put(tunnel.outgoing())

    def _begin(self) -> None:
        self._send(self.handshake.begin())

    # Out.

    @property
    def has_room(self) -> bool:
        return len(self._rest) < ROOM_BYTES

    def send(self, frames: list[tuple[bytes, ...]]) -> None:
        """Send frames, each in parts: now what there is room for, and the rest when there is."""
        assert self._agreement is not None
        seal = self._agreement.sealer.seal
        self._send(b"".join([seal(*parts) for parts in frames]))

    def _send(self, data: bytes) -> None:
        if data:
            self._put(data if self._tunnel is None else self._tunnel.send(data))

    def _put(self, data: bytes) -> None:
        if self.closed or not data:
            return
        self._rest = memoryview(b"".join((self._rest, data)) if self._rest else data)
        if not self._writing:
            self._push()

    def _push(self) -> None:
        try:
            self._rest = self._rest[self._socket.send(self._rest) :]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:  # told by the loop, as nobody expects the end within a send
            self._rest = _NOTHING
            self._loop.call_soon(self.fail, error)
        if bool(self._rest) is not self._writing:
            self._writing = not self._writing
            if self._writing:
                self._loop.add_writer(self._socket.fileno(), self._writable)
            else:
                self._loop.remove_writer(self._socket.fileno())

    def _writable(self) -> None:
        self._push()
        if not self.closed and self.has_room:
            self.has_room_again()

    # In.

    def pause(self) -> None:
        """Read nothing for a while, so that the peer has to wait."""
        if not self._paused and not self.closed:
            self._paused = True
            self._loop.remove_reader(self._socket.fileno())

    def resume(self) -> None:
        if self._paused and not self.closed:
            self._paused = False
            self._loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        """Take all that is there, to the end or the error of the connection.

        uvloop tells of an error once, together with what has come before it, and never again.
        """
        for _ in range(READS_MAX):
            if self.closed or self._paused:
                return
            try:
                data = self._socket.recv(READ_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.fail(error)
                return
            if not data:
                self.fail(ConnectionResetError("it has closed the connection"))
                return
            try:
                if self._tunnel is not None:
                    data = self._decrypt(self._tunnel, data)
                if data:
                    self._take(data)
            except (Refused, BadRecord) as error:
                self.fail(error)
        self._loop.call_soon(self._readable)

    def _decrypt(self, tunnel: Tunnel, data: bytes) -> bytes:
        was_ready = tunnel.ready
        try:
            return tunnel.receive(data)
        except Refused:
            self._put(ALERT)
            raise
        except ssl.SSLCertVerificationError as error:
            raise Refused(Why.TRUST, error.verify_message) from error
        except ssl.SSLError as error:
            reason = (error.reason or str(error)).replace("_", " ").lower()
            _, told, alert = reason.partition(" alert ")
            distrusts = "certificate" in reason or "unknown ca" in reason
            if told and distrusts:
                raise Refused(Why.TRUST, alert, told=True) from error
            raise Refused(Why.TRUST if distrusts else Why.NONSENSE, reason) from error
        finally:
            self._put(tunnel.outgoing())
            if tunnel.ready and not was_ready:
                self._begin()

    def _take(self, data: bytes) -> None:
        if self._agreement is None:
            try:
                answer = self.handshake.feed(data)
            except Refused as refused:
                self._send(refused.answer)
                raise
            self._send(answer)
            if self.handshake.agreed is None:
                return
            self._agreement = agreement = self.handshake.agreed
            self._splitter = agreement.splitter
            self._splitter.size_max = FRAME_BYTES_MAX + 16
            self._agreed(self, agreement)
        else:
            self._splitter.feed(data)
        bodies = []
        split, open = self._splitter.next, self._agreement.opener.open
        while (record := split()) is not None:
            bodies.append(open(record))
        if bodies and self.received is not None:
            self.received(bodies)

    # The end.

    def fail(self, error: Exception) -> None:
        """It is of no more use."""
        if not self.closed:
            self.close()
            self.failed(self, error)

    def close(self) -> None:
        """Be done with it, without a word to anybody."""
        if not self.closed:
            self.closed = True
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())
            self._socket.close()

    def abandon(self) -> None:
        """In a forked child: the connection is the parent's."""
        self.closed = True
        self._socket.close()

    @property
    def round_trip(self) -> float | None:
        """Seconds, as the system has measured it lately; None where it does not say."""
        facts = self._facts()
        return None if facts is None else facts.round_trip_us / 1e6

    def is_dead(self, seconds: float) -> bool:
        """Whether the other host has been silent so long though it should have spoken.

        To be asked now and then: twice in a row, as silence may just have been nobody's turn. A
        host whose node is stopped, or reads nothing, still acknowledges, or answers probes.
        """
        facts = self._facts()
        owes = facts is not None and (facts.unacknowledged or facts.probes > 1)
        silent = owes and facts is not None and facts.silence_ms > 1000 * seconds
        was, self._silent = self._silent, bool(silent)
        return was and self._silent

    def _facts(self) -> Facts | None:
        if sys.platform != "linux" or self.closed:
            return None
        info = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        return Facts(*_TCP_INFO.unpack(info))


def greet(
    loop: asyncio.AbstractEventLoop,
    end: socket.socket,
    me: Membership,
    party: Party,
    wanted: str | None,
    agreed: Callable[[Connection, Agreed], None],
    failed: Callable[[Connection, Exception], None],
) -> Connection:
    """A connection whose handshake begins, with the node that is `wanted` or whoever has come."""
    keep_alive(end, me.patience)
    handshake = Handshake(party, me.cookie or b"", secrets.token_bytes(NONCE_BYTES), wanted)
    tunnel = None
    if me.tls is not None:
        dials = wanted is not None
        tunnel = Tunnel(me.tls.dialer if dials else me.tls.listener, dials)
        handshake.certified = tunnel.is_for
    return Connection(loop, end, handshake, tunnel, agreed, failed)


def keep_alive(end: socket.socket, seconds: float) -> None:
    """Have the system end a connection on which nothing is sent once the other host is silent."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in {"KEEPIDLE": seconds / 2, "KEEPINTVL": seconds / 6, "KEEPCNT": 3}.items():
        option = getattr(socket, f"TCP_{name}", None)
        if option is not None:
            end.setsockopt(socket.IPPROTO_TCP, option, max(1, round(value)))


def _host_of(end: socket.socket) -> str:
    try:
        return str(end.getpeername()[0])
    except OSError:  # it is gone already
        return "somebody"


def _nothing() -> None:
    """Nobody waits for room."""

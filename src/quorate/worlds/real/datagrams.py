"""The UDP socket of a node, on the port where it listens: messages that need not arrive.

Invariant: what is taken was written by a node that is connected, under the keys of its handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable

from quorate.net.datagram import (
    DATAGRAM_BYTES_MAX,
    TAG_BYTES,
    BadDatagram,
    DatagramOpener,
    tag_of,
)

BUFFER_BYTES = 1 << 20
TURN_MAX = 64
"""Datagrams that are taken before something else gets its turn."""
RETIRED_MAX = 256
"""Tags of former connections: what was on its way when they broke is no offence."""


class Datagrams:
    """Sends, and gives what comes to whose it is; `refuse` is told of what is nobody's."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        refuse: Callable[[str, str], None],
        done: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._refuse, self._done = refuse, done
        self._takers: dict[bytes, tuple[DatagramOpener, Callable[[bytes], None]]] = {}
        self._retired: deque[bytes] = deque(maxlen=RETIRED_MAX)
        self._socket: socket.socket | None = socket.socket(listener.family, socket.SOCK_DGRAM)
        self._reading = False
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        try:
            self._socket.bind(listener.getsockname())
        except OSError:  # the port is another's: all goes by stream
            self.close()

    @property
    def port(self) -> int:
        """Where others may send datagrams to, 0 if nowhere."""
        return 0 if self._socket is None else int(self._socket.getsockname()[1])

    def expect(self, key: bytes, take: Callable[[bytes], None]) -> None:
        """Give `take` the bodies of datagrams under this key."""
        opener = DatagramOpener(key)
        self._takers[opener.tag] = opener, take

    def forget(self, key: bytes) -> None:
        """The connection of which the key was is no more."""
        if self._takers.pop(tag_of(key), None) is not None:
            self._retired.append(tag_of(key))

    def send(self, datagram: bytes, host: str, port: int) -> None:
        """Send, or lose: no room, nobody there, or no way to there."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto(datagram, (host, port))

    def resume(self) -> None:
        if self._socket is not None and not self._reading:
            self._reading = True
            self._loop.add_reader(self._socket.fileno(), self._readable)

    def pause(self) -> None:
        """Take nothing for a while; what the system has no room for then is lost."""
        if self._socket is not None and self._reading:
            self._reading = False
            self._loop.remove_reader(self._socket.fileno())

    def close(self) -> None:
        self.pause()
        self.abandon()

    def abandon(self) -> None:
        """In a forked child: the socket is the parent's."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _readable(self) -> None:
        for _ in range(TURN_MAX):
            if self._socket is None:
                return
            try:
                datagram, where = self._socket.recvfrom(DATAGRAM_BYTES_MAX + 1)
            except OSError:  # nothing there; or of one that was sent before, and nobody was there
                break
            tag = datagram[:TAG_BYTES]
            if tag not in self._retired:
                self._give(tag, datagram, str(where[0]))
        self._done()

    def _give(self, tag: bytes, datagram: bytes, host: str) -> None:
        if tag not in self._takers:
            self._refuse(host, "a datagram that is of no node that is connected")
            return
        opener, take = self._takers[tag]
        try:
            body = opener.open(datagram)
        except BadDatagram as error:
            self._refuse(host, str(error))
            return
        take(body)

"""Where other nodes come in: connections of which nobody knows yet whose they are.

Invariant: of those there are never more than STRANGERS_MAX, none for longer than GREETING_SECONDS,
and each costs a socket and a few kilobytes; the oldest goes where there is no room.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from quorate.net.handshake import Refused, Why
from quorate.worlds.real.connection import Connection

STRANGERS_MAX = 64
STRANGERS_PER_ADDRESS_MAX = 32
GREETING_SECONDS = 5.0
"""From the connection to the end of the handshake."""
BREATH_SECONDS = 0.5
"""How long nobody is let in where the system has no room."""
ACCEPTED_MAX = 16
"""At once, before something else gets its turn."""


class Doorway:
    """Accepts connections; `meet` begins the handshake on one, `drop` is told whom to let go."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listener: socket.socket,
        meet: Callable[[socket.socket], Connection],
        drop: Callable[[Connection, Refused], None],
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._meet, self._drop = meet, drop
        self._strangers: dict[Connection, asyncio.TimerHandle] = {}  # the oldest first
        listener.setblocking(False)

    def open(self) -> None:
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def knows(self, connection: Connection) -> None:
        """It is known whose it is, or it is closed."""
        timer = self._strangers.pop(connection, None)
        if timer is not None:
            timer.cancel()

    def close(self) -> None:
        self._loop.remove_reader(self._listener.fileno())
        for connection in list(self._strangers):
            self.knows(connection)
            connection.close()
        self._listener.close()

    def abandon(self) -> None:
        """In a forked child: all of it is the parent's."""
        for connection in self._strangers:
            connection.abandon()
        self._listener.close()

    def _accept(self) -> None:
        for _ in range(ACCEPTED_MAX):
            try:
                end, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    raise
                self._loop.remove_reader(self._listener.fileno())
                self._loop.call_later(BREATH_SECONDS, self._open_again)
                return
            connection = self._meet(end)
            late = self._loop.call_later(GREETING_SECONDS, self._let_go, connection, "it is slow")
            self._strangers[connection] = late
            self._make_room(connection.address)

    def _open_again(self) -> None:
        if self._listener.fileno() >= 0:
            self.open()

    def _make_room(self, address: str) -> None:
        alike = [each for each in self._strangers if each.address == address]
        if len(alike) > STRANGERS_PER_ADDRESS_MAX:
            self._let_go(alike[0], "too many connections at once")
        elif len(self._strangers) > STRANGERS_MAX:
            self._let_go(next(iter(self._strangers)), "too many connections at once")

    def _let_go(self, connection: Connection, reason: str) -> None:
        self.knows(connection)
        connection.close()
        self._drop(connection, Refused(Why.NONSENSE, reason))

"""Dialing a node again and again, each time where it is said to be by then, until it answers.

Invariant: of one dialer there is at most one attempt at a time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from collections.abc import Callable
from typing import Any

from quorate.worlds.real.connection import Connection
from quorate.worlds.real.membership import Address

AGAIN_SECONDS = 0.05
AGAIN_SECONDS_MAX = 1.0
"""Between two attempts, of which each waits twice as long as the one before."""
CONNECT_SECONDS = 5.0


class Dialer:
    """Dials one node; `find` answers its address, `meet` begins a handshake on a connection."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        find: Callable[[], Address | None],
        meet: Callable[[socket.socket], Connection],
    ) -> None:
        self.connection: Connection | None = None  # whose handshake is under way
        self.reason = "nobody says where it is"  # why the last attempt has come to nothing
        self.address: Address | None = None  # that was dialed last
        self._loop = loop
        self._find, self._meet = find, meet
        self._seconds = AGAIN_SECONDS
        self._timer: asyncio.TimerHandle | None = None
        self._attempt: asyncio.Task[None] | None = None
        self._sockets: set[socket.socket] = set()  # of attempts, cancelled ones too

    @property
    def under_way(self) -> bool:
        return bool(self._timer or self._attempt or self.connection)

    def begin(self, seconds: float = 0.0) -> None:
        """Dial, unless that is under way already."""
        if not self.under_way:
            self._timer = self._loop.call_later(seconds, self._dial)

    def again(self, reason: str) -> None:
        """An attempt has come to nothing."""
        self._stop_attempt()
        self.reason = reason
        seconds, self._seconds = self._seconds, min(2 * self._seconds, AGAIN_SECONDS_MAX)
        self.begin(seconds)

    def stop(self) -> None:
        """Give up what is under way; the next attempt is the first again."""
        self._seconds = AGAIN_SECONDS
        self._stop_attempt()

    def agreed(self) -> None:
        """The connection is another's from now on."""
        self.connection = None
        self.stop()

    def _stop_attempt(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._attempt is not None:
            self._attempt.cancel()
        if self.connection is not None:
            self.connection.close()
        self._timer = self._attempt = self.connection = None

    def abandon(self) -> None:
        """In a forked child: what is under way is the parent's."""
        if self.connection is not None:
            self.connection.abandon()
        for end in self._sockets:
            end.close()

    def _dial(self) -> None:
        self._timer = None
        self.address = address = self._find()
        if address is None:
            self.again("nobody says where it is")
        else:
            self._attempt = self._loop.create_task(self._connect(address))

    async def _connect(self, address: Address) -> None:
        reason = f"{address} has no address"
        try:
            for family, where in await _resolved(self._loop, address):
                try:
                    end = await self._reach(family, where)
                except OSError as error:  # TimeoutError too
                    reason = f"{address}: {_said(error)}"
                    continue
                self._attempt = None
                self.reason = f"{address}: it does not answer"
                self.connection = self._meet(end)
                self._timer = self._loop.call_later(CONNECT_SECONDS, self._hang_up)
                return
        except OSError as error:  # the name has no address
            reason = f"{address}: {error.strerror}"
        except ValueError:  # or is none that could have one
            reason = f"{address} is no address"
        self._attempt = None
        self.again(reason)

    async def _reach(self, family: int, where: Any) -> socket.socket:
        """A connected socket. Raises OSError."""
        end = socket.socket(family, socket.SOCK_STREAM)
        self._sockets.add(end)
        try:
            end.setblocking(False)
            await asyncio.wait_for(self._loop.sock_connect(end, where), CONNECT_SECONDS)
        except BaseException:  # cancelled, too: only now nobody waits for the descriptor
            end.close()
            raise
        finally:
            self._sockets.discard(end)
        return end

    def _hang_up(self) -> None:
        self.again(self.reason)


def _said(error: OSError) -> str:
    """What the system says; the text of an event loop's own error has the address again."""
    return "it does not answer" if error.errno is None else os.strerror(error.errno)


async def _resolved(loop: asyncio.AbstractEventLoop, address: Address) -> list[tuple[int, Any]]:
    """(family, address of a socket) of all that a host is; threads are asked only for names."""
    try:
        version = ipaddress.ip_address(address.host).version
    except ValueError:
        found = await loop.getaddrinfo(*address, type=socket.SOCK_STREAM)
        return [(family, where) for family, _, _, _, where in found]
    return [(socket.AF_INET if version == 4 else socket.AF_INET6, tuple(address))]

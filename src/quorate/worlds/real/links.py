"""Connections between the places of a run: one socket for each pair that has met.

What is added during a turn of the loop leaves as one frame at its end. Invariant: between two
places everything arrives once and in the order in which it was added.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, cast

from quorate.net.codec import Decoder, Encoder
from quorate.net.registry import Registry
from quorate.worlds.real.program import Place

if TYPE_CHECKING:
    from quorate.worlds.real.worker import Worker

UNSENT_BYTES_MAX = 1 << 23
"""What waits for a slower place before this one stops running its processes."""

_NOTHING = memoryview(b"")


class Link(asyncio.Protocol):
    """This end of the connection with another place, which may not be there yet."""

    def __init__(self, worker: Worker, place: Place, registry: Registry) -> None:
        self.place = place
        self.encoder = Encoder(registry)
        self.decoder = Decoder(registry)
        self.add = self.encoder.add
        self.add_order = self.encoder.add_order
        self.gone = False
        self.socket: socket.socket | None = None  # as soon as there is one
        self._rest = _NOTHING  # what there was no room for
        self._parting = False
        self._worker = worker
        self._transport: asyncio.Transport | None = None

    @property
    def counts(self) -> tuple[Place, int, int]:
        return self.place, self.encoder.sent, self.decoder.taken

    def part(self) -> bool:
        """Say that nothing more will be sent; whether the other place has taken all there was.

        Until then this end stays open: to write to one that is closed would lose what is unread.
        """
        if self._transport is not None and not self._parting:
            self._parting = True
            self._transport.write_eof()
        return self.gone or (self._transport is None and not self.encoder.sent)

    def flush(self) -> None:
        """Send what has been added, if the connection is there."""
        self.push()
        if self._rest and self._transport is not None:
            self._transport.write(bytes(self._rest))
            self._rest = _NOTHING
        elif self.gone:
            self.encoder.take()

    def push(self) -> None:
        """Send what there is room for, now: the loop writes only when its turn is over."""
        if self.socket is None:
            return
        data = self.encoder.take()
        if self.encoder.refused:
            self._worker.refuse(self.encoder.refused)
        if data:
            self._rest = memoryview(b"".join((self._rest, data)) if self._rest else data)
        if self._rest and not (self._transport and self._transport.get_write_buffer_size()):
            with contextlib.suppress(OSError):  # no room; or nobody there, which the loop tells
                self._rest = self._rest[self.socket.send(self._rest) :]

    def close(self) -> None:
        """The other place is no more."""
        self.gone = True
        self._transport = self.socket = None
        self._worker.blocked.discard(self)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=UNSENT_BYTES_MAX)
        self.flush()

    def data_received(self, data: bytes) -> None:
        worker = self._worker
        try:
            worker.accept(self.decoder.feed(data))
            worker.work()
        except BaseException as error:  # a loop keeps quiet about an OSError, as if it were its own
            worker.fault(error)

    def eof_received(self) -> None:
        """The other place has said its last; this end closes too."""

    def connection_lost(self, error: Exception | None) -> None:
        self.close()

    def pause_writing(self) -> None:
        self._worker.blocked.add(self)

    def resume_writing(self) -> None:
        self._worker.blocked.discard(self)
        self._worker.schedule()

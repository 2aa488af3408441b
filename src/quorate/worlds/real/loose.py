"""Messages between two nodes that need not arrive: a datagram each, while there is a connection.

Invariant: a datagram stands alone: losing it, or getting it late, harms no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from quorate.core.ids import ProcessId
from quorate.net.codec import Arrival, BadFrame, Encoder
from quorate.net.datagram import BODY_BYTES_MAX, DatagramSealer
from quorate.net.guarded import GuardedDecoder
from quorate.net.handshake import Agreed
from quorate.net.registry import Registry
from quorate.worlds.real.datagrams import Datagrams


class Loose:
    """To send is for when the other side is known to be `ready`; what comes goes to `taken`."""

    def __init__(
        self,
        datagrams: Datagrams,
        registry: Registry,
        decoder: GuardedDecoder,
        agreed: Agreed,
        host: str,
        taken: Callable[[list[Arrival]], None],
    ) -> None:
        self.ready = False
        self.decoder = decoder
        self._datagrams = datagrams
        self._encoder = Encoder(registry)
        self._sealer = DatagramSealer(agreed.datagrams_out)
        self._key = agreed.datagrams_in
        self._where = host, agreed.introduction.datagrams
        self._taken = taken
        datagrams.expect(self._key, self._take)

    def send(self, to: ProcessId, message: Any, sender: ProcessId, stamp: Any) -> int:
        """Send it if there is room for it in a datagram; else how large it is, and 0 if it went.

        Raises `Unsendable`.
        """
        body = self._encoder.alone(to, message, sender, stamp)
        if len(body) > BODY_BYTES_MAX:
            return len(body)
        self._datagrams.send(self._sealer.seal(body), *self._where)
        return 0

    def close(self) -> None:
        self._datagrams.forget(self._key)

    def _take(self, body: bytes) -> None:
        try:
            arrivals = self.decoder.alone(body)
        except BadFrame as error:
            self.decoder.refuse(error)
            arrivals = []
        self._taken(arrivals)

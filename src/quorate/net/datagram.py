"""Datagrams between nodes: each says whose it is, has a number, and a code over both and its body.

A datagram is a tag (8 bytes, by which its receiver finds the key), a number (8 bytes,
little-endian), a code as records have it, and a body. Which numbers have come is a window (RFC
4303, section 3.4.3). Invariant: each is taken at most once, and only from the node it names.
"""

from __future__ import annotations

import hmac
from typing import Final

from quorate.net.records import CODE_BYTES, NUMBER_BYTES, Code

TAG_BYTES: Final = 8
HEADER_BYTES: Final = TAG_BYTES + NUMBER_BYTES + CODE_BYTES
DATAGRAM_BYTES_MAX: Final = 65_507
"""What UDP has room for over IPv4."""
BODY_BYTES_MAX: Final = DATAGRAM_BYTES_MAX - HEADER_BYTES
WINDOW: Final = 4096
"""How many datagrams one may be overtaken by and still be taken."""


class BadDatagram(Exception):
    """It is not of the node it seems to come from, or has come before."""


def tag_of(key: bytes) -> bytes:
    """What datagrams under a key begin with."""
    return hmac.digest(key, b"tag", "sha256")[:TAG_BYTES]


class DatagramSealer:
    """Makes datagrams of bodies."""

    def __init__(self, key: bytes) -> None:
        self._tag = tag_of(key)
        self._code = Code(key)
        self._number = 0

    def seal(self, body: bytes) -> bytes:
        self._number += 1
        number = self._number.to_bytes(NUMBER_BYTES, "little")
        return b"".join((self._tag, number, self._code.of(self._number, body), body))


class DatagramOpener:
    """Checks datagrams that begin with its tag."""

    def __init__(self, key: bytes) -> None:
        self.tag = tag_of(key)
        self._code = Code(key)
        self._last = 0  # the greatest number that has come
        self._came = 1  # bit n: number `_last - n` has come

    def open(self, datagram: bytes) -> bytes:
        """The body. Raises BadDatagram."""
        if len(datagram) < HEADER_BYTES:
            raise BadDatagram(f"a datagram of {len(datagram)} bytes")
        number = int.from_bytes(datagram[TAG_BYTES : TAG_BYTES + NUMBER_BYTES], "little")
        body = datagram[HEADER_BYTES:]
        code = datagram[TAG_BYTES + NUMBER_BYTES : HEADER_BYTES]
        if not hmac.compare_digest(self._code.of(number, body), code):
            raise BadDatagram("a datagram that the node has not written")
        behind = self._last - number
        if behind >= WINDOW or (behind >= 0 and self._came >> behind & 1):
            raise BadDatagram(f"datagram {number} comes twice, or too late")
        if behind >= 0:
            self._came |= 1 << behind
        else:
            self._came = (self._came << min(-behind, WINDOW) | 1) & ((1 << WINDOW) - 1)
            self._last = number
        return body

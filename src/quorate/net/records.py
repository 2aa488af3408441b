"""Records: what a connection between nodes carries, each with its length and a code over it.

A record is a length (4 bytes, little-endian), a body, and once there are keys the code: BLAKE2b
(RFC 7693) under the key, over the number that the record has on this connection, and the body.
Invariant: a body that `Opener.open` answers was written by the peer, just there, and for this end.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

LENGTH_BYTES: Final = 4
CODE_BYTES: Final = 16
NUMBER_BYTES: Final = 8


class BadRecord(Exception):
    """What has come over a connection is no record of this protocol."""


class Splitter:
    """Cuts what comes in pieces of any size into records of at most `size_max` bytes."""

    def __init__(self, size_max: int) -> None:
        self.size_max = size_max
        self._data: bytes | bytearray = b""
        self._start = 0

    def feed(self, data: bytes) -> None:
        if self._start == len(self._data):
            self._data = data
        else:
            rest = self._data
            if self._start or type(rest) is bytes:
                rest = bytearray(memoryview(rest)[self._start :])
            rest += data
            self._data = rest
        self._start = 0

    def next(self) -> bytes | None:
        """The next record without its length; None if it is not complete. Raises BadRecord."""
        body = self._start + LENGTH_BYTES
        if len(self._data) < body:
            return None
        length = int.from_bytes(self._data[self._start : body], "little")
        if length > self.size_max:
            raise BadRecord(f"a record of {length} bytes, at most {self.size_max}")
        end = body + length
        if len(self._data) < end:
            return None
        self._start = end
        return bytes(memoryview(self._data)[body:end])


class Sealer:
    """Makes records of bodies, in the order in which they are to be sent."""

    def __init__(self, key: bytes) -> None:
        self._code = Code(key)
        self._number = 0

    def seal(self, *parts: bytes) -> bytes:
        """The record whose body is these parts together."""
        code = self._code.of(self._number, *parts)
        self._number += 1
        size = sum(map(len, parts)) + CODE_BYTES
        return b"".join((size.to_bytes(LENGTH_BYTES, "little"), *parts, code))


class Opener:
    """Checks records in the order in which they come."""

    def __init__(self, key: bytes) -> None:
        self._code = Code(key)
        self._number = 0

    def open(self, record: bytes) -> bytes:
        """The body of a record (without its length). Raises BadRecord."""
        body, code = record[:-CODE_BYTES], record[-CODE_BYTES:]
        if not hmac.compare_digest(self._code.of(self._number, body), code):
            raise BadRecord("a record that the node has not written, or not here")
        self._number += 1
        return body


class Code:
    """The codes under one key: of a number and bytes."""

    def __init__(self, key: bytes) -> None:
        self._begun = hashlib.blake2b(key=key, digest_size=CODE_BYTES)

    def of(self, number: int, *parts: bytes) -> bytes:
        code = self._begun.copy()
        code.update(number.to_bytes(NUMBER_BYTES, "little"))
        for part in parts:
            code.update(part)
        return code.digest()


def plain(body: bytes) -> bytes:
    """The record of a body before there are keys."""
    return len(body).to_bytes(LENGTH_BYTES, "little") + body

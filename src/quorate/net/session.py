"""The session of two nodes: everything once and in order, over as many connections as it takes.

What is added is numbered, acknowledged by the other side, kept until then, and sent again over a
new connection from where the other side says it has come to (RFC 9293, section 3.4, has the idea
for octets). Invariant: `acknowledged <= put on a connection <= added`, and nothing is taken that
does not come next.
"""

from __future__ import annotations

from collections import deque
from struct import Struct
from typing import Final

MESSAGES: Final = 0
NOTE: Final = 1
BYE: Final = 2
HEARD: Final = 3
ACK: Final = 4
"""Kinds of frames; ACK is not numbered, and has nothing but its acknowledgement."""
MORE: Final = 0x80
"""Beside a kind: the rest follows in the next frame."""

PAYLOAD_BYTES_MAX: Final = 1 << 18
WHOLE_BYTES_MAX: Final = 1 << 28
"""Of what comes in several frames, other than messages, which are taken as they come."""
_HEADER: Final = Struct("<BQQ")  # kind, number, the last number taken by the sender of this
FRAME_BYTES_MAX: Final = _HEADER.size + PAYLOAD_BYTES_MAX


class BadSession(Exception):
    """What has come is no frame that can come now; the connection is of no more use."""


class Session:
    """One side of a session with a node."""

    def __init__(self) -> None:
        self.waiting = 0  # bytes that have not been acknowledged
        self.owed = 0  # bytes taken since the last acknowledgement
        self.taken = 0  # the number of the last frame that has been taken
        self.acknowledged = 0
        self._added = self._put = 0  # numbers of the last frames
        self._sent: deque[tuple[int, int, bytes]] = deque()  # (number, kind, payload)
        self._unsent: deque[tuple[int, int, bytes]] = deque()
        self._parts: list[bytes] = []  # of something whose rest follows
        self._parts_bytes = 0

    # Out.

    def add(self, kind: int, payload: bytes) -> None:
        """Have something of any size sent, after all that was added before."""
        end = len(payload)
        for start in range(0, end or 1, PAYLOAD_BYTES_MAX):
            more = MORE if start + PAYLOAD_BYTES_MAX < end else 0
            part = payload[start : start + PAYLOAD_BYTES_MAX] if more or start else payload
            self._added += 1
            self._unsent.append((self._added, kind | more, part))
        self.waiting += end

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent)

    @property
    def is_settled(self) -> bool:
        """Whether the other side has taken all that was added."""
        return self.acknowledged == self._added

    def next(self) -> tuple[bytes, bytes]:
        """Header and payload of the next frame to put on the connection."""
        frame = number, kind, payload = self._unsent.popleft()
        self._sent.append(frame)
        self._put = max(self._put, number)
        self.owed = 0
        return _HEADER.pack(kind, number, self.taken), payload

    def acknowledgement(self) -> bytes:
        """A frame that only says what has been taken."""
        self.owed = 0
        return _HEADER.pack(ACK, 0, self.taken)

    def resume(self, taken: int) -> None:
        """Go on over a new connection with one who has taken so much. Raises BadSession."""
        self._acknowledge(taken)
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()

    # In.

    def take(self, body: bytes) -> tuple[int, bytes] | None:
        """Kind and payload of a frame; None where there is nothing to do. Raises BadSession."""
        if len(body) < _HEADER.size:
            raise BadSession(f"a frame of {len(body)} bytes")
        kind, number, acknowledged = _HEADER.unpack_from(body)
        self._acknowledge(acknowledged)
        if kind == ACK:
            return None
        self.owed += len(body)
        if number <= self.taken:  # it was on its way when the connection broke
            return None
        if number != self.taken + 1:
            raise BadSession(f"frame {number} after {self.taken}")
        self.taken = number
        payload = body[_HEADER.size :]
        if kind & ~MORE == MESSAGES:
            return MESSAGES, payload
        return self._whole(kind, payload)

    def _whole(self, kind: int, payload: bytes) -> tuple[int, bytes] | None:
        self._parts_bytes += _HEADER.size + len(payload)
        if self._parts_bytes > WHOLE_BYTES_MAX:
            raise BadSession(f"a note of more than {WHOLE_BYTES_MAX} bytes")
        if kind & MORE:
            self._parts.append(payload)
            return None
        if self._parts:
            payload = b"".join((*self._parts, payload))
            self._parts.clear()
        self._parts_bytes = 0
        return kind, payload

    def _acknowledge(self, number: int) -> None:
        if number <= self.acknowledged:
            return
        if number > self._put:
            raise BadSession(f"{number} frames were taken of {self._put}")
        while self._sent and self._sent[0][0] <= number:
            self.waiting -= len(self._sent.popleft()[2])
        while self._unsent and self._unsent[0][0] <= number:  # sent over a former connection
            self.waiting -= len(self._unsent.popleft()[2])
        self.acknowledged = number

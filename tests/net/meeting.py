"""Two nodes without sockets: handshakes, records and sessions over bytes that a test carries."""

from __future__ import annotations

from quorate.net.handshake import Agreed, Handshake, Introduction, Refused, Why
from quorate.net.session import FRAME_BYTES_MAX, Session


class Party:
    """A node: whom it lets in, and what it tells."""

    def __init__(self, name: str, files: dict[str, str] | None = None) -> None:
        self.name = name
        self.incarnation = 7
        self.files = files or {"pong.da": "12"}
        self.session = Session()
        self.introduced = 0
        self.refuses: Why | None = None

    def introduce(self, peer: str, incarnation: int, dialed: bool) -> Introduction:
        self.introduced += 1
        if self.refuses:
            raise Refused(self.refuses)
        taken = self.session.taken
        return Introduction("1", self.files, False, ("host", 1), 0, taken)

    def examine(self, introduction: Introduction) -> None:
        if introduction.files != self.files:
            raise Refused(Why.PROGRAM, "pong.da differs")


class Side:
    """One side of a connection: a handshake, and then the frames of a session."""

    def __init__(self, party: Party, wanted: str | None, nonce: int, cookie: bytes = b"c") -> None:
        self.party = party
        self.handshake = Handshake(party, cookie, bytes([nonce]) * 32, wanted)
        self.out = bytearray(self.handshake.begin())
        self.said = bytes(self.out)  # all there was
        self.came: list[tuple[int, bytes]] = []
        self.refused: Refused | None = None
        self._agreed: Agreed | None = None

    def feed(self, data: bytes) -> None:
        if self.refused is not None:
            return
        if self._agreed is None:
            try:
                self._say(self.handshake.feed(data))
            except Refused as refused:
                self.refused = refused
                self._say(refused.answer)
                return
            self._agreed = self.handshake.agreed
            if self._agreed is None:
                return
            self._agreed.splitter.size_max = FRAME_BYTES_MAX + 16
            self.party.session.resume(self._agreed.introduction.taken)
        else:
            self._agreed.splitter.feed(data)
        while (record := self._agreed.splitter.next()) is not None:
            taken = self.party.session.take(self._agreed.opener.open(record))
            if taken is not None:
                self.came.append(taken)

    def send(self, frames: int = 1 << 30) -> None:
        """Put frames of the session on the connection, if it is agreed."""
        session = self.party.session
        while self._agreed is not None and session.has_unsent and frames:
            self._say(self._agreed.sealer.seal(*session.next()))
            frames -= 1

    def acknowledge(self) -> None:
        if self._agreed is not None:
            self._say(self._agreed.sealer.seal(self.party.session.acknowledgement()))

    def _say(self, data: bytes) -> None:
        self.out += data
        self.said += data


def carry(one: Side, other: Side, size: int = 1 << 30) -> None:
    """Carry all that both say, in pieces of so many bytes, until they are silent."""
    while one.out or other.out:
        for here, there in ((one, other), (other, one)):
            while here.out:
                piece = bytes(here.out[:size])
                del here.out[:size]
                there.feed(piece)


def meet(a: Party, b: Party, size: int = 1 << 30, cookie: bytes = b"c") -> tuple[Side, Side]:
    """Have `a`, with this cookie, dial `b`."""
    dialer = Side(a, b.name, 1, cookie)
    listener = Side(b, None, 2)
    carry(dialer, listener, size)
    return dialer, listener


def agree(side: Side) -> bool:
    return side.handshake.agreed is not None

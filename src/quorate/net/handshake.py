"""How two nodes meet on a new connection: who the other is, and that both know the same cookie.

Both say a nonce; each then proves by a code over all that both have said that it knows the cookie,
first the one who has dialed (Bellare and Rogaway 1993, section 4: mutual authentication by matching
conversations). Proofs name the role, so none can be reflected, and nonces are new, so none can be
replayed. Invariant: nothing about the program is told to, or taken from, a peer without a proof.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta, Struct

from quorate.net.records import BadRecord, Opener, Sealer, Splitter, plain

VERSION: Final = 1
NONCE_BYTES: Final = 32
PROOF_BYTES: Final = 32
PLAIN_BYTES_MAX: Final = 1 << 10
"""Of a record of one that has not proved anything."""
INTRODUCTION_BYTES_MAX: Final = 1 << 22
TLS_BEGINNINGS: Final = (b"\x16\x03", b"\x15\x03")
"""Of a handshake and of an alert (RFC 8446, section 5.1): as lengths of records, too large."""

Name = Annotated[str, Meta(min_length=1, max_length=255)]
Port = Annotated[int, Meta(ge=0, lt=1 << 16)]
Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Where = tuple[Name, Port]
"""(host, port)"""


class Why(enum.IntEnum):
    """Why a connection is refused; what is told of it is this number."""

    VERSION = 1  # of the protocol
    COOKIE = 2
    CERTIFICATE = 3  # it is not for the name of its node
    NAME = 4  # somebody else is there than was dialed
    PROGRAM = 5
    CROSSED = 6  # both have dialed, and the other connection stays
    TAKEN = 7  # another node of its name is here, or connected
    ENDED = 8  # these two have parted for good
    NONSENSE = 9  # it does not speak this protocol
    TRUST = 10  # TLS has refused a certificate
    TLS = 11  # it speaks TLS, and this side does not
    NO_TLS = 12


FOUND: Final = {
    Why.VERSION: "it speaks another version of the protocol: {}",
    Why.COOKIE: "its cookie is another",
    Why.CERTIFICATE: "its certificate is not for the name {}",
    Why.NAME: "a node of another name is there: {}",
    Why.PROGRAM: "its program is another: {}",
    Why.CROSSED: "both have dialed at once",
    Why.TAKEN: "there is another node of the name {}",
    Why.ENDED: "this node has given up on it, or it has left",
    Why.NONSENSE: "it does not speak this protocol: {}",
    Why.TRUST: "its certificate is not trusted: {}",
    Why.TLS: "it speaks TLS, and this node does not (--tls-cert)",
    Why.NO_TLS: "it speaks no TLS, and this node does",
}
"""What this side says of the peer, with a detail."""
TOLD: Final = {
    Why.VERSION: "it says that this node speaks another version of the protocol",
    Why.COOKIE: "it says that the cookie of this node is another",
    Why.CERTIFICATE: "it says that the certificate of this node is not for the name {}",
    Why.NAME: "it says that it has dialed another node than {}",
    Why.PROGRAM: "it says that the program of this node is another",
    Why.CROSSED: "both have dialed at once",
    Why.TAKEN: "it says that there is another node of the name {}",
    Why.ENDED: "it has given up on this node, or has left",
    Why.NONSENSE: "it says that this node does not speak its protocol",
    Why.TRUST: "it does not trust the certificate of this node: {}",
    Why.TLS: "it says that this node speaks TLS, and it does not",
    Why.NO_TLS: "it says that this node speaks no TLS, and it does",
}
"""What the peer says of this side: its name is the detail, or what TLS has told."""
_CERTIFICATES = "--tls-cert, --tls-key and --tls-ca"
REMEDIES: Final = {
    Why.VERSION: "run the same version of Quorate on all nodes",
    Why.COOKIE: "give all nodes the same cookie, by --cookie-file or QUORATE_COOKIE",
    Why.CERTIFICATE: "give each node a certificate that has its name, as -n says it",
    Why.PROGRAM: "begin all nodes with the same files, and those again that had begun before a "
    "change",
    Why.TRUST: "give all nodes certificates that are valid, and the authority that has signed them",
    Why.TLS: f"give certificates to all nodes or to none: {_CERTIFICATES}",
    Why.NO_TLS: f"give certificates to all nodes or to none: {_CERTIFICATES}",
}
"""What to do where two nodes do not go together, and will not by waiting."""


class Refused(Exception):
    """The connection is of no use.

    `why` by whom: `told` says that the peer has. `proved` that the peer knows the cookie; else the
    reason is what anybody may have said. `answer` is for the peer, before the connection is closed.
    """

    def __init__(self, why: Why, detail: str = "", *, told: bool = False) -> None:
        super().__init__((TOLD if told else FOUND)[why].format(detail))
        self.why = why
        self.told = told
        self.proved = False
        self.answer = b""


class Hello(Struct, array_like=True, tag=0):
    """The first word of either side."""

    magic: Annotated[str, Meta(pattern="^quorate$")]
    version: int
    name: Name
    incarnation: Count
    nonce: Annotated[bytes, Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]


class Proof(Struct, array_like=True, tag=1):
    """That this side knows the cookie."""

    code: Annotated[bytes, Meta(min_length=PROOF_BYTES, max_length=PROOF_BYTES)]


class Denial(Struct, array_like=True, tag=2):
    """The last word: why there will be no connection."""

    why: Why


class Introduction(Struct, array_like=True, tag=3):
    """What only a peer that has proved itself is told.

    `address` is where others reach this node, `datagrams` its UDP port or 0, `taken` how much of
    the session it has.
    """

    compiler: str
    files: dict[str, str]
    idle: bool
    address: Where
    datagrams: Port
    taken: Count


Word = Hello | Proof | Denial | Introduction
_decoder: msgspec.msgpack.Decoder[Word] = msgspec.msgpack.Decoder(Word)
_encode: Callable[[Word], bytes] = msgspec.msgpack.Encoder().encode


class Party(Protocol):
    """The node on whose behalf a handshake is made."""

    @property
    def name(self) -> str: ...

    @property
    def incarnation(self) -> int: ...

    def introduce(self, peer: str, incarnation: int, dialed: bool) -> Introduction:
        """What to tell a peer that has proved itself. Raises Refused."""

    def examine(self, introduction: Introduction) -> None:
        """Judge what a peer has told. Raises Refused."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What a handshake has come to; `splitter` has what has come after it already."""

    peer: str
    incarnation: int
    introduction: Introduction
    sealer: Sealer
    opener: Opener
    splitter: Splitter
    datagrams_out: bytes  # keys
    datagrams_in: bytes


@dataclass(slots=True)
class Handshake:
    """One side of it: bytes in, bytes out.

    `wanted` is the name of the node that is dialed, None on the side that is. `certified` answers
    whether the certificate of the peer, if there are any, is for a name.
    """

    party: Party
    cookie: bytes
    nonce: bytes
    wanted: str | None = None
    certified: Callable[[str], bool] = lambda name: True
    peer: str | None = None  # as it says
    proved: bool = False  # and it is
    agreed: Agreed | None = None
    _incarnation: int = 0
    _said: bytes = b""  # the hello of this side
    _introduced: bool = False  # this side has said its last
    _transcript: bytes = b""
    _sealer: Sealer | None = None
    _opener: Opener | None = None
    _splitter: Splitter = field(default_factory=lambda: Splitter(PLAIN_BYTES_MAX))
    _unsent: bytes = b""

    def begin(self) -> bytes:
        """The first bytes to send: the side that is dialed waits."""
        if self.wanted is not None:
            self._hello()
        return self._sending()

    def feed(self, data: bytes) -> bytes:
        """Take what has come: what to send. Raises Refused, and then all is over."""
        self._splitter.feed(data)
        try:
            while self.agreed is None and (record := self._splitter.next()) is not None:
                self._take(record)
        except Refused as refused:
            raise self._parting(refused) from None
        except (BadRecord, msgspec.MsgspecError, ValueError, RecursionError) as error:
            is_tls = self.peer is None and data.startswith(TLS_BEGINNINGS)
            why = Why.TLS if is_tls else Why.NONSENSE
            raise self._parting(Refused(why, str(error))) from error
        return self._sending()

    def _parting(self, refused: Refused) -> Refused:
        refused.proved = self.proved
        if refused.why is Why.TLS or (self._said and not (refused.told or self._introduced)):
            self._send(Denial(refused.why))
        refused.answer = self._sending()
        return refused

    def _take(self, record: bytes) -> None:
        word = _decoder.decode(record if self._opener is None else self._opener.open(record))
        match word:
            case Denial(why):
                raise Refused(why, self.party.name, told=True)
            case Hello() if self.peer is None:
                self._meet(word, record)
            case Proof(code) if self._transcript and not self.proved:
                self._believe(code)
            case Introduction() if self.proved:
                self._know(word)
            case _:
                raise Refused(Why.NONSENSE, f"{type(word).__name__} is out of turn")

    def _meet(self, hello: Hello, record: bytes) -> None:
        """The name of the peer and its nonce: now all is said that proofs are about."""
        if self.wanted is None:
            self._hello()
        self.peer, self._incarnation = hello.name, hello.incarnation
        if hello.version != VERSION:
            raise Refused(Why.VERSION, f"{hello.version}, and here it is {VERSION}")
        if self.wanted not in (None, hello.name):
            raise Refused(Why.NAME, hello.name)
        if hello.name == self.party.name:
            raise Refused(Why.TAKEN, f"{hello.name}, this one")
        if not self.certified(hello.name):
            raise Refused(Why.CERTIFICATE, hello.name)
        both = (record, self._said) if self.wanted is None else (self._said, record)
        self._transcript = hashlib.sha256(b"".join(map(plain, both))).digest()
        if self.wanted is not None:
            self._send(Proof(self._derive(b"proof of dialer")))

    def _believe(self, code: bytes) -> None:
        """The peer's proof; from here on all is sealed."""
        here, there = b"dialer", b"listener"
        if self.wanted is None:
            here, there = there, here
        if not hmac.compare_digest(code, self._derive(b"proof of " + there)):
            raise Refused(Why.COOKIE)
        self.proved = True
        self._splitter.size_max = INTRODUCTION_BYTES_MAX
        if self.wanted is None:
            self._send(Proof(self._derive(b"proof of listener")))
        self._sealer = Sealer(self._derive(b"records of " + here))
        self._opener = Opener(self._derive(b"records of " + there))
        if self.wanted is None:
            self._introduce()

    def _know(self, introduction: Introduction) -> None:
        if self.wanted is not None:
            self._introduce()
        self.party.examine(introduction)
        assert self.peer is not None and self._sealer is not None and self._opener is not None
        keys = [self._derive(b"datagrams of " + role) for role in (b"dialer", b"listener")]
        out, into = keys if self.wanted is not None else keys[::-1]
        self.agreed = Agreed(
            self.peer,
            self._incarnation,
            introduction,
            self._sealer,
            self._opener,
            self._splitter,
            out,
            into,
        )

    def _hello(self) -> None:
        party = self.party
        self._said = _encode(Hello("quorate", VERSION, party.name, party.incarnation, self.nonce))
        self._unsent += plain(self._said)

    def _introduce(self) -> None:
        assert self.peer is not None
        self._send(self.party.introduce(self.peer, self._incarnation, self.wanted is not None))
        self._introduced = True  # and frames follow, if the other side agrees

    def _send(self, word: Word) -> None:
        body = _encode(word)
        self._unsent += plain(body) if self._sealer is None else self._sealer.seal(body)

    def _sending(self) -> bytes:
        data, self._unsent = self._unsent, b""
        return data

    def _derive(self, label: bytes) -> bytes:
        """A key, or a proof, that only those who know the cookie can make for this handshake."""
        return hmac.digest(self.cookie, label + self._transcript, "sha256")

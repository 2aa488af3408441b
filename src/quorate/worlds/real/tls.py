"""TLS between nodes: both sides show a certificate that the same authority has signed.

What counts is the name of the node, so the certificate has it among its DNS names (RFC 5280,
section 4.2.1.6); on which host a node runs is all the same. Invariant: TLS 1.3 or no connection.
"""

from __future__ import annotations

import os
import ssl
from typing import NamedTuple

from quorate.core.errors import ProgramError
from quorate.net.handshake import Refused, Why
from quorate.worlds.real.cookies import private

TYPES = range(20, 24)
"""First bytes of records (RFC 8446, section 5.1); those of a node's word are its length."""
ALERT = bytes((21, 3, 3, 0, 2, 2, 70))
"""For one who speaks no TLS: "protocol_version" (section 6.2)."""


class TlsFiles(NamedTuple):
    """Paths of this node's certificate and key, and of the authority that both sides trust."""

    cert: str
    key: str
    ca: str


class Contexts(NamedTuple):
    """Of the side that dials, and of the one that is dialed."""

    dialer: ssl.SSLContext
    listener: ssl.SSLContext


def contexts(files: TlsFiles, name: str | None = None) -> Contexts:
    """What these files say.

    Raises ProgramError where they are of no use to a node of this name (Q144), or the key is no
    secret (Q153).
    """
    dialer = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    dialer.check_hostname = False  # a node is known by its name: `Tunnel.is_for`
    listener = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listener.num_tickets = 0
    what = files.ca
    try:
        for context in (dialer, listener):
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.verify_mode = ssl.CERT_REQUIRED
            what = files.ca
            context.load_verify_locations(files.ca)
            what = files.cert
            open(what, "rb").close()  # so that the one is named that cannot be read
            what = files.key
            with private(what):
                pass
            what = f"{files.cert} with {files.key}"
            context.load_cert_chain(files.cert, files.key, _no_password)
        if name is not None and not _shows_name(listener, files.cert, name):
            raise ValueError(f"the certificate is not for the name {name}")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise _useless(what, error) from error
    return Contexts(dialer, listener)


def _shows_name(listener: ssl.SSLContext, cert: str, name: str) -> bool:
    """Whether who dials is shown a certificate for the name, as `ssl` tells only of a peer's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it may be signed by another authority
    context.load_verify_locations(cert)
    there, here = Tunnel(context, True), Tunnel(listener, False)
    there.receive(b"")
    here.receive(there.outgoing())
    there.receive(here.outgoing())
    return there.is_for(name)


def _useless(what: str, error: Exception) -> ProgramError:
    reason = str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message
    elif isinstance(error, ssl.SSLError):
        reason = (error.reason or "").replace("_", " ").lower()
        reason = "that is not PEM" if reason in ("", "pem lib") else reason
    elif isinstance(error, OSError):
        reason = os.strerror(error.errno or 0)
    return ProgramError(
        "Q144",
        f"{what} cannot be used for TLS: {reason}",
        "give PEM files: a certificate that has this node's name, its key without a password, "
        "and the certificate of the authority that signs those of all nodes",
    )


def _no_password() -> str:
    """Instead of asking at the terminal."""
    raise ValueError("the key is locked with a password")


class Tunnel:
    """TLS over one connection, as bytes in and bytes out."""

    def __init__(self, context: ssl.SSLContext, dials: bool) -> None:
        self.ready = False
        self._silent = True  # nothing has come
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=not dials)

    def receive(self, data: bytes) -> bytes:
        """What these bytes say; nothing before it is `ready`. Raises ssl.SSLError and Refused."""
        if data and self._silent:
            self._silent = False
            if data[0] not in TYPES:
                raise Refused(Why.NO_TLS)
        self._incoming.write(data)
        parts = []
        try:
            if not self.ready:
                self._tls.do_handshake()
                self.ready = True
            while part := self._tls.read(1 << 16):
                parts.append(part)
        except ssl.SSLWantReadError:
            pass
        return b"".join(parts)

    def send(self, data: bytes) -> bytes:
        """The bytes that say this."""
        self._tls.write(data)
        return self.outgoing()

    def outgoing(self) -> bytes:
        """What TLS itself has to say."""
        return self._outgoing.read()

    def is_for(self, name: str) -> bool:
        """Whether the peer's certificate has the name, to the letter."""
        certificate = self._tls.getpeercert() or {}
        return ("DNS", name) in certificate.get("subjectAltName", ())

"""Where a node listens: made before anything is forked, so that what is wrong is said at once.

Invariant: a socket that others than this machine can reach is there only where whoever connects
has to know a secret that nobody guesses, or to show a certificate.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import replace

from quorate.core.errors import ProgramError
from quorate.worlds.real.membership import Address, Membership

BACKLOG = 128
_MAKE = "openssl rand -hex 32 > cookie; chmod 600 cookie"
COOKIE_BYTES_MIN = 16
"""Of one by which nodes of several machines know each other: less can be guessed by trying."""


def resolved(address: Address) -> Address:
    """The address in numbers. Raises OSError where the host has none."""
    found = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    host, port = found[0][4][:2]
    return Address(str(host), int(port))


def is_loopback(address: Address) -> bool:
    """Whether only this machine reaches an address in numbers."""
    return ipaddress.ip_address(address.host).is_loopback


def is_wildcard(address: Address) -> bool:
    """Whether an address in numbers stands for all that the machine has."""
    return ipaddress.ip_address(address.host).is_unspecified


def listen(me: Membership) -> socket.socket:
    """A socket on which this node can be reached; `settled` says where that is.

    Raises ProgramError (Q150) where everybody could come in, and OSError where the system refuses.
    """
    place = resolved(me.bound or me.address)
    if me.tls is None:
        _check_cookie(me, place)
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _check_cookie(me: Membership, place: Address) -> None:
    """Whether it keeps out whoever can reach this node, or can be reached by it."""
    if me.cookie is None:
        if not is_loopback(place):
            message = f"node {me.name} would listen on {place}, where anybody could connect"
            help = "give all nodes a secret: --cookie-file FILE; or certificates: --tls-cert"
            raise ProgramError("Q150", message, help)
    elif len(me.cookie) < COOKIE_BYTES_MIN:
        elsewhere = [each for each in (place, *me.known.values()) if not _is_here(each)]
        if elsewhere:
            where = f"{elsewhere[0]} is not on this machine alone"
            message = f"the cookie is short enough to be guessed, and {where}"
            help = f"make one of at least {COOKIE_BYTES_MIN} bytes, by chance: {_MAKE}"
            raise ProgramError("Q150", message, help)


def _is_here(address: Address) -> bool:
    """Whether an address, not necessarily in numbers, is surely of this machine alone."""
    try:
        return is_loopback(address)
    except ValueError:
        return address.host == "localhost"


def settled(me: Membership, listener: socket.socket) -> Membership:
    """The node, once it listens: with the port that the system has chosen, if it was to choose."""
    host, port = listener.getsockname()[:2]
    address = me.address if me.address.port else me.address._replace(port=port)
    bound = Address(host, port)
    return replace(me, address=address, bound=None if bound == address else bound)

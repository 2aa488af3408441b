"""Where a node listens: made before anything is forked, so that what is wrong is said at once.

Invariant: a socket that others than this machine can reach is there only where whoever connects
has to know a secret or to show a certificate.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import replace

from quorate.core.errors import ProgramError
from quorate.worlds.real.membership import Address, Membership

BACKLOG = 128


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
    if me.cookie is None and me.tls is None and not is_loopback(place):
        message = f"node {me.name} would listen on {place}, where anybody could connect"
        help = "give all nodes a secret: --cookie-file FILE; or certificates: --tls-cert"
        raise ProgramError("Q150", message, help)
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


def settled(me: Membership, listener: socket.socket) -> Membership:
    """The node, once it listens: with the port that the system has chosen, if it was to choose."""
    host, port = listener.getsockname()[:2]
    address = me.address if me.address.port else me.address._replace(port=port)
    bound = Address(host, port)
    return replace(me, address=address, bound=None if bound == address else bound)

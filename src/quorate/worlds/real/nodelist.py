"""Names and addresses of nodes as people write them: NAME@HOST:PORT, and files of such lines.

Invariant: what is read has a name that can be a part of an id and of a file's name, a host without
blanks, and a port that can be dialed; anything else is an error that says what to write.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from quorate.lang.diagnostics import Diagnostics
from quorate.lang.source import Source, Span
from quorate.worlds.real.membership import PORT_DEFAULT, Address

PORT_MAX = 65_535

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?")
_PORT = re.compile(r"[0-9]{1,5}")
_FORM = (
    "write NAME@HOST:PORT, an IPv6 address in brackets: b@192.0.2.7:7420 or b@[2001:db8::7]:7420"
)


class NodeError(ValueError):
    """What is no node: `message` says why, and `help` what to write."""

    def __init__(self, message: str, help: str = _FORM) -> None:
        super().__init__(f"{message}; {help}")
        self.message = message
        self.help = help


class Written(NamedTuple):
    """A node as it is written: `host` is empty, and `port` None, where nothing is said of them."""

    name: str
    host: str = ""
    port: int | None = None

    @property
    def address(self) -> Address:
        """Where others reach it. Raises NodeError for what cannot be dialed."""
        if not self.host:
            raise NodeError(f"`{self.name}` has no address")
        if self.port == 0:
            raise NodeError(f"port 0 of `{self.name}` is none that can be dialed")
        return Address(self.host, PORT_DEFAULT if self.port is None else self.port)


def is_name(text: str) -> bool:
    """Whether a node may have this name."""
    return _NAME.fullmatch(text) is not None


def read_node(text: str) -> Written:
    """A node written as NAME, NAME@HOST or NAME@HOST:PORT. Raises NodeError."""
    name, at, place = text.partition("@")
    if not is_name(name):
        allowed = "up to 64 letters, digits, `_`, `-` and `.`, the first no `-` and no `.`"
        raise NodeError(f"`{name}` is no name of a node", f"a name has {allowed}")
    return Written(name, *read_place(place)) if at else Written(name)


def read_place(text: str) -> tuple[str, int | None]:
    """(host, port) of HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. Raises NodeError."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not (bracket and _is_ipv6(host) and rest[:1] in ("", ":")):
            raise NodeError(f"`{text}` is no address")
        port = rest[1:] if rest else None
    else:
        host, colon, after = text.partition(":")
        if ":" in after:
            raise NodeError(f"`{text}` is no address")
        if not _HOST.fullmatch(host):
            raise NodeError(f"`{host}` is no host" if host else f"there is no host in `{text}`")
        port = after if colon else None
    return host, None if port is None else _port(port)


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return text.isascii() and "/" not in text


def _port(text: str) -> int:
    if not _PORT.fullmatch(text) or int(text) > PORT_MAX:
        raise NodeError(f"`{text}` is no port", f"a port is a number up to {PORT_MAX:,}")
    return int(text)


def read_list(path: str) -> dict[str, Address]:
    """The nodes in a file, one a line; what follows a `#` is not looked at.

    Raises QuorateSyntaxError with all that is wrong with the file.
    """
    source = Source.read(path)
    found = Diagnostics(source)
    nodes: dict[str, Address] = {}
    seen: dict[str | Address, Span] = {}
    for number, line in enumerate(source.lines, 1):
        text = line.partition("#")[0].rstrip()
        if not text.strip():
            continue
        span = Span(number, len(text) - len(text.lstrip()), number, len(text))
        try:
            node = read_node(text.strip())
            address = node.address
        except NodeError as error:
            found.error("Q152", error.message, span, help=error.help)
            continue
        for key, what in ((node.name, "this node"), (address, "this address")):
            if key in seen:
                first = [(seen[key], "here first")]
                help = "name each node once, each with an address of its own"
                found.error("Q152", f"{what} is here twice", span, labels=first, help=help)
            seen.setdefault(key, span)
        nodes[node.name] = address
    if not (nodes or found.errors):
        help = "write a node on each line: NAME@HOST:PORT"
        found.error("Q152", "there is no node here", Span(1, 0, 1, 0), help=help)
    found.raise_if_errors()
    return nodes

"""What a node of a run is, and whom it knows: values, made from the command line.

Invariant: a node that has no name is not of this kind: it listens to nobody and knows nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from quorate.worlds.real.tls import Contexts

PORT_DEFAULT = 7420
"""Of a node whose address names none."""

UNSENT_BYTES_MAX = 1 << 23
"""What may wait for another node before this one stops running its processes."""

QUEUE_MAX = 1 << 16
"""How many messages may wait here before a node takes no more from others."""


class Address(NamedTuple):
    """Where a node listens."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Fingerprint(NamedTuple):
    """What must be equal on all nodes: the compiler, and each file of the program, by its hash."""

    compiler: str
    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """Short, and the same where nothing differs."""
        said = repr((self.compiler, sorted(self.files.items())))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def difference(self, other: Fingerprint) -> str:
        """What is not equal, in words, with the name of the first file; empty where all is."""
        if self.compiler != other.compiler:
            return f"Quorate is {self.compiler} here and {other.compiler} there"
        for name in sorted({*self.files, *other.files}):
            if self.files.get(name) != other.files.get(name):
                if name not in other.files:
                    return f"{name} is missing there"
                return f"{name} is missing here" if name not in self.files else f"{name} differs"
        return ""


@dataclass(frozen=True, slots=True)
class Membership:
    """This node among others.

    `address` is where others reach it, `bound` where it listens if that differs. `known` are the
    nodes named on the command line or in a file, which are dialed from the beginning; `find`
    answers any other by name, as the directory of this machine has it at that time, and `names`
    all that would be found. An `idle` node runs no `main`. `patience` is for how many seconds a
    node that cannot be reached is tried again.
    """

    name: str
    address: Address
    incarnation: int
    fingerprint: Fingerprint
    idle: bool = False
    bound: Address | None = None
    known: Mapping[str, Address] = field(default_factory=dict)
    find: Callable[[str], Address | None] = lambda name: None
    names: Callable[[], list[str]] = list
    cookie: bytes | None = None
    tls: Contexts | None = None
    patience: float = 10.0

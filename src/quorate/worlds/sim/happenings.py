"""What happens in a simulated run, as a stream of values for whoever wants to know.

A run is given an observer, or none, which costs nothing. Invariant: the same program, arguments,
options and seed give the same happenings, in the same order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from quorate.core.ids import ProcessId
from quorate.core.ordering import rank

# fmt: off
Kind = Literal[
    "create", "setup", "start", "end", "fail",
    "crash", "restart", "pause",
    "send", "deliver", "drop", "duplicate", "retry",
    "timer", "output", "operation",
    "partition", "heal", "clog", "rates",
]
# fmt: on
"""Of the life of a process, of the way of a message, of its other steps, of the network."""


class Happening(NamedTuple):
    """Something that happened at `time`, in virtual seconds, to `process`.

    `peer` is the other end of a message, or who made a process; `number` is that of the message
    in this run, and pairs a delivery with its send (a duplicate has a number of its own). `value`
    is the message, a timer's number, what was shown, what a client has to do with an operation, the
    reason of a drop, the end of a fault.
    """

    time: float
    kind: Kind
    process: ProcessId | None = None
    peer: ProcessId | None = None
    number: int = 0
    value: Any = None


Observer = Callable[[Happening], None]


class Digest:
    """An observer that keeps a hash of all that happened: equal for equal runs, on any Python."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def __call__(self, happening: Happening) -> None:
        time, kind, process, peer, number, value = happening
        shown = (time, kind, process, peer, number, rank(value))
        self._hash.update(repr(shown).encode("utf-8", "backslashreplace"))

    def hex(self) -> str:
        return self._hash.hexdigest()

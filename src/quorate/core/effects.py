"""What a step asks of the world, as values.

A send is a bare tuple `(to, message, stamp)`, since it is the one effect that is made a million
times; every other effect is one of the classes below. The world carries them out in order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from quorate.core.ids import ProcessId

Send = tuple[ProcessId, Any, Any]
"""(destination, message, logical time of the sender or None)"""


@dataclass(frozen=True, slots=True)
class Resume:
    """The process has come to a yield point: resume it after what is there has been delivered."""


RESUME = Resume()


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Fire timer `timer` of the process after `seconds`."""

    timer: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CancelTimer:
    timer: int


@dataclass(frozen=True, slots=True)
class Create:
    """Make the process `id` of class `cls` (module and qualified name are its global name)."""

    id: ProcessId
    cls: type
    daemon: bool = False
    rates: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    id: ProcessId
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Start:
    id: ProcessId


@dataclass(frozen=True, slots=True)
class End:
    """End the process `id` where it stands."""

    id: ProcessId


@dataclass(frozen=True, slots=True)
class Output:
    """Values the program shows: `level` as in the standard library's logging (20 is info)."""

    values: tuple[Any, ...]
    sep: str
    level: int
    end: str = "\n"


Phase = Literal["invoke", "return", "fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the process, a client, begins, or ends as `phase` says.

    It is named when it is invoked; values are those that JSON has.
    """

    phase: Phase
    name: str = ""
    args: tuple[Any, ...] = ()
    result: Any = None


@dataclass(frozen=True, slots=True)
class Ended:
    """The process itself is over; `code` is its exit code."""

    code: int


Effect = (
    Send
    | Resume
    | SetTimer
    | CancelTimer
    | Create
    | Setup
    | Start
    | End
    | Output
    | Operation
    | Ended
)

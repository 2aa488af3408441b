"""The events of a trace, field by field; docs/trace.md says what each means.

One schema for all worlds. A process is named as output names it, a message by its sender, its
receiver and its number among those between the two (`Client-2>Store-1#3`), so that the names are
the same in runs that differ elsewhere. Invariant: whatever changes in the schema raises SCHEMA.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

SCHEMA = 1
"""The version that is written. All versions up to it are read, none beyond it."""

Clock = dict[str, int]
"""A vector clock: how many steps of each process are known to have happened."""


class Base(Struct, tag_field="event", omit_defaults=True, forbid_unknown_fields=True):
    """What all events have. `time` is in seconds, virtual ones in the simulated world."""


class Begin(Base, tag="run"):
    """The first line: the program, and everything that the run follows from but its choices."""

    schema: int
    quorate: str
    program: str
    seed: int
    arguments: list[str] = []
    module: str | None = None  # its name, of a program inside of a package
    until: float | None = None  # the end of the run
    steps_max: int | None = None
    calm: float | None = None  # from when on there are no faults
    faults: list[tuple[str, str]] = []  # (name, text) of those in force
    config: dict[str, list[str]] = {}  # what comes before the program's own
    restarts: bool = False  # processes may be restarted


class Create(Base, tag="create"):
    time: float
    process: str
    kind: str  # its class
    path: list[int]  # which creation of which creator, from `main` on
    parent: str | None = None
    name: str = ""  # as the program has named it
    ahead: float | None = None  # how far its clock is, in seconds
    gain: float | None = None  # of its clock, in seconds a second


class Step(Base, tag="step"):
    """A process begins a step; what is told until the next one happens within it."""

    time: float
    process: str
    step: int  # numbered from 1 in the run
    why: Literal["setup", "start", "message", "timer", "resume", "end"]
    clock: Clock
    message: str | None = None  # the one that is delivered
    by: int | None = None  # the step that asked for a setup, a start or an end
    timer: int | None = None
    args: list[Any] = []  # of a setup
    kwargs: dict[str, Any] = {}


class State(Base, tag="state"):
    """What a step has changed; fields that it has left alone are left out."""

    time: float
    process: str
    after: dict[str, Any] = {}
    before: dict[str, Any] = {}
    at: str | None = None  # where it stands now, if not where it stood: FILE:LINE
    label: str | None = None


class Send(Base, tag="send"):
    time: float
    process: str
    to: str
    message: str
    value: Any
    at: str | None = None


class Duplicate(Base, tag="duplicate"):
    """A message comes once more; the copy has a name of its own."""

    time: float
    message: str
    copy: str


class Retry(Base, tag="retry"):
    """A reliable channel sends again what has not got through."""

    time: float
    message: str


class Drop(Base, tag="drop"):
    """A message is gone for good."""

    time: float
    message: str
    why: str


class SetTimer(Base, tag="timer"):
    time: float
    process: str
    timer: int
    seconds: float
    at: str | None = None


class Output(Base, tag="output"):
    time: float
    process: str
    text: str
    level: int = 20  # as in logging
    at: str | None = None


class End(Base, tag="end"):
    time: float
    process: str
    code: int = 0


class Fail(Base, tag="fail"):
    """A step has ended by an error; `code` is that of `quorate explain`."""

    time: float
    process: str
    code: str
    text: str
    at: str | None = None


class Fault(Base, tag="fault"):
    """A choice: something befalls the run from outside."""

    time: float
    what: Literal["crash", "restart", "pause", "partition", "clog", "heal", "rates"]
    groups: list[list[str]] = []  # of processes; for `clog`, pairs of sender and receiver
    seconds: float | None = None  # how long; None: until something else ends it
    oneway: bool = False  # of a partition
    counts: bool = False  # the run goes on for it though nothing else is to happen
    faults: list[tuple[str, str]] = []  # the `rates`: (name, text)


class Crash(Base, tag="crash"):
    time: float
    process: str


class Restart(Base, tag="restart"):
    time: float
    process: str


class Heal(Base, tag="heal"):
    """A partition is over; without groups, all that cuts and clogs the network."""

    time: float
    groups: list[list[str]] = []


class Choice(Base, tag="choice"):
    """What chance has decided: `what` of a message or a process, the `nth` time it was asked.

    Without a value: it happened, though mostly it does not.
    """

    time: float
    what: Literal["delay", "loss", "duplicate", "reorder", "by", "retry", "resume", "timer"]
    of: str
    nth: int = 1
    value: float | None = None


class Property(Base, tag="property"):
    """A property of the program did not hold, or was seen to hold at last."""

    time: float
    name: str
    holds: bool
    text: str = ""
    process: str | None = None
    at: str | None = None


class Operation(Base, tag="operation"):
    """An operation on an object that the program implements, as in docs/consistency.md."""

    time: float
    client: str
    phase: Literal["invoke", "return", "fail", "unknown"]
    op: str | None = None
    args: list[Any] = []
    result: Any = None


class Over(Base, tag="over"):
    """The last line: why the run ended there, and the exit status of the program."""

    time: float
    end: Literal["over", "quiet", "late", "held", "failed"]
    status: int
    steps: int
    waiting: list[str] = []  # processes that had not ended


Timed = (
    Create
    | Step
    | State
    | Send
    | Duplicate
    | Retry
    | Drop
    | SetTimer
    | Output
    | End
    | Fail
    | Fault
    | Crash
    | Restart
    | Heal
    | Choice
    | Property
    | Operation
    | Over
)
"""What happens at a time."""

Event = Begin | Timed

"""Histories: what clients asked of a system, and what it answered, in the order of real time.

The order is that of the events: an operation precedes another if it returned before the other
was invoked. Invariant: a client has one operation at a time, and nothing is known of an
operation after its return. What is unknown may take effect at any later time, or never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from quorate.consistency.values import UNKNOWN, Unfrozen, Unknown, Value, clipped, frozen, shown

Client = str | int

Session = tuple[type, Client]
"""What one client does: 1 and True are two clients."""

Outcome = Literal["returned", "failed", "unknown"]
LABEL_COLUMNS = 44


class HistoryError(Exception):
    """A history that cannot be read or judged, and whose fault that is.

    `code` is a key of the catalogue behind `quorate explain`; `line` is that of the event, from 1;
    `help` is what to do.
    """

    def __init__(self, code: str, message: str, help: str, line: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.line = line

    def __str__(self) -> str:
        place = "" if self.line is None else f"line {self.line}: "
        return f"[{self.code}] {place}{self.message}\n  = help: {self.help}"


class Operation(Struct, frozen=True, eq=False, gc=False):
    """One operation. `invoked` and `returned` are lines, from 1, and say what precedes what.

    `result` is UNKNOWN, and `returned` None, where no return is known. A failed operation is known
    to have had no effect, when `returned`. `lost` is the line where its client stopped waiting.
    Times are in seconds from whatever the history counts from.
    """

    client: Client
    name: str
    args: tuple[Value, ...]
    result: Value | Unknown
    outcome: Outcome
    invoked: int
    returned: int | None
    lost: int | None = None
    began: float | None = None
    ended: float | None = None

    @property
    def session(self) -> Session:
        return type(self.client), self.client

    @property
    def call(self) -> str:
        """The operation as a call, for people: `put("x", 1)`."""
        width = max(8, LABEL_COLUMNS // max(len(self.args), 1))
        args = ", ".join(shown(each, width) for each in self.args)
        return f"{clipped(self.name, 30)}({args})"

    def __str__(self) -> str:
        """The call with its result: `get("x") -> 1`."""
        if self.outcome != "returned":
            return f"{self.call} {self.outcome}"
        return f"{self.call} -> {shown(self.result, 30)}"

    def known_at(self, line: float) -> Operation:
        """What is known of it after a line at or below its invocation."""
        if self.returned is None or self.returned <= line:
            return self
        return replace(self, outcome="unknown", result=UNKNOWN, returned=None, ended=None)


def client_name(client: Client) -> str:
    """For people: a number is `client 3`, a name itself."""
    return f"client {client}" if isinstance(client, int) else clipped(str(client), 20)


@dataclass(frozen=True)
class History:
    """Operations in the order of their invocations, failed ones and unknown ones among them."""

    operations: tuple[Operation, ...]

    @property
    def clients(self) -> list[Client]:
        """In the order in which they appear."""
        return list(dict.fromkeys(each.client for each in self.operations))


@dataclass
class _Begun:
    line: int
    name: str
    args: tuple[Value, ...]
    time: float | None


class Recorder:
    """Makes a history of events, which are given in the order of real time.

    Each method takes the line of the event, which is one more than that of the event before it
    unless it is said. All raise `HistoryError` for what cannot be an event at this place.
    """

    def __init__(self) -> None:
        self.line = 0
        self._open: dict[Session, _Begun] = {}
        self._done: list[Operation] = []
        self._time: float | None = None

    def invoke(
        self,
        client: Client,
        name: str,
        *args: Any,
        line: int | None = None,
        time: float | None = None,
    ) -> None:
        """The client asks for an operation."""
        self._pass(line, time)
        if (before := self._open.get((type(client), client))) is not None:
            message = f"client {clipped(str(client), 20)} invokes {clipped(name, 30)!r}, but its "
            message += f"{clipped(before.name, 30)!r} of line {before.line} has not ended"
            raise self._wrong(message, _ONE_AT_A_TIME)
        values = tuple(self._frozen(each) for each in args)
        self._open[type(client), client] = _Begun(self.line, name, values, time)

    def returns(
        self,
        client: Client,
        result: Any = None,
        *,
        line: int | None = None,
        time: float | None = None,
    ) -> None:
        """The client's operation has returned this."""
        self._pass(line, time)
        self._end(client, "returned", self._frozen(result), time)

    def fails(self, client: Client, *, line: int | None = None, time: float | None = None) -> None:
        """The client's operation has ended, and is known to have had no effect."""
        self._pass(line, time)
        self._end(client, "failed", UNKNOWN, time)

    def loses(self, client: Client, *, line: int | None = None, time: float | None = None) -> None:
        """The client stops waiting; its operation may take effect at any time, or never."""
        self._pass(line, time)
        self._end(client, "unknown", UNKNOWN, time)

    def history(self) -> History:
        """What has been recorded; operations that have not ended are unknown."""
        still = [
            Operation(client, it.name, it.args, UNKNOWN, "unknown", it.line, None, began=it.time)
            for (_, client), it in self._open.items()
        ]
        return History(tuple(sorted([*self._done, *still], key=lambda each: each.invoked)))

    def _end(
        self, client: Client, outcome: Outcome, result: Value | Unknown, time: float | None
    ) -> None:
        begun = self._open.pop((type(client), client), None)
        if begun is None:
            message = f"client {clipped(str(client), 20)} has no operation that could end here"
            raise self._wrong(message, _INVOKE_FIRST)
        lost = outcome == "unknown"
        self._done.append(
            Operation(
                client=client,
                name=begun.name,
                args=begun.args,
                result=result,
                outcome=outcome,
                invoked=begun.line,
                returned=None if lost else self.line,
                lost=self.line if lost else None,
                began=begun.time,
                ended=time,
            )
        )

    def _pass(self, line: int | None, time: float | None) -> None:
        self.line = self.line + 1 if line is None else line
        if time is not None:
            if self._time is not None and time < self._time:
                message = f"the time {time:g} is before the {self._time:g} of a line above"
                raise self._wrong(message, _IN_ORDER)
            self._time = time

    def _frozen(self, value: Any) -> Value:
        try:
            return frozen(value)
        except Unfrozen as error:
            raise self._wrong(str(error), _PLAIN_VALUES) from None

    def _wrong(self, message: str, help: str) -> HistoryError:
        return HistoryError("Q302", message, help, self.line)


_ONE_AT_A_TIME = (
    "log how each operation ended, with `unknown` if nobody knows; "
    "give operations that overlap clients of their own"
)
_INVOKE_FIRST = "log `invoke` before the operation begins, and its end once"
_IN_ORDER = (
    "the order of the lines is the order of the events: sort them by time, "
    "or leave `time` out if the clocks differ"
)
_PLAIN_VALUES = "use null, true, false, finite numbers, strings, lists and objects"

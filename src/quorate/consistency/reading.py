"""Histories as JSON lines, one event a line; docs/consistency.md describes the format.

Invariant: whatever the bytes are, reading ends in a history or in a `HistoryError` that names the
line, the reason, and what to do. Nothing is skipped that is not an empty line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from quorate.consistency.history import History, HistoryError, Operation, Outcome, Recorder
from quorate.consistency.values import clipped, shown, thawed

LINE_BYTES_MAX = 1 << 24
"""A longer line is refused."""

Phase = Literal["invoke", "return", "fail", "unknown"]
EVENTS = ("invoke", "return", "fail", "unknown")
KEYS = ("client", "event", "op", "args", "result", "time", "note")


class Event(Struct, forbid_unknown_fields=True):
    """A line of a history, without what is UNSET. `note` may be anything, and is not looked at."""

    client: int | str
    event: Phase
    op: str | UnsetType = UNSET
    args: list[Any] | UnsetType = UNSET
    result: Any = UNSET
    time: float | UnsetType = UNSET
    note: Any = UNSET


_decoder = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


def line_of(event: Event) -> bytes:
    """An event as a line, with its end."""
    return _encoder.encode(event) + b"\n"


def read(lines: Iterable[bytes]) -> History:
    """The history in these lines, with or without their ends. Raises `HistoryError`."""
    recorder = Recorder()
    for number, line in enumerate(lines, 1):
        if line.isspace() or not line:
            continue
        try:
            event = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _unreadable(line, number) from None
        _take(recorder, event, number)
    return recorder.history()


def read_file(path: str) -> History:
    """The history in a file. Raises `HistoryError`, also where the file cannot be read."""
    try:
        with open(path, "rb") as file:
            return read_stream(file)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise HistoryError("Q301", message, "name a file of JSON lines, or - for stdin") from None


def read_stream(stream: Any) -> History:
    """The history in a binary stream, such as `sys.stdin.buffer`. Raises `HistoryError`."""
    return read(_lines(iter(lambda: stream.readline(LINE_BYTES_MAX + 1), b"")))


def _lines(lines: Iterator[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_BYTES_MAX:
            message = f"the line is longer than {LINE_BYTES_MAX:,} bytes"
            raise HistoryError("Q301", message, "write one event on each line", number)
        yield line


def _take(recorder: Recorder, event: Event, line: int) -> None:
    time = None if event.time is UNSET else event.time
    if event.event == "invoke":
        if event.op is UNSET:
            message = "the event `invoke` has no `op`, the name of the operation"
            raise HistoryError("Q301", message, _EXAMPLE, line)
        if event.result is not UNSET:
            message = "the event `invoke` has a `result`, which nobody knows yet"
            raise HistoryError("Q301", message, "write it into the event `return`", line)
        args = event.args or []  # UNSET is false
        recorder.invoke(event.client, event.op, *args, line=line, time=time)
        return
    for name in ("op", "args") if event.event == "return" else ("op", "args", "result"):
        if getattr(event, name) is not UNSET:
            message = f"the event `{event.event}` has `{name}`"
            raise HistoryError("Q301", message, _WHERE[name], line)
    if event.event == "return":
        result = None if event.result is UNSET else event.result
        recorder.returns(event.client, result, line=line, time=time)
    elif event.event == "fail":
        recorder.fails(event.client, line=line, time=time)
    else:
        recorder.loses(event.client, line=line, time=time)


def _unreadable(line: bytes, number: int) -> HistoryError:
    """What is wrong with a line that is no event: its JSON, or what it says."""
    message, help = "this is no JSON", _EXAMPLE
    try:
        value = msgspec.json.decode(line.decode())
    except UnicodeDecodeError:
        message, help = "this is not UTF-8 text", "write JSON in UTF-8"
    except RecursionError:
        message, help = "lists or objects are nested too deeply", "write flatter values"
    except msgspec.ValidationError as error:
        message = f"this is no JSON that can be read: {str(error).lower()}"
    except msgspec.DecodeError as error:
        message = f"this is no JSON: {str(error).removeprefix('JSON is malformed: ')}"
    else:
        message, help = _misshapen(value)
    return HistoryError("Q301", message, help, number)


def _misshapen(value: Any) -> tuple[str, str]:
    """Why a JSON value is no event, and what to do."""
    if type(value) is not dict:
        return "an event is a JSON object, with names and values", _EXAMPLE
    for name in value:
        if name not in KEYS:
            close = difflib.get_close_matches(name, KEYS, 1)
            help = f"did you mean `{close[0]}`?" if close else "put what else there is into `note`"
            return f"an event has no key {shown(name)}", help
    for name in ("client", "event"):
        if name not in value:
            return f"the event has no `{name}`", _EXAMPLE
    if type(value["client"]) not in (str, int):
        return "`client` is neither a string nor a whole number", _EXAMPLE
    if value["event"] not in EVENTS:
        known = ", ".join(f"`{each}`" for each in EVENTS)
        return f"there is no event {clipped(str(value['event']), 40)!r}", f"events are {known}"
    if type(value.get("op", "")) is not str:
        return "`op` is not a string, the name of an operation", _EXAMPLE
    if type(value.get("args", [])) is not list:
        return "`args` is not a list, of the arguments of the operation", _EXAMPLE
    return "`time` is not a number, of seconds", _EXAMPLE


_EXAMPLE = 'an event reads {"client": 1, "event": "invoke", "op": "put", "args": ["x", 5]}'
_WHERE = {
    "op": "the operation is named by `invoke` alone; leave it out here",
    "args": "arguments stand in `invoke` alone; what was answered is `result`",
    "result": "only the event `return` has a result; leave it out, or write `return`",
}
_ENDS: dict[Outcome, Phase] = {"returned": "return", "failed": "fail", "unknown": "unknown"}


def lines_of(history: History) -> list[str]:
    """The history as JSON lines, one for each event, in order."""
    events: list[tuple[int, Event]] = []
    for each in history.operations:
        events.append((each.invoked, _invocation(each)))
        if (end := each.returned or each.lost) is not None:
            events.append((end, _end(each)))
    events.sort(key=lambda pair: pair[0])
    return [line_of(event).decode("utf-8").rstrip("\n") for _, event in events]


def _invocation(operation: Operation) -> Event:
    args = [thawed(each) for each in operation.args]
    time = UNSET if operation.began is None else operation.began
    return Event(operation.client, "invoke", operation.name, args, time=time)


def _end(operation: Operation) -> Event:
    event = Event(operation.client, _ENDS[operation.outcome])
    if operation.outcome == "returned":
        event.result = thawed(operation.result)
    if operation.ended is not None:
        event.time = operation.ended
    return event

"""Traces as JSON lines: written one event a line, and read again.

Invariant: whatever the bytes are, reading ends in a trace or in a `TraceError` that names the
line, the reason, and what to do. In a trace that was read, every process and message that an
event names has been made before, and every value can be decoded.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from quorate.trace import events as ev
from quorate.trace.events import SCHEMA, Event
from quorate.trace.values import BadValue, decode

LINE_BYTES_MAX = 1 << 24
"""A longer line is refused."""

_decoder = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()
_KINDS = {each.__struct_config__.tag: each for each in Event.__args__}


class TraceError(Exception):
    """A trace that cannot be read: the code of the catalogue, what is wrong, and what to do."""

    def __init__(self, code: str, message: str, help: str, line: int | None = None) -> None:
        super().__init__(f"[{code}] {'' if line is None else f'line {line}: '}{message}")
        self.code = code
        self.message = message
        self.help = help
        self.line = line


@dataclass(slots=True)
class Trace:
    """What the first line says of a run, and what happened in it; `events` are all but that."""

    begin: ev.Begin
    events: list[Event]

    def lines(self) -> Iterator[bytes]:
        yield line_of(self.begin)
        yield from map(line_of, self.events)


def line_of(event: Event) -> bytes:
    """An event as a line, with its end."""
    return _encoder.encode(event) + b"\n"


def read_file(path: str) -> Trace:
    """The trace in a file. Raises TraceError, also where the file cannot be read."""
    try:
        with open(path, "rb") as file:
            return read(_lines(file))
    except OSError as error:
        help = "name a file that `quorate simulate --trace FILE` has written"
        raise TraceError("Q401", f"cannot be read: {error.strerror}", help) from None


def _lines(file: BinaryIO) -> Iterator[bytes]:
    for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES_MAX + 1), b""), 1):
        if len(line) > LINE_BYTES_MAX:
            message = f"the line is longer than {LINE_BYTES_MAX:,} bytes"
            raise TraceError("Q401", message, "write one event on each line", number)
        yield line


def read(lines: Iterable[bytes]) -> Trace:
    """The trace in these lines. Raises TraceError."""
    begin: ev.Begin | None = None
    events: list[Event] = []
    check = _Check()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if begin is None:
            _check_version(line, number)
        event = _event(line, number)
        if begin is None and isinstance(event, ev.Begin):
            begin = event
            continue
        if begin is None:
            raise TraceError("Q403", "the first event is not `run`", _FIRST, number)
        if problem := check.problem(event):
            raise TraceError("Q403", *problem, number)
        events.append(event)
    if begin is None:
        raise TraceError("Q403", "there is no event in it", _FIRST)
    return Trace(begin, events)


_FIRST = "a trace begins with the line that says which program was run: let it stand first"
_EXAMPLE = "docs/trace.md describes each event with its fields"


def _check_version(line: bytes, number: int) -> None:
    """Whether the first line is of a version that is known, whatever else stands in it."""
    try:
        said = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    if type(said) is not dict or said.get("event") != "run":
        return
    schema = said.get("schema")
    if type(schema) is int and not 1 <= schema <= SCHEMA:
        known = "1" if SCHEMA == 1 else f"1 to {SCHEMA}"
        by = said.get("quorate")
        maker = f", which Quorate {_clipped(by)} has written" if type(by) is str else ""
        message = f"this is version {schema} of the format{maker}; this Quorate reads {known}"
        raise TraceError("Q402", message, "read it with the version that wrote it", number)


def _event(line: bytes, number: int) -> Event:
    try:
        event: Event = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TraceError("Q401", *_misshapen(line, error), number) from None
    return event


def _misshapen(line: bytes, error: Exception) -> tuple[str, str]:
    """What is wrong with a line that is no event, and what to do."""
    try:
        said = msgspec.json.decode(line.decode())
    except UnicodeDecodeError:
        return "this is not UTF-8 text", "write JSON in UTF-8"
    except RecursionError:
        return "lists or objects are nested too deeply", "write flatter values"
    except msgspec.DecodeError as why:
        return f"this is no JSON: {_reason(why)}", "write one JSON object on each line"
    if type(said) is not dict:
        return "an event is a JSON object, with names and values", _EXAMPLE
    kind = said.get("event")
    if type(kind) is not str or kind not in _KINDS:
        what = (
            "the object has no `event`" if kind is None else f"there is no event {_clipped(kind)}"
        )
        return what, _meant(kind, _KINDS)
    fields = ["event", *_KINDS[kind].__struct_fields__]
    for name in said:
        if name not in fields:
            return f"the event `{kind}` has no field {_clipped(name)}", _meant(name, fields)
    return f"the event `{kind}` is not as it should be: {_reason(error)}", _EXAMPLE


def _reason(error: Exception) -> str:
    said = str(error).removeprefix("JSON is malformed: ")
    return _printable(said[:1].lower() + said[1:])


def _meant(name: Any, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(name)[:40], known, 1)
    return f"did you mean `{close[0]}`?" if close else _EXAMPLE


def _clipped(value: Any) -> str:
    text = _printable(str(value))
    return f"`{text[:40]}{'...' if len(text) > 40 else ''}`"


def _printable(text: str) -> str:
    return re.sub(r"[^ -~]", "?", text)


class _Check:
    """Whether each event names only what was there before, and values that can be decoded."""

    def __init__(self) -> None:
        self._processes: set[str] = set()
        self._messages: set[str] = set()

    def problem(self, event: Event) -> tuple[str, str] | None:
        """What is wrong with an event in its place, and what to do."""
        try:
            for value in _values(event):
                decode(value)
        except (BadValue, RecursionError) as error:
            return f"a value cannot be read: {_printable(str(error))}", _EXAMPLE
        if isinstance(event, ev.Begin):
            return "a second `run`, in one trace", "write each run into a file of its own"
        if isinstance(event, ev.Create):
            self._processes.add(event.process)
        process = getattr(event, "process", None)
        if process is not None and process not in self._processes:
            help = "let its `create` stand above all else that it does"
            return f"no process {_clipped(process)} has been created", help
        if isinstance(event, ev.Step) and not event.clock.keys() <= self._processes:
            return "its clock names a process that has not been created", _EXAMPLE
        if isinstance(event, ev.Send):
            self._messages.add(event.message)
        message = getattr(event, "message", None)
        if message is not None and message not in self._messages:
            help = "let its `send` stand above whatever becomes of it"
            return f"no message {_clipped(message)} has been sent", help
        if isinstance(event, ev.Duplicate):
            self._messages.add(event.copy)
        return None


def _values(event: Event) -> Iterator[Any]:
    if isinstance(event, ev.Send):
        yield event.value
    elif isinstance(event, ev.State):
        yield from (*event.before.values(), *event.after.values())
    elif isinstance(event, ev.Step):
        yield from (*event.args, *event.kwargs.values())
    elif isinstance(event, ev.Operation):
        yield from (*event.args, event.result)

"""Traces as JSON lines: what is written is read again, and no bytes do harm."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoded import values
from quorate.trace import SCHEMA, Event, Trace, TraceError, read, read_file
from quorate.trace import events as ev
from quorate.trace.reading import line_of
from quorate.trace.telling import told
from quorate.trace.values import encode

DOCS = Path(__file__).parent.parent.parent / "docs" / "trace.md"
KINDS = {each.__struct_config__.tag: each for each in Event.__args__}
BEGIN = b'{"event":"run","schema":1,"quorate":"0.1.0","program":"a.da","seed":0}'
MADE = b'{"event":"create","time":0.0,"process":"P-1","kind":"P","path":[1]}'


def test_every_event_and_field_is_described() -> None:
    rows = re.findall(r"^\| (`[a-z`, ]+`) \| (.*) \|$", DOCS.read_text(), re.MULTILINE)
    described = {
        name: set(re.findall(r"`(\w+)`", fields))
        for names, fields in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    for name, kind in KINDS.items():
        assert set(kind.__struct_fields__) <= described[name], name


times = st.floats(0, 1e9)
trees = values.map(encode)
P = "P-1"
events = st.one_of(
    st.builds(
        *(ev.Step, times, st.just(P), st.integers(1), st.just("setup"), st.just({P: 1})),
        args=st.lists(trees),
    ),
    st.builds(ev.State, times, st.just(P), st.dictionaries(st.text(), trees), at=st.text()),
    st.builds(ev.Send, times, st.just(P), st.just(P), st.text(max_size=3), trees),
    st.builds(ev.Output, times, st.just(P), st.text(), st.sampled_from([10, 20, 40])),
    st.builds(ev.Fault, times, st.sampled_from(["crash", "heal"]), st.just([[P]]), times),
    st.builds(ev.Choice, times, st.just("delay"), st.text(), st.integers(1, 5), st.floats(0, 1)),
    st.builds(ev.Property, times, st.text(), st.booleans(), st.text(), st.none() | st.just(P)),
    st.builds(ev.Operation, times, st.text(), st.just("return"), result=trees),
    st.builds(ev.Over, times, st.just("late"), st.integers(0, 255), st.integers(0)),
)


@given(st.lists(events, max_size=5))
def test_what_is_written_is_read_again(more: list[Any]) -> None:
    trace = Trace(ev.Begin(SCHEMA, "0", "a.da", 3), [ev.Create(0.0, P, "P", [1]), *more])
    lines = [*trace.lines()]
    again = read(lines)
    assert [*again.lines()] == lines
    assert [again.begin, *again.events] == [trace.begin, *trace.events]
    for event in more:
        assert told(event).isprintable()


def refused(lines: list[bytes]) -> TraceError:
    with pytest.raises(TraceError) as caught:
        read(lines)
    assert caught.value.message.isprintable()
    assert caught.value.help
    return caught.value


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_any_bytes_are_refused(lines: list[bytes]) -> None:
    error = refused([BEGIN, *lines, b"x"])
    assert error.code in ("Q401", "Q403")
    assert error.line is not None and 2 <= error.line <= len(lines) + 2


_some = st.sampled_from([*KINDS, 1, 0.5, "P-1", None, True, [1], {"a": 1}, "\x1b[31m"])
_fields = sorted({name for kind in KINDS.values() for name in kind.__struct_fields__})


@given(st.lists(st.dictionaries(st.sampled_from(["event", *_fields]), _some, max_size=6)))
def test_any_objects_are_refused_or_read(objects: list[dict[str, Any]]) -> None:
    try:
        trace = read([BEGIN, *(json.dumps(each).encode() for each in objects)])
    except TraceError:
        return
    assert len(trace.events) == len(objects)


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (b"[" * 100_000, "Q401", "nested too deeply"),
        (b'"\xff"', "Q401", "not UTF-8 text"),
        (b"[]", "Q401", "an event is a JSON object"),
        (b'{"time": 1}', "Q401", "the object has no `event`"),
        (b'{"event": "sned"}', "Q401", "there is no event `sned`"),
        (b'{"event": "crash", "time": 1, "proces": "P-1"}', "Q401", "has no field `proces`"),
        (b'{"event": "crash", "time": 1}', "Q401", "missing required field `process`"),
        (b'{"event": "crash", "time": "1", "process": "P-1"}', "Q401", "expected `float`"),
        (b'{"event": "crash", "time": 1, "process": "Q-1"}', "Q403", "no process `Q-1`"),
        (b'{"event": "retry", "time": 1, "message": "a>b#1"}', "Q403", "no message `a>b#1`"),
        (BEGIN, "Q403", "a second `run`"),
        (
            b'{"event": "state", "time": 1, "process": "P-1", "after": {"x": {"#set": [[]]}}}',
            *("Q403", "a value cannot be read"),
        ),
    ],
)
def test_what_is_wrong_with_a_line(line: bytes, code: str, message: str) -> None:
    error = refused([BEGIN, MADE, line])
    assert (error.code, error.line) == (code, 3)
    assert message in error.message


def test_a_name_that_is_nearly_right_is_named() -> None:
    assert "did you mean `send`?" in refused([BEGIN, b'{"event": "sned"}']).help


def test_what_does_not_begin_with_the_run() -> None:
    assert refused([MADE]).code == "Q403"
    assert refused([]).code == "Q403"


def test_a_later_version_is_refused_whatever_else_it_says() -> None:
    error = refused([b'{"event": "run", "schema": 99, "quorate": "7.0", "new": {}}'])
    assert error.code == "Q402"
    assert error.message == (
        "this is version 99 of the format, which Quorate `7.0` has written; this Quorate reads 1"
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot be read"):
        read_file(str(tmp_path / "none"))


def test_a_long_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quorate.trace.reading.LINE_BYTES_MAX", 100)
    path = tmp_path / "trace"
    path.write_bytes(BEGIN + b"\n" + MADE + b" " * 100)
    with pytest.raises(TraceError, match="line 2: the line is longer than"):
        read_file(str(path))


def test_the_types_of_the_schema_are_those_of_json() -> None:
    assert msgspec.json.schema(Event)  # raises for a type that JSON has not
    assert line_of(ev.Crash(1.0, "P-1")) == b'{"event":"crash","time":1.0,"process":"P-1"}\n'

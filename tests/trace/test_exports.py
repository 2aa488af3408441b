"""What is exported holds to the rules of its format, whatever happened in the run."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoded import values
from quorate.trace import Trace
from quorate.trace import events as ev
from quorate.trace.course import Course, course_of
from quorate.trace.itf import VARIABLES, itf_of, translated
from quorate.trace.mermaid import escaped, mermaid_of
from quorate.trace.perfetto import perfetto_of
from quorate.trace.reading import line_of
from quorate.trace.shiviz import READER, shiviz_of
from quorate.trace.values import encode
from recorded import Record

SHAKEN = Path(__file__).parent.parent / "worlds" / "sim" / "shaken.da"
ALL = {
    "loss": "0.05",
    "duplicate": "0.05",
    "partition": "every=40ms,for=10ms",
    "skew": "1ms",
    "crash": "Server:1,every=20ms,for=5ms",
    "pause": "every=40ms,for=5ms",
}
HOSTILE = """\
class P(process):
    def run():
        for m in ['end', 'a; b', '#quot; %% "x"', '<b>&</b>', 'é\\n->>p1: x', '\\u2028', '```']:
            send(m, to=parent())
            output(m)
def main():
    ps = new(P, num=['a b', 'end', '<i>;', 'a_b', '"q'])
    start(ps)
    await(lenof((p, m), received(m, from_=p)) == 35)
"""


@pytest.fixture(params=["shaken", "hostile"])
def course(request: pytest.FixtureRequest, record: Record) -> Course:
    if request.param == "hostile":
        return course_of(record(HOSTILE).trace)
    return course_of(record(SHAKEN, seed=5, until=0.06, channel="unreliable", **ALL).trace)


def test_a_course_holds_all_but_choices(course: Course) -> None:
    found: list[Any] = []
    for each in course.path:
        found += [each.step, *each.inside] if hasattr(each, "step") else [each]
    events = [each for each in course.trace.events if not isinstance(each, ev.Choice)]
    assert sorted(found, key=line_of) == sorted(events, key=line_of)
    steps = [each for each in events if isinstance(each, ev.Step)]
    assert [moment.step for moment in course.moments()] == steps
    for name, message in course.messages.items():
        taken = [m.step.step for m in course.moments() if m.step.message == name]
        assert taken == ([] if message.taken is None else [message.taken])
    part = course.between(10, 20)
    assert [moment.step.step for moment in part.moments()] == [*range(10, 21)]


def test_shiviz(course: Course) -> None:
    """Its rules: the expression reads all; each host counts its own events from 1, without a gap;
    what another is said to have done is in the log, before."""
    first, empty, *rest = shiviz_of(course)
    assert (first, empty) == (READER, "")
    reader = READER.replace("?<", "?P<")
    log = "\n".join(rest) + "\n"
    read = [found.groupdict() for found in re.finditer(reader, log)]
    assert len(read) == len(rest) / 2 == len([*course.moments()])
    counts: dict[str, int] = defaultdict(int)
    for event in read:
        host, clock = event["host"], json.loads(event["clock"])
        counts[host] += 1
        assert clock[host] == counts[host]
        assert all(count <= counts[other] for other, count in clock.items())
    assert len(counts) == len({moment.process for moment in course.moments()})


MERMAID = re.compile(
    r"sequenceDiagram|    participant p\d+ as (?P<name>.+)|"
    r"    (?P<ends>p\d+(->>|-x)p\d+|Note over p\d+(,p\d+)?): (?P<text>.+)"
)
PLAIN = re.compile(r"([\w .,'()={}\[\]-]|#\d+;)+")


def test_mermaid(course: Course) -> None:
    lines = [*mermaid_of(course)]
    assert lines[0] == "sequenceDiagram"
    known: set[str] = set()
    drawn = 0
    for line in lines:
        found = MERMAID.fullmatch(line)
        assert found is not None, line
        if found["name"]:
            assert PLAIN.fullmatch(found["name"])
            known.add(line.split()[1])
        if found["ends"]:
            assert PLAIN.fullmatch(found["text"])
            assert set(re.findall(r"\bp\d+", found["ends"])) <= known
            drawn += "->>" in found["ends"]
    assert drawn == len([m for m in course.moments() if m.step.message])


@given(st.text())
def test_what_mermaid_is_given_says_the_same(text: str) -> None:
    shown = re.sub(r"#(\d+);", lambda found: chr(int(found[1])), escaped(text))
    printable = "".join(each if each.isprintable() else " " for each in text)
    assert shown == (printable if len(printable) <= 100 else printable[:97] + "...")


def check_itf(tree: Any) -> None:
    """The grammar of expressions of ADR-015."""
    if isinstance(tree, list):
        for part in tree:
            check_itf(part)
    elif isinstance(tree, dict):
        match tree:
            case {"#bigint": text}:
                assert len(tree) == 1 and re.fullmatch(r"-?\d+", text)
            case {"#tup": parts} | {"#set": parts}:
                assert len(tree) == 1
                check_itf(parts)
            case {"#map": pairs}:
                assert len(tree) == 1 and all(len(pair) == 2 for pair in pairs)
                check_itf(pairs)
            case {"#unserializable": text}:
                assert len(tree) == 1 and isinstance(text, str)
            case _:
                assert not any(name.startswith("#") for name in tree)
                check_itf([*tree.values()])
    else:
        assert isinstance(tree, (bool, str))


@given(values)
def test_values_in_itf(value: Any) -> None:
    check_itf(translated(encode(value)))


def test_itf(course: Course) -> None:
    whole = json.loads(json.dumps(itf_of(course)))
    assert whole["#meta"]["format"] == "ITF"
    assert whole["vars"] == [*VARIABLES]
    states = whole["states"]
    assert [state.pop("#meta")["index"] for state in states] == [*range(len(states))]
    for state in states:
        assert set(state) == {*VARIABLES}
        check_itf([*state.values()])
    part = itf_of(course.between(10, 20))["states"]
    for state in part:
        del state["#meta"]
    assert part == states[9:20]


def test_the_network_of_itf_is_what_was_sent_and_has_not_come(course: Course) -> None:
    network: set[str] = set()
    states = iter(itf_of(course)["states"])
    for event in [*course.trace.events, ev.Step(0.0, "", 0, "end", {})]:
        match event:
            case ev.Step(step=step, message=message):
                if step not in (0, 1):
                    found = {each["message"] for each in next(states)["network"]["#set"]}
                    assert found == network
                network.discard(message or "")
            case ev.Send(message=message) | ev.Duplicate(copy=message):
                network.add(message)
            case ev.Drop(message=message):
                network.discard(message)


def test_perfetto(course: Course) -> None:
    """The rules of the trace event format: fields of each phase; slices of a row are nested or
    apart; both ends of a flow are there, each within a slice of its row."""
    whole = json.loads(json.dumps(perfetto_of(course)))
    rows: dict[int, list[tuple[float, float]]] = defaultdict(list)
    flows: dict[int, list[Any]] = defaultdict(list)
    for event in whole["traceEvents"]:
        assert {"ph", "name", "pid"} <= set(event)
        match event["ph"]:
            case "M":
                assert event["args"]
            case "X":
                assert event["dur"] > 0
                rows[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
            case "s" | "f":
                flows[event["id"]].append(event)
            case phase:
                assert phase == "i" and event["s"] in "tg" and event["ts"] >= 0
    for slices in rows.values():
        for one, other in pairwise(slices):
            assert one[1] <= other[0] + 1e-6 or one == other
    for begin, end in flows.values():
        assert (begin["ph"], end["ph"], end["bp"]) == ("s", "f", "e")
        assert begin["ts"] <= end["ts"]
        for each in (begin, end):
            assert any(low <= each["ts"] < high for low, high in rows[each["tid"]])
    taken = [name for name, message in course.messages.items() if message.taken]
    assert len(flows) == len(taken)


def lines_of(trace: Trace) -> Iterator[Any]:
    course = course_of(trace)
    yield from shiviz_of(course)
    yield from mermaid_of(course)
    yield itf_of(course)
    yield perfetto_of(course)


def test_a_trace_of_choices_alone_is_no_harm(course: Course) -> None:
    kept = [each for each in course.trace.events if isinstance(each, (ev.Choice, ev.Fault))]
    assert [*lines_of(Trace(course.trace.begin, kept))]

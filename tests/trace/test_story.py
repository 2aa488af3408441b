"""A story tells what a failure depends on, and its diagram in text is what happened."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from quorate.trace import Trace
from quorate.trace import events as ev
from quorate.trace.course import Course, Moment, course_of, message_name
from quorate.trace.diagram import WIDTH_MAX, WIDTH_MIN, diagram_of
from quorate.trace.folding import Gap, unfolded
from quorate.trace.notes import changed, notes_of
from quorate.trace.story import Story, failure_of, story_of
from quorate.trace.values import encode
from recorded import Record

SHAKEN = Path(__file__).parent.parent / "worlds" / "sim" / "shaken.da"
FAULTS = {
    "loss": "0.05",
    "duplicate": "0.05",
    "partition": "every=20ms,for=5ms",
    "crash": "Server:1,every=20ms,for=5ms",
}
ASIDE = """\
class P(process):
    def setup(to): self.count = 0
    def run():
        for i in range(3):
            send(('hello', i), to=to)
            -- next
        await(False)
    def receive(msg=('hello', i)):
        count += 1
        assert i < 2, 'too many'
class Aside(P): pass
def main():
    p, q = new(P), new(P)
    a = new(Aside)
    setup(p, (q,)); setup(q, (p,)); setup(a, (a,))
    start({p, q})
"""


def test_only_what_the_failure_depends_on_is_told(record: Record) -> None:
    story = story_of(course_of(record(ASIDE).trace), rows_max=None)
    assert story.failure is not None
    assert re.fullmatch(r"P-\d fails: AssertionError: too many", story.failure.text)
    assert story.failure.at is not None and story.failure.at.endswith("told.da:10")
    assert story.failure.row is story.rows[-1]
    assert "Aside-3" not in story.processes
    assert story.apart > 0
    whole = story_of(story.course, everything=True, rows_max=None)
    assert "Aside-3" in whole.processes
    assert (whole.apart, whole.silent, whole.left_out()) == (0, 0, [])


@pytest.fixture(params=range(3))
def shaken(request: pytest.FixtureRequest, record: Record) -> Course:
    run = record(SHAKEN, seed=request.param, until=0.06, channel="unreliable", **FAULTS)
    return course_of(run.trace)


def reached(course: Course, last: Moment) -> set[int]:
    """The steps that a step depends on, found by going back from one to the other."""
    moments = {moment.step.step: moment for moment in course.moments()}
    before = {}
    for process in course.processes:
        own = [moment.step.step for moment in moments.values() if moment.process == process]
        before |= {later: earlier for earlier, later in pairwise(own)}
    makers = {
        event.process: moment.step.step
        for moment in moments.values()
        for event in moment.inside
        if isinstance(event, ev.Create)
    }
    found: set[int] = set()
    pending = [last.step.step]
    while pending:
        step = pending.pop()
        if step in found or step not in moments:
            continue
        found.add(step)
        moment = moments[step]
        causes = [before.get(step), moment.step.by, makers.get(moment.process)]
        if moment.step.message is not None:
            causes.append(course.messages[moment.step.message].sent)
        pending += [each for each in causes if each is not None]
    return found


def test_the_past_is_what_can_be_reached_backwards(shaken: Course) -> None:
    for last in [*shaken.moments()][-40::8]:
        failed = ev.Fail(last.step.time, last.process, "Q100", "made up")
        inside = [*last.inside, failed]
        path = [Moment(each.step, inside) if each is last else each for each in shaken.path]
        course = replace(shaken, path=path, whole=path)
        story = story_of(course, rows_max=None)
        told = {row.step.step for row in unfolded(story.rows) if isinstance(row, Moment)}
        past = reached(shaken, last)
        assert told <= past
        assert len(past) == len(told) + story.silent
        assert len([*course.moments()]) == len(past) + story.apart


def failing(course: Course, process: str | None) -> Course:
    """The same, and at its end a property does not hold: after a step of `process`, if any."""
    text = "p = " + course.processes[-1]
    return with_events(course.trace, ev.Property(1.0, "holds", False, text, process))


def test_of_too_many_rows_the_last_ones_are_told(shaken: Course) -> None:
    whole = story_of(failing(shaken, "Server-1"), rows_max=None)
    story = story_of(whole.course, rows_max=40)
    assert len(story.rows) == 40
    assert story.rows[-10:] == whole.rows[-10:]
    assert unfolded(story.rows) == unfolded(whole.rows)
    left_out = [*unfolded(row for row in story.rows if isinstance(row, Gap) and not row.alike)]
    assert f"{len(left_out)} rows for which there is no room" in story.left_out()


def test_of_what_has_not_happened_the_first_ones_are_told(shaken: Course) -> None:
    whole = story_of(failing(shaken, None), rows_max=None)
    story = story_of(whole.course, rows_max=40)
    assert len(story.rows) == 40
    running = [row for row in whole.rows if isinstance(row, Moment) and row.step.why != "setup"]
    assert [row for row in story.rows if row in running][:5] == running[:5]
    assert story.rows[-1] is whole.rows[-1]
    assert unfolded(story.rows) == unfolded(whole.rows)


@pytest.mark.parametrize("process", ["Server-1", None])
def test_what_befell_the_run_is_told_first(shaken: Course, process: str | None) -> None:
    whole = story_of(failing(shaken, process), rows_max=None)
    befell = [row for row in whole.rows if isinstance(row, ev.Crash | ev.Restart | ev.Fault)]
    assert befell
    story = story_of(whole.course, rows_max=2 * len(befell) + 2)
    assert [row for row in story.rows if row in befell] == befell


# --- Repetition


@pytest.mark.parametrize("process", ["Server-1", None])
def test_where_the_message_of_a_told_row_comes_from_is_told(
    shaken: Course, process: str | None
) -> None:
    story = story_of(failing(shaken, process), rows_max=None)
    told = {row.step.step for row in story.rows if isinstance(row, Moment)}
    for row in story.rows:
        name = message_name(row)
        assert name is None or story.course.messages[name].sent in told
    assert process or any(isinstance(row, Gap) for row in story.rows)


BEATS = """\
class P(process):
    def setup(to): self.n = 0
    def run():
        for i in range(20):
            send(('beat', 'of', BEAT), to=to)
            if await(False): pass
            elif timeout(0.01): pass
        assert False
    def receive(msg=('beat', 'of', i)): CHANGE
class Q(P):
    def run(): await(False)
def main():
    q = new(Q, (None,))
    p = new(P, (q,))
    start({p, q})
"""


@pytest.mark.parametrize(
    ("beat", "change", "eventually", "folded"),
    [
        ("0", "pass", False, True),
        ("0", "n = i", False, True),
        ("i", "pass", False, False),  # what differs may be what matters
        ("i", "n = i", False, False),
        ("i", "n = i", True, True),
    ],
)
def test_what_is_alike_is_folded(
    record: Record, beat: str, change: str, eventually: bool, folded: bool
) -> None:
    program = BEATS.replace("BEAT", beat).replace("CHANGE", change)
    if eventually:
        program = program.replace("assert False", "pass")
        program += "@eventually(within=1)\ndef done(): return some(p in Q, has=p.n == 20)\n"
    story = story_of(course_of(record(program, latency="1ms").trace), rows_max=None)
    gaps = [row for row in story.rows if isinstance(row, Gap)]
    assert sum(len(gap.rows) for gap in gaps) >= 17 if folded else not gaps
    assert story.failure is not None
    assert story.rows[-1] is story.failure.row


# --- Failures of other kinds


def with_events(trace: Trace, *events: ev.Event) -> Course:
    return course_of(Trace(trace.begin, [*trace.events[:-1], *events, trace.events[-1]]))


QUIET = """\
class P(process):
    def run(): output('here')
def main():
    ps = new(P, num=3)
    start(ps)
    await(False)
"""


def test_a_property_that_does_not_hold(record: Record) -> None:
    trace = record(QUIET).trace
    fields = {"name": "agreement", "holds": False, "at": "p.da:3", "process": "P-1"}
    course = with_events(trace, ev.Property(1.0, **fields, text="p = P-1, q = P-3"))
    story = story_of(course, rows_max=None)
    assert story.failure is not None
    assert story.failure.text == "agreement does not hold: p = P-1, q = P-3"
    assert not story.failure.lasting
    assert story.failure.at == "p.da:3"
    assert {step.process for step in story.failure.steps} == {"P-1", "P-3"}
    assert {"P-1", "P-3"} <= set(story.processes)
    assert "P-2" not in story.processes
    assert notes_of(story, story.rows[-1]) == ["agreement does not hold: p = P-1, q = P-3"]
    unnamed = failure_of(with_events(trace, ev.Property(1.0, **fields)))
    assert unnamed is not None
    assert {step.process for step in unnamed.steps} == {"main", "P-1", "P-2", "P-3"}
    held = failure_of(with_events(trace, ev.Property(1.0, "agreement", True)))
    assert held is not None and "agreement" not in held.text


GREEDY = """\
class P(process):
    def setup():
        self.inside = False
    def receive(msg=('enter',)):
        inside = True
@sometimes
def visited():
    return some(p in P, has=p.inside)
@always
def alone():
    return each(p in P, q in P, has=p == q or not (p.inside and q.inside))
def main():
    ps = new(P, num=2, daemon=True)
    start(ps)
    send(('enter',), to=ps)
    await(timeout(1))
"""


def test_what_a_recorded_run_says_of_its_properties(record: Record) -> None:
    recorded = record(GREEDY)
    held, failed = recorded.of(ev.Property)
    assert (held.name, held.holds, held.text) == ("visited", True, "")
    assert (failed.name, failed.holds) == ("alone", False)
    assert [each.at.rpartition("/")[2] for each in (held, failed)] == ["told.da:8", "told.da:11"]
    assert failed.process != held.process
    story = story_of(course_of(recorded.trace), rows_max=None)
    assert story.failure is not None
    assert story.failure.text.startswith("alone does not hold: p = P-")
    assert story.failure.at == failed.at
    assert notes_of(story, story.rows[-1])[-1] == story.failure.text


def test_a_standstill(record: Record) -> None:
    failure = failure_of(course_of(record(QUIET).trace))
    assert failure is not None
    assert failure.text == "nothing can happen any more, and there wait main"
    assert [step.process for step in failure.steps] == ["main"]


def test_no_failure(record: Record) -> None:
    course = course_of(record(QUIET.replace("    await(False)\n", "")).trace)
    story = story_of(course, rows_max=None)
    assert story.failure is None
    assert story.apart == 0
    assert "✗" not in "\n".join(diagram_of(story))


# --- Changes


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (UNSET, 3, "f = 3"),
        (None, 3, "f = 3 (was None)"),
        (2, 3, "f = 3 (was 2)"),
        ({*range(30)}, {*range(1, 31)}, "f - 0, + 30"),
        ([*range(30)], [*range(31)], "f + 30"),
        ([*range(30)], [*range(2, 30)], "f[0:2] dropped: 0, 1"),
        ([0, *range(30)], [1, *range(30)], "f[0] = 1 (was 0)"),
        ([*range(30)], [*range(29)], "f[29] dropped: 29"),
        ([*range(30)], [*range(28), 7, 8, 9], "f[28:30] = [7, 8, 9] (was [28, 29])"),
        ([*range(30)], [5, *range(30)], "f[0:0] = [5]"),
        (
            {n: n for n in range(30)},
            {n: n // 29 * 2 or n for n in range(30)},
            "f - (29, 29), + (29,",
        ),
        ({*range(30)}, {*range(60)}, "f + 30, + 31, + 32, + 33, and 26 more"),
    ],
)
def test_how_a_field_has_changed(before: Any, after: Any, text: str) -> None:
    assert changed("f", before if before is UNSET else encode(before), encode(after)).startswith(
        text
    )


# --- The diagram


def rows_of(lines: list[str]) -> Iterator[str]:
    return (line for line in lines if re.match(r" {0,6}[\d ]{6} +\d+\.\d{6}  ", line))


@pytest.mark.parametrize("width", [WIDTH_MIN, 100, WIDTH_MAX])
def test_the_diagram_fits(shaken: Course, width: int) -> None:
    story = story_of(shaken, rows_max=None)
    lines = [*diagram_of(story, width)]
    assert max(map(len, lines)) <= width
    assert all(line.isprintable() for line in lines)
    assert len([*rows_of(lines)]) == len(story.rows)


def test_each_arrow_goes_from_who_sent_it_to_who_takes_it(shaken: Course) -> None:
    story = story_of(shaken, rows_max=None)
    lines = [*diagram_of(story, WIDTH_MAX)]
    columns = columns_of(story, lines)
    for row, line in zip(story.rows, rows_of(lines), strict=True):
        if isinstance(row, Moment):
            assert line[columns[row.process]] in "●✗"
            if row.step.message is not None:
                source = shaken.messages[row.step.message].send.process
                assert line[columns[source]] in "├┤"
                ends = sorted((columns[source], columns[row.process]))
                between = line[ends[0] + 1 : ends[1]]
                assert re.fullmatch("[─┼]*▶" if ends[0] == columns[source] else "◀[─┼]*", between)
        elif isinstance(row, ev.Crash):
            assert line[columns[row.process]] == "╳"


def columns_of(story: Story, lines: list[str]) -> dict[str, int]:
    """Where each process stands: its name is centred there, or begins there on its own line."""
    heading = lines[2]
    alone = not heading.endswith(story.processes[-1])
    return {
        name: next(line for line in lines[2:] if line.endswith(name)).index(name)
        if alone
        else heading.index(name) + (len(name) - 1) // 2
        for name in story.processes
    }


MANY = """\
class P(process):
    def run(): send('ready', to=parent())
def main():
    ps = new(P, num=60)
    start(ps)
    await(lenof(p, received('ready', from_=p)) == 60)
    assert False
"""


def test_more_processes_than_there_is_room_for(record: Record) -> None:
    story = story_of(course_of(record(MANY).trace), rows_max=None)
    lines = [*diagram_of(story, 100)]
    assert max(map(len, lines)) <= 100
    text = "\n".join(lines)
    assert "No column is left for P-" in text
    assert "P-60" in text


def test_hostile_texts_are_printable(record: Record) -> None:
    program = """\
class P(process):
    def run():
        send('\\x1b[31m\\n\\u202e', to=parent())
        output('\\x1b]0;pwned\\x07\\nnext')
def main():
    ps = new(P, num=['a\\x1b[2J', '\\u2028'])
    start(ps)
    await(len(received(_)) == 2)
    assert False, '\\x1b[31m'
"""
    story = story_of(course_of(record(program).trace), rows_max=None)
    lines = [*diagram_of(story)]
    assert all(line.isprintable() and len(line) <= 100 for line in lines)


def test_a_trace_of_choices_alone_is_no_harm(shaken: Course) -> None:
    kept = [each for each in shaken.trace.events if isinstance(each, ev.Choice | ev.Fault)]
    assert [*diagram_of(story_of(course_of(Trace(shaken.trace.begin, kept)), rows_max=None))]

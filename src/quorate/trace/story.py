"""What of a run is worth telling: how it came to its failure.

That something bad has happened depends on what happened before it (Lamport, Time, Clocks, and the
Ordering of Events in a Distributed System, 1978), which the vector clocks say; that something has
not happened may be due to anything (Lamport, Proving the Correctness of Multiprocess Programs,
1977). What chance still decides in a shrunk run belongs to both. Invariant: nothing else of it is
left out but repetition, steps in which nothing is seen, and what there is no room for, all counted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from quorate.trace import events as ev
from quorate.trace.course import Course, Happened, Message, Moment, message_name
from quorate.trace.folding import Gap, Row, folded, with_gaps
from quorate.trace.telling import plain, told


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, FILE:LINE if it was in a line, and the last steps of whom it speaks of.

    `row` is the one that it stands in, if any. It is `lasting` if something has not happened.
    """

    text: str
    at: str | None
    row: Happened | None
    steps: list[ev.Step]
    lasting: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """What is told of a course, in `rows`; `processes` are those that play a part in them.

    `chance` says what it did to messages, where it did little. Left out are `apart` steps that the
    failure does not depend on, and `silent` ones in which nothing is seen.
    """

    course: Course
    rows: list[Row]
    processes: list[str]
    failure: Failure | None
    chance: dict[str, str] = field(default_factory=dict)
    apart: int = 0
    silent: int = 0

    def left_out(self) -> list[str]:
        """What is not told, in words."""
        alike = [row for row in self.rows if isinstance(row, Gap) and row.alike]
        counts = (
            (self.apart, "step", "that the failure does not depend on"),
            (self.silent, "step", "in which nothing is seen to happen"),
            (sum(len(gap.rows) for gap in alike), "row", "like others"),
            (
                sum(len(row.rows) for row in self.rows if isinstance(row, Gap) and not row.alike),
                "row",
                "for which there is no room",
            ),
        )
        return [f"{n:,} {noun}{'s' * (n != 1)} {why}" for n, noun, why in counts if n]


def story_of(course: Course, *, everything: bool = False, rows_max: int | None) -> Story:
    """The story of a course: how the run failed, or with `everything` all that happened in it.

    It has at most `rows_max` rows.
    """
    failure, chance = failure_of(course), chance_of(course)
    lasting = failure is not None and failure.lasting
    past = None if everything else _past(course, failure, chance)
    rows = [each for each in course.path if _tells(course, past, each)]
    apart, count = _count(course.path) - _count(rows), _count(rows)
    shown: list[Row] = list(rows)
    if not everything:
        rows = [each for each in rows if _is_seen(each)]
        shown = folded(rows, course, chance, lasting=lasting) if failure else list(rows)
    silent = count - _count(rows)
    shown = _cut(shown, course, chance, rows_max, lasting)
    seen = {name for each in shown for name in _actors(course, each)}
    processes = [name for name in course.processes if name in seen]
    return Story(course, shown, processes, failure, chance, apart, silent)


def _cut(
    rows: list[Row], course: Course, causes: Collection[str], rows_max: int | None, lasting: bool
) -> list[Row]:
    """At most so many: what befell the run, and then the last ones; but of what is lasting the
    first ones, and not how processes are set up.
    """
    if rows_max is None or len(rows) <= rows_max:
        return rows
    order = list(range(len(rows)))
    befell = [number for number in order if _befell(rows[number], causes)]
    sent = {course.messages[name].sent for n in befell if (name := message_name(rows[n]))}
    befell += [number for number in order if _step(rows[number]) in sent]
    if lasting:
        order.sort(key=lambda number: _is_setup(rows[number]))
    else:
        order.reverse()
    tells = [True, *[False] * (len(rows) - 1), True, True]  # with one beyond each end
    size = 2  # the last row, and a gap
    for number in [*befell, *order]:
        beside = tells[number] + tells[number + 2]
        more = 0 if tells[number + 1] else 2 - beside  # a row; a gap more, the same, or one less
        if size + more <= rows_max:
            tells[number + 1] = True
            size += more
    return with_gaps(rows, tells[1:-1])


def _befell(row: Row, causes: Collection[str]) -> bool:
    return isinstance(row, ev.Fault | ev.Crash | ev.Restart) or message_name(row) in causes


def _step(row: Row) -> int | None:
    return row.step.step if isinstance(row, Moment) else None


def _is_setup(row: Row) -> bool:
    return isinstance(row, Moment) and row.step.why == "setup"


def failure_of(course: Course) -> Failure | None:
    """How the run failed, if it did."""
    over = course.trace.events[-1] if course.trace.events else None
    latest: dict[str, ev.Step] = {}
    found: Failure | None = None
    for row, event in _happened(course.whole):
        if isinstance(row, Moment):
            latest[row.process] = row.step
        if isinstance(event, ev.Fail):
            text = f"{plain(event.process)} fails: {plain(event.text, 300)}"
            return Failure(text, event.at, row, [latest[event.process]])
        if isinstance(event, ev.Property) and not event.holds and found is None:
            named = _named(course, event)
            steps = [step for name, step in latest.items() if name in named]
            text = told(without_place(event))
            found = Failure(text, event.at, row, steps, lasting=event.process is None)
    if found is not None or not isinstance(over, ev.Over):
        return found
    if over.end in ("quiet", "late") and over.waiting and over.status:
        waiting = ", ".join(map(plain, over.waiting))
        how = "nothing can happen any more" if over.end == "quiet" else "its time is up"
        steps = [latest[name] for name in over.waiting if name in latest]
        return Failure(f"{how}, and there wait {waiting}", None, None, steps, lasting=True)
    if over.status:
        return Failure(f"it ended with status {over.status}", None, None, [])
    return None


def _named(course: Course, event: ev.Property) -> set[str]:
    """The processes that a property that does not hold speaks of; all, where it names none."""
    words = set(re.findall(r"[^\s,(){}\[\]=:;'\"]+", event.text))
    named = {name for name in course.processes if name in words}
    return named | {event.process or ""} if named else set(course.processes)


def without_place(event: ev.Property) -> ev.Property:
    """The same without its place, which is told beside."""
    return ev.Property(event.time, event.name, event.holds, event.text, event.process)


def chance_of(course: Course) -> dict[str, str]:
    """By message: what chance did to it. Where it decides of most of them, it is no cause."""
    choices = [each for each in course.trace.events if isinstance(each, ev.Choice)]
    delayed = [each for each in choices if each.what == "delay"]
    if 2 * len(delayed) > len(course.messages):
        return {}
    found = {each.of: "late" if (each.value or 0) > 0.5 else "early" for each in delayed}
    how = {"loss": "lost", "duplicate": "twice", "reorder": "held up"}
    return found | {each.of: how[each.what] for each in choices if each.what in how}


def _past(course: Course, failure: Failure | None, causes: Iterable[str]) -> set[int] | None:
    """The steps that happened before the failure, or before `causes` were sent; None: all did."""
    if failure is None or failure.lasting or not failure.steps:
        return None
    sent = {course.messages[name].sent for name in causes if name in course.messages}
    steps = [each.step for each in _moments(course.whole)]
    past: ev.Clock = {}
    for step in [*failure.steps, *(each for each in steps if each.step in sent)]:
        for process, count in step.clock.items():
            past[process] = max(count, past.get(process, 0))
    return {
        step.step for step in steps if step.clock.get(step.process, 0) <= past.get(step.process, 0)
    }


def _tells(course: Course, past: set[int] | None, row: Happened) -> bool:
    """Whether it belongs to a story: steps of the past, what they sent, and all that befell it."""
    match row:
        case Moment():
            return past is None or row.step.step in past
        case ev.Fault(what="crash" | "restart"):
            return False  # which is told of each process
        case ev.Heal():
            return any(isinstance(each, ev.Fault) and each.groups for each in course.whole)
        case ev.Crash() | ev.Restart() | ev.Fault() | ev.Property():
            return True
        case ev.Drop(message=message) | ev.Retry(message=message):
            return past is None or course.messages[message].sent in past
    return False


def _count(rows: Iterable[Happened]) -> int:
    return sum(1 for _ in _moments(rows))


def _moments(rows: Iterable[Happened]) -> Iterator[Moment]:
    return (each for each in rows if isinstance(each, Moment))


def _happened(rows: Iterable[Happened]) -> Iterator[tuple[Happened, ev.Timed]]:
    for row in rows:
        for event in [row.step, *row.inside] if isinstance(row, Moment) else [row]:
            yield row, event


def _is_seen(row: Happened) -> bool:
    """Whether anything is seen to happen: more than that a process goes on, or waits elsewhere."""
    if not isinstance(row, Moment) or row.step.why in ("message", "timer"):
        return True
    return any(not isinstance(each, ev.State) or each.after for each in row.inside)


def _actors(course: Course, row: Row) -> Iterator[str]:
    """The processes that something is drawn for."""
    match row:
        case Moment():
            yield row.process
            if row.step.message is not None:
                yield course.messages[row.step.message].send.process
        case ev.Crash(process=process) | ev.Restart(process=process):
            yield process
        case ev.Drop(message=message) | ev.Retry(message=message):
            send = course.messages[message].send
            yield from (send.process, send.to)
        case ev.Property(process=process) if process is not None:
            yield process


def message_of(story: Story, row: Row) -> Message | None:
    """The message that comes in a row, or is lost, or is sent again."""
    name = message_name(row)
    return None if name is None else story.course.messages[name]


Lives = dict[str, Literal["alive", "down", "gone"]]
"""What of each process is to be seen: gone are those that are not yet made, or have ended."""


def live(lives: Lives, row: Row) -> None:
    """Note who is made, crashes, begins anew or ends in a row."""
    if isinstance(row, Gap):
        for each in row.rows:
            live(lives, each)
        return
    for event in row.inside if isinstance(row, Moment) else [row]:
        match event:
            case ev.Create(process=process) | ev.Restart(process=process):
                lives[process] = "alive"
            case ev.Crash(process=process):
                lives[process] = "down"
            case ev.End(process=process):
                lives[process] = "gone"


def lives_before(story: Story) -> Lives:
    """Who is there before the first row that is told."""
    lives: Lives = dict.fromkeys(story.course.processes, "gone")
    first = story.rows[0] if story.rows else None
    for each in story.course.whole:
        if each is (first.rows[0] if isinstance(first, Gap) else first):
            break
        live(lives, each)
    return lives

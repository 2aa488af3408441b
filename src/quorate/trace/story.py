"""What of a run is worth telling: how it came to its failure.

A step matters to the failure if it happened before it (Lamport, Time, Clocks, and the Ordering of
Events in a Distributed System, 1978), which the vector clocks say. Invariant: of what matters
nothing is left out but steps in which nothing is seen, and what is too long ago; both are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from quorate.trace import events as ev
from quorate.trace.course import Course, Message, Moment
from quorate.trace.events import Event
from quorate.trace.telling import operation, plain, told, value

Row = Moment | Event
"""A step, with what happened within it, or what befell the run."""

CHANGE_MAX = 60
"""How much is shown of a value that has changed, in characters."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, FILE:LINE if it was in a line, and the last steps that it depends on.

    `row` is the one that it stands in, if any.
    """

    text: str
    at: str | None
    row: Row | None
    steps: list[ev.Step]


@dataclass(frozen=True, slots=True)
class Story:
    """What is told of a course, in `rows`; `processes` are those that play a part in them.

    Left out are `apart` steps that the failure does not depend on, `silent` ones in which nothing
    is seen, and `earlier` rows, before all others.
    """

    course: Course
    rows: list[Row]
    processes: list[str]
    failure: Failure | None
    apart: int = 0
    silent: int = 0
    earlier: int = 0

    def left_out(self) -> list[str]:
        """What is not told, in words."""
        counts = (
            (self.apart, "step", "that the failure does not depend on"),
            (self.silent, "step", "in which nothing is seen to happen"),
            (self.earlier, "row", "before the first that is shown"),
        )
        return [f"{n:,} {noun}{'s' * (n != 1)} {why}" for n, noun, why in counts if n]


def story_of(course: Course, *, everything: bool = False, rows_max: int | None) -> Story:
    """The story of a course: how the run failed, or with `everything` all that happened in it.

    Of more rows than `rows_max` the last ones are told.
    """
    failure = failure_of(course)
    past: ev.Clock = {}
    for step in [] if failure is None else failure.steps:
        for process, count in step.clock.items():
            past[process] = max(count, past.get(process, 0))
    all_of_it = everything or failure is None or not failure.steps
    teller = _Teller(course, None if all_of_it else past)
    past_rows = [each for each in course.path if teller.tells(each)]
    rows = past_rows if everything else [each for each in past_rows if _is_seen(each)]
    count = _count(past_rows)
    apart, silent = _count(course.path) - count, count - _count(rows)
    earlier = 0 if rows_max is None else max(0, len(rows) - rows_max)
    rows = rows[earlier:]
    seen = {name for each in rows for name in _actors(course, each)}
    processes = [name for name in course.processes if name in seen]
    return Story(course, rows, processes, failure, apart, silent, earlier)


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
            found = Failure(told(_without_place(event)), event.at, row, steps)
    if found is not None or not isinstance(over, ev.Over):
        return found
    if over.end in ("quiet", "late") and over.waiting and over.status:
        waiting = ", ".join(map(plain, over.waiting))
        how = "nothing can happen any more" if over.end == "quiet" else "its time is up"
        steps = [latest[name] for name in over.waiting if name in latest]
        return Failure(f"{how}, and there wait {waiting}", None, None, steps)
    if over.status:
        return Failure(f"it ended with status {over.status}", None, None, [])
    return None


def _named(course: Course, event: ev.Property) -> set[str]:
    """The processes that a property that does not hold speaks of; all, where it names none."""
    words = set(re.findall(r"[^\s,(){}\[\]=:;'\"]+", event.text))
    named = {name for name in course.processes if name in words}
    return named | {event.process or ""} if named else set(course.processes)


def _without_place(event: ev.Property) -> ev.Property:
    """The same without its place, which is told beside."""
    return ev.Property(event.time, event.name, event.holds, event.text, event.process)


def _count(rows: Iterable[Row]) -> int:
    return sum(1 for _ in _moments(rows))


def _moments(rows: Iterable[Row]) -> Iterator[Moment]:
    return (each for each in rows if isinstance(each, Moment))


def _happened(rows: Iterable[Row]) -> Iterator[tuple[Row, Event]]:
    for row in rows:
        for event in [row.step, *row.inside] if isinstance(row, Moment) else [row]:
            yield row, event


class _Teller:
    """Says what of a course belongs to a story; `past` is a clock, None for all that happened."""

    def __init__(self, course: Course, past: ev.Clock | None) -> None:
        self.course = course
        self.past = past
        self._steps = {
            moment.step.step for moment in _moments(course.whole) if self._is_past(moment.step)
        }

    def tells(self, row: Row) -> bool:
        match row:
            case Moment():
                return row.step.step in self._steps
            case ev.Crash(process=process) | ev.Restart(process=process):
                return self.past is None or process in self.past
            case ev.Fault(what="crash" | "restart"):
                return False  # which is told of each process
            case ev.Fault(groups=groups) | ev.Heal(groups=groups):
                named = {name for group in groups for name in group}
                return self.past is None or not named or not named.isdisjoint(self.past)
            case ev.Property():
                return True
            case ev.Drop(message=message) | ev.Retry(message=message):
                return self.past is None or self.course.messages[message].sent in self._steps
        return False

    def _is_past(self, step: ev.Step) -> bool:
        if self.past is None:
            return True
        return step.clock.get(step.process, 0) <= self.past.get(step.process, 0)


def _is_seen(row: Row) -> bool:
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
            yield course.messages[message].send.process
        case ev.Property(process=process) if process is not None:
            yield process


def message_name(row: Row) -> str | None:
    """The name of the message that comes in a row, or is lost."""
    if isinstance(row, Moment):
        return row.step.message
    return row.message if isinstance(row, ev.Drop | ev.Retry) else None


def message_of(story: Story, row: Row) -> Message | None:
    """The message of that name."""
    name = message_name(row)
    return None if name is None else story.course.messages[name]


Lives = dict[str, Literal["alive", "down", "gone"]]
"""What of each process is to be seen: gone are those that are not yet made, or have ended."""


def live(lives: Lives, row: Row) -> None:
    """Note who is made, crashes, begins anew or ends in a row."""
    for each in row.inside if isinstance(row, Moment) else [row]:
        match each:
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
        if each is first:
            break
        live(lives, each)
    return lives


# In words.


def notes_of(story: Story, row: Row) -> list[str]:
    """What is said of a row, in the order in which it happened."""
    if not isinstance(row, Moment):
        return [_befell(story, row)]
    notes = [_why(story, row.step)]
    creates = [plain(each.process) for each in row.inside if isinstance(each, ev.Create)]
    if creates:
        notes.append(f"creates {', '.join(creates)}")
    sent: dict[str, list[str]] = {}
    for each in row.inside:
        match each:
            case ev.Send(to=to, value=said):
                sent.setdefault(value(said), []).append(plain(to))
            case ev.Output(text=text):
                notes.append(f"prints: {plain(text)}")
            case ev.State(after=after, before=before):
                notes += [changed(name, before.get(name), tree) for name, tree in after.items()]
            case ev.End() if not any(isinstance(other, ev.Fail) for other in row.inside):
                notes.append("ends")
            case ev.Fail(text=text):
                notes.append(f"fails: {plain(text, 300)}")
            case ev.Operation():
                notes.append(operation(each))
    notes += [f"sends {said} to {', '.join(to)}" for said, to in sent.items()]
    properties = (each for each in row.inside if isinstance(each, ev.Property))
    notes += [told(_without_place(each)) for each in properties]
    return [note for note in notes if note]


def _why(story: Story, step: ev.Step) -> str:
    match step.why:
        case "message":
            assert step.message is not None
            message = story.course.messages[step.message]
            again = " once more" if step.message.endswith("+") else ""
            return f"{value(message.send.value)}{again} (of step {message.sent})"
        case "timer":
            return "a timer runs out"
        case "setup":
            return "is set up"
        case "start":
            return "starts"
        case "end":
            return "is ended"
    return ""


def _befell(story: Story, row: Event) -> str:
    message = message_of(story, row)
    if message is None:
        return told(_without_place(row) if isinstance(row, ev.Property) else row)
    what = f"{value(message.send.value)} to {plain(message.send.to)} (of step {message.sent})"
    if isinstance(row, ev.Drop):
        return f"{what} is gone: {plain(row.why)}"
    return f"{what} has not got through, and is sent again"


def changed(name: str, before: Any, after: Any) -> str:
    """How a field has changed: of large collections, what has come and what has gone."""
    name = plain(name, 40)
    whole = f"{name} = {value(after, CHANGE_MAX)}"
    if before is None:
        return whole
    parts = _parts(before, after)
    if parts is None or len(whole) < CHANGE_MAX / 2:
        return f"{whole} (was {value(before, CHANGE_MAX)})"
    gone, come = parts
    words = [f"- {value(each, 40)}" for each in gone] + [f"+ {value(each, 40)}" for each in come]
    more = f", and {len(words) - 4} more" if len(words) > 4 else ""
    return f"{name} {', '.join(words[:4])}{more}"


def _parts(before: Any, after: Any) -> tuple[list[Any], list[Any]] | None:
    """What has gone from a collection, and what has come to it; None for other values."""
    match before, after:
        case {"#set": list(old)}, {"#set": list(new)}:
            pass
        case {"#map": list(old)}, {"#map": list(new)}:
            old, new = [{"#tup": pair} for pair in old], [{"#tup": pair} for pair in new]
        case list(old), list(new) if new[: len(old)] == old:
            return [], new[len(old) :]
        case list(old), list(new) if old[len(old) - len(new) :] == new:
            return old[: len(old) - len(new)], []
        case _:
            return None
    return [e for e in old if e not in new], [e for e in new if e not in old]

"""A counterexample as a numbered list: what each of its steps is, in words.

Invariant: each step of the way has one number, and what begins within it stands below it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from quorate.trace import events as ev
from quorate.trace.course import Course, Happened, Moment, course_of
from quorate.trace.notes import notes_of
from quorate.trace.story import Story, story_of
from quorate.trace.telling import plain, told, value
from quorate.worlds.check.retelling import Choices, Retold
from quorate.worlds.check.tables import Kind

WIDTH = 100


@dataclass(frozen=True)
class Told:
    """What a process does in a step, or what becomes of a message, and what is seen of it."""

    process: str | None
    what: str
    then: list[str] = field(default_factory=list)
    at: str | None = None  # where it stood: FILE:LINE

    def __str__(self) -> str:
        who = "" if self.process is None else f"{plain(self.process)} "
        return "; ".join([f"{who}{self.what}", *self.then])


@dataclass(frozen=True)
class ToldStep:
    """A step of the way: what happens, first what it is, then what begins within it."""

    number: int
    told: list[Told]
    choices: Choices = ()

    def lines(self, width: int = WIDTH) -> Iterator[str]:
        for place, each in enumerate(self.told):
            text = str(each)
            if place == 0 and any(answer for answer, _ in self.choices):
                ways = ", ".join(f"{answer + 1} of {count}" for answer, count in self.choices)
                text += f" (choice {ways})"
            head = f"{self.number:>5}. " if place == 0 else " " * 7
            yield from textwrap.wrap(
                text,
                width,
                initial_indent=head,
                subsequent_indent=" " * 9,
                break_on_hyphens=False,
            )


def steps_of(retold: Retold) -> list[ToldStep]:
    """The steps of a counterexample."""
    course = course_of(retold.trace)
    story = story_of(course, everything=True, rows_max=None)
    stands: dict[str, str] = {}
    found: dict[int, list[Told]] = {number: [] for number in range(1, len(retold.kinds) + 1)}
    for row in course.path:
        number = int(row.time)
        if number in found and (words := _told(story, row, retold.kinds[number - 1], stands)):
            found[number].append(words)
        if isinstance(row, Moment):
            for each in row.inside:
                if isinstance(each, ev.State) and each.at:
                    stands[row.process] = each.at
    return [ToldStep(n, told, retold.choices[n - 1]) for n, told in found.items()]


def _told(story: Story, row: Happened, kind: Kind | None, stands: dict[str, str]) -> Told | None:
    course = story.course
    match row:
        case Moment():
            seen = [each for each in row.inside if not isinstance(each, ev.Property) or each.holds]
            notes = notes_of(story, replace(row, inside=seen))
            then = notes if row.step.why == "resume" else notes[1:]
            at = stands.get(row.process) or None
            return Told(row.process, _what(course, row, kind, at), then, at)
        case ev.Crash() | ev.Restart():
            what = "crashes" if isinstance(row, ev.Crash) else "begins anew, and remembers nothing"
            return Told(row.process, what)
        case ev.Drop(message=name, why=why):
            message = course.messages[name].send
            what = f"{value(message.value)} from {message.process} to {message.to}"
            return Told(None, f"{what} is lost" if why == "lost" else f"{what} is dropped: {why}")
        case ev.Duplicate(message=name):
            message = course.messages[name].send
            to = f"{message.process} to {message.to}"
            return Told(None, f"{value(message.value)} from {to} comes twice")
        case ev.Property(holds=True):
            return Told(None, told(row))
    return None


def _what(course: Course, row: Moment, kind: Kind | None, at: str | None) -> str:
    step = row.step
    place = f" ({plain(at)})" if at else ""
    match step.why:
        case "message":
            assert step.message is not None
            message = course.messages[step.message].send
            again = " once more" if step.message.endswith("+") else ""
            return f"takes {value(message.value)} from {plain(message.process)}{again}"
        case "timer":
            return f"wakes up{place}" if kind == "wake" else f"waits no longer{place}: timeout"
        case "setup":
            return "is set up"
        case "end":
            return "is ended"
        case "start":
            return "starts"
    return f"goes on{place}"

"""The course of a run: its steps, each with all that happened within it, and its messages.

What draws a trace, or hands it to another tool, goes by this. Invariant: moments and what lies
between them stand in the order of the trace; choices, which are causes and no effects, are gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from quorate.trace import events as ev
from quorate.trace.reading import Trace

Inside = (
    ev.Send
    | ev.SetTimer
    | ev.Output
    | ev.State
    | ev.End
    | ev.Fail
    | ev.Create
    | ev.Property
    | ev.Operation
)
"""What happens within a step, to the process that takes it."""


@dataclass(slots=True)
class Moment:
    """A step, and what happened within it."""

    step: ev.Step
    inside: list[Inside] = field(default_factory=list)

    @property
    def process(self) -> str:
        return self.step.process

    @property
    def time(self) -> float:
        return self.step.time

    def sends(self) -> Iterator[ev.Send]:
        return (each for each in self.inside if isinstance(each, ev.Send))


Happened = Moment | ev.Timed
"""A step with what happened within it, or what befell the run."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message or a copy of one: what was sent, in which step, and the step it came to, if any.

    One that is neither taken nor `lost` is under way at the end.
    """

    send: ev.Send
    sent: int
    taken: int | None = None
    lost: bool = False


@dataclass(slots=True)
class Course:
    """`path` holds moments, and events that befell the run between them; `whole` that of the whole
    run, where `path` is a part of it. `kinds` are the classes of all processes, in the order of
    their making; `sent` are the names of messages by sender and receiver, without copies.
    """

    trace: Trace
    whole: list[Happened]
    path: list[Happened]
    kinds: dict[str, str]
    messages: dict[str, Message]
    sent: dict[tuple[str, str], list[str]]

    @property
    def processes(self) -> list[str]:
        return list(self.kinds)

    def moments(self) -> Iterator[Moment]:
        return (each for each in self.path if isinstance(each, Moment))

    def between(self, first: int, last: int) -> Course:
        """The part from one step to another, by number; what lies between goes with the first."""
        kept: list[Happened] = []
        now = 0
        for each in self.whole:
            now = each.step.step if isinstance(each, Moment) else now
            if first <= now <= last:
                kept.append(each)
        return replace(self, path=kept)


def course_of(trace: Trace) -> Course:
    """The course of the run that a trace tells of."""
    path: list[Happened] = []
    messages: dict[str, Message] = {}
    moment: Moment | None = None
    for event in trace.events:
        if isinstance(event, ev.Choice | ev.Begin):
            continue
        if isinstance(event, ev.Step):
            moment = Moment(event)
            path.append(moment)
            if event.message is not None:
                known = messages[event.message]
                messages[event.message] = replace(known, taken=event.step)
            continue
        if moment is not None and isinstance(event, Inside) and _actor(event) == moment.process:
            moment.inside.append(event)
            if isinstance(event, ev.Send):
                messages[event.message] = Message(event, moment.step.step)
            continue
        if isinstance(event, ev.Send):  # of no step, which only a trace made by hand has
            messages[event.message] = Message(event, 0)
        elif isinstance(event, ev.Duplicate):
            messages[event.copy] = replace(messages[event.message], taken=None)
        elif isinstance(event, ev.Drop):
            messages[event.message] = replace(messages[event.message], lost=True)
        path.append(event)
    kinds = {each.process: each.kind for each in trace.events if isinstance(each, ev.Create)}
    sent: dict[tuple[str, str], list[str]] = {}
    for name, message in messages.items():
        if not name.endswith("+"):
            sent.setdefault((message.send.process, message.send.to), []).append(name)
    return Course(trace, path, path, kinds, messages, sent)


def _actor(event: Inside) -> str | None:
    match event:
        case ev.Create():
            return event.parent
        case ev.Operation():
            return event.client
    return event.process


def message_name(row: object) -> str | None:
    """The name of the message that comes in a row, or is lost, or is sent again."""
    if isinstance(row, Moment):
        return row.step.message
    return row.message if isinstance(row, ev.Drop | ev.Retry) else None


Fields = dict[str, dict[str, Any]]
"""By process: its fields, as trees."""


def take(fields: Fields, row: Happened) -> None:
    """Note what a row changes; with a crash all is gone."""
    if isinstance(row, ev.Crash | ev.Restart):
        fields.pop(row.process, None)
    elif isinstance(row, Moment):
        for each in row.inside:
            if isinstance(each, ev.State):
                fields.setdefault(row.process, {}).update(each.after)

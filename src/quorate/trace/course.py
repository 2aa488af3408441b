"""The course of a run: its steps, each with all that happened within it, and its messages.

What draws a trace, or hands it to another tool, goes by this. Invariant: moments and what lies
between them stand in the order of the trace; choices, which are causes and no effects, are gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from quorate.trace import events as ev
from quorate.trace.events import Event
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

    def sends(self) -> Iterator[ev.Send]:
        return (each for each in self.inside if isinstance(each, ev.Send))


@dataclass(frozen=True, slots=True)
class Message:
    """A message or a copy of one: what was sent, in which step, and the step it came to, if any."""

    send: ev.Send
    sent: int
    taken: int | None = None


@dataclass(slots=True)
class Course:
    """`path` holds moments, and events that befell the run between them; `whole` that of the whole
    run, where `path` is a part of it. `processes` are all, in the order of their making.
    """

    trace: Trace
    whole: list[Moment | Event]
    path: list[Moment | Event]
    processes: list[str]
    messages: dict[str, Message]

    def moments(self) -> Iterator[Moment]:
        return (each for each in self.path if isinstance(each, Moment))

    def between(self, first: int, last: int) -> Course:
        """The part from one step to another, by number; what lies between goes with the first."""
        kept: list[Moment | Event] = []
        now = 0
        for each in self.whole:
            now = each.step.step if isinstance(each, Moment) else now
            if first <= now <= last:
                kept.append(each)
        return replace(self, path=kept)


def course_of(trace: Trace) -> Course:
    """The course of the run that a trace tells of."""
    path: list[Moment | Event] = []
    messages: dict[str, Message] = {}
    moment: Moment | None = None
    for event in trace.events:
        if isinstance(event, ev.Choice):
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
        path.append(event)
    made = [each.process for each in trace.events if isinstance(each, ev.Create)]
    return Course(trace, path, path, list(dict.fromkeys(made)), messages)


def _actor(event: Inside) -> str | None:
    match event:
        case ev.Create():
            return event.parent
        case ev.Operation():
            return event.client
    return event.process

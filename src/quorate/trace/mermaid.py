"""A trace as a sequence diagram of Mermaid: a message stands where it comes, or is lost.

Invariant: whatever a trace holds, no character of it means anything to Mermaid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from quorate.trace import events as ev
from quorate.trace.course import Course, Moment
from quorate.trace.telling import operation, plain, told, value

TEXT_MAX = 50_000
"""Mermaid draws no longer text, unless it is told to."""


def mermaid_of(course: Course) -> Iterator[str]:
    """The lines of the diagram, of processes that do something in it."""
    seen = {name for each in course.path for name in _seen(course, each)}
    names = {name: f"p{n}" for n, name in enumerate(course.processes) if name in seen}
    yield "sequenceDiagram"
    for name, short in names.items():
        yield f"    participant {short} as {escaped(name)}"
    for each in course.path:
        for line in _lines(course, each, names):
            yield f"    {line}"


def _seen(course: Course, each: Moment | ev.Event) -> Iterator[str]:
    """The processes that something is drawn for."""
    if isinstance(each, Moment):
        if each.step.message is not None:
            yield course.messages[each.step.message].send.process
            yield each.process
        if _notes(each):
            yield each.process
    elif isinstance(each, ev.Drop):
        send = course.messages[each.message].send
        yield from (send.process, send.to)
    elif isinstance(each, ev.Crash | ev.Restart):
        yield each.process


def _lines(course: Course, each: Moment | ev.Event, names: dict[str, str]) -> Iterator[str]:
    if isinstance(each, Moment):
        process = names.get(each.process)
        if each.step.message is not None:
            send = course.messages[each.step.message].send
            yield f"{names[send.process]}->>{process}: {escaped(value(send.value))}"
        for note in _notes(each):
            yield f"Note over {process}: {escaped(note)}"
    elif isinstance(each, ev.Drop):
        send = course.messages[each.message].send
        text = escaped(f"{value(send.value)} {each.why}")
        if send.to in names:
            yield f"{names[send.process]}-x{names[send.to]}: {text}"
    elif isinstance(each, ev.Crash | ev.Restart):
        yield f"Note over {names[each.process]}: {escaped(told(each))}"
    elif names and isinstance(each, ev.Fault | ev.Heal):
        ends = dict.fromkeys([next(iter(names.values())), list(names.values())[-1]])
        yield f"Note over {','.join(ends)}: {escaped(told(each))}"


def _notes(moment: Moment) -> list[str]:
    """What is said beside the line of a process."""
    notes = ["a timer runs out"] if moment.step.why == "timer" else []
    for each in moment.inside:
        match each:
            case ev.Output(text=text):
                notes.append(plain(text))
            case ev.Fail(text=text):
                notes.append(f"fails: {plain(text)}")
            case ev.Operation():
                notes.append(operation(each))
            case ev.Property(name=name, holds=False):
                notes.append(f"{plain(name)} does not hold")
            case ev.State(after=after) if after:
                changes = (f"{name} = {value(tree, 40)}" for name, tree in after.items())
                notes.append(", ".join(changes))
    return notes


def escaped(text: str) -> str:
    """Text in which Mermaid finds nothing but text, on one line."""
    return re.sub(r"[^\w .,'()={}\[\]-]", lambda found: f"#{ord(found[0])};", plain(text))

"""A trace in the JSON of Chrome's tracing, which Perfetto shows over time; times in microseconds.

Each process is a row, a step a slice in it, a message a flow from slice to slice. Invariant: the
slices of a row are nested or apart, and each end of a flow lies in a slice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from quorate.trace import events as ev
from quorate.trace.course import Course, Moment
from quorate.trace.telling import plain, told, value

SLICE_US = 1.0
"""How long a step is drawn, at most: in virtual time it takes none."""


def perfetto_of(course: Course) -> dict[str, Any]:
    """The trace as a JSON object."""
    return {"traceEvents": list(_events(course)), "displayTimeUnit": "ms"}


def _events(course: Course) -> Iterator[dict[str, Any]]:
    rows = {name: row for row, name in enumerate(course.processes, 1)}
    yield {"ph": "M", "name": "process_name", "pid": 1, "args": {"name": _program(course)}}
    for name, row in rows.items():
        at = {"ph": "M", "pid": 1, "tid": row}
        yield {"name": "thread_name", **at, "args": {"name": plain(name)}}
        yield {"name": "thread_sort_index", **at, "args": {"sort_index": row}}
    shown = {moment.step.step for moment in course.moments()}
    widths = _widths(course)
    numbers = {name: number for number, name in enumerate(course.messages, 1)}
    for each in course.path:
        if isinstance(each, Moment):
            at = {"pid": 1, "tid": rows[each.process], "ts": _us(each.step.time)}
            args = {"step": each.step.step, "happened": list(map(told, each.inside))}
            name = _name(course, each)
            yield {"ph": "X", "name": name, **at, "dur": widths[each.step.step], "args": args}
            yield from _flows(course, each, at, numbers, shown)
            for inside in each.inside:
                if isinstance(inside, ev.Output | ev.Fail | ev.Operation):
                    yield {"ph": "i", "name": told(inside), **at, "s": "t"}
        elif isinstance(each, ev.Crash | ev.Restart):
            at = {"pid": 1, "tid": rows[each.process], "ts": _us(each.time)}
            yield {"ph": "i", "name": told(each), **at, "s": "t"}
        elif isinstance(each, ev.Fault | ev.Heal | ev.Drop):
            at = {"pid": 1, "tid": 1, "ts": _us(each.time)}
            yield {"ph": "i", "name": told(each), **at, "s": "g"}


def _flows(
    course: Course, moment: Moment, at: dict[str, Any], numbers: dict[str, int], shown: set[int]
) -> Iterator[dict[str, Any]]:
    """The ends of messages that are taken, both ends of which are shown."""
    taken = moment.step.message
    if taken is not None and course.messages[taken].sent in shown:
        yield {"ph": "f", "bp": "e", "cat": "message", "name": taken, "id": numbers[taken], **at}
    for send in moment.sends():
        for name in (send.message, f"{send.message}+"):
            message = course.messages.get(name)
            if message is not None and message.taken in shown:
                yield {"ph": "s", "cat": "message", "name": name, "id": numbers[name], **at}


def _program(course: Course) -> str:
    return plain(course.trace.begin.program)


def _name(course: Course, moment: Moment) -> str:
    if moment.step.message is None:
        return moment.step.why
    return value(course.messages[moment.step.message].send.value, 60)


def _widths(course: Course) -> dict[int, float]:
    """By step: how long it is drawn, so that it ends before the next one of its process."""
    rows: defaultdict[str, list[ev.Step]] = defaultdict(list)
    for moment in course.moments():
        rows[moment.process].append(moment.step)
    widths: dict[int, float] = {}
    for steps in rows.values():
        after = None
        for step in reversed(steps):
            if after is None or _us(after.time) > _us(step.time):
                room = SLICE_US if after is None else _us(after.time) - _us(step.time)
            widths[step.step] = min(SLICE_US, room)
            after = step
    return widths


def _us(seconds: float) -> float:
    return round(seconds * 1e6, 3)

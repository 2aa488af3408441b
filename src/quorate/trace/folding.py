"""What a story need not tell twice: rows like one that is told are folded into a gap.

Invariant: where the message of a told row comes from is told, so that no arrow begins in a gap.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from quorate.trace import events as ev
from quorate.trace.course import Course, Happened, Moment, message_name

GAP_MIN = 2
"""A single row is told: a gap takes as much room."""


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """Rows that are not told: because they are `alike` to rows that are, or for want of room."""

    rows: Sequence[Happened]
    alike: bool

    def told(self) -> str:
        why = "like those above" if self.alike else "for which there is no room"
        return f"{len(self.rows):,} rows {why}, until {self.rows[-1].time:.6f} s"


Row = Happened | Gap
"""A step with what happened within it, what befell the run, or what is left out in its place."""


def folded(
    rows: Sequence[Happened], course: Course, causes: Collection[str], *, lasting: bool
) -> list[Row]:
    """The same with gaps; messages of `causes` are in none.

    A step is like another if the same process has taken the same for the same reason, and nothing
    has changed by it. Of what is `lasting`, also if the same fields have changed; and all is the
    same that differs in numbers, in which process of a class it is, and in how many of a kind.
    """
    known: set[Hashable] = set()
    tells: list[bool] = []
    for row in rows:
        key = _shape_of(course, row) if lasting else _key(course, row)
        tells.append(key is None or key not in known or message_name(row) in causes)
        known.add(key)
    return with_gaps(rows, _needed(rows, course, tells), alike=True)


def _needed(rows: Sequence[Happened], course: Course, tells: list[bool]) -> list[bool]:
    """What is to be told beside `tells`: whence messages come, and what makes too short a gap."""
    needed: set[int] = set()  # the steps that sent what is told to come, or to be lost
    while True:
        before = len(needed)
        for number in range(len(rows) - 1, -1, -1):
            row = rows[number]
            tells[number] |= isinstance(row, Moment) and row.step.step in needed
            name = message_name(row)
            if tells[number] and name is not None:
                needed.add(course.messages[name].sent)
        if len(needed) == before:
            return tells
        numbers = range(len(rows))
        for told, group in groupby(numbers, tells.__getitem__):
            short = [] if told else list(group)
            if len(short) < GAP_MIN:
                for number in short:
                    tells[number] = True


def with_gaps(rows: Sequence[Row], tells: Sequence[bool], *, alike: bool = False) -> list[Row]:
    """The rows that `tells` says, and a gap for each that is left out, with those beside it."""
    told: list[Row] = []
    for is_told, group in groupby(zip(rows, tells, strict=True), lambda pair: pair[1]):
        some = [row for row, _ in group]
        told += some if is_told else [Gap(unfolded(some), alike)]
    return told


def unfolded(rows: Iterable[Row]) -> list[Happened]:
    """The rows, with those that are left out."""
    return [each for row in rows for each in (row.rows if isinstance(row, Gap) else [row])]


def _key(course: Course, row: Happened) -> Hashable:
    """What is the same for rows that are alike, to the letter; None if something has changed."""
    if isinstance(row, Moment) and any(isinstance(e, ev.State) and e.after for e in row.inside):
        return None
    return None if (found := _seen(course, row)) is None else repr(found)


def _shape_of(course: Course, row: Happened) -> Hashable:
    """What is the same for rows of one shape."""
    return None if (found := _seen(course, row)) is None else shape(found)


def _seen(course: Course, row: Happened) -> list[Any] | None:
    """What is seen of a row, as a tree; None for one that is like no other."""
    name = message_name(row)
    about: list[Any] = []
    if name is not None:
        send = course.messages[name].send
        about = [_process(course, send.process), _process(course, send.to), send.value]
    if isinstance(row, ev.Drop):
        return [*about, row.why]
    if isinstance(row, ev.Retry):
        return [*about, None]
    if not isinstance(row, Moment) or row.step.why in ("setup", "end"):
        return None
    about += [_process(course, row.process), row.step.why]
    for each in row.inside:
        match each:
            case ev.Send(to=to, value=value):
                about += [_process(course, to), value]
            case ev.Output(text=text):
                about.append(text)
            case ev.State(after=after):
                about += [*after, *after.values()]
            case ev.Create() | ev.End() | ev.Fail() | ev.Property() | ev.Operation():
                return None
    return about


def _process(course: Course, name: str) -> dict[str, str]:
    return {"#process": name, "kind": course.kinds[name]}


def shape(tree: Any) -> Hashable:
    """What is left of a value without its numbers, and without how many of a kind it holds."""
    match tree:
        case bool() | None:
            return tree
        case int() | float():
            return 0
        case str():
            return re.sub(r"\d+", "0", tree)
        case list():
            return frozenset(map(shape, tree))
        case {"#tup": list(parts)}:
            return tuple(map(shape, parts))
        case {"#process": _, "kind": kind}:
            return "#process", kind
        case dict():
            return tuple((name, shape(each)) for name, each in tree.items())
    raise TypeError(tree)

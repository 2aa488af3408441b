"""A timeline in text: a row for each client, a bar for each operation, time from left to right.

Invariant: bars begin and end in the order of their events, so two of them overlap if, and only
if, the operations do; how long they are means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quorate.consistency.explanation import Marked
from quorate.consistency.history import Client, client_name

WIDTH = 100
_INDENT = "  "


@dataclass(frozen=True)
class Bar:
    """An operation between two columns; `is_open` where its return is not drawn."""

    marked: Marked
    text: str
    begin: int
    end: int
    is_open: bool


def drawn(operations: Sequence[Marked], last: int, width: int = WIDTH) -> list[str]:
    """The lines of the timeline, of what is known in line `last` of the history."""
    names = {each.operation.client: client_name(each.operation.client) for each in operations}
    margin = len(_INDENT) + max((len(name) for name in names.values()), default=0) + 2
    bars = placed(operations, last, lambda each: f" {each.mark} {each.label} ")
    if max((bar.end for bar in bars), default=0) + margin > width:
        bars = placed(operations, last, lambda each: f" {each.mark} ")
    lines = []
    for client, rows in in_rows(bars).items():
        for number, row in enumerate(rows):
            name = "" if number else names[client]
            lines.append(f"{_INDENT}{name}".ljust(margin) + _row(row))
    return lines


def in_rows(bars: Sequence[Bar]) -> dict[Client, list[list[Bar]]]:
    """The rows of each client: more than one if it went on while an operation was unknown."""
    found: dict[Client, list[list[Bar]]] = {}
    for bar in bars:
        rows = found.setdefault(bar.marked.operation.client, [])
        for row in rows:
            if not row[-1].is_open:
                row.append(bar)
                break
        else:
            rows.append([bar])
    return found


def placed(operations: Sequence[Marked], last: int, text: Callable[[Marked], str]) -> list[Bar]:
    """The bars of the operations, each long enough for its text, in the order of invocations."""
    events: dict[int, list[tuple[bool, Marked]]] = {}
    for each in operations:
        events.setdefault(each.operation.invoked, []).append((False, each))
        if not _is_open(each, last):
            events.setdefault(each.operation.returned or last, []).append((True, each))
    column = 0
    begins: dict[Marked, int] = {}
    ends: dict[Marked, int] = {}
    for line in sorted(events):
        for returns, each in events[line]:
            if returns:
                column = max(column, begins[each] + len(text(each)) + 1)
                ends[each] = column
            else:
                begins[each] = column
            column += 2
    edge = max([column, *(begins[each] + len(text(each)) + 1 for each in begins)])
    return [
        Bar(each, text(each), begin, ends.get(each, edge), each not in ends)
        for each, begin in begins.items()
    ]


def _is_open(marked: Marked, last: int) -> bool:
    returned = marked.operation.returned
    return returned is None or returned > last


def _row(bars: Sequence[Bar]) -> str:
    row = ""
    for bar in bars:
        body = bar.text.center(bar.end - bar.begin - 1, "-")
        row = row.ljust(bar.begin) + "|" + body + (">" if bar.is_open else "|")
    return row

"""A story as SVG: a space-time diagram, processes as lines, messages as arrows from step to step.

Invariant: each row of the story is one element of the class `row`, with its number; whatever a
trace holds is escaped.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from html import escape

from quorate.trace import events as ev
from quorate.trace.course import Moment, message_name
from quorate.trace.folding import Gap, Row
from quorate.trace.notes import notes_of
from quorate.trace.story import Lives, Story, live, lives_before, message_of
from quorate.trace.telling import is_checked, plain

LEFT, LEFT_CHECKED, ROW, HEAD = 128, 84, 44, 30
"""Pixels: of the margin with numbers and times, of one with numbers alone, the height of a row, the
height of the names."""

LANE_MIN, LANE_MAX = 48, 70
"""Pixels between the lines of two processes; names that are longer are slanted."""

CHARACTER = 7.5
"""Pixels, of a character of the text, and a little more."""

LINE_MAX = 54
"""Characters of a line of text beside the lanes; there are two at each row."""

STYLE = """
.heads { position: sticky; top: 0; background: var(--page); border-bottom: 1px solid var(--line) }
.heads text { fill: var(--faint) } .heads .name, .number { font-weight: 600; fill: var(--text) }
line.alive { stroke: var(--grey); stroke-width: 1.5 }
line.down { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 2 5 }
.cut { fill: var(--bad-fill); opacity: .45 }
line.fault { stroke: var(--bad); stroke-dasharray: 7 4 }
.row { cursor: pointer; outline: none } .row rect { fill: transparent; stroke: transparent }
.row:hover rect { fill: var(--grey-fill); fill-opacity: .6 }
.row[aria-expanded=true] rect { fill: var(--blue-fill); fill-opacity: .8 }
.row:focus rect { stroke: var(--blue); stroke-width: 2 }
.row circle { fill: var(--text); stroke: var(--page); stroke-width: 1.5 }
.row circle.anew { fill: var(--page); stroke: var(--text); stroke-width: 2 }
.row path { stroke: var(--bad); stroke-width: 3; fill: none }
.failed text { fill: var(--bad); font-weight: 600 }
.arrows { pointer-events: none } .arrows path { fill: none; stroke-width: 1.6 }
.message path { stroke: var(--blue) } .message polygon { fill: var(--blue) }
.message.before path, .coming path { stroke-dasharray: 4 3 } .coming path { stroke: var(--faint) }
.coming polygon { fill: var(--faint) } .lost path { stroke: var(--bad) }
.arrows .on path { stroke-width: 3.2 }
"""
"""Of the diagram in a page."""

Point = tuple[float, float]


def name_of(row: Row) -> str:
    """What a row is called, for who does not see it."""
    if isinstance(row, Gap):
        return "Not told"
    name = f"Step {row.step.step}, {plain(row.process)}" if isinstance(row, Moment) else "Between"
    return f"{name}, at {row.time:.6f} s"


def has_failed(row: Row) -> bool:
    """Whether it is a step, or a time, at which something went wrong."""
    inside = row.inside if isinstance(row, Moment) else [row]
    return any(map(is_bad, inside))


def is_bad(event: object) -> bool:
    """Whether it is the failure of a step or of a property."""
    return isinstance(event, ev.Fail) or (isinstance(event, ev.Property) and not event.holds)


def rows_of_steps(story: Story) -> dict[int, int]:
    """By the number of a step: the row that it is told in, or left out in."""
    return {
        each.step.step: number
        for number, row in enumerate(story.rows)
        for each in (row.rows if isinstance(row, Gap) else [row])
        if isinstance(each, Moment)
    }


class Chart:
    """Where everything stands. `heads` are the names above, `lines` the diagram."""

    def __init__(self, story: Story) -> None:
        self.story = story
        names = [plain(name, 40) for name in story.processes]
        longest = max((len(name) * CHARACTER for name in names), default=0.0)
        self.slanted = longest + 18 > LANE_MAX and len(names) > 2
        self.lane = float(LANE_MIN) if self.slanted else max(LANE_MAX, longest + 18)
        self.head = HEAD + longest / 2 if self.slanted else HEAD
        self.checked = is_checked(story.course.trace.begin)  # time is the number of a step then
        self.left = LEFT_CHECKED if self.checked else LEFT
        self.xs = {
            name: self.left + self.lane * (place + 0.5)
            for place, name in enumerate(story.processes)
        }
        self.text = self.left + self.lane * len(names) + 14
        self.width = self.text + (LINE_MAX + 1) * CHARACTER
        self.height = ROW * (len(story.rows) + 0.5)

    def y(self, number: int) -> float:
        return ROW * (number + 0.5)

    def heads(self) -> Iterator[str]:
        size = f'width="{self.width:.0f}" height="{self.head:.0f}"'
        y = self.head - 10
        yield f'<svg class="heads" {size} aria-hidden="true">'
        time = "way" if self.checked else "time, s"
        yield f'<text x="8" y="{y:.1f}">step</text>'
        yield f'<text x="{LEFT - 72 if self.checked else LEFT - 56}" y="{y:.1f}">{time}</text>'
        for name, x in self.xs.items():
            anchor = 'text-anchor="middle"'
            if self.slanted:
                anchor = f'transform="rotate(-30 {x:.1f} {y:.1f})"'
            label = escape(plain(name, 40))
            yield f'<text class="name" x="{x:.1f}" y="{y:.1f}" {anchor}>{label}</text>'
        yield "</svg>"

    def lines(self) -> Iterator[str]:
        about = (
            "Space-time diagram: processes as lines, messages as arrows, time from top to bottom"
        )
        size = f'width="{self.width:.0f}" height="{self.height:.0f}"'
        yield f'<svg class="chart" {size} role="group" aria-label="{about}">'
        yield '<g aria-hidden="true">'
        yield from self._partitions()
        yield from self._lanes()
        yield "</g>"
        arrows = list(self._arrows())
        for number, row in enumerate(self.story.rows):
            yield from self._row(number, row)
        yield '<g class="arrows" aria-hidden="true">'
        yield from arrows
        yield "</g></svg>"

    # Beneath.

    def _partitions(self) -> Iterator[str]:
        """Bands, from where the network is cut to where it heals."""
        open_: dict[int, ev.Fault] = {}
        for number, row in enumerate([*self.story.rows, None]):
            if isinstance(row, ev.Fault) and row.what == "partition":
                open_[number] = row
            over = [n for n, cut in open_.items() if row is None or _heals(row, cut)]
            for begin in over:
                del open_[begin]
                top, height = self.y(begin), self.y(number) - self.y(begin)
                width = self.lane * len(self.xs)
                yield (
                    f'<rect class="cut" x="{self.left}" y="{top:.1f}" width="{width:.1f}" '
                    f'height="{max(height - ROW / 2 * (row is None), 4):.1f}"/>'
                )

    def _lanes(self) -> Iterator[str]:
        """The lines of processes, as long as they are there."""
        lives = lives_before(self.story)
        since = dict.fromkeys(self.xs, 0.0)
        for number, row in enumerate([*self.story.rows, None]):
            before: Lives = dict(lives)
            if row is not None:
                live(lives, row)
            end = self.y(number) if row is not None else self.height
            for name, x in self.xs.items():
                if row is None or lives[name] != before[name]:
                    if before[name] != "gone":
                        ends = f'x1="{x:.1f}" x2="{x:.1f}" y1="{since[name]:.1f}" y2="{end:.1f}"'
                        yield f'<line class="{before[name]}" {ends}/>'
                    since[name] = end

    # Rows.

    def _row(self, number: int, row: Row) -> Iterator[str]:
        y = self.y(number)
        said = "; ".join(notes_of(self.story, row))
        kind = "row failed" if has_failed(row) else "row"
        label = escape(f"{name_of(row)}: {said}")
        controls = f'aria-expanded="false" aria-controls="row-{number}"'
        yield (
            f'<g class="{kind}" role="button" tabindex="-1" data-row="{number}" {controls} '
            f'aria-label="{label}"><rect x="2" y="{y - ROW / 2 + 2:.1f}" rx="5" '
            f'width="{self.width - 4:.0f}" height="{ROW - 4}"/>'
        )
        if isinstance(row, Moment):
            yield f'<text class="number" x="8" y="{y + 4:.1f}">{row.step.step}</text>'
        if isinstance(row, Gap):
            yield f'<text class="number" x="8" y="{y + 4:.1f}">⋮</text>'
        else:
            time = f"{row.time:.0f}" if self.checked else f"{row.time:.6f}"
            yield f'<text x="{LEFT - 72}" y="{y + 4:.1f}">{time}</text>'
        yield from self._mark(row, y)
        wrapped = textwrap.wrap(said, LINE_MAX, max_lines=2, placeholder=" ...")
        for line, text in enumerate(wrapped):
            base = y + 4 + (line - (len(wrapped) - 1) / 2) * 15
            yield f'<text x="{self.text:.1f}" y="{base:.1f}">{escape(text)}</text>'
        yield "</g>"

    def _mark(self, row: Row, y: float) -> Iterator[str]:
        match row:
            case Moment(process=process):
                x = self.xs[process]
                if has_failed(row):
                    yield _cross(x, y, 7, "fails")
                else:
                    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
            case ev.Crash(process=process):
                yield _cross(self.xs[process], y, 7, "crash")
            case ev.Restart(process=process):
                yield f'<circle class="anew" cx="{self.xs[process]:.1f}" cy="{y:.1f}" r="6"/>'
            case ev.Fault() | ev.Heal():
                ends = f'x1="{self.left}" x2="{self.text - 14:.1f}" y1="{y:.1f}" y2="{y:.1f}"'
                yield f'<line class="fault" {ends}/>'

    # Messages.

    def _arrows(self) -> Iterator[str]:
        """From the row of the step that sent it, or from above if that is not told."""
        at = rows_of_steps(self.story)
        again: dict[str, int] = {}  # the rows at which messages were sent again
        for number, row in enumerate(self.story.rows):
            message, name = message_of(self.story, row), message_name(row)
            if message is None or name is None:
                continue
            begin = again.get(name, at.get(message.sent))
            x1, x2 = self.xs[message.send.process], self.xs.get(message.send.to)
            y2 = self.y(number)
            y1 = self.y(begin) if begin is not None else max(y2 - ROW, 0.0)
            if x2 is None:
                continue
            rows = f'data-rows="{"" if begin is None else begin} {number}"'
            if isinstance(row, Moment):
                kind = "message" if begin is not None else "message before"
                yield f'<g class="{kind}" {rows}>{_arrow((x1, y1), (x2, y2))}</g>'
                continue
            again[name] = number
            part = 1.0 if isinstance(row, ev.Drop) and "receiver" in row.why else 0.4
            middle = (x1 + (x2 - x1) * part, y1 + (y2 - y1) * part)
            line = f"M{x1:.1f} {y1:.1f}L{middle[0]:.1f} {middle[1]:.1f}"
            yield f'<g class="lost" {rows}><path d="{line}"/>{_cross(*middle, 5, "gone")}</g>'
        yield from self._coming()

    def _coming(self) -> Iterator[str]:
        """To below, of messages that were sent in rows that are told, and are still under way."""
        for number, row in enumerate(self.story.rows):
            for send in row.sends() if isinstance(row, Moment) else ():
                message = self.story.course.messages[send.message]
                to = self.xs.get(send.to)
                if message.taken is None and not message.lost and to is not None:
                    line = _arrow((self.xs[send.process], self.y(number)), (to, self.height))
                    yield f'<g class="coming" data-rows="{number}">{line}</g>'


def _heals(row: Row, cut: ev.Fault) -> bool:
    return isinstance(row, ev.Heal) and (not row.groups or row.groups == cut.groups)


def _cross(x: float, y: float, size: float, kind: str) -> str:
    one = f"M{x - size:.1f} {y - size:.1f}L{x + size:.1f} {y + size:.1f}"
    other = f"M{x - size:.1f} {y + size:.1f}L{x + size:.1f} {y - size:.1f}"
    return f'<path class="{kind}" d="{one}{other}"/>'


def _arrow(begin: Point, end: Point) -> str:
    """A line with a head, which ends at the edge of the mark of a step."""
    (x1, y1), (x2, y2) = begin, end
    if x1 == x2:  # of a process to itself
        line = f"M{x1:.1f} {y1:.1f}C{x1 + 34:.1f} {y1:.1f} {x1 + 34:.1f} {y2:.1f} "
        line += f"{x1 + 6:.1f} {y2:.1f}"
        x1, y1, x2 = x1 + 20, y2, x1 + 6
    else:
        length = math.hypot(x2 - x1, y2 - y1)
        x2, y2 = x2 - (x2 - x1) * 6 / length, y2 - (y2 - y1) * 6 / length
        line = f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
    length = math.hypot(x2 - x1, y2 - y1)
    dx, dy = (x2 - x1) / length, (y2 - y1) / length
    corners = [(x2, y2), *((x2 - 9 * dx - side * dy, y2 - 9 * dy + side * dx) for side in (4, -4))]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return f'<path d="{line}"/><polygon points="{points}"/>'

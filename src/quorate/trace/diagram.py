"""A story as text: a space-time diagram, processes as columns, time from top to bottom.

A message is an arrow where it comes. Invariant: no line is wider than said, and whatever a trace
holds, the text is printable.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from quorate.trace import events as ev
from quorate.trace.course import Moment
from quorate.trace.ending import Ending, ending_of
from quorate.trace.folding import Gap, Row
from quorate.trace.notes import notes_of
from quorate.trace.story import Story, live, lives_before, message_of
from quorate.trace.telling import plain, run_of

WIDTH_MIN, WIDTH, WIDTH_MAX = 80, 100, 120
"""In columns: of a narrow terminal, where there is none, and of a wide one."""

ROWS_MAX = 120
"""How many rows are told, where not all are asked for."""

LANE_MIN, LANE = 3, 6
TEXT_MIN = 36
_TIME = "  step      time  "
_LINES = {"alive": "│", "down": "┊", "gone": " "}


def diagram_of(story: Story, width: int = WIDTH) -> Iterator[str]:
    """The lines of the text."""
    yield run_of(story.course.trace.begin)
    yield from ("", *_Drawing(story, width).lines())
    if story.failure is not None:
        place = f"  ({plain(story.failure.at)})" if story.failure.at else ""
        yield from ("", *_wrapped(f"✗ {story.failure.text}{place}", width, "  "))
    if (ending := ending_of(story)) is not None:
        yield from ("", *_ending(ending, width))
    if left_out := story.left_out():
        yield from ("", *_wrapped(f"Left out: {'; '.join(left_out)}. --all shows them.", width))


def _margin(row: Row) -> str:
    if isinstance(row, Gap):
        return "     ⋮".ljust(len(_TIME))
    number = row.step.step if isinstance(row, Moment) else ""
    return f"{number:>6} {row.time:>9.6f}  "


def _wrapped(text: str, width: int, further: str = "") -> list[str]:
    """Lines of a width, broken between words where that is possible."""
    return textwrap.wrap(text, width, subsequent_indent=further, break_on_hyphens=False)


def _ending(ending: Ending, width: int) -> Iterator[str]:
    yield f"At the end, at {ending.time:.6f} s:"
    for group in ending.groups:
        yield from _wrapped(f"  {', '.join(map(plain, group.processes))}", width, "  ")
        longest = max(len(name) for name, _ in group.fields)
        for name, text in group.fields:
            yield from _wrapped(f"    {name:<{longest}}  {text}", width, " " * (longest + 6))
    if ending.down:
        yield from _wrapped(f"  {', '.join(map(plain, ending.down))}: down", width, "    ")
    for text in ending.under_way:
        yield from _wrapped(f"  under way: {text}", width, "    ")


class _Drawing:
    """The state of the lanes, from row to row."""

    def __init__(self, story: Story, width: int) -> None:
        self.story = story
        self.width = width
        room = width - len(_TIME) - TEXT_MIN
        longest = max((len(plain(name)) for name in story.processes), default=0)
        lane = longest + 2
        self.staggered = lane * len(story.processes) > room
        if self.staggered:
            lane = max(LANE_MIN, min(LANE, room // max(1, len(story.processes))))
        self.lane = lane
        fitting = max(1, room // lane)
        self.processes = story.processes[:fitting]
        self.hidden = story.processes[fitting:]
        self.columns = {
            name: n * lane + (0 if self.staggered else lane // 2 - 1)
            for n, name in enumerate(self.processes)
        }
        self.lives = lives_before(story)

    def lines(self) -> Iterator[str]:
        if self.hidden:
            names = ", ".join(map(plain, self.hidden))
            yield from _wrapped(f"No column is left for {names}.", self.width)
        yield from self._heading()
        for row in self.story.rows:
            yield from self._row(row)

    def _heading(self) -> Iterator[str]:
        if not self.staggered:
            names = "".join(plain(name).center(self.lane - 2) + "  " for name in self.processes)
            yield f"{_TIME}{names}".rstrip()
            return
        for number, name in enumerate(self.processes):
            before = _LINES["alive"].ljust(self.lane) * number
            yield f"{_TIME if number == 0 else ' ' * len(_TIME)}{before}{plain(name, 60)}"

    def _row(self, row: Row) -> Iterator[str]:
        margin = _margin(row)
        if isinstance(row, ev.Fault | ev.Heal):
            for text in _wrapped(
                "; ".join(notes_of(self.story, row)), self.width - len(margin) - 4
            ):
                yield f"{margin}══ {text} ".ljust(self.width, "═")
                margin = " " * len(_TIME)
            return
        room = self.width - len(_TIME) - self.lane * len(self.processes)
        notes = "; ".join(notes_of(self.story, row))
        if isinstance(row, Moment) and row.process in self.hidden:
            notes = f"{plain(row.process)}: {notes}"
        texts = _wrapped(notes, max(room, 1)) or [""]
        marks = self._marks(row)
        live(self.lives, row)
        yield f"{margin}{marks}{texts[0]}".rstrip()
        for text in texts[1:]:
            yield f"{' ' * len(_TIME)}{self._lanes()}{text}".rstrip()

    def _lanes(self) -> str:
        cells = [" "] * (self.lane * len(self.processes))
        for name, column in self.columns.items():
            cells[column] = _LINES[self.lives[name]]
        return "".join(cells)

    def _marks(self, row: Row) -> str:
        cells = list(self._lanes())
        match row:
            case Moment():
                failed = any(isinstance(e, ev.Fail) for e in row.inside)
                self._mark(cells, row.process, "✗" if failed else "●")
                message = message_of(self.story, row)
                if message is not None:
                    self._arrow(cells, message.send.process, row.process)
            case ev.Crash(process=process):
                self._mark(cells, process, "╳")
            case ev.Restart(process=process):
                self._mark(cells, process, "○")
            case ev.Drop() | ev.Retry():
                message = message_of(self.story, row)
                assert message is not None
                self._arrow(cells, message.send.process, message.send.to, lost=True)
        return "".join(cells)

    def _mark(self, cells: list[str], process: str, mark: str) -> None:
        if process in self.columns:
            cells[self.columns[process]] = mark

    def _arrow(self, cells: list[str], source: str, to: str, *, lost: bool = False) -> None:
        """An arrow from column to column; one that is lost ends halfway."""
        if source == to or not {source, to} <= self.columns.keys():
            return
        begin, end = self.columns[source], self.columns[to]
        right = end > begin
        step = 1 if right else -1
        cells[begin] = "├" if right else "┤"
        for column in range(begin + step, end, step):
            cells[column] = "┼" if cells[column] in "│┊" else "─"
        if lost:
            middle = (begin + end + step) // 2
            for column in range(middle, end, step):
                cells[column] = self._lanes()[column]
            cells[middle] = "×"
        else:
            cells[end - step] = "▶" if right else "◀"

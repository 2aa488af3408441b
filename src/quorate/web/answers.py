"""What the explorer answers: a state, a search, and of which program it is, as data for its page.

Invariant: the program finds around it what a check gives it, whoever asks and in whatever order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from msgspec import Struct

from quorate.compiler.loader import program_modules
from quorate.lang.source import Source
from quorate.trace.chart import Chart
from quorate.trace.course import course_of
from quorate.trace.folding import Gap
from quorate.trace.story import story_of
from quorate.trace.telling import plain
from quorate.worlds.base import command_line, surroundings
from quorate.worlds.base.reports import seen_from_here
from quorate.worlds.check.browsing import Browser
from quorate.worlds.check.explore import Bounds, Graph
from quorate.worlds.check.retelling import Program
from quorate.worlds.check.seeking import Sought, seek, violation
from quorate.worlds.check.showing import StateSeen, Viewer, Way

ROWS_MAX = 400
"""How many rows the diagram has at most."""


class About(Struct, frozen=True):
    """Which program it is, within which bounds; the texts of its files, by name."""

    program: str
    bounds: dict[str, int]
    network: str
    sources: dict[str, list[str]]


class Diagram(Struct, frozen=True):
    """A way as SVG, and of each row after how many steps of the way it is."""

    heads: str = ""
    lines: str = ""
    rows: list[int] = []


class StateAnswer(Struct, frozen=True):
    """A state, the way to it, and the lines that the last step ran (FILE:LINE)."""

    state: StateSeen
    diagram: Diagram
    ran: list[str]


class Progress(Struct):
    """How far the search is that is under way, if any, and whether it is to stop."""

    running: bool = False
    states: int = 0
    depth: int = 0
    stopping: bool = False

    def tell(self, graph: Graph, _: int) -> None:
        self.states, self.depth = graph.states, graph.depth
        if self.stopping:
            raise KeyboardInterrupt  # as Ctrl-C stops a check


@dataclass
class Exploration:
    """A program that has been loaded with `branching`, and what is known of its states.

    `how` is what a check is given beside the bounds.
    """

    module: ModuleType
    program: Program
    bounds: Bounds
    how: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        files = [str(self.module.__file__), *(str(each.__file__) for each in program_modules())]
        self.sources = {path: Source.read(path) for path in dict.fromkeys(files)}
        with self._around():
            self.browser = Browser(self.module, self.bounds)
        self.viewer = Viewer(self.browser)

    @contextmanager
    def _around(self) -> Iterator[None]:
        with command_line(self.program.path, self.program.arguments), surroundings(0):
            yield

    def about(self) -> About:
        words = [self.program.path, *self.program.arguments]
        return About(
            " ".join(map(plain, words)),
            {str(each): each.times for each in self.bounds.budgets},
            self.bounds.network,
            {
                seen_from_here(path): [_printable(line) for line in source.lines]
                for path, source in self.sources.items()
            },
        )

    def state(self, link: str) -> StateAnswer:
        """The state that a link leads to. Raises ProgramError (Q140)."""
        with self._around():
            way = self.browser.follow(link)
            state = self.viewer.state(way)
            diagram, ran = self._told(way) if way else (Diagram(), [])
            return StateAnswer(state, diagram, ran)

    def _told(self, way: Way) -> tuple[Diagram, list[str]]:
        retold, ran = self.viewer.retold(way, self.program)
        story = story_of(course_of(retold.trace), everything=True, rows_max=ROWS_MAX)
        chart = Chart(story)
        rows = [int((each.rows[-1] if isinstance(each, Gap) else each).time) for each in story.rows]
        return Diagram("\n".join(chart.heads()), "\n".join(chart.lines()), rows), ran

    def seek(self, expression: str, link: str) -> Sought:
        """A shortest way from the state of a link to one of which this is true.

        Raises ProgramError (Q140, Q141).
        """
        source = self.sources[str(self.module.__file__)]
        return self._search(lambda tell: seek(self.browser, source, expression, link, tell))

    def violation(self) -> Sought:
        """What a check of the program finds."""
        bounds, how = self.bounds, self.how
        return self._search(lambda tell: violation(self.browser, bounds, tell, **how))

    def _search(self, search: Callable[[Callable[[Graph, int], None]], Sought]) -> Sought:
        """What a search comes to, or has come to until it was interrupted."""
        progress = self.progress
        progress.running, progress.states, progress.depth = True, 0, 0
        try:
            with self._around():
                return search(progress.tell)
        except KeyboardInterrupt:
            if not progress.stopping:
                raise
            return Sought(None, ["interrupted"], stopped="interrupted")
        finally:
            progress.running = progress.stopping = False


def _printable(line: str) -> str:
    return "".join(each if each.isprintable() else " " for each in line.expandtabs())

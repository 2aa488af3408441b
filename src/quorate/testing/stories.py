"""The story of a seed that fails, short enough to stand beside the failure of a test.

Invariant: it takes no longer than said, however long shrinking would; what is shown then is what
has been reached.
"""

from __future__ import annotations

import time
from types import ModuleType

from quorate import __version__
from quorate.trace import read
from quorate.trace.course import course_of
from quorate.trace.diagram import diagram_of
from quorate.trace.story import story_of
from quorate.worlds.sim.replay import begin_of
from quorate.worlds.sim.seeds import Plan
from quorate.worlds.sim.shrinking import Shrinker, Spent, recorded

SECONDS_MAX = 10.0
"""How long shrinking may take."""

LINES_MAX = 60

ROWS = (40, 32, 24, 18, 12, 8)
"""How many rows are told: as many as LINES_MAX lines hold."""


def story_text(
    plan: Plan, module: ModuleType, seed: int, *, seconds_max: float = SECONDS_MAX
) -> str:
    """The run of a seed, shrunk for so many seconds, as a diagram; "" if it does not fail again."""
    deadline = time.monotonic() + seconds_max

    def check(_: Shrinker) -> None:
        if time.monotonic() > deadline:
            raise Spent

    trace, result = recorded(plan, module, begin_of(plan, seed, __version__))
    if not (trace.events and result.failed):
        return ""
    shrinker = Shrinker(trace, result, module, told=check)
    shrinker.go()
    course = course_of(read(shrinker.kept.lines()))
    lines: list[str] = []
    for rows_max in ROWS:
        lines = list(diagram_of(story_of(course, rows_max=rows_max)))
        if len(lines) <= LINES_MAX:
            break
    return "\n".join(lines)

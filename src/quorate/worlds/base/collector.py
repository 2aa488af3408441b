"""When Python looks for objects that only refer to one another.

What a process keeps it keeps for long, and messages come and go by the thousand. Python goes over
all there is whenever a quarter more has come: a history that grows is gone over again and again,
for nothing. Here that is done when as much has come as is there, so that it costs each object
about the same however many there are.
"""

from __future__ import annotations

import gc
from typing import Any

YOUNG = (20_000, 20)
"""New objects for a look at these alone, and such looks for one at all that have come since."""

FEWEST = 1_000_000
"""New objects before all are gone over, however few there are."""


def collect_seldom() -> None:
    """For the whole of this operating-system process, and for those that it forks."""
    if _after not in gc.callbacks:
        gc.callbacks.append(_after)
        _await_more_than(0)


def _after(phase: str, info: dict[str, Any]) -> None:
    if phase == "stop" and info["generation"] == 2:
        _await_more_than(len(gc.get_objects()))


def _await_more_than(alive: int) -> None:
    gc.set_threshold(*YOUNG, max(alive, FEWEST) // (YOUNG[0] * YOUNG[1]))

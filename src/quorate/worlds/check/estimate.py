"""How many states are still to come, guessed from how wide the levels have been so far.

Levels of a search breadth first mostly widen and narrow like a bell (Pelanek, "Properties of state
spaces and their applications", STTT 10(5), 2008, section 3), whose logarithm is a parabola: it is
laid through three levels and goes on to where it ends. A guess, for whoever waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import exp, log

from quorate.worlds.check.explore import Graph
from quorate.worlds.check.growth import levels_of

LEVELS_MIN = 9
"""From fewer, nothing can be told."""

TO_COME_MAX = 1e12
"""So many are not to be waited for."""


def to_come(graph: Graph) -> int | None:
    """How many states there will be beside those found; None where no end is in sight."""
    return widths_to_come([after - before for before, after in pairwise(levels_of(graph))])


def widths_to_come(widths: Sequence[int]) -> int | None:
    """The same, from how many states each whole level has."""
    if len(widths) < LEVELS_MIN:
        return None
    apart = len(widths) // 4
    first, middle, last = (log(widths[-1 - back * apart]) for back in (2, 1, 0))
    bend = (last - 2 * middle + first) / apart**2
    if bend >= 0:
        return None
    slope, total = (last - middle) / apart + bend * apart / 2, 0.0
    while last > 0 and total < TO_COME_MAX:
        slope += bend
        last += slope
        total += exp(last)
    return round(total) if total < TO_COME_MAX else None

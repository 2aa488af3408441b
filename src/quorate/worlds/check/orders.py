"""In which order states are looked for: breadth first, depth first, or by runs that chance decides.

Breadth first is the rule, and finds shortest ways (explore.py). The others are for programs with
more states than there is time or memory for. Invariant: whatever the order, a state that is looked
at is judged as breadth first would, and what is found is a way from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from quorate.worlds.check.depth import DepthFirst
from quorate.worlds.check.explore import Bounds, Explorer, Graph
from quorate.worlds.check.feedback import Feedback
from quorate.worlds.check.observing import Observer
from quorate.worlds.check.pct import Prioritized
from quorate.worlds.check.tables import Tables
from quorate.worlds.check.walks import Walks

Search = Literal["breadth", "depth", "walks", "pct", "new"]

BY_RUNS: tuple[Search, ...] = ("walks", "pct", "new")
"""Orders that go from the beginning again and again."""


@dataclass(frozen=True)
class Order:
    """How to look for states.

    `bits`: depth first remembers states by 2^bits bits (None: by all 64 of each). Of what goes by
    `runs` there are so many, decided by `seed`; pct looks for what `bug_depth` events bring about.
    """

    search: Search = "breadth"
    bits: int | None = None
    runs: int = 1000
    seed: int = 0
    bug_depth: int = 3

    @property
    def is_complete(self) -> bool:
        """Whether all states are found in the end."""
        return self.search not in BY_RUNS and self.bits is None

    def explorer(
        self,
        tables: Tables,
        observer: Observer,
        bounds: Bounds,
        tell: Callable[[Graph, int], None] | None = None,
        *,
        deadlocks: bool = True,
    ) -> Explorer:
        """What searches in this order, with nothing left out."""
        given = tables, observer, bounds, tell
        how: dict[str, Any] = {"deadlocks": deadlocks}
        if self.search in BY_RUNS:
            how |= {"runs": self.runs, "seed": self.seed}
        match self.search:
            case "depth":
                return DepthFirst(*given, bits=self.bits, **how)
            case "walks":
                return Walks(*given, **how)
            case "pct":
                return Prioritized(*given, bug_depth=self.bug_depth, **how)
            case "new":
                return Feedback(*given, **how)
        return Explorer(*given, **how)

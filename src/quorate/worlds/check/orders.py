"""In which order states are looked for: breadth first, depth first, or by runs that chance decides.

Breadth first is the rule, and finds shortest ways (explore.py). The others are for programs with
more states than there is time or memory for. Invariant: whatever the order, a state that is looked
at is judged as breadth first would, and what is found is a way from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from quorate.worlds.check.depth import DepthFirst
from quorate.worlds.check.explore import Explorer
from quorate.worlds.check.feedback import Feedback
from quorate.worlds.check.pct import Prioritized
from quorate.worlds.check.walks import Runs

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

    @property
    def explorer(self) -> Callable[..., Explorer]:
        """What searches in this order, with nothing left out; it is given what an Explorer is."""
        runs = {"runs": self.runs, "seed": self.seed}
        match self.search:
            case "depth":
                return partial(DepthFirst, bits=self.bits)
            case "walks":
                return partial(Runs, **runs)
            case "pct":
                return partial(Prioritized, bug_depth=self.bug_depth, **runs)
            case "new":
                return partial(Feedback, **runs)
        return Explorer

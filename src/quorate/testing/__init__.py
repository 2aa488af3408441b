"""Programs of Quorate in tests: many seeds, all behaviours, runs by hand, transcripts, a plugin.

    def test_the_lock(simulate, cluster): ...       fixtures: see docs/testing.md

Every run of pytest imports this package for its plugin: the rest comes when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quorate.testing.checking import Violated, check
    from quorate.testing.cluster import Cluster, Failed
    from quorate.testing.searching import search
    from quorate.worlds.sim.byhand import NotUnderWay

__all__ = ["Cluster", "Failed", "NotUnderWay", "Violated", "check", "search"]

_HOMES = {
    "Cluster": "quorate.testing.cluster",
    "Failed": "quorate.testing.cluster",
    "NotUnderWay": "quorate.worlds.sim.byhand",
    "Violated": "quorate.testing.checking",
    "check": "quorate.testing.checking",
    "search": "quorate.testing.searching",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

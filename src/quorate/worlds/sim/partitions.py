"""Places, and what cuts them off from each other.

A place is what a fault of the network falls on: a process that `main` has made, with all that it
has made in turn, as if they shared a machine. Invariant: a process belongs to one place for all
of its life, which follows from its id.
"""

from __future__ import annotations

from collections.abc import Iterable

from quorate.core.ids import ProcessId

Path = tuple[int, ...]
"""The path of the id at the top of a place; see core/ids.py."""


class Partition:
    """Groups of places that do not reach each other; with `oneway`, earlier ones not later ones.

    Whoever is in no group reaches all, and is reached.
    """

    def __init__(self, groups: Iterable[Iterable[Path]], oneway: bool = False) -> None:
        self.groups = tuple(tuple(sorted(group)) for group in groups)
        self.oneway = oneway
        self._number = {path: n for n, group in enumerate(self.groups) for path in group}

    def cuts(self, sender: ProcessId, to: ProcessId) -> bool:
        """Whether a message from `sender` to `to` does not get through."""
        here, there = self._group(sender.path), self._group(to.path)
        if here is None or there is None:
            return False
        return here < there if self.oneway else here != there

    def _group(self, path: Path) -> int | None:
        """That of the process itself, or of the nearest above it that is in one."""
        for depth in range(len(path), 0, -1):
            if (number := self._number.get(path[:depth])) is not None:
                return number
        return None


def places(processes: Iterable[ProcessId]) -> list[Path]:
    """The places of a run, in the order of their making.

    Where `main` has made a single process, this one and those that it has made are, and so on down.
    """
    paths = [id.path for id in processes if id.path]
    deepest = max(map(len, paths), default=0)
    for depth in range(1, deepest + 1):
        found = sorted({path[:depth] for path in paths})
        if len(found) > 1:
            return found
    return sorted({path[:1] for path in paths})

"""Names of processes.

A creator names its children without a round trip: the path of a process is the path of its
creator and the running number of its creation, from the `main` of its origin on. Invariant: no two
processes of a run have equal (path, origin); what else is in an id follows from these.
"""

from __future__ import annotations

from typing import Any


class ProcessId:  # noqa: PLW1641 - its hash is a slot
    """The name of a process, as value: hashable, totally ordered by creation, printable.

    `kind` is the name of the process class, `path` the numbers of the creations that led to it
    (the first process that main makes has path (1,)), `name` what `new(P, num=names)` called it,
    `node` the node it lives on, `origin` the one whose `main` is the root of its path (both are
    empty on a run of a single node).
    """

    __slots__ = ("__hash__", "_key", "_text", "kind", "name", "node", "origin", "path")

    def __init__(
        self, kind: str, path: tuple[int, ...], name: str = "", node: str = "", origin: str = ""
    ) -> None:
        self.kind = kind
        self.path = path
        self.name = name
        self.node = node
        self.origin = origin or node
        self._key = (path, self.origin, node)  # a forged id, of another node, is equal to none
        self._text = ""  # made when it is first shown
        # Numbers hash alike in every run, strings do not: sets of ids iterate alike. The method of
        # a number answers without a call of Python, of which views make two a message.
        number = hash((path, len(self.origin), sum(self.origin.encode())))
        self.__hash__ = number.__hash__  # type: ignore[method-assign]

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, ProcessId) and self._key == other._key)

    def __lt__(self, other: ProcessId) -> bool:
        return self._key < other._key if isinstance(other, ProcessId) else NotImplemented

    def __le__(self, other: ProcessId) -> bool:
        return self._key <= other._key if isinstance(other, ProcessId) else NotImplemented

    def __gt__(self, other: ProcessId) -> bool:
        return self._key > other._key if isinstance(other, ProcessId) else NotImplemented

    def __ge__(self, other: ProcessId) -> bool:
        return self._key >= other._key if isinstance(other, ProcessId) else NotImplemented

    def __repr__(self) -> str:
        if not self._text:
            mark = self.name or ".".join(map(str, self.path))
            place = f"@{self.node}" if self.node else ""
            if self.origin != self.node and not self.name:
                mark = f"{self.origin}.{mark}"
            self._text = f"{self.kind}-{mark}{place}" if mark else f"{self.kind}{place}"
        return self._text

    def __copy__(self) -> ProcessId:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> ProcessId:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return ProcessId, (self.kind, self.path, self.name, self.node, self.origin)

    def child(self, number: int, kind: str, name: str = "", node: str | None = None) -> ProcessId:
        """The id of the `number`-th process that this one creates."""
        where = self.node if node is None else node
        return ProcessId(kind, (*self.path, number), name, where, self.origin)


def main_id(node: str = "") -> ProcessId:
    """The id of a node's own process, the one that runs `main`."""
    return ProcessId("main", (), "", node)

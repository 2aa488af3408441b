"""The nodes that a program can name: those that are connected, and those that can be found.

Invariant: a name answers the same in all workers of a node, as what one has learned is in the file
that they share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from quorate.core.ids import ProcessId, main_id
from quorate.core.mistakes import MalformedNode
from quorate.worlds.real.membership import Address, Membership
from quorate.worlds.real.nodelist import NodeError, read_node
from quorate.worlds.real.shared import Met, Names


class KnownNodes(Mapping[str, ProcessId]):
    """The own processes of nodes, by NAME or NAME@HOST:PORT; all iterations are over names."""

    def __init__(self, me: Membership, shared: Names) -> None:
        self._me = me
        self.shared = shared

    def find(self, name: str) -> Address | None:
        """Where a node is that the command line does not name."""
        return self.shared.nodes().get(name) or self._me.find(name)

    def __getitem__(self, text: str) -> ProcessId:
        try:
            node = read_node(text)
            address = node.address if node.host else None
        except NodeError as error:
            raise MalformedNode(error.message, error.help) from None
        name, me = node.name, self._me
        if not (name == me.name or name in me.known or name in self.shared.nodes()):
            if address is None and me.find(name) is None:
                raise KeyError(text)
            if address is not None:
                self.shared.add(Met(name, address))
        return main_id(name)

    def __iter__(self) -> Iterator[str]:
        me = self._me
        return iter(sorted({me.name, *me.known, *self.shared.nodes(), *me.names()}))

    def __len__(self) -> int:
        return sum(1 for _ in self)

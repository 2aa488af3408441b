"""The way of messages to another node: each goes by the channel that its classes have.

Invariant: what a channel that is not `unreliable` takes, arrives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.worlds.base import Channels, kinds_of
from quorate.worlds.real.peerlink import PeerLink


class UnreliableChannels:
    """Those that need not deliver, by the classes at both ends as ids have them."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._channels = Channels(config)
        self._found: dict[tuple[str, str], bool] = {}

    def are_between(self, source: str, target: str) -> bool:
        found = self._found.get((source, target))
        if found is None:
            words = self._channels.words(_class_named(source), kinds_of(_class_named(target)))
            found = self._found[source, target] = "unreliable" in words
        return found


class Road:
    """The way to one other node. Is a `Link` as far as a worker's messages are concerned."""

    def __init__(self, link: PeerLink, unreliable: UnreliableChannels) -> None:
        self._link = link
        self._is_unreliable = unreliable.are_between
        self.flush = link.flush

    def add(self, to: ProcessId, message: Any, sender: ProcessId, stamp: Any) -> None:
        """A message. Raises `Unsendable`."""
        if self._is_unreliable(sender.kind, to.kind):
            self._link.add_unreliable(to, message, sender, stamp)
        else:
            self._link.encoder.add(to, message, sender, stamp)

    def add_order(self, to: ProcessId, order: Any, sender: ProcessId | None) -> None:
        self._link.encoder.add_order(to, order, sender)


def _class_named(kind: str) -> type[Process]:
    """The class of an id; what is said of any class where there is none, as of one that is gone."""
    return next((cls for cls in _classes(Process) if kinds_of(cls)[0] == kind), Process)


def _classes(base: type[Process]) -> Iterator[type[Process]]:
    for cls in base.__subclasses__():
        yield cls
        yield from _classes(cls)

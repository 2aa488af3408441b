"""What another node may say, of what can be said: nobody speaks for a process of a third node.

Invariant: of what is taken, each sender lives on the node it comes from, each receiver here, and
who is created is a child of a creator that lives there. What is not so is counted, and dropped.
"""

from __future__ import annotations

from typing import Any, Final

from quorate.core import effects as fx
from quorate.core.ids import ProcessId
from quorate.net.codec import Arrival, BadFrame, Decoder
from quorate.net.registry import Registry

KNOWN_MAX: Final = 1 << 22
"""Ids that a node may introduce before it begins anew, several times what an Encoder keeps."""


class GuardedDecoder(Decoder):
    """A decoder for what comes from the node `there` to the node `here`.

    What cannot be taken is left out, `refused` counts it, and `reason` is that of the first.
    """

    def __init__(self, registry: Registry, here: str, there: str) -> None:
        super().__init__(registry)
        self.refused = 0
        self.reason = ""
        self._here = here
        self._there = there
        # By number: looking one up is the whole check, once its id has been introduced.
        self._receivers: dict[int, ProcessId] = {}
        self._senders: dict[int, ProcessId] = {}

    def alone(self, data: bytes) -> list[Arrival]:
        """The arrivals of frames that stand alone, as a datagram has them. Raises `BadFrame`."""
        self._forget()
        arrivals = self.feed(data)
        if self._rest:
            self._rest.clear()
            raise BadFrame("a part of a frame")
        return arrivals

    def _introduced(self, id: ProcessId) -> None:
        number = len(self._ids)
        if number >= KNOWN_MAX:
            raise BadFrame(f"more than {KNOWN_MAX} processes")
        self._ids.append(id)
        is_main = not id.path
        if id.node == self._there and (not is_main or id.origin == id.node):
            self._senders[number] = id
        elif id.node == self._here:
            self._receivers[number] = id

    def _forget(self) -> None:
        super()._forget()
        self._senders.clear()
        self._receivers.clear()

    def _other(self, item: Any, arrivals: list[Arrival]) -> None:
        super()._other(item, arrivals)
        if arrivals and type(arrivals[-1][1]) is fx.Create:
            id, _, creator, _ = arrivals[-1]
            if creator is None or (id.path[:-1], id.origin) != (creator.path, creator.origin):
                del arrivals[-1]
                raise BadFrame(f"{id} is no child of {creator}")

    def refuse(self, error: Exception, items: int = 0) -> None:
        """Count what cannot be taken, a frame or so many items of one."""
        self.refused += 1
        self.taken += items  # by the count of who has sent them
        if not self.reason:
            forged = isinstance(error, KeyError)
            why = "it is of, or for, a process that lives elsewhere" if forged else str(error)
            self.reason = why or type(error).__name__

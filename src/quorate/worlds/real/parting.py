"""What a node whose gateway has died tells those who connect again: that it is no more.

The sessions have died with the gateway, so nothing can be said in them. Invariant: whoever is told
has proved itself as ever, and so has this node.
"""

from __future__ import annotations

import asyncio
import socket
from typing import NoReturn

from quorate.net.handshake import Introduction, Refused, Why
from quorate.worlds.real.connection import Connection, greet
from quorate.worlds.real.doorway import Doorway
from quorate.worlds.real.membership import Membership

PARTING_SECONDS = 0.5
"""Long enough for those who were connected to dial again."""


class Gone:
    """The `Party` of a node that is no more."""

    def __init__(self, me: Membership) -> None:
        self.name = me.name
        self.incarnation = me.incarnation

    def introduce(self, peer: str, incarnation: int, dialed: bool) -> NoReturn:
        raise Refused(Why.ENDED)

    def examine(self, introduction: Introduction) -> None:
        """Nobody comes so far as to be judged."""


def part(me: Membership, listener: socket.socket) -> None:
    """Tell whoever connects, for a while, that these two have parted for good."""
    loop = asyncio.new_event_loop()
    gone = Gone(me)

    def meet(end: socket.socket) -> Connection:
        return greet(loop, end, me, gone, None, ignore, ignore)

    doorway = Doorway(loop, listener, meet, ignore)
    doorway.open()
    loop.call_later(PARTING_SECONDS, loop.stop)
    loop.run_forever()
    doorway.close()
    loop.close()


def ignore(*_: object) -> None:
    """What becomes of a connection is all the same."""

"""What a worker is born with, and how it ends.

The node makes the descriptors of all places before it forks anything. Invariant: of each pair of
ends one is the worker's alone and the other the node's, so that either notices the other's death.
"""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from quorate.worlds.real import control as ct
from quorate.worlds.real.program import Place


@dataclass(frozen=True, slots=True)
class Birth:
    """What a worker is born with: the descriptors are open already."""

    place: Place
    control: socket.socket
    lifeline: int
    shared: int
    log: int | None
    history: int | None

    def close(self) -> None:
        """Let go of what is this worker's alone."""
        self.control.close()
        os.close(self.lifeline)


class Seat:
    """A place for a worker: what it is born with, and what the node keeps of it."""

    def __init__(self, place: Place, shared: int, log: int | None, history: int | None) -> None:
        self.place = place
        self.end, there = ct.pair()
        alive, self.lifeline = os.pipe()
        self.birth = Birth(place, there, alive, shared, log, history)

    def close(self) -> None:
        """Let go of what is the node's."""
        self.end.close()
        os.close(self.lifeline)


def live_and_exit(birth: Birth, life: Callable[[], None]) -> NoReturn:
    """Have `life` be all that this process still does; the node hears what is wrong with it."""
    status = 70
    try:
        life()
        status = 0
    except BaseException as error:
        channel = ct.Channel(birth.control)
        channel.send(ct.trouble(birth.place, error))
        channel.flush_all()
    finally:
        os._exit(status)


def raise_limit() -> None:
    """Allow as many open files as the system does: an isolated process costs several."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 1 << 16) if hard != resource.RLIM_INFINITY else 1 << 16
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

"""The event loop of a worker, and what keeps it awake: it looks for an answer before it sleeps.

Waking it costs several times as much as a message does, on a virtual machine most of all.
Invariant: whoever else needs the core gets it, and is not asked for it again for a while.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

try:
    import uvloop
except ImportError:  # not on every platform
    uvloop = None  # type: ignore[assignment]

AWAKE_SECONDS = 0.0001
"""How long it looks before it sleeps."""

SHARED_SECONDS = 0.5
"""How long one that has found its core busy with others sleeps whenever it can."""


class Vigil:
    """Keeps a loop awake for a while; `has_work` says that there is something to do."""

    def __init__(self, loop: asyncio.AbstractEventLoop, has_work: Callable[[], bool]) -> None:
        self._loop = loop
        self._has_work = has_work
        self._away = 0  # how often in a row somebody else had the core when it was offered
        self._awake = False  # looks for arrivals instead of sleeping, until:
        self._sleep_at = 0.0
        self._shared_until = 0.0  # whoever sleeps gets the core sooner than who asks for it always

    def begin(self) -> None:
        """Nothing is to be done just now."""
        now = time.monotonic()
        if now >= self._shared_until:
            self._sleep_at = now + AWAKE_SECONDS
            if not self._awake:
                self._look()

    def _look(self) -> None:
        """Have the loop look for arrivals without sleeping; whoever needs the core gets it."""
        now = time.monotonic()
        self._awake = not self._has_work() and now < self._sleep_at
        if self._awake:
            os.sched_yield()
            if time.monotonic() < now + AWAKE_SECONDS:
                self._away = 0
            elif self._away:  # twice in a row somebody else has had the core
                self._sleep_at, self._shared_until = now, now + SHARED_SECONDS
            else:  # it may have been the machine that this one runs on
                self._away = 1
                self._sleep_at = time.monotonic() + AWAKE_SECONDS
            self._loop.call_soon(self._look)


def new_loop() -> asyncio.AbstractEventLoop:
    """The fastest loop that there is."""
    return asyncio.new_event_loop() if uvloop is None else uvloop.new_event_loop()

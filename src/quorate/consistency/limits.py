"""How much a search may look at before it gives up, which is a verdict of its own.

Deciding linearizability is NP-complete (Gibbons and Korach 1997), so every search has bounds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import Final

SECONDS: Final = 60.0
CONFIGURATIONS: Final = 2_000_000
_CLOCK_EVERY: Final = 256  # configurations between two looks at the clock


class Verdict(Enum):
    """What is said of a history. UNKNOWN is said for a reason that goes with it."""

    HOLDS = "holds"
    VIOLATED = "violated"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Limits:
    """`configurations` bounds what is remembered, some 250 bytes each, and `seconds` the time."""

    seconds: float = SECONDS
    configurations: int = CONFIGURATIONS


class LimitReached(Exception):
    """Says which bound ended a search, and how to raise it."""


class Budget:
    """What is left of the limits of one judgement, for one search after the other."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._deadline = time.monotonic() + limits.seconds
        self.begin()

    def begin(self, configurations: int | None = None) -> None:
        """A search begins, with nothing remembered, and may remember no more than this."""
        most = self._limits.configurations
        self._most = most if configurations is None else min(most, configurations)
        self._remembered = 0
        self._look_at = 1

    def spend(self) -> None:
        """One more configuration is remembered. Raises `LimitReached`."""
        self._remembered += 1
        if self._remembered >= self._look_at:
            self._look()

    def _look(self) -> None:
        if self._remembered > self._most:
            raise LimitReached(f"more than {self._most:,} configurations were to be remembered")
        if time.monotonic() > self._deadline:
            raise LimitReached(f"{self._limits.seconds:g} s have passed")
        self._look_at = min(self._remembered + _CLOCK_EVERY, self._most + 1)

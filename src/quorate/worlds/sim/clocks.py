"""The clocks of processes, which may be apart (skew) and run fast or slow (drift).

Invariant: the clock of a process follows from the seed and its id, so it is the same however the
run goes, and after a crash.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from quorate.core.ids import ProcessId
from quorate.worlds.base import EPOCH_SECONDS


class ProcessClock(NamedTuple):
    """A clock that is `ahead` seconds ahead of the world's at first, and gains `gain` a second."""

    ahead: float = 0.0
    gain: float = 0.0


RIGHT = ProcessClock()


class Clocks:
    """The clock of each process; `skew` and `drift` are the most that one is wrong, either way."""

    def __init__(self, seed: int, skew: float, drift: float) -> None:
        self._seed = seed
        self._skew = skew
        self._drift = drift
        self._clocks: dict[ProcessId, ProcessClock] = {}
        self.are_right = not (skew or drift)

    def of(self, process: ProcessId) -> ProcessClock:
        """The clock of a process; that of `main` is the world's."""
        if self.are_right or not process.path:
            return RIGHT
        clock = self._clocks.get(process)
        if clock is None:
            random = Random(f"{self._seed} clock {process!r}")
            ahead = self._skew * (2 * random.random() - 1)
            clock = ProcessClock(ahead, self._drift * (2 * random.random() - 1))
            self._clocks[process] = clock
        return clock

    def read(self, process: ProcessId | None, now: float, which: str) -> float:
        """What `time` or `monotonic` answers a process, `now` seconds after the beginning."""
        clock = RIGHT if process is None else self.of(process)
        elapsed = now + now * clock.gain
        return elapsed + clock.ahead + EPOCH_SECONDS if which == "time" else elapsed

    def wait(self, process: ProcessId, seconds: float) -> float:
        """How long it takes, in seconds of the world, until a clock has gone on by `seconds`."""
        return seconds if self.are_right else seconds / (1.0 + self.of(process).gain)

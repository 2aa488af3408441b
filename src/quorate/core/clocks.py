"""Logical clocks: Lamport (1978, rules IR1 and IR2) and vector (Mattern 1989; Fidge 1988).

A clock is a value: `time` is what stands in patterns and what `logical_clock()` answers.
"""

from __future__ import annotations

from typing import Any, Protocol

from quorate.core.ids import ProcessId


class Clock(Protocol):
    """A logical clock of one process."""

    time: Any

    def tick(self) -> Any:
        """Advance for a local event (a send); the stamp the message carries."""

    def take(self, stamp: Any) -> None:
        """Advance past the stamp of a message that is taken; one of another kind tells nothing."""


class LamportClock:
    """A number that is greater than that of every event known to have happened before."""

    __slots__ = ("time",)

    def __init__(self, owner: ProcessId | None, time: int = 0) -> None:
        self.time = time

    def tick(self) -> int:
        self.time += 1
        return self.time

    def take(self, stamp: Any) -> None:
        self.time = max(self.time, stamp if type(stamp) is int else 0) + 1


class VectorTime(tuple[tuple[ProcessId, int], ...]):
    """Counts of events by process, sorted by process; the order is the causal one, partial."""

    __slots__ = ()

    def __le__(self, other: object) -> bool:
        if not isinstance(other, VectorTime):
            return NotImplemented
        counts = dict(other)
        return all(count <= counts.get(process, 0) for process, count in self)

    def __lt__(self, other: object) -> bool:
        return self <= other and self != other

    def __ge__(self, other: object) -> bool:
        return other <= self if isinstance(other, VectorTime) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return other < self if isinstance(other, VectorTime) else NotImplemented


class VectorClock:
    """The number of events of every process that are known to have happened."""

    __slots__ = ("owner", "time")

    def __init__(self, owner: ProcessId, time: VectorTime | None = None) -> None:
        self.owner = owner
        self.time = VectorTime() if time is None else time

    def tick(self) -> VectorTime:
        return self._advance({})

    def take(self, stamp: Any) -> None:
        self._advance(dict(stamp) if type(stamp) is VectorTime else {})

    def _advance(self, seen: dict[ProcessId, int]) -> VectorTime:
        counts = dict(self.time)
        for process, count in seen.items():
            counts[process] = max(count, counts.get(process, 0))
        counts[self.owner] = counts.get(self.owner, 0) + 1
        self.time = VectorTime(sorted(counts.items()))
        return self.time


CLOCKS: dict[str, type[LamportClock] | type[VectorClock]] = {
    "lamport": LamportClock,
    "vector": VectorClock,
}

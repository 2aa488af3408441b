"""A worker that measures its processes: what `--stats` shows.

The measured trampoline is slower, so it is a class of its own. Invariant: it does what the
plain one does, one thing at a time.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import Any

from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.worlds.base import standing_of
from quorate.worlds.real.growing import GrowingWorker
from quorate.worlds.real.program import Row


class Measures:
    """What one process has done so far; times in seconds."""

    __slots__ = ("cpu", "place", "sent", "since", "taken", "waits")

    def __init__(self) -> None:
        self.cpu = 0.0
        self.taken = 0
        self.sent = 0
        self.place = ""  # where it waits
        self.since = 0.0
        self.waits: dict[str, float] = {}

    def stand(self, place: str, now: float) -> None:
        """The process stands at `place` now; empty where it does not wait."""
        if self.place and place != self.place:
            self.waits[self.place] = self.waits.get(self.place, 0.0) + now - self.since
        if place != self.place:
            self.place, self.since = place, now


class MeasuredWorker(GrowingWorker):
    """A worker that keeps measures of every process that has lived in it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.near = {}  # every message passes `forward`, to be counted
        self._measures: defaultdict[ProcessId, Measures] = defaultdict(Measures)

    def turn(self, limit: int) -> None:
        while self.queue and limit:
            limit -= 1
            process, _, sender, _ = self.queue[0]
            measures = self._measures[process.id_]
            measures.taken += sender is not None
            begin = time.thread_time()
            super().turn(1)
            measures.cpu += time.thread_time() - begin
            measures.stand("" if process.ended_ else _place_of(process), time.monotonic())

    def forward(self, to: ProcessId, what: Any, sender: ProcessId | None, stamp: Any) -> None:
        if sender in self.processes:
            self._measures[sender].sent += 1
        process = self.processes.get(to)
        if process is not None:
            self.queue.append((process, what, sender, stamp))
        else:
            super().forward(to, what, sender, stamp)

    def _keep_own(self) -> None:
        super()._keep_own()
        for id in [id for id in self._measures if not self._is_own(id)]:
            del self._measures[id]

    def stats(self) -> list[Row]:
        now = time.monotonic()
        rows = []
        for id, measures in sorted(self._measures.items()):
            measures.stand("", now)
            waits = sorted(measures.waits.items(), key=lambda item: -item[1])
            rows.append((repr(id), measures.cpu, measures.taken, measures.sent, waits))
        return rows


def _place_of(process: Process) -> str:
    """Where a process waits and for what, empty where it does not."""
    if not (process.waiting_ or process.sleep_ is not None):
        return ""
    places = standing_of(process).places
    if not places:
        return "messages"
    _, file, line, text = places[-1]
    return f"{file}:{line}: {text}" if line else f"{file}: {text}"

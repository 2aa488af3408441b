"""A worker that checks the properties of its program: what `--check-properties` runs.

It has all processes of the run, as properties speak of all of them. Invariant: it does what other
workers do, one thing at a time, until a property is violated, which ends the run.
"""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

from quorate.core.errors import PropertyFailed
from quorate.core.process import Process
from quorate.worlds.base import Watch
from quorate.worlds.real import control as ct
from quorate.worlds.real.birth import Birth
from quorate.worlds.real.lines import ERROR
from quorate.worlds.real.program import Options, Program, Row
from quorate.worlds.real.stats import MeasuredWorker


class CheckedWorker(MeasuredWorker):
    """A worker that looks at a process after each of its steps. Times are since the beginning."""

    def __init__(self, program: Program, options: Options, birth: Birth, *rest: Any) -> None:
        super().__init__(program, options, birth, *rest)
        self._watch = Watch(program.properties)
        self._begun = time.monotonic()
        self._steps = 0
        self._is_stuck = False  # which is told already, with where all processes stand
        self._due_at = math.inf
        self._due_timer: asyncio.TimerHandle | None = None

    def turn(self, limit: int) -> None:
        while self.queue and limit > 0:
            limit -= 1
            process = self.queue[0][0]
            super().turn(1)
            self._steps += 1
            if type(process) not in self._watch.idle and not self._failures:
                self._look(process)

    def _look(self, process: Process) -> None:
        try:
            self._watch.after(process, self._elapsed(), self._steps)
        except Exception as error:
            self._violated(error)
        if self._watch.due != self._due_at:
            self._wait_for_due()

    def _wait_for_due(self) -> None:
        """Look again when something is to be so, though nothing may happen by then."""
        if self._due_timer is not None:
            self._due_timer.cancel()
        self._due_at = self._watch.due
        if self._due_at < math.inf:
            self._due_timer = self.loop.call_later(self._due_at - self._elapsed(), self._come_due)

    def _come_due(self) -> None:
        self._look_at_time(over=False)
        self._wait_for_due()

    def _look_at_time(self, *, over: bool) -> None:
        try:
            (self._watch.end if over else self._watch.by)(self._elapsed())
        except Exception as error:
            self._violated(error)

    def _elapsed(self) -> float:
        return time.monotonic() - self._begun

    def _violated(self, error: Exception) -> None:
        """End the run, after what has been shown so far."""
        self.queue.clear()
        if not isinstance(error, PropertyFailed):
            self.fault(error)
        elif not self._stopped:
            self._write_output()
            self._stopped = True
            self.tell(ct.Said(str(error), ERROR) if self._is_stuck else ct.Unable(str(error)))

    def _stop(self, status: int = 0, reason: str = "") -> None:
        if not self._stopped:
            self._is_stuck = reason == ct.STUCK
            self._look_at_time(over=True)
        super()._stop(status, reason)

    def stats(self) -> list[Row]:
        return super().stats() if self.options.stats else []

    def unreached(self) -> list[str]:
        watch = self._watch
        wanted = [each for each in watch.properties if each.kind == "sometimes"]
        return [each.name for each in wanted if each not in watch.reached]

"""Processes as values that are equal where nothing that they do next can differ.

Left out of the frozen state (core/freeze.py) is what nothing can read: variables that are dead,
results that have been used, the numbers of timers, and the order in which messages came as far
as only queries go over them. Invariant: thawed, such a value goes on as the process would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from quorate.core.frames import Frame
from quorate.core.freeze import LEFT_OUT, Freezer, Frozen
from quorate.core.kept import Unordered
from quorate.core.naming import Modules
from quorate.core.ordering import rank
from quorate.core.process import Process
from quorate.worlds.check.variables import live_names


def canonical(process: Process, modules: Modules | Mapping[str, Any]) -> Frozen:
    """The state of a process that stands between two steps. Raises ProgramError (Q114)."""
    return _Canonical(process, Modules.of(modules)).frozen()


def frozen_message(message: Any, modules: Modules | Mapping[str, Any]) -> Frozen:
    """A message as a value, whatever it is made of. Raises ProgramError (Q114)."""
    return Freezer(None, Modules.of(modules)).frozen([message])


def _in_no_order(rows: Iterable[Any]) -> Unordered:
    """The order in which messages came is left out, as far as only queries go over them."""
    return Unordered(sorted(rows, key=rank))


class _Canonical(Freezer):
    left_out = LEFT_OUT | {"random_", "sleep_", "timers_"}
    order = staticmethod(_in_no_order)

    def __init__(self, process: Process, modules: Modules) -> None:
        super().__init__(process, modules)
        self.timers: dict[int, int] = {}
        self.top: Frame | None = None
        for frame in process.stack_:
            if isinstance(frame, Frame):
                self.top = frame
                if frame.timer_ is not None:
                    self.timers[frame.timer_] = len(self.timers) + 1
        if process.sleep_ is not None:
            self.timers[process.sleep_] = len(self.timers) + 1

    def define_process(self, process: Process) -> Any:
        sleep = None if process.sleep_ is None else self.timers[process.sleep_]
        timers = (("sleep_", sleep), ("timers_", len(self.timers)))
        return (*super().define_process(process), *timers)

    def told_of(self, frame: Frame) -> tuple[Iterable[Any], Iterable[str]]:
        block, then = frame.block_, "" if frame is self.top else frame.next_
        timer = self.timers.get(frame.timer_)  # type: ignore[arg-type]
        live = live_names(frame.routine_, block, then)
        parts = (block, then, frame.label_, timer, frame.expired_, None, frame.error_)
        return parts, live & frame.__dict__.keys()

"""Processes as values that are equal where nothing that they do next can differ.

Left out of the frozen state (core/freeze.py) is what nothing can read: variables that are dead,
results that have been used, the numbers of timers, and the order in which messages came as far
as only queries go over them. Invariant: thawed, such a value goes on as the process would.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from quorate.core.extremes import Highest, Lowest
from quorate.core.frames import Frame
from quorate.core.freeze import FRAME_PARTS, LEFT_OUT, Freezer, Frozen
from quorate.core.naming import Modules
from quorate.core.ordering import rank
from quorate.core.pending import Pending
from quorate.core.process import Process
from quorate.core.views import Distinct, Groups
from quorate.worlds.check.variables import live_names


def canonical(process: Process, modules: Mapping[str, Any]) -> Frozen:
    """The state of a process that stands between two steps. Raises ProgramError (Q114)."""
    return _Canonical(process, Modules(modules)).frozen()


def frozen_message(message: Any, modules: Mapping[str, Any]) -> Frozen:
    """A message as a value, whatever it is made of. Raises ProgramError (Q114)."""
    return Freezer(None, Modules(modules)).frozen([message])


class _Canonical(Freezer):
    left_out = LEFT_OUT | {"random_", "sleep_", "timers_"}

    def __init__(self, process: Process, modules: Modules) -> None:
        super().__init__(process, modules)
        frames = [each for each in process.stack_ if isinstance(each, Frame)]
        timers = [frame.timer_ for frame in frames if frame.timer_ is not None]
        if process.sleep_ is not None:
            timers.append(process.sleep_)
        self.timers = {timer: number for number, timer in enumerate(timers, 1)}
        self.top = frames[-1] if frames else None

    def define_process(self, process: Process) -> Any:
        sleep = None if process.sleep_ is None else self.timers[process.sleep_]
        timers = (("sleep_", sleep), ("timers_", len(self.timers)))
        return (*super().define_process(process), *timers)

    def define_frame(self, frame: Frame) -> Any:
        parts = {name: getattr(frame, name) for name in FRAME_PARTS}
        parts["result_"] = None
        parts["timer_"] = self.timers.get(frame.timer_)  # type: ignore[arg-type]
        if frame is self.top:
            parts["next_"] = ""
        live = live_names(frame.routine_, parts["block_"], parts["next_"])
        variables = []
        for name in sorted(live & frame.__dict__.keys()):
            self.place = f"the variable `{name}` of {frame.routine_.qualname}"
            variables.append((name, self.value(frame.__dict__[name])))
        return ("frame", self.value(frame.routine_), self.values(parts.values()), *variables)

    def reduced(self, value: Any) -> tuple[Any, ...]:
        arrange = ARRANGE.get(type(value))
        return super().reduced(value if arrange is None else arrange(value))


# The order of messages ------------------------------------------------------------------------


def _sorted(values: Mapping[Any, Any]) -> list[tuple[Any, Any]]:
    return sorted(values.items(), key=lambda item: rank(item[0]))


def _distinct(rows: Distinct) -> Distinct:
    return Distinct(_sorted(rows))


def _groups(view: Groups) -> Groups:
    arranged = copy.copy(view)
    arranged.groups = type(view.groups)(view.groups.default_factory)
    arranged.groups.update((key, rows) for key, rows in _sorted(view.groups) if len(rows))
    return arranged


def _pending(view: Pending) -> Pending:
    arranged = copy.copy(view)
    rows = sorted([*view.rows, *view.over], key=rank)
    numbers = {key: number for number, key in enumerate(rows)}
    arranged.rows = {key: (numbers[key], view.rows[key][1]) for key in rows if key in view.rows}
    arranged.over = {key: (numbers[key], view.over[key][1]) for key in rows if key in view.over}
    arranged.count = len(rows)
    arranged.dropped = dict(_sorted(view.dropped))
    return arranged


def _tops(view: Any) -> Any:
    arranged = copy.copy(view)
    arranged.rows = dict(_sorted(view.rows))
    arranged.tops = {
        group: (best, sorted(rows, key=rank)) for group, (best, rows) in _sorted(view.tops)
    }
    return arranged


ARRANGE: dict[type, Callable[[Any], Any]] = {
    Distinct: _distinct,
    Groups: _groups,
    Pending: _pending,
    Highest: _tops,
    Lowest: _tops,
}

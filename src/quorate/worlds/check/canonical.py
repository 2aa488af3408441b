"""Processes as values that are equal where nothing that they do next can differ.

Left out of the frozen state (core/freeze.py) is what nothing can read: variables that are dead,
results that have been used, the numbers of timers, and the order in which messages came as far
as only queries go over them. Invariant: thawed, such a value goes on as the process would.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterable, Mapping
from types import CodeType
from typing import Any

from quorate.core.frames import Frame, Routine
from quorate.core.freeze import FRAME_PARTS, LEFT_OUT, Freezer, Frozen
from quorate.core.kept import Unordered
from quorate.core.naming import Modules
from quorate.core.ordering import rank
from quorate.core.process import Process

COMPREHENSIONS = frozenset({"<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"})


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


# What is live ---------------------------------------------------------------------------------


@functools.cache
def live_names(routine: Routine, *blocks: str) -> frozenset[str]:
    """The variables of a frame that some block reads which can be run from `blocks` on."""
    codes = {name: code_of(each) for name, each in routine.blocks.items()}
    reached = [name for name in blocks if name in codes]
    for name in reached:
        named = _strings(codes[name]) | {routine.on_error.get(name, "")}
        reached += sorted(named & codes.keys() - set(reached))
    found = set(routine.iterators)
    for name in reached:
        found |= _reads(codes[name])
        found |= _strings_of_cells(routine.blocks[name])
    for code in codes.values():  # a function may be called when its block is long over
        for inner in _inside(code):
            if inner.co_name not in COMPREHENSIONS:
                found |= _reads(inner)
    return frozenset(found)


def code_of(block: Any) -> CodeType:
    """The code of a block, be it wrapped or not."""
    code: CodeType = getattr(block, "__wrapped__", block).__code__
    return code


def _strings_of_cells(block: Any) -> set[str]:
    """The names of variables that what a block is wrapped in reads."""
    cells = [cell.cell_contents for cell in block.__closure__ or ()]
    return {name for each in cells if isinstance(each, tuple) for name in each}


def _inside(code: CodeType) -> Iterable[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _inside(constant)


def _strings(code: CodeType) -> set[str]:
    found = {each for each in code.co_consts if isinstance(each, str)}
    return found.union(*map(_strings, _inside(code)))


def _reads(code: CodeType) -> set[str]:
    """All attributes that code reads, of whatever object."""
    found = {
        str(each.argval)
        for each in dis.get_instructions(code)
        if each.opname.startswith(("LOAD_ATTR", "LOAD_METHOD"))
    }
    return found.union(*map(_reads, _inside(code)))

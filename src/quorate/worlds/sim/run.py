"""One simulated run, from a program to what came of it.

The same program, arguments and seed give the same run, byte for byte. Invariant: a run ends when
all that started and are no daemons have ended, when nothing can happen any more, when one failed,
or where the caller says; there is no other way, and no waiting.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from quorate.core import effects as fx
from quorate.core.ambient import here, seed_modules
from quorate.core.ordering import repr_of, text_of
from quorate.core.process import Process
from quorate.worlds.base import Standing, config_of, standing_of
from quorate.worlds.sim.host import EPOCH_SECONDS, SimulatedHost

STEPS_MAX = 1_000_000

Until = float | Callable[["Run"], bool]
"""Virtual seconds, or a condition on the run so far that is asked after every step."""


@dataclass(frozen=True, slots=True, repr=False)
class Output:
    """What a process showed: `time` in virtual seconds, `level` as in logging (20 is info)."""

    process: str
    time: float
    values: tuple[Any, ...]
    text: str
    level: int

    def __repr__(self) -> str:
        """Without the order that sets happen to have, so that it is the same in every run."""
        return f"Output({self.time!r}, {self.process}, {repr_of(self.values)}, {self.level})"


@dataclass(slots=True)
class Run:
    """What came of a run.

    `status` is that of the program: 0 done, 1 failed or stuck, or its first exit code that is
    not 0. `waiting` says where processes stand that had not ended; `messages` counts those
    taken off the network, `processes` those made, `time` virtual seconds.
    """

    seed: int
    outputs: list[Output] = field(default_factory=list)
    status: int = 0
    error: BaseException | None = None
    waiting: list[Standing] = field(default_factory=list)
    messages: int = 0
    processes: int = 0
    steps: int = 0
    time: float = 0.0

    def texts(self, process: str | None = None) -> list[str]:
        """What all processes showed, or the one called so, in order."""
        return [each.text for each in self.outputs if process in (None, each.process)]


class StepsExceeded(RuntimeError):
    """The run took more steps than the caller allowed."""


def simulate(
    path: str | os.PathLike[str] | ModuleType,
    args: Sequence[Any] = (),
    seed: int = 0,
    *,
    until: Until | None = None,
    max_steps: int = STEPS_MAX,
    refreeze: bool = False,
    config: Mapping[str, Any] | None = None,
    views: bool = True,
) -> Run:
    """Run the program at `path` (or an already loaded module) with `args` on its command line.

    With `refreeze`, every process is frozen and thawed before each of its steps; without `views`,
    queries go over whole histories. `config` comes before what the program itself says. A failure
    of the program is told in the result, an error in its text (or in its top-level statements) is
    raised.
    """
    from quorate.compiler.loader import main_of

    with command_line(path, args), surroundings(seed):
        module = path if isinstance(path, ModuleType) else _load(path, views)
        run = Run(seed)
        modules = {module.__name__: module} if refreeze else None
        host = SimulatedHost(seed, config_of(module, config), _shower(run), modules)
        host.add_main(main_of(module))
        host.plan()
        _go(host, run, until, max_steps)
    return run


def _load(path: str | os.PathLike[str], views: bool) -> ModuleType:
    from quorate.compiler.loader import load

    return load(os.fspath(path), views=views)


@contextmanager
def command_line(path: str | os.PathLike[str] | ModuleType, args: Sequence[Any]) -> Iterator[None]:
    """`sys.argv` as the program is to see it."""
    name = path.__name__ if isinstance(path, ModuleType) else os.fspath(path)
    before = sys.argv
    sys.argv = [name, *map(str, args)]
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def surroundings(seed: int) -> Iterator[None]:
    """What the statements of modules, which are in no process, find: numbers and time, fixed."""
    before = here.fallback, here.now
    here.process = None
    seed_modules(seed)
    here.now = lambda which: EPOCH_SECONDS if which == "time" else 0.0
    try:
        yield
    finally:
        here.fallback, here.now = before
        here.process = None


def _shower(run: Run) -> Callable[[float, Process, fx.Output], None]:
    def show(time: float, process: Process, output: fx.Output) -> None:
        text = output.sep.join(map(text_of, output.values))
        run.outputs.append(Output(repr(process.id_), time, output.values, text, output.level))

    return show


def _go(host: SimulatedHost, run: Run, until: Until | None, max_steps: int) -> None:
    """Take steps until the run is over, and fill in what came of it."""
    limit = until if isinstance(until, (int, float)) else float("inf")
    holds = until if callable(until) else None
    stopped = False
    while not stopped and host.error is None and host.next_time() is not None:
        if host.steps >= max_steps:
            host.error = StepsExceeded(f"more than {max_steps} steps, at {host.time:.6f} s")
            break
        if (host.next_time() or 0.0) > limit:
            stopped = True
            break
        host.step()
        _count(host, run)
        stopped = host.over() or (holds is not None and holds(run))
    _conclude(host, run, stopped)


def _count(host: SimulatedHost, run: Run) -> None:
    run.messages, run.processes = host.delivered, host.made
    run.steps, run.time = host.steps, host.time


def _conclude(host: SimulatedHost, run: Run, stopped: bool) -> None:
    _count(host, run)
    run.error = host.error
    left = [p for p in host.processes.values() if p.started_ and p.id_ not in host.daemons]
    run.waiting = [standing_of(process) for process in sorted(left, key=lambda each: each.id_)]
    code = next((code for code in host.codes if code), 0)
    run.status = code or int(host.error is not None or (bool(left) and not stopped))

"""One simulated run, from a program to what came of it.

The same program, arguments and seed give the same run, byte for byte. Invariant: a run ends when
all that started and are no daemons have ended, when nothing can happen any more, when one failed,
or where the caller says; there is no other way, and no waiting.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

from quorate.core import effects as fx
from quorate.core.ids import ProcessId
from quorate.core.ordering import repr_of, text_of
from quorate.core.process import Process
from quorate.lang.faults import Fault, faults_of
from quorate.trace import events as trace
from quorate.worlds.base import (
    Standing,
    Watch,
    command_line,
    config_of,
    faults_of_program,
    properties_of,
    specifications_of,
    standing_of,
    surroundings,
)
from quorate.worlds.sim.faults import Strikes, swarm
from quorate.worlds.sim.happenings import Observer
from quorate.worlds.sim.host import End, SimulatedHost
from quorate.worlds.sim.partitions import Path
from quorate.worlds.sim.recording import RecordedHost, Recorder
from quorate.worlds.sim.scenario import Line, play
from quorate.worlds.sim.strikes import play_again

STEPS_MAX = 1_000_000

Until = float | Callable[["Run"], bool]
"""Virtual seconds, or a condition on the run so far that is asked after every step."""


class Output(NamedTuple):
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
    not 0. `end` says why it ended there, `waiting` where processes stand that had not ended;
    `messages` counts those taken off the network, `lost` those that a fault took, `crashes` the
    processes, `processes` those made, `time` is in virtual seconds. `failed` is the process that
    `error` came from. `reliable` says that no message went over an unreliable channel. `reached`
    says of the properties of `@sometimes`, by their places, whether they held. `history` has a line
    for each event of an operation.
    """

    seed: int
    outputs: list[Output] = field(default_factory=list)
    status: int = 0
    end: End = "over"
    error: BaseException | None = None
    failed: ProcessId | None = None
    waiting: list[Standing] = field(default_factory=list)
    messages: int = 0
    lost: int = 0
    crashes: int = 0
    reliable: bool = True
    processes: int = 0
    steps: int = 0
    time: float = 0.0
    reached: dict[tuple[str, int], bool] = field(default_factory=dict)
    history: list[bytes] = field(default_factory=list)

    def texts(self, process: str | None = None) -> list[str]:
        """What all processes showed, or the one called so, in order."""
        return [each.text for each in self.outputs if process in (None, each.process)]


@dataclass(frozen=True, slots=True)
class Adversity:
    """What befalls a run from outside.

    `faults` maps names to a text or several (see lang/faults.py), and comes before what the
    program says of the same fault, which counts only with `program`. With `swarm`, each seed draws
    which of all these are on. After `until`, in virtual seconds, there are none any more. With
    `strikes`, those of a recorded run, nothing else comes and goes; `restarts` says whether
    processes could begin anew there.
    """

    faults: Mapping[str, Any] = field(default_factory=dict)
    scenario: Sequence[Line] = ()
    swarm: bool = False
    until: float = math.inf
    program: bool = True
    strikes: Sequence[trace.Fault] | None = None
    restarts: bool = False

    def of(self, module: ModuleType, seed: int) -> list[Fault]:
        """The faults of one run. Raises FaultError."""
        own = faults_of_program(module) if self.program else {}
        faults = faults_of({**own, **self.faults})
        return swarm(faults, seed) if self.swarm else faults


def load_for(path: str | os.PathLike[str], *, views: bool) -> ModuleType:
    """The program at `path`, with what its properties need."""
    from quorate.compiler.loader import load

    return load(os.fspath(path), views=views, properties=True)


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
    adversity: Adversity | None = None,
    observer: Observer | None = None,
) -> Run:
    """Run the program at `path` (or an already loaded module) with `args` on its command line.

    With `refreeze`, every process is frozen and thawed before each of its steps; without `views`,
    queries go over whole histories. `config` comes before what the program itself says. Without
    `adversity` the program's own faults befall it. `observer` is told all that happens. A failure
    of the program is told in the result, an error in its text (or in its top-level statements) is
    raised.
    """
    with command_line(path, args), surroundings(seed):
        module = path if isinstance(path, ModuleType) else load_for(path, views=views)
        return run_loaded(
            *(module, seed, until, max_steps, config, adversity, observer),
            refreeze=refreeze,
        )


def run_loaded(
    module: ModuleType,
    seed: int,
    until: Until | None = None,
    max_steps: int = STEPS_MAX,
    config: Mapping[str, Any] | None = None,
    adversity: Adversity | None = None,
    observer: Observer | None = None,
    *,
    refreeze: bool = False,
    recorder: Recorder | None = None,
    history: Callable[[bytes], object] | None = None,
) -> Run:
    """The same for a program that has been loaded in its `surroundings`, and is run there.

    A `recorder` takes the place of an observer. `history` is given each line of the history.
    """
    from quorate.compiler.loader import main_of

    adversity = adversity or Adversity()
    run = Run(seed)
    faults = adversity.of(module, seed)
    restarts = bool(adversity.scenario) or any(each.name == "crash" for each in faults)
    restarts |= adversity.restarts
    made_of = (seed, config_of(module, config), _shower(run))
    options: dict[str, Any] = {"faults": faults, "restarts": restarts}
    options["refreeze"] = {module.__name__: module} if refreeze else None
    if recorder is None:
        host = SimulatedHost(*made_of, observer=observer, **options)
    else:
        host = RecordedHost(*made_of, recorder, **options)
        recorder.begins(faults, restarts)
    if properties := properties_of(module):
        host.watch = Watch(properties, adversity.until if adversity.until < math.inf else 0.0)
    host.history.said = specifications_of(module)
    host.history.write = history
    _beset(host, faults, adversity, {} if recorder is None else recorder.paths)
    host.add_main(main_of(module))
    host.plan()
    _go(host, run, until, max_steps, calm=adversity.until < math.inf)
    if host.watch is not None:
        wanted = [each for each in host.watch.properties if each.kind == "sometimes"]
        run.reached = {each.place: each in host.watch.reached for each in wanted}
    if recorder is not None:
        recorder.over(run.end, run.status, [each.process for each in run.waiting])
    return run


def _beset(
    host: SimulatedHost, faults: Sequence[Fault], adversity: Adversity, paths: Mapping[str, Path]
) -> None:
    """Have a run befallen by what comes and goes; `paths` are those of processes, by name."""
    if adversity.strikes is None:
        Strikes(host, faults, adversity.until)
    if adversity.until < math.inf:
        host.agenda.act_at(adversity.until, host.network.calm)
    if adversity.strikes is None:
        play(host, adversity.scenario)
    else:
        play_again(host, adversity.strikes, paths)


def _shower(run: Run) -> Callable[[float, Process, fx.Output], None]:
    def show(time: float, process: Process, output: fx.Output) -> None:
        text = output.sep.join(map(text_of, output.values))
        run.outputs.append(Output(repr(process.id_), time, output.values, text, output.level))

    return show


def _go(host: SimulatedHost, run: Run, until: Until | None, max_steps: int, *, calm: bool) -> None:
    """Take steps until the run is over, and fill in what came of it.

    With `calm` there are no faults in the end, so that nothing is excused by them.
    """
    limit = until if isinstance(until, (int, float)) else float("inf")
    holds = None
    if callable(until):
        condition = until

        def holds() -> bool:
            _count(host, run)
            return condition(run)

    run.end = host.go(limit, max_steps, holds)
    if host.watch is not None and host.error is None:
        excused = run.end == "quiet" and not calm and (host.network.lost or host.lives.crashes)
        if run.end in ("over", "quiet") and not excused:
            host.look_at_time(host.agenda.now, over=True)
        elif run.end == "late":
            host.look_at_time(limit)
    host.look_at_history()
    _conclude(host, run)


def _count(host: SimulatedHost, run: Run) -> None:
    run.messages, run.processes = host.delivered, host.made
    run.steps, run.time = host.steps, host.agenda.now


def _conclude(host: SimulatedHost, run: Run) -> None:
    _count(host, run)
    run.error, run.history = host.error, host.history.lines
    run.failed = None if host.at_fault is None else host.at_fault.id_
    run.lost, run.crashes = host.network.lost, host.lives.crashes
    run.reliable = host.network.routes.are_reliable()
    left = [p for p in host.processes.values() if p.started_ and p.id_ not in host.daemons]
    run.waiting = [standing_of(process) for process in sorted(left, key=lambda each: each.id_)]
    code = next((code for code in host.codes if code), 0)
    stuck = bool(left) and run.end == "quiet"
    run.status = code or int(host.error is not None or stuck)

"""Runs that are recorded, of programs that are given as texts: a plugin of all tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from quorate.compiler.loader import load
from quorate.trace import Trace, read
from quorate.trace.reading import line_of
from quorate.worlds.sim import Adversity
from quorate.worlds.sim.recording import Events, Recorder
from quorate.worlds.sim.replay import begin_of
from quorate.worlds.sim.scenario import read_scenario
from quorate.worlds.sim.seeds import Plan, Result, run_once


class Recorded(NamedTuple):
    """A run: its trace, what came of it, and the module and plan to run it again."""

    trace: Trace
    result: Result
    module: Any
    plan: Plan

    def of(self, kind: type) -> list[Any]:
        return [each for each in self.trace.events if isinstance(each, kind)]


Record = Callable[..., Recorded]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Record a run of the program of a text, or of a path, under faults."""

    def call(
        program: str | Path,
        scenario: str = "",
        *,
        seed: int = 0,
        until: float = 60.0,
        channel: str = "reliable",
        faults_until: float = float("inf"),
        swarm: bool = False,
        arguments: tuple[str, ...] = (),
        **faults: Any,
    ) -> Recorded:
        path = program if isinstance(program, Path) else tmp_path / "told.da"
        if not isinstance(program, Path):
            path.write_text(program)
        adversity = Adversity(faults, read_scenario(scenario), swarm, faults_until)
        config = {"channel": frozenset(channel.split(","))}
        plan = Plan(str(path), arguments, adversity, config, until)
        module = load(str(path), properties=True)
        events = Events()
        recorder = Recorder(begin_of(plan, seed, "0"), events.tell)
        result = run_once(plan, module, seed, recorder=recorder)
        lines = list(map(line_of, events))
        trace = read(lines)
        assert [*trace.lines()] == lines
        return Recorded(trace, result, module, plan)

    return call

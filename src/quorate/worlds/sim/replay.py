"""What is recorded of a run beside what happens, and having a recorded one happen again.

Invariant: a replay takes nothing from chance. Strictly, it follows the trace event by event, and
stops at the first that differs; loosely, it takes the choices of the trace wherever they fit.
"""

from __future__ import annotations

import math
from dataclasses import replace
from types import ModuleType
from typing import Any

from quorate.lang.faults import FaultError, fault_of
from quorate.trace import SCHEMA, Trace, TraceError
from quorate.trace import events as ev
from quorate.trace.reading import line_of
from quorate.worlds.base.recording import Tell
from quorate.worlds.sim.recording import Otherwise, Recorder
from quorate.worlds.sim.run import Adversity
from quorate.worlds.sim.seeds import Plan, Result, run_once


def begin_of(plan: Plan, seed: int, version: str, module: str | None = None) -> ev.Begin:
    """What a trace begins with, as far as it is known before the program is loaded.

    `version` is that of Quorate, `module` the name of a program inside of a package.
    """
    return ev.Begin(
        *(SCHEMA, version, plan.path, seed, list(plan.args), module),
        until=_finite(plan.until),
        steps_max=plan.steps_max,
        calm=_finite(plan.adversity.until),
        config={key: sorted(words) for key, words in plan.config.items()},
    )


def _finite(seconds: float) -> float | None:
    return seconds if seconds < math.inf else None


def plan_of(trace: Trace) -> Plan:
    """What has a recorded run happen again. Raises TraceError."""
    begin = trace.begin
    _check_faults(trace)
    faults: dict[str, Any] = {}
    for name, text in begin.faults:
        faults.setdefault(name, []).append(text)
    strikes = [each for each in trace.events if isinstance(each, ev.Fault)]
    calm = math.inf if begin.calm is None else begin.calm
    return Plan(
        begin.program,
        begin.arguments,
        Adversity(faults, until=calm, program=False, strikes=strikes, restarts=begin.restarts),
        {key: frozenset(words) for key, words in begin.config.items()},
        math.inf if begin.until is None else begin.until,
        1_000_000 if begin.steps_max is None else begin.steps_max,
    )


def replay(trace: Trace, module: ModuleType, tell: Tell | None = None) -> Result:
    """Have it happen again, with the choices of `trace`.

    Raises Otherwise at the first event that differs; but with `tell`, which is told what happens,
    the run may go its own way.
    """
    choices = [each for each in trace.events if isinstance(each, ev.Choice)]
    plan = replace(plan_of(trace), outputs=True)
    follower = _Follower(trace)
    begin = ev.Begin(**{name: getattr(trace.begin, name) for name in ev.Begin.__struct_fields__})
    recorder = Recorder(begin, follower if tell is None else tell, choices)
    follower.recorder = recorder
    result = run_once(plan, module, trace.begin.seed, recorder=recorder)
    if follower.differs is not None:
        raise follower.differs
    return result


def _check_faults(trace: Trace) -> None:
    """Whether the texts of all faults can be understood."""
    faults = [(1, trace.begin.faults)]
    faults += [(n, e.faults) for n, e in enumerate(trace.events, 2) if isinstance(e, ev.Fault)]
    for line, pairs in faults:
        for name, text in pairs:
            try:
                fault_of(name, text)
            except FaultError as error:
                raise TraceError("Q403", error.message, error.help, line) from None


class _Follower:
    """Compares what happens with what is expected, and stops the run where it differs."""

    recorder: Recorder

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._restart()

    def _restart(self) -> None:
        self._events = iter([self._trace.begin, *self._trace.events])
        self._line = 0
        self.differs: Otherwise | None = None

    def __call__(self, event: ev.Event) -> None:
        host = self.recorder.host
        if isinstance(event, ev.Begin):
            self._restart()
        if self.differs is not None:
            return
        self._line += 1
        expected = next(self._events, None)
        if expected is None or line_of(event) != line_of(expected):
            self.differs = Otherwise(self._line, expected, event)
            if host is not None:
                host.error = self.differs  # which ends the run

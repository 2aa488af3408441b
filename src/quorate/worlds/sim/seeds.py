"""Many seeds of one program: what came of each, and what all of them have reached.

Invariant: what comes of a seed follows from the plan and the seed alone, in whichever process it
is run, and after whichever others: the program's modules are loaded anew for each.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Literal

from quorate.compiler.coverage import COVERED, POINTS, Point
from quorate.compiler.loader import load_anew, program_modules
from quorate.core.errors import PropertyFailed
from quorate.core.ids import main_id
from quorate.core.properties import Property
from quorate.worlds.base import command_line, failure_of, not_ended, stuck, surroundings
from quorate.worlds.sim.happenings import Digest
from quorate.worlds.sim.host import StepsExceeded
from quorate.worlds.sim.recording import Otherwise, Recorder
from quorate.worlds.sim.run import Adversity, Output, Run, run_loaded
from quorate.worlds.sim.scenario import ScenarioError

Verdict = Literal["done", "late", "stalled", "failed"]
"""It ended by itself; its time was up; it came to a stop after faults had taken something from
it, which is no failure as long as they may; or it failed."""

Reached = dict[str, list[bool]]
"""By the file of a module: for each of its points, whether it was reached."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is run for each seed. `until` is in virtual seconds; `checks` runs each seed twice.

    `recorder` makes what records the run of a seed; `history`, called when a run begins, what is
    given each line of its history.
    """

    path: str
    args: Sequence[str] = ()
    adversity: Adversity = field(default_factory=Adversity)
    config: Mapping[str, Any] = field(default_factory=dict)
    until: float = math.inf
    steps_max: int = 1_000_000
    checks: bool = False
    outputs: bool = False
    recorder: Callable[[int], Recorder] | None = None
    history: Callable[[], Callable[[bytes], object]] | None = None


@dataclass(slots=True)
class Result:
    """What came of one seed; of a failure its code, its first line, and all that is to be said.

    `status` is the exit status of the program. `outputs`, and the lines of the `history` of its
    clients, are empty unless the plan asks for them.
    """

    seed: int
    verdict: Verdict = "done"
    status: int = 0
    code: str = ""
    summary: str = ""
    text: str = ""
    messages: int = 0
    steps: int = 0
    processes: int = 0
    lost: int = 0
    crashes: int = 0
    seconds: float = 0.0
    reliable: bool = True
    digest: str = ""
    reached: Reached = field(default_factory=dict)
    sometimes: dict[tuple[str, int], bool] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    history: list[bytes] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return self.verdict == "failed"

    @property
    def kind(self) -> str:
        """What is the same for failures of one kind: the code and the last place in the program."""
        return repr((self.code, self._place, re.sub(r"\d+", "#", self.summary)))

    @property
    def way(self) -> tuple[str, str, str]:
        """How it failed, whatever the values: the code, the place, and the class of the error."""
        error = re.search(r" failed: ([\w.]+)", self.summary)
        return self.code, repr(self._place), "" if error is None else error[1]

    @property
    def _place(self) -> list[tuple[str, str]]:
        """The last place in the program that the text names, if any."""
        places = re.findall(r'File "(.*?)", line (\d+)', self.text) or re.findall(
            r"^    (\S+?):(\d+)", self.text, re.MULTILINE
        )
        return places[-1:]


def run_seed(plan: Plan, module: ModuleType, seed: int) -> Result:
    """Run one seed of a program that has been loaded once. Raises ScenarioError."""
    digest = Digest() if plan.checks else None
    recorder = None if plan.recorder is None else plan.recorder(seed)
    result = run_once(plan, module, seed, digest, recorder)
    result.reached = reached()
    if digest is not None:
        result.digest, again = digest.hex(), Digest()
        elsewhere = [[number] for number in range(1000)]  # so that objects have other addresses
        run_once(plan, module, seed, again)
        del elsewhere
        if again.hex() != result.digest:
            _fail(result, "Q119", _DIFFERS.format(seed=seed))
    return result


def run_once(
    plan: Plan,
    module: ModuleType,
    seed: int,
    digest: Digest | None = None,
    recorder: Recorder | None = None,
) -> Result:
    """A run of one seed. Raises what stops it from outside: see _FROM_OUTSIDE."""
    run = _run(plan, module, seed, digest, recorder)
    last = run.error.step if isinstance(run.error, PropertyFailed) else None
    if last is not None and last < run.steps:
        # That operations were wrong is seen when all are known: the same again, up to there.
        run = _run(replace(plan, steps_max=last), module, seed, None, recorder)
    if isinstance(run.error, _FROM_OUTSIDE):
        raise run.error
    result = judged(run, plan.adversity)
    if plan.outputs:
        result.outputs, result.history = run.outputs, run.history
    return result


def _run(
    plan: Plan, module: ModuleType, seed: int, digest: Digest | None, recorder: Recorder | None
) -> Run:
    with command_line(plan.path, plan.args), surroundings(seed):
        try:
            fresh = load_anew(module)
        except Exception as error:  # of the statements of a module, with this seed
            return Run(seed, error=error, failed=main_id(), status=1, end="failed")
        return run_loaded(
            *(fresh, seed, plan.until, plan.steps_max, plan.config, plan.adversity, digest),
            recorder=recorder,
            history=None if plan.history is None else plan.history(),
        )


_FROM_OUTSIDE = (KeyboardInterrupt, ScenarioError, Otherwise)

_DIFFERS = """\
error[Q119]: seed {seed} went another way when it was run again
  = help: look for what follows neither from the seed nor from messages: files, addresses of
    objects, modules of Python that keep something from run to run"""


def judged(run: Run, adversity: Adversity) -> Result:
    """The verdict on a run, and what is to be said of a failure."""
    result = Result(
        *(run.seed, "done", run.status),
        messages=run.messages,
        steps=run.steps,
        processes=run.processes + 1,  # main among them
        lost=run.lost,
        crashes=run.crashes,
        seconds=run.time,
        reliable=run.reliable,
        sometimes=run.reached,
    )
    if isinstance(run.error, StepsExceeded):
        _fail(result, "Q118", f"error[Q118]: {run.error}\n  = help: give --steps, or --until")
    elif isinstance(run.error, PropertyFailed):
        text = str(run.error)
        if run.error.code == "Q122" and run.end == "quiet" and run.waiting:
            text += f"\n{stuck(map(str, run.waiting), len(run.waiting), said='')}"
        _fail(result, run.error.code, text)
    elif run.error is not None:
        assert run.failed is not None
        failure = failure_of(run.failed, run.error)
        _fail(result, failure.code, str(failure))
    elif run.status and not (run.waiting and run.end == "quiet"):
        _fail(result, "", f"error: the program ended with status {run.status}")
    elif run.waiting and run.end == "quiet":
        excused = (run.lost or run.crashes) and adversity.until == math.inf
        result.verdict = "stalled"
        if not excused:
            _fail(result, "Q107", stuck(map(str, run.waiting), len(run.waiting)))
    elif run.waiting and run.end == "late":
        result.verdict = "late"
        if adversity.until < math.inf:
            _fail(result, "Q117", _not_recovered(run, adversity))
    return result


def _fail(result: Result, code: str, text: str) -> None:
    result.verdict, result.code, result.text = "failed", code, text
    result.summary = text.partition("\n")[0]
    result.status = result.status or 1


def _not_recovered(run: Run, adversity: Adversity) -> str:
    since = f"{run.time:g} s, though nothing has befallen it since {adversity.until:g} s"
    head = f"error[Q117]: {not_ended(len(run.waiting))} at {since}"
    return "\n".join([head, *map(str, run.waiting)])


# What is reached.


def points() -> dict[str, list[Point]]:
    """By file: what can be reached in the modules of the program that is loaded."""
    return {
        str(module.__file__): [Point(*point) for point in getattr(module, POINTS, ())]
        for module in program_modules()
    }


def sometimes() -> list[Property]:
    """The properties of the program that is loaded that are to hold in some seed."""
    found = [p for module in program_modules() for p in getattr(module, "_properties_", ())]
    return [each for each in found if each.kind == "sometimes"]


def reached() -> Reached:
    """What has been reached since they were loaded."""
    return {
        str(module.__file__): list(getattr(module, COVERED, ())) for module in program_modules()
    }


def join(into: Reached, more: Reached) -> None:
    """Add what one seed has reached to what others have."""
    for file, marks in more.items():
        known = into.get(file)
        if known is None:
            into[file] = list(marks)
        else:
            into[file] = [one or other for one, other in zip(known, marks, strict=True)]


# In order, on all cores.


def in_order(
    plan: Plan, module: ModuleType, seeds: Sequence[int], jobs: int
) -> Generator[Result, None, None]:
    """The results of all seeds, in the order of the seeds, from `jobs` processes."""
    if jobs == 1 or len(seeds) == 1:
        yield from (run_seed(plan, module, seed) for seed in seeds)
    else:
        from quorate.worlds.sim.pool import Pool

        with Pool(lambda seed: run_seed(plan, module, seed), min(jobs, len(seeds))) as pool:
            yield from pool.results(seeds)

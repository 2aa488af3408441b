"""Many seeds of a program, for a test: what `quorate simulate` does, without its screen."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from quorate.testing.cluster import words_of
from quorate.worlds.base import command_line, surroundings
from quorate.worlds.base.properties import never_reached
from quorate.worlds.sim.run import Adversity, load_for
from quorate.worlds.sim.scenario import read_scenario
from quorate.worlds.sim.seeds import Plan, Result, run_seed, sometimes

Faults = Mapping[str, Any]
"""As in `config(faults=...)`: `{"loss": "5%", "crash": ["Server:1", "Client:1"]}`."""


def search(
    program: str | os.PathLike[str],
    *args: object,
    seeds: int | Iterable[int] = 100,
    faults: Faults | None = None,
    scenario: str | None = None,
    until: float = math.inf,
    calm: float = math.inf,
    swarm: bool = False,
    config: Mapping[str, str] | None = None,
) -> list[Result]:
    """What came of each seed, up to the first failure, which is the last then.

    `until` and `calm` are in virtual seconds: the end of a run, and from when on there are no
    faults. Raises QuorateSyntaxError, FaultError, ScenarioError.
    """
    plan = _plan(
        program,
        args,
        faults=faults,
        scenario=scenario,
        until=until,
        calm=calm,
        swarm=swarm,
        config=config,
    )
    numbers = range(seeds) if isinstance(seeds, int) else [*seeds]
    results: list[Result] = []
    module = _loaded(plan, numbers)
    for seed in numbers:
        results.append(run_seed(plan, module, seed))
        if results[-1].failed:
            break
    return results


def _plan(
    program: str | os.PathLike[str],
    args: Sequence[object],
    *,
    faults: Faults | None = None,
    scenario: str | None = None,
    until: float = math.inf,
    calm: float = math.inf,
    swarm: bool = False,
    config: Mapping[str, str] | None = None,
    **_: Any,
) -> Plan:
    adversity = Adversity(faults or {}, read_scenario(scenario or ""), swarm, calm)
    words = [*map(str, args)]
    return Plan(os.fspath(program), words, adversity, words_of(config), until, outputs=True)


def _loaded(plan: Plan, seeds: Sequence[int]) -> ModuleType:
    with command_line(plan.path, plan.args), surroundings(seeds[0] if seeds else 0):
        return load_for(plan.path, views=True)


def never(results: Iterable[Result]) -> list[str]:
    """What is to be said of each property of `@sometimes` that held in none of the runs."""
    several = list(results)
    held = {place for each in several for place, holds in each.sometimes.items() if holds}
    where = f"{len(several)} seeds"
    return [never_reached(each, where) for each in sometimes() if each.place not in held]


def told(
    result: Result,
    program: str | os.PathLike[str],
    *args: object,
    story: bool = False,
    **options: Any,
) -> str:
    """A failure, its story if asked for, and the command that has it happen again.

    `options` are those of `search`.
    """
    parts = [result.text]
    if story:
        from quorate.testing.stories import story_text

        plan = _plan(program, args, **options)
        text = story_text(plan, _loaded(plan, [result.seed]), result.seed)
        parts += ["", text, ""] if text else []
    note = ", with the scenario in a file by --scenario" if options.get("scenario") else ""
    return "\n".join(
        [*parts, f"to repeat it{note}: {_command(result.seed, program, args, options)}"]
    )


def _command(
    seed: int, program: str | os.PathLike[str], args: Sequence[object], options: dict[str, Any]
) -> str:
    words = ["quorate", "simulate", "--seed", str(seed)]
    for name, texts in (options.get("faults") or {}).items():
        for text in [texts] if isinstance(texts, str) else texts:
            words += [f"--{name}", str(text)]
    for name, option in (("until", "--until"), ("calm", "--faults-until")):
        if options.get(name, math.inf) != math.inf:
            words += [option, f"{options[name]:g}s"]
    if options.get("swarm"):
        words.append("--swarm")
    for name, text in (options.get("config") or {}).items():
        words += [f"--{name}", text]
    return shlex.join([*words, os.fspath(program), *map(str, args)])

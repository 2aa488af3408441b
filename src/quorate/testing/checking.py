"""All that a program may do, for a test: what `quorate check` does, without its screen."""

from __future__ import annotations

import os
from typing import Any

from quorate import __version__
from quorate.worlds.base import command_line, surroundings
from quorate.worlds.check.channels import configured
from quorate.worlds.check.counterexample import counterexample_of
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.retelling import retell
from quorate.worlds.check.run import Checked, check_loaded, load_for_checking
from quorate.worlds.check.summary import complaints_of, lines_of, story_of
from quorate.worlds.check.wording import steps_of


class Violated(AssertionError):
    """A program does not hold: the text says why, and which steps lead there."""


def check(
    program: str | os.PathLike[str],
    *args: object,
    deadlocks: bool = True,
    strong: bool = False,
    **bounds: Any,
) -> int:
    """How many states the program has, in all of which its properties hold.

    `bounds` are those of worlds/check/explore.py: timeouts, crashes, restarts, losses, duplicates,
    network, and states, depth, seconds; of classes, `crashes={"Server": 1}`. Raises Violated, also
    where such a limit was reached before all was looked at, or what is to be so sometimes never
    was; QuorateSyntaxError, ProgramError.
    """
    __tracebackhide__ = True
    checked = checked_program(program, args, bounds, deadlocks=deadlocks, strong=strong)
    if checked.graph.stopped == "interrupted":
        raise KeyboardInterrupt
    if checked.verdict != "holds":
        raise Violated(told(checked, program, args))
    return checked.graph.states


def checked_program(
    program: str | os.PathLike[str],
    args: tuple[object, ...],
    bounds: dict[str, Any],
    *,
    deadlocks: bool,
    strong: bool,
) -> Checked:
    with command_line(program, args), surroundings(0):
        module = load_for_checking(program)
        if bounds.get("network") is None:
            bounds = {**bounds, "network": configured(module)[0]}
        return check_loaded(module, Bounds(**bounds), deadlocks=deadlocks, strong=strong)


def told(checked: Checked, program: str | os.PathLike[str], args: tuple[object, ...]) -> str:
    """What a check has found, and how much it has looked at."""
    found = counterexample_of(checked)
    lines = [*complaints_of(checked)]
    if found is not None:
        retold = retell(checked, found, os.fspath(program), map(str, args), __version__)
        lines += [*story_of(found, steps_of(retold)), ""]
    return "\n".join([*lines, *lines_of(checked)])

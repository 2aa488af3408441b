"""Programs with known bugs, looked at in every interleaving: each bug in as few steps as can be."""

from typing import Any

import pytest

from quorate.lang.faults import times_of
from quorate.testing.checking import checked_program
from quorate.worlds.check.counterexample import counterexample_of
from quorate.worlds.check.run import Checked
from quorate.worlds.check.summary import answers_of
from zoo.headers import SEEDS, zoo

CHECKS = [check for path in zoo.PROGRAMS for check in zoo.checks(path)]
LARGE = {"conflict", "last", "stale"}
UNREDUCED = {*LARGE, "unfenced"}
"""What takes longer to reduce than to explore, and that by far."""

SMALL = [check for check in CHECKS if check.bug.name not in LARGE]
REDUCED = [check for check in CHECKS if check.bug.name not in UNREDUCED]


def checked(check: Any, bug: str, **options: Any) -> Checked:
    """The program of a bug within its bounds, with that bug, another or "none"."""
    names = [name.removeprefix("--") for name in check.options[::2]]
    bounds = dict(zip(names, map(times_of, check.options[1::2]), strict=True)) | options
    return checked_program(
        check.bug.path, (bug, *check.sizes), bounds, deadlocks=True, strong=False
    )


def found(of: Checked) -> tuple[str, int, int]:
    """The property that is contradicted, by so many steps, and so many again and again."""
    counterexample = counterexample_of(of)
    assert counterexample is not None
    assert counterexample.refuted is not None
    loop = counterexample.loop
    return counterexample.refuted.name, len(counterexample.way) - loop, loop


def ids(checks: list[Any]) -> dict[str, Any]:
    return {"argvalues": checks, "ids": [check.bug.name for check in checks]}


@pytest.mark.timeout(max(120, SEEDS))
@pytest.mark.parametrize("check", **ids(CHECKS))
def test_a_bug_is_found_in_as_few_steps_as_can_be(check: Any) -> None:
    way = (check.bug.property, check.steps, check.loop)
    assert found(checked(check, check.bug.name, reduce=False)) == way


@pytest.mark.parametrize("check", **ids(SMALL))
def test_without_its_bug_a_program_keeps_what_the_bug_breaks(check: Any) -> None:
    assert verdict(checked(check, "none", reduce=False), check.bug.property) == "holds"


@pytest.mark.parametrize("check", **ids(REDUCED))
def test_what_is_left_out_makes_no_difference(check: Any) -> None:
    assert found(checked(check, check.bug.name))[0] == check.bug.property
    assert verdict(checked(check, "none"), check.bug.property) == "holds"


def verdict(of: Checked, name: str) -> str:
    """What is known of a property."""
    [verdict] = [each.verdict for each in answers_of(of) if each.property.name == name]
    return verdict

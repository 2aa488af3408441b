"""Each example does what it guarantees: several sizes, several seeds, in the simulated world."""

from pathlib import Path

import pytest

from examples import guarantees as g
from examples.headers import EXAMPLES
from examples.runs import CHECKS, SIZES, hurried, simulated

SEEDS = range(5)
CASES = [
    pytest.param(name, args, id=f"{name}-{'-'.join(map(str, args))}")
    for name, sizes in SIZES.items()
    for args in sizes
]


@pytest.mark.parametrize(("name", "args"), CASES)
def test_keeps_its_guarantee(name: str, args: tuple[int, ...]) -> None:
    for seed in SEEDS:
        CHECKS[name](simulated(EXAMPLES / f"{name}.da", args, seed), *args)


@pytest.mark.parametrize(("name", "args"), CASES)
def test_keeps_it_in_a_hurry(name: str, args: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / f"{name}_hurried.da"
    path.write_text(hurried((EXAMPLES / f"{name}.da").read_text(encoding="utf-8")), "utf-8")
    for seed in SEEDS:
        CHECKS[name](simulated(path, args, seed), *args)


@pytest.mark.parametrize("name", CHECKS)
def test_frozen_and_thawed_it_goes_on_as_if_nothing_had_happened(name: str) -> None:
    path, args = EXAMPLES / f"{name}.da", SIZES[name][0]
    assert simulated(path, args, 1, refreeze=True) == simulated(path, args, 1)


@pytest.mark.parametrize("name", CHECKS)
def test_views_leave_no_trace(name: str) -> None:
    path = EXAMPLES / f"{name}.da"
    for args in SIZES[name]:
        for seed in SEEDS:
            assert simulated(path, args, seed) == simulated(path, args, seed, views=False)


def test_transactions_commit_and_abort() -> None:
    path = EXAMPLES / "two_phase_commit.da"
    traces = [simulated(path, (3, 4), seed) for seed in SEEDS]
    decided = {each.values[2] for trace in traces for each in g.tagged(trace, "decide")}
    assert decided == {"commit", "abort"}


def test_every_example_is_run() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.da")}
    assert names == set(CHECKS) == set(SIZES)

"""The states of programs: as many as other checkers count, and as the same program always has."""

from pathlib import Path
from typing import Any

import pytest

from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.run import Checked, check

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent


def checked(file: str, *args: Any, deadlocks: bool = True, **bounds: Any) -> Checked:
    folder = HERE if (HERE / file).exists() else ROOT / "examples"
    return check(folder / file, args, Bounds(**bounds), deadlocks=deadlocks)


@pytest.mark.parametrize(("managers", "states"), [(2, 56), (3, 288), (4, 1568), (5, 8832)])
def test_two_phase_commit_has_the_states_that_tlc_counts(managers: int, states: int) -> None:
    found = checked("commit.da", managers, network="set", deadlocks=False)
    assert (found.verdict, found.graph.states) == ("holds", states)

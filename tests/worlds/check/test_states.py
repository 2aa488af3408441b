"""The states of programs: as many as other checkers count, and as the same program always has."""

from pathlib import Path
from typing import Any

import pytest

from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.run import check

ROOT = Path(__file__).parents[3]
MODELS = ROOT / "bench" / "models"


def states(file: Path, *args: int, network: Any, reduce: bool = False) -> int:
    found = check(file, args, Bounds(network=network, reduce=reduce), deadlocks=False)
    assert found.verdict == "holds"
    return found.graph.states


@pytest.mark.parametrize(
    ("model", "args", "network", "count"),
    [
        ("two_phase", (2,), "set", 56),
        ("two_phase", (3,), "set", 288),
        ("two_phase", (4,), "set", 1_568),
        ("two_phase", (5,), "set", 8_832),
        ("two_phase", (7,), "set", 296_448),
        ("paxos", (1, 3, 1), "set", 60),
        ("paxos", (1, 3, 1), "bag", 84),
        ("paxos", (2, 3, 2), "set", 3_696),
        ("paxos", (2, 3, 2), "bag", 18_974),
        ("mutex", (2, 1), "fifo", 61),
        ("mutex", (2, 3), "fifo", 878),
        ("mutex", (3, 1), "fifo", 8_376),
    ],
)
def test_there_are_as_many_as_tlc_counts(
    model: str, args: tuple[int, ...], network: str, count: int
) -> None:
    assert states(MODELS / f"{model}.da", *args, network=network) == count


def test_managers_of_a_commit_may_change_places() -> None:
    """920 is what there is of 296,448 states but for the names of the seven."""
    assert states(MODELS / "two_phase.da", 7, network="set", reduce=True) == 920

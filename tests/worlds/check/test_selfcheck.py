"""With reductions and without, a search comes to the same; and whoever leaves out too much is told.

States that are kept whole are as many as those known by their fingerprints.
"""

from pathlib import Path
from typing import Any

import pytest

from quorate.worlds.base import command_line, surroundings
from quorate.worlds.check import explore, run
from quorate.worlds.check.explore import Bounds, Reductions
from quorate.worlds.check.reduction import Commuting
from quorate.worlds.check.run import check, load_for_checking, self_check
from quorate.worlds.check.selfcheck import Compared

ROOT = Path(__file__).parents[3]
TWO_PHASE = ROOT / "bench" / "models" / "two_phase.da"
PAXOS = Path(__file__).parent / "paxos.da"

RACE = """
class Cell(process):
    def setup():
        self.last = 0
    def run():
        await(False)
    def receive(msg=("put", n)):
        last = n
class Writer(process):
    def setup(cell, n): pass
    def run():
        send(("put", n), to=cell)
def main():
    cell = new(Cell, ())
    start(cell)
    for n in (1, 2):
        start(new(Writer, (cell, n)))
"""
"""It ends with one number or the other."""


def compared(path: Path, *args: int, **bounds: Any) -> Compared:
    with command_line(path, args), surroundings(0):
        return self_check(load_for_checking(path), Bounds(**bounds), deadlocks=False)


@pytest.mark.parametrize(
    ("path", "args", "bounds", "whole", "ends"),
    [
        (TWO_PHASE, (3,), {"network": "set"}, 288, 28),
        (PAXOS, (1, 3, 1), {}, 265, 1),
        (ROOT / "examples" / "two_phase_commit.da", (2, 1), {"timeouts": 1}, 657, 21),
        (ROOT / "examples" / "ricart_agrawala.da", (2, 2), {"network": "fifo"}, 485, 8),
        (ROOT / "examples" / "chang_roberts.da", (4, 2), {}, 1_034, 24),
    ],
)
def test_the_same_ends_are_reached(
    path: Path, args: tuple[int, ...], bounds: Any, whole: int, ends: int
) -> None:
    found = compared(path, *args, **bounds)
    assert (found.agree, found.whole, found.ends, found.unfinished) == (True, whole, ends, None)
    assert found.reduced <= whole


def test_who_reaches_a_bound_compares_nothing() -> None:
    found = compared(TWO_PHASE, 4, network="set", states=300)
    assert (found.unfinished, found.agree) == ("states", True)


def test_who_leaves_out_too_much_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if each delivery could be taken first, alone, and nobody asked whether that is so."""
    race = tmp_path / "race.da"
    race.write_text(RACE)
    right = compared(race)
    assert (right.agree, right.ends) == (True, 2)
    monkeypatch.setattr(Commuting, "is_first", lambda self, outcome: True)
    monkeypatch.setattr(Commuting, "refute", lambda self, explored: False)
    monkeypatch.setattr(
        *(run, "reductions_of"),
        lambda tables, begins, bounds: Reductions(Commuting(tables, bounds.budgets, messages=True)),
    )
    wrong = compared(race)
    assert not wrong.agree


# States kept whole.


@pytest.mark.parametrize("network", ["bag", "set", "fifo"])
@pytest.mark.parametrize("reduce", [False, True])
def test_as_many_states_are_kept_whole(network: Any, reduce: bool) -> None:
    def found(exact: bool) -> Any:
        bounds = Bounds(network=network, reduce=reduce, exact=exact, losses=1)
        graph = check(TWO_PHASE, [3], bounds, deadlocks=False).graph
        return graph.states, graph.transitions, graph.parents, graph.actions

    assert found(True) == found(False)


def test_states_with_equal_fingerprints_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore, "MASK", 0xFF)

    def states(exact: bool) -> int:
        bounds = Bounds(network="bag", reduce=False, exact=exact)
        return check(TWO_PHASE, [3], bounds, deadlocks=False, kernel=False).graph.states

    assert states(False) <= 256 < states(True)

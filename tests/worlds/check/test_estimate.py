"""How many states are to come is guessed well where levels are a bell, and else not at all."""

from itertools import pairwise
from pathlib import Path

import pytest

from quorate.worlds.check.estimate import to_come, widths_to_come
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.growth import levels_of
from quorate.worlds.check.run import check

MODELS = Path(__file__).parents[3] / "bench" / "models"


@pytest.mark.parametrize("middle", [10, 20, 30])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 1.4])
def test_a_bell_goes_on_as_it_began(middle: int, part: float) -> None:
    bell = [round(2 ** (middle - (level - middle) ** 2 / middle)) for level in range(2 * middle)]
    begun = max(9, int(part * middle))
    left = sum(bell[begun:])
    guess = widths_to_come(bell[:begun])
    assert guess is not None
    assert left / 3 <= guess <= 3 * left


@pytest.mark.parametrize("widths", [[1] * 20, [1, 2, 4, 8], [2**n for n in range(30)], []])
def test_where_no_end_is_in_sight_nothing_is_said(widths: list[int]) -> None:
    assert widths_to_come(widths) is None


def test_what_is_to_come_of_a_program() -> None:
    bounds = Bounds(network="set", reduce=False)
    graph = check(MODELS / "two_phase.da", (6,), bounds, deadlocks=False).graph
    widths = [after - before for before, after in pairwise([*levels_of(graph), graph.states])]
    for begun in range(len(widths) // 2, len(widths) - 3):
        guess, left = widths_to_come(widths[:begun]), sum(widths[begun:])
        assert guess is not None and left / 2 <= guess <= 2 * left
    assert to_come(graph) == widths_to_come(widths[:-1])

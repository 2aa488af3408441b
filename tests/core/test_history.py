"""Aggregations of the queries, and histories as programs see them."""

from typing import Any

import pytest

from quorate.core.errors import ProgramError
from quorate.core.history import entries_of, greatest, least, product
from stage import OTHER, PEER


def test_a_history_that_is_named_bare_is_its_messages_and_peers() -> None:
    assert entries_of([("a", PEER, 1), ("b", OTHER, None)]) == [("a", PEER), ("b", OTHER)]


def test_extremes() -> None:
    assert (greatest([1, 3, 2]), least(iter([2, 1, 3]))) == (3, 1)
    assert (greatest([], default=0), least([], default=None)) == (0, None)


@pytest.mark.parametrize(("choose", "word"), [(greatest, "maxof"), (least, "minof")])
def test_the_extreme_of_nothing_is_an_error_that_says_so(choose: Any, word: str) -> None:
    with pytest.raises(ProgramError, match=f"Q105.*`{word}` of nothing") as raised:
        choose([])
    assert "default=" in raised.value.help


def test_products() -> None:
    assert (product([2, 3, 4]), product([])) == (24, 1)

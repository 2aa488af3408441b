"""What is kept of rows answers as all of them do."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quorate.core.extremes import Falling, Greatest, Highest, Least, Lowest, Rising, Unlike

numbers = st.integers(0, 9)
rows = st.lists(st.tuples(numbers, numbers), max_size=20)


@given(rows, numbers)
def test_a_record_is_the_first_row_beyond_a_bound(given: list[Any], bound: int) -> None:
    rising, falling = Rising((0,)), Falling((0,))
    for row in given:
        rising.add(row)
        falling.add(row)
    for inclusive in (False, True):
        up = [row for row in given if row[0] > bound or (inclusive and row[0] == bound)]
        down = [row for row in given if row[0] < bound or (inclusive and row[0] == bound)]
        found_up = [
            r for r in rising.beyond(bound) if r[0] > bound or (inclusive and r[0] >= bound)
        ]
        found_down = [
            r for r in falling.beyond(bound) if r[0] < bound or (inclusive and r[0] <= bound)
        ]
        assert found_up[:1] == up[:1]
        assert found_down[:1] == down[:1]


@given(rows)
def test_what_others_of_its_group_top_is_dropped(given: list[Any]) -> None:
    highest, lowest = Highest((0,), (1,)), Lowest((0,), (1,))
    for row in given:
        highest.add(row)
        lowest.add(row)
    most = {row for row in given if row[0] == max(a for a, b in given if b == row[1])}
    least = {row for row in given if row[0] == min(a for a, b in given if b == row[1])}
    assert list(highest) == [row for row in dict.fromkeys(given) if row in most]
    assert list(lowest) == [row for row in dict.fromkeys(given) if row in least]


@given(rows, numbers)
def test_the_first_unlike_a_value_is_one_of_two(given: list[Any], value: int) -> None:
    unlike = Unlike((1,))
    for row in given:
        unlike.add(row)
    assert len(unlike) <= 2
    assert [r for r in unlike if r[1] != value][:1] == [r for r in given if r[1] != value][:1]


@given(
    st.lists(st.one_of(numbers, st.none(), st.sampled_from(["a", (1, None), (1, 2)])), min_size=1)
)
def test_extremes_compare_as_python_does(given: list[Any]) -> None:
    for kept, choose in ((Greatest(), max), (Least(), min)):
        for row in given:
            kept.add(row)
        try:
            meant = choose(given)
        except TypeError:
            continue
        assert choose(kept) == meant


def test_only_the_best_of_ordered_rows_is_kept() -> None:
    greatest = Greatest()
    for number in range(1000):
        greatest.add((number, 0))
    assert list(greatest) == [(999, 0)]

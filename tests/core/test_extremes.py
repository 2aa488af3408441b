"""What is kept of rows answers as all of them do."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quorate.core.extremes import (
    Falling,
    Greatest,
    Highest,
    Least,
    Lowest,
    Rising,
    Sorted,
    Total,
    Unlike,
)

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


odd = st.one_of(numbers, numbers, st.sampled_from([None, "a", 2.5, (1,), [3]]))


@given(st.lists(odd, max_size=12), odd, st.booleans())
def test_of_sorted_rows_all_are_found_that_may_be_on_one_side(
    given: list[Any], bound: Any, upward: bool
) -> None:
    def compared(value: Any) -> bool:
        try:
            return bool(value >= bound if upward else value <= bound)
        except TypeError:
            return False

    kept, different = Sorted(), list[Any]()
    for row in given:
        kept.add(row)
        if row not in different or isinstance(row, list):
            different.append(row)
    assert list(kept) == different
    found = list(kept.within(lambda: bound, upward, False))
    assert [row for row in found if compared(row)] == [row for row in different if compared(row)]
    nearest = [row for row in kept.within(lambda: bound, upward, True) if compared(row)]
    numbers = [row for row in different if compared(row) and isinstance(row, (int, float))]
    if numbers and isinstance(bound, (int, float)):
        assert (min if upward else max)(numbers) in nearest


def test_a_bound_that_has_no_value_leaves_all_rows() -> None:
    kept = Sorted((1,))
    for row in [(1, 5), (2, 3)]:
        kept.add(row)
    assert list(kept.within(lambda: 1 / 0, True, False)) == [(1, 5), (2, 3)]
    assert list(kept.within(lambda: 4, True, False)) == [(1, 5)]


@given(st.lists(st.one_of(numbers, st.floats(allow_nan=False), st.booleans()), max_size=12))
def test_the_sum_is_that_of_all(given: list[Any]) -> None:
    total = Total()
    for value in given:
        total.add(value)
    assert repr(sum(total)) == repr(sum(given))
    assert len(total) == len(given)

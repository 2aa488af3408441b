"""Logical clocks: what happened before another thing has a lesser time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.clocks import CLOCKS, LamportClock, VectorClock, VectorTime
from quorate.core.ids import ProcessId

PROCESSES = [ProcessId("P", (n,)) for n in range(3)]

# A run: (process, None) is a local event (a send); (process, n) takes the n-th send so far.
RUNS = st.lists(
    st.tuples(st.integers(0, 2), st.none() | st.integers(0, 20)), min_size=2, max_size=12
)
TIMES = st.dictionaries(st.sampled_from(PROCESSES), st.integers(1, 3)).map(
    lambda counts: VectorTime(sorted(counts.items()))
)


def play(run: list[Any], kind: str) -> tuple[list[Any], list[set[int]]]:
    """The time of every event, and the events that happened before it (or are it)."""
    clocks = [CLOCKS[kind](process) for process in PROCESSES]
    known: list[set[int]] = [set(), set(), set()]
    sends: list[tuple[Any, set[int]]] = []
    times, pasts = [], []
    for number, (who, which) in enumerate(run):
        known[who] = known[who] | {number}
        if which is None or not sends:
            stamp = clocks[who].tick()
            sends.append((stamp, known[who]))
        else:
            stamp, past = sends[which % len(sends)]
            known[who] = known[who] | past
            clocks[who].take(stamp)
        times.append(clocks[who].time)
        pasts.append(known[who])
    return times, pasts


@given(RUNS)
def test_vector_times_are_ordered_as_events_are(run: list[Any]) -> None:
    times, pasts = play(run, "vector")
    for a, time in enumerate(times):
        for b, other in enumerate(times):
            assert (time < other) == (a != b and a in pasts[b])
            assert (time == other) == (a == b)


@given(RUNS)
def test_lamport_times_grow_along_what_happened_before(run: list[Any]) -> None:
    times, pasts = play(run, "lamport")
    for b, past in enumerate(pasts):
        assert all(times[a] < times[b] for a in past if a != b)


@given(TIMES, TIMES, TIMES)
def test_the_order_of_vector_times_is_partial(a: Any, b: Any, c: Any) -> None:
    assert a <= a
    assert not a < a
    assert not (a <= b and b <= a) or a == b
    assert not (a <= b and b <= c) or a <= c
    assert (a >= b, a > b) == (b <= a, b < a)
    assert hash(a) == hash(VectorTime(a))


def test_rules_of_lamport() -> None:
    clock = LamportClock(PROCESSES[0])
    assert (clock.tick(), clock.tick()) == (1, 2)
    clock.take(7)
    assert clock.time == 8
    clock.take(1)
    assert clock.time == 9
    clock.take(None)  # from a process that keeps no clock
    assert clock.time == 10


def test_a_vector_clock_counts_its_own_events() -> None:
    one, two = VectorClock(PROCESSES[0]), VectorClock(PROCESSES[1])
    two.take(one.tick())
    assert dict(two.time) == {PROCESSES[0]: 1, PROCESSES[1]: 1}
    two.take(None)
    assert dict(two.time) == {PROCESSES[0]: 1, PROCESSES[1]: 2}


def test_a_vector_time_is_compared_with_its_kind_only() -> None:
    with pytest.raises(TypeError):
        assert VectorTime() < 3

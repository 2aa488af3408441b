"""Fair runs of small graphs: found where there are any by trying all, and as they are to be."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.worlds.check.lassos import NEVER_OWED, NOWHERE, Links, Run, fair_run

STATES = 4
Steps = list[tuple[int, int, int]]  # (from, to, goal)

steps = st.lists(
    st.tuples(st.integers(0, STATES - 1), st.integers(NOWHERE, STATES), st.integers(NEVER_OWED, 2)),
    max_size=9,
).map(sorted)
flags = st.lists(st.booleans(), min_size=STATES, max_size=STATES)
states = st.sets(st.integers(0, STATES - 1))


def links_of(steps: Steps) -> Links:
    links = Links()
    for state in range(STATES):
        for start, to, goal in steps:
            if start == state:
                links.add(to, goal, 7 * goal)
        links.close()
    return links


def owed(steps: Steps, state: int) -> set[int]:
    return {goal for start, _, goal in steps if start == state} - {NEVER_OWED}


def is_fair(steps: Steps, around: set[int], taken: set[int], strong: bool) -> bool:
    """By the definition, of a cycle that goes `around` these states and takes these steps."""
    goals = {steps[step][2] for step in taken}
    join = set.union if strong else set.intersection
    return join(*(owed(steps, state) for state in around)) <= goals


def cycles(steps: Steps, inside: list[bool], start: int) -> Iterator[tuple[set[int], set[int]]]:
    """The states and steps of every cycle from a state, as far as these differ."""
    todo: list[tuple[int, frozenset[int]]] = [(start, frozenset())]
    seen = set(todo)
    while todo:
        here, taken = todo.pop()
        if here == start:
            yield {start} | {steps[step][1] for step in taken}, set(taken)
        for step, (begin, to, _) in enumerate(steps):
            if begin == here and 0 <= to < STATES and inside[to]:
                after = to, taken | {step}
                if after not in seen:
                    seen.add(after)
                    todo.append(after)


def reached(steps: Steps, roots: set[int], inside: list[bool]) -> set[int]:
    found = {root for root in roots if inside[root]}
    for _ in range(STATES):
        found |= {
            to for start, to, _ in steps if start in found and to in range(STATES) if inside[to]
        }
    return found


@settings(max_examples=600, deadline=None)
@given(steps, states, flags, st.none() | flags, st.booleans())
def test_a_fair_run_is_found_if_there_is_one(
    steps: Steps, roots: set[int], inside: list[bool], marked: list[bool] | None, strong: bool
) -> None:
    run = fair_run(
        links_of(steps),
        roots,
        bytearray(inside),
        None if marked is None else bytearray(marked),
        strong=strong,
    )
    there_is_one = any(
        is_fair(steps, around, taken, strong) and (marked is None or any(marked[s] for s in around))
        for start in reached(steps, roots, inside)
        for around, taken in cycles(steps, inside, start)
    )
    assert (run is not None) == there_is_one
    if run is not None:
        assert run.root in roots
        assert inside[run.root]
        check_run(steps, run, inside, marked, strong)


def check_run(
    steps: Steps, run: Run, inside: list[bool], marked: list[bool] | None, strong: bool
) -> None:
    """It goes over steps that are there, inside; its cycle is one, fair and marked."""
    here = run.root
    for step in run.way:
        assert steps[step][0] == here
        here = steps[step][1]
        assert inside[here]
    entry, around = here, {here}
    for step in run.loop:
        assert steps[step][0] == here
        here = steps[step][1]
        assert inside[here]
        around.add(here)
    assert here == entry
    assert marked is None or marked[entry]
    assert is_fair(steps, around, set(run.loop), strong)
    anything_owed = set().union(*(owed(steps, state) for state in around))
    assert run.free == anything_owed - {steps[step][2] for step in run.loop}


def test_a_state_where_nothing_is_owed_is_an_end() -> None:
    links = links_of([(0, 1, 0), (1, 2, NEVER_OWED), (2, 2, 1)])
    run = fair_run(links, [0], bytearray([1, 1, 0, 0]))
    assert run == Run(0, [0], [], frozenset())


def test_a_step_that_was_kept_from_happening_is_owed() -> None:
    assert fair_run(links_of([(0, NOWHERE, 0)]), [0], bytearray(b"\1" * STATES)) is None


def test_what_can_happen_again_and_again_is_owed_by_strong_fairness_alone() -> None:
    links = links_of([(0, 1, 0), (1, 0, 0), (1, 2, 1)])
    inside = [1, 1, 0, 0]
    assert fair_run(links, [0], bytearray(inside)) == Run(0, [], [0, 1], frozenset({1}))
    assert fair_run(links, [0], bytearray(inside), strong=True) is None

"""A failing run is made short, and what is left is a run that fails in the same way."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.trace import Trace
from quorate.trace import events as ev
from quorate.worlds.sim.replay import begin_of, replay
from quorate.worlds.sim.shrinking import Shrinker, ddmin, recorded, size_of
from recorded import Record, Recorded

# --- ddmin

SETS = st.lists(st.sets(st.integers(0, 7)), max_size=4)
"""Causes: it fails with all members of one of them. With none of them, it always fails."""


def fails_by(causes: list[set[int]], kept: set[int]) -> bool:
    return not causes or any(cause <= kept for cause in causes)


@given(SETS, st.booleans())
def test_what_is_left_is_a_smallest_cause(causes: list[set[int]], narrows: bool) -> None:
    """Of all sets that fail, found by going over all, it is one that has no smaller one in it."""
    items = [*range(8)]

    def fails(part: list[int]) -> list[int] | None:
        assert part == sorted(set(part))
        if not fails_by(causes, set(part)):
            return None
        return [each for each in part if each in set().union(*causes)] if narrows else part

    found = ddmin(items, fails)
    assert fails_by(causes, set(found))
    subsets = [set(c) for size in range(9) for c in combinations(items, size)]
    failing = [each for each in subsets if fails_by(causes, each)]
    assert set(found) in [each for each in failing if not any(e < each for e in failing)]


@given(st.sets(st.sets(st.integers(0, 5)).map(frozenset)))
def test_one_less_does_not_fail(failing: set[frozenset[int]]) -> None:
    """Whichever sets fail, be it that more of them does not."""
    items = [*range(6)]
    failing |= {frozenset(items)}
    found = ddmin(items, lambda part: part if frozenset(part) in failing else None)
    assert frozenset(found) in failing
    assert not any(frozenset(found) - {each} in failing for each in found)


def test_few_of_many_take_few_runs() -> None:
    runs = 0

    def fails(part: list[int]) -> list[int] | None:
        nonlocal runs
        runs += 1
        return part if {300, 301} <= set(part) else None

    assert ddmin(range(1000), fails) == [300, 301]
    assert runs < 80


# --- Runs

FORGETS = """\
import sys
class Store(process):
    def setup(): self.sum = 0
    def run(): await(False)
    def receive(msg=('add', n), from_=p):
        sum += n
        send(('sum', sum), to=p)
class Client(process):
    def setup(store, rounds): pass
    def run():
        last = 0
        for n in range(rounds):
            send(('add', 1), to=store)
            await(some(received(('sum', s))))
            assert s > last, f'the sum was {last}, and is {s}'
            last = s
            reset(received)
            if await(False): pass
            elif timeout(0.01): pass
        send(('done',), to=parent())
def main():
    clients, rounds = int(sys.argv[1]), int(sys.argv[2])
    store = new(Store, ())
    all = new(Client, (store, rounds), num=clients)
    start({store, *all})
    await(each(c in all, has=received(('done',), from_=c)))
    end(store)
"""
SCENARIO = """
at 5ms partition {Client-2} | {Client-3} for 2ms
at 12ms pause Client-3 for 5ms
at 100ms crash Store-1 for 1ms
at 100ms pause Client-3 for 5ms
"""


def shrinker_of(record: Record, program: str = FORGETS, **more: Any) -> tuple[Recorded, Shrinker]:
    """The run of a program with 4 clients of 15 rounds, recorded, and what shrinks it."""
    run = record(program, SCENARIO, arguments=("4", "15"), **more)
    assert run.result.failed
    return run, Shrinker(run.trace, run.result, run.module)


def test_a_failing_run_becomes_short(record: Record) -> None:
    run, shrinker = shrinker_of(record, loss="0.05", skew="1ms")
    shrinker.go()
    kept = shrinker.kept
    before, after = size_of(run.trace), size_of(kept)
    assert (before.faults, after.faults) == (4, 1)
    assert [e.what for e in kept.events if isinstance(e, ev.Fault)] == ["crash"]
    assert before.choices > 100 > 5 > after.choices
    assert before.messages > 60 > 30 > after.messages
    assert after.seconds < before.seconds / 2
    assert all(int(number) <= 4 for number in kept.begin.arguments)
    assert "skew" not in dict(kept.begin.faults)
    assert shrinker.result.way == run.result.way
    assert shrinker.runs < 500


def test_what_is_kept_replays_as_it_is(record: Record) -> None:
    run, shrinker = shrinker_of(record, loss="0.05")
    shrinker.go()
    assert replay(shrinker.kept, run.module).text == shrinker.result.text
    assert shrinker.kept.begin.steps_max == run.trace.begin.steps_max


def test_without_any_one_item_it_does_not_fail(record: Record) -> None:
    run, shrinker = shrinker_of(record, loss="0.05")
    shrinker.go()
    items = [e for e in shrinker.kept.events if isinstance(e, ev.Fault | ev.Choice)]
    assert items
    for each in items:
        rest = Trace(shrinker.kept.begin, [other for other in items if other is not each])
        found: list[ev.Event] = []
        result = replay(rest, run.module, found.append)
        longer = size_of(Trace(rest.begin, found[1:])).messages > 2 * size_of(run.trace).messages
        assert result.way != run.result.way or longer


@pytest.mark.parametrize("runs_max", [1, 7])
def test_no_more_runs_are_spent_than_are_allowed(record: Record, runs_max: int) -> None:
    run, _ = shrinker_of(record)
    counts: list[int] = []
    shrinker = Shrinker(
        run.trace, run.result, run.module, runs_max, lambda each: counts.append(each.runs)
    )
    shrinker.go()
    assert counts == [*range(1, runs_max + 1)]
    assert shrinker.runs == runs_max
    replay(shrinker.kept, run.module)


def test_a_run_that_has_to_end_after_all_faults_has_as_long_for_it(record: Record) -> None:
    """Otherwise any program would fail so, in a run that is short enough."""
    polls = FORGETS.replace("await(some(received(('sum', s))))", POLLS).replace(
        "assert s > last", "assert s"
    )
    stuck = polls.replace("from_=p):", "from_=p):\n        if sum > 5: return")
    run, shrinker = shrinker_of(record, program=stuck, faults_until=1.0, until=2.0)
    assert run.result.code == "Q117"
    shrinker.go()
    begin = shrinker.kept.begin
    assert begin.until is not None and begin.calm is not None
    assert begin.until - begin.calm >= 1.0
    assert shrinker.result.code == "Q117"


POLLS = """while not some(received(('sum', s))):
                if await(False): pass
                elif timeout(0.1): pass"""


ONCE = """\
class P(process):
    def setup(to): self.known = False
    def run():
        send(('known',), to=to)
        for n in range(200):
            send(('beat', n), to=to)
            if await(False): pass
            elif timeout(0.01): pass
    def receive(msg=('known',)): known = True
    def receive(msg=('beat', _), from_=p): send(('heard',), to=p)
def main():
    p, q = new(P), new(P)
    setup(p, (q,)); setup(q, (p,))
    start({p, q})
@eventually(within=1)
def all_know(): return each(p in P, has=p.known)
"""


def test_of_what_has_not_happened_what_comes_late_is_left_out_at_once(record: Record) -> None:
    seeds = (record(ONCE, seed=n, channel="unreliable", loss="0.3") for n in range(20))
    run = next(each for each in seeds if each.result.code == "Q122")
    shrinker = Shrinker(run.trace, run.result, run.module, 12)
    shrinker.go()
    assert size_of(run.trace).choices > 500
    assert size_of(shrinker.kept).choices < 10


def test_another_failure_is_not_taken_for_the_first(record: Record) -> None:
    """With 1 client it fails in another place, which would be shorter."""
    other = FORGETS.replace("all = new", "assert clients > 1\n    all = new")
    run, shrinker = shrinker_of(record, program=other)
    shrinker.go()
    assert shrinker.kept.begin.arguments[0] == "2"
    assert shrinker.result.way == run.result.way


def test_a_run_that_would_go_on_for_ever_is_cut_short(record: Record) -> None:
    """Without its crash, this one does."""
    endless = FORGETS.replace("range(rounds)", "range(10 ** 9)")
    _, shrinker = shrinker_of(record, program=endless, until=float("inf"))
    shrinker.go()
    assert size_of(shrinker.kept).faults == 1


def test_a_program_that_fails_before_it_runs_has_no_events(record: Record) -> None:
    run = record("import sys\nassert sys.argv[1:] != ['fail']\ndef main(): pass\n")
    plan = replace(run.plan, args=("fail",))
    trace, result = recorded(plan, run.module, begin_of(plan, 0, "0"))
    assert result.failed
    assert not trace.events

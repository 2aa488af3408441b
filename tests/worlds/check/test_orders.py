"""Other orders of search than breadth first find the same states, or some of them, and no others.

What a way does is said a second time here, plainly, by `Naive`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.worlds.check.counterexample import counterexample_of
from quorate.worlds.check.depth import Bits, DepthFirst
from quorate.worlds.check.effects import LOST
from quorate.worlds.check.explore import Bounds, Explorer
from quorate.worlds.check.network import mix
from quorate.worlds.check.observing import Found
from quorate.worlds.check.orders import BY_RUNS, Order
from quorate.worlds.check.pct import Prioritized
from quorate.worlds.check.retelling import retell
from quorate.worlds.check.run import Checked, check
from quorate.worlds.check.shorten import shorten
from quorate.worlds.check.tables import BUDGETS, FREE
from quorate.worlds.check.walks import Runs
from worlds.check.test_kernel import AnyTables
from worlds.check.test_pct import Every
from worlds.check.test_reduction import Programs

ROOT = Path(__file__).parents[3]
TWO_PHASE = ROOT / "bench" / "models" / "two_phase.da"


class Watching:
    """Contradicted by some combinations of what it sees, and witnessed by others."""

    def __init__(self, seed: int, share: int) -> None:
        self.seed = seed
        self.share = share
        self.sometimes: list[Any] = [0, 1, 2]

    def _lot(self, numbers: list[int], of: int) -> int:
        there = [each for each in numbers if each]
        return Random(f"{self.seed} {there} {of}").randrange(of)

    def refuted(self, numbers: list[int]) -> Found | None:
        name: Any = f"small {self._lot(numbers, 2)}"
        question: Any = None
        return None if self._lot(numbers, self.share) else Found(name, question, tuple(numbers))

    def reached(self, numbers: list[int]) -> list[Found]:
        found = [each for each in self.sometimes if each == self._lot(numbers, 9)]
        self.sometimes = [each for each in self.sometimes if each not in found]
        question: Any = None
        return [Found(each, question) for each in found]


class Naive:
    """A state of a program, and what becomes of it by actions."""

    def __init__(self, tables: Any, bounds: Bounds) -> None:
        self.tables = tables
        self.network = bounds.network
        self.left = {each.name: each.times for each in bounds.budgets}
        self.locals: dict[int, int] = {}
        self.messages: list[int] = []
        self.failed = False

    def copy(self) -> "Naive":
        other = Naive(self.tables, Bounds(network=self.network))
        other.left, other.locals = dict(self.left), dict(self.locals)
        other.messages = list(self.messages)
        return other

    def key(self) -> Any:
        channel = self.tables.channel
        messages = sorted(self.messages)
        if self.network == "fifo":
            messages = sorted(self.messages, key=lambda each: channel[each])
        return list(self.left.values()), self.locals, messages

    def is_first(self, message: int) -> bool:
        channel = self.tables.channel
        before = self.messages[: self.messages.index(message)]
        return self.network != "fifo" or all(channel[m] != channel[message] for m in before)

    def act(self, action: int) -> None:
        """Do what an action says, which must be able to happen."""
        assert not self.failed
        tables = self.tables
        if action < 0:
            message, twice = divmod(LOST - action, 2)
            assert self.is_first(message)
            assert not tables.messages[message].is_spared
            self.spend("duplicates" if twice else "losses")
            self.messages = [*self.messages, message] if twice else self.without(message)
            return
        outcome = tables.outcomes[action]
        if outcome.cost != FREE:
            self.spend(BUDGETS[outcome.cost])
        if outcome.before:
            assert self.locals[tables.slot[outcome.before]] == outcome.before
        if outcome.taken >= 0:
            assert self.is_first(outcome.taken)
            self.messages = self.without(outcome.taken)
        if outcome.fails:
            self.failed = True
            return
        self.locals |= {tables.slot[each]: each for each in (outcome.after, *outcome.made)}
        for message in outcome.sent:
            if self.network != "set" or message not in self.messages:
                self.messages.append(message)

    def spend(self, budget: str) -> None:
        assert self.left[budget] > 0
        self.left[budget] -= 1

    def without(self, message: int) -> list[int]:
        place = self.messages.index(message)
        gone = self.network != "set"
        return self.messages[:place] + self.messages[place + gone :]

    def rests(self) -> bool:
        """Whether nothing can happen any more, and somebody waits."""
        tables = self.tables
        able = [each for local in self.locals.values() for each in tables.move(local)]
        for message in filter(self.is_first, set(self.messages)):
            able += tables.deliver(self.locals.get(tables.to[message], 0), message)
        for action in able:
            outcome = tables.outcomes[action]
            if outcome.cost == BUDGETS.index("timeouts"):
                return False
            if outcome.kind == "crash" or (outcome.cost != FREE and not self.left["restarts"]):
                continue
            then = self.copy()
            then.act(action)
            if then.failed or then.key() != self.key():
                return False
        return any(tables.waits[local] for local in self.locals.values())

    def sees(self) -> list[int]:
        return [self.tables.observed[local] for _, local in sorted(self.locals.items())]


@dataclass
class Case:
    """Tables, with bounds and what is watched."""

    tables: Any
    bounds: Bounds
    seed: int
    share: int
    deadlocks: bool

    def explored(self, make: Callable[..., Explorer], **options: Any) -> Any:
        explorer = make(
            self.tables, self.watching(), self.bounds, deadlocks=self.deadlocks, **options
        )
        explorer.begin(self.tables.begin())
        explorer.go_on()
        return explorer

    def watching(self) -> Any:
        return Watching(self.seed, self.share)

    def hold_way(self, explorer: Explorer) -> list[Any]:
        """Take the way to what was found, plainly; the states on it."""
        graph = explorer.graph
        assert graph.end is not None
        naive, keys = Naive(self.tables, self.bounds), []
        for action in explorer.way_to(*graph.end):
            naive.act(action)
            keys.append(naive.copy().key())
        if graph.wrong is not None:
            assert self.watching().refuted(naive.sees()) == graph.wrong[1]
        elif graph.failed is not None:
            assert naive.failed
        else:
            assert naive.rests()
        return keys


SPENT = st.lists(st.sampled_from(BUDGETS), max_size=2)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    seed, ends = draw(st.integers(0, 1 << 32)), draw(st.booleans())
    network: Any = draw(st.sampled_from(["bag", "fifo", "set"]) if ends else st.just("set"))
    spent: Any = Counter(draw(SPENT))
    bounds = Bounds(**spent, network=network, states=800)
    tables = (Programs if ends else AnyTables)(seed, network == "fifo")
    share = draw(st.sampled_from([10, 60, 10**9]))
    return Case(tables, bounds, seed, share, draw(st.booleans()))


@given(case=cases())
@settings(max_examples=80, deadline=None)
def test_depth_first_finds_what_breadth_first_does(case: Case) -> None:
    whole = case.explored(Explorer)
    found = case.explored(DepthFirst)
    few = case.explored(DepthFirst, bits=20)
    for each in (found, few):
        if each.graph.is_refuted:
            before = case.hold_way(each)
            shorten(each, 2000)
            assert len(case.hold_way(each)) <= len(before)
    if whole.graph.is_refuted:
        assert found.graph.is_refuted or found.graph.stopped == "states"
    elif whole.graph.stopped is None:
        assert found.visited == whole.visited
        assert found.asked == whole.asked
        assert found.graph.transitions == whole.graph.transitions
        assert found.graph.short == whole.graph.short
        assert {at for _, at in found.graph.reached} == {at for _, at in whole.graph.reached}
        assert (found.graph.states, found.graph.stopped) == (whole.graph.states, None)
        assert few.graph.states <= whole.graph.states
        assert few.graph.stopped == "bits"
    if not few.graph.is_refuted:
        for state, reached in few.graph.reached:
            naive = Naive(case.tables, case.bounds)
            for action in few.way_to(state):
                naive.act(action)
            watching = case.watching()
            watching.sometimes = [reached.property]
            assert watching.reached(naive.sees())


@given(case=cases(), search=st.sampled_from(BY_RUNS), seed=st.integers(0, 9))
@settings(max_examples=80, deadline=None)
def test_runs_find_nothing_else(case: Case, search: Any, seed: int) -> None:
    whole = case.explored(Explorer)
    order = Order(search, runs=30, seed=seed)
    runs = case.explored(order.explorer)
    assert len(set(runs.numbers.values())) == runs.graph.states
    if whole.graph.stopped is None and not whole.graph.is_refuted:
        assert set(runs.numbers) <= whole.visited
        assert runs.asked <= whole.asked
        assert runs.graph.stopped == "runs"
        assert len(runs.news) == 30
    if runs.graph.is_refuted:
        assert whole.graph.is_refuted or whole.graph.stopped is not None
        found = runs.graph
        before, states = case.hold_way(runs), found.states
        kinds = [each is None for each in (found.wrong, found.failed, found.stuck)]
        shorten(runs, 2000)
        after = case.hold_way(runs)
        assert len(after) <= len(before)
        assert [each is None for each in (found.wrong, found.failed, found.stuck)] == kinds
        assert found.states == states
        if isinstance(case.tables, Programs):  # the others make processes that are there already
            assert all(key not in after[:place] for place, key in enumerate(after))


PROGRAMS: list[tuple[Path, list[Any], dict[str, Any]]] = [
    (TWO_PHASE, [2], {}),
    (TWO_PHASE, [2], {"network": "set"}),
    (ROOT / "examples" / "ricart_agrawala.da", [2, 1], {"network": "fifo", "timeouts": 1}),
]


@pytest.mark.parametrize(("path", "args", "bounds"), PROGRAMS)
@pytest.mark.parametrize("search", ["depth", *BY_RUNS])
def test_of_a_small_program_every_order_finds_all_states(
    path: Path, args: list[Any], bounds: dict[str, Any], search: Any
) -> None:
    def found(order: Order) -> Checked:
        return check(path, args, Bounds(**bounds, reduce=False), deadlocks=False, order=order)

    whole, part = found(Order()), found(Order(search, runs=2000))
    assert part.graph.states == whole.graph.states
    assert part.verdict == ("holds" if search == "depth" else "inconclusive")
    if isinstance(part.explorer, Runs):
        assert part.explorer.late[0] == 0


@pytest.mark.parametrize("search", BY_RUNS)
def test_a_seed_repeats_runs_and_what_they_find_is_told(search: Any) -> None:
    path = ROOT / "tests" / "zoo" / "fencing.da"

    def found(seed: int) -> Any:
        order = Order(search, seed=seed)
        checked = check(path, ["unfenced"], Bounds(timeouts=1), order=order)
        counterexample = counterexample_of(checked)
        assert counterexample is not None
        told = retell(checked, counterexample, str(path), ["unfenced"])
        assert len(told.kinds) == len(counterexample.way) <= checked.graph.depth + 1
        return replace(checked.graph, seconds=0, wrong=None, reached=[]), counterexample.text

    assert found(3) == found(3)
    assert found(3) != found(4)


def test_a_way_that_is_too_long_is_not_gone_on() -> None:
    def found(search: Any, depth: int) -> Checked:
        return check(TWO_PHASE, [2], Bounds(depth=depth), deadlocks=False, order=Order(search))

    for search in ("depth", "walks"):
        assert found(search, 3).graph.depth == 3
        assert found(search, 3).verdict == "inconclusive"
    assert found("depth", 3).graph.stopped == "depth"
    assert found("depth", 99).verdict == "holds"


def test_bits_that_are_all_set_miss_the_rest() -> None:
    few = check(TWO_PHASE, [3], Bounds(), deadlocks=False, order=Order("depth", bits=3))
    assert isinstance(few.explorer, DepthFirst)
    assert few.explorer.bits is not None
    assert few.explorer.bits.fill == 1
    assert few.graph.states < 10
    assert few.verdict == "inconclusive"


def test_bits_take_as_many_new_ones_for_old_as_is_said() -> None:
    bits, taken = Bits(12), 0
    prints = [mix(1000 + each) for each in range(1500)]
    for print in prints:
        if print in bits:
            taken += 1
        else:
            bits.add(print)
    assert all(print in bits for print in prints)
    assert bits.count + taken == len(prints)
    assert 0.8 < bits.missed / taken < 1.25
    assert bits.fill == sum(each.bit_count() for each in bits.bits) / bits.size


RACE = """\
class Judge(process):
    def setup():
        self.taken = []
    def receive(msg=('mark', k)):
        taken.append(k)
class Sender(process):
    def setup(judge, k): pass
    def run():
        send(('mark', k), to=judge)
@always
def in_order():
    return each(j in Judge, has=not (BAD))
def main():
    judge = new(Judge, ())
    start(judge)
    for k in range(3):
        start(new(Sender, (judge, k)))
"""


@pytest.mark.parametrize(
    ("bad", "bug_depth"),
    [("j.taken[2:] == [1]", 1), ("j.taken == [2, 0, 1]", 2), ("j.taken == [2, 0, 1]", 3)],
)
def test_the_chance_of_a_bug_is_what_is_promised(bad: str, bug_depth: int, tmp_path: Path) -> None:
    """Measured over all that chance may decide."""
    (tmp_path / "race.da").write_text(RACE.replace("BAD", bad))
    checked = check(tmp_path / "race.da", order=Order("pct", runs=30))
    begins = [n for n, each in enumerate(checked.tables.outcomes) if each.kind == "begin"]
    assert isinstance(checked.explorer, Prioritized)
    events = checked.explorer.events
    given: Any = checked.tables, checked.observer, checked.bounds
    every: Any = Every()
    total, promised = Fraction(0), []
    for _ in every.ways():
        run = Prioritized(*given, runs=1, seed=0, bug_depth=bug_depth)
        run.random, run.events = every, events
        run.begin(begins)
        run.go_on()
        assert run.events == events
        promised.append(run.chance)
        total += every.share * run.graph.is_refuted
    assert min(promised) <= total < 1

"""The kernel finds what its twin finds, state for state, whatever the program and the bounds."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations import ARGS, GUARANTEES, program
from quorate.worlds.check import run
from quorate.worlds.check.explore import Bounds, Explorer, Reductions
from quorate.worlds.check.observing import Found
from quorate.worlds.check.run import Checked, check, explore, load_for_checking
from quorate.worlds.check.steps import Came
from quorate.worlds.check.tables import COST, FREE, NOBODY, Outcome

compiled: Any = pytest.importorskip("quorate.worlds.check.compiled")
CompiledExplorer: Any = compiled.CompiledExplorer

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
TWO_PHASE = ROOT / "bench" / "models" / "two_phase.da"


# Programs.


def graph_of(checked: Checked) -> Any:
    """What has been found, as values; what it has cost aside."""
    graph = checked.graph
    wrong = graph.wrong and (graph.wrong[0], told(graph.wrong[1]))
    reached = [(state, told(found)) for state, found in graph.reached]
    sizes = [len(each) for each in (checked.tables.locals, checked.tables.outcomes)]
    return replace(graph, seconds=0, loading=0, wrong=None, reached=[]), wrong, reached, sizes


def told(found: Found) -> tuple[str, str]:
    return found.property.name, str(found.answer)


MISCHIEF = {"timeouts": 1, "crashes": 1, "restarts": 1, "losses": 1, "duplicates": 1}
OF_CLASSES = {
    "timeouts": {"Proposer": 1, "process": 1},
    "crashes": {"Acceptor": 1, "Proposer": 1},
    "restarts": {"Acceptor": 1},
}


@pytest.fixture(params=[0, 2], ids=["alone", "helped"])
def helped(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whether threads expand states ahead, in shares so small that there are many."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compiled, "processors", lambda: 1 + request.param)
        patched.setattr(compiled, "STRIDE", 3 if request.param else 1 << 11)
        yield


RUNS: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("two_phase.da", [3], {}),
    ("two_phase.da", [4], {"deadlocks": False}),
    ("two_phase.da", [4], {"deadlocks": False, "states": 500}),
    ("two_phase.da", [4], {"deadlocks": False, "depth": 7}),
    ("two_phase.da", [2], {"deadlocks": False, "losses": 1, "duplicates": 2, "crashes": 1}),
    ("basic_paxos.da", [1, 3, 1], {"states": 3000}),
    ("basic_paxos.da", [1, 3, 1], {"states": 3000, **MISCHIEF}),
    ("basic_paxos.da", [1, 3, 1], {"states": 3000, **OF_CLASSES}),
    ("ricart_agrawala.da", [2, 1], MISCHIEF | {"states": 1000}),
    ("lamport_mutex.da", [2, 1], {}),
    ("atomic_register.da", [2, 1, 1], {"losses": 1, "states": 3000}),
    ("atomic_register.da", [2, 2, 1], MISCHIEF | {"states": 1000}),
]


@pytest.mark.usefixtures("helped")
@pytest.mark.parametrize("network", ["bag", "set", "fifo"])
@pytest.mark.parametrize(("file", "args", "bounds"), RUNS)
def test_of_a_program_both_find_the_same(
    file: str, args: list[Any], bounds: dict[str, Any], network: Any
) -> None:
    folders = HERE, ROOT / "bench" / "models", ROOT / "examples"
    module = load_for_checking(next(each / file for each in folders if (each / file).exists()))
    deadlocks = bounds.get("deadlocks", True)
    limits = {name: bound for name, bound in bounds.items() if name != "deadlocks"}

    def found(kernel: bool) -> Any:
        bounds = Bounds(network=network, **limits)
        return graph_of(check(module, args, bounds, deadlocks=deadlocks, kernel=kernel))

    assert found(True) == found(False)


# Programs whose clients are followed.

LIMITS = st.fixed_dictionaries(
    {name: st.integers(0, 1) for name in MISCHIEF}
    | {"network": st.sampled_from(["bag", "set", "fifo"]), "reduce": st.booleans()}
)


@given(guarantee=st.sampled_from(GUARANTEES), args=ARGS, limits=LIMITS, deadlocks=st.booleans())
@pytest.mark.usefixtures("helped")
@settings(max_examples=25, deadline=None)
def test_of_what_clients_do_both_find_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    guarantee: str,
    args: tuple[Any, ...],
    limits: dict[str, Any],
    deadlocks: bool,
) -> None:
    module = program(guarantee, tmp_path_factory.getbasetemp())
    bounds = Bounds(states=400, **limits)

    def found(kernel: bool) -> Any:
        return graph_of(check(module, args, bounds, deadlocks=deadlocks, kernel=kernel))

    assert found(True) == found(False)


# A client that is there only after others, who may change places, have done something, and one
# that begins before any state is there.

LATE = """
class Starter(process):
    def setup(peers): pass
    def run():
        send(('go',), to=peers)
        await(each(p in peers, has=received(('ready',), from_=p)))
        c = new(Client)
        start(c)

class Peer(process):
    def run():
        await(some(received(('go',), from_=p)))
        send(('ready',), to=p)

class Client(process):
    def run():
        invoke('read')
        returned(None)

def main():
    peers = new(Peer, num=3)
    start(peers)
    start(new(Starter, (peers,)))

linearizable('register')
"""

EARLY = """
class Client(process):
    def run():
        invoke('read')
        returned(1)

def main():
    invoke('write', 1)
    start(new(Client, num=3))
    returned()

linearizable('register')
"""


@pytest.mark.usefixtures("helped")
@pytest.mark.parametrize("reduce", [True, False])
@pytest.mark.parametrize(("text", "states"), [(LATE, (12, 66)), (EARLY, (4, 8))])
def test_clients_may_come_late_or_early(
    tmp_path: Path, text: str, states: tuple[int, int], reduce: bool
) -> None:
    path = tmp_path / "clients.da"
    path.write_text(text)
    found = [check(path, bounds=Bounds(reduce=reduce), kernel=kernel) for kernel in (True, False)]
    assert [each.graph.states for each in found] == [states[not reduce]] * 2
    assert graph_of(found[0]) == graph_of(found[1])


def test_the_kernel_does_not_ask_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CompiledExplorer, "_learn", lambda self: None)
    with pytest.raises(AssertionError, match="cannot be learnt"):
        check(TWO_PHASE, [2], deadlocks=False, kernel=True)


# Tables that no program has.

SLOTS, STATES, MESSAGES = 3, 3, 6


class AnyTables:
    """What can happen is drawn by lot, once for each local state and message.

    With `clients`, whom the last slot is of, messages to it tell of operations.
    """

    def __init__(self, seed: int, ordered: bool, clients: bool = False) -> None:
        self.seed = seed
        self.ordered = ordered
        self.clients = SLOTS if clients else None
        self.clients_at_first = 1 + SLOTS * STATES
        count = 1 + (SLOTS + 1) * STATES
        random = Random(seed)
        self.locals = range(count)
        self.slot = [-1, *((local - 1) // STATES for local in range(1, count))]
        self.observed = [0, *(random.randrange(3) for _ in range(SLOTS * STATES)), *[0] * STATES]
        self.waits = [False, *(random.random() < 0.7 for _ in range(1, count))]
        self.to = [random.randrange(SLOTS + 1) for _ in range(MESSAGES)]
        self.channel = [to * 2 + random.randrange(2) for to in self.to]
        self.messages = [SimpleNamespace(is_spared=random.random() < 0.2) for _ in self.to]
        self.outcomes: list[Outcome] = []
        self.kept: dict[Any, tuple[int, ...]] = {}

    def local_of(self, slot: int, random: Random) -> int:
        return 1 + slot * STATES + random.randrange(STATES)

    def draw(self, key: Any, before: int, slot: int, taken: int, least: int) -> tuple[int, ...]:
        if key not in self.kept:
            random = Random(f"{self.seed} {key}")
            start = len(self.outcomes)
            for _ in range(random.randint(least, 2)):
                kinds = (
                    ["deliver"] if taken >= 0 else ["go on", "go on", "timeout", "crash", "restart"]
                )
                kind: Any = random.choice(kinds) if before else "begin"
                error = ValueError() if random.random() < 0.004 else None
                sent = self.sent(random.choices(range(MESSAGES), k=random.choice([0, 1, 1, 2])))
                others = [each for each in range(SLOTS) if each != slot]
                made = random.sample(others, random.choice([0, 0, 1, 2]) if before else 2)
                self.outcomes.append(
                    Outcome(
                        kind,
                        before,
                        NOBODY if error else self.local_of(slot, random),
                        sent,
                        tuple(self.local_of(each, random) for each in made),
                        taken,
                        COST.get(kind, FREE),
                        Came((), error=error),
                    )
                )
            self.kept[key] = tuple(range(start, len(self.outcomes)))
        return self.kept[key]

    def sent(self, messages: list[int]) -> tuple[int, ...]:
        """These, but one at most to whoever follows operations."""
        told = [each for each in messages if self.to[each] == self.clients]
        sent = [each for each in messages if each not in told] + told[:1]
        return tuple(sent if self.ordered else sorted(sent))

    def begin(self) -> tuple[int, ...]:
        return self.draw("begin", NOBODY, 0, -1, 1)

    def move(self, local: int) -> tuple[int, ...]:
        is_idle = self.slot[local] in (-1, self.clients)
        return () if is_idle else self.draw(local, local, self.slot[local], -1, 0)

    def deliver(self, local: int, message: int) -> tuple[int, ...]:
        key, slot = (local, message), self.slot[local]
        if self.to[message] == self.clients and key not in self.kept:
            random = Random(f"{self.seed} {key}")
            error = ValueError() if random.random() < 0.02 else None
            after = NOBODY if error else self.local_of(slot, random)
            self.outcomes.append(
                Outcome("deliver", local, after, (), (), message, FREE, Came((), error=error))
            )
            self.kept[key] = (len(self.outcomes) - 1,)
        return self.draw(key, local, slot, message, 0) if local else ()


class AnyCommuting:
    """Some of the outcomes that may be taken first are."""

    def __init__(self, tables: AnyTables) -> None:
        self.tables = tables

    def is_first(self, outcome: int) -> bool:
        each, observed = self.tables.outcomes[outcome], self.tables.observed
        if each.fails or each.made or each.cost != FREE or each.kind == "begin":
            return False
        return observed[each.before] == observed[each.after] and outcome % 3 == 0


class AnyObserver:
    """Contradicted by one combination in so many, and witnessed by others."""

    def __init__(self, seed: int, share: int) -> None:
        self.seed = seed
        self.share = share
        self.sometimes = [1, 2, 3]

    def refuted(self, numbers: list[int]) -> Any:
        lot = Random(f"{self.seed} {numbers}").randrange(self.share)
        return None if lot else ("wrong", list(numbers))

    def reached(self, numbers: list[int]) -> list[Any]:
        lot = Random(f"{numbers} {self.seed}").randrange(30)
        found = [lot] if lot in self.sometimes else []
        self.sometimes = [each for each in self.sometimes if each not in found]
        return found


ANY_LIMITS = st.fixed_dictionaries(
    {name: st.integers(0, 2) for name in MISCHIEF}
    | {
        "network": st.sampled_from(["bag", "set", "fifo"]),
        "states": st.sampled_from([None, 1, 50, 1000]),
        "depth": st.integers(0, 8),
    }
)


@given(
    seed=st.integers(0, 1 << 32),
    limits=ANY_LIMITS,
    share=st.sampled_from([5, 50, 10**9]),
    deadlocks=st.booleans(),
    reduces=st.booleans(),
    clients=st.booleans(),
)
@pytest.mark.usefixtures("helped")
@settings(max_examples=100, deadline=None)
def test_of_any_tables_both_find_the_same(
    seed: int, limits: dict[str, Any], share: int, deadlocks: bool, reduces: bool, clients: bool
) -> None:
    bounds = Bounds(**limits)

    def found(twin_states: int | None) -> Any:
        tables: Any = AnyTables(seed, bounds.network == "fifo", clients)
        observer: Any = AnyObserver(seed, share)
        commuting: Any = AnyCommuting(tables) if reduces else None
        explorer = Explorer(
            tables, observer, bounds, deadlocks=deadlocks, reductions=Reductions(commuting)
        )
        explorer.begin(tables.begin())
        explorer.go_on(twin_states)
        return replace(explore(explorer, kernel=True), seconds=0, loading=0), len(tables.outcomes)

    assert found(0) == found(100) == found(None)


@pytest.mark.parametrize("kernel", [True, False])
def test_who_needs_more_memory_than_is_allowed_stops(kernel: bool) -> None:
    bounds = Bounds(memory=100_000, network="set", reduce=False)
    found = check(TWO_PHASE, [6], bounds, deadlocks=False, kernel=kernel)
    assert (found.verdict, found.graph.stopped) == ("inconclusive", "memory")


def test_the_kernel_takes_over_where_there_are_many_states(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "LOADED_STATES", 200)
    taken = []
    original = CompiledExplorer.go_on
    monkeypatch.setattr(CompiledExplorer, "go_on", lambda self: taken.append(1) or original(self))
    bounds = Bounds(network="set", reduce=False)
    for managers, count in ((2, 0), (4, 1)):
        found = check(TWO_PHASE, [managers], bounds, deadlocks=False)
        without = check(TWO_PHASE, [managers], bounds, deadlocks=False, kernel=False)
        assert graph_of(found) == graph_of(without)
        assert len(taken) == count

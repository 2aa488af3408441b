"""What is left out comes to the same: the same ends are reached, and properties see the same."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.worlds.check.explore import Bounds, Explorer, Reductions, State
from quorate.worlds.check.reduction import Commuting, Sending
from quorate.worlds.check.run import check
from quorate.worlds.check.steps import Came
from quorate.worlds.check.tables import BUDGETS, COST, FREE, NOBODY, NONE, Budget, Outcome

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent

SLOTS, MESSAGES = 3, 8


@dataclass(frozen=True)
class Local:
    """What a process of a random program knows: the messages it has taken, how often it went on."""

    slot: int
    taken: frozenset[int] = frozenset()
    phase: int = 0
    crashed: bool = False


class Programs:
    """Tables of programs that end: whoever takes a message knows it, and sends what it sends once.

    Of some messages and phases the rest depends on all that is known, of others on nothing else.
    Whoever crashes knows nothing any more, and may begin anew. The class of a process is P and its
    slot.
    """

    clients = None

    def __init__(self, seed: int, ordered: bool, budgets: tuple[Budget, ...] = NONE) -> None:
        self.seed = seed
        self.ordered = ordered
        self.budgets = budgets
        random = Random(seed)
        self.to = [random.randrange(SLOTS) for _ in range(MESSAGES)]
        self.sender = [random.randrange(SLOTS) for _ in range(MESSAGES)]
        self.channel = [3 * sender + to for sender, to in zip(self.sender, self.to, strict=True)]
        self.messages = [Quiet] * MESSAGES
        self.known: list[Any] = [None]
        self.numbers: dict[Local, int] = {}
        self.slot, self.observed, self.waits = [-1], [0], [False]
        self.outcomes: list[Outcome] = []
        self.moves: list[tuple[int, ...] | None] = [()]
        self.deliveries: dict[tuple[int, int], tuple[int, ...]] = {}

    @property
    def locals(self) -> list[Any]:
        return self.known

    def lot(self, *key: Any) -> Random:
        return Random(f"{self.seed} {key}")

    def number(self, local: Local) -> int:
        if local not in self.numbers:
            self.numbers[local] = len(self.known)
            self.known.append(local)
            self.slot.append(local.slot)
            self.moves.append(None)
            seen = self.lot("seen", local.slot).choice([0, local.phase, len(local.taken)])
            self.observed.append(10 * local.slot + seen)
            self.waits.append(True)
        return self.numbers[local]

    def outcome(self, kind: Any, before: Local, after: Local, key: Any, taken: int = -1) -> int:
        simple = self.lot("simple", before.slot, key).random() < 0.7
        of = () if simple else (sorted(before.taken), before.phase)
        lot = self.lot("sent", before.slot, key, *of)
        own = [each for each in range(MESSAGES) if self.sender[each] == before.slot]
        sent = lot.sample(own, min(lot.choice([0, 0, 1, 2]), len(own)))
        if after == before or kind == "crash":
            sent = []
        self.outcomes.append(
            Outcome(
                *(kind, self.number(before), self.number(after)),
                *(tuple(sent if self.ordered else sorted(sent)), (), taken),
                *(self.cost(kind, before.slot), Came(())),
            )
        )
        return len(self.outcomes) - 1

    def cost(self, kind: Any, slot: int) -> int:
        if kind not in COST:
            return FREE
        name = BUDGETS[COST[kind]]
        of_class = [i for i, b in enumerate(self.budgets) if b[::2] == (name, f"P{slot}")]
        return of_class[0] if of_class else COST[kind]

    def begin(self) -> list[int]:
        first = self.outcome("begin", Local(0, phase=-1), Local(0), "begin")
        made = tuple(self.number(Local(slot)) for slot in range(1, SLOTS))
        sent = tuple(range(0, MESSAGES, 2))
        self.outcomes[first] = Outcome(
            "begin", NOBODY, self.number(Local(0)), sent, made, -1, FREE, Came(())
        )
        return [first]

    def move(self, local: int) -> tuple[int, ...]:
        found = self.moves[local]
        if found is None:
            here = self.known[local]
            lot = self.lot("move", here.slot, here.phase)
            enough = lot.randrange(3)
            kinds = lot.sample(["go on", "go on", "timeout"], lot.choice([1, 1, 2]))
            found = ()
            if here.crashed:
                found = (self.outcome("restart", here, Local(here.slot), "restart"),)
            elif here.phase < 2 and len(here.taken) >= enough:
                then = Local(here.slot, here.taken, here.phase + 1)
                found = tuple(
                    self.outcome(kind, here, then, (here.phase, way))
                    for way, kind in enumerate(kinds)
                )
            if not here.crashed and self.budgets[self.cost("crash", here.slot)].times:
                gone = Local(here.slot, crashed=True)
                found += (self.outcome("crash", here, gone, "crash"),)
            self.moves[local] = found
        return found

    def deliver(self, local: int, message: int) -> tuple[int, ...]:
        if not local:
            return ()
        if (local, message) not in self.deliveries:
            here = self.known[local]
            late = self.lot("late", message).randrange(3)
            then = Local(here.slot, here.taken | {message}, here.phase)
            is_deaf = self.lot("deaf", message).random() < 0.2 and here.phase >= late
            if is_deaf or here.crashed:
                then = here
            found = (self.outcome("deliver", here, then, message, message),)
            self.deliveries[local, message] = found
        return self.deliveries[local, message]


class Quiet:
    is_spared = False


class NothingAsked:
    """Properties that see all, and say nothing."""

    sometimes = ()

    def refuted(self, numbers: list[int]) -> None:
        return None


class Ends(Explorer):
    """Notes where nothing can happen any more."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.ends: set[int] = set()
        super().__init__(*args, **options)

    def _rest(self, state: State) -> None:
        self.ends.add(state.print)


TIMES = st.integers(0, 1) | st.dictionaries(
    st.sampled_from(["P0", "P1", "P2", "process"]), st.integers(0, 1), min_size=1, max_size=2
)


@given(
    seed=st.integers(0, 1 << 32),
    network=st.sampled_from(["bag", "fifo"]),
    timeouts=TIMES,
    losses=st.integers(0, 1),
    crashes=TIMES,
    restarts=TIMES,
)
@settings(max_examples=150, deadline=None)
def test_the_same_ends_are_reached_and_properties_see_the_same(
    seed: int, network: Any, **budgets: Any
) -> None:
    bounds = Bounds(network=network, **budgets, states=10_000)
    tables: Any = Programs(seed, network == "fifo", bounds.budgets)
    begins = tables.begin()
    nothing: Any = NothingAsked()
    whole = Ends(tables, nothing, bounds)
    whole.begin(begins)
    if whole.go_on().stopped:
        return
    reductions = Reductions(
        Commuting(tables, bounds.budgets, messages=not bounds.losses),
        Sending(tables, bounds.budgets),
    )
    while True:
        part = Ends(tables, nothing, bounds, reductions=reductions.used())
        part.begin(begins)
        part.go_on()
        if not reductions.refute(part, begins):
            break
    assert part.ends == whole.ends
    assert part.asked == whole.asked
    assert part.visited <= whole.visited


@pytest.mark.parametrize(
    ("file", "args", "bounds", "least"),
    [
        ("paxos.da", (2, 3, 1), {}, 14),
        ("basic_paxos.da", (1, 3, 1), {}, 15),
        ("basic_paxos.da", (1, 2, 1), {"timeouts": 1}, 3),
        ("mutex.da", (2, 2), {"network": "fifo"}, 1),
        ("two_phase_commit.da", (2, 1), {"timeouts": 1, "crashes": 1}, 1),
        ("two_phase_commit.da", (2, 1), {"losses": 1}, 1),
        ("two_phase_commit.da", (2, 1), {"timeouts": {"Site": 2}, "crashes": {"Site": 1}}, 1),
        ("chang_roberts.da", (4, 2), {}, 1),
        ("ricart_agrawala.da", (2, 2), {}, 1),
    ],
)
def test_of_a_program_the_verdict_is_the_same(
    file: str, args: tuple[int, ...], bounds: Any, least: int
) -> None:
    folders = HERE, ROOT / "bench" / "models", ROOT / "examples"
    path = next(each / file for each in folders if (each / file).exists())

    def found(reduce: bool) -> Any:
        return check(path, args, Bounds(**bounds, reduce=reduce), deadlocks=False)

    part, whole = found(True), found(False)
    assert part.verdict == whole.verdict == "holds"
    assert part.graph.states * least <= whole.graph.states
    assert part.observer.sometimes == whole.observer.sometimes


QUEUE = """
class Server(process):
    def setup():
        self.waiting = []
    def run():
        await(False)
    def receive(msg=("ask",), from_=p):
        waiting.append(p)
class Client(process):
    def setup(server): pass
    def run():
        send(("ask",), to=server)
def main():
    server = new(Server, ())
    start({server} | new(Client, (server,), num=2))
"""


LATE = """
class Server(process):
    def setup(observer):
        self.got = False
    def run():
        send(('up',), to=observer)
        await(False)
    def receive(msg=('put',)):
        got = True
    def receive(msg=('tell',), from_=p):
        if got:
            send(('yes',), to=p)
class Observer(process):
    def setup():
        self.ups, self.told = 0, False
    def run():
        await(False)
    def receive(msg=('up',), from_=p):
        ups += 1
        if ups == 2:
            send(('tell',), to=p)
    def receive(msg=('yes',)):
        told = True
@always
def forgotten():
    return each(p in Observer, has=not p.told)
def main():
    observer = new(Observer, ())
    server = new(Server, (observer,))
    start({observer, server})
    send(('put',), to=server)
"""


@pytest.mark.parametrize("reduce", [True, False])
def test_a_message_may_come_before_a_crash_or_after_the_restart(
    tmp_path: Path, reduce: bool
) -> None:
    path = tmp_path / "late.da"
    path.write_text(LATE)
    found = check(path, (), Bounds(crashes=1, restarts=1, reduce=reduce))
    assert found.graph.wrong is not None


def test_what_could_come_before_a_step_is_not_followed_for_ever(tmp_path: Path) -> None:
    """A client asks once, which no step of it says: the server could be asked again and again."""
    path = tmp_path / "queue.da"
    path.write_text(QUEUE)
    found = check(path, (), Bounds(), deadlocks=False)
    assert found.verdict == "holds"
    assert len(found.tables.outcomes) < 10_000


def test_guesses_are_not_asked_about_where_a_bound_ends_the_search(tmp_path: Path) -> None:
    path = tmp_path / "queue.da"
    path.write_text(QUEUE)
    found = check(path, (), Bounds(states=3), deadlocks=False)
    assert (found.verdict, found.graph.stopped) == ("inconclusive", "states")
    assert len(found.tables.outcomes) < 50

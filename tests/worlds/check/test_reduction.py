"""What is left out comes to the same: the same ends are reached, and properties see the same."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.worlds.base import command_line, surroundings
from quorate.worlds.check.explore import Bounds, Explorer, Reductions, State
from quorate.worlds.check.reduction import Commuting, Sending
from quorate.worlds.check.run import check, load_for_checking, self_check
from worlds.check.drawn import NothingAsked, Programs

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent


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


TALLY = """
class Server(process):
    def setup():
        self.tally = {}
        self.heard = 0
    def run():
        await(False)
    def receive(msg=("vote", n, voters), from_=p):
        MAKE
        if len(tally) == 3 and heard == 3:
            send(("won", THEN), to=voters)
    def receive(msg=("again",)):
        heard += 1
        if len(tally) == 3 and heard == 3:
            send(("won", THEN), to=tally.keys())
class Client(process):
    def setup(server): pass
    def run():
        await(some(received(("begin", voters))))
        send(("vote", 1, voters), to=server)
        -- voted
        send(("again",), to=server)
        await(received(("won", _)))
def main():
    server = new(Server, ())
    clients = new(Client, (server,), num=3)
    start({server} | clients)
    send(("begin", clients), to=clients)
"""


@pytest.mark.parametrize(
    "make",
    [
        "tally[p] = n",
        "tally = tally or {q: n for q in voters}",
        "tally = tally or {q: n for q in sorted(voters)}",
    ],
)
@pytest.mark.parametrize(
    ("then", "least"), [("len(tally)", 4), ("tally", 1), ("min(tally)", 1), ("[*tally][0]", 1)]
)
def test_processes_may_change_places_in_a_dictionary(
    tmp_path: Path, make: str, then: str, least: int
) -> None:
    """Whatever gives its order; and where nothing but its least key makes a difference, not so."""
    path = tmp_path / "tally.da"
    path.write_text(TALLY.replace("MAKE", make).replace("THEN", then))
    with command_line(path, ()), surroundings(0):
        found = self_check(load_for_checking(path), Bounds())
    assert (found.agree, found.unfinished) == (True, None)
    assert found.reduced * least <= found.whole


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


QUORUM = """
import sys

class Voter(process):
    def run():
        await(False)

    def receive(msg=('ask', k), from_=asker):
        send(('yes', k), to=asker)

class Asker(process):
    def setup(voters): pass

    def run():
        for k in range(2):
            send(('ask', k), to=voters)
            await(len(setof(v, received(('yes', _k), from_=v))) > len(voters) / 2)

def main():
    voters = new(Voter, (), num=int(sys.argv[1]), daemon=True)
    asker = new(Asker, (voters,))
    start(voters | {asker})
"""


def test_an_await_for_a_quorum_costs_as_much_as_one_order_of_the_votes(tmp_path: Path) -> None:
    """Whose votes are there makes no difference, nor when each has come."""
    path = tmp_path / "quorum.da"
    path.write_text(QUORUM)
    few, more = (check(path, (str(n),), Bounds()).graph.states for n in (3, 9))
    assert few <= more <= 3 * few
    assert check(path, ("5",), Bounds(reduce=False)).graph.states > 1000 * few


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


def test_guesses_are_held_to_the_program_no_longer_than_there_is_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "queue.da"
    path.write_text(QUEUE)
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    refute = Reductions.refute

    def late(self: Reductions, *args: Any) -> bool:
        clock[0] = 11.0
        return refute(self, *args)

    monkeypatch.setattr(Reductions, "refute", late)
    found = check(path, (), Bounds(seconds=10.0), deadlocks=False)
    assert (found.verdict, found.graph.stopped) == ("inconclusive", "seconds")
    assert found.tables.until is None

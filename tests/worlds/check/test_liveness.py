"""What is to happen in the end: contradicted by an end, or by a fair cycle that is really there."""

from pathlib import Path
from typing import Any

import pytest

from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.liveness import Lasso
from quorate.worlds.check.network import NETWORKS
from quorate.worlds.check.run import Checked, check

ZOO = Path(__file__).parents[2] / "zoo"

STARVING = """
class Door(process):
    def setup(guest):
        self.free = False

    def receive(msg=('told',)):
        free = not free
        send(('free',) if free else ('taken',), to=guest)

    def run():
        send(('taken',), to=guest)
        await(False)

class Guest(process):
    def setup(door):
        self.free = False
        self.inside = False

    def receive(msg=('free',)):
        free = True
        send(('told',), to=door)

    def receive(msg=('taken',)):
        free = False
        send(('told',), to=door)

    def run():
        await(free)
        inside = True
        await(False)

def main():
    door = new(Door)
    guest = new(Guest, (door,))
    setup(door, (guest,))
    start(guest)
    start(door)

@eventually
def enters():
    return each(p in Guest, has=p.inside)
"""

RING = """
class P(process):
    def setup(next):
        self.leader = None
        self.heard = 0

    def receive(msg=('elect', p)):
        if p == self:
            leader = self
        elif p > self:
            send(('elect', p), to=next)

    def run():
        send(('elect', self), to=next)
        await(False)

def main():
    ps = sorted(new(P, num=3))
    for p, q in zip(ps, ps[1:] + ps[:1]):
        setup(p, (q,))
    start(ps)

@eventually
def elected():
    return some(p in P, has=p.leader == p)
"""

POLLING = """
import sys
class P(process):
    def setup():
        self.ready = False
        self.over = False

    def receive(msg=('ready',)):
        ready = True

    def run():
        while not ready:
            -- poll
        over = True

def main():
    p = new(P, ())
    start(p)
    if 'silent' not in sys.argv:
        send(('ready',), to=p)

@eventually
def ends():
    return each(p in P, has=p.over)
"""

SERVED = """
import sys
class Ticker(process):
    def setup(other): pass
    def receive(msg=('tick',)):
        send(('tick',), to=other)

class Server(process):
    def receive(msg=('ask', n), from_=p):
        if 'deaf' not in sys.argv or n != 2:
            send(('answer', n), to=p)

class Client(process):
    def setup(server):
        self.asks = 0
        self.answered = 0
    def run():
        for n in range(1, 4):
            asks = n
            send(('ask', n), to=server)
            await(received(('answer', n)))
            answered = n
        await(False)

def main():
    server = new(Server, ())
    client = new(Client, (server,))
    a, b = new(Ticker), new(Ticker)
    setup(a, (b,))
    setup(b, (a,))
    start([a, b])
    start([server, client])
    send(('tick',), to=a)

@leads_to(within=1)
def all_answered():
    return (setof(n, p in Client, n in range(1, p.asks + 1)),
            setof(n, p in Client, n in range(1, p.answered + 1)))
"""

COMMIT = """
class Site(process):
    def setup(coordinator):
        self.state = 'working'

    def run():
        state = 'in doubt'
        send(('yes',), to=coordinator)
        await(False)

    def receive(msg=('commit',)):
        state = 'committed'

class Coordinator(process):
    def setup(sites): pass

    def run():
        await(each(s in sites, has=received(('yes',), from_=s)))
        send(('commit',), to=sites)

def main():
    coordinator = new(Coordinator)
    sites = new(Site, (coordinator,), num=2)
    setup(coordinator, (sites,))
    start(sites)
    start(coordinator)

@leads_to
def decided():
    return setof(s, s in Site, s.state == 'in doubt'), setof(s, s in Site, s.state == 'committed')
"""

RETRY = """
import sys
class Server(process):
    def receive(msg=('ask',), from_=p):
        if 'deaf' not in sys.argv:
            send(('answer',), to=p)

class Client(process):
    def setup(server):
        self.done = False
    def run():
        while not done:
            send(('ask',), to=server)
            if await(received(('answer',))):
                done = True
            elif timeout(1): pass
        await(False)

def main():
    server = new(Server, ())
    client = new(Client, (server,))
    start([server, client])

@eventually
def answered():
    return each(p in Client, has=p.done)
"""


@pytest.fixture
def program(tmp_path: Path) -> Any:
    def write(text: str, *args: str, strong: bool = False, **bounds: Any) -> Checked:
        path = tmp_path / "program.da"
        path.write_text(text)
        return check(path, args, Bounds(**bounds), deadlocks=False, kernel=False, strong=strong)

    return write


def the_lasso(found: Checked) -> Lasso:
    """The only one, which is a way from the beginning to a cycle, state for state."""
    assert found.verdict == "violated"
    [lasso] = found.lassos
    states = list(replayed(found, [*lasso.way, *lasso.loop]))
    assert states[len(lasso.way) - 1] == states[-1]
    return lasso


def replayed(found: Checked, actions: list[int]) -> Any:
    """The state after each action: the local states by slot, and the messages on their way."""
    network = NETWORKS[found.bounds.network](found.tables.channel)
    locals: dict[int, int] = {}
    net: tuple[int, ...] = ()
    for action in actions:
        if action < 0:
            net = network.after(net, (-2 - action) // 2, ()) if action % 2 == 0 else net
        else:
            outcome = found.tables.outcomes[action]
            slot = found.tables.slot
            if outcome.kind != "begin":
                assert locals[slot[outcome.before]] == outcome.before
            locals |= {slot[local]: local for local in (outcome.after, *outcome.made)}
            if outcome.taken >= 0:
                assert outcome.taken in network.first(net)
            net = network.after(net, outcome.taken, outcome.sent)
        yield dict(locals), net


def test_a_guest_starves_who_can_enter_now_and_then_unless_fairness_is_strong(program: Any) -> None:
    lasso = the_lasso(program(STARVING))
    assert len(lasso.loop) == 4
    assert "there is a state in which nothing is owed by Guest-2" in lasso.why
    assert program(STARVING, strong=True).verdict == "holds"


def test_a_ring_elects(program: Any) -> None:
    assert program(RING).verdict == "holds"
    lasso = the_lasso(program(RING.replace("p > self", "p < next")))
    assert lasso.loop == []


@pytest.mark.parametrize("network", ["bag", "fifo", "set"])
def test_polling_ends_when_what_is_polled_for_comes(program: Any, network: str) -> None:
    assert program(POLLING, network=network).verdict == "holds"
    assert the_lasso(program(POLLING, "silent", network=network)).loop == []


@pytest.mark.parametrize("network", ["bag", "fifo", "set"])
def test_whoever_asks_is_answered_whatever_else_goes_on(program: Any, network: str) -> None:
    assert program(SERVED, network=network).verdict == "holds"
    lasso = the_lasso(program(SERVED, "deaf", network=network))
    assert lasso.member == (2,)
    assert lasso.since < len(lasso.way) or lasso.loop
    assert str(lasso).startswith("`all_answered` is owed to 2, and never settled: ")


def test_two_phase_commit_blocks_when_the_coordinator_crashes(program: Any) -> None:
    assert program(COMMIT).verdict == "holds"
    lasso = the_lasso(program(COMMIT, crashes=1))
    assert lasso.loop == []
    assert [repr(member) for member in lasso.member] in (["Site-2"], ["Site-3"])
    assert lasso.why == "nothing that is owed can change anything any more"


@pytest.mark.parametrize("bounds", [{}, {"timeouts": 2}, {"timeouts": 1, "losses": 1}])
def test_whoever_asks_again_is_answered(program: Any, bounds: dict[str, int]) -> None:
    assert program(RETRY, **bounds).verdict == "holds"


@pytest.mark.parametrize("timeouts", [1, {"Client": 1}, {"process": 1, "Server": 0}])
def test_timers_fire_in_a_cycle_more_often_than_their_budget_allows(
    program: Any, timeouts: Any
) -> None:
    found = program(RETRY, "deaf", timeouts=timeouts)
    lasso = the_lasso(found)
    assert "timeout" in {found.tables.outcomes[action].kind for action in lasso.loop}
    assert "the timer of Client-2 fires" in lasso.why


def test_a_bound_leaves_it_open_unless_a_cycle_was_found_before(program: Any) -> None:
    assert program(SERVED, states=5).verdict == "inconclusive"
    assert program(SERVED, "deaf", states=5).verdict == "inconclusive"
    assert program(SERVED, depth=3).verdict == "inconclusive"
    endless = flipping("on = False if random.random() < 0.5 else on + 1")
    found = program(endless, states=50)
    assert (found.live.graph.stopped, found.verdict) == ("states", "violated")


FLIPPING = """
import random

class P(process):
    def setup():
        self.on = True

    def run():
        for _ in range(3):
            -- flip
            on = not on
        while True:
            -- toss
            HERE

def main():
    start(new(P, ()))

@eventually
def settled():
    return each(p in P, has=p.on)

@leads_to
def back():
    return setof(p, p in P, not p.on), setof(p, p in P, p.on)
"""


def flipping(then: str) -> str:
    return FLIPPING.replace("HERE", then)


def test_eventually_is_to_hold_from_some_time_on_for_ever(program: Any) -> None:
    found = program(flipping("on = not on"))
    [lasso] = found.lassos
    assert (lasso.property.name, lasso.found.question.names) == ("settled", ("p",))
    assert len(lasso.loop) == 2
    assert {each.property.name for each in program(flipping("pass")).lassos} == {"settled", "back"}
    assert program(flipping("on = True")).verdict == "holds"


def test_a_coin_may_fall_on_the_same_side_for_ever(program: Any) -> None:
    found = program(flipping("on = on or random.random() < 0.5"))
    assert {each.property.name for each in found.lassos} == {"settled", "back"}
    assert all(len(list(replayed(found, list(each.way)))) for each in found.lassos)


def test_leads_to_counts_who_comes_anew_as_the_other_worlds_do(program: Any) -> None:
    """Who has been settled once is owed nothing for as long as it asks without a break."""
    text = flipping("on = not on").replace("setof(p, p in P, not p.on)", "setof(p, p in P)")
    found = program(text)
    assert [each.property.name for each in found.lassos] == ["settled"]


def test_a_property_that_fails_contradicts_the_program(program: Any) -> None:
    found = program(flipping("pass").replace("setof(p, p in P, p.on)", "{1 // 0}"))
    assert found.verdict == "violated"
    [_, wrong] = found.graph.wrong
    assert isinstance(wrong.error, ZeroDivisionError)


def test_the_two_phase_commit_of_the_zoo_blocks(program: Any) -> None:
    text = (ZOO / "commit.da").read_text()
    found = program(text, "two-phase", "2", crashes=1, timeouts=2)
    lasso = the_lasso(found)
    assert (lasso.property.name, lasso.loop) == ("decided", [])
    assert "crash" in {found.tables.outcomes[action].kind for action in lasso.way}

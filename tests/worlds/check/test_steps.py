"""Local states: the same where a process does the same from there on."""

from pathlib import Path

import pytest

from quorate.worlds.check.counterexample import counterexample_of
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.retelling import retell
from quorate.worlds.check.run import check

WAITING = """
class P(process):
    def setup():
        self.fired = 0

    def run():
        while fired < 3:
            if await(False): pass
            elif timeout(1):
                fired += CHANGE
                again = fired

def main():
    start(new(P, ()))

@sometimes
def fires():
    return some(p in P, has=p.fired == HOWEVER)
"""


def waiting(folder: Path, change: int, however: int) -> Path:
    path = folder / "waiting.da"
    path.write_text(WAITING.replace("CHANGE", str(change)).replace("HOWEVER", str(however)))
    return path


def test_one_timer_after_another_fires(tmp_path: Path) -> None:
    assert check(waiting(tmp_path, 1, 3), (), Bounds(timeouts=3)).verdict == "holds"


def test_a_timer_that_is_set_again_is_the_same(tmp_path: Path) -> None:
    assert check(waiting(tmp_path, 0, 0), (), Bounds(timeouts=3)).graph.states == 1


CALLING = """
class P(process):
    def setup():
        self.called = False

    def run():
        -- call
        if not called:
            wait()
        await(False)

    def wait():
        called = True
        await(timeout(1))

def main():
    start(new(P, ()))

@sometimes
def calls():
    return some(p in P, has=p.called)
"""


def test_a_method_that_waits_is_called_after_a_label(tmp_path: Path) -> None:
    path = tmp_path / "calling.da"
    path.write_text(CALLING)
    assert check(path, (), Bounds(timeouts=1)).verdict == "holds"


SERVING = """
class Server(process):
    def setup(client):
        self.asked = 0

    def run():
        while True:
            await(asked > 0)
            asked -= 1
            send(('answer',), to=client)

    def receive(msg=('ask',)):
        asked += 1

class Client(process):
    def setup(): pass

    def run():
        send(('ask',), to=parent())
        await(received(('answer',)))
        send(('done',), to=parent())

def main():
    client = new(Client, ())
    server = new(Server, (client,), daemon=DAEMON)
    start({client, server})
    await(received(('ask',)))
    send(('ask',), to=server)
    await(received(('done',)))
"""


@pytest.mark.parametrize("daemon", [True, False])
def test_a_daemon_may_wait_for_ever(tmp_path: Path, daemon: bool) -> None:
    path = tmp_path / "serving.da"
    path.write_text(SERVING.replace("DAEMON", str(daemon)))
    stuck = check(path, (), Bounds(reduce=False)).graph.stuck
    assert (stuck is None) == daemon


@pytest.mark.parametrize("bounds", [{"losses": 3}, {"duplicates": 3}])
def test_what_main_says_and_hears_comes_once(tmp_path: Path, bounds: dict[str, int]) -> None:
    path = tmp_path / "serving.da"
    path.write_text(SERVING.replace("DAEMON", "True"))
    found = check(path, (), Bounds(reduce=False, **bounds), deadlocks=False)
    actions = {action for action in found.graph.actions if action < 0}
    meddled = {found.tables.messages[(-2 - action) // 2].sender for action in actions}
    assert {each.kind for each in meddled} == {"Server"}


NAMED = """
import random

class P(process):
    def setup(n):
        self.n = n

    def run():
        await(False)

def main():
    start(new(P, (random.choice([0, 1]),), num=NAMES))
    -- made
    resolve('a')

@sometimes
def is_one():
    return some(p in P, has=p.n == 1)
"""


@pytest.mark.parametrize(("names", "verdict"), [("['a']", "holds"), ("['a', 'a']", "violated")])
def test_names_are_given_once_in_each_run(tmp_path: Path, names: str, verdict: str) -> None:
    path = tmp_path / "named.da"
    path.write_text(NAMED.replace("NAMES", names))
    checked = check(path, (), Bounds(), deadlocks=False)
    assert checked.verdict == verdict
    if (found := counterexample_of(checked)) is not None:
        assert "error[Q109]" in found.text
        retell(checked, found, str(path))


def test_no_order_is_counted_on_where_messages_come_twice() -> None:
    """Between those who say that channels keep order, and those who do not, it then is the same."""
    zoo = Path(__file__).parents[2] / "zoo" / "mutex.da"
    bounds = Bounds(network="fifo", duplicates=1, reduce=False)
    kinds = [check(zoo, (kind, 2, 1), bounds).graph.states for kind in ("none", "overtaking")]
    assert kinds == [1_171, 1_171]

"""Crashes, restarts and pauses of processes, and what their clocks say."""

import pytest

from worlds.sim.conftest import Tell

SERVES = """
import random
import time

class Server(process):
    def setup(first, peers):
        self.count = first
        self.peers = peers
    def run():
        output('up', count, random.random())
        if await(some(received(('stop',)))): pass
        elif timeout(100): output('late')
    def receive(msg=('add', n), from_=p):
        count += n
        send(('sum', count), to=p)

class Client(process):
    def setup(server): pass
    def run():
        for i in range(6):
            time.sleep(1)
            send(('add', 1), to=server)
            if await(some(received(('sum', n)), has=n > 0)):
                output('sum', maxof(m, received(('sum', m))))
                reset(received)
            elif timeout(0.5):
                output('none')
        send(('stop',), to=server)

def main():
    server = new(Server, (10, {1, 2}))
    start(server)
    start(new(Client, (server,)))
"""


def test_a_crash_loses_everything_and_a_restart_begins_anew(tell: Tell) -> None:
    story = tell(SERVES, "at 3.1s crash Server-1 for 1s")
    assert story.run.texts("Client-2") == ["sum 11", "sum 12", "sum 13", "none", "sum 11", "sum 12"]
    ups = [text.split() for text in story.run.texts("Server-1")]
    assert [words[:2] for words in ups] == [["up", "10"], ["up", "10"]]
    assert ups[0][2] != ups[1][2]  # it does not throw the same dice again
    assert (story.run.status, story.run.crashes) == (0, 1)


def test_what_comes_while_it_is_down_is_gone_whatever_the_channel(tell: Tell) -> None:
    story = tell(SERVES, "at 3.1s crash Server-1 for 1s", channel="fifo")
    (drop,) = story.of("drop")
    assert (repr(drop.process), drop.value) == ("Server-1", "receiver crashed")


def test_a_crash_for_good_is_an_end(tell: Tell) -> None:
    for line in ("at 3.1s crash Server-1", "at 3.1s crash Server for ever"):
        story = tell(SERVES, line)
        assert story.run.texts("Client-2") == ["sum 11", "sum 12", "sum 13", "none", "none", "none"]
        assert (story.run.status, story.run.waiting) == (0, [])
    restarted = tell(SERVES, "at 3.1s crash Server\nat 4.6s restart Server-1\n")
    assert restarted.run.texts("Client-2")[3:] == ["none", "sum 11", "sum 12"]


def test_timers_of_an_earlier_life_do_not_fire(tell: Tell) -> None:
    text = """
class P(process):
    def run():
        output('begins')
        if await(False): pass
        elif timeout(2): output('fires')
def main():
    start(new(P, ()))
"""
    story = tell(text, "at 1s crash P-1 for 500ms")
    assert [(each.text, each.time) for each in story.run.outputs] == [
        *(("begins", 0.0), ("begins", 1.5), ("fires", 3.5))
    ]


MAKES = """
class Child(process):
    def setup(maker): pass
    def run():
        send(('from', self), to=maker)
        await(False)
class Maker(process):
    def run():
        child = new(Child, (self,))
        start(child)
        await(some(received(('from', p))))
        output(p)
        await(False)
def main():
    start(new(Maker, ()))
"""


def test_what_a_process_has_made_goes_with_it_and_ids_are_never_used_again(tell: Tell) -> None:
    story = tell(MAKES, "at 1s crash Maker-1 for 1s\nat 3s crash Maker-1 for 1s")
    assert story.run.texts() == ["Child-1.1", "Child-1.2", "Child-1.3"]
    crashed = [repr(each.process) for each in story.of("crash")]
    assert crashed == ["Maker-1", "Child-1.1", "Maker-1", "Child-1.2"]
    assert story.run.crashes == 2
    assert [repr(each.process) for each in story.run.waiting] == ["Maker-1", "Child-1.3"]


def test_one_that_is_ended_while_it_is_down_stays_down(tell: Tell) -> None:
    text = """
import time
class P(process):
    def run(): await(False)
def main():
    p = new(P, ())
    start(p)
    time.sleep(2)
    end(p)
"""
    story = tell(text, "at 1s crash P-1 for 3s")
    assert (story.run.end, story.run.time) == ("over", 2.0)
    assert not story.of("restart")


def test_what_a_crashed_process_was_to_send_again_is_gone(tell: Tell) -> None:
    text = """
class A(process):
    def setup(b): pass
    def run():
        send(('hello',), to=b)
        await(False)
class B(process):
    def run():
        await(some(received(('hello',))))
def main():
    b = new(B, ())
    start(b)
    start(new(A, (b,)))
"""
    scenario = "at 0.5s crash A-2\nat 0.6s loss 0"
    for channel in ("reliable", "fifo"):
        story = tell(text, scenario, channel=channel, loss="1")
        assert story.of("retry")
        assert not story.of("deliver")
        assert [repr(each.process) for each in story.run.waiting] == ["B-1"]
        assert tell(text, "at 0.6s loss 0", channel=channel, loss="1").of("deliver")


def test_a_paused_process_does_nothing_and_then_all_of_it(tell: Tell) -> None:
    story = tell(SERVES, "at 1.9s pause Server-1 for 400ms")
    assert story.run.texts("Client-2")[:3] == ["sum 11", "sum 12", "sum 13"]
    times = [each.time for each in story.run.outputs if each.process == "Client-2"]
    assert 2.3 < times[1] < 2.31
    assert story.of("pause")[0].value == pytest.approx(2.3)


CLOCKS = """
import time
class P(process):
    def run():
        begun, then = time.time(), time.monotonic()
        time.sleep(1000)
        output(begun, time.time() - begun, time.monotonic() - then)
def main():
    start(new(P, (), num=5))
"""


def test_clocks_that_are_apart(tell: Tell) -> None:
    story = tell(CLOCKS, skew="50ms", until=2000.0)
    aheads = [each.values[0] - 1_600_000_000 for each in story.run.outputs]
    assert len(set(aheads)) == 5
    assert all(-0.05 <= ahead <= 0.05 for ahead in aheads)
    assert [each.time for each in story.run.outputs] == [1000.0] * 5


def test_clocks_that_run_fast_or_slow(tell: Tell) -> None:
    story = tell(CLOCKS, drift="1%", until=2000.0)
    for each in story.run.outputs:
        assert each.values[1:] == pytest.approx((1000.0, 1000.0))  # by its own clock
        assert 990 <= each.time <= 1011
    assert len({each.time for each in story.run.outputs}) == 5

"""What becomes of messages: what channels promise, whatever befalls the network."""

from itertools import pairwise

import pytest

from worlds.sim.conftest import Tell

COUNTS = """
import time
class Receiver(process):
    def setup(n):
        self.seen = []
    def run():
        await(len(seen) >= n)
        output(seen)
    def receive(msg=('number', i)):
        seen.append(i)

class Sender(process):
    def setup(receiver, n): pass
    def run():
        time.sleep(1)
        for i in range(n):
            send(('number', i), to=receiver)

def main():
    receiver = new(Receiver, (100,))
    start(receiver)
    start(new(Sender, (receiver, 100)))
"""
ALL = list(range(100))
ADVERSE = {"loss": "0.3", "duplicate": "0.3", "reorder": "0.3", "partition": "every=5ms,for=9ms"}


@pytest.mark.parametrize("seed", range(5))
def test_a_reliable_channel_delivers_each_message_once(tell: Tell, seed: int) -> None:
    story = tell(COUNTS, seed=seed, **ADVERSE)
    numbers = [message[1] for _, message in story.arrivals("Receiver-1")]
    assert sorted(numbers) == ALL
    assert numbers != ALL
    assert story.of("retry")
    assert not story.of("drop")
    assert (story.run.status, story.run.lost, story.run.reliable) == (0, 0, True)


@pytest.mark.parametrize("seed", range(5))
def test_one_that_keeps_order_delivers_them_in_order_too(tell: Tell, seed: int) -> None:
    story = tell(COUNTS, seed=seed, channel="fifo", **ADVERSE)
    assert [message[1] for _, message in story.arrivals("Receiver-1")] == ALL


def test_what_is_lost_comes_later_and_holds_up_what_was_sent_after_it(tell: Tell) -> None:
    story = tell(COUNTS, channel="fifo", loss="0.02")
    times = [time for time, _ in story.arrivals("Receiver-1")]
    assert any(later - earlier > 0.01 for earlier, later in pairwise(times))
    assert max(times) < 2.0
    assert tell(COUNTS, channel="fifo").run.time < 1.01


@pytest.mark.parametrize("seed", range(5))
def test_an_unreliable_channel_loses_and_repeats(tell: Tell, seed: int) -> None:
    story = tell(COUNTS, seed=seed, channel="unreliable", loss="0.3", duplicate="0.3")
    numbers = [message[1] for _, message in story.arrivals("Receiver-1")]
    assert set(numbers) < set(ALL)
    assert len(numbers) > len(set(numbers))
    assert 10 < story.run.lost < 50
    assert not story.run.reliable


@pytest.mark.parametrize("seed", range(5))
def test_one_that_keeps_order_only_loses(tell: Tell, seed: int) -> None:
    faults = {"loss": "0.3", "duplicate": "0.3", "reorder": "0.3"}
    story = tell(COUNTS, seed=seed, channel="unreliable,fifo", **faults)
    numbers = [message[1] for _, message in story.arrivals("Receiver-1")]
    assert numbers == sorted(set(numbers))
    assert 0 < len(numbers) < 100


def test_a_duplicate_is_a_message_of_its_own(tell: Tell) -> None:
    text = """
class Receiver(process):
    def setup():
        self.seen = []
    def run():
        await(len(seen) == 2)
        seen[0].append('changed')
        output(seen)
    def receive(msg=('list', values)):
        seen.append(values)
def main():
    receiver = new(Receiver, ())
    start(receiver)
    start(new(Sender, (receiver,)))
class Sender(process):
    def setup(receiver): pass
    def run(): send(('list', [1]), to=receiver)
"""
    story = tell(text, channel="unreliable", duplicate="1")
    assert story.run.texts() == ["[[1, 'changed'], [1]]"]


def test_a_fault_may_be_for_some_messages_only(tell: Tell) -> None:
    lossy = tell(COUNTS, channel="unreliable", loss="1,from=Sender,to=Receiver")
    assert not lossy.arrivals("Receiver-1")
    for ends in ("to=Sender", "from=Receiver", "from=Sender-1"):
        assert tell(COUNTS, channel="unreliable", loss=f"1,{ends}").run.lost == 0
    assert tell(COUNTS, channel="unreliable", loss="1,from=Sender-2").run.lost == 100
    assert tell(COUNTS, channel="unreliable", loss=["1", "0,to=Receiver"]).run.lost == 0


MAIN = """
class P(process):
    def run():
        for i in range(20):
            send(('done', i), to=parent())
def main():
    start(new(P, ()))
    await(countof(i, received(('done', i))) == 20)
"""


def test_main_which_sets_the_scene_is_spared_unless_it_is_named(tell: Tell) -> None:
    assert tell(MAIN, channel="unreliable", loss="0.5").run.status == 0
    assert tell(MAIN, channel="unreliable", loss="0.5,to=main").run.end == "quiet"
    assert tell(MAIN, latency="1s").run.time == 1.0


def test_what_is_ready_at_the_same_time_comes_in_an_order_of_the_seed(tell: Tell) -> None:
    orders = {
        str(tell(COUNTS, seed=seed, latency="1ms").arrivals("Receiver-1")) for seed in range(3)
    }
    assert len(orders) == 3
    ordered = tell(COUNTS, latency="1ms", channel="fifo").arrivals("Receiver-1")
    assert [message[1] for _, message in ordered] == ALL
    assert len({time for time, _ in ordered}) == 1


def test_messages_to_processes_that_are_still_to_be_made_keep_their_numbers(tell: Tell) -> None:
    text = """
class A(process):
    def setup(b): pass
    def run(): send(('to', b), to=b)
class B(process):
    def run(): await(some(received(('to', b))))
class Maker(process):
    def run():
        self.b = new(B, ())
        send(('b', self.b), to=parent())
        time.sleep(1)
        start(self.b)
import time
def main():
    maker = new(Maker, ())
    start(maker)
    await(some(received(('b', b))))
    start(new(A, (b,)))
"""
    story = tell(text)
    assert story.run.status == 0
    sent = {each.number: each.value for each in story.of("send")}
    delivered = {each.number: each.value for each in story.of("deliver")}
    assert sent == delivered


def test_partitions_cut_and_heal(tell: Tell) -> None:
    cut = "at 100ms partition {Sender-2} | {Receiver-1}"
    assert tell(COUNTS, cut, until=9.0).run.end == "late"
    healed = tell(COUNTS, cut + " for 2s")
    assert min(time for time, _ in healed.arrivals("Receiver-1")) > 2.0
    assert healed.run.status == 0
    assert tell(COUNTS, cut, channel="unreliable").run.lost == 100


def test_a_partition_of_one_way(tell: Tell) -> None:
    against = tell(COUNTS, "at 100ms partition Sender -> Receiver", channel="unreliable")
    assert (against.run.lost, against.run.end) == (100, "quiet")
    along = tell(COUNTS, "at 100ms partition Receiver -> Sender", channel="unreliable")
    assert along.run.lost == 0


def test_a_clogged_link_delivers_all_at_once_at_its_end(tell: Tell) -> None:
    for channel in ("reliable", "fifo", "unreliable"):
        story = tell(COUNTS, "at 100ms clog Sender -> Receiver for 2s", channel=channel)
        arrivals = story.arrivals("Receiver-1")
        assert {time for time, _ in arrivals} == {2.1}
        assert ([message[1] for _, message in arrivals] == ALL) == (channel == "fifo")

"""Faults that strike from time to time: how often, whom, and until when."""

from pathlib import Path

import pytest

from quorate.core.ids import ProcessId
from quorate.lang.faults import faults_of
from quorate.worlds.sim import Adversity, simulate
from quorate.worlds.sim.faults import swarm
from quorate.worlds.sim.partitions import Partition, places
from worlds.sim.conftest import Story, Tell

IDLE = """
import time
class Server(process):
    def run():
        while True:
            time.sleep(0.1)
class Client(process):
    def run(): await(False)
def main():
    start(new(Server, (), num=3) | new(Client, (), num=2))
"""


def spans(story: Story, begin: str, end: str) -> list[tuple[float, float]]:
    begun = [each.time for each in story.of(begin)]
    ended = [each.time for each in story.of(end)]
    return list(zip(begun, ended, strict=False))


def test_partitions_come_and_go(tell: Tell) -> None:
    story = tell(IDLE, partition="every=2s,for=500ms", until=1000.0)
    found = story.of("partition")
    assert 400 < len(found) < 600
    assert len({str(each.value) for each in found}) > 20
    for each in found:
        one, other = each.value
        assert one
        assert other
        assert sorted([*one, *other]) == [(1,), (2,), (3,), (4,), (5,)]
    lengths = [end - begin for begin, end in spans(story, "partition", "heal")]
    assert 0.4 < sum(lengths) / len(lengths) < 0.8  # some overlap


def test_at_most_so_many_of_a_class_are_down(tell: Tell) -> None:
    for count in (1, 2):
        story = tell(IDLE, crash=f"Server:{count},every=500ms,for=2s", until=200.0)
        down: set[str] = set()
        most = 0
        for each in story.happenings:
            if each.kind == "crash":
                down.add(repr(each.process))
            elif each.kind == "restart":
                down.discard(repr(each.process))
            most = max(most, len(down))
        assert most == count
        assert {repr(each.process) for each in story.of("crash")} == {
            *("Server-1", "Server-2", "Server-3")
        }


def test_a_crash_for_ever(tell: Tell) -> None:
    story = tell(IDLE, crash="Server:2,every=1s,for=ever", until=200.0)
    assert (story.run.crashes, len(story.of("restart"))) == (2, 0)
    assert tell(IDLE, crash="on", until=100.0).run.crashes > 5


def test_pauses(tell: Tell) -> None:
    story = tell(IDLE, pause="Client,every=1s,for=100ms", until=50.0)
    assert {repr(each.process) for each in story.of("pause")} == {"Client-4", "Client-5"}


def test_clogs(tell: Tell) -> None:
    story = tell(IDLE, clog="every=1s,for=100ms,to=Client", until=50.0)
    assert {each.peer and each.peer.kind for each in story.of("clog")} == {"Client"}
    assert len({(each.process, each.peer) for each in story.of("clog")}) > 5


def test_all_faults_are_over_in_time(tell: Tell) -> None:
    faults = dict.fromkeys(("partition", "crash", "pause", "clog"), "every=1s,for=3s")
    story = tell(IDLE, **faults, loss="0.1", faults_until=20.0, until=40.0)
    kinds = ("partition", "crash", "pause", "clog", "restart")
    assert {kind: max(each.time for each in story.of(kind)) <= 20.0 for kind in kinds} == (
        dict.fromkeys(kinds, True)
    )
    assert len(story.of("restart")) == len(story.of("crash"))
    assert all(each.value <= 20.0 for each in [*story.of("pause"), *story.of("clog")])
    assert story.of("rates")[-1].value == ()


def test_a_stuck_run_is_not_kept_going_by_faults_alone(tell: Tell) -> None:
    text = """
class P(process):
    def run(): await(False)
def main():
    start(new(P, (), num=3))
"""
    story = tell(text, partition="on", clog="on", pause="on")
    assert (story.run.end, story.run.status) == ("quiet", 1)
    assert story.run.time < 0.001
    assert tell(text, "at 9s heal").run.time == 9.0


def test_the_same_seed_has_the_same_faults_and_others_others(tell: Tell) -> None:
    told = [str(tell(IDLE, crash="on", partition="on", seed=seed).happenings) for seed in (1, 1, 2)]
    assert told[0] == told[1] != told[2]


def test_a_swarm_draws_which_faults_are_on() -> None:
    faults = faults_of({"loss": ["0.1", "0.2,to=P"], "crash": "on", "pause": "on"})
    drawn = [tuple(fault.name for fault in swarm(faults, seed)) for seed in range(200)]
    assert len(set(drawn)) == 8
    assert 60 < sum("crash" in each for each in drawn) < 140
    assert swarm(faults, 7) == swarm(faults, 7)


def ids(*paths: tuple[int, ...]) -> list[ProcessId]:
    return [ProcessId("P", path) for path in paths]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([(), (1,), (2,), (2, 1)], [(1,), (2,)]),
        ([(), (1,), (1, 1), (1, 2), (1, 2, 1)], [(1,), (1, 1), (1, 2)]),
        ([(), (1,)], [(1,)]),
        ([()], []),
    ],
)
def test_places(paths: list[tuple[int, ...]], expected: list[tuple[int, ...]]) -> None:
    assert places(ids(*paths)) == expected


def test_a_program_has_faults_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "faulty.da"
    path.write_text(
        """
config(faults={'loss': 1, 'latency': '5ms'}, channel='unreliable')
class P(process):
    def run():
        send(('m',), to=Q)
        output('sent')
def main():
    config(faults={'latency': '7ms'})
    start(new(P, (), num=2))
    send(('m',), to=self)
    await(some(received(('m',))))
""".replace("send(('m',), to=Q)", "pass")
    )
    adversities = (Adversity(), Adversity({"latency": "1s"}), Adversity(program=False))
    times = [simulate(path, adversity=each).time for each in adversities]
    assert times == [0.007, 1.0, times[2]]
    assert times[2] < 0.001


def test_who_is_in_no_group_reaches_all() -> None:
    maker, one, other, deep, outside = ids((1,), (1, 1), (1, 2), (1, 1, 5), (2,))
    partition = Partition(([(1,), (1, 1)], [(1, 2)]))
    cut = [(one, other), (other, one), (deep, other), (maker, other)]
    assert all(partition.cuts(*pair) for pair in cut)
    assert not any(partition.cuts(*pair) for pair in [(one, deep), (maker, one), (outside, one)])

"""What happens in a run is told to an observer, and is the same on every Python."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quorate.worlds.sim import Adversity, simulate
from quorate.worlds.sim.happenings import Digest, Happening
from worlds.sim.conftest import Tell

ROOT = Path(__file__).parent.parent.parent.parent
IN_ANOTHER_RUN = """
from quorate.worlds.sim import Adversity, simulate
from quorate.worlds.sim.happenings import Digest
from quorate.worlds.sim.scenario import read_scenario
rates = {"loss": "0.05", "duplicate": "0.05", "reorder": "0.1", "latency": "lognormal:median=1ms"}
often = {"partition": "every=40ms,for=10ms", "crash": "Server:1,every=50ms,for=10ms"}
rest = {"clog": "every=40ms,for=10ms", "pause": "every=40ms,for=5ms", "skew": "1ms"}
scenario = read_scenario("at 60ms crash Server-1 for 20ms")
adversity = Adversity({**rates, **often, **rest, "drift": "1%"}, scenario)
for channel in ("unreliable", "fifo"):
    digest = Digest()
    run = simulate(
        *("tests/worlds/sim/shaken.da", (), 7),
        adversity=adversity,
        observer=digest,
        config={"channel": frozenset({channel})},
    )
    print(run.end, run.lost > 0, run.crashes, digest.hex())
"""
EXPECTED = """\
over True 4 b19737ce9011f1a8d0c2c3f58bfa3f25
over True 3 63d9df6cdba151db201cf77301582b63
"""


@pytest.mark.parametrize("hashes", ["0", "1"])
def test_on_every_python_with_any_hashes_it_is_the_same(hashes: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_RUN],
        env={**os.environ, "PYTHONHASHSEED": hashes},
        capture_output=True,
        check=True,
        text=True,
        cwd=ROOT,
    )
    assert told.stdout == EXPECTED


def test_frozen_and_thawed_at_every_step_it_is_the_same() -> None:
    faults = {"loss": "0.05", "crash": "Server:1,every=50ms,for=10ms", "pause": "every=40ms"}
    digests = set()
    for refreeze in (False, True):
        digest = Digest()
        path = Path(__file__).with_name("shaken.da")
        adversity = Adversity(faults)
        simulate(path, seed=3, until=0.08, adversity=adversity, observer=digest, refreeze=refreeze)
        digests.add(digest.hex())
    assert len(digests) == 1


TWO = """
class P(process):
    def setup(other): pass
    def run():
        send(('hello', {1, 2}), to=other)
        if await(False): pass
        elif timeout(1): output('bye', {'a', 'b'})
class Q(process):
    def run():
        await(some(received(('hello', _))))
def main():
    q = new(Q, ())
    start(q)
    start(new(P, (q,)))
"""


def test_what_is_told(tell: Tell) -> None:
    story = tell(TWO, latency="1ms")
    told = [(each.kind, repr(each.process)) for each in story.happenings]
    assert told == [
        *(("start", "main"), ("create", "Q-1"), ("create", "P-2"), ("end", "main")),
        *(("setup", "Q-1"), ("start", "Q-1"), ("setup", "P-2"), ("start", "P-2")),
        *(("send", "P-2"), ("deliver", "Q-1"), ("end", "Q-1")),
        *(("timer", "P-2"), ("output", "P-2"), ("end", "P-2")),
    ]
    times = [each.time for each in story.happenings]
    assert times == sorted(times)
    (send,), (deliver,) = story.of("send"), story.of("deliver")
    assert send.number == deliver.number
    assert (send.process, send.peer) == (deliver.peer, deliver.process)
    assert send.value == ("hello", {1, 2})


def digest(*happenings: Happening) -> str:
    made = Digest()
    for each in happenings:
        made(each)
    return made.hex()


def test_digests_differ_where_anything_does() -> None:
    one = Happening(1.0, "output", None, None, 0, ({"a", "b"},))
    assert digest(one) == digest(one._replace(value=({"b", "a"},)))
    others = [
        one,
        one._replace(value=({"a", "c"},)),
        one._replace(time=1.5),
        one._replace(kind="fail"),
    ]
    assert len({digest(each) for each in others} | {digest(), digest(one, one)}) == 6

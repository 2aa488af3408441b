"""What a recorded run tells, and that it is the run that was not recorded."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from quorate.trace import Trace
from quorate.trace import events as ev
from quorate.trace.telling import told
from quorate.trace.values import shown
from quorate.worlds.sim.seeds import run_once
from recorded import Record

ROOT = Path(__file__).parent.parent.parent
SHAKEN = ROOT / "tests" / "worlds" / "sim" / "shaken.da"
RATES = {"loss": "0.05", "duplicate": "0.05", "reorder": "0.1", "latency": "lognormal:median=1ms"}
OFTEN = {"partition": "every=40ms,for=10ms", "crash": "Server:1,every=50ms,for=10ms"}
REST = {"clog": "every=40ms,for=10ms", "pause": "every=40ms,for=5ms", "skew": "1ms"}
ALL = {**RATES, **OFTEN, **REST, "drift": "1%"}
SCENARIO = """
at 60ms crash Server-1 for 20ms
at 70ms loss 0.2
at 80ms partition {Server-1} | {Server-2} for 3ms
at 82ms heal
"""

TWO = """\
class P(process):
    def setup(other):
        self.said = {1}
    def run():
        send(('hello', said), to=other)
        said.add(2)
        -- there
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


def test_what_is_told(record: Record) -> None:
    run = record(TWO, latency="1ms")
    file = run.plan.path
    lines = [told(each).replace(file, "told.da") for each in run.trace.events]
    assert [line for line in lines if not line.startswith("chance")] == [
        "the run creates main",
        "main starts",
        *("main creates Q-1", "main creates P-2", "main ends with code 0"),
        *("Q-1 is set up with ()", "Q-1 starts", "Q-1: it stands at told.da:12"),
        "P-2 is set up with (Q-1)",
        "P-2: other = Q-1, said = {1}",
        "P-2 starts",
        "P-2 sends ('hello', {1}) to Q-1 as P-2>Q-1#1  (told.da:5)",
        "P-2 sets timer 1 to 1 s  (told.da:9)",
        "P-2: said = {1, 2}, it stands at told.da:8",
        *("P-2 goes on", "Q-1 goes on"),
        *("Q-1 is given P-2>Q-1#1", "Q-1 ends with code 0"),
        *("the timer 1 of P-2 runs out", "P-2 prints bye {'a', 'b'}  (told.da:9)"),
        *("P-2 ends with code 0", "the run is over (over), with status 0"),
    ]


CHANNELS = ("unreliable", "fifo", "unreliable,fifo", "reliable")


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("seed", [3, 4])
def test_a_recorded_run_is_the_same_as_one_that_is_not(
    record: Record, channel: str, seed: int
) -> None:
    run = record(SHAKEN, SCENARIO, seed=seed, channel=channel, until=0.2, **ALL)
    assert run.result == run_once(run.plan, run.module, seed)
    assert {each.what for each in run.of(ev.Fault)} >= {"crash", "partition", "rates", "heal"}


def happened_before(trace: Trace) -> dict[int, set[int]]:
    """By step: all steps that happened before it, by following what brought each about."""
    last: dict[str, int] = {}
    sent: dict[str, int] = {}
    made: dict[str, int] = {}
    before: dict[int, set[int]] = {}
    now = 0
    for event in trace.events:
        match event:
            case ev.Step(process=process, step=now, message=message, by=by):
                causes = {last.get(process), sent.get(message or ""), by, made.get(process)}
                before[now] = {one for one in causes if one is not None}
                for one in [*before[now]]:
                    before[now] |= before[one]
                last[process] = now
            case ev.Send(message=message):
                sent[message] = now
            case ev.Duplicate(message=message, copy=copy):
                sent[copy] = sent[message]
            case ev.Create(process=process, parent=str()):
                made[process] = now
    return before


@pytest.mark.parametrize("channel", CHANNELS)
def test_clocks_say_what_happened_before_what(record: Record, channel: str) -> None:
    run = record(SHAKEN, seed=5, channel=channel, until=0.03, **ALL)
    steps: list[ev.Step] = run.of(ev.Step)
    before = happened_before(run.trace)
    assert len(steps) > 150
    for one in steps:
        for other in steps:
            less = all(n <= other.clock.get(name, 0) for name, n in one.clock.items())
            assert (less and one is not other) == (one.step in before[other.step])


def test_states_follow_from_each_other(record: Record) -> None:
    run = record(SHAKEN, seed=5, until=0.1, channel="unreliable", **ALL)
    fields: dict[str, dict[str, Any]] = {}
    changed = 0
    for event in run.trace.events:
        if isinstance(event, (ev.Crash, ev.Restart)):
            fields.pop(event.process, None)
        if isinstance(event, ev.State):
            known = fields.setdefault(event.process, {})
            assert event.before == {name: known[name] for name in event.after if name in known}
            assert all(known.get(name, ()) != value for name, value in event.after.items())
            known |= event.after
            changed += bool(event.before)
    assert changed > 20


def test_every_message_comes_to_one_end(record: Record) -> None:
    run = record(SHAKEN, seed=6, until=0.2, channel="unreliable", **ALL)
    names = [each.message for each in run.of(ev.Send)] + [
        each.copy for each in run.of(ev.Duplicate)
    ]
    ends = [each.message for each in run.of(ev.Step) if each.message]
    ends += [each.message for each in run.of(ev.Drop)]
    assert len(set(names)) == len(names)
    assert len(set(ends)) == len(ends)
    assert set(ends) <= set(names)
    assert len(names) - len(ends) < 40  # still under way at the end


NAMES = """\
class P(process):
    def run(): send('x', to=parent())
def main():
    ps = new(P, num=['a', 'a~2', '1'])
    start(ps | {new(P, ())})
    await(countof(p, received('x', from_=p)) == 4)
"""


def test_processes_that_the_program_names(record: Record) -> None:
    run = record(NAMES)
    assert [(each.process, each.name) for each in run.of(ev.Create)] == [
        ("main", ""),
        *(("P-a", "a"), ("P-a~2", "a~2"), ("P-1", "1"), ("P-4", "")),
    ]
    twice = record(NAMES.replace("'1'", "'4'"))
    assert [each.process for each in twice.of(ev.Create)][3:] == ["P-4", "P-4~4"]


FAILS = """\
class Pair:
    def __init__(self, a): self.a = a
class P(process):
    def setup(n):
        self.pair = Pair({n})
        self.odd_ = 1
    def run():
        send(n, to=self)
        await(False)
    def receive(msg=m):
        pair.a.add(m + 1)
        helper(m)
    def helper(m):
        1 / m
def main():
    start(new(P, (0,)))
"""


def test_a_failure(record: Record) -> None:
    run = record(FAILS)
    (failure,) = run.of(ev.Fail)
    assert (failure.process, failure.code) == ("P-1", "Q100")
    assert failure.text == "ZeroDivisionError: division by zero"
    assert failure.at.endswith("told.da:14")
    states = run.of(ev.State)
    assert shown(states[-1].before["pair"]) == "Pair(a={0})"
    assert shown(states[-1].after["pair"]) == "Pair(a={0, 1})"
    assert set(states[0].after) == {"n", "pair"}
    assert run.trace.events[-1] == ev.Over(failure.time, "failed", 1, 5)


WAITS = """\
class P(process):
    def setup():
        self.n = 0
    def run():
        if await(False): pass
        elif timeout(1): n = 1
        if await(False): pass
        elif timeout(1): pass
def main():
    start(new(P))
"""


@pytest.mark.parametrize(
    ("property", "time", "process", "why"),
    [
        ("@always: each(p in P, has=p.n == 0)", 1.0, "P-1", "p = P-1"),
        ("@eventually: each(p in P, has=p.n == 0)", 2.0, None, "p = P-1"),
        ("@eventually(within=1.5): some(p in P, has=p.n == 2)", 1.5, None, ""),
        (
            "@leads_to(within=1.5): setof(p, p in P), set()",
            1.5,
            None,
            "owed to: P-1, since 0.000000 s",
        ),
    ],
)
def test_a_property_that_does_not_hold(
    record: Record, property: str, time: float, process: str | None, why: str
) -> None:
    run = record(WAITS + property.replace(":", "\ndef holds(): return", 1))
    (failure,) = run.of(ev.Property)
    last = run.trace.events[-1]
    assert (failure.name, failure.holds, failure.process) == ("holds", False, process)
    assert failure.time == last.time == pytest.approx(time, abs=0.001)
    assert failure.text == why
    assert failure.at.endswith("told.da:12")


def test_a_property_that_fails_itself(record: Record) -> None:
    run = record(f"{WAITS}@always\ndef holds(): return each(p in P, has=1 / (1 - p.n) > 0)\n")
    (failure,) = run.of(ev.Property)
    assert (failure.name, failure.holds, failure.process) == ("holds", False, "P-1")
    assert failure.text == "ZeroDivisionError: division by zero"
    assert failure.at.endswith("told.da:12")


@pytest.mark.parametrize("hashes", ["0", "1", "random"])
def test_on_every_python_with_any_hashes_it_is_the_same(hashes: str, tmp_path: Path) -> None:
    out = tmp_path / "trace.jsonl"
    options = [word for name, text in ALL.items() for word in (f"--{name}", text)]
    words = ["simulate", "--seed", "7", "--until", "200ms", "--trace", str(out)]
    subprocess.run(
        [sys.executable, "-m", "quorate", *words, *options, "tests/worlds/sim/shaken.da"],
        env={**os.environ, "PYTHONHASHSEED": hashes},
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    assert _digest(out) == "1fdd9586ca17ce4b"


def _digest(path: Path) -> str:
    """Of all but the first line, which names the version."""
    lines = path.read_bytes().splitlines()[1:]
    assert len(lines) > 1000
    return hashlib.sha256(b"\n".join(lines)).hexdigest()[:16]

"""A recorded run happens again: strictly, event by event, or loosely, by its choices alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quorate.compiler.loader import load
from quorate.trace import Trace
from quorate.trace import events as ev
from quorate.trace.reading import line_of
from quorate.worlds.sim.recording import Otherwise
from quorate.worlds.sim.replay import replay
from recorded import Record, Recorded

SHAKEN = Path(__file__).with_name("shaken.da")
ALL = {
    "loss": "0.05",
    "duplicate": "0.05",
    "reorder": "0.1",
    "latency": "exponential:mean=2ms",
    "partition": "every=40ms,for=10ms",
    "crash": "Server:1,every=50ms,for=10ms",
    "clog": "every=40ms,for=10ms",
    "pause": "every=40ms,for=5ms",
    "skew": "1ms",
    "drift": "1%",
}
SCENARIO = """
at 60ms crash Server-1 for 20ms
at 65ms pause Server for 5ms
at 70ms loss 0.2
at 75ms clog Client -> Server for 5ms
at 80ms partition {Server-1} | {Server-2} for 3ms
at 82ms heal
"""


def choices_of(trace: Trace) -> Trace:
    """The trace without what follows from its choices."""
    kept = [each for each in trace.events if isinstance(each, (ev.Fault, ev.Choice))]
    return replace(trace, events=kept)


def again(run: Recorded, trace: Trace) -> list[bytes]:
    """What happens by the choices of a trace, as lines."""
    lines: list[bytes] = []
    replay(trace, run.module, lambda event: lines.append(line_of(event)))
    return lines


@pytest.mark.parametrize("channel", ["unreliable", "fifo", "unreliable,fifo", "reliable"])
@pytest.mark.parametrize("seed", range(4))
def test_the_same_happens_again(record: Record, channel: str, seed: int) -> None:
    calm = 0.09 if seed % 2 else float("inf")
    run = record(
        *(SHAKEN, SCENARIO),
        seed=seed,
        channel=channel,
        until=0.12,
        faults_until=calm,
        **{"swarm": seed > 1, **ALL},
    )
    result = replay(run.trace, run.module)
    assert replace(result, outputs=[]) == run.result
    assert again(run, choices_of(run.trace)) == [*run.trace.lines()]


TURNS = """\
class P(process):
    def setup(n): pass
    def run():
        for i in range(3):
            send((n, i), to=parent())
            if await(False): pass
            elif timeout(0.05): pass
def main():
    ps = new(P, num=2)
    for n, p in enumerate(sorted(ps)): setup(p, (n,))
    start(ps)
    for i in range(4):
        await(countof((p, m), received(m, from_=p)) > i)
    output(listof(m, received(m)))
"""


def test_without_choices_nothing_befalls_a_run(record: Record) -> None:
    """Whatever the seed: all messages take as long, and come in the order of their sending."""
    runs = [record(TURNS, seed=seed, loss="0.3,from=P,to=main") for seed in (1, 2)]
    plain = [
        again(run, replace(run.trace, begin=replaced(run.trace.begin, seed=0), events=[]))
        for run in runs
    ]
    assert plain[0] == plain[1]
    assert not [line for line in plain[0] if b'"choice"' in line or b'"retry"' in line]


def replaced(begin: ev.Begin, **fields: Any) -> ev.Begin:
    names = ev.Begin.__struct_fields__
    return ev.Begin(**{name: fields.get(name, getattr(begin, name)) for name in names})


def test_a_choice_that_is_taken_away_leaves_the_others(record: Record) -> None:
    run = record(SHAKEN, seed=2, until=0.05, channel="unreliable", **ALL)
    losses = [each for each in run.of(ev.Choice) if each.what == "loss"]
    first = losses[0]
    choices = choices_of(run.trace)
    choices.events.remove(first)
    lines = again(run, choices)
    before = [*run.trace.lines()]
    at = before.index(line_of(first))
    assert lines[:at] == before[:at]
    assert line_of(first) not in lines
    kept = {line_of(each) for each in losses[1:]}
    assert kept & set(lines)


def test_where_a_program_does_otherwise_it_is_said(record: Record) -> None:
    run = record(TURNS)
    path = Path(run.plan.path)
    path.write_text(TURNS.replace("timeout(0.05)", "timeout(0.06)"))
    with pytest.raises(Otherwise) as caught:
        replay(run.trace, load(str(path)))
    otherwise = caught.value
    expected, found = otherwise.expected, otherwise.found
    assert isinstance(expected, ev.SetTimer) and isinstance(found, ev.SetTimer)
    assert (expected.seconds, found.seconds, expected.at) == (0.05, 0.06, found.at)
    assert [*run.trace.lines()][otherwise.line - 1] == line_of(expected)


def test_where_a_trace_is_cut_off_it_is_said(record: Record) -> None:
    run = record(TURNS)
    cut = replace(run.trace, events=run.trace.events[:20])
    with pytest.raises(Otherwise) as caught:
        replay(cut, run.module)
    assert (caught.value.line, caught.value.expected) == (22, None)


def test_faults_upon_processes_that_are_not_there_are_left_out(record: Record) -> None:
    run = record(TURNS)
    strikes = [
        ev.Fault(0.01, "crash", [["Nobody-7"]]),
        ev.Fault(0.01, "restart", [["P-1"]]),
        ev.Fault(0.01, "clog", [["Nobody-7", "P-1"]], 0.1),
        ev.Fault(0.01, "partition", [["Nobody-7"], ["P-1"]], 0.1),
    ]
    trace = replace(run.trace, events=[*strikes, *choices_of(run.trace).events])
    steps = [line for line in again(run, trace) if b'"step"' in line]
    assert steps == [line for line in run.trace.lines() if b'"step"' in line]

"""`quorate simulate --shrink`: what it says, what it writes, and what it leaves alone."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from quorate.trace import events as ev
from quorate.trace import read_file

PROGRAM = """\
import sys
class P(process):
    def setup(n): pass
    def run():
        for i in range(n):
            send(('count', i), to=parent())
            -- sent
def main():
    assert 2 + 2 == 4
    n = int(sys.argv[1])
    all = new(P, (n,), num=int(sys.argv[2]))
    start(all)
    while True:
        await(some(received(('count', i), from_=p),
                   has=i > 2 and not received(('count', i - 1), from_=p)))
        assert False, f'{i} comes first from {p}'
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "p.da"
    path.write_text(PROGRAM)
    return path


SHRINK = ("simulate", "-q", "--shrink", "--latency", "1ms..20ms", "p.da", "20", "3")


def test_the_first_failure_is_shrunk(quorate: Callable, program: Path) -> None:
    said = quorate(*SHRINK)
    assert said.status == 1
    text, again, shrunk, repeat, help = said.err.splitlines()[0], *said.err.splitlines()[-4:]
    assert text.startswith("error[Q100]: main failed: AssertionError")
    assert again == (
        "quorate: to repeat it: quorate simulate --seed 0 --latency 1ms..20ms p.da 20 3"
    )
    assert shrunk.startswith("quorate: shrunk in ")
    assert "processes 4 -> 2, messages" in shrunk
    assert shrunk.endswith(", arguments 4 1")
    assert repeat == "quorate: to repeat it: quorate replay shrunk.jsonl"
    assert help == "  = help: quorate trace shrunk.jsonl --to text tells the story"
    trace = read_file("shrunk.jsonl")
    choices = [each for each in trace.events if isinstance(each, ev.Choice)]
    assert [each.what for each in choices] == ["delay"]
    replayed = quorate("replay", "shrunk.jsonl")
    assert replayed.status == 1
    assert replayed.err.endswith("all as before; failed as before\n")


def test_where_nothing_fails_nothing_is_written(quorate: Callable, program: Path) -> None:
    said = quorate("simulate", "-q", "--seeds", "2", "--shrink", "p.da", "2", "1")
    assert said.status == 1  # at a standstill, which is a failure of its own
    (program.parent / "shrunk.jsonl").unlink()
    program.write_text("def main(): pass\n")
    assert quorate("simulate", "-q", "--shrink", "p.da") == (0, "", "")
    assert not Path("shrunk.jsonl").exists()


def test_the_trace_is_called_as_is_said(quorate: Callable, program: Path) -> None:
    Path("t.jsonl").write_text('{"event":"run","schema":1}\n')
    said = quorate(*SHRINK[:3], "--trace", "t.jsonl", "--shrink-runs", "3", *SHRINK[3:])
    assert said.status == 1
    assert "shrunk in 3 runs (all that --shrink-runs allows): " in said.err
    assert "quorate replay t.jsonl\n" in said.err
    assert read_file("t.jsonl").begin.arguments == ["20", "3"]
    assert not Path("shrunk.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--shrink", "--trace", "p.da"), "p.da is there, and is no trace: give --trace another"),
        (("--seed", "1", "--trace", "p.da"), "p.da is there, and is no trace: give --trace"),
        (("--shrink", "--selfcheck"), "--shrink is of one run, and --selfcheck runs a seed twice"),
        (("--shrink-runs", "3"), "--shrink-runs says how long to --shrink: give that too"),
        (("--shrink", "--shrink-runs", "0"), "0 is not in the range"),
        (("--shrink", "--trace", "no/t"), "No such file or directory"),
    ],
)
def test_wrong_usage(
    quorate: Callable, program: Path, words: tuple[str, ...], message: str
) -> None:
    said = quorate("simulate", *words, "--latency", "1ms..20ms", "p.da", "20", "3")
    assert said.status == 2
    assert message in said.err
    assert program.read_text() == PROGRAM


def test_what_fails_before_it_runs(quorate: Callable, program: Path) -> None:
    program.write_text("import random\nassert random.random() < 0.9\ndef main(): pass\n")
    said = quorate("simulate", "-q", "--shrink", "--seeds", "2", "p.da")
    assert said.status == 1
    assert "line 2, in <module>" in said.err
    assert said.err.endswith("it failed before it came to run: nothing can be shrunk\n")
    assert not Path("shrunk.jsonl").exists()


def test_on_a_terminal_it_shows_how_far_it_is(program: Path) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    words = [sys.executable, "-m", "quorate", *SHRINK]
    words.remove("-q")
    with subprocess.Popen(words, stderr=theirs, env=environment) as process:
        os.close(theirs)
        said = b""
        while part := _read(ours):
            said += part
    os.close(ours)
    assert process.returncode == 1
    assert b"shrinking: " in said and b"of 500 runs, faults" in said


def _read(end: int) -> bytes:
    try:
        return os.read(end, 1 << 16)
    except OSError:  # as Linux says that the other end is closed
        return b""

"""`quorate simulate --trace` and `quorate replay`: what they write, and what they say."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

PROGRAM = """\
import random
class P(process):
    def setup(n): pass
    def run():
        send(('go', random.random()), to=self)
        await(some(received(('go', x))))
        output('going', n / x > 0)
        debug('late')
def main():
    start(new(P, (1,)))
"""
FAILS = PROGRAM.replace("n / x > 0", "n / 0")


class Ended(NamedTuple):
    status: int
    out: str
    err: str


Quorate = Callable[..., Ended]


@pytest.fixture
def quorate(tmp_path: Path) -> Quorate:
    """Call the command line in a directory with these files."""

    def call(*words: str, program: str | None = None, trace: str | None = None) -> Ended:
        for name, text in (("program.da", program), ("t.jsonl", trace)):
            if text is not None:
                (tmp_path / name).write_text(text)
        ended = subprocess.run(
            [sys.executable, "-m", "quorate", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "NO_COLOR": "1", "PYTHONHASHSEED": "random"},
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return call


TRACE = ("simulate", "--seed", "3", "-q", "--trace", "t.jsonl", "program.da")


def test_what_is_recorded_is_replayed(quorate: Quorate, tmp_path: Path) -> None:
    plain = quorate("simulate", "--seed", "3", "-q", "program.da", program=PROGRAM)
    assert quorate(*TRACE) == plain
    count = len((tmp_path / "t.jsonl").read_text().splitlines())
    said = quorate("replay", "t.jsonl")
    assert said.status == 0
    assert said.out == plain.out
    assert said.err == f"quorate: {count} events, all as before; no failure\n"
    assert quorate("replay", "-q", "t.jsonl") == Ended(0, "", "")
    assert "late" in quorate("replay", "-v", "t.jsonl").out


def test_a_failure_is_repeated(quorate: Quorate) -> None:
    plain = quorate("simulate", "--seed", "3", "-q", "program.da", program=FAILS)
    recorded = quorate(*TRACE)
    assert recorded == plain
    assert "quorate: to repeat it: quorate simulate --seed 3 program.da" in recorded.err
    said = quorate("replay", "t.jsonl")
    assert said.status == 1
    assert "ZeroDivisionError" in said.err
    assert said.err.endswith("all as before; failed as before\n")


def test_where_a_program_does_otherwise(quorate: Quorate) -> None:
    quorate(*TRACE, program=PROGRAM)
    said = quorate("replay", "t.jsonl", program=PROGRAM.replace("'going'", "'gone'"))
    assert (said.status, said.out) == (1, "")
    lines = said.err.splitlines()
    assert lines[0] == "error[Q404]: the run goes another way than its trace"
    assert lines[1].startswith(" --> t.jsonl:")
    assert lines[2:4] == [
        "  before: P-1 prints going True  (program.da:7)",
        "     now: P-1 prints gone True  (program.da:7)",
    ]
    loose = quorate("replay", "--loose", "t.jsonl")
    assert (loose.status, loose.err) == (0, "")
    assert "gone True" in loose.out


def test_a_program_that_does_not_come_to_run_leaves_no_trace(
    quorate: Quorate, tmp_path: Path
) -> None:
    said = quorate(*TRACE, program="assert False\ndef main(): pass\n")
    assert said.status == 1
    assert not (tmp_path / "t.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("simulate", "--trace", "t", "program.da"), "--trace is of a single run"),
        (("simulate", "--seed", "1", "--seeds", "2", "--trace", "t", "program.da"), "single run"),
        (("simulate", "--seed", "1", "--selfcheck", "--trace", "t", "program.da"), "twice"),
        (("simulate", "--seed", "1", "--trace", "no/t", "program.da"), "No such file"),
        (("replay", "none"), "error[Q401]: cannot be read: No such file or directory"),
        (("replay", "program.da"), "error[Q401]: this is no JSON"),
        (("replay",), "Missing argument 'FILE'"),
    ],
)
def test_wrong_usage(quorate: Quorate, words: tuple[str, ...], message: str) -> None:
    said = quorate(*words, program=PROGRAM)
    assert said.status == 2
    assert message in said.err


BEGIN = '{"event":"run","schema":1,"quorate":"0","program":"%s","seed":0%s}\n'


@pytest.mark.parametrize(
    ("trace", "message"),
    [
        (BEGIN % ("gone.da", ""), "the program of t.jsonl is not there: gone.da"),
        (BEGIN % ("x", ',"module":"gone"'), "There is no module 'gone'"),
        (BEGIN % ("program.da", ',"faults":[["loss","x"]]'), "error[Q403]: loss: `x` is no chance"),
        (BEGIN.replace('"schema":1', '"schema":7') % ("x", ""), "error[Q402]"),
    ],
)
def test_traces_that_cannot_be_replayed(quorate: Quorate, trace: str, message: str) -> None:
    said = quorate("replay", "t.jsonl", program=PROGRAM, trace=trace)
    assert said.status == 2
    assert message in said.err


def test_a_program_that_does_not_compile_any_more(quorate: Quorate) -> None:
    quorate(*TRACE, program=PROGRAM)
    said = quorate("replay", "t.jsonl", program=PROGRAM.replace("def run():", "def run(self):"))
    assert said.status == 2
    assert "error[Q" in said.err

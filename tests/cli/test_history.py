"""`--history` of `quorate simulate` and `quorate run`, and what both say of it that is wrong."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """\
import sys, time
class Client(process):
    def run():
        invoke('write', 1)
        returned()
        invoke('read')
        returned(int(sys.argv[1]))
        time.sleep(1)
        output('later')
linearizable('register')
def main():
    start(new(Client))
"""


@pytest.fixture(autouse=True)
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("p.da")
    path.write_text(PROGRAM)
    return path


def test_a_run_that_fails_ends_where_its_history_does(quorate: Callable) -> None:
    words = ("simulate", "--seed", "1", "--history", "h.jsonl", "--trace", "t.jsonl", "p.da", "2")
    said = quorate(*words)
    assert said.status == 1
    assert said.out == ""  # nothing comes after what cannot be explained
    assert said.err.startswith("error[Q125]: `linearizable` does not hold at 0.000000 s, after st")
    assert "quorate: to repeat it: quorate simulate --seed 1 p.da 2\n" in said.err
    lines = [json.loads(line) for line in Path("h.jsonl").read_text().splitlines()]
    assert [each["event"] for each in lines] == ["invoke", "return"] * 2
    judged = quorate("consistency", "h.jsonl", "--model", "register")
    assert judged.status == 1
    assert set(judged.out.splitlines()[1:]) <= set(said.err.splitlines())
    again = quorate("replay", "t.jsonl")
    assert again.status == 1
    assert "events, all as before; failed as before" in again.err
    assert "linearizable does not hold" in quorate("trace", "t.jsonl", "--to", "text").out


def test_a_run_that_is_right_is_written_whole(quorate: Callable) -> None:
    said = quorate("simulate", "-q", "--seed", "1", "--history", "h.jsonl", "p.da", "1")
    assert (said.status, said.out, said.err) == (0, "[1.000000] Client-1: later\n", "")
    assert quorate("consistency", "h.jsonl", "--model", "register").status == 0


def test_a_history_of_many_seeds_is_judged_in_each(quorate: Callable) -> None:
    said = quorate("simulate", "--keep-going", "--seeds", "20", "-j", "2", "--json", "p.da", "2")
    answer = json.loads(said.out)
    assert said.status == 1
    assert [each["code"] for each in answer["failures"]] == ["Q125"] * 20
    again = shlex.split(answer["failures"][7]["command"])[1:]
    assert quorate(*again).err.startswith(answer["failures"][7]["text"])


def test_a_real_run_writes_one_too(quorate: Callable) -> None:
    said = quorate("run", "-q", "--workers", "1", "--history", "h.jsonl", "p.da", "2")
    assert said.status == 0  # what is said of operations is judged in simulated runs
    assert quorate("consistency", "h.jsonl", "--model", "register").status == 1


SEED = ("--seed", "1")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("simulate", "--history", "h"), "--history is of a single run: say which, with --seed N"),
        (("simulate", *SEED, "--seeds", "2", "--history", "h"), "--history is of a single run"),
        (("simulate", *SEED, "--history", "p.da"), "p.da is there, and is no history: give --his"),
        (("simulate", *SEED, "--history", "no/h"), "No such file or directory"),
        (("run", "--history", "p.da"), "p.da is there, and is no history: give --history another"),
        (("run", "--history", "no/h"), "cannot write no/h: No such file or directory"),
    ],
)
def test_wrong_usage(
    quorate: Callable, program: Path, words: tuple[str, ...], message: str
) -> None:
    said = quorate(*words, "p.da", "1")
    assert said.status == 2
    assert message in said.err
    assert program.read_text() == PROGRAM

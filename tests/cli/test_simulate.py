"""`quorate simulate`: what it says of many seeds, of one, and of what it is told wrong."""

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

FAILS = """\
import random
class P(process):
    def setup(n): pass
    def run():
        send(('go', n), to=self)
        if await(some(received(('go', _)))):
            output('going', n)
        elif timeout(1):
            debug('late')
    def receive(msg=('go', k)):
        if random.random() < 0.05:
            output(1 / k)
    def receive(msg=('never', k)):
        pass
def main():
    start(new(P, (0,)))
    debug('made')
"""
WORKS = FAILS.replace("0.05", "0")


class Ended(NamedTuple):
    status: int
    out: str
    err: str


Simulate = Callable[..., Ended]


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "quorate", "simulate", *words]


@pytest.fixture
def simulate(tmp_path: Path) -> Simulate:
    """Simulate a program of this text with these words of the command line."""

    def call(text: str, *words: str, hashes: str = "random") -> Ended:
        (tmp_path / "program.da").write_text(text)
        ended = subprocess.run(
            command(*words),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "NO_COLOR": "1", "PYTHONHASHSEED": hashes},
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return call


def test_seeds_without_a_failure(simulate: Simulate) -> None:
    ended = simulate(WORKS, "--seeds", "20", "program.da")
    assert (ended.status, ended.out) == (0, "")
    handler, reached, closing = ended.err.splitlines()
    assert handler == (
        "program.da:13: no seed reached this handler of P: def receive(msg=('never', k))"
    )
    assert reached == "quorate: reached 1 of 2 handlers, 1 of 2 branches"
    assert re.fullmatch(
        r"quorate: 20 seeds, 20 messages, 0\.0 virtual seconds in \d+\.\d\d s, no failure", closing
    )
    assert simulate(WORKS, "-q", "--seeds", "2", "program.da") == (0, "", "")


def test_the_first_failure_is_the_end_and_can_be_repeated(simulate: Simulate) -> None:
    ends = [simulate(FAILS, "-q", "-j", jobs, "--loss", "1%", "program.da") for jobs in "12"]
    assert ends[0] == ends[1]
    assert (ends[0].status, ends[0].out) == (1, "")
    *failure, again = ends[0].err.splitlines()
    assert failure[0] == "error[Q100]: P-1 failed: ZeroDivisionError: division by zero"
    assert failure[-2].strip() == "output(1 / k)"
    told = re.fullmatch(r"quorate: to repeat it: quorate simulate (--seed \d+ .*)", again)
    assert told is not None
    assert "--loss 1% program.da" in told[1]
    repeated = simulate(FAILS, *shlex.split(told[1]))
    assert repeated.status == 1
    assert repeated.err.splitlines()[: len(failure)] == failure


def test_all_failures_by_kind(simulate: Simulate) -> None:
    words = ("--keep-going", "--seeds", "200", "program.da")
    one, two = (simulate(FAILS, "-j", jobs, "--json", *words) for jobs in "12")
    assert one == two
    assert one.status == 1
    told = json.loads(one.out)
    assert told["seeds"] == 200
    seeds = [failure["seed"] for failure in told["failures"]]
    assert len(seeds) > 3
    assert seeds == sorted(seeds)
    assert {failure["code"] for failure in told["failures"]} == {"Q100"}
    assert [(point["line"], point["reached"]) for point in told["coverage"]] == [
        *((6, True), (8, False), (10, True), (13, False))
    ]
    ended = simulate(FAILS, *words)
    assert ended.err.count("error[Q100]") == 1
    others = ", ".join(map(str, seeds[1:4]))
    assert f"quorate: so did seeds {others}" in ended.err
    assert f"{len(seeds)} failures\n" in ended.err


def test_a_single_run_shows_what_it_prints(simulate: Simulate) -> None:
    ended = simulate(WORKS, "--seed", "3", "-q", "program.da")
    assert re.fullmatch(r"\[0\.\d{6}\] P-1: going 0\n", ended.out)
    more = simulate(WORKS, "--seed", "3", "-v", "program.da")
    assert more.out.startswith("[0.000000] main: made\n")
    assert "1 seed, 1 message" in more.err
    assert simulate(WORKS, "--seed", "3", "--seeds", "2", "program.da").out == ""


LOOP = """\
class P(process):
    def run():
        for word in {'zebra', 'apple', 'fig', 'plum', 'pear'}:
            output(word)
def main():
    start(new(P, ()))
"""


def test_hashes_make_no_difference(simulate: Simulate) -> None:
    outs = {simulate(LOOP, "--seed", "1", "program.da", hashes=h).out for h in ("1", "2", "3")}
    assert len(outs) == 1


SENDS = """\
class P(process):
    def setup(other): pass
    def run():
        if other is not None:
            for i in range(5):
                send(('m', i), to=other)
        else:
            await(countof(i, received(('m', i))) == 5)
def main():
    first = new(P, (None,))
    start({first, new(P, (first,))})
"""


def test_a_loss_over_reliable_channels_is_told(simulate: Simulate) -> None:
    ended = simulate(SENDS, "--seeds", "20", "--loss", "20%", "program.da")
    assert ended.status == 0
    assert ended.err.count("quorate: note: the channels of this program are reliable") == 1
    assert "note" not in simulate(SENDS, "--seeds", "3", "program.da").err


def test_a_standstill_after_faults_is_no_failure_unless_they_are_to_end(simulate: Simulate) -> None:
    words = ("--seeds", "20", "--loss", "20%", "--channel", "unreliable")
    ended = simulate(SENDS, *words, "program.da")
    assert ended.status == 0
    assert re.search(r"note: \d+ seeds came to a standstill after faults \(\d+, ", ended.err)
    failed = simulate(SENDS, *words, "--faults-until", "50%", "program.da")
    assert failed.status == 1
    assert failed.err.startswith("error[Q107]: nothing can happen any more, and 1 process has not")
    assert simulate(SENDS.replace("range(5)", "range(4)"), "--seeds", "3", "program.da").status == 1


ENDLESS = """\
import time
class P(process):
    def run():
        while True:
            time.sleep(1)
def main():
    start(new(P, ()))
"""


def test_what_has_not_ended_once_faults_have_stopped(simulate: Simulate) -> None:
    ended = simulate(ENDLESS, "--seeds", "3", "--until", "20s", "program.da")
    assert ended.status == 0
    assert "3 at the end of their time, no failure" in ended.err
    failed = simulate(ENDLESS, "--until", "20s", "--faults-until", "5s", "program.da")
    assert failed.status == 1
    assert failed.err.startswith(
        "error[Q117]: 1 process has not ended at 20 s, though nothing has befallen it since 5 s\n"
        "P-1 sleeps\n    program.da:5, in P.run"
    )


def test_too_many_steps(simulate: Simulate) -> None:
    ended = simulate(ENDLESS, "--steps", "10", "--seeds", "2", "program.da")
    assert ended.status == 1
    assert ended.err.startswith("error[Q118]: more than 10 steps, at ")


def test_a_status_of_the_program(simulate: Simulate) -> None:
    ended = simulate("def main():\n    exit(3)\n", "--seeds", "2", "program.da")
    assert ended.status == 1
    assert ended.err.startswith("error: the program ended with status 3\n")


def test_selfcheck(simulate: Simulate) -> None:
    assert simulate(WORKS, "--selfcheck", "--seeds", "10", "program.da").status == 0
    text = WORKS.replace("output('going', n)", "output(id(object()))")
    ended = simulate(text, "--selfcheck", "--seeds", "10", "program.da")
    assert ended.status == 1
    assert ended.err.startswith("error[Q119]: seed 0 went another way when it was run again\n")


def test_statements_of_a_module_that_fail_with_some_seeds(simulate: Simulate) -> None:
    text = "import random\nassert random.random() < 0.9, 'unlucky'\ndef main(): pass\n"
    ended = simulate(text, "program.da")
    assert ended.status == 1
    assert "failed: AssertionError: unlucky" in ended.err
    assert 'File "program.da", line 2' in ended.err


def test_modules_begin_anew_for_each_seed(simulate: Simulate, tmp_path: Path) -> None:
    (tmp_path / "shared.da").write_text("import helper\nCOUNT = [0]\n")
    (tmp_path / "helper.py").write_text("COUNT = [0]\n")
    text = """\
import shared, helper
def main():
    for count in (shared.COUNT, helper.COUNT):
        assert count == [0]
        count[0] += 1
"""
    assert simulate(text, "-j", "1", "--seeds", "5", "program.da").status == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--loss", "2", "program.da"], "loss: `2` is no chance: write a number from 0 to 1"),
        (["--crash", "Server:1", "program.da"], "--crash Server:1: the program has no process"),
        (["--loss", "1%,to=main", "--clog", "for=1s,to=p", "program.da"], "no process class 'p'"),
        (["--latency", "gaussian", "program.da"], "latency: there is no model `gaussian`"),
        (["--channel", "relible", "program.da"], "did you mean 'reliable'?"),
        (["--channel", "fifo,unfifo", "program.da"], "a channel is not both fifo and unfifo"),
        (["--until", "soon", "program.da"], "`soon` is no length of time"),
        (["--faults-until", "60s", "program.da"], "leaves no time before --until 60s"),
        (["--scenario", "none.txt", "program.da"], "'none.txt' does not exist"),
        (["--scenario", "wrong.txt", "program.da"], "wrong.txt:1: nothing is called `crush`"),
        (["--scenario", "other.txt", "program.da"], "other.txt:1: the program has no process"),
        (["--scenario", "early.txt", "program.da"], "early.txt:1: at 0 s there is no process P-1"),
        (["--seeds", "0", "program.da"], "0 is not in the range x>=1"),
        ([], "Missing argument 'FILE'"),
        (["none.da"], "none.da"),
    ],
)
def test_wrong_usage(simulate: Simulate, tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "wrong.txt").write_text("at 3s crush P-1\n")
    (tmp_path / "other.txt").write_text("at 3s crash Q-1\n")
    (tmp_path / "early.txt").write_text("at 0s crash P-1\n")
    for jobs in ("1", "2") if "early.txt" in words else ("1",):
        ended = simulate(WORKS, "-j", jobs, *words)
        assert (ended.status, ended.out) == (2, "")
        assert said in ended.err


def test_what_does_not_compile(simulate: Simulate) -> None:
    text = WORKS + "config(faults={'los': 1})\n"
    assert simulate(text, "program.da").err.startswith("error[Q076]: there is no fault `los`")
    ended = simulate(text, "--json", "program.da")
    assert (ended.status, json.loads(ended.out)[0]["code"]) == (2, "Q076")


STUCK = """\
import os
def main():
    os.close(os.open('begun', os.O_CREAT))
    while True: pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(tmp_path: Path, number: int) -> None:
    """Whatever a process is doing: no process is left behind."""
    (tmp_path / "program.da").write_text(STUCK)
    words = ["-j", "2", "program.da"]
    process = subprocess.Popen(
        command(*words), cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not list(tmp_path.glob("begun")):
        assert process.poll() is None
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "quorate: interrupted: 0 seeds" in err
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_a_terminal_sees_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "program.da").write_text(WORKS)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command("--seeds", "300", "program.da"), cwd=tmp_path, stderr=theirs, stdin=theirs
    ) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:
                break
            seen += part
    os.close(ours)
    assert process.returncode == 0
    assert b"/300" in seen
    assert b"steps/s" in seen
    assert b"no failure" in seen


PROPERTIES = """
@sometimes
def never():
    return some(p in P, has=p.n == {})
@always
def alone():
    return each(p in P, q in P, has=p == q and p.n < {})
"""


def test_a_property_that_fails_is_shown_with_what_repeats_it(simulate: Simulate) -> None:
    ended = simulate(WORKS + PROPERTIES.format(0, 0), "--seeds", "5", "program.da")
    assert (ended.status, ended.out) == (1, "")
    lines = ended.err.splitlines()
    assert re.match(r"error\[Q120\]: `alone` does not hold at 0\.\d{6} s, after step", lines[0])
    assert lines[3:7] == ["  p = P-1", "  p.n = 0", "  q = P-1", lines[6]]
    assert "quorate: to repeat it: quorate simulate --seed 0 program.da" in lines


def test_what_no_seed_reached_is_a_failure_of_all(simulate: Simulate) -> None:
    text = WORKS + PROPERTIES.format(3, 1)
    ended = simulate(text, "--seeds", "5", "program.da")
    assert ended.status == 1
    assert "error[Q121]: `never` is to hold sometimes, and never did in 5 seeds" in ended.err
    assert ended.err.splitlines()[-1].endswith("no failure, 1 of 1 not reached that should be")
    assert simulate(WORKS + PROPERTIES.format(0, 1), "--seeds", "5", "program.da").status == 0


def test_properties_of_one_name_are_told_apart(simulate: Simulate, tmp_path: Path) -> None:
    """One is reached in its module, and the other one in its own never is."""
    never = PROPERTIES.partition("@always")[0].replace("never", "reached")
    (tmp_path / "parts.da").write_text(WORKS.partition("def main")[0] + never.format(0))
    main = "from parts import P\ndef main(): start(new(P, (0,)))\n"
    ended = simulate(main + never.format(3), "--seeds", "5", "program.da")
    assert ended.status == 1
    assert ended.err.count("error[Q121]") == 1
    assert 'File "program.da", line 6, in reached' in ended.err
    assert ended.err.splitlines()[-1].endswith("no failure, 1 of 2 not reached that should be")


def test_properties_in_json(simulate: Simulate) -> None:
    ended = simulate(WORKS + PROPERTIES.format(3, 0), "--seeds", "2", "--json", "program.da")
    found = json.loads(ended.out)
    [never] = found["sometimes"]
    assert never == {"file": "program.da", "line": 21, "name": "never", "reached": False}
    assert [each["code"] for each in found["failures"]] == ["Q120"]
    assert "p = P-1" in found["failures"][0]["text"]


@pytest.mark.parametrize(
    ("imports", "words", "said"),
    [
        ("", ("9", "--seeds", "2"), "--seeds 2 program.da 9"),
        ("", ("--seeds=2",), "--seeds=2 program.da"),
        ("", ("9", "seeds", "--seed-s"), None),
        ("from sys import argv\n", ("--seeds", "2"), None),
        ("import beside\n", ("--seeds", "2"), None),
    ],
)
def test_options_after_a_program_that_reads_no_arguments(
    simulate: Simulate, tmp_path: Path, imports: str, words: tuple[str, ...], said: str | None
) -> None:
    (tmp_path / "beside.py").write_text("import argparse\n")
    ended = simulate(imports + WORKS, "--seed", "7", "program.da", *words)
    assert ended.status == 0
    help = f"  = help: options stand before it: quorate simulate --seed 7 {said}\n"
    assert ("warning: " in ended.err, help in ended.err) == (said is not None,) * 2

"""Runs that end by what hardly ever happens, and say so as they say everything else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
PLACES = [["--workers", "2"], ["--isolate"]]

IN_RUN = """\
import sys

class Odd:
    def __init__(self, error): self.error = error
    def __str__(self): raise self.error

class P(process):
    def run():
        {}

def main():
    start(new(P))
"""


def test_texts_that_are_no_text(run: Run) -> None:
    ended = run(IN_RUN.format(r"print('a\ud800b'); print('c'); print('d\x00')"), "-q", "program.da")
    assert (ended.status, ended.err) == (0, "")
    assert ended.texts == [r"P-1: a\ud800b", "P-1: c", "P-1: d\x00"]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        ("SystemExit(3)", 3, ""),
        ("KeyboardInterrupt()", 1, "error[Q100]: P-1 failed: KeyboardInterrupt\n"),
    ],
)
def test_a_text_that_ends_a_process(run: Run, error: str, status: int, said: str) -> None:
    ended = run(IN_RUN.format(f"print(Odd({error})); -- here"), "-q", "program.da")
    assert ended.status == status
    assert ended.err.startswith(said)
    assert bool(ended.err) == bool(said)


def test_a_module_that_raises_what_is_no_error(run: Run) -> None:
    ended = run("raise GeneratorExit\n\ndef main():\n    pass\n", "program.da")
    assert ended.status == 1
    assert ended.err.startswith("error[Q100]: program.da failed: GeneratorExit\n")


def test_an_exception_with_notes_crosses(run: Run) -> None:
    text = """\
class P(process):
    def receive(msg=('v', error)):
        output(error.__notes__)

    def run():
        await(some(received(('v', _))))

def main():
    p = new(P)
    start(p)
    error = ValueError(1)
    error.add_note('n')
    send(('v', error), to=p)
"""
    ended = run(text, "-q", "--workers", "2", "program.da")
    assert (ended.status, ended.texts, ended.err) == (0, ["P-1: ['n']"], "")


@pytest.mark.parametrize("places", PLACES)
@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(("to", "status"), [(">/dev/full", 1), ("| true", 141)])
def test_stdout_of_the_program_s_own(
    tmp_path: Path, places: list[str], buffered: bool, to: str, status: int
) -> None:
    (tmp_path / "program.da").write_text(IN_RUN.format("sys.stdout.write('raw')"))
    command = f"{sys.executable} -m quorate run -q {' '.join(places)} program.da {to}"
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == status
    assert ("No space left on device" if status == 1 else "") in ended.stderr
    assert bool(ended.stderr) == (status == 1)


GOES_ON = """\
import os

def main():
    print('up')
    while not os.path.exists('go'):
        if await(False): pass
        elif timeout(0.01): pass
    print('on')
    await(False)
"""


def begun(tmp_path: Path, first: str = "") -> subprocess.Popen[str]:
    """A run that goes on when there is a file `go`, but ends only by a signal."""
    (tmp_path / "program.da").write_text(GOES_ON)
    command = f"{first} exec {sys.executable} -m quorate run -q --workers 1 program.da"
    popen = subprocess.Popen(
        ["bash", "-c", command],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert popen.stdout is not None
    assert popen.stdout.readline()
    return popen


def test_signals_that_come_at_once(tmp_path: Path) -> None:
    with begun(tmp_path) as run:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            run.send_signal(number)
        _, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (130, "")


def test_a_signal_that_is_to_be_ignored_is_ignored(tmp_path: Path) -> None:
    with begun(tmp_path, "trap '' INT;") as run:
        run.send_signal(signal.SIGINT)
        (tmp_path / "go").touch()
        assert run.stdout is not None
        assert "on" in run.stdout.readline()
        run.terminate()
        _, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (130, "")


FIRST = """\
import ctypes, signal, subprocess, sys

if ctypes.CDLL(None).unshare(0x20000000):  # CLONE_NEWPID
    sys.exit(77)
child = subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=subprocess.PIPE)
for _ in range(100):
    child.send_signal(signal.SIGTERM)  # what comes before the handler is not heard of
    try:
        sys.exit(child.wait(0.2))
    except subprocess.TimeoutExpired:
        pass
child.kill()
sys.exit("not heard of")
"""
FORKS = """\
import os, signal, time
from quorate.cli import end_by_sigterm

end_by_sigterm()
pid = os.fork()
while pid == 0:
    time.sleep(0.01)
while True:
    try:
        os.kill(pid, signal.SIGTERM)  # Python forgets those that come while it forks
        time.sleep(0.01)
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            os._exit(os.WTERMSIG(status))
    except KeyboardInterrupt:
        pass
"""


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["-m", "quorate", "consistency", "--model", "kv", "-"], 130, "quorate: interrupted\n"),
        (["-c", FORKS], signal.SIGTERM, ""),
    ],
)
def test_the_first_process_of_a_container_is_ended(
    words: list[str], status: int, said: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FIRST, *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if ended.returncode == 77:
        pytest.skip("no namespace of processes can be made here")
    assert ended.returncode == status
    assert said in ended.stderr


@pytest.mark.parametrize("places", PLACES)
def test_processes_that_were_never_started(run: Run, places: list[str]) -> None:
    text = "class P(process):\n    def run(): pass\n\ndef main():\n    new(P, num=20)\n"
    ended = run(text, "-q", "-v", *places, "program.da")
    shown = ended.err.removeprefix("quorate: never started: ").strip().split(", ")
    assert sorted(shown) == sorted(f"P-{n}" for n in range(1, 21))


def test_processes_that_only_handle_messages(run: Run) -> None:
    text = (
        "class P(process):\n    def receive(msg=('x',)): pass\n\ndef main():\n    start(new(P))\n"
    )
    ended = run(text, "-q", "program.da")
    assert ended.status == 1
    assert ended.err.endswith("not ended\nP-1 handles messages as they come\n")


def test_print_refuses_what_it_does_not_know(run: Run) -> None:
    ended = run(IN_RUN.format("print('a', bogus=3)"), "-q", "program.da")
    assert ended.status == 1
    assert "TypeError: print() got an unexpected keyword argument 'bogus'" in ended.err


UNKNOWN = """\
class P(process):
    def run():
        await(some(received(('v', x))))

def main():
    ps = new(P, num=4)
    start(ps)
    from late_for_others import Late
    send(('v', Late()), to=ps)
"""


@pytest.mark.parametrize("places", PLACES)
def test_a_message_of_a_module_that_others_have_not_imported(
    run: Run, tmp_path: Path, places: list[str]
) -> None:
    (tmp_path / "late_for_others.py").write_text("class Late: pass\n")
    ended = run(UNKNOWN, "-q", *places, "program.da")
    assert ended.status == 1
    assert ended.err.startswith("error[Q106]: a message cannot be taken in worker ")
    assert "late_for_others.Late" in ended.err and "Traceback" not in ended.err

"""`quorate run`, from the command to its exit status."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

GREETINGS = """\
import sys
import random

class P(process):
    def setup(n): pass

    def run():
        send(('hello', n), to=parent())
        await(some(received(('bye',))))
        output('done', n)
        debug('more', n)

class Q(process):
    def run():
        output('never')

def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    ps = new(P, num=count)
    for i, p in enumerate(sorted(ps)):
        setup(p, (i,))
    new(Q)
    start(ps)
    await(len(setof(n, received(('hello', n)))) == count)
    send(('bye',), to=ps)
    output('args', sys.argv[1:], random.random())
"""

STUCK = """\
class P(process):
    def run():
        await(some(received(('go',))))

def main():
    start(new(P, num=2))
"""

FAILS = """\
class P(process):
    def run():
        await(some(received(('go', x))))
        output(1 / x)

def main():
    p = new(P)
    start(p)
    send(('go', 0), to=p)
"""


def test_what_a_program_prints_and_a_closing_line(run: Run) -> None:
    ended = run(GREETINGS, "--seed", "7", "program.da")
    assert ended.status == 0
    assert ended.texts[:3] == ["P-1: done 0", "P-2: done 1", "P-3: done 2"]
    assert all(re.match(r"\[\d\d:\d\d:\d\d\.\d{3}\] ", line) for line in ended.out)
    closing = r"quorate: 5 processes, 6 messages, \d+\.\d\d s, seed 7\n"
    assert re.fullmatch(closing, ended.err)


@pytest.mark.parametrize("places", [["--workers", "1"], ["--workers", "3"], ["--isolate"]])
def test_a_seed_repeats_random_numbers_wherever_processes_live(run: Run, places: list[str]) -> None:
    [line] = [t for t in run(GREETINGS, "--seed", "7", *places, "program.da").texts if "args" in t]
    [same] = [t for t in run(GREETINGS, "--seed", "7", "program.da").texts if "args" in t]
    [other] = [t for t in run(GREETINGS, "--seed", "8", "program.da").texts if "args" in t]
    assert line == same != other


def test_quiet_and_verbose(run: Run) -> None:
    quiet = run(GREETINGS, "-q", "program.da")
    assert (quiet.status, quiet.err) == (0, "")
    verbose = run(GREETINGS, "-v", "--workers", "1", "program.da")
    assert "P-1: more 0" in verbose.texts
    assert "quorate: never started: Q-4\n" in verbose.err


def test_what_follows_the_file_is_for_the_program(run: Run) -> None:
    ended = run(GREETINGS, "-q", "program.da", "2", "-q", "--workers", "--", "-h")
    assert ended.status == 0
    assert any("args ['2', '-q', '--workers', '--', '-h'] 0." in text for text in ended.texts)


def test_a_module_by_name(run: Run) -> None:
    ended = run(GREETINGS, "-q", "-m", "program", "1")
    assert ended.status == 0
    assert any("args ['1'] 0." in text for text in ended.texts)
    assert "no some/programme.da is found" in run(GREETINGS, "-m", "some.programme").err
    by_file = run(GREETINGS, "-m", "program.da")
    assert by_file.status == 2
    assert "-m takes the name of a module: quorate run program.da" in by_file.err


IN_PACKAGE = """\
from .part import P
import whole.part
def main():
    start(new(P, (1,)))
    start(new(whole.part.P, (__name__,)))
"""


@pytest.mark.parametrize(
    ("file", "module", "name"),
    [
        ("one.da", "whole.one", "whole.one"),
        ("__main__.da", "whole", "whole.__main__"),
        ("__init__.da", "whole", "whole"),
    ],
)
def test_a_module_of_a_package(run: Run, tmp_path: Path, file: str, module: str, name: str) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "__init__.da").write_text("LEVEL = 1\n")
    (tmp_path / "whole" / "part.da").write_text(
        "class P(process):\n    def setup(x): pass\n    def run(): output(x, x == 1 or x)\n"
    )
    ended = run(IN_PACKAGE, "-q", "-m", module, name=f"whole/{file}")
    assert (ended.status, ended.texts) == (0, ["P-1: 1 True", f"P-2: {name} {name}"])


def test_a_package_that_imports_the_module_it_is_to_run(run: Run, tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "__init__.da").write_text("from .one import N\n")
    ended = run("N = print(2)\ndef main(): pass\n", "-q", "-m", "whole.one", name="whole/one.da")
    assert (ended.status, ended.out) == (0, ["2"])


def test_a_program_that_does_not_compile(run: Run) -> None:
    text = "class P(process):\n    def run():\n        send(1)\n\ndef main():\n    start(new(P))\n"
    ended = run(text, "program.da")
    assert ended.status == 2
    assert "error[Q080]" in ended.err
    assert "program.da:3:9" in ended.err
    as_json = run(text, "--json", "program.da")
    [error] = json.loads("\n".join(as_json.out))
    assert (as_json.status, error["code"], error["line"]) == (2, "Q080", 3)


def test_no_program(run: Run) -> None:
    assert run("", "missing.da").status == 2
    assert run("").status == 2
    assert run(GREETINGS, "--workers", "0", "program.da").status == 2
    not_a_number = run(GREETINGS, "--seed", "x", "program.da")
    assert "Invalid value for '--seed': 'x' is not a valid whole number." in not_a_number.err
    assert run(GREETINGS, "--no-such-option", "program.da").status == 2


def test_a_program_that_is_stuck(run: Run) -> None:
    ended = run(STUCK, "program.da")
    assert ended.status == 1
    assert "nothing can happen any more, and 2 processes have not ended" in ended.err
    assert "P-1 waits\n    program.da:3, in P.run: some(received(('go',)))\n" in ended.err


def test_a_program_that_fails(run: Run) -> None:
    ended = run(FAILS, "program.da")
    assert ended.status == 1
    assert "error[Q100]: P-1 failed: ZeroDivisionError: division by zero\n" in ended.err
    assert 'File "program.da", line 4, in run\n    output(1 / x)\n' in ended.err
    assert "quorate/" not in ended.err


def test_a_log(run: Run, tmp_path: Path) -> None:
    ended = run(GREETINGS, "--log", "log", "--log-format", "json", "program.da")
    entries = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {entry["text"] for entry in entries} >= {"done 0", "more 0"}
    keys = {"time", "process", "level", "level_name", "text"}
    assert all(entry.keys() == keys for entry in entries)
    levels = {entry["text"]: (entry["level"], entry["level_name"]) for entry in entries}
    assert (levels["done 0"], levels["more 0"]) == ((20, "info"), (10, "debug"))
    assert (entries[-1]["process"], entries[-1]["text"]) == (None, ended.err.rstrip())


@pytest.mark.parametrize(("text", "code"), [(STUCK, "Q107"), (FAILS, "Q100")])
@pytest.mark.parametrize("quiet", [["-q"], []])
def test_a_log_has_errors_too(
    run: Run, tmp_path: Path, text: str, code: str, quiet: list[str]
) -> None:
    ended = run(text, *quiet, "--log", "log", "program.da")
    log = (tmp_path / "log").read_text()
    error, _, closing = log.rpartition("\n[")
    assert re.match(rf"\[[\d:.]+\] error\[{code}\]: ", error)
    assert ended.err.startswith(error.partition("] ")[2])
    assert "quorate: " in closing

    run(text, *quiet, "--log", "log", "--log-format", "json", "program.da")
    entries = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [(e["level"], e["level_name"]) for e in entries] == [(40, "error"), (20, "info")]
    assert entries[0]["text"] == error.partition("] ")[2]


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("nowhere/log", "cannot write nowhere/log: No such file or directory"),
        ("program.da", "--log would overwrite the program program.da"),
        ("other.da", "--log would overwrite the program other.da"),
        (".", "is a directory"),
    ],
)
def test_a_log_that_cannot_be(run: Run, tmp_path: Path, log: str, reason: str) -> None:
    ended = run(GREETINGS, "--log", log, "program.da")
    assert (ended.status, ended.out) == (2, [])
    assert reason in ended.err
    assert (tmp_path / "program.da").read_text() == GREETINGS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("if 1: import nowhere", "error[Q100]: program.da failed: ModuleNotFoundError: No module"),
        ("x = 1 / 0", "error[Q100]: program.da failed: ZeroDivisionError: division by zero\n"),
        ("import part", 'File "program.da", line 1, in <module>\n    import part\n'),
        ("import part", 'File "part.da", line 2, in <module>\n    import nowhere\n'),
        ("import part", "During handling of the above exception, another exception occurred"),
        ("import broken", "SyntaxError: invalid syntax"),
    ],
)
def test_statements_of_the_module_that_fail(run: Run, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "broken.py").write_text("def f(:\n")
    part = "try:\n    import nowhere\nexcept ImportError:\n    1 / 0\n"
    (tmp_path / "part.da").write_text(part)
    ended = run(f"{text}\n\ndef main():\n    pass\n", "program.da")
    assert (ended.status, ended.out) == (1, [])
    assert said in ended.err
    assert "quorate/" not in ended.err
    assert "importlib" not in ended.err


def test_a_module_that_does_not_compile_is_no_failure_of_its_importer(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "part.da").write_text("def f():\n    return nothing_of_that_name\n")
    ended = run("import part\n\ndef main():\n    pass\n", "program.da")
    assert ended.status == 2
    assert "error[Q010]" in ended.err


@pytest.mark.parametrize("text", ["def main():\n    send(1)\n", "x = 1\n", None])
@pytest.mark.parametrize("words", [("run",), ("lint",), ("compile",)])
def test_errors_show_the_path_as_it_was_given(
    quorate: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    text: str | None,
) -> None:
    if text == "x = 1\n" and words != ("run",):
        return  # a module without `main` is wrong only where it is run
    if text is not None:
        (tmp_path / "misgiven.da").write_text(text)
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", sys.argv)
    for given in ("../misgiven.da", str(tmp_path / "misgiven.da")):
        ended = quorate(*words, given)
        sys.modules.pop("misgiven", None)
        said = ended.out + ended.err
        assert ended.status == 2
        assert f"--> {given}" in said
        assert str(tmp_path) not in said.replace(given, "")


def test_an_error_of_an_imported_module_shows_its_path_from_here(run: Run, tmp_path: Path) -> None:
    (tmp_path / "part.da").write_text("def f():\n    return nothing_of_that_name\n")
    ended = run("import part\n\ndef main():\n    pass\n", "program.da")
    assert "--> part.da:2:12\n" in ended.err


def test_a_mistake_of_the_language_in_a_module(run: Run) -> None:
    text = "class P(process): pass\ndef same(c): return c\nclass Q(same(P)):\n    def f(): pass\n"
    ended = run(text, "program.da")
    assert ended.err.startswith("error[Q116]: program.da failed: `Q` extends a process class, ")
    lines = ended.err.splitlines()
    assert lines[2:4] == ['  File "program.da", line 3, in <module>', "    class Q(same(P)):"]
    assert lines[-1] == "  = help: add `process` to its bases: `class Q(..., process)`"
    assert ended.status == 1


def test_a_module_that_exits(run: Run) -> None:
    assert run("import sys\nsys.exit(7)\n\ndef main():\n    pass\n", "program.da").status == 7


def test_output_that_is_closed(tmp_path: Path) -> None:
    (tmp_path / "program.da").write_text(GREETINGS)
    command = f"{sys.executable} -m quorate run -q program.da >&- 2>&- <&-"
    ended = subprocess.run(command, shell=True, cwd=tmp_path, check=False, timeout=60)
    assert ended.returncode == 0


def test_stats(run: Run) -> None:
    ended = run(GREETINGS, "--stats", "program.da")
    assert ended.status == 0
    head, *rows = ended.err.splitlines()[:-1]
    assert head.split() == ["process", "CPU", "s", "in", "out", "waited", "s", "for"]
    names = [row.split()[0] for row in rows]
    assert names == sorted(names, key=lambda name: (name != "main", name))
    [row] = [row for row in rows if row.startswith("P-1")]
    assert row.split()[2:4] == ["1", "1"]
    assert row.endswith("program.da:9: some(received(('bye',)))")


def test_a_syntax_error_is_not_hidden_by_the_cache(run: Run) -> None:
    assert run(GREETINGS, "-q", "program.da").status == 0
    assert run(GREETINGS + "\n)", "-q", "program.da").status == 2
    assert run(GREETINGS, "-q", "--no-cache", "program.da").status == 0


def test_an_interrupt(tmp_path: Path) -> None:
    (tmp_path / "program.da").write_text(
        "import time\n\ndef main():\n    output('ready')\n    time.sleep(1000)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "quorate", "run", "--seed", "3", "program.da"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as popen:
        assert popen.stdout is not None
        assert "ready" in popen.stdout.readline()
        popen.send_signal(signal.SIGINT)
        _, err = popen.communicate(timeout=60)
    assert popen.returncode == 130
    assert re.fullmatch(r"quorate: interrupted: 1 process, \d\.\d\d s, seed 3\n", err)


def test_output_that_nobody_reads(tmp_path: Path) -> None:
    (tmp_path / "program.da").write_text(
        "def main():\n    while True:\n        output('x' * 100)\n        -- again\n"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "quorate", "run", "program.da"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as popen:
        assert popen.stdout is not None
        assert popen.stdout.readline()
        popen.stdout.close()
        assert popen.stderr is not None
        err = popen.stderr.read()
        assert popen.wait(timeout=60) == 141
    assert err == ""


LATE = """\
import time

class Slow(process):
    def receive(msg=('hello',), from_=p):
        begin = time.process_time()
        while time.process_time() - begin < 0.2:  # until the other one is over
            pass
        send(('note',), to=p)

    def run():
        await(some(received(('last',))))
        output('heard the last')

class Short(process):
    def setup(slow): pass

    def run():
        send(('hello',), to=slow)
        time.sleep(0.05)
        send(('last',), to=slow)

def main():
    slow = new(Slow)
    short = new(Short, (slow,))
    start(slow)
    start(short)
"""


def test_what_an_isolated_process_has_sent_arrives_after_its_end(run: Run) -> None:
    ended = run(LATE, "-q", "--isolate", "program.da")
    assert (ended.status, ended.texts) == (0, ["Slow-1: heard the last"])


def test_what_led_to_a_line_is_shown_before_it(run: Run) -> None:
    example = Path(__file__).parents[2] / "examples" / "lamport_mutex.da"
    shown = run(example.read_text(), "-q", "--workers", "2", "program.da", "4", "3").out
    words = [line.partition(": ")[2].split()[0] for line in shown]
    assert words == ["enter", "leave"] * 12


STEPS_THAT_MEET = """\
import os, time

def meet(mine, other):
    open(mine, 'w').close()
    end = time.monotonic() + 30
    while not os.path.exists(other):
        if time.monotonic() > end:
            exit(1)

class P(process):
    def setup(mine, other): pass

    def receive(msg=('meet', mine, other)):
        meet(mine, other)
        self.met = True

    def run():
        self.met = False
        meet(mine, other)
        send(('met', self), to=parent())
        await(met)

def main():
    a, b = new(P, ('a', 'b')), new(P, ('b', 'a'))
    start([a, b])
    await(each(p in [a, b], has=some(received(('met', _p)))))
    send(('meet', 'c', 'd'), to=a)
    send(('meet', 'd', 'c'), to=b)
    output('met')
"""


@pytest.mark.parametrize("places", [["--workers", "2"], ["--isolate"]])
def test_a_long_step_does_not_hold_back_what_was_sent_before_it(
    run: Run, places: list[str]
) -> None:
    ended = run(STEPS_THAT_MEET, "-q", *places, "program.da")
    assert (ended.status, ended.texts, ended.err) == (0, ["main: met"], "")


LEAVES_A_FOLDER_THAT_IS_REMOVED = """\
import os

class P(process):
    def receive(msg=('go',)):
        os.mkdir('gone')
        os.chdir('gone')
        os.rmdir('../gone')
        1 / 0

def main():
    p = new(P)
    start(p)
    send(('go',), to=p)
"""


@pytest.mark.parametrize("places", [["--workers", "2"], ["--isolate"]])
def test_a_failure_where_the_working_directory_is_gone(
    run: Run, tmp_path: Path, places: list[str]
) -> None:
    ended = run(LEAVES_A_FOLDER_THAT_IS_REMOVED, "-q", *places, "program.da")
    assert ended.status == 1
    assert ended.err.startswith("error[Q100]: P-1 failed: ZeroDivisionError")
    assert f'{tmp_path / "program.da"}", line 8' in ended.err


TOO_MUCH = """\
from quorate.net import codec

codec.FRAME_BYTES_MAX = 100_000

class P(process):
    def run():
        await(some(received(('v', _))))

def main():
    p = new(P)
    start(p)
    send(('v', bytes(100_000)), to=p)
"""


@pytest.mark.parametrize("places", [["--workers", "2"], ["--isolate"]])
def test_a_message_that_is_too_large(run: Run, places: list[str]) -> None:
    ended = run(TOO_MUCH, "-q", *places, "program.da")
    assert ended.status == 1
    assert ended.err.startswith("error[Q106]: main failed: a message of 100,014 bytes cannot")


FORKS = """\
import os, signal

class P(process):
    def setup(how): pass

    def run():
        print('before')
        pid = os.fork()
        if pid == 0:
            if how == 'exits':
                exit(7)
            elif how == 'raises':
                1 / 0
            elif how == 'stays':
                while True: signal.pause()
            -- end
            print('one too many')
        elif how == 'stays':
            print(how)
        else:
            print(how, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            if how == 'dies':
                os._exit(3)

def main():
    start([new(P, (how,)) for how in HOWS])
"""


@pytest.mark.parametrize("places", [["--workers", "2"], ["--isolate"]])
def test_a_child_by_fork_ends_with_its_step_or_with_the_run(run: Run, places: list[str]) -> None:
    hows = "['exits', 'raises', 'stays', 'returns']"
    ended = run(FORKS.replace("HOWS", hows), "-q", *places, "program.da")
    assert ended.status == 0
    shown = [line for line in ended.texts if not line.endswith("before")]
    assert shown == ["P-1: exits 7", "P-2: raises 1", "P-3: stays", "P-4: returns 0"]
    assert ended.err.startswith("error[Q100]: P-2 failed: ZeroDivisionError")


def test_a_child_by_fork_does_not_hide_the_end_of_its_worker(run: Run) -> None:
    text = FORKS.replace("HOWS", "['dies']").replace("os.waitpid(pid, 0)[1]", "0")
    ended = run(text.replace("'stays'", "'dies'", 1), "-q", "program.da")
    assert ended.status == 1
    assert "exited with 3" in ended.err


ENDS_UNHEARD = """\
class P(process):
    def setup(how):
        if how == 'exits in setup':
            exit(4)
        if how == 'fails in setup':
            1 / 0

    def run():
        send(('here',), to=parent())
        exit(5)

def main():
    p = new(P, (HOW,), daemon=True)
    if HOW == 'exits as a daemon':
        start(p)
        await(some(received(('here',))))
"""


@pytest.mark.parametrize("places", [["--workers", "1"], ["--workers", "2"], ["--isolate"]])
@pytest.mark.parametrize(
    ("how", "status", "said"),
    [
        ("exits in setup", 4, ""),
        ("fails in setup", 1, "error[Q100]: P-1 failed: ZeroDivisionError"),
        ("exits as a daemon", 5, ""),
    ],
)
def test_how_processes_end_that_the_run_does_not_wait_for(
    run: Run, places: list[str], how: str, status: int, said: str
) -> None:
    ended = run(ENDS_UNHEARD.replace("HOW", repr(how)), "-q", *places, "program.da")
    assert ended.status == status
    assert ended.err.startswith(said)

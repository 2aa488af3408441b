"""Runs in the real world end as they should, say what they should, and leave nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import Any

import pytest

PLACES = [
    *({"workers": 1}, {"workers": 2}, {"workers": 3}, {"workers": 3, "grows": True}),
    {"isolate": True},
]
IDS = ["1", "2", "3", "grown", "isolated"]


@pytest.mark.parametrize("places", PLACES, ids=IDS)
def test_messages_arrive_wherever_processes_live(begin: Any, places: dict[str, Any]) -> None:
    run = begin("pingpong", 3, 50, **places).end()
    assert (run.status, run.errors) == (0, "")
    assert run.texts == [f"Pinger-{n}: pong 50" for n in (2, 4, 6)]
    assert (run.outcome["processes"], run.outcome["messages"]) == (7, 3 * 101)
    assert re.fullmatch(r"\[\d\d:\d\d:\d\d\.\d\d\d\] Pinger-\d: pong 50", run.shown[0])


@pytest.mark.parametrize("places", PLACES, ids=IDS)
def test_timers_and_sleep(begin: Any, places: dict[str, Any]) -> None:
    run = begin("various", "timers", **places).end()
    assert (run.status, run.errors) == (0, "")
    assert run.texts == [f"Timed-{n}: slept True" for n in (1, 2, 3)]


@pytest.mark.parametrize("places", PLACES, ids=IDS)
def test_names_are_known_everywhere_at_once(begin: Any, places: dict[str, Any]) -> None:
    run = begin("various", "names", **places).end()
    assert (run.status, run.errors) == (0, "")
    went = [text for text in run.texts if "ready" not in text]
    assert went == ["Waiter-alice: went", "Waiter-bob: went", "main: Waiter-alice Waiter-bob"]


def test_two_processes_of_one_name(begin: Any) -> None:
    run = begin("various", "same_name").end()
    assert run.status == 1
    said = "error[Q109]: main failed: the name 'alice' is given twice: Waiter-alice has it already"
    assert said in run.errors


@pytest.mark.parametrize("places", PLACES, ids=IDS)
def test_nothing_can_happen_any_more(begin: Any, places: dict[str, Any]) -> None:
    run = begin("various", "waiters", 3, **places).end()
    assert run.status == 1
    assert run.errors.startswith("error[Q107]: nothing can happen any more, and 3 processes have")
    for number in (1, 2, 3):
        assert f"Waiter-{number} waits\n    programs/various.py:20, in" in run.errors
    assert "received(('go',))" in run.errors


@pytest.mark.parametrize("places", PLACES, ids=IDS)
def test_a_failure_ends_the_run(begin: Any, places: dict[str, Any]) -> None:
    run = begin("various", "fail", **places).end()
    assert run.status == 1
    head, *trace = run.errors.splitlines()
    assert head == "error[Q100]: Waiter-3 failed: ZeroDivisionError: division by zero"
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[1].startswith('  File "programs/various.py", line ')
    assert trace[1].endswith(", in receive")
    assert trace[2] == "    self.output(1 / value)"
    assert len(trace) == 4
    assert "quorate/" not in run.errors
    assert "Waiter-3: about to fail" in run.texts


def test_a_failure_ends_one_process_if_so_asked(begin: Any) -> None:
    run = begin("various", "fail", stop_on_error=False).end()
    assert run.status == 1
    assert run.errors.startswith("error[Q100]: Waiter-3 failed: Zero")
    went = [text for text in run.texts if "ready" not in text]
    assert went == ["Waiter-1: went", "Waiter-2: went", "Waiter-3: about to fail"]


def test_a_failure_in_setup(begin: Any) -> None:
    run = begin("various", "setup_fails").end()
    assert run.status == 1
    assert "has no attribute 'nothing'" in run.errors
    assert run.errors.count("failed:") == 1
    assert not run.shown


def test_main_fails(begin: Any) -> None:
    run = begin("various", "main_fails").end()
    assert (run.status, run.texts) == (1, ["main: main begins"])
    assert run.errors.startswith("error[Q100]: main failed: RuntimeError: no main\n")


def test_the_first_exit_code_that_is_not_0(begin: Any) -> None:
    run = begin("various", "exit").end()
    assert (run.status, run.errors) == (7, "")


def test_daemons_do_not_hold_the_run(begin: Any) -> None:
    run = begin("various", "daemon").end()
    assert (run.status, run.errors) == (0, "")


def test_a_daemon_that_never_comes_out_of_its_step(begin: Any) -> None:
    run = begin("various", "busy_daemon", workers=2).end()
    assert (run.status, run.errors) == (0, "")


def test_without_uvloop(begin: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "uvloop.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = begin("pingpong", 2, 20, workers=3).end()
    assert (run.status, run.texts) == (0, ["Pinger-2: pong 20", "Pinger-4: pong 20"])


def test_processes_that_were_not_started_do_not_hold_the_run(begin: Any) -> None:
    run = begin("various", "unstarted", workers=1).end()
    assert (run.status, run.errors) == (0, "")
    assert sorted(run.outcome["unstarted"]) == ["Waiter-1", "Waiter-2", "Waiter-3"]


@pytest.mark.parametrize("places", PLACES, ids=IDS)
def test_processes_that_are_ended(begin: Any, places: dict[str, Any]) -> None:
    run = begin("various", "ended", **places).end()
    assert (run.status, run.errors) == (0, "")


def test_lines_of_output(begin: Any) -> None:
    run = begin("various", "lines").end()
    lines = ["one", "two", "3", "ab", "shown", "rest"]
    assert [line.partition("] ")[2] for line in run.shown] == [f"main: {line}" for line in lines]


def test_a_value_that_has_no_text(begin: Any) -> None:
    run = begin("various", "no_text").end()
    assert (run.status, run.texts) == (1, ["main: before"])
    assert run.errors.startswith("error[Q100]: main failed: ValueError: no text\n")
    assert ", in __str__" in run.errors


def test_what_cannot_be_sent_to_another_worker(begin: Any) -> None:
    run = begin("various", "unsendable", workers=2).end()
    assert run.status == 1
    assert run.errors.startswith("error[Q106]: main failed: ")
    assert "help: " in run.errors


def test_long_lines_stay_whole(begin: Any) -> None:
    run = begin("various", "long", workers=2).end()
    assert run.status == 0
    assert [text for text in run.texts if "y" in text.split()[1]] == [
        f"Waiter-{n}: {word}" for n in (1, 2) for word in ("ready", "yyy")
    ] or sum(text.endswith("y" * 300_000) for text in run.texts) == 2


def test_the_log_has_everything(begin: Any, tmp_path: Any) -> None:
    log = tmp_path / "log"
    begin("various", "lines", log=str(log), log_format="json").end()
    lines = log.read_text().splitlines()
    assert len(lines) == 7
    assert '"process": "main", "level": 10, "level_name": "debug", "text": "hidden"' in lines[4]


def test_stats(begin: Any) -> None:
    run = begin("pingpong", 1, 20, workers=2, stats=True).end()
    rows = {row[0]: row[1:] for row in run.outcome["stats"]}
    assert rows["Ponger-1"][1:3] == [21, 20]
    assert rows["Pinger-2"][1:3] == [20, 21]
    [[place, seconds]] = rows["Pinger-2"][3]
    assert place == "programs/pingpong.py:30: self.last == self.rounds"
    assert seconds > 0


# Interrupted, killed, not read.


@pytest.mark.parametrize("places", PLACES[1:], ids=IDS[1:])
@pytest.mark.parametrize("program", ["sleepers", "spinner", "chatter"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything(
    begin: Any, program: str, number: int, places: dict[str, Any]
) -> None:
    run = begin("various", program, **places)
    run.read_until({"sleepers": "ready", "spinner": "spins", "chatter": "x"}[program])
    run.signal(number)
    run.end()
    assert (run.status, run.errors) == (130, "")
    assert run.outcome["interrupted"]


def test_an_interrupt_of_the_whole_group(begin: Any) -> None:
    run = begin("various", "sleepers")
    run.read_until("ready", 2)
    os.killpg(run.popen.pid, signal.SIGINT)
    run.end()
    assert (run.status, run.errors) == (130, "")


def test_an_interrupt_while_nobody_reads(begin: Any) -> None:
    """The pipe is full, and the workers stand in a write."""
    run = begin("various", "chatter", workers=2)
    run.read_until("x")
    _wait_until_full(run.popen.stdout)
    run.signal(signal.SIGINT)
    assert run.popen.wait(timeout=60) == 130
    run.end()


def _wait_until_full(stream: Any) -> None:
    """Until the pipe has as much in it as it can hold but for one page."""
    import fcntl
    import termios

    size = fcntl.fcntl(stream, fcntl.F_GETPIPE_SZ)
    held = bytearray(4)
    while int.from_bytes(held, "little") < size - 8192:
        fcntl.ioctl(stream, termios.FIONREAD, held)


def test_output_does_not_wait_for_a_step_that_never_ends(begin: Any) -> None:
    run = begin("various", "told_before_a_long_step", workers=1)
    run.read_until("told", 3)  # the others may come after the one that never ends
    run.signal(signal.SIGINT)
    assert run.end().status == 130


def test_what_an_unfinished_step_shows(begin: Any) -> None:
    """Each line once and in order; what has no text fails at the end of the step, as ever."""
    run = begin("various", "shows_in_a_long_step", workers=2).end()
    mine = [line.partition("] ")[2] for line in run.shown if "main: " in line]
    assert mine == ["main: one", "main: begun late", "main: three"]
    assert run.status == 1
    assert run.errors.startswith("error[Q100]: main failed: ValueError: no text")


def test_the_output_of_an_unfinished_step_is_closed(begin: Any) -> None:
    run = begin("various", "chatter_in_one_step", workers=1)
    run.read_until("x")
    run.popen.stdout.close()
    run.popen.stdout = None
    run.end()
    assert run.outcome["closed"]


def test_output_is_closed(begin: Any) -> None:
    run = begin("various", "chatter", workers=2)
    run.read_until("x")
    run.popen.stdout.close()
    run.popen.stdout = None
    run.end()
    assert run.errors == ""
    assert run.outcome["closed"]


def test_output_cannot_be_written(begin: Any) -> None:
    with open("/dev/full", "w") as full:
        run = begin("various", "lines", stdout=full).end()
    said = "error: standard output cannot be written: No space left on device\n"
    assert (run.status, run.errors) == (1, said)


def test_the_log_cannot_be_written(begin: Any) -> None:
    run = begin("various", "lines", log="/dev/full").end()
    said = "error: /dev/full cannot be written: No space left on device\n"
    assert (run.status, run.errors) == (1, said)


def test_a_worker_is_killed(begin: Any) -> None:
    run = begin("various", "waiters", 2, workers=2)
    run.read_until("ready", 2)
    [line] = [line for line in run.shown if "Waiter-1" in line]
    os.kill(int(line.split()[-1]), signal.SIGKILL)
    run.end()
    assert run.status == 1
    assert re.match(r"error\[Q110\]: worker 1 \(process \d+\) was killed by SIGKILL\n", run.errors)
    assert "running there: Waiter-1\n" in run.errors


def test_the_place_of_an_isolated_process_is_killed(begin: Any) -> None:
    run = begin("various", "kill", isolate=True).end()
    assert run.status == 1
    assert re.match(r"error\[Q110\]: the worker \(process \d+\) was killed", run.errors)
    assert "running there: Killer-3\n" in run.errors


@pytest.mark.parametrize("places", PLACES[1:], ids=IDS[1:])
@pytest.mark.parametrize("program", ["sleepers", "spinner", "chatter"])
def test_the_node_is_killed(begin: Any, program: str, places: dict[str, Any]) -> None:
    run = begin("various", program, **places)
    run.read_until({"sleepers": "ready", "spinner": "spins", "chatter": "x"}[program])
    run.signal(signal.SIGKILL)
    run.popen.communicate(timeout=60)  # returns when no worker holds the pipes any more
    assert run.survivors() == []


def test_where_everything_stands(begin: Any) -> None:
    run = begin("various", "sleepers", workers=2)
    run.read_until("ready", 2)
    run.signal(signal.SIGQUIT)
    said = [run.popen.stderr.readline() for _ in range(4)]
    assert said[0] == "Sleeper-1 sleeps\n"
    assert said[1].startswith("    programs/various.py:71, in Sleeper.run: sleep(1000)")
    assert said[2] == "Sleeper-2 sleeps\n"
    assert run.popen.poll() is None
    run.signal(signal.SIGINT)
    assert run.end().status == 130


def test_a_busy_worker_says_what_it_is_busy_with(begin: Any) -> None:
    run = begin("various", "spinner", workers=2)
    run.read_until("spins")
    run.signal(signal.SIGQUIT)
    assert re.fullmatch(r"Spinner-\d is busy in a step\n", run.popen.stderr.readline())
    run.signal(signal.SIGINT)
    assert run.end().status == 130


def test_a_run_leaves_no_file(begin: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    run = begin("various", "names", workers=3).end()
    assert run.status == 0
    assert list(tmp_path.iterdir()) == []


def test_reading_slowly_loses_nothing(begin: Any) -> None:
    run = begin("various", "go", 50, workers=2, stdout=subprocess.PIPE).end()
    assert run.status == 0
    assert sum("went" in line for line in run.shown) == 50

"""Running a command as one measurement: its time, and the `RESULT key value` lines it prints.

A measured program times itself; nothing here looks at a clock for it, except `seconds`, which
times a whole command from outside. Every command runs in a session of its own, in an empty
directory, and whatever is left of it at its end is killed: no process outlives its measurement.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

RESULT_LINE = re.compile(r"\bRESULT (\w+) ([-+.\deE]+)\s*$", re.MULTILINE)
POLL_S = 0.005


class MeasureError(Exception):
    """A command that could not be measured; the text says which and why, in one line."""


@dataclass(frozen=True)
class Finished:
    """A command that has ended: its seconds from start to exit, its status, all it printed.

    `peak_bytes` is the most memory that it, or one process it has waited for, has had at once.
    """

    seconds: float
    status: int
    text: str
    peak_bytes: int


def run(command: Sequence[str], env: Mapping[str, str], limit_s: float) -> Finished:
    """Runs a command to its end. Raises MeasureError when it cannot start, fails or is too slow."""
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory() as empty:
        begin_s = time.perf_counter()
        try:
            process = subprocess.Popen(
                command,
                cwd=empty,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise MeasureError(f"cannot run {command[0]}: {error.strerror}") from error
        try:
            peak_bytes = _wait(process, limit_s)
            seconds = time.perf_counter() - begin_s
        except subprocess.TimeoutExpired:
            raise MeasureError(f"{_short(command)}: not done after {limit_s:g} s") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.seek(0)
        text = log.read().decode(errors="replace")
    status = process.returncode
    if status != 0:
        last = text.strip().splitlines()[-1:] or ["(nothing printed)"]
        raise MeasureError(f"{_short(command)}: status {status}: {last[0]}")
    return Finished(seconds, status, text, peak_bytes)


def _wait(process: subprocess.Popen[bytes], limit_s: float) -> int:
    """Waits as `Popen.wait` does, and answers the peak of memory in bytes, which that forgets."""
    end_s = time.monotonic() + limit_s
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        if time.monotonic() > end_s:
            raise subprocess.TimeoutExpired(process.args, limit_s)
        time.sleep(POLL_S)


def results(command: Sequence[str], env: Mapping[str, str], limit_s: float) -> dict[str, float]:
    """The figures a program prints about itself. Raises MeasureError when it prints none."""
    finished = run(command, env, limit_s)
    found = {key: float(value) for key, value in RESULT_LINE.findall(finished.text)}
    if not found:
        raise MeasureError(f"{_short(command)}: printed no RESULT line")
    return found


def seconds(command: Sequence[str], env: Mapping[str, str], limit_s: float) -> float:
    """Seconds from the start of a command to its exit, seen from outside."""
    return run(command, env, limit_s).seconds


def _short(command: Sequence[str]) -> str:
    return " ".join(os.path.basename(word) for word in command)

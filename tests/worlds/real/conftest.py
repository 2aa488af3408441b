"""Runs of hand-written programs in operating-system processes of their own."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SECONDS_MAX = 60


class Run:
    """A run under way, or over; everything it forks is in a process group of its own."""

    def __init__(self, program: str, *args: Any, stdout: Any = subprocess.PIPE, **options: Any):
        path = program if program.endswith(".da") else f"programs/{program}.py"
        command = [sys.executable, "drive.py", path, json.dumps(options)]
        self.popen = subprocess.Popen(
            [*command, *map(str, args)],
            cwd=HERE,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.shown: list[str] = []
        self.status = 0
        self.errors = ""
        self.outcome: dict[str, Any] = {}

    def read_until(self, text: str, times: int = 1) -> None:
        """Read lines of output until so many of them hold `text`."""
        assert self.popen.stdout is not None
        while times:
            line = self.popen.stdout.readline()
            assert line, "the run ended before it was expected to"
            self.shown.append(line.rstrip("\n"))
            times -= text in line

    def signal(self, number: int) -> None:
        os.kill(self.popen.pid, number)

    def end(self) -> Run:
        """Wait for the end, and check that nothing is left behind."""
        out, err = self.popen.communicate(timeout=SECONDS_MAX)
        self.shown += (out or "").splitlines()
        self.status = self.popen.returncode
        self.errors, _, facts = err.partition("outcome {")
        self.outcome = json.loads("{" + facts) if facts else {}
        assert not self.survivors()
        return self

    def survivors(self) -> list[int]:
        """The processes of the group that do not end, however long one waits."""
        return [pid for pid in self._group() if not _ends(pid)]

    def _group(self) -> list[int]:
        found = []
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = entry.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self.popen.pid and fields[0] != "Z":
                    found.append(int(entry.parent.name))
        return found

    @property
    def texts(self) -> list[str]:
        """The lines without their times, sorted."""
        return sorted(line.partition("] ")[2] for line in self.shown)


def _ends(pid: int) -> bool:
    """Whether a process, which may be about to end, ends in time."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 10)[0])
    finally:
        os.close(watched)


@pytest.fixture
def begin() -> Iterator[Callable[..., Run]]:
    """Starts runs; at the end of the test, whatever it was, none is left."""
    runs: list[Run] = []

    def start(*args: Any, **options: Any) -> Run:
        runs.append(Run(*args, **options))
        return runs[-1]

    yield start
    for run in runs:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.popen.pid, signal.SIGKILL)
        run.popen.wait()
        for stream in (run.popen.stdout, run.popen.stderr):
            if stream is not None:
                stream.close()

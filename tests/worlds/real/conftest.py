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


class Node(Run):
    """A node under way, or over: `quorate run` in a process of the system.

    What it writes is read byte by byte, so that nothing waits elsewhere.
    """

    def __init__(self, folder: Path, name: str, program: str, *args: Any, **options: Any):
        chosen = [f"--{key.replace('_', '-')}={value}" for key, value in options.items()]
        chosen = [each.removesuffix("=True") for each in chosen]
        command = [sys.executable, "-m", "quorate", "run", "-n", name, *chosen]
        self.name = name
        self.popen = subprocess.Popen(
            [*command, f"programs/{program}.da", *map(str, args)],
            cwd=HERE,
            env={**os.environ, "XDG_RUNTIME_DIR": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self.shown = []
        self.errors = ""

    def read_until(self, text: str, times: int = 1) -> None:
        while times:
            self.shown.append(self._line(self.popen.stdout))
            times -= text in self.shown[-1]

    def hear(self, text: str) -> None:
        """Read lines of errors until one holds `text`."""
        while text not in self.next_error():
            pass

    def next_error(self) -> str:
        """The next line of errors."""
        self.errors += f"{self._line(self.popen.stderr)}\n"
        return self.errors.splitlines()[-1]

    def drain(self) -> None:
        """Read the errors that are there."""
        while select.select([self.popen.stderr], [], [], 0)[0]:
            self.next_error()

    def _line(self, stream: Any) -> str:
        line = b""
        while not line.endswith(b"\n"):
            assert select.select([stream], [], [], SECONDS_MAX)[0], (self.shown, self.errors)
            byte = stream.read(1)
            assert byte, (self.shown, self.errors)
            line += byte
        return line.decode().rstrip("\n")

    def end(self) -> Node:
        out, err = self.popen.communicate(timeout=SECONDS_MAX)
        self.shown += out.decode().splitlines()
        self.errors += err.decode()
        self.status = self.popen.returncode
        assert not self.survivors()
        return self


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
    _end_all(runs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the nodes of a module find each other."""
    return tmp_path_factory.mktemp("nodes")


@pytest.fixture
def begin_node(folder: Path) -> Iterator[Callable[..., Node]]:
    """Starts nodes; at the end of the test, whatever it was, none is left."""
    with beginning(folder) as begin:
        yield begin


@contextlib.contextmanager
def beginning(folder: Path) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def start(*args: Any, **options: Any) -> Node:
        nodes.append(Node(folder, *args, **options))
        if options.get("idle"):
            nodes[-1].hear("listens on")
        return nodes[-1]

    try:
        yield start
    finally:
        _end_all(nodes)


def _end_all(runs: list[Any]) -> None:
    for run in runs:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.popen.pid, signal.SIGKILL)
        run.popen.wait()
        for stream in (run.popen.stdout, run.popen.stderr):
            if stream is not None:
                stream.close()

"""Calls of the command line, in this process and in others, and commands made up for a test."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import click
import pytest

from quorate.cli import status_of
from quorate.cli.group import COMMANDS


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def quorate(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Call the command line with these arguments; for its status and what it said."""

    def call(*args: str) -> Outcome:
        capfd.readouterr()
        status = status_of(args)
        return Outcome(int(status), *capfd.readouterr())

    return call


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Make a function the command `quorate made-up`."""

    def add(body: Callable[[], object]) -> None:
        module = ModuleType("made_up")
        module.command = click.command("made-up")(body)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "made_up", module)
        monkeypatch.setitem(COMMANDS, "made-up", ("made_up:command", ""))

    return add


class Ended(NamedTuple):
    status: int
    out: list[str]
    err: str

    @property
    def texts(self) -> list[str]:
        """The lines without their times, sorted."""
        return sorted(line.partition("] ")[2] for line in self.out)


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program of this text with these words of the command line."""

    def call(text: str, *words: str, name: str = "program.da") -> Ended:
        (tmp_path / name).write_text(text)
        ended = subprocess.run(
            [sys.executable, "-m", "quorate", "run", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "NO_COLOR": "1"},
            check=False,
        )
        return Ended(ended.returncode, ended.stdout.splitlines(), ended.stderr)

    return call

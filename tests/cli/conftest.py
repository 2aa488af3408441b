"""Calls of the command line in this process, and commands made up for a test."""

import sys
from collections.abc import Callable
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

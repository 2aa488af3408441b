"""Every way a command can end has its status and its words."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import click
import pytest

from quorate.cli.settings import Settings, wants_colour
from quorate.lang.diagnostics import Diagnostic, QuorateSyntaxError
from quorate.lang.source import Source, Span


def raising(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize("status", [None, 0, 1, 2])
def test_a_command_returns_its_status(
    quorate: Callable, made_up: Callable, status: int | None
) -> None:
    made_up(lambda: status)
    assert quorate("made-up") == (status or 0, "", "")


def test_a_command_may_exit_the_context(quorate: Callable, made_up: Callable) -> None:
    made_up(lambda: click.get_current_context().exit(1))
    assert quorate("made-up").status == 1


def test_wrong_usage(quorate: Callable, made_up: Callable) -> None:
    made_up(lambda: None)
    outcome = quorate("made-up", "more")
    assert outcome.status == 2
    assert "Usage: quorate made-up" in outcome.err


def test_interrupted(quorate: Callable, made_up: Callable) -> None:
    made_up(raising(KeyboardInterrupt()))
    assert quorate("made-up") == (130, "", "quorate: interrupted\n")


def test_a_program_that_does_not_compile(quorate: Callable, made_up: Callable) -> None:
    source = Source("a.da", "x = _y\n")
    found = Diagnostic("Q012", "no `y`", Span(1, 4, 1, 6), source)
    made_up(raising(QuorateSyntaxError([found])))
    outcome = quorate("made-up")
    assert outcome.status == 2
    assert "error[Q012]: no `y`" in outcome.err
    assert "a.da:1:5" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("from beside import *\nlinearizable('register')\n", "import what is needed by its name"),
        ("from . import beside\n", "what is in a package is run by its name: `-m PACKAGE.MODULE`"),
    ],
)
def test_what_python_does_not_explain_of_imports(
    quorate: Callable, tmp_path: Path, text: str, help: str
) -> None:
    (tmp_path / "beside.py").write_text("")
    (tmp_path / "prog.da").write_text(f"{text}def main(): pass\n")
    outcome = quorate("run", str(tmp_path / "prog.da"))
    assert outcome.status == 1
    assert help in outcome.err.splitlines()[-1]


@pytest.mark.parametrize("error", [ZeroDivisionError("by nought"), SyntaxError("by nought")])
def test_our_bug(quorate: Callable, made_up: Callable, error: Exception) -> None:
    made_up(raising(error))
    outcome = quorate("made-up")
    assert outcome.status == 70
    assert "by nought" in outcome.err
    assert "internal error in quorate/cli/__init__.py:" in outcome.err
    assert "This is a bug in Quorate, not in your program." in outcome.err
    assert "Traceback" not in outcome.err


def test_our_bug_in_full(
    quorate: Callable, made_up: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_up(raising(ZeroDivisionError()))
    assert "Traceback" in quorate("-v", "made-up").err
    monkeypatch.setenv("QUORATE_DEBUG", "1")
    assert "Traceback" in quorate("made-up").err


def test_a_command_can_ask_for_tracebacks(quorate: Callable, made_up: Callable) -> None:
    def body() -> None:
        click.get_current_context().find_object(Settings).verbose = True
        raise ZeroDivisionError

    made_up(body)
    assert "Traceback" in quorate("made-up").err


def test_a_broken_pipe_that_is_not_ours_to_ignore(quorate: Callable, made_up: Callable) -> None:
    made_up(raising(BrokenPipeError(errno.EPIPE, "some socket")))
    assert quorate("made-up").status == 70


def run(
    code: str, stdout: int | IO[bytes] | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Another process, for what is done to its stdout."""
    program = f"from quorate.cli import main\nimport sys, os\n{code}"
    command = [sys.executable, "-c", program]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, env=env, check=False)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_is_quiet(unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    result = run("main(['explain'])", stdout=writer, env=environment)
    os.close(writer)
    assert (result.returncode, result.stderr) == (141, b"")


def test_stdout_and_stderr_both_closed() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    assert run("os.dup2(1, 2); main(['--no'])", stdout=writer).returncode == 141
    os.close(writer)


def test_no_stdout_at_all() -> None:
    result = run("os.close(1); sys.stdout = None; main(['explain'])")
    assert (result.returncode, result.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")
def test_a_full_disk_is_said() -> None:
    with open("/dev/full", "wb") as full:
        result = run("main(['explain'])", stdout=full)
    assert result.returncode == 1
    assert result.stderr == b"quorate: cannot write: No space left on device\n"


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colour(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], coloured: bool) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    reader, writer = os.pipe()
    assert wants_colour(writer) is coloured
    os.close(reader)
    os.close(writer)

"""`quorate explore`: what it is told wrong. What it serves is in tests/web."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quorate.cli.check import check
from quorate.cli.explore import explore, has_screen

Quorate = Callable[..., Any]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "program.da"
    path.write_text("class P(process):\n    def run(): pass\ndef main(): start(new(P))\n")
    return path


def test_the_options_are_those_of_check() -> None:
    options = [{each.name: each.opts for each in command.params} for command in (check, explore)]
    own = {"port", "no_browser"}
    others = {"trace", "page", "as_json", "exact", "self_check"}
    others |= {"search", "bits", "runs", "seed", "bug_depth", "checkpoint", "resume", "every"}
    assert options[1].keys() - own == options[0].keys() - others
    assert all(options[1][name] == options[0][name] for name in options[1].keys() - own)


def test_a_port_that_is_taken(quorate: Quorate, program: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = quorate("explore", "--no-browser", "--port", port, "program.da")
    assert ended.status == 2
    assert ended.err.startswith(f"error[Q143]: the explorer cannot listen at port {port}: ")
    assert ended.out == ""


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_what_is_no_port(quorate: Quorate, program: Path, port: str) -> None:
    assert quorate("explore", "--port", port, "program.da").status == 2


def test_programs_that_cannot_be_explored(quorate: Quorate, program: Path) -> None:
    assert "error[Q001]" in quorate("explore", "none.da").err
    program.write_text("def main(:\n")
    ended = quorate("explore", "program.da")
    assert (ended.status, ended.out) == (2, "")
    assert "error[Q003]" in ended.err
    program.write_text("x = 1\n")
    assert quorate("explore", "program.da").status == 2  # without a main
    program.write_text("1 // 0\ndef main(): pass\n")
    ended = quorate("explore", "program.da")
    assert ended.status == 1
    assert ended.err.startswith("error[Q100]: program.da failed: ZeroDivisionError")


@pytest.mark.parametrize(("display", "has"), [("", False), (":0", True)])
def test_a_browser_opens_beside_the_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, display: str, has: bool
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", display)
    assert has_screen() is has

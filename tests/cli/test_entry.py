"""The first moments of a command, which an interrupt may end like any later one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

INTERRUPTS = """\
import os, sys

class Interrupts:
    def find_spec(name, path=None, target=None):
        if name == os.environ["INTERRUPTED_AT"]:
            sys.meta_path.remove(Interrupts)
            os.kill(os.getpid(), 2)

sys.meta_path.insert(0, Interrupts)
"""
"""Has an interrupt come when a module is about to be imported."""


def installed() -> list[str]:
    """The command as an installer writes it."""
    entry = tomllib.loads(PYPROJECT.read_text())["project"]["scripts"]["quorate"]
    module, _, function = entry.partition(":")
    return ["-c", f"import sys; from {module} import {function}; sys.exit({function}())"]


@pytest.mark.parametrize("command", [["-m", "quorate"], installed()], ids=["-m", "script"])
@pytest.mark.parametrize(
    "module",
    ["signal", "quorate.cli", "quorate.cli.settings", "click", "quorate.cli.nodes", "nothing"],
)
def test_an_interrupt_while_modules_are_imported(
    tmp_path: Path, command: list[str], module: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTS)
    ended = subprocess.run(
        [sys.executable, *command, "nodes", "--json"],
        env={
            **os.environ,
            "PYTHONPATH": str(tmp_path),
            "XDG_RUNTIME_DIR": str(tmp_path),
            "INTERRUPTED_AT": module,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if module == "nothing":
        assert (ended.returncode, ended.stdout) == (0, "[]\n")
    else:
        assert ended.returncode in (130, -signal.SIGINT)
        assert (ended.stdout, ended.stderr.replace("quorate: interrupted\n", "")) == ("", "")

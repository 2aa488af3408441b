"""Runs of `quorate run`, each in a process of its own, with a limit on how long it may take."""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

SECONDS_MAX = 60


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


def run(folder: Path, text: str, *options: str) -> Outcome:
    """Run a program on one worker; a run that hangs fails the test."""
    (folder / "prog.da").write_text(text)
    command = [sys.executable, "-m", "quorate", "run", "--workers=1", "--seed=1", *options]
    done = subprocess.run(
        [*command, "prog.da"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)

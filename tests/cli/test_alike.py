"""The real and the simulated world show the same, where nothing depends on time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quorate.worlds.sim import simulate

PROGRAM = """\
import random
DRAWN = random.random()
class P(process):
    def run():
        output(DRAWN, {'pear', 'apple', 'fig'}, [{'x', 'y', 'z'}], random.random())
def main():
    start(new(P, ()))
    print({('b', 1), ('a', 2)}, frozenset('hello'))
"""


@pytest.mark.parametrize("seed", [0, 5])
def test_sets_and_numbers_of_both_worlds(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "alike.da"
    path.write_text(PROGRAM)
    command = [sys.executable, "-m", "quorate", "run", "--workers", "1", "--seed", str(seed)]
    done = subprocess.run(
        [*command, str(path)],
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    shown = sorted(line.partition("] ")[2] for line in done.stdout.splitlines())
    run = simulate(path, seed=seed)
    assert shown == sorted(f"{each.process}: {each.text}" for each in run.outputs)
    assert "{'apple', 'fig', 'pear'} [{'x', 'y', 'z'}]" in done.stdout

"""What the simulator finds in programs with known bugs: the seed, and how long it takes.

    python bench/zoo.py [--fill docs/simulation.md]

The programs are in tests/zoo; the header of each says its faults, and the bugs that an argument
brings in. Each is a run of `quorate simulate -j 1`, timed from before Python starts.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import report
import suite

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = sorted((ROOT / "tests" / "zoo").glob("*.da"))
HEADINGS = ("program", "bug", "faults", "found", "seed", "seeds tried", "time", "steps of the run")


class Bug(NamedTuple):
    """What a header promises: within so many `seeds`, a failure of this `code` and `property`."""

    path: Path
    name: str
    seeds: int
    code: str
    property: str


def faults(path: Path) -> list[str]:
    """The options of a program's header."""
    line = r"^# Faults: (.+(?:\n#  +.+)*)$"
    found = re.search(line, path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, path
    return [] if found[1] == "none" else shlex.split(found[1].replace("\n#", ""))


def bugs(path: Path) -> list[Bug]:
    """The bugs of a program's header."""
    line = r"^# Broken: (\S+) is found within ([\d,]+) seeds: (Q\d+) (\w+)$"
    found = re.findall(line, path.read_text(encoding="utf-8"), re.MULTILINE)
    return [Bug(path, bug, int(n.replace(",", "")), *what) for bug, n, *what in found]


def simulated(path: Path, bug: str, *options: str, limit: float = 3600.0) -> dict[str, Any]:
    """What `quorate simulate --json` answers of a program, with a bug or, for "", without."""
    command = [sys.executable, "-m", "quorate", "simulate", "--json", "-j", "1", *options]
    command += [*faults(path), str(path.relative_to(ROOT)), *([bug] if bug else [])]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=limit
    )
    assert ended.stdout, ended.stderr
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def row(bug: Bug) -> tuple[str, ...]:
    """A row of the table."""
    begun = time.perf_counter()
    answer = simulated(bug.path, bug.name, "--seeds", str(bug.seeds))
    seconds = time.perf_counter() - begun
    assert answer["failures"], f"{bug.name} of {bug.path.name} was not found"
    failure = answer["failures"][0]
    steps = simulated(bug.path, bug.name, "--seed", str(failure["seed"]))["steps"]
    what = f"{failure['code']} {bug.property}"
    options = f"`{shlex.join(faults(bug.path))}`" if faults(bug.path) else "none"
    counts = (str(failure["seed"]), str(answer["seeds"]), f"{seconds:.2f} s", f"{steps:,}")
    return (f"`{bug.path.name}`", f"`{bug.name}`", options, what, *counts)


def main() -> int:
    parser = argparse.ArgumentParser(description="Finds the bugs of tests/zoo.")
    parser.add_argument("--fill", type=Path, metavar="PAGE", help="put the table into this page")
    options = parser.parse_args()
    table = report.table(HEADINGS, [row(bug) for path in PROGRAMS for bug in bugs(path)])
    facts = ", ".join(f"{key} {value}" for key, value in suite.machine().items())
    text = f"{table}\n{facts}.\n"
    sys.stdout.write(text)
    report.fill_page(options.fill, "zoo", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What is found in programs with known bugs, and how long it takes.

    python bench/zoo.py [--fill docs/simulation.md]
    python bench/zoo.py --checked [--fill docs/checking.md]

The programs are in tests/zoo; the header of each says its faults, and the bugs that an argument
brings in. Each is a run of `quorate simulate -j 1`, or `quorate check --no-reduction`, timed from
before Python starts.
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
CHECKED_HEADINGS = ("program", "bug and sizes", "bounds", "found", "steps", "states", "time")


class Bug(NamedTuple):
    """What a header promises: within so many `seeds`, a failure of this `code` and `property`."""

    path: Path
    name: str
    seeds: int
    code: str
    property: str


class Check(NamedTuple):
    """What a header promises of `quorate check`: a shortest way of so many `steps`.

    `sizes` are arguments of the program; `loop` is how many steps are taken again and again then.
    """

    bug: Bug
    sizes: tuple[str, ...]
    options: tuple[str, ...]
    steps: int
    loop: int


def faults(path: Path) -> list[str]:
    """The options of a program's header."""
    found = re.search(r"^# Faults: (.+)$", text_of(path), re.MULTILINE)
    assert found is not None, path
    return [] if found[1] == "none" else shlex.split(found[1])


def bugs(path: Path) -> list[Bug]:
    """The bugs of a program's header."""
    line = r"^# Broken: (\S+) is found within ([\d,]+) seeds: (Q\d+) (\w+)$"
    found = re.findall(line, text_of(path), re.MULTILINE)
    return [Bug(path, bug, int(n.replace(",", "")), *what) for bug, n, *what in found]


def checks(path: Path) -> list[Check]:
    """The bugs of a program's header that every interleaving is looked at for."""
    line = (
        r"^# Checked: (\S+) ([\d ]+?)(?: with (.+))?: (\d+) steps(?:, then (\d+) again and again)?$"
    )
    by_name = {bug.name: bug for bug in bugs(path)}
    return [
        Check(by_name[bug], (*sizes.split(),), (*options.split(),), int(steps), int(loop or 0))
        for bug, sizes, options, steps, loop in re.findall(line, text_of(path), re.MULTILINE)
    ]


def unchecked(path: Path) -> dict[str, str]:
    """The others, and why they are none for `quorate check`."""
    return dict(re.findall(r"^# Unchecked: (\S+), since (.+)$", text_of(path), re.MULTILINE))


def text_of(path: Path) -> str:
    """The text of a program, each entry of its header on one line."""
    return re.sub(r"\n#  +", " ", path.read_text(encoding="utf-8"))


def simulated(path: Path, bug: str, *options: str, limit: float = 3600.0) -> dict[str, Any]:
    """What `quorate simulate --json` answers of a program, with a bug or, for "", without."""
    words = ["simulate", "--json", "-j", "1", *options, *faults(path), str(path.relative_to(ROOT))]
    return answered([*words, *([bug] if bug else [])], limit)


def answered(words: list[str], limit: float) -> dict[str, Any]:
    """What a command of quorate answers as JSON."""
    command = [sys.executable, "-m", "quorate", *words]
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


def checked_row(check: Check) -> tuple[str, ...]:
    """A row of the table of what every interleaving shows."""
    path = str(check.bug.path.relative_to(ROOT))
    words = ["check", "--json", "--no-reduction", *check.options, path, check.bug.name]
    begun = time.perf_counter()
    answer = answered([*words, *check.sizes], 3600.0)
    seconds = time.perf_counter() - begun
    again = f", then {check.loop} again and again" if check.loop else ""
    return (
        f"`{check.bug.path.name}`",
        f"`{shlex.join((check.bug.name, *check.sizes))}`",
        f"`{shlex.join(check.options)}`" if check.options else "none",
        f"{check.bug.code} {check.bug.property}",
        f"{check.steps}{again}",
        f"{answer['states']:,}",
        f"{seconds:.2f} s",
    )


def all_checked_rows() -> list[tuple[str, ...]]:
    return [
        *(checked_row(check) for path in PROGRAMS for check in checks(path)),
        *(
            (f"`{path.name}`", f"`{bug}`", f"not found, since {why}", "", "", "", "")
            for path in PROGRAMS
            for bug, why in unchecked(path).items()
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Finds the bugs of tests/zoo.")
    parser.add_argument("--checked", action="store_true", help="by looking at every interleaving")
    parser.add_argument("--fill", type=Path, metavar="PAGE", help="put the table into this page")
    options = parser.parse_args()
    if options.checked:
        table = report.table(CHECKED_HEADINGS, all_checked_rows())
    else:
        table = report.table(HEADINGS, [row(bug) for path in PROGRAMS for bug in bugs(path)])
    facts = ", ".join(f"{key} {value}" for key, value in suite.machine().items())
    text = f"{table}\n{facts}.\n"
    sys.stdout.write(text)
    report.fill_page(options.fill, "zoo", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

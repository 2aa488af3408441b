"""The original's own programs, run unchanged by the original and by Quorate, in one run.

    python bench/original.py --original DIR [--python37 PATH] [--only WORD] [--json FILE]

The programs are those of da/examples in a checkout of the original, and one of its benchmarks
(see bench/plainly.py). Each prints a line for each unit of its work; its time is that from the
first of these lines to the last, by the times that stand before them. docs/performance.md
describes the method. Statuses as in bench/messages.py.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import plainly
import suite
from measure import MeasureError
from report import Comparison
from suite import Measurement, Run

SPECIFIED, OPTIMISED = 100, 10
"""How many times faster to be: on specifications, and on what was optimised by hand."""

DAY_S = 86_400
LINE = re.compile(
    r"^\[(?:(?P<ms>\d+)|(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d\.\d+))\] (?P<who>[^ ]+): ?(?P<text>.*)$",
    re.MULTILINE,
)
"""A line of output: `[324] spec.P<P:5f002>:OUTPUT: text`, or `[01:10:13.034] P-3: text`."""


@dataclass(frozen=True)
class Case:
    """A program with arguments, what `lines` of its output are units of work, and the goal."""

    program: str
    args: str
    unit: str
    lines: int
    goal: float

    @property
    def name(self) -> str:
        return f"{self.program} {self.args}"


CASES = (
    Case("lamutex/spec.da", "5 25", "in cs", 125, SPECIFIED),
    Case("lamutex/spec.da", "10 10", "in cs", 100, SPECIFIED),
    Case("lamutex/spec_lam.da", "5 25", "in critical section", 125, SPECIFIED),
    Case("ramutex/spec.da", "5 200", "In cs!", 1000, SPECIFIED),
    Case("2pcommit/spec.da", "90 -1", "ready|commit", 181, SPECIFIED),
    Case("vrpaxos/spec.da", "3 3 1 1 100", "received result", 100, SPECIFIED),
    Case("vrpaxos/orig.da", "3 3 1 1 100", "received result", 100, OPTIMISED),
    Case("lamutex/orig.da", "5 200", "in cs", 1000, OPTIMISED),
    Case("ramutex/orig.da", "5 500", "In cs!", 2500, OPTIMISED),
    Case("2pcommit/orig.da", "40 -1", "ready|commit", 81, OPTIMISED),
    Case("pingpong/ping.da", "1000 3", "Pinged|Ponged", 6000, OPTIMISED),
)


def comparisons(cases: Sequence[Case]) -> Iterator[Comparison]:
    """Two rows for each case: beside the original as it is, and with TCP_NODELAY."""
    for case in cases:
        for beside, kind in (("original as it is", "plain"), ("original, TCP_NODELAY", "nodelay")):
            yield Comparison(
                case.name,
                f"ours.{case.name}.s",
                "s",
                beside,
                f"original.{kind}.{case.name}.s",
                inverse=True,
                goal=case.goal,
                of_ratio=True,
            )


def times(text: str, unit: str) -> list[float]:
    """The seconds at which units of work were shown; the clock of a day may pass midnight."""
    found: list[float] = []
    for line in LINE.finditer(text):
        if not re.match(unit, line["text"]):
            continue
        if line["ms"]:
            found.append(int(line["ms"]) / 1000)
        else:
            second = int(line["h"]) * 3600 + int(line["m"]) * 60 + float(line["s"])
            first = found[0] if found else second
            found.append(first + (second - first + DAY_S / 2) % DAY_S - DAY_S / 2)
    return found


def work(case: Case, start: Sequence[str], env: Mapping[str, str], limit_s: float) -> Measurement:
    """Runs a program; its time from its first unit of work to its last, which must all be there."""

    def measurement() -> dict[str, float]:
        found = times(measure.run([*start, *case.args.split()], env, limit_s).text, case.unit)
        if len(found) != case.lines:
            raise MeasureError(f"{case.name}: {len(found)} units of work, not {case.lines}")
        return {"s": max(found) - min(found)}

    return measurement


def chosen(
    options: argparse.Namespace, programs: Path, cases: Sequence[Case]
) -> Iterator[tuple[str, Measurement]]:
    """Every case under Quorate and, where there is a Python for it, under the original."""
    env = suite.original_env(options)
    starts = suite.original_commands(options) if options.python37 else {}
    for case in cases:
        path = str(programs / case.program)
        start = [*options.quorate, "run", path]
        yield f"ours.{case.name}", work(case, start, {}, options.limit)
        for kind, command in starts.items():
            prefix = f"original.{kind}.{case.name}"
            yield prefix, work(case, [*command, path], env, options.limit)


def check_original(options: argparse.Namespace, run: Run) -> None:
    """Without an original that starts there is only our column, and the reason below the table."""
    if not options.python37:
        run.missing["original"] = "skipped: give --python37 PATH to measure it"
        return
    try:
        command = suite.original_commands(options)["plain"]
        measure.run([*command, "--version"], suite.original_env(options), options.limit)
    except MeasureError as error:
        run.missing["original"] = str(error)
        run.failed = True
        options.python37 = None


def selected(options: argparse.Namespace) -> list[Case]:
    """The cases whose name holds the word given by --only."""
    return [case for case in CASES if options.only in case.name]


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Runs everything; the whole run as plain data, ready for JSON."""
    run = Run()
    check_original(options, run)
    with tempfile.TemporaryDirectory() as folder:
        # Both leave their caches beside the programs they run: they get copies.
        programs = Path(folder) / "examples"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(options.original / "da" / "examples", programs, ignore=ignored)
        try:
            plainly.write(options.original / "benchmarks" / plainly.PAXOS, programs / plainly.PAXOS)
        except (OSError, ValueError) as error:
            run.missing[plainly.PAXOS] = str(error)
            run.failed = True
        run.repeat([*chosen(options, programs, selected(options))], options.repetitions)
    return run.summary(options.repetitions, {})


def main() -> int:
    parser = suite.parser("Runs the original's own programs.")
    parser.add_argument("--only", default="", metavar="WORD", help="programs whose name holds it")
    parser.set_defaults(repetitions=3, limit=60.0)
    options = parser.parse_args()
    if not options.earlier:
        if not options.original:
            parser.error("the programs are the original's: give --original DIR, its checkout")
        if not (options.original / "da" / "examples").is_dir():
            parser.error(f"{options.original} is no checkout of the original: no da/examples in it")
    return suite.main("original", options, measured, [*comparisons(selected(options))])


if __name__ == "__main__":
    sys.exit(main())

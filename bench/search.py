"""How soon each order of search finds bugs of tests/zoo: `quorate check --search`.

    python bench/search.py [--seeds 5] [--limit 20] [--fill docs/performance.md]

Each bug that is a property of `@always` is looked for within the bounds stated here, by each order
with several seeds where these decide. Times are of a whole command, from before Python starts.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import report
import suite

import zoo

BOUNDS = {
    "unfenced": ("--timeouts", "1"),
    "overtaking": (),
    "conflict": ("--timeouts", "4"),
    "forgetful": ("--timeouts", "1"),
    "doubled": ("--timeouts", "1"),
}
"""How often what has to happen before each bug shows; all else takes its course."""

ORDERS = ("breadth", "depth", "walks", "pct", "new")
BY_SEED = ORDERS[2:]
HEADINGS = ("program", "bug", "bounds", *ORDERS)

GRACE_SECONDS = 20
"""How much longer than its limit a search may take, to begin and to tell."""


class Tried(NamedTuple):
    """What came of one search: how long it took (for ever: not found), how many runs or states it
    looked at, and how many steps it showed.
    """

    seconds: float
    looked_at: float = math.inf
    steps: float = math.inf


def tried(bug: zoo.Bug, order: str, seed: int, limit: int) -> Tried:
    options = ["--search", order, "--seconds", str(limit), "--no-deadlock", *BOUNDS[bug.name]]
    if order in BY_SEED:
        options += ["--runs", str(10**9), "--seed", str(seed)]
    command = [sys.executable, "-m", "quorate", "check", "--json", *options]
    command += [str(bug.path.relative_to(zoo.ROOT)), bug.name]
    begun = time.perf_counter()
    try:
        ended = subprocess.run(
            command, cwd=zoo.ROOT, capture_output=True, check=False, timeout=limit + GRACE_SECONDS
        )
    except subprocess.TimeoutExpired:
        return Tried(math.inf)
    seconds = time.perf_counter() - begun
    answer = json.loads(ended.stdout)
    if answer["verdict"] != "violated":
        assert answer["verdict"] == "inconclusive", answer
        return Tried(math.inf)
    assert answer["violation"]["property"] == bug.property, answer
    looked_at = answer["search"]["runs"] if order in BY_SEED else answer["states"]
    return Tried(seconds, looked_at, len(answer["violation"]["steps"]))


def cell(bug: zoo.Bug, order: str, seeds: int, limit: int) -> str:
    """The medians of what came of an order, over the seeds."""
    every = [tried(bug, order, seed, limit) for seed in range(seeds if order in BY_SEED else 1)]
    seconds, looked_at, steps = map(statistics.median_high, zip(*every, strict=True))
    if seconds == math.inf:
        found = sum(each.seconds < math.inf for each in every)
        return f"not in {limit} s" + f" ({found} of {len(every)} did)" * bool(found)
    what = f"{'run' if order in BY_SEED else 'state'}{'s' * (looked_at != 1)}"
    return f"{seconds:.1f} s, {looked_at:,.0f} {what}, {steps:.0f} steps"


def main() -> int:
    parser = argparse.ArgumentParser(description="Finds bugs of tests/zoo in every order.")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="how many for each")
    parser.add_argument("--limit", type=int, default=20, metavar="N", help="seconds of a search")
    parser.add_argument("--fill", type=Path, metavar="PAGE", help="put the table into this page")
    options = parser.parse_args()
    rows = []
    for bug in (bug for path in zoo.PROGRAMS for bug in zoo.bugs(path) if bug.name in BOUNDS):
        cells = [cell(bug, order, options.seeds, options.limit) for order in ORDERS]
        bounds = f"`{' '.join(BOUNDS[bug.name])}`" if BOUNDS[bug.name] else "none"
        rows.append((f"`{bug.path.name}`", f"`{bug.name}`", bounds, *cells))
        report.progress(len(rows), len(BOUNDS), bug.name)
    report.progress_done()
    facts = ", ".join(f"{key} {value}" for key, value in suite.machine().items())
    text = report.table(HEADINGS, rows)
    text += (
        f"\nMedians of {options.seeds} seeds, of searches of {options.limit} s at most. {facts}.\n"
    )
    sys.stdout.write(text)
    report.fill_page(options.fill, "search", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

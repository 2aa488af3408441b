"""Compares the compiler and the interpreter on many random programs.

Run from the root: PYTHONPATH=tests python -m programs.many --seeds 10000 -j 2
Prints each disagreement, shrunk; ends with status 1 where there is one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from programs.compare import differs, kind_of, report, shrunk
from programs.generator import generate


def disagreement(seed: int, shrink: bool = True) -> str:
    """A report on the program of `seed`; every fourth one is also frozen at each step."""
    text = generate(seed)
    found = reported(text, shrink, frozen=False)
    if not found and seed % 4 == 0:
        found = reported(text, shrink, frozen=True)
    return found and f"== seed {seed}\n{found}\n"


def reported(text: str, shrink: bool, *, frozen: bool) -> str:
    """A report on a program, shrunk; empty where both agree."""
    found = differs(text, frozen=frozen)
    if found is not None and shrink:
        kind = kind_of(found)
        text = shrunk(text, lambda smaller: kind_of(differs(smaller, frozen=frozen)) == kind)
        found = differs(text, frozen=frozen)
    how = "(frozen at each step)\n" if frozen else ""
    return how + report(text, *found) if found is not None else ""


def disagreements(seeds: range, jobs: int, shrink: bool) -> Iterator[str]:
    """The reports of all seeds, empty ones too, in order."""
    work = partial(disagreement, shrink=shrink)
    if jobs == 1:
        yield from map(work, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(work, seeds, chunksize=20)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many programs")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("--max", type=int, default=10, help="stop after so many disagreements")
    parser.add_argument("--no-shrink", action="store_true")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    count = 0
    for text in disagreements(seeds, options.jobs, not options.no_shrink):
        if text:
            count += 1
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        if count >= options.max:
            break
    sys.stdout.write(f"{count} disagreements from seed {seeds[0]} to {seeds[-1]} at most\n")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())

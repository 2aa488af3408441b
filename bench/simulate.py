"""What a message costs in the simulated world, beside others that simulate.

    python bench/simulate.py [--simloom PYTHON] [--json FILE] [--markdown]

PYTHON is one of 3.12 or later in whose environment `pip install simloom` has been done. Each
measurement is a process of its own, which this script starts as `--one NAME`, and takes the
CPU time from after loading to the end of the run. docs/performance.md describes the method.
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import suite
from measure import results
from report import Comparison
from suite import HERE, Measurement, Run

COMPARISONS = (
    Comparison(
        "ping-pong, handler to handler",
        "ours.pingpong.messages_per_s",
        "messages/s",
        goal=200_000,
    ),
    Comparison(
        "ping-pong, handler to handler",
        "ours.pingpong.messages_per_s",
        "messages/s",
        "simloom, streams",
        "simloom.streams.messages_per_s",
        goal=10,
        of_ratio=True,
    ),
    Comparison(
        "ping-pong, handler to handler",
        "ours.pingpong.messages_per_s",
        "messages/s",
        "simloom, datagrams",
        "simloom.datagrams.messages_per_s",
    ),
    Comparison(
        "ping-pong, handler to handler",
        "ours.pingpong.messages_per_s",
        "messages/s",
        "bare heap of callbacks",
        "heap.pingpong.messages_per_s",
    ),
    Comparison(
        "the same, 1 % lost and sent again",
        "ours.lossy.messages_per_s",
        "messages/s",
        "without loss",
        "ours.pingpong.messages_per_s",
    ),
    Comparison(
        "the same, what is reached marked",
        "ours.marked.messages_per_s",
        "messages/s",
        "without marks",
        "ours.pingpong.messages_per_s",
    ),
    Comparison(
        "multi-Paxos, {requests} requests of each of two clients",
        "ours.paxos.messages_per_s",
        "messages/s",
        goal=60_000,
    ),
    Comparison(
        "the same, its properties checked after every step",
        "ours.checked.messages_per_s",
        "messages/s",
        "not checked",
        "ours.paxos.messages_per_s",
        goal=60_000,
    ),
    Comparison(
        "whole runs of Raft, one after the other, by quorate simulate -j 1",
        "ours.raft.runs_per_s",
        "runs/s",
    ),
)


def simulated(
    path: str,
    args: list[int],
    faults: dict[str, str],
    *,
    marks: bool = False,
    properties: bool = False,
) -> None:
    """One run, of a program that has been loaded."""
    from quorate.compiler.loader import load
    from quorate.worlds.sim import Adversity, simulate

    module = load(str(HERE.parent / path), cache=False, marks=marks, properties=properties)
    begun = time.process_time()
    run = simulate(module, args, 1, max_steps=10**9, adversity=Adversity(faults))
    seconds = time.process_time() - begun
    assert run.status == 0, run.error
    print("RESULT messages_per_s", run.messages / seconds)


def runs(seeds: int) -> None:
    """As `quorate simulate` runs seeds, without starting up."""
    from quorate.compiler.loader import load
    from quorate.worlds.sim.seeds import Plan, run_seed

    path = str(HERE.parent / "examples" / "raft.da")
    module = load(path, cache=False, marks=True)
    begun = time.process_time()
    for seed in range(seeds):
        assert not run_seed(Plan(path), module, seed).failed
    print("RESULT runs_per_s", seeds / (time.process_time() - begun))


def bare_heap(rounds: int) -> None:
    """The floor: a heap of callbacks with random delays, and nothing else."""
    agenda: list[tuple[float, int, Callable[[float, int], None], int]] = []
    draw, push, pop = random.Random(1).random, heapq.heappush, heapq.heappop
    count = 0

    def ping(now: float, n: int) -> None:
        nonlocal count
        count += 1
        push(agenda, (now + 0.0001 + 0.0009 * draw(), count, pong, n))

    def pong(now: float, n: int) -> None:
        nonlocal count
        count += 1
        if n < rounds:
            push(agenda, (now + 0.0001 + 0.0009 * draw(), count, ping, n + 1))

    begun = time.process_time()
    ping(0.0, 1)
    while agenda:
        now, _, callback, n = pop(agenda)
        callback(now, n)
    print("RESULT messages_per_s", count / (time.process_time() - begun))


ONE: dict[str, Callable[[int], None]] = {
    "heap": bare_heap,
    "pingpong": lambda n: simulated("bench/programs/pingpong.da", [n], {}),
    "lossy": lambda n: simulated("bench/programs/pingpong.da", [n], {"loss": "1%"}),
    "marked": lambda n: simulated("bench/programs/pingpong.da", [n], {}, marks=True),
    "paxos": lambda n: simulated("examples/multi_paxos.da", [3, 2, 2, 2, n], {}),
    "checked": lambda n: simulated("examples/multi_paxos.da", [3, 2, 2, 2, n], {}, properties=True),
    "raft": runs,
}


def chosen(options: argparse.Namespace, run: Run) -> Iterator[tuple[str, Measurement]]:
    """Every measurement that the options allow; what they leave out is noted as missing."""

    def one(name: str, count: int, python: str = sys.executable) -> Measurement:
        command = [python, str(HERE / "simulate.py"), "--one", name, "--count", str(count)]
        return lambda: results(command, {"PYTHONHASHSEED": "0"}, options.limit)

    yield "heap.pingpong", one("heap", options.rounds)
    for name in ("pingpong", "lossy", "marked"):
        yield f"ours.{name}", one(name, options.rounds)
    for name in ("paxos", "checked"):
        yield f"ours.{name}", one(name, options.requests)
    yield "ours.raft", one("raft", options.seeds)
    for kind in ("streams", "datagrams") if options.simloom else ():
        command = [options.simloom, str(HERE / "loom.py"), kind, str(options.rounds // 5)]
        yield f"simloom.{kind}", partial(results, command, {}, options.limit)
    if not options.simloom:
        run.missing["simloom"] = "skipped: give --simloom PYTHON to measure it"


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Runs everything; the whole run as plain data, ready for JSON."""
    run = Run()
    run.repeat([*chosen(options, run)], options.repetitions)
    counts = {"rounds": options.rounds, "requests": options.requests, "seeds": options.seeds}
    return run.summary(options.repetitions, counts)


def main() -> int:
    parser = suite.parser("Measures what a message costs in the simulated world.")
    add = parser.add_argument
    add("--simloom", metavar="PYTHON", help="a Python in whose environment simloom is installed")
    add("--rounds", type=int, default=50_000)
    add("--requests", type=int, default=400)
    add("--seeds", type=int, default=300)
    add("--one", choices=ONE, help="run this alone, and print its figures")
    add("--count", type=int, default=10_000)
    options = parser.parse_args()
    if options.one:
        ONE[options.one](options.count)
        return 0
    return suite.main("simulate", options, measured, COMPARISONS)


if __name__ == "__main__":
    sys.exit(main())

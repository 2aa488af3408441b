"""What a message costs, measured in one run beside what it is compared with.

    python bench/messages.py [--original DIR --python37 PATH] [--json FILE] [--markdown]

Repetitions go round and round over all measurements, so that a slow minute of the machine falls
on all of them; every figure is the median. docs/performance.md describes the method.
Status 1 when something could not be measured that should have been, 0 otherwise.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import suite
from measure import results, seconds
from report import Comparison
from suite import HERE, Measurement, Run

COMPARISONS = (
    Comparison(
        "two processes in one worker, handler to handler",
        "ours.one_worker.messages_per_s",
        "messages/s",
        "original, threads of one process",
        "original.threads.messages_per_s",
        goal=400_000,
    ),
    Comparison(
        "one way between two workers",
        "ours.two_workers.messages_per_s",
        "messages/s",
        "original as it is",
        "original.plain.one_way.messages_per_s",
        goal=200_000,
    ),
    Comparison(
        "one way between two workers",
        "ours.two_workers.messages_per_s",
        "messages/s",
        "original as it is",
        "original.plain.one_way.messages_per_s",
        goal=20,
        of_ratio=True,
    ),
    Comparison(
        "one way between two workers",
        "ours.two_workers.messages_per_s",
        "messages/s",
        "original, TCP_NODELAY",
        "original.nodelay.one_way.messages_per_s",
        goal=20,
        of_ratio=True,
    ),
    Comparison(
        "round trip between two workers",
        "ours.round_trip.round_trips_per_s",
        "round trips/s",
        "bare echo, Unix socket",
        "echo.round_trips_per_s",
        inverse=True,
        goal=4,
        of_ratio=True,
        at_least=False,
    ),
    Comparison(
        "round trip between two workers",
        "ours.round_trip.round_trips_per_s",
        "round trips/s",
        "original as it is",
        "original.plain.round_trip.round_trips_per_s",
        goal=15,
        of_ratio=True,
    ),
    Comparison(
        "round trip between two workers",
        "ours.round_trip.round_trips_per_s",
        "round trips/s",
        "original, TCP_NODELAY",
        "original.nodelay.round_trip.round_trips_per_s",
        goal=15,
        of_ratio=True,
    ),
    Comparison(
        "new, setup and start of {processes} processes",
        "ours.spawn.started_s",
        "s",
        "original, {original_processes} processes",
        "original.spawn.started_s",
        goal=2,
        at_least=False,
    ),
    Comparison(
        "the same, until each has said that it runs",
        "ours.spawn.running_s",
        "s",
        "original, {original_processes} processes",
        "original.spawn.running_s",
    ),
    Comparison(
        "quorate run of a small program",
        "start.run.s",
        "s",
        "python -c pass",
        "start.python.s",
        goal=0.35,
        at_least=False,
    ),
    Comparison(
        "quorate --help",
        "start.help.s",
        "s",
        "python -c pass",
        "start.python.s",
        goal=0.15,
        at_least=False,
    ),
)


def ours(options: argparse.Namespace, programs: Path) -> Iterator[tuple[str, Measurement]]:
    """Messages, and the making of processes, in our real world."""
    run = [*options.quorate, "run"]

    def program(name: str, workers: int, count: int) -> Measurement:
        command = [*run, "--workers", str(workers), str(programs / name), str(count)]
        return lambda: results(command, {}, options.limit)

    yield "ours.one_worker", program("pingpong.da", 1, options.messages // 2)
    yield "ours.two_workers", program("flood.da", 2, options.messages)
    yield "ours.round_trip", program("pingpong.da", 2, options.messages // 10)
    yield "ours.spawn", program("spawn.da", 2, options.processes)


def echo(options: argparse.Namespace) -> Iterator[tuple[str, Measurement]]:
    """The bare echo between two operating-system processes."""
    command = [sys.executable, str(HERE / "echo.py"), str(options.messages // 10)]
    yield "echo", lambda: results(command, {}, options.limit)


def original(options: argparse.Namespace, programs: Path) -> Iterator[tuple[str, Measurement]]:
    """The same programs under the original, as it is and with TCP_NODELAY set."""
    env = suite.original_env(options)
    starts = suite.original_commands(options)

    def program(start: list[str], name: str, count: int) -> Measurement:
        command = [*start, str(programs / name), str(count)]
        return lambda: results(command, env, options.limit)

    for kind, start in starts.items():
        yield f"original.{kind}.round_trip", program(start, "pingpong.da", options.original_rounds)
        yield f"original.{kind}.one_way", program(start, "flood.da", options.original_messages)
    yield "original.threads", program([*starts["plain"], "-I", "thread"], "pingpong.da", 2000)
    yield "original.spawn", program(starts["plain"], "spawn.da", options.original_processes)


def timed(command: list[str], limit_s: float) -> Measurement:
    """Times a whole command from outside."""
    return lambda: {"s": seconds(command, {}, limit_s)}


def start_up(options: argparse.Namespace, programs: Path) -> Iterator[tuple[str, Measurement]]:
    """From command to prompt, beside a Python that does nothing."""
    commands = {
        "start.python": [sys.executable, "-c", "pass"],
        "start.help": [*options.quorate, "--help"],
        "start.run": [*options.quorate, "run", str(programs / "small.da")],
    }
    for key, command in commands.items():
        yield key, timed(command, options.limit)


def chosen(options: argparse.Namespace, programs: Path, run: Run) -> list[tuple[str, Measurement]]:
    """Every measurement that the options allow; what they leave out is noted as missing."""
    measurements = [*echo(options), *start_up(options, programs), *ours(options, programs)]
    if options.original and options.python37:
        measurements += original(options, programs)
    else:
        run.missing["original"] = "skipped: give --original DIR and --python37 PATH to measure it"
    return measurements


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Runs everything; the whole run as plain data, ready for JSON."""
    run = Run()
    with tempfile.TemporaryDirectory() as folder:
        programs = Path(folder) / "programs"
        # The original leaves its caches beside the programs it runs: it gets copies.
        shutil.copytree(HERE / "programs", programs)
        run.repeat(chosen(options, programs, run), options.repetitions)
    counts = {
        "messages": options.messages,
        "processes": options.processes,
        "original_rounds": options.original_rounds,
        "original_messages": options.original_messages,
        "original_processes": options.original_processes,
    }
    return run.summary(options.repetitions, counts)


def parser() -> argparse.ArgumentParser:
    """The options; counts are for one repetition."""
    options = suite.parser("Measures what a message costs.")
    add = options.add_argument
    add("--messages", type=int, default=200_000)
    add("--processes", type=int, default=1000)
    add("--original-rounds", type=int, default=3000)
    add("--original-messages", type=int, default=20_000)
    add("--original-processes", type=int, default=50)
    return options


if __name__ == "__main__":
    sys.exit(suite.main("messages", parser().parse_args(), measured, COMPARISONS))

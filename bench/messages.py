"""What a message costs, measured in one run beside what it is compared with.

    python bench/messages.py [--original DIR --python37 PATH] [--json FILE] [--markdown]

Repetitions go round and round over all measurements, so that a slow minute of the machine falls
on all of them; every figure is the median. docs/performance.md describes the method.
Status 1 when something could not be measured that should have been, 0 otherwise.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import report
from measure import MeasureError, results, seconds

HERE = Path(__file__).resolve().parent

Measurement = Callable[[], dict[str, float]]


@dataclass
class Run:
    """All figures of one run: samples by key, why others are missing, and which of these failed."""

    samples: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    failed: bool = False

    def take(self, prefix: str, measurement: Measurement) -> None:
        """Adds one repetition; after a failure the measurement is not tried again."""
        if prefix in self.missing:
            return
        try:
            for key, value in measurement().items():
                self.samples.setdefault(f"{prefix}.{key}", []).append(value)
        except MeasureError as error:
            self.missing[prefix] = str(error)
            self.failed = True


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
    env = {"PYTHONPATH": str(options.original), "PYTHONDONTWRITEBYTECODE": "1"}
    python = str(options.python37)
    plain = [python, "-m", "da"]
    nodelay = [python, str(HERE / "nodelay.py"), "da"]

    def program(start: list[str], name: str, count: int) -> Measurement:
        command = [*start, str(programs / name), str(count)]
        return lambda: results(command, env, options.limit)

    for kind, start in (("plain", plain), ("nodelay", nodelay)):
        yield f"original.{kind}.round_trip", program(start, "pingpong.da", options.original_rounds)
        yield f"original.{kind}.one_way", program(start, "flood.da", options.original_messages)
    yield "original.threads", program([*plain, "-I", "thread"], "pingpong.da", 2000)
    yield "original.spawn", program(plain, "spawn.da", options.original_processes)


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


def machine() -> dict[str, str]:
    """What the figures depend on, as far as it can be read."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    versions = {"python": platform.python_version(), "system": platform.system()}
    for name in ("quorate", "uvloop", "msgspec"):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {"cpu": cpu, "cores": str(report.cores()), **versions}


def measured(options: argparse.Namespace) -> dict[str, object]:
    """Runs everything; the whole run as plain data, ready for JSON."""
    run = Run()
    with tempfile.TemporaryDirectory() as folder:
        programs = Path(folder) / "programs"
        # The original leaves its caches beside the programs it runs: it gets copies.
        shutil.copytree(HERE / "programs", programs)
        measurements = chosen(options, programs, run)
        for repetition in range(options.repetitions):
            for prefix, measurement in measurements:
                report.progress(repetition + 1, options.repetitions, prefix)
                run.take(prefix, measurement)
    report.progress_done()
    return {
        "machine": machine(),
        "repetitions": options.repetitions,
        "counts": {
            "messages": options.messages,
            "processes": options.processes,
            "original_rounds": options.original_rounds,
            "original_messages": options.original_messages,
            "original_processes": options.original_processes,
        },
        "median": {key: statistics.median(values) for key, values in run.samples.items()},
        "samples": run.samples,
        "missing": run.missing,
        "failed": run.failed,
    }


def console_script() -> list[str]:
    """The command `quorate` of this Python, or its twin `python -m quorate`."""
    script = Path(sys.executable).with_name("quorate")
    return [str(script)] if script.exists() else [sys.executable, "-m", "quorate"]


def parser() -> argparse.ArgumentParser:
    """The options; counts are for one repetition."""
    options = argparse.ArgumentParser(description="Measures what a message costs.")
    add = options.add_argument
    add("--quorate", type=str.split, default=console_script(), help="the command to measure")
    add("--original", type=Path, help="a checkout of the original DistAlgo")
    add("--python37", type=Path, help="a Python 3.7 to 3.9 to run the original with")
    add("--repetitions", type=int, default=5)
    add("--messages", type=int, default=200_000)
    add("--processes", type=int, default=1000)
    add("--original-rounds", type=int, default=3000)
    add("--original-messages", type=int, default=20_000)
    add("--original-processes", type=int, default=50)
    add("--limit", type=float, default=120.0, help="seconds that one command may take")
    add("--json", type=Path, metavar="FILE", help="write everything to FILE ('-': stdout)")
    add("--markdown", action="store_true", help="print the tables as Markdown")
    add("--from", dest="earlier", type=Path, metavar="FILE", help="measure nothing; read FILE")
    add("--fill", type=Path, metavar="PAGE", help="put the tables between the marks of PAGE")
    return options


def main() -> int:
    """Measures, or reads an earlier run, and shows it as asked."""
    options = parser().parse_args()
    if options.original:
        options.original = options.original.resolve()
    run = json.loads(options.earlier.read_text()) if options.earlier else measured(options)
    if options.json:
        text = json.dumps(run, indent=2) + "\n"
        if str(options.json) == "-":
            sys.stdout.write(text)
        else:
            options.json.write_text(text)
    if options.fill:
        page = options.fill.read_text()
        options.fill.write_text(report.fill(page, "messages", report.markdown(run)))
    if options.markdown:
        sys.stdout.write(report.markdown(run))
    elif str(options.json) != "-":
        report.show(run)
    return 1 if run["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())

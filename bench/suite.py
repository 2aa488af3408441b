"""One run of many measurements: repeated in turn, summed up as medians, and shown as asked.

Shared by the benchmarks that stand beside something else. Repetitions go round and round over all
measurements, so that a slow minute of the machine falls on all of them.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import report
from measure import MeasureError

HERE = Path(__file__).resolve().parent

Measurement = Callable[[], Mapping[str, float]]


@dataclass
class Run:
    """All figures of one run: samples by key, why others are missing, and whether one failed."""

    samples: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    failed: bool = False

    def take(self, prefix: str, measurement: Measurement) -> None:
        """Adds one repetition; after a second failure the measurement is not tried again."""
        failures = self.failures.get(prefix, 0)
        if failures == 2:
            return
        try:
            for key, value in measurement().items():
                self.samples.setdefault(f"{prefix}.{key}", []).append(value)
        except MeasureError as error:
            self.failures[prefix] = failures + 1
            self.missing[prefix] = f"{error} (in {failures + 1} of the repetitions)"
            self.failed = True

    def repeat(self, measurements: Sequence[tuple[str, Measurement]], repetitions: int) -> None:
        """All measurements in turn, as often as asked for."""
        for repetition in range(repetitions):
            for prefix, measurement in measurements:
                report.progress(repetition + 1, repetitions, prefix)
                self.take(prefix, measurement)
        report.progress_done()

    def summary(self, repetitions: int, counts: Mapping[str, int]) -> dict[str, Any]:
        """The whole run as plain data, ready for JSON."""
        return {
            "machine": machine(),
            "repetitions": repetitions,
            "counts": counts,
            "median": {key: statistics.median(values) for key, values in self.samples.items()},
            "samples": self.samples,
            "missing": self.missing,
            "failed": self.failed,
        }


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


def console_script() -> list[str]:
    """The command `quorate` of this Python, or its twin `python -m quorate`."""
    script = Path(sys.executable).with_name("quorate")
    return [str(script)] if script.exists() else [sys.executable, "-m", "quorate"]


def original_env(options: argparse.Namespace) -> dict[str, str]:
    """What the original needs to be found, and to leave its checkout as it is."""
    return {"PYTHONPATH": str(options.original), "PYTHONDONTWRITEBYTECODE": "1"}


def original_commands(options: argparse.Namespace) -> dict[str, list[str]]:
    """How the original is started: as it is, and with TCP_NODELAY set."""
    python = str(options.python37)
    return {
        "plain": [python, "-m", "da"],
        "nodelay": [python, str(HERE / "nodelay.py"), "da"],
    }


def parser(description: str) -> argparse.ArgumentParser:
    """The options that every suite has."""
    options = argparse.ArgumentParser(description=description)
    add = options.add_argument
    add("--quorate", type=str.split, default=console_script(), help="the command to measure")
    add("--original", type=Path, help="a checkout of the original DistAlgo")
    add("--python37", type=Path, help="a Python 3.7 to 3.9 to run the original with")
    add("--repetitions", type=int, default=5)
    add("--limit", type=float, default=120.0, help="seconds that one command may take")
    add("--json", type=Path, metavar="FILE", help="write everything to FILE ('-': stdout)")
    add("--markdown", action="store_true", help="print the tables as Markdown")
    add("--from", dest="earlier", type=Path, metavar="FILE", help="measure nothing; read FILE")
    add("--fill", type=Path, metavar="PAGE", help="put the tables between the marks of PAGE")
    return options


def main(
    name: str,
    options: argparse.Namespace,
    measured: Callable[[argparse.Namespace], dict[str, Any]],
    comparisons: Sequence[report.Comparison],
) -> int:
    """Measures, or reads an earlier run, and shows it as asked: the status of `bench/{name}.py`."""
    if options.original:
        options.original = options.original.resolve()
    run = json.loads(options.earlier.read_text()) if options.earlier else measured(options)
    if options.json:
        text = json.dumps(run, indent=2) + "\n"
        if str(options.json) == "-":
            sys.stdout.write(text)
        else:
            options.json.write_text(text)
    markdown = report.markdown(run, comparisons)
    report.fill_page(options.fill, name, markdown)
    if options.markdown:
        sys.stdout.write(markdown)
    elif str(options.json) != "-":
        report.show(run, comparisons)
    return 1 if run["failed"] else 0

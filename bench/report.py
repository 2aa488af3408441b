"""The tables of a run beside what it is compared with: on a terminal, as Markdown, inside a page.

A table is a list of rows made from the medians of the run by `rows`; a figure that is missing
shows as a dash, and why it is missing is said below the table. Nothing is rounded before a ratio.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HEADINGS = ("measured", "figure", "beside", "its figure", "ratio", "goal", "")


@dataclass(frozen=True)
class Comparison:
    """One row: a figure (a key of the medians), what it stands beside, and the goal.

    The ratio is ours/theirs for rates and for times alike, unless `inverse`: theirs/ours.
    `goal` bounds the figure itself, or the ratio when `of_ratio`; `at_least` says which side.
    """

    title: str
    key: str
    unit: str
    beside: str = ""
    beside_key: str = ""
    inverse: bool = False
    goal: float | None = None
    of_ratio: bool = False
    at_least: bool = True


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def progress(repetition: int, repetitions: int, name: str) -> None:
    """One line on a terminal that says what runs now; nothing elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{repetition}/{repetitions} {name}")
        sys.stderr.flush()


def progress_done() -> None:
    """Wipes the line of `progress`."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")


def figure(samples: Sequence[float], unit: str) -> str:
    """The median with its unit, and the range it was found in."""
    if not samples:
        return "-"
    digits = ".3f" if unit == "s" else ",.0f"
    middle, least, most = statistics.median(samples), min(samples), max(samples)
    if len(samples) == 1:
        return f"{middle:{digits}} {unit}"
    return f"{middle:{digits}} {unit} ({least:{digits}} to {most:{digits}})"


def judged(comparison: Comparison, value: float | None, ratio: float | None) -> tuple[str, str]:
    """The goal as text, and whether it is met: "yes", "no", or nothing when it cannot be said."""
    goal = comparison.goal
    if goal is None:
        return "", ""
    sign = "at least" if comparison.at_least else "at most"
    amount = f"{goal:g} times" if comparison.of_ratio else f"{goal:,g} {comparison.unit}"
    judged_value = ratio if comparison.of_ratio else value
    if judged_value is None:
        return f"{sign} {amount}", ""
    met = judged_value >= goal if comparison.at_least else judged_value <= goal
    return f"{sign} {amount}", "yes" if met else "no"


def rows(run: Mapping[str, Any], comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """One tuple of text for each comparison, in the order of HEADINGS."""
    found: list[tuple[str, ...]] = []
    median, samples = run["median"], run["samples"]
    for comparison in comparisons:
        value = median.get(comparison.key)
        other = median.get(comparison.beside_key)
        ratio = None
        if value and other:
            ratio = other / value if comparison.inverse else value / other
        goal, met = judged(comparison, value, ratio)
        found.append(
            (
                comparison.title.format(**run["counts"]),
                figure(samples.get(comparison.key, ()), comparison.unit),
                comparison.beside.format(**run["counts"]),
                figure(samples.get(comparison.beside_key, ()), comparison.unit),
                "-" if ratio is None else f"{ratio:.2f}",
                goal,
                met,
            )
        )
    return found


def footing(run: Mapping[str, Any]) -> list[str]:
    """The lines below the table: the machine, how often, and what is missing and why."""
    facts = ", ".join(f"{key} {value}" for key, value in run["machine"].items())
    lines = [f"Medians (least to most) of {run['repetitions']} repetitions. {facts}."]
    lines += [f"Not measured: {name}: {why}" for name, why in run["missing"].items()]
    return lines


def show(run: Mapping[str, Any], comparisons: Sequence[Comparison]) -> None:
    """The table on the terminal."""
    console = Console(width=None if sys.stdout.isatty() else 180)
    table = Table(*HEADINGS)
    for row in rows(run, comparisons):
        table.add_row(*row)
    console.print(table)
    for line in footing(run):
        console.print(line, markup=False, highlight=False)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as Markdown."""
    first, *others = ["| " + " | ".join(cells) + " |\n" for cells in (headings, *rows)]
    return "".join([first, "|" + " --- |" * len(headings) + "\n", *others])


def markdown(run: Mapping[str, Any], comparisons: Sequence[Comparison]) -> str:
    """The table of a run and its footing as Markdown."""
    return table(HEADINGS, rows(run, comparisons)) + "\n" + "  \n".join(footing(run)) + "\n"


def fill(page: str, name: str, text: str) -> str:
    """The page with `text` between the marks called `name`. Raises ValueError without them."""
    begin, end = f"<!-- {name}: filled by bench/{name}.py --fill -->", f"<!-- {name}: end -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page has no place for the table: {begin} ... {end}")
    return f"{before}{begin}\n\n{text}\n{end}{after}"


def fill_page(page: Path | None, name: str, text: str) -> None:
    """Put `text` into a page, where one is given."""
    if page is not None:
        page.write_text(fill(page.read_text(), name, text))

"""The table of `quorate run --stats`: what each process used, and where it waited."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from quorate.cli.settings import wants_colour

if TYPE_CHECKING:
    from quorate.worlds.real.program import Row


def show(rows: list[Row]) -> None:
    """Print the table on stderr: main first, then the processes by name and number."""
    table = Table(box=None, pad_edge=False)
    for title in ("process", "CPU s", "in", "out", "waited s", "for"):
        table.add_column(title, justify="left" if title in ("process", "for") else "right")
    for process, cpu, taken, sent, waits in sorted(rows, key=_place):
        first, *rest = waits or [("", 0.0)]
        cells = (process, f"{cpu:.3f}", f"{taken:,}", f"{sent:,}")
        table.add_row(*cells, f"{first[1]:.3f}" if first[0] else "", first[0])
        for place, seconds in rest:
            table.add_row("", "", "", "", f"{seconds:.3f}", place)
    width = None if sys.stderr.isatty() else 160
    console = Console(stderr=True, width=width, no_color=not wants_colour(2), highlight=False)
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip(), err=True)


def _place(row: Row) -> tuple[bool, list[str | int]]:
    """Where a process stands in the table: `P-10` comes after `P-9`."""
    parts = re.split(r"(\d+)", row[0])
    return row[0] != "main", [int(part) if part.isdecimal() else part for part in parts]

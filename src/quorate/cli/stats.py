"""The tables of `quorate run --stats`: what each process used, and where it waited; other nodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from quorate.cli import tables

if TYPE_CHECKING:
    from quorate.worlds.real.program import NodeRow, Row


def show(rows: list[Row]) -> None:
    """Print the table on stderr: main first, then the processes by name and number."""
    numbers = ("CPU s", "in", "out", "waited s")
    table = tables.table_of("process", *numbers, "for", right=numbers)
    for process, cpu, taken, sent, waits in sorted(rows, key=_place):
        first, *rest = waits or [("", 0.0)]
        cells = (process, f"{cpu:.3f}", f"{taken:,}", f"{sent:,}")
        table.add_row(*cells, f"{first[1]:.3f}" if first[0] else "", first[0])
        for place, seconds in rest:
            table.add_row("", "", "", "", f"{seconds:.3f}", place)
    tables.show(table, err=True)


def show_nodes(rows: list[NodeRow]) -> None:
    """Print how much went to other nodes and came from them, and what waits for them."""
    numbers = ("in", "out", "bytes waiting", "round trip ms", "refused")
    table = tables.table_of("node", *numbers, right=numbers)
    for node, taken, sent, waiting, seconds, refused in rows:
        trip = "" if seconds is None else f"{seconds * 1000:.2f}"
        table.add_row(node, f"{taken:,}", f"{sent:,}", f"{waiting:,}", trip, f"{refused:,}")
    tables.show(table, err=True)


def _place(row: Row) -> tuple[bool, list[str | int]]:
    """Where a process stands in the table: `P-10` comes after `P-9`."""
    parts = re.split(r"(\d+)", row[0])
    return row[0].partition("@")[0] != "main", [
        int(part) if part.isdecimal() else part for part in parts
    ]

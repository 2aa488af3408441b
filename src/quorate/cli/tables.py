"""Tables on a terminal or in a pipe.

Invariant: what stands in a cell is shown as it is, and lines have no spaces at their ends.
"""

import sys

import click
from rich.console import Console
from rich.table import Table

from quorate.cli.settings import wants_colour


def table_of(*titles: str, right: tuple[str, ...] = ()) -> Table:
    """A table without lines; the columns named in `right` are of numbers."""
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="right" if title in right else "left")
    return table


def show(table: Table, *, err: bool = False, width: int = 160) -> None:
    """Print a table on stdout or stderr; `width` is that of what is no terminal."""
    console = Console(
        stderr=err,
        width=None if (sys.stderr if err else sys.stdout).isatty() else width,
        no_color=not wants_colour(2 if err else 1),
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        click.echo(line.rstrip(), err=err)

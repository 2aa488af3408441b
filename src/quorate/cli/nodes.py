"""`quorate nodes`: the nodes of this user that run on this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from quorate.worlds.real.directory import Entry


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a list of JSON objects.")
def nodes(as_json: bool) -> None:
    """List the nodes that run on this machine.

    They are those of this user that have a name (`quorate run -n NAME`). Nodes whose last column
    is the same run the same program.
    """
    from quorate.cli.nodes_options import Refused
    from quorate.core.errors import ProgramError
    from quorate.worlds.real.directory import Directory

    directory = Directory()
    try:
        found = directory.entries()
    except ProgramError as error:
        raise Refused(error) from None
    if as_json:
        click.echo(json.dumps([_data(entry) for entry in found], indent=2))
    elif found:
        _show(found)
    else:
        click.echo("quorate: no node of yours runs on this machine", err=True)
    for refused in directory.refused:
        click.echo(f"quorate: not believed: {refused}", err=True)


def _show(found: list[Entry]) -> None:
    from quorate.cli import tables
    from quorate.lang.snippet import printable

    table = tables.table_of(
        "node", "address", "process", "program", "main", "hash", right=("process",)
    )
    for each in found:
        program = printable(each.program)
        main = "idle" if each.idle else "runs"
        cells = (str(each.address), str(each.pid), program, main, each.fingerprint)
        table.add_row(each.name, *cells)
    tables.show(table, width=1000)


def _data(entry: Entry) -> dict[str, object]:
    import msgspec

    data: dict[str, object] = msgspec.to_builtins(entry)
    return data

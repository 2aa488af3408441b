"""`quorate plan FILE`: each query of a program, the views that answer it, and what they cost."""

import json

import click

from quorate.cli.status import Status


@click.command()
@click.argument("file", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, one object a query.")
@click.option("--strict", is_flag=True, help="Exit with 1 if a cost grows with the history.")
def plan(file: str, as_json: bool, strict: bool) -> Status:
    """Show how each query is answered, and at what cost.

    A message costs O(1) for each view that it is kept in, O(log n) where rows are sorted. What
    follows a view is the cost of an evaluation; where that is more than O(1) or O(log n), a line
    says why, and how to write the query otherwise.
    """
    from quorate.compiler.passes import plan_of

    found = plan_of(file)
    if as_json:
        click.echo(json.dumps(found.as_data(), indent=2, ensure_ascii=False))
    else:
        click.echo(str(found), nl=False)
    return Status.FAILED if strict and found.growing() else Status.DONE

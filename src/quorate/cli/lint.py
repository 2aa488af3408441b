"""`quorate lint FILE`: likely mistakes in programs, and errors if they do not compile."""

import json
import os

import click

from quorate.cli.settings import wants_colour
from quorate.cli.status import Status
from quorate.lang.diagnostics import Diagnostic, QuorateSyntaxError, render, to_json


@click.command()
@click.argument("files", type=click.Path(), nargs=-1, required=True, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, one object for each.")
def lint(files: tuple[str, ...], as_json: bool) -> Status:
    """Look for likely mistakes in programs.

    Exit status: 0 nothing found, 1 warnings, 2 a program does not compile.
    """
    found = list({_place(each): each for file in files for each in _found_in(file)}.values())
    if as_json:
        click.echo(json.dumps(to_json(found), indent=2, ensure_ascii=False))
    elif found:
        click.echo(render(found, colour=wants_colour(1)), color=True)
    if any(each.severity == "error" for each in found):
        return Status.MISUSED
    return Status.FAILED if found else Status.DONE


def _place(found: Diagnostic) -> tuple[str, str, object]:
    """What is the same of two: a module is looked at again with each program that imports it."""
    return os.path.abspath(found.source.path), found.code, found.span


def _found_in(file: str) -> list[Diagnostic]:
    from quorate.compiler.passes import lint_file

    try:
        return lint_file(file)
    except QuorateSyntaxError as error:
        return list(error.diagnostics)

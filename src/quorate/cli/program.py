"""The program that a command is given: how the command line names it, and loading it.

Invariant: options of the command stand before the program, and whatever follows is the program's.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Collection, Mapping
from types import ModuleType
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from quorate.lang.faults import as_times

module_option = click.option(
    "-m", "module", metavar="MODULE", help="Run a module, found as `import` finds it."
)
program_argument = click.argument(
    "args",
    nargs=-1,
    type=click.UNPROCESSED,
    metavar="FILE [ARGS]...",
    shell_complete=lambda _context, _parameter, begun: [CompletionItem(begun, type="file")],
)


def program_command(function: Callable[..., Any]) -> click.Command:
    """Make a command of a function that runs programs."""
    make = click.command(  # anew each time: it keeps what it has read off the function
        context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
        options_metavar="[OPTIONS]",
    )
    return make(function)


class Number(click.IntRange):
    """A whole number in a range, called so in messages."""

    name = "whole number"


def program_of(module: str | None, args: tuple[str, ...]) -> tuple[str, str | None, list[str]]:
    """The path of the program, its name in a package, and its own arguments."""
    if module is not None:
        from quorate.compiler.modules import find_program, seen_from_here

        found = find_program(module, os.getcwd())
        if found is None:
            raise click.UsageError(_no_module(module))
        path, name = found
        inside = "." in name or path.endswith("__init__.da")
        return seen_from_here(path), name if inside else None, list(args)
    if not args:
        raise click.UsageError("Missing argument 'FILE'.")
    return args[0], None, list(args[1:])


def words_given(context: click.Context, leaving: Collection[str]) -> list[str]:
    """The options that the command line has, but for those that are left out."""
    words: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not given or name in leaving:
            continue
        value = context.params[name]
        flag = max(parameter.opts, key=len)
        if value is True:
            words.append(flag)
        else:
            values = value if isinstance(value, tuple) else (value,)
            told = [as_times(each) if isinstance(each, Mapping) else str(each) for each in values]
            words += [word for each in told for word in (flag, each)]
    return words


def _no_module(name: str) -> str:
    if name.endswith(".da"):
        return f"-m takes the name of a module: quorate run {name}"
    return f"There is no module '{name}': no {name.replace('.', '/')}.da is found."


def load_program(
    path: str,
    name: str | None,
    arguments: list[str],
    seed: int,
    *,
    cache: bool,
    views: bool,
    marks: bool = False,
    properties: bool = False,
    branching: bool = False,
) -> ModuleType:
    """The program, loaded with what its statements are to find; raises ProgramFailed for them."""
    from quorate.compiler.loader import load
    from quorate.core.ambient import seed_modules

    seed_modules(seed)
    sys.argv = [path, *arguments]
    try:
        module = load(
            path,
            name,
            cache=cache,
            views=views,
            marks=marks,
            properties=properties,
            branching=branching,
        )
        _warn_of_options(module, path, arguments)
        return module
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        from quorate.cli.failure import ProgramFailed, is_the_programs

        if is_the_programs(error):
            raise ProgramFailed(path) from error
        raise


_READS_ARGUMENTS = re.compile(r"\b(argv|argparse|optparse|getopt|click|typer|docopt)\b")


def _warn_of_options(module: ModuleType, path: str, arguments: list[str]) -> None:
    """Say so where options of the command stand after a program that reads no arguments."""
    context = click.get_current_context(silent=True)
    if context is None or "args" not in context.params:
        return
    ours = {word for each in context.command.params for word in each.opts if word[0] == "-"}
    first = next((n for n, word in enumerate(arguments) if word.partition("=")[0] in ours), None)
    if first is None:
        return
    from quorate.compiler.loader import parts_of

    for part in parts_of(module).values():
        with contextlib.suppress(OSError), open(str(part.__file__), "rb") as file:
            if _READS_ARGUMENTS.search(file.read().decode(errors="replace")):
                return
    before = words_given(context, ("args",)) + arguments[first:]
    named = [path] if context.params.get("module") is None else []
    command = shlex.join(["quorate", context.info_name or "", *before, *named, *arguments[:first]])
    what = f"warning: `{arguments[first]}` stands after the program, which reads no arguments"
    click.echo(f"{what}\n  = help: options stand before it: {command}", err=True)


def told_as_json(error: SyntaxError) -> bool:
    """Print the errors of a program that does not compile; whether it was that."""
    from quorate.lang.diagnostics import QuorateSyntaxError, to_json

    if not isinstance(error, QuorateSyntaxError):
        return False
    click.echo(json.dumps(to_json(error.diagnostics), indent=2, ensure_ascii=False))
    return True

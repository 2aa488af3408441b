"""`quorate explore FILE`: walk through all that a program may do, in the browser."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import click

from quorate.cli.bounds import bounded, bounds_of, how_of, load_branching, refused
from quorate.cli.program import (
    Number,
    module_option,
    program_argument,
    program_command,
    program_of,
)
from quorate.cli.settings import Settings
from quorate.cli.simulate import with_fixed_hashes
from quorate.cli.status import Status
from quorate.core.errors import ProgramError


@program_command
@module_option
@bounded
@click.option(
    "--port", type=Number(0, 65535), default=0, metavar="N", help="Where to listen: a free one."
)
@click.option("--no-browser", is_flag=True, help="Open no browser: print the address alone.")
@click.option("--no-cache", is_flag=True, help="Compile anew.")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks of faults of Quorate itself.")
@program_argument
@click.pass_obj
def explore(
    settings: Settings,
    /,
    args: tuple[str, ...],
    module: str | None,
    port: int,
    no_browser: bool,
    no_cache: bool,
    verbose: bool,
    **options: Any,
) -> int:
    """Walk through all that a program may do, in the browser.

    Options stand before FILE, and what follows it is for the program. The page that opens shows a
    state, what may happen next, and how it came about; it finds a state by an expression, and a
    violation as `quorate check` does with the same options. Only this machine is served, and only
    who knows the address that is printed. Ctrl-C ends it.

    Exit status: 0 it was ended by Ctrl-C; 2 wrong usage, or it does not compile.
    """
    settings.verbose = settings.verbose or verbose
    with_fixed_hashes(settings)
    path, name, arguments = program_of(module, args)
    from quorate import __version__
    from quorate.web.answers import Exploration
    from quorate.web.server import Server
    from quorate.worlds.base import surroundings
    from quorate.worlds.check.retelling import Program

    try:
        with surroundings(0):
            loaded = load_branching(path, name, arguments, cache=not no_cache)
            bounds, notes = bounds_of(loaded, options)
        program = Program(path, tuple(arguments), name, __version__)
        server = Server(Exploration(loaded, program, bounds, how_of(options)), port)
    except ProgramError as error:
        return refused(error)
    for line in (*notes, f"Exploring {' '.join([path, *arguments])}: {server.url}"):
        click.echo(line)
    click.echo("Ctrl-C ends it.")
    sys.stdout.flush()
    if not no_browser and has_screen():
        import webbrowser

        webbrowser.open(server.url)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, server.interrupt)
    server.serve()
    return Status.DONE


def has_screen() -> bool:
    """Whether a browser would open beside the terminal, not in it."""
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )

"""`quorate replay FILE`: have a recorded run happen again, and say where it goes another way."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from quorate.cli.program import load_program, program_of
from quorate.cli.settings import Settings
from quorate.cli.simulate import collect_seldom, interruptible, with_fixed_hashes
from quorate.cli.status import Status

if TYPE_CHECKING:
    from quorate.trace import Trace, TraceError
    from quorate.worlds.sim.recording import Otherwise
    from quorate.worlds.sim.seeds import Result


@click.command()
@click.argument("file", type=click.Path())
@click.option("--loose", is_flag=True, help="Go on where the run goes another way.")
@click.option("--no-cache", is_flag=True, help="Compile anew.")
@click.option("-v", "--verbose", is_flag=True, help="Show debug output.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but differences and failures.")
@click.pass_context
def replay(
    context: click.Context, file: str, loose: bool, no_cache: bool, verbose: bool, quiet: bool
) -> Status:
    """Have a recorded run happen again, step by step.

    FILE is what `quorate simulate --trace FILE` has written. All that chance decided in that run
    is taken from it. Where the program now does otherwise, the replay stops and says where.

    Exit status: 0 the run was the same, and no failure; 1 it was not, or it was a failure; 2 wrong
    usage, a file that is no trace, or a program that does not compile; 130 interrupted.
    """
    settings = context.find_object(Settings) or Settings()
    with_fixed_hashes(settings)
    collect_seldom(settings)
    from quorate.trace.telling import is_checked

    trace = read_trace(file)
    begin = trace.begin
    if is_checked(begin):
        message = f"{file} tells what `quorate check` has found, which no seed repeats"
        raise click.UsageError(f"{message}: quorate trace {file} --to text tells it")
    if begin.module is None and not os.path.exists(begin.program):
        message = f"the program of {file} is not there: {begin.program}"
        raise click.UsageError(f"{message}\nReplay it in the directory that it was run in.")
    words = (*([begin.program] if begin.module is None else []), *begin.arguments)
    path, name, arguments = program_of(begin.module, words)
    with interruptible():
        module = load_program(
            *(path, name, arguments, begin.seed),
            cache=not no_cache,
            views=True,
            properties=True,
            marks=True,
        )
        from quorate.trace import TraceError
        from quorate.worlds.sim.recording import Otherwise
        from quorate.worlds.sim.replay import replay as again

        try:
            result = again(trace, module, (lambda _event: None) if loose else None)
        except Otherwise as otherwise:
            _tell_difference(file, otherwise)
            return Status.FAILED
        except TraceError as error:
            raise Unreadable(file, error) from None
    return _tell(trace, result, 10 if verbose else 20, loose=loose, quiet=quiet)


def _tell(trace: Trace, result: Result, level: int, *, loose: bool, quiet: bool) -> Status:
    for output in result.outputs:
        if output.level >= level and not quiet:
            click.echo(f"[{output.time:.6f}] {output.process}: {output.text}")
    if result.failed:
        click.echo(result.text, err=True)
    if not quiet and not loose:
        count = len(trace.events) + 1
        how = "failed as before" if result.failed else "no failure"
        click.echo(f"quorate: {count:,} events, all as before; {how}", err=True)
    return Status.FAILED if result.failed else Status.DONE


def _tell_difference(file: str, otherwise: Otherwise) -> None:
    from quorate.trace.telling import told

    place = click.format_filename(file)
    expected = "the trace is at its end" if otherwise.expected is None else told(otherwise.expected)
    click.echo("error[Q404]: the run goes another way than its trace", err=True)
    click.echo(f" --> {place}:{otherwise.line}", err=True)
    click.echo(f"  before: {expected}\n     now: {told(otherwise.found)}", err=True)
    help = "if the program is meant to do otherwise, --loose has it go on, with the same choices"
    click.echo(f"  = help: {help}", err=True)


class Unreadable(click.ClickException):
    """A trace that cannot be read; shown as the errors of programs are."""

    def __init__(self, file: str, error: TraceError) -> None:
        super().__init__(str(error))
        self.file = file
        self.error = error

    def show(self, file: object = None) -> None:
        line = "" if self.error.line is None else f":{self.error.line}"
        click.echo(f"error[{self.error.code}]: {self.error.message}", err=True)
        click.echo(f" --> {click.format_filename(self.file)}{line}", err=True)
        click.echo(f"  = help: {self.error.help}", err=True)


def read_trace(file: str) -> Trace:
    """The trace in a file, or what is wrong with it."""
    from quorate.trace import TraceError, read_file

    try:
        return read_file(file)
    except TraceError as error:
        raise Unreadable(file, error) from None

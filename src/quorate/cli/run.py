"""`quorate run FILE`: run a program on the cores of this machine."""

from __future__ import annotations

import json
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from quorate.cli.settings import Settings
from quorate.cli.status import Status

if TYPE_CHECKING:
    from quorate.worlds.real.program import Options, Outcome


class Number(click.IntRange):
    """A whole number in a range, called so in messages."""

    name = "whole number"


@click.command(
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    options_metavar="[OPTIONS]",
)
@click.option("-m", "module", metavar="MODULE", help="Run a module, found as `import` finds it.")
@click.option(
    "--workers",
    type=Number(1, 4096),
    metavar="N",
    help="Spread the processes over N processes of the system; by default, over as many as cores "
    "once there is enough to do.",
)
@click.option("--isolate", is_flag=True, help="Give each process a process of the system.")
@click.option(
    "--seed",
    type=Number(0),
    metavar="N",
    help="Begin all random numbers of the run with N; the closing line says which N it was.",
)
@click.option(
    "--on-error",
    type=click.Choice(["stop", "continue"]),
    default="stop",
    show_default=True,
    help="When a process fails: end the run, or let the others go on.",
)
@click.option("--stats", is_flag=True, help="Show what each process did, and waited for.")
@click.option(
    "--log",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write what is printed to a file too: debug output, errors and the closing line included.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Of the log; of the output, where there is no log. JSON: an object on each line.",
)
@click.option("--no-cache", is_flag=True, help="Compile anew.")
@click.option("--no-views", is_flag=True, help="Answer every query from the whole history.")
@click.option("--json", "as_json", is_flag=True, help="Print compile errors as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show debug output and warnings.")
@click.option("-q", "--quiet", is_flag=True, help="No closing line.")
@click.argument(
    "args",
    nargs=-1,
    type=click.UNPROCESSED,
    metavar="FILE [ARGS]...",
    shell_complete=lambda _context, _parameter, begun: [CompletionItem(begun, type="file")],
)
@click.pass_obj
def run(
    settings: Settings,
    /,
    args: tuple[str, ...],
    module: str | None,
    as_json: bool,
    no_cache: bool,
    no_views: bool,
    quiet: bool,
    verbose: bool,
    **options: Any,
) -> int:
    """Run a program on the cores of this machine.

    Options stand before FILE: what follows it, or -m MODULE, is for the program (its `sys.argv`).
    Ctrl-C ends a run; SIGQUIT (Ctrl-Backslash) shows where each process waits, and for what.

    Exit status: 0 the program is done, or its first exit code that is not 0; 1 it failed; 2 it
    does not compile; 130 interrupted.
    """
    settings.verbose = settings.verbose or verbose
    path, name, arguments = program_of(module, args)
    how = _options(verbose, **options)
    try:
        loaded = load_program(
            path, name, arguments, how.seed, cache=not no_cache, views=not no_views
        )
    except SyntaxError as error:
        if as_json and told_as_json(error):
            return Status.MISUSED
        raise
    outcome = _run(loaded, path, how)
    if outcome.stats:
        from quorate.cli.stats import show

        show(outcome.stats)
    if verbose and outcome.unstarted:
        click.echo(f"quorate: never started: {', '.join(outcome.unstarted)}", err=True)
    if not (quiet or outcome.closed):
        click.echo(_closing(outcome), err=True)
    return Status.PIPE_CLOSED if outcome.closed else outcome.status


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


def _no_module(name: str) -> str:
    if name.endswith(".da"):
        return f"-m takes the name of a module: quorate run {name}"
    return f"There is no module '{name}': no {name.replace('.', '/')}.da is found."


def _options(
    verbose: bool,
    *,
    workers: int | None,
    isolate: bool,
    seed: int | None,
    on_error: str,
    stats: bool,
    log: str | None,
    log_format: str,
) -> Options:
    from quorate.worlds.real.program import Growth, Options, cores

    return Options(
        workers=workers or cores(),
        seed=int.from_bytes(os.urandom(4)) if seed is None else seed,
        isolate=isolate,
        growth=None if workers or isolate or cores() == 1 else Growth(),
        stop_on_error=on_error == "stop",
        level=10 if verbose else 20,
        log=log,
        log_format=log_format,
        stats=stats,
    )


def load_program(
    path: str,
    name: str | None,
    arguments: list[str],
    seed: int,
    *,
    cache: bool,
    views: bool,
    marks: bool = False,
) -> ModuleType:
    """The program, loaded with what its statements are to find; raises ProgramFailed for them."""
    from quorate.compiler.loader import load
    from quorate.core.ambient import seed_modules

    seed_modules(seed)
    sys.argv = [path, *arguments]
    try:
        return load(path, name, cache=cache, views=views, marks=marks)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        from quorate.cli.failure import ProgramFailed, is_the_programs

        if is_the_programs(error):
            raise ProgramFailed(path) from error
        raise


def told_as_json(error: SyntaxError) -> bool:
    """Print the errors of a program that does not compile; whether it was that."""
    from quorate.lang.diagnostics import QuorateSyntaxError, to_json

    if not isinstance(error, QuorateSyntaxError):
        return False
    click.echo(json.dumps(to_json(error.diagnostics), indent=2, ensure_ascii=False))
    return True


def _run(module: ModuleType, path: str, options: Options) -> Outcome:
    from quorate.compiler.loader import folder_of, main_of
    from quorate.worlds.base import config_of
    from quorate.worlds.real.node import run as run_node
    from quorate.worlds.real.program import Program, own_modules

    main = main_of(module, path)
    folder = folder_of(os.path.abspath(path), module.__name__)
    program = Program(main, own_modules(folder), config_of(module))
    if options.log is not None and _is_program(options.log, path):
        raise click.UsageError(f"--log would overwrite the program {options.log}")
    if "PYTHONBREAKPOINT" not in os.environ:
        sys.breakpointhook = _breakpoint
    if sys.stdout is not None:
        sys.stdout.flush()  # what the module's statements have printed, before workers inherit it
    try:
        return run_node(program, options, _tell, _closing)
    except OSError as error:
        if options.log is not None and error.filename == options.log:
            raise click.UsageError(f"cannot write {options.log}: {error.strerror}") from None
        raise


def _breakpoint(*_: object, **__: object) -> None:
    from quorate.cli.debug import stop

    stop(sys._getframe(1))


def _is_program(log: str, path: str) -> bool:
    return log.endswith(".da") or (os.path.exists(log) and os.path.samefile(log, path))


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _closing(outcome: Outcome) -> str:
    """What is said last: what it was, and the seed that repeats it."""
    how = "interrupted: " if outcome.interrupted else ""
    processes = f"{outcome.processes:,} process{'es' * (outcome.processes != 1)}"
    messages = f"{outcome.messages:,} message{'s' * (outcome.messages != 1)}, "
    if outcome.interrupted:
        messages = ""
    return f"quorate: {how}{processes}, {messages}{outcome.seconds:.2f} s, seed {outcome.seed}"

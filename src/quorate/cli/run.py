"""`quorate run FILE`: run a program on the cores of this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from quorate.cli.launched import others_of, with_launch_options, with_others
from quorate.cli.nodes_options import as_node, membership_of, with_node_options
from quorate.cli.program import (
    Number,
    load_program,
    module_option,
    program_argument,
    program_command,
    program_of,
    told_as_json,
)
from quorate.cli.settings import Settings
from quorate.cli.status import Status
from quorate.cli.written import check_overwritable

if TYPE_CHECKING:
    from quorate.worlds.real.membership import Membership
    from quorate.worlds.real.program import Options, Outcome

_ALL_TOGETHER = "--check-properties speaks of all processes together, so it needs them"


@program_command
@module_option
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
@click.option(
    "--check-properties",
    is_flag=True,
    help="Check what the program says by @always and its kin after each step, in one worker.",
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
@click.option(
    "--history",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the operations of clients to a file, for `quorate consistency`.",
)
@with_node_options
@with_launch_options
@click.option("--no-cache", is_flag=True, help="Compile anew.")
@click.option("--no-views", is_flag=True, help="Answer every query from the whole history.")
@click.option("--json", "as_json", is_flag=True, help="Print compile errors as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show debug output and warnings.")
@click.option("-q", "--quiet", is_flag=True, help="No closing line.")
@program_argument
@click.pass_obj
def run(
    settings: Settings,
    /,
    args: tuple[str, ...],
    module: str | None,
    as_json: bool,
    no_cache: bool,
    no_views: bool,
    check_properties: bool,
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
    others = others_of(options)
    membership = membership_of(options)
    if check_properties:
        options["workers"] = _one_worker(options["workers"], isolate=options["isolate"])
        if membership is not None:
            raise click.UsageError(f"{_ALL_TOGETHER} on one node: leave -n out")
    how = _options(verbose, membership, **options)
    try:
        loaded = load_program(
            *(path, name, arguments, how.seed),
            cache=not no_cache,
            views=not no_views,
            properties=check_properties,
        )
    except SyntaxError as error:
        if as_json and told_as_json(error):
            return Status.MISUSED
        raise
    with (
        with_others(how, others, loaded, path, arguments, quiet=quiet) as how,
        as_node(how, loaded, path, _ignore if quiet else _tell) as how,
    ):
        outcome = _run(loaded, path, how)
    if outcome.stats or outcome.nodes:
        from quorate.cli.stats import show, show_nodes

        show(outcome.stats)
        if outcome.nodes:
            show_nodes(outcome.nodes)
    if verbose and outcome.unstarted:
        click.echo(f"quorate: never started: {', '.join(outcome.unstarted)}", err=True)
    if not (quiet or outcome.closed):
        for note in _notes(loaded, outcome) if check_properties else ():
            click.echo(f"quorate: note: {note}", err=True)
        click.echo(_closing(outcome), err=True)
    return Status.PIPE_CLOSED if outcome.closed else outcome.status


def _notes(module: ModuleType, outcome: Outcome) -> Iterator[str]:
    """What is to be said of properties where none is violated."""
    from quorate.worlds.base import properties_of

    if not properties_of(module):
        yield "the program says nothing by @always, @sometimes, @eventually or @leads_to"
    if not outcome.status:
        yield from (f"`{name}` did not hold in this run" for name in outcome.unreached)


def _one_worker(workers: int | None, *, isolate: bool) -> int:
    """How many workers there are where properties are checked. Raises click.UsageError."""
    if isolate or workers not in (None, 1):
        option = "--isolate" if isolate else f"--workers {workers}"
        raise click.UsageError(f"{_ALL_TOGETHER} in one worker: leave {option} out")
    return 1


def _options(
    verbose: bool,
    membership: Membership | None,
    *,
    workers: int | None,
    isolate: bool,
    seed: int | None,
    on_error: str,
    stats: bool,
    log: str | None,
    log_format: str,
    history: str | None,
    unsent_max: int,
    queue_max: int,
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
        history=history,
        stats=stats,
        membership=membership,
        unsent_max=unsent_max,
        queue_max=queue_max,
    )


def _run(module: ModuleType, path: str, options: Options) -> Outcome:
    from quorate.compiler.loader import folder_of, main_of
    from quorate.worlds.base import config_of, properties_of
    from quorate.worlds.real.node import run as run_node
    from quorate.worlds.real.program import Program, own_modules

    main = main_of(module, path)
    folder = folder_of(os.path.abspath(path), module.__name__)
    program = Program(main, own_modules(folder), config_of(module), properties_of(module))
    if options.log is not None and _is_program(options.log, path):
        raise click.UsageError(f"--log would overwrite the program {options.log}")
    if options.history is not None:
        check_overwritable(options.history, "history")
    if "PYTHONBREAKPOINT" not in os.environ:
        sys.breakpointhook = _breakpoint
    if sys.stdout is not None:
        sys.stdout.flush()  # what the module's statements have printed, before workers inherit it
    try:
        return run_node(program, options, _tell, _closing)
    except OSError as error:
        if error.filename is not None and error.filename in (options.log, options.history):
            raise click.UsageError(f"cannot write {error.filename}: {error.strerror}") from None
        raise


def _breakpoint(*_: object, **__: object) -> None:
    from quorate.cli.debug import stop

    stop(sys._getframe(1))


def _is_program(log: str, path: str) -> bool:
    return log.endswith(".da") or (os.path.exists(log) and os.path.samefile(log, path))


def _ignore(text: str) -> None:
    """Where nothing is to be said."""


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

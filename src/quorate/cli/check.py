"""`quorate check FILE`: look at all that a program may do, within bounds."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from quorate.cli.bounds import bounded, bounds_of, how_of, load_branching, refused
from quorate.cli.program import (
    Number,
    module_option,
    program_argument,
    program_command,
    program_of,
    told_as_json,
    words_given,
)
from quorate.cli.settings import Settings
from quorate.cli.simulate import collect_seldom, interruptible, with_fixed_hashes
from quorate.cli.status import Status
from quorate.cli.written import check_overwritable
from quorate.core.errors import ProgramError

if TYPE_CHECKING:
    from types import ModuleType

    from quorate.worlds.check.checkpoint import Keeper
    from quorate.worlds.check.counterexample import Counterexample
    from quorate.worlds.check.explore import Graph
    from quorate.worlds.check.orders import Order
    from quorate.worlds.check.retelling import Retold
    from quorate.worlds.check.run import Checked

Advance = Callable[["Graph", int], None]


@program_command
@module_option
@bounded
@click.option(
    "--search",
    type=click.Choice(["breadth", "depth", "walks", "pct", "new"]),
    default="breadth",
    help="In which order. breadth: all, the shortest ways first; depth: all, with less memory; by "
    "runs, as many as there is time for: walks: by chance; pct: by priorities, for bugs that few "
    "events bring about; new: on from what was new.",
)
@click.option("--bits", type=Number(3, 62), metavar="N", help="Remember states by 2^N bits.")
@click.option("--runs", type=Number(1), metavar="N", help="How many runs: 1000.")
@click.option("--seed", type=Number(0), metavar="N", help="What chance decides by: 0.")
@click.option("--bug-depth", type=Number(1, 20), metavar="N", help="Of so many events, for pct: 3.")
@click.option("--exact", is_flag=True, help="Keep states whole, not as fingerprints: slower.")
@click.option("--self-check", is_flag=True, help="Compare with what nothing is left out of.")
@click.option(
    "--trace",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write how a violation comes about, as JSON lines for `quorate trace`.",
)
@click.option(
    "--page", type=click.Path(dir_okay=False), metavar="FILE", help="Write it as a page of HTML."
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write now and then, and where a limit or Ctrl-C stops it, how far the search is.",
)
@click.option(
    "--resume",
    type=click.Path(dir_okay=False, exists=True),
    metavar="FILE",
    help="Go on from there, and write it again.",
)
@click.option("--every", type=Number(1), metavar="SECONDS", help="How often it is written: 300.")
@click.option("--no-cache", is_flag=True, help="Compile anew.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks of faults of Quorate itself.")
@program_argument
@click.pass_context
def check(
    context: click.Context,
    /,
    args: tuple[str, ...],
    module: str | None,
    no_cache: bool,
    as_json: bool,
    verbose: bool,
    **options: Any,
) -> int:
    """Look at all that a program may do, within bounds.

    Options stand before FILE, and what follows it is for the program. All interleavings of its
    processes are looked at, and all orders of messages; timers run out, processes crash and
    messages are lost as often as is said. A violation is shown with the steps that lead to it.

    Exit status: 0 it holds; 1 it is violated; 2 wrong usage, or it does not compile; 3 a bound was
    reached before the end, or runs found nothing; 130 interrupted.
    """
    settings: Settings = context.obj
    settings.verbose = settings.verbose or verbose
    with_fixed_hashes(settings)
    collect_seldom(settings)
    path, name, arguments = program_of(module, args)
    _check_order(options)
    for option in ("trace", "page"):
        if options[option] is not None:
            check_overwritable(options[option], option)
    keeper = _keeper(options)
    from quorate.worlds.base import surroundings

    try:
        with surroundings(0), interruptible():
            loaded = load_branching(path, name, arguments, cache=not no_cache)
            checked, notes = _checked(loaded, options, keeper, quiet=as_json)
            if options["self_check"] and checked.graph.stopped != "interrupted":
                notes.append(_self_checked(loaded, checked, options))
        _tell(checked, notes, (path, name, arguments), options, as_json=as_json)
    except SyntaxError as error:
        if as_json and told_as_json(error):
            return Status.MISUSED
        raise
    except ProgramError as error:
        return refused(error)
    if keeper is not None:
        for line in _kept(keeper, checked, _again(context, args)):
            click.echo(line, err=as_json)
    if checked.graph.stopped == "interrupted":
        return Status.INTERRUPTED
    return _STATUSES[checked.verdict]


_STATUSES = {
    "holds": Status.DONE,
    "violated": Status.FAILED,
    "inconclusive": Status.UNDECIDED,
}


def _check_order(options: dict[str, Any]) -> None:
    """Options of one order of search are wrong with another."""
    from quorate.worlds.check.orders import BY_RUNS

    search = options["search"]
    for option, orders in (
        ("bits", ("depth",)),
        ("runs", BY_RUNS),
        ("seed", BY_RUNS),
        ("bug_depth", ("pct",)),
        ("exact", ("breadth",)),
        ("self_check", ("breadth",)),
        ("checkpoint", ("breadth",)),
        ("resume", ("breadth",)),
    ):
        if options[option] not in (None, False) and search not in orders:
            name = option.replace("_", "-")
            which = ", ".join(f"--search {each}" for each in orders)
            raise click.UsageError(f"--{name} is for {which}, and this is --search {search}")
    if options["strong"] and (search in BY_RUNS or options["bits"]):
        raise click.UsageError("--strong is of what is to hold in the end, which needs all states")


def _keeper(options: dict[str, Any]) -> Keeper | None:
    """Who writes how far the search is, if that is asked for. Raises click.UsageError."""
    path, every = options["checkpoint"] or options["resume"], options["every"]
    if path is None:
        if every is not None:
            raise click.UsageError("--every is of --checkpoint: give that too")
        return None
    if options["exact"]:
        raise click.UsageError("--checkpoint and --resume are of fingerprints, not of --exact")
    if os.path.exists(path) and not os.path.isfile(path):
        raise click.UsageError(f"{path} is no file that can be replaced: give another name")
    if options["checkpoint"] is not None:
        check_overwritable(path, "checkpoint")
    if not os.access(os.path.dirname(os.path.realpath(path)), os.W_OK):
        raise click.FileError(path, "nothing can be written to its folder")
    from quorate.worlds.check.checkpoint import EVERY_SECONDS, Keeper

    return Keeper(path, EVERY_SECONDS if every is None else every, options["resume"])


ANEW = {
    *("checkpoint", "resume", "states", "depth", "seconds", "memory"),
    *("trace", "page", "no_cache", "as_json", "verbose", "self_check", "args"),
}
"""What need not be the same when a search goes on."""


def _again(context: click.Context, args: tuple[str, ...]) -> str:
    """The command by which a search goes on, without the limits that it had."""
    path = context.params["checkpoint"] or context.params["resume"]
    words = words_given(context, ANEW)
    return shlex.join(["quorate", "check", "--resume", path, *words, *args])


def _kept(keeper: Keeper, checked: Checked, again: str) -> Iterator[str]:
    """What there is to go on from."""
    if keeper.trouble is not None:
        yield f"warning: {keeper.path} could not be written: {keeper.trouble}"
    if keeper.states is not None and checked.verdict == "inconclusive":
        yield f"  {keeper.states:,} states are kept in {keeper.path}"
        yield f"  = help: {again}"


def _checked(
    module: ModuleType, options: dict[str, Any], keeper: Keeper | None, *, quiet: bool
) -> tuple[Checked, list[str]]:
    """What came of it, and what is to be said of the network."""
    from quorate.worlds.base import config_of
    from quorate.worlds.check.run import check_loaded

    bounds, notes = bounds_of(module, options)
    bounds = replace(bounds, exact=options["exact"])
    with _progress(quiet=quiet) as advance:
        how = {**how_of(options), "order": _order(options), "keeper": keeper}
        checked = check_loaded(module, bounds, tell=advance, **how)
    if options["network"] is None and bounds.network == "fifo":
        notes += _unordered(checked, config_of(module))
    return checked, notes


def _self_checked(module: ModuleType, checked: Checked, options: dict[str, Any]) -> str:
    """What is to be said of the same without reductions."""
    from quorate.worlds.check.run import self_check
    from quorate.worlds.check.summary import several

    found = self_check(module, checked.bounds, deadlocks=not options["no_deadlock"])
    assert found.agree, f"with reductions something else was found than without: {found}"
    if found.unfinished is not None:
        return f"self-check: not compared, as a limit was reached first: {found.unfinished}"
    same = f", and the same {several(found.ends, 'end')}" if found.ends else ""
    return (
        f"self-check: with nothing left out {several(found.whole, 'state')}: the same verdict{same}"
    )


def _unordered(checked: Checked, config: dict[str, Any]) -> Iterator[str]:
    """What is to be said of classes that were seen only later, and whose messages may overtake."""
    from quorate.worlds.base.program import kinds_of
    from quorate.worlds.check.channels import classes_of, is_ordered

    for cls in sorted(classes_of(checked.tables), key=lambda cls: cls.__name__):
        if not is_ordered(cls, config):
            yield (
                f"warning: messages of {kinds_of(cls)[0]} may overtake each other, which "
                "--network bag looks at"
            )


def _order(options: dict[str, Any]) -> Order:
    from quorate.worlds.check.orders import Order

    names = ("search", "bits", "runs", "seed", "bug_depth")
    return Order(**{name: options[name] for name in names if options[name] is not None})


def _tell(
    checked: Checked,
    notes: list[str],
    program: tuple[str, str | None, list[str]],
    options: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    from quorate.worlds.check import summary
    from quorate.worlds.check.counterexample import counterexample_of
    from quorate.worlds.check.wording import steps_of

    found = counterexample_of(checked)
    retold = None if found is None else _retold(checked, found, *program)
    steps = [] if retold is None else steps_of(retold)
    if retold is not None:
        _write(retold, options)
    if as_json:
        data = summary.data_of(checked, found, steps)
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    lines = [*notes, *summary.complaints_of(checked)]
    if found is not None:
        lines += [*summary.story_of(found, steps), ""]
    for line in (*lines, *summary.lines_of(checked)):
        click.echo(line)
    if found is not None and options["page"] is None:
        click.echo("  = help: --page FILE shows these steps as a page")


def _retold(
    checked: Checked, found: Counterexample, path: str, name: str | None, arguments: list[str]
) -> Retold:
    from quorate import __version__
    from quorate.worlds.check.retelling import retell

    return retell(checked, found, path, arguments, __version__, name)


def _write(retold: Retold, options: dict[str, Any]) -> None:
    """Write the trace and the page of a counterexample, if they are asked for."""
    from quorate.cli.trace import html_of
    from quorate.trace.course import course_of

    with contextlib.ExitStack() as stack:
        for option in ("trace", "page"):
            path = options[option]
            if path is None:
                continue
            try:
                file = stack.enter_context(open(path, "wb"))
                if option == "trace":
                    file.writelines(retold.trace.lines())
                else:
                    file.write(html_of(course_of(retold.trace)).encode())
            except OSError as error:
                raise click.FileError(path, error.strerror or str(error)) from None


@contextlib.contextmanager
def _progress(*, quiet: bool) -> Iterator[Advance | None]:
    """On a terminal, how far it is. Nothing elsewhere."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    from quorate.worlds.check.estimate import to_come

    column = TextColumn("{task.fields[told]}")
    with Progress(column, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None, told="")

        def advance(graph: Graph, waiting: int) -> None:
            rate = graph.states / max(graph.seconds, 1e-6)
            told = f"{graph.states:,} states, depth {graph.depth:,}, {waiting:,} to be looked at, "
            more = None if graph.forgotten else to_come(graph)
            guess = "" if more is None else f", perhaps {more:,} more"
            progress.update(task, told=f"{told}{rate:,.0f} states/s{guess}")

        yield advance

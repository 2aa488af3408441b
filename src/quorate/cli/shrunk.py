"""What `quorate simulate --shrink` does about a failure: it is shrunk, and written as a trace."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from quorate.cli.status import Status

if TYPE_CHECKING:
    from types import ModuleType

    from quorate.trace import Trace
    from quorate.worlds.sim.seeds import Plan
    from quorate.worlds.sim.shrinking import Shrinker, Size

SHRUNK = "shrunk.jsonl"
"""The trace of a shrunk run, where no name is given."""


def shrink(
    plan: Plan,
    module: ModuleType,
    name: str | None,
    seed: int,
    path: str,
    runs_max: int,
    *,
    quiet: bool,
) -> int:
    """Shrink the run of a seed that failed, and write the trace of what is left.

    `name` is that of the module. The exit status says that there was a failure, or an interrupt.
    """
    from quorate import __version__
    from quorate.worlds.sim.replay import begin_of
    from quorate.worlds.sim.shrinking import Shrinker, recorded, size_of

    plan = replace(plan, recorder=None, history=None, outputs=False)
    trace, result = recorded(plan, module, begin_of(plan, seed, __version__, name))
    if not trace.events:
        click.echo("quorate: it failed before it came to run: nothing can be shrunk", err=True)
        return Status.FAILED
    if not result.failed:
        help = f"seed {seed} did not fail when it was run again; --selfcheck looks into that"
        click.echo(f"quorate: {help}", err=True)
        return Status.FAILED
    before, interrupted = size_of(trace), False
    with _progress(before, runs_max, quiet=quiet) as told:
        shrinker = Shrinker(trace, result, module, runs_max, told)
        try:
            shrinker.go()
        except KeyboardInterrupt:
            interrupted = True
    _write(shrinker.kept, path)
    how = "interrupted: " if interrupted else ""
    spent = " (all that --shrink-runs allows)" if shrinker.runs >= runs_max else ""
    less = _less(before, size_of(shrinker.kept), trace, shrinker.kept)
    click.echo(f"quorate: {how}shrunk in {shrinker.runs:,} runs{spent}: {less}", err=True)
    file = shlex.quote(path)
    click.echo(f"quorate: to repeat it: quorate replay {file}", err=True)
    click.echo(f"  = help: quorate trace {file} --to text tells the story", err=True)
    return Status.INTERRUPTED if interrupted else Status.FAILED


def _write(trace: Trace, path: str) -> None:
    try:
        with open(path, "wb") as file:
            file.writelines(trace.lines())
    except OSError as error:
        raise click.FileError(path, error.strerror or str(error)) from None


def _less(before: Size, after: Size, whole: Trace, kept: Trace) -> str:
    """What has been taken away."""
    told = []
    for name in ("faults", "choices", "processes", "messages"):
        one, other = getattr(before, name), getattr(after, name)
        if one or other:
            told.append(f"{name} {one:,}" + (f" -> {other:,}" if one != other else ""))
    told.append(f"{before.seconds:.3g} s -> {after.seconds:.3g} s")
    if whole.begin.arguments != kept.begin.arguments:
        told.append(f"arguments {shlex.join(kept.begin.arguments)}")
    return ", ".join(told)


@contextmanager
def _progress(before: Size, runs_max: int, *, quiet: bool) -> Iterator[Callable[[Shrinker], None]]:
    """On a terminal, how far it is. Nothing elsewhere."""
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda _shrinker: None
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    from quorate.worlds.sim.shrinking import size_of

    columns: tuple[Any, ...] = (TextColumn("shrinking: {task.fields[told]}"),)
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None, told="")

        def told(shrinker: Shrinker) -> None:
            size = size_of(shrinker.kept)
            text = f"{shrinker.runs:,} of {runs_max:,} runs, faults {before.faults} -> "
            text += f"{size.faults}, choices {before.choices:,} -> {size.choices:,}, "
            text += f"messages {before.messages:,} -> {size.messages:,}"
            progress.update(task, told=text, refresh=shrinker.runs == 1)

        yield told

"""The options of `quorate run` that start other nodes with a run, by ssh or by Ray.

Invariant: such nodes are there before the program begins, and no longer than it runs.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from quorate.cli.program import words_given
from quorate.cli.status import Status

if TYPE_CHECKING:
    from types import ModuleType

    from quorate.worlds.real.launching import Host
    from quorate.worlds.real.program import Options

NAME = "main"
"""Of the node that starts the others, where no other is given."""

OURS = frozenset(
    (
        *("args", "module", "node", "idle", "bind", "join", "nodes", "cookie", "cookie_file"),
        *("hosts", "on", "log", "log_format", "history", "stats", "seed", "as_json", "quiet"),
    )
)
"""What is said of this node alone."""


class Others(NamedTuple):
    """The nodes to start, and how."""

    hosts: list[Host]
    on: str


def with_launch_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that start other nodes."""
    hosts = click.option(
        "--hosts",
        type=click.Path(exists=True, dir_okay=False),
        metavar="FILE",
        help="Start the nodes of a file, one a line, and end them with the run.",
    )
    on = click.option(
        "--on",
        default="ssh",
        show_default=True,
        metavar="ssh|ray[:ADDRESS]",
        help="How: by ssh, or by Ray, on this machine or in the cluster at ADDRESS.",
    )
    return hosts(on(function))


def others_of(options: dict[str, Any]) -> Others | None:
    """The nodes that are to be started, taken out of `options`; then this one has a name, too.

    Raises click.UsageError, and QuorateSyntaxError for a file of hosts.
    """
    path, on = options.pop("hosts"), options.pop("on")
    way, colon, address = on.partition(":")
    if way not in ("ssh", "ray") or (colon and (way == "ssh" or not address)):
        raise click.UsageError(f"--on {on}: it is ssh, ray, or ray:ADDRESS")
    if path is None:
        if on != "ssh":
            raise click.UsageError(f"--on {on} starts the nodes of a file: add --hosts FILE")
        return None
    for name in ("idle", "cookie", "cookie_file"):
        if options[name]:
            why = "its main runs here" if name == "idle" else "it has a secret of its own"
            raise click.UsageError(
                f"--{name.replace('_', '-')}: a run with --hosts needs none, {why}"
            )
    from quorate.worlds.real.launching import read_hosts

    options["node"] = options["node"] or NAME
    own = options["node"].partition("@")[0]
    hosts = read_hosts(path, way)
    if any(host.name == own for host in hosts):
        raise click.UsageError(f"--hosts: {own} is this node itself: leave it out, or add -n NAME")
    return Others(hosts, on)


@contextmanager
def with_others(
    options: Options,
    others: Others | None,
    module: ModuleType,
    path: str,
    arguments: list[str],
    *,
    quiet: bool,
) -> Iterator[Options]:
    """The options of a run while the others are there; ends the command where one is not."""
    me = options.membership
    if others is None or me is None:
        yield options
        return
    from quorate.worlds.real.launching import Launch, NotLaunched, launched

    named = click.get_current_context().params["module"]
    program = [path] if named is None else ["-m", named]
    folder, files = os.getcwd(), {}
    if others.on != "ssh":
        from quorate.compiler.loader import folder_of
        from quorate.worlds.real.fingerprint import files_of

        folder = folder_of(os.path.abspath(path), module.__name__)
        files = {name: _read(file) for name, file in files_of(module).items()}
        program = program if named else [os.path.relpath(path, folder)]
    words = words_given(click.get_current_context(), OURS)
    words += ["--seed", str(options.seed), *program, *arguments]
    cookie = secrets.token_hex(32)
    try:
        with launched(
            Launch(others.on, others.hosts, cookie, words, folder, files, quiet)
        ) as there:
            me = replace(me, cookie=cookie.encode(), known={**me.known, **there.addresses})
            yield replace(options, membership=me, launched=there)
    except NotLaunched:  # it has been told why
        raise click.exceptions.Exit(Status.FAILED) from None


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()

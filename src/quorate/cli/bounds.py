"""What of a program is looked at by `quorate check` and `quorate explore`: the options of both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from quorate.cli.program import Number, load_program
from quorate.cli.status import Status
from quorate.core.errors import ProgramError
from quorate.lang.faults import FaultError, times_of

if TYPE_CHECKING:
    from types import ModuleType

    from quorate.worlds.check.explore import Bounds


class Times(click.ParamType[Any]):
    """How often something may happen, and to processes of which classes: see lang/faults.py."""

    name = "times"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | dict[str, int]:
        try:
            return times_of(value) if isinstance(value, str) else value
        except FaultError as error:
            self.fail(f"{error.message}: {error.help}", param, ctx)


_BUDGETS: dict[str, tuple[click.ParamType[Any], str, str]] = {
    "timeouts": (Times(), "TIMES", "Timers that run out: 0. `Server:2`: those of its processes."),
    "crashes": (Times(), "TIMES", "Processes that crash: 0. `Server:1,Client:1`: of these."),
    "restarts": (Times(), "TIMES", "Of those that crash: 0."),
    "losses": (Number(0), "N", "Messages that are lost: 0."),
    "duplicates": (Number(0), "N", "That come twice: 0."),
}

_OPTIONS = [
    *(
        click.option(f"--{name}", type=type, default=0, metavar=metavar, help=help)
        for name, (type, metavar, help) in _BUDGETS.items()
    ),
    click.option(
        "--network",
        type=click.Choice(["bag", "set", "fifo"]),
        help="bag: messages come in any order; set: any number of times too; fifo: in the order of "
        "sending. By default as the program's channels are.",
    ),
    click.option("--states", type=Number(1), metavar="N", help="Stop after so many."),
    click.option("--depth", type=Number(1), metavar="N", help="Stop after so many steps."),
    click.option("--seconds", type=Number(1), metavar="N", help="Stop after so long."),
    click.option("--memory", type=Number(1), metavar="MB", help="Stop when it takes so much."),
    click.option(
        "--strong", is_flag=True, help="What can happen again and again, happens at last."
    ),
    click.option("--no-deadlock", is_flag=True, help="To wait for ever is no violation."),
    click.option("--no-reduction", is_flag=True, help="Leave out no state that comes to the same."),
]


def bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what is looked at."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def load_branching(path: str, name: str | None, arguments: list[str], *, cache: bool) -> ModuleType:
    """The program, loaded so that it asks wherever the language leaves something open."""
    how = {"views": True, "properties": True, "branching": True}
    return load_program(path, name, arguments, 0, cache=cache, **how)


def refused(error: ProgramError) -> Status:
    """Say why a program cannot be looked at as it is."""
    click.echo(f"error[{error.code}]: {error.message}\n  = help: {error.help}", err=True)
    return Status.MISUSED


def bounds_of(module: ModuleType, options: dict[str, Any]) -> tuple[Bounds, list[str]]:
    """The bounds that are given, and what is to be said of the network."""
    from quorate.worlds.check.channels import configured
    from quorate.worlds.check.explore import Bounds
    from quorate.worlds.check.tables import BUDGETS

    given = {name: options[name] for name in (*BUDGETS, "states", "depth", "seconds")}
    memory = None if options["memory"] is None else options["memory"] * 1_000_000
    reduce = not options["no_reduction"]
    bounds = Bounds(**given, memory=memory, reduce=reduce)
    if options["network"] is not None:
        return replace(bounds, network=options["network"]), []
    network, narrowed = configured(module)
    if not narrowed:
        return replace(bounds, network=network), []
    note = (
        f"note: channels of {', '.join(narrowed)} are configured one by one, which is not "
        f"followed: --network {network} is for all"
    )
    return replace(bounds, network=network), [note]


def how_of(options: dict[str, Any]) -> dict[str, Any]:
    """What else of a check is given: what is a violation, and what is owed to runs."""
    return {"deadlocks": not options["no_deadlock"], "strong": options["strong"]}

"""The command `quorate` and the table of its subcommands.

Invariant: no subcommand is imported before it is called, not even for `quorate --help`; so the
table holds their one-line descriptions, and a test compares them with the commands' own.
"""

import importlib
import os
import platform

import click
from click.shell_completion import CompletionItem

from quorate import __version__
from quorate.cli.settings import Settings

# name -> (module:attribute, description)
COMMANDS = {
    "run": ("quorate.cli.run:run", "Run a program on the cores of this machine."),
    "nodes": ("quorate.cli.nodes:nodes", "List the nodes that run on this machine."),
    "simulate": (
        "quorate.cli.simulate:simulate",
        "Run a program in virtual time, under faults, with many seeds.",
    ),
    "check": ("quorate.cli.check:check", "Look at all that a program may do, within bounds."),
    "explore": (
        "quorate.cli.explore:explore",
        "Walk through all that a program may do, in the browser.",
    ),
    "replay": ("quorate.cli.replay:replay", "Have a recorded run happen again, step by step."),
    "trace": ("quorate.cli.trace:trace", "Tell a recorded run, or turn it into what others show."),
    "new": ("quorate.cli.new:new", "Write a first program, with comments, to begin from."),
    "lint": ("quorate.cli.lint:lint", "Look for likely mistakes in programs."),
    "explain": ("quorate.cli.explain:explain", "Explain the code of an error, such as Q012."),
    "plan": ("quorate.cli.plan:plan", "Show how each query is answered, and at what cost."),
    "compile": ("quorate.cli.compile:compile_", "Print what a stage of the compiler makes."),
    "consistency": ("quorate.cli.consistency:consistency", "Judge a history of operations."),
    "completion": ("quorate.cli.completion:completion", "Print the completion script of a shell."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and knows which one was meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command), name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        commands = [
            CompletionItem(name, help=about)
            for name, (_, about) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise click.UsageError(_unknown(args[0]), ctx)
        return super().resolve_command(ctx, args)


def _unknown(name: str) -> str:
    from quorate.lang.names import nearest

    message = f"There is no command '{name}'."
    if (meant := nearest(name, COMMANDS)) is not None:
        return f"{message} Did you mean '{meant}'?"
    if name.endswith(".da") or os.path.exists(f"{name}.da"):
        return f"{message} To run a program: quorate run {name}"
    return message


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    __version__,
    "--version",
    message=f"quorate {__version__} (Python {platform.python_version()})",
)
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks of faults of Quorate itself.")
@click.pass_obj
def group(settings: Settings, verbose: bool) -> None:
    """Distributed algorithms as short programs: run them, look into them, find their mistakes.

    `quorate new first` writes a first program, and `quorate run first.da` runs it.
    """
    settings.verbose = settings.verbose or verbose

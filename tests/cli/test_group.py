"""The table of commands, what is shown of it, and what is said of a command not in it."""

import subprocess
import sys
from collections.abc import Callable

import click
import pytest

from quorate import __version__
from quorate.cli.group import COMMANDS, group

QUICK = """
import sys
from quorate.cli import status_of
assert status_of(["--help"]) == 0
ours = {name for name in sys.modules if name.startswith("quorate.")}
assert ours == {"quorate.cli", "quorate.cli.group", "quorate.cli.settings"}, ours
heavy = {"rich", "msgspec", "asyncio", "uvloop", "difflib", "traceback"} & set(sys.modules)
assert not heavy - already, heavy
"""


def test_help_lists_every_command(quorate: Callable) -> None:
    outcome = quorate("--help")
    assert outcome.status == 0
    for name, (_, about) in COMMANDS.items():
        assert f"  {name}" in outcome.out
        assert about in outcome.out


def test_no_arguments_show_the_help(quorate: Callable) -> None:
    outcome = quorate()
    assert "Commands:" in outcome.out + outcome.err


def test_help_imports_no_command() -> None:
    program = "import sys; already = set(sys.modules)" + QUICK
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_what_the_command_says(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(200).rstrip(".") + "." == COMMANDS[name][1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(quorate: Callable, name: str) -> None:
    outcome = quorate(name, "--help")
    assert outcome.status == 0
    assert outcome.out.startswith(f"Usage: quorate {name} ")


def test_version(quorate: Callable) -> None:
    outcome = quorate("--version")
    assert outcome.status == 0
    assert outcome.out.startswith(f"quorate {__version__} (Python 3.")


def test_the_same_by_m() -> None:
    for command in ([sys.executable, "-m", "quorate"], [f"{sys.prefix}/bin/quorate"]):
        result = subprocess.run([*command, "--version"], capture_output=True, check=True)
        assert result.stdout.startswith(b"quorate ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lnit", "There is no command 'lnit'. Did you mean 'lint'?"),
        ("complie", "Did you mean 'compile'?"),
        ("hello.da", "To run a program: quorate run hello.da"),
        ("frobnicate", "There is no command 'frobnicate'.\n"),
    ],
)
def test_an_unknown_command(quorate: Callable, name: str, message: str) -> None:
    outcome = quorate(name)
    assert outcome.status == 2
    assert message in outcome.err


def test_an_unknown_option(quorate: Callable) -> None:
    outcome = quorate("--versoin")
    assert outcome.status == 2
    assert "--versoin" in outcome.err

"""Every interleaving of examples, as small as they can be: what their headers promise holds.

The commands, and how many states these look at with nothing left out, stand in docs/checking.md.
"""

import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from examples.headers import EXAMPLES, PROGRAMS
from quorate.testing.checking import checked_program
from quorate.worlds.base import command_line, surroundings
from quorate.worlds.check.channels import configured
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.run import Checked, load_for_checking, self_check

PAGE = Path(__file__).parents[2] / "docs" / "checking.md"

SLOW = {"byzantine_paxos", "multi_paxos", "multi_paxos_merged", "raft"}
"""What takes longer to reduce than to explore, and that by far."""


class Command(NamedTuple):
    """`quorate check OPTIONS examples/EXAMPLE.da ARGS`, which looks at so many `states`."""

    example: str
    args: list[str]
    options: list[str]
    states: int

    def __str__(self) -> str:
        return " ".join([*self.options, self.example, *self.args])

    @property
    def told(self) -> tuple[Path, dict[str, Any], bool]:
        """The file, the bounds, and whether it is wrong to wait for ever."""
        flags = [each for each in self.options if each.startswith("--")]
        bounds = {
            flag.removeprefix("--"): int(self.options[self.options.index(flag) + 1])
            for flag in flags
            if flag != "--no-deadlock"
        }
        return EXAMPLES / f"{self.example}.da", bounds, "--no-deadlock" not in flags

    def checked(self, *, reduce: bool) -> Checked:
        file, bounds, deadlocks = self.told
        bounds["reduce"] = reduce
        return checked_program(file, (*self.args,), bounds, deadlocks=deadlocks, strong=False)


def commands() -> list[Command]:
    """Those of the page."""
    row = r"^\| `quorate check (.*?)examples/(\w+)\.da(.*)` \| ([\d,]+) \|"
    found = re.findall(row, PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [
        Command(example, args.split(), shlex.split(options), int(states.replace(",", "")))
        for options, example, args, states in found
    ]


COMMANDS = commands()


@pytest.mark.parametrize("command", COMMANDS, ids=map(str, COMMANDS))
def test_an_example_holds_in_every_interleaving(command: Command) -> None:
    holds = "inconclusive" if "--depth" in command.options else "holds"
    found = command.checked(reduce=False)
    assert (found.verdict, found.graph.states) == (holds, command.states)
    if command.example not in SLOW:
        found = command.checked(reduce=True)
        assert found.verdict == holds
        assert found.graph.states <= command.states


SMALL = [each for each in COMMANDS if each.states < 1_500 and "--depth" not in each.options]


@pytest.mark.parametrize("command", SMALL, ids=map(str, SMALL))
def test_what_is_left_out_of_an_example_changes_nothing(command: Command) -> None:
    path, bounds, deadlocks = command.told
    with command_line(path, command.args), surroundings(0):
        module = load_for_checking(path)
        network, _ = configured(module)
        found = self_check(module, Bounds(**bounds, network=network), deadlocks=deadlocks)
    assert (found.agree, found.unfinished, found.whole) == (True, None, command.states)


def test_every_example_is_checked() -> None:
    assert {each.example for each in COMMANDS} == {path.stem for path in PROGRAMS}

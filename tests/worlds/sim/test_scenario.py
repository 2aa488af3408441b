"""Scenarios: what a line means is told by the runs; here how it is read, and what is refused."""

import pytest

from quorate.worlds.sim.scenario import ScenarioError, read_scenario
from worlds.sim.conftest import Tell

IDLE = """
class Server(process):
    def run(): await(False)
class Client(process):
    def run(): output('at work')
def main():
    start(new(Server, (), num=3) | {new(Client, ())})
"""


def test_lines_in_the_order_of_their_times() -> None:
    lines = read_scenario("\n# nothing\nat 2s heal\nat 500ms crash A-1  # the first\n", "x.txt")
    assert [(line.at, line.place) for line in lines] == [(0.5, "x.txt:4"), (2.0, "x.txt:3")]


@pytest.mark.parametrize(
    ("line", "message", "help"),
    [
        ("after 3s crash A", "`after 3s crash A` is no line", "`at 3s crash Server-2`"),
        ("at 3s crush A", "nothing is called `crush`", "did you mean `crash`?"),
        ("at 3s explode", "nothing is called `explode`", "there are crash, restart"),
        ("at noon heal", "`noon` is no length of time", "`5s`"),
        ("at 3s crash", "no process is named", "`Server-2`"),
        ("at 3s crash A for long", "`long` is no length of time", "`5s`"),
        ("at 3s pause A", "`pause` does not say for how long", "for 500ms"),
        ("at 3s partition {A}", "a partition has groups", "{A-1} | {A-2, A-3}"),
        ("at 3s partition {A} -> {B} -> {C}", "a partition has groups", "{A-1} -> {A-2}"),
        ("at 3s partition {A} | {}", "no process is named", "`Server-2`"),
        ("at 3s clog A -> B", "`clog` says from whom", "for 1s"),
        ("at 3s heal A", "`heal` ends all", "`at 8s heal`"),
        ("at 3s heal for 2s", "`heal` has no `for`", "`at 8s heal`"),
        ("at 3s loss much", "loss: `much` is no chance", "from 0 to 1"),
    ],
)
def test_a_line_that_cannot_be_understood(line: str, message: str, help: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        read_scenario(f"\n{line}", "x.txt")
    assert str(raised.value).startswith(f"x.txt:2: {message}")
    assert help in str(raised.value)


@pytest.mark.parametrize(
    ("line", "message", "help"),
    [
        ("at 1s crash Server-9", "at 1 s there is no process Server-9", "did you mean Server-"),
        ("at 1s crash Nobody", "at 1 s there is no process Nobody", "there are Server-1, Server-2"),
        ("at 0s crash Server", "at 0 s there is no process Server", "after they are made"),
    ],
)
def test_a_process_that_is_not_there(tell: Tell, line: str, message: str, help: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        tell(IDLE, line)
    assert str(raised.value).startswith(f"scenario:1: {message}")
    assert help in str(raised.value)


def test_one_that_has_ended_is_left_alone(tell: Tell) -> None:
    for name in ("Client-4", "Client"):
        story = tell(IDLE, f"at 1s crash {name}\nat 2s partition {{{name}}} | {{Server}}")
        assert story.run.crashes == 0
        assert story.run.time == 2.0
    assert tell(IDLE, "at 1s crash Server-1\nat 2s crash Server-1").run.crashes == 1


def test_rates_change(tell: Tell) -> None:
    story = tell(IDLE, "at 1s loss 0.1\nat 2s loss 0.2,to=Server\nat 3s loss 0", loss="0.5")
    assert [each.value for each in story.of("rates")] == [
        *((("loss", "0.1"),), (("loss", "0.1"), ("loss", "0.2,to=Server")), (("loss", "0"),))
    ]


def test_times_of_a_scenario_keep_a_run_going(tell: Tell) -> None:
    story = tell(IDLE, "at 2s crash Server\nat 3s restart Server\nat 5s crash Server")
    assert (story.run.end, story.run.time, story.run.crashes) == ("over", 5.0, 6)

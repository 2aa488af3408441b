"""How often something may happen to processes of which classes: what is looked at, and said."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.core.errors import ProgramError
from quorate.worlds.base import surroundings
from quorate.worlds.check.browsing import Browser
from quorate.worlds.check.effects import BUDGETS_MAX
from quorate.worlds.check.explore import Bounds, Step
from quorate.worlds.check.run import check, load_for_checking
from quorate.worlds.check.summary import data_of, lines_of
from quorate.worlds.check.tables import NOBODY

PROGRAM = """
class Node(process):
    def setup(other):
        self.fired = 0
    def run():
        while fired < 2:
            if await(some(received(('stop',)))): return
            elif timeout(1):
                fired += 1
                send(('fired', fired), to=other)

class Server(Node): pass

class Backup(Server): pass

class Client(Node): pass

@always
def counted():
    return each(p in Node, has=p.fired <= 2)

def main():
    client = new(Client)
    server, backup = new(Server, (client,)), new(Backup, (client,))
    setup(client, (server,))
    start([server, backup, client])
"""

NEAREST = {
    "Server": ("Server", "Node", "process"),
    "Backup": ("Backup", "Server", "Node", "process"),
    "Client": ("Client", "Node", "process"),
}
"""Of the process of each class, what it may be named by, the nearest first."""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path = tmp_path_factory.mktemp("budgets") / "nodes.da"
    path.write_text(PROGRAM)
    return load_for_checking(path)


class Keeping(Browser):
    """Keeps the states that it finds, and what leads to them."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.rows: list[tuple[Sequence[int], Sequence[int]]] = []
        self.happened: set[tuple[str, str]] = set()

    def _possible(self, *given: Any) -> list[Step]:
        found = super()._possible(*given)
        events = [self.events.of(effect.action) for effect, _ in found]
        self.happened |= {(event.kind, event.process.kind) for event in events}
        return found

    def _after(self, *given: Any) -> Any:
        self.rows.append(super()._after(*given))
        return self.rows[-1]


def explored(module: ModuleType, **budgets: Any) -> Keeping:
    with surroundings(0):
        explorer = Keeping(module, Bounds(**budgets, reduce=False))
        explorer.begin(explorer.begins)
        explorer.go_on()
    return explorer


@cache
def all_states(module: ModuleType, name: str) -> dict[Any, dict[str, int]]:
    """As `states`, with as much as can happen."""
    return states(module, name, **{name: 6})


def states(module: ModuleType, name: str, **budgets: Any) -> dict[Any, dict[str, int]]:
    """All states, each with how often something has happened to the process of each class."""
    explorer = explored(module, **budgets)
    tables = explorer.tables
    found: dict[Any, dict[str, int]] = {}
    for row, net in explorer.rows:
        locals = [tables.locals[each] for each in row[explorer.head :] if each != NOBODY]
        happened = {}
        for local in filter(None, locals):
            process = tables.steps.thaw(local.state)
            if process.id_.path:
                count = local.crashed if name == "crashes" else vars(process).get("fired", 0)
                happened[process.id_.kind] = count
        messages = Counter(tables.messages[each] for each in net)
        known = frozenset((local.state, local.crashed) for local in filter(None, locals))
        found[known, frozenset(messages.items())] = happened
    return found


def is_within(happened: dict[str, int], times: dict[str, int]) -> bool:
    """Whether no more has happened than may, where each counts for the nearest that is named."""
    spent: Counter[str] = Counter()
    for kind, count in happened.items():
        spent[next((name for name in NEAREST[kind] if name in times), "process")] += count
    return all(count <= times.get(name, 0) for name, count in spent.items())


NAMED = st.sampled_from(["Node", "Server", "Backup", "Client", "process"])


@pytest.mark.parametrize("name", ["timeouts", "crashes"])
@given(times=st.dictionaries(NAMED, st.integers(0, 2)))
@settings(max_examples=40, deadline=None)
def test_all_is_looked_at_that_happens_to_nobody_more_often(
    module: ModuleType, name: str, times: dict[str, int]
) -> None:
    everything = all_states(module, name)
    may = {state for state, happened in everything.items() if is_within(happened, times)}
    assert states(module, name, **{name: times}).keys() == may


def test_only_those_begin_anew_that_may(module: ModuleType) -> None:
    def anew(crashes: Any, restarts: Any) -> set[str]:
        happened = explored(module, crashes=crashes, restarts=restarts).happened
        return {name for kind, name in happened if kind == "restart"}

    assert anew(1, {"Server": 1}) == {"Server", "Backup"}
    assert anew(1, {"Node": 1, "Backup": 0}) == {"Server", "Client"}
    assert anew({"Backup": 1}, 1) == {"Backup"}
    assert anew({"Backup": 1}, {"Client": 1, "Server": 0}) == set()


def test_what_is_named_once_is_named_for_all_that_extend_it(module: ModuleType) -> None:
    found = [states(module, "crashes", crashes=times) for times in (2, {"Node": 2})]
    assert found[0] == found[1]
    assert len(found[0]) > len(states(module, "crashes", crashes={"Client": 2}))


# What is said.


def said(module: ModuleType, **budgets: Any) -> list[str]:
    """The lines of a summary that speak of budgets."""
    checked = check(module, (), Bounds(**budgets))
    assert checked.verdict == "holds"
    lines = [line.strip() for line in lines_of(checked)]
    return [line for line in lines if line.startswith("every") or ": --" in line]


@pytest.mark.parametrize(
    ("budgets", "scope", "more"),
    [
        (
            {"crashes": {"Client": 1}},
            "at most 1 crash of Client; no timeout, restart, loss or duplicate",
            [
                "a timer could still run out: --timeouts 1",
                "who has crashed could begin anew: --restarts 1",
            ],
        ),
        (
            {"timeouts": {"process": 1, "Server": 1, "Backup": 0}, "crashes": {"Node": 1}},
            (
                "at most 1 timeout of others, 1 timeout of Server and 1 crash of Node; no timeout "
                "of Backup, restart, loss or duplicate"
            ),
            [
                "timers could run out more often: --timeouts 2,Server:2,Backup:1",
                "more processes could crash: --crashes Node:2",
                "who has crashed could begin anew: --restarts 1",
            ],
        ),
        (
            {"timeouts": {"Server": 5}},
            "at most 5 timeouts of Server; no crash, restart, loss or duplicate",
            ["a timer could still run out: --timeouts 1,Server:5"],
        ),
    ],
)
def test_what_was_looked_at_is_said_by_classes(
    module: ModuleType, budgets: Any, scope: str, more: list[str]
) -> None:
    begins = "every interleaving, messages in any order; "
    assert said(module, **budgets) == [begins + scope, *more]


def test_the_same_is_said_as_data(module: ModuleType) -> None:
    checked = check(module, (), Bounds(timeouts=1, crashes={"Server": 1}))
    data = data_of(checked, None, [])
    assert (data["bounds"]["timeouts"], data["bounds"]["crashes"]) == (1, {"Server": 1})
    assert data["short"] == ["crashes of Server", "restarts", "timeouts"]


def test_a_class_that_is_not_there_is_an_error(module: ModuleType) -> None:
    for times, help in (
        ({"Sever": 1}, "did you mean `Server`?"),
        ({"X": 1}, "it has Backup, Client, Node, Server"),
        ({"main": 1}, "it has Backup, Client, Node, Server"),
    ):
        with pytest.raises(ProgramError) as failed:
            check(module, (), Bounds(crashes=times))
        assert (failed.value.code, failed.value.help) == ("Q139", help)
    check(module, (), Bounds(timeouts={"main": 1}))


def test_more_classes_than_there_is_room_for_are_an_error(tmp_path: Path) -> None:
    names = [f"P{number}" for number in range(BUDGETS_MAX)]
    path = tmp_path / "many.da"
    classes = (f"class {name}(process):\n    def run(): pass\n" for name in names)
    path.write_text("\n".join([*classes, "def main(): start(new(P0))"]))
    module = load_for_checking(path)
    with pytest.raises(ProgramError, match="too many classes"):
        check(module, (), Bounds(crashes=dict.fromkeys(names, 1)))
    few = dict.fromkeys(names[: BUDGETS_MAX - 5], 1)
    assert check(module, (), Bounds(crashes=few)).verdict == "holds"

"""What clients see is judged of every run, as the history of each would be that is judged alone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operations import ARGS, GUARANTEES, PROGRAM, program
from quorate.compiler.loader import main_of
from quorate.core.errors import ProgramError
from quorate.worlds.base import command_line, surroundings
from quorate.worlds.check.clients import contradicts, events_of
from quorate.worlds.check.counterexample import counterexample_of
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.orders import Order, Search
from quorate.worlds.check.run import Checked, check, check_loaded
from quorate.worlds.check.steps import Steps
from quorate.worlds.check.tables import FREE, NOBODY, Tables

# All runs, one by one: plain interleaving, with the whole history as a part of the state.


def histories(tables: Tables) -> Iterator[tuple[Any, bool]]:
    """The history of each beginning of a run, and whether the run is at its end."""
    begins = tables.begin(main_of(next(iter(tables.steps.modules.given.values()))))
    budgets = tuple(each.times for each in tables.budgets)
    todo = [({}, (), budgets, (), each) for each in begins]
    seen = set()
    while todo:
        locals, net, left, history, action = todo.pop()
        outcome = tables.outcomes[action]
        after = [(tables.slot[each], each) for each in (outcome.after, *outcome.made)]
        locals = {**locals, **dict(after)}
        net = list(net)
        if outcome.taken >= 0:
            net.remove(outcome.taken)
        net = tuple(sorted([*net, *(m for m in outcome.sent if tables.to[m] != tables.clients)]))
        if outcome.cost != FREE:
            left = tuple(b - (place == outcome.cost) for place, b in enumerate(left))
        told = tables.recorded(action)
        history = (*history, told) if told else history
        state = (tuple(sorted(locals.items())), net, left, str(history))
        if state in seen:
            continue
        seen.add(state)
        events = [each for local in locals.values() for each in tables.move(local)]
        for message in set(net):
            events += tables.deliver(locals.get(tables.to[message], NOBODY), message)
        here = [e for e in events if left[tables.outcomes[e].cost] or not costs(tables, e)]
        todo += [(locals, net, left, history, each) for each in here]
        yield history, all(tables.outcomes[each].kind == "crash" for each in here)


def costs(tables: Tables, action: int) -> bool:
    return tables.outcomes[action].cost != FREE


def is_contradicted(module: ModuleType, bounds: Bounds) -> bool:
    """Whether the history of some run is not what the program says of it."""
    steps = Steps(module)
    tables = Tables(steps, lambda local, process: 0, budgets=bounds.budgets)
    in_the_end = bool(steps.place.judges.in_the_end)
    judged = set()
    for history, ends in histories(tables):
        if (ends or not in_the_end) and str(history) not in judged:
            judged.add(str(history))
            if contradicts(events_of(history), steps.said) is not None:
                return True
    return False


@pytest.mark.parametrize("guarantee", GUARANTEES)
@given(
    args=ARGS,
    crashes=st.sampled_from([0, 0, 1]),
    restarts=st.integers(0, 1),
)
@settings(max_examples=6, deadline=None)
def test_it_is_as_of_each_run_alone(
    tmp_path_factory: pytest.TempPathFactory,
    guarantee: str,
    args: tuple[Any, ...],
    crashes: int,
    restarts: int,
) -> None:
    module = program(guarantee, tmp_path_factory.getbasetemp())
    bounds = Bounds(crashes=crashes, restarts=restarts)
    with command_line(str(module.__file__), args), surroundings(0):
        expected = is_contradicted(module, bounds)
    for reduce in (True, False):
        found = check(module, args, replace(bounds, reduce=reduce), deadlocks=False)
        assert (found.verdict == "violated") == expected
        assert (found.contradiction is not None) == expected


# Of single programs.


def checked(
    tmp_path: Path, text: str, *args: str, deadlocks: bool = True, **bounds: Any
) -> Checked:
    path = tmp_path / "told.da"
    path.write_text(text)
    return check(path, args, Bounds(**bounds), deadlocks=deadlocks)


def test_why_is_said_as_it_is_of_any_history(tmp_path: Path) -> None:
    found = counterexample_of(checked(tmp_path, PROGRAM, "none", "2", "0", "w", "r"))
    assert found is not None
    assert found.kind == "property"
    head, _, _, why, *_ = found.text.splitlines()
    count = len(found.way)
    assert head == (
        f"error[Q125]: `linearizable` does not hold after {count} steps, the last of which Client-4"
        " took"
    )
    assert why == "no order of the operations explains the return in line 4"
    assert "That rules out read() -> null." in found.text


@pytest.mark.parametrize("search", ["depth", "walks", "pct", "new"])
def test_other_orders_find_it_too(tmp_path: Path, search: Search) -> None:
    module = program("linearizable", tmp_path)
    with command_line("clients.da", ["none", "2", "0", "w", "r"]), surroundings(0):
        found = counterexample_of(check_loaded(module, order=Order(search)))
    assert found is not None
    assert found.text.startswith("error[Q125]: `linearizable` does not hold after ")


ALONE = """
class Client(process):
    def setup(first): pass
    def run():
        if first:
            invoke('write', 1)
            returned()
        else:
            invoke('read')
            returned(None)
def main():
    start(new(Client, (True,)))
    start(new(Client, (False,)))
linearizable('register')
"""


def test_clients_that_are_started_together_may_begin_one_after_the_other(tmp_path: Path) -> None:
    assert checked(tmp_path, ALONE).contradiction is not None
    one_by_one = ALONE.replace("returned(None)", "returned(1)")
    assert checked(tmp_path, one_by_one).contradiction is not None  # the second may be first


CRASHING = """
class Client(process):
    def run():
        invoke('read')
        returned(None)
        invoke('write', 1)
        -- later
        returned()
        -- done
def main():
    start(new(Client))
linearizable('register')
"""


def test_an_operation_is_unknown_after_a_crash(tmp_path: Path) -> None:
    """Only if it has returned before, what is read in the next life is wrong."""
    assert checked(tmp_path, CRASHING, crashes=1).contradiction is None
    assert checked(tmp_path, CRASHING, crashes=1, restarts=1).contradiction is not None
    soon = CRASHING.replace("        -- done\n", "")
    assert checked(tmp_path, soon, crashes=1, restarts=1).contradiction is None


def test_processes_that_are_alike_may_be_clients(tmp_path: Path) -> None:
    def states(reduce: bool) -> int:
        found = checked(tmp_path, PROGRAM, "none", "1", "1", "r", "r", "r", reduce=reduce)
        assert found.verdict == "holds"
        assert (found.explorer.symmetry is None) != reduce
        return found.graph.states

    assert 3 * states(True) < states(False)


LOCK = """
class Lock(process):
    def setup():
        self.free = True
    def receive(msg=('acquire',), from_=p):
        send(('is', free), to=p)
        free = False
    def receive(msg=('release',), from_=p):
        free = True
        send(('released',), to=p)
class Client(process):
    def setup(lock): pass
    def run():
        invoke('acquire', 'it')
        send(('acquire',), to=lock)
        await(some(received(('is', free))))
        returned(free)
        if free:
            invoke('release', 'it')
            send(('release',), to=lock)
            WAIT
            returned()
def main():
    lock = new(Lock, ())
    start(lock)
    start(new(Client, (lock,), num=3))
linearizable('lock')
"""


@pytest.mark.parametrize("reduce", [True, False])
def test_a_model_may_know_its_clients(tmp_path: Path, reduce: bool) -> None:
    right = LOCK.replace("WAIT", "await(some(received(('released',))))")
    assert checked(tmp_path, right, reduce=reduce).verdict == "holds"
    hasty = LOCK.replace("WAIT", "pass")  # another may then be told that it is still held
    assert checked(tmp_path, hasty, reduce=reduce).contradiction is not None


MIXED = """
from quorate.consistency import Model

@linearizable
class Mixed(Model):
    name = 'mixed'
    def initial(self): return 0
    def step(self, state, operation): return state
    def key(self, operation): return operation.args or None
    def check(self, operation): return None

class Client(process):
    def run():
        for number in range(2):
            invoke('ask', *range(number))
            returned()
def main():
    start(new(Client))
"""


def test_a_model_that_cannot_be_followed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="by a model of Mixed") as raised:
        checked(tmp_path, MIXED)
    assert raised.value.code == "Q148"


@pytest.mark.parametrize("guarantee", ["linearizable", "sequential"])
def test_it_is_judged_where_waiting_is_no_violation(tmp_path: Path, guarantee: str) -> None:
    text = ALONE.replace("linearizable", guarantee).replace("None", "2")
    text = text.replace(
        "def main", "class Waits(process):\n    def run(): await(received(1))\ndef main"
    )
    text = text.replace("main():", "main():\n    start(new(Waits))")
    found = checked(tmp_path, text, deadlocks=False)
    assert found.contradiction is not None
    right = checked(tmp_path, text.replace("returned(2)", "failed()"), deadlocks=False)
    assert right.verdict == "holds"

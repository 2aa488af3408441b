"""Steps that leave a process as it was: told without freezing it, and only where they do."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core.ids import ProcessId, main_id
from quorate.core.naming import Modules
from quorate.core.process import Process
from quorate.core.thaw import Thawer
from quorate.worlds.check.canonical import canonical
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.run import check
from quorate.worlds.check.steps import Steps
from quorate.worlds.check.stutter import Snapshot
from stage import Stage

ROOT = Path(__file__).parents[3]
MODULES = Modules({})


class Holder(Process):
    def setup(self, **fields: Any) -> None:
        self.set_(**fields)


def snapshot(**fields: Any) -> tuple[Any, Snapshot]:
    """A process with these fields, thawed, and what there is to say of it."""
    made = Holder(ProcessId("Holder", (1,)), main_id(), Stage())
    made.prepare_((), fields)
    state = canonical(made, MODULES)
    thawer = Thawer(state, Stage(), MODULES)
    thawed = thawer.thaw()
    assert canonical(thawed, MODULES) == state
    return thawed, Snapshot(state, thawer.made)


ATOMS = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([1.0, 1000, "a", "b"])
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(deque)
        | st.tuples(inner, inner)
        | st.sets(ATOMS, max_size=3)
        | st.dictionaries(ATOMS, inner, max_size=3)
    ),
    max_leaves=8,
)


def containers(value: Any) -> list[Any]:
    """All that can change in a value, and the value itself in a list of one if it cannot."""
    found = []
    if isinstance(value, (list, deque, set, dict)):
        found.append(value)
    if isinstance(value, (list, tuple, deque)):
        inside = list(value)
    else:
        inside = list(value.values()) if isinstance(value, dict) else []
    return found + [each for one in inside for each in containers(one)]


def change(held: Any, place: int, value: Any, key: Any) -> None:
    """One of the changes that a program may make to what it holds."""
    match held:
        case set():
            held.discard(key) if place % 2 else held.add(key)
        case dict():
            held.pop(key, None) if place % 2 else held.update({key: value})
        case _ if held and place % 3:
            held[place % len(held)] = value
        case _ if held and place % 2:
            held.pop()
        case _:
            held.append(value)


@given(VALUES, st.lists(st.tuples(st.integers(0, 5), VALUES, ATOMS), max_size=3), st.data())
def test_what_is_said_to_be_as_it_was_is_so(value: Any, changes: Any, data: Any) -> None:
    process, before = snapshot(value=value)
    for change_ in changes:
        places = containers(process.value)
        if not places or data.draw(st.integers(0, 4)) == 0:
            process.value = change_[1]
        else:
            change(data.draw(st.sampled_from(places)), *change_)
    is_same = canonical(process, MODULES) == before.state
    assert is_same or not before.holds()
    assert changes or before.holds()


def set_field(process: Any) -> None:
    process.other = 1


CHANGES: list[tuple[Any, Callable[[Any], None]]] = [
    (1, set_field),
    (1, lambda process: delattr(process, "value")),
    (1, lambda process: setattr(process, "value", True)),
    ([1], lambda process: setattr(process, "value", [1])),  # nobody looks so closely
    ([[1], [1]], lambda process: process.value.reverse()),
    ({1}, lambda process: (process.value.clear(), process.value.add(True))),
    ({1: 2}, lambda process: process.value.update({1: 2.0})),
    (([1], 2), lambda process: process.value[0].append(2)),
    (1, lambda process: process.inbox_.append(1)),
    (1, lambda process: process.children_.update(a=1)),
]


@pytest.mark.parametrize(("value", "changes"), CHANGES)
def test_what_has_changed_is_seen(value: Any, changes: Callable[[Any], None]) -> None:
    process, before = snapshot(value=value)
    assert before.holds()
    changes(process)
    assert not before.holds()


def test_of_what_is_not_looked_into_nothing_is_said() -> None:
    _, before = snapshot(value=bytearray(b"a"))
    assert not before.holds()


PROGRAMS = [
    (ROOT / "bench" / "models" / "two_phase.da", (3,), Bounds(network="set", reduce=False)),
    (Path(__file__).parent / "paxos.da", (2, 3, 1), Bounds(states=3_000, reduce=False)),
    (ROOT / "examples" / "raft.da", (3, 1), Bounds(timeouts=2, states=2_000, reduce=False)),
    (ROOT / "examples" / "lamport_mutex.da", (2, 1), Bounds(network="fifo", states=2_000)),
    (ROOT / "examples" / "gossip.da", (2,), Bounds(duplicates=1, crashes=1, states=2_000)),
]


@pytest.mark.parametrize(
    ("path", "args", "bounds"), PROGRAMS, ids=[each[0].stem for each in PROGRAMS]
)
def test_whoever_goes_on_from_a_stuttering_step_does_as_one_that_is_thawed(
    path: Path, args: tuple[int, ...], bounds: Bounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> Any:
        checked = check(path, args, bounds, deadlocks=False, kernel=False)
        tables = checked.tables
        states = [each and each.state for each in tables.locals]
        sent = [each.key for each in tables.messages]
        return checked.graph.states, checked.verdict, tables.outcomes, states, sent

    kept = found()
    monkeypatch.setattr(Steps, "_about_to_step", Steps.thaw)
    assert found() == kept

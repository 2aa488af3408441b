"""What is followed event by event is refused where the whole is, and at the same event."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from consistency import atomic
from quorate.consistency import (
    MODELS,
    UNKNOWN,
    History,
    Model,
    Operation,
    Recorder,
    Verdict,
    check_linearizability,
)
from quorate.consistency.objects import ObjectModel
from quorate.consistency.stepwise import BEGINNING, Standing, Stepwise, Unexplained, Unfollowed


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def write(self, value: int) -> int:
        self.count, before = value, self.count
        return before

    def read(self) -> int | None:
        return self.count or None

    def cas(self, old: int, new: int) -> bool:
        fits = self.count == old
        self.count = new if fits else self.count
        return fits


def follow(steps: Stepwise, history: History) -> Standing | int:
    """What is kept in the end, or the line at which the history is refused."""
    points = []
    for each in history.operations:
        points.append((each.invoked, "invoke", each))
        if (line := each.returned or each.lost) is not None:
            points.append((line, "end", each))
    standing = BEGINNING
    for line, what, each in sorted(points, key=lambda point: point[0]):
        try:
            if what == "invoke":
                standing = steps.invoke(standing, each.client, each.known_at(each.invoked))
            else:
                standing = steps.end(standing, each.client, each.outcome, each.result)
        except Unexplained:
            return line
    return standing


MODELS_HERE = sorted([*MODELS, "counter"])


def model_of(name: str) -> Model:
    return ObjectModel(Counter) if name == "counter" else MODELS[name]()


def histories(name: str) -> st.SearchStrategy[History]:
    return atomic.histories("register" if name == "counter" else name, right=False)


@pytest.mark.parametrize("name", MODELS_HERE)
@settings(max_examples=300)
@given(st.data())
def test_a_history_is_refused_at_the_end_of_its_shortest_prefix(
    name: str, data: st.DataObject
) -> None:
    history = data.draw(histories(name))
    found = check_linearizability(history, model_of(name))
    refused = follow(Stepwise(model_of(name)), history)
    if found.failure is None:
        assert not isinstance(refused, int)
    else:
        assert refused == found.failure.line


@pytest.mark.parametrize("name", MODELS_HERE)
@given(st.data())
def test_what_has_failed_has_had_no_effect(name: str, data: st.DataObject) -> None:
    history = data.draw(histories(name))
    failing = data.draw(st.sets(st.sampled_from([each.invoked for each in history.operations])))
    history = History(tuple(map(failed_if(failing), history.operations)))
    found = check_linearizability(history, model_of(name))
    refused = isinstance(follow(Stepwise(model_of(name)), history), int)
    assert refused == (found.verdict is Verdict.VIOLATED)


def failed_if(lines: set[int]) -> Callable[[Operation], Operation]:
    def changed(each: Operation) -> Operation:
        if each.invoked not in lines:
            return each
        line = each.returned or each.lost
        return replace(each, outcome="failed", result=UNKNOWN, returned=line, lost=None)

    return changed


@pytest.mark.parametrize("name", MODELS_HERE)
@given(st.data())
def test_what_is_kept_tells_nothing_of_an_order_that_does_not_count(
    name: str, data: st.DataObject
) -> None:
    """Neighbours that both begin, or both end, come in either order."""
    history = data.draw(histories(name))
    ends = {each.returned or each.lost or 0 for each in history.operations}
    line = data.draw(st.integers(1, 2 * len(history.operations)))
    if (line in ends) != (line + 1 in ends):
        return
    other = {line: line + 1, line + 1: line}
    changed = [
        replace(
            each,
            invoked=other.get(each.invoked, each.invoked),
            returned=other.get(each.returned or 0, each.returned),
            lost=other.get(each.lost or 0, each.lost),
        )
        for each in history.operations
    ]
    steps = Stepwise(model_of(name))
    kept, again = follow(steps, history), follow(steps, History(tuple(changed)))
    assert kept == again or (isinstance(kept, int) and isinstance(again, int))


def test_of_what_is_over_only_the_state_is_kept() -> None:
    steps = Stepwise(MODELS["register"]())
    recorder = Recorder()
    for value in (1, 2, None):
        recorder.invoke("a", "write", value)
        recorder.invoke("b", "read")
        recorder.returns("a")
        recorder.returns("b", value)
    assert follow(steps, recorder.history()) == BEGINNING


class Mixed(Model):
    """Some operations are on one object, some on all, and it does not say which there are."""

    name = "mixed"

    def initial(self) -> int:
        return 0

    def step(self, state: int, operation: Operation) -> int:
        return state

    def key(self, operation: Operation) -> object | None:
        return operation.args or None

    def check(self, operation: Operation) -> None:
        return None


def test_operations_on_one_object_and_on_all_are_not_followed() -> None:
    recorder = Recorder()
    recorder.invoke("a", "read", 1)
    recorder.invoke("b", "read")
    with pytest.raises(Unfollowed):
        follow(Stepwise(Mixed()), recorder.history())

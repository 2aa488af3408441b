"""Sequential consistency, as by trying every order that keeps the order of each client."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consistency import atomic
from consistency.atomic import Apply
from quorate.consistency import (
    MODELS,
    History,
    Limits,
    Operation,
    Recorder,
    Verdict,
    check_sequential,
)


def holds(left: list[Operation], state: Any, apply: Apply) -> bool:
    if all(each.returned is None for each in left):
        return True
    for each in left:
        before = [o for o in left if o.client == each.client and o.invoked < each.invoked]
        if any(other.returned is not None for other in before):
            continue
        result, after = apply(state, each.client, each.name, each.args)
        if result != "!" and atomic.agrees(each.result, result):
            if holds([other for other in left if other is not each], after, apply):
                return True
    return False


@pytest.mark.parametrize("name", sorted(MODELS))
@settings(max_examples=200)
@given(st.data())
def test_any_history_is_judged_as_by_trying_every_order(name: str, data: st.DataObject) -> None:
    history = data.draw(atomic.histories(name, right=False))
    apply = atomic.OBJECTS[name]
    found = check_sequential(history, MODELS[name]())
    expected = holds(list(history.operations), None, apply)
    assert found.verdict is (Verdict.HOLDS if expected else Verdict.VIOLATED)
    if found.stuck is None:
        returned = {each for each in history.operations if each.returned is not None}
        # reads of unknown result are left out
        assert returned <= set(found.order)
        assert atomic.follows(found.order, apply)
    else:
        assert atomic.follows(found.stuck.order, apply)


def test_a_stale_read_is_sequentially_consistent() -> None:
    recorder = Recorder()
    recorder.invoke("a", "write", 1)
    recorder.returns("a")
    recorder.invoke("b", "read")
    recorder.returns("b", None)
    assert check_sequential(recorder.history(), MODELS["register"]()).verdict is Verdict.HOLDS


def crossed() -> History:
    """Each of two clients writes one key and then finds nothing at the other."""
    recorder = Recorder()
    for client, own, other in (("a", "x", "y"), ("b", "y", "x")):
        recorder.invoke(client, "put", own, 1)
        recorder.returns(client)
        recorder.invoke(client, "get", other)
        recorder.returns(client, None)
    return recorder.history()


def test_keys_are_not_judged_one_by_one() -> None:
    found = check_sequential(crossed(), MODELS["kv"]())
    assert found.verdict is Verdict.VIOLATED
    assert found.stuck is not None
    assert [each.name for each in found.stuck.next] == ["get"]


def test_a_limit_gives_the_third_verdict() -> None:
    found = check_sequential(crossed(), MODELS["kv"](), Limits(configurations=2))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == "more than 2 configurations were to be remembered"

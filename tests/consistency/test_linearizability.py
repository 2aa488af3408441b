"""The checker says of every history what trying every order says, and shows why."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consistency import atomic
from quorate.consistency import (
    MODELS,
    REFUSED,
    History,
    Limits,
    Model,
    Operation,
    Recorder,
    Verdict,
    check_linearizability,
)

NAMES = st.sampled_from(sorted(MODELS))


def judge(name: str, history: History) -> Verdict:
    return check_linearizability(history, MODELS[name]()).verdict


@given(st.data(), NAMES)
def test_what_an_atomic_object_did_is_linearizable(data: st.DataObject, name: str) -> None:
    history = data.draw(atomic.histories(name, right=True, operations=12, clients=4))
    found = check_linearizability(history, MODELS[name]())
    assert found.verdict is Verdict.HOLDS
    ordered = [each for order in found.orders.values() for each in order]
    returned = [each for each in history.operations if each.returned is not None]
    assert len(set(ordered)) == len(ordered)
    assert set(returned) <= set(ordered)
    for order in found.orders.values():
        assert atomic.follows(order, atomic.OBJECTS[name])
        assert not list(atomic.out_of_order(order))


@pytest.mark.parametrize("name", sorted(MODELS))
@settings(max_examples=300)
@given(st.data())
def test_any_history_is_judged_as_by_trying_every_order(name: str, data: st.DataObject) -> None:
    history = data.draw(atomic.histories(name, right=False))
    apply = atomic.OBJECTS[name]
    found = check_linearizability(history, MODELS[name]())
    assert found.verdict is (Verdict.HOLDS if atomic.holds(history, apply) else Verdict.VIOLATED)
    if found.failure is not None:
        line = found.failure.line
        assert not atomic.holds(atomic.prefix(history, line), apply)
        assert atomic.holds(atomic.prefix(history, line - 1), apply)
        assert found.failure.is_shortest
        assert found.failure.last.returned == line
        assert atomic.follows(found.failure.order, apply)
        assert not list(atomic.out_of_order(found.failure.order))


def overlapping(name: str, *calls: tuple[object, ...], last: tuple[object, ...] = ()) -> History:
    """Operations that all overlap, each (arguments..., result); then a last one alone."""
    recorder = Recorder()
    for client, (*args, _) in enumerate(calls):
        recorder.invoke(client, name, *args)
    for client, (*_, result) in enumerate(calls):
        recorder.returns(client, result)
    if last:
        recorder.invoke("last", *last[:-1])
        recorder.returns("last", last[-1])
    return recorder.history()


def test_appends_at_once_are_soon_judged_by_what_is_read() -> None:
    letters = "abcdefghijklmnop"
    calls = [("x", letter, None) for letter in letters]
    history = overlapping("append", *calls, last=("get", "x", "ponmlkjihgfedcba"))
    assert judge("kv", history) is Verdict.HOLDS
    history = overlapping("append", *calls, last=("get", "x", "ponmlkjihgfedcbb"))
    assert judge("kv", history) is Verdict.VIOLATED


def test_writes_that_never_return_need_not_be_tried_in_every_way() -> None:
    recorder = Recorder()
    for client in range(60):
        recorder.invoke(client, "write", client % 3)
    for _ in range(30):
        for value in (0, 2, 1, 1):
            recorder.invoke("reader", "read")
            recorder.returns("reader", value)
    found = check_linearizability(recorder.history(), MODELS["register"](), Limits(seconds=20))
    assert found.failure is not None
    assert found.failure.line == 60 + 2 * 4 * 20 + 2


def test_limits_give_the_third_verdict() -> None:
    history = overlapping("enqueue", *[(n, None) for n in range(8)], last=("dequeue", 9))
    found = check_linearizability(history, MODELS["queue"](), Limits(configurations=50))
    assert (found.verdict, found.failure) == (Verdict.UNKNOWN, None)
    assert found.reason == "more than 50 configurations were to be remembered"
    found = check_linearizability(history, MODELS["queue"](), Limits(seconds=-1))
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "-1 s have passed")


def test_a_violation_at_one_key_is_found_though_another_is_hard() -> None:
    recorder = Recorder()
    for client in range(12):
        recorder.invoke(client, "append", "hard", chr(65 + client))
    recorder.invoke("reader", "get", "easy")
    recorder.returns("reader", "never written")
    for client in range(12):
        recorder.returns(client)
    recorder.invoke("reader", "cas", "hard", "x", "y")
    recorder.returns("reader", True)
    found = check_linearizability(recorder.history(), MODELS["kv"](), Limits(configurations=30_000))
    assert found.failure is not None
    assert found.failure.key == ("easy",)
    assert found.failure.line == 14


def test_reads_are_told_apart_by_type() -> None:
    assert judge("register", overlapping("write", (1, None), last=("read", True))) is (
        Verdict.VIOLATED
    )
    assert judge("register", overlapping("write", ([1], None), last=("read", [1]))) is (
        Verdict.HOLDS
    )


class Counter(Model):
    """The least that a model of a user has."""

    name = "counter"
    operations = {"increment": ()}

    def initial(self) -> int:
        return 0

    def step(self, state: int, operation: Operation) -> object:
        return state + 1 if operation.result == state + 1 else REFUSED


@pytest.mark.parametrize(
    ("results", "verdict"),
    [((1, 2, 3), Verdict.HOLDS), ((3, 1, 2), Verdict.HOLDS), ((1, 2, 2), Verdict.VIOLATED)],
)
def test_a_model_of_a_user(results: tuple[int, ...], verdict: Verdict) -> None:
    history = overlapping("increment", *[(each,) for each in results])
    assert check_linearizability(history, Counter()).verdict is verdict

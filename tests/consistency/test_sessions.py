"""Session guarantees, as by trying every order of the writes to each key."""

from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.consistency import (
    MODELS,
    History,
    HistoryError,
    Operation,
    Recorder,
    Verdict,
    check_sessions,
    read,
)
from quorate.consistency.sessions import (
    ALL,
    GUARANTEES,
    MONOTONIC_READS,
    MONOTONIC_WRITES,
    READ_YOUR_WRITES,
    WRITES_FOLLOW_READS,
)
from quorate.consistency.values import TRUE


def random_history(seed: int) -> History:
    """Three clients on two keys, who write each value once, and read any; some are unknown."""
    chance, recorder = Random(seed), Recorder()
    for number in range(1, chance.randint(2, 9)):
        client, key = chance.choice("abc"), chance.choice("xy")
        kind = chance.choice(["get", "get", "put", "put", "cas"])
        if kind == "get":
            recorder.invoke(client, "get", key)
            recorder.returns(
                client, chance.choice([None, *range(1, number)]) if number > 1 else None
            )
            continue
        if kind == "put":
            recorder.invoke(client, "put", key, number)
        else:
            recorder.invoke(client, "cas", key, chance.randint(1, number), number)
        if chance.random() < 0.2:
            recorder.loses(client)
        elif kind == "put":
            recorder.returns(client)
        else:
            recorder.returns(client, chance.random() < 0.6)
    return recorder.history()


def reads(operation: Operation) -> bool:
    return operation.name == "get" or (operation.name == "cas" and operation.result is TRUE)


def value_read(operation: Operation) -> object:
    return operation.result if operation.name == "get" else operation.args[1]


def writes(operation: Operation) -> bool:
    if operation.name == "cas":
        return operation.outcome == "unknown" or operation.result is TRUE
    return operation.name == "put"


def keeps(name: str, operations: list[Operation], order: list[object]) -> bool:
    """Whether the operations on one key keep a guarantee with this order of their values."""
    place = order.index
    for index, later in enumerate(operations):
        for earlier in operations[: index + 1]:
            if earlier.client != later.client:
                continue
            before = earlier is not later
            if name == READ_YOUR_WRITES and before and writes(earlier) and reads(later):
                if earlier.returned and place(earlier.args[-1]) > place(value_read(later)):
                    return False
            if name == MONOTONIC_READS and before and reads(earlier) and reads(later):
                if place(value_read(earlier)) > place(value_read(later)):
                    return False
            if name == MONOTONIC_WRITES and before and writes(earlier) and writes(later):
                if earlier.returned and place(earlier.args[-1]) > place(later.args[-1]):
                    return False
            if name == WRITES_FOLLOW_READS and reads(earlier) and writes(later):
                if place(value_read(earlier)) >= place(later.args[-1]):
                    return False
    return True


def naive(history: History, names: tuple[str, ...]) -> bool:
    for key in "xy":
        own = [each for each in history.operations if each.args[0] == key]
        written = [each.args[-1] for each in own if writes(each)]
        if any(value_read(each) not in [None, *written] for each in own if reads(each)):
            return False
        orders = ([None, *order] for order in permutations(written))
        if not any(all(keeps(name, own, order) for name in names) for order in orders):
            return False
    return True


@settings(max_examples=400)
@given(st.integers(0, 1 << 32))
def test_any_history_is_judged_as_by_trying_every_order_of_writes(seed: int) -> None:
    history = random_history(seed)
    found = check_sessions(history, MODELS["kv"]())
    for each in found.guarantees:
        names = GUARANTEES if each.name == ALL else (each.name,)
        impossible = not naive(history, ())
        expected = Verdict.HOLDS if naive(history, names) else Verdict.VIOLATED
        assert each.verdict is expected, each
        assert bool(each.impossible) is impossible
        if each.verdict is Verdict.VIOLATED and not impossible:
            ends = [reason.after for reason in each.cycle]
            assert [reason.before for reason in each.cycle] == [ends[-1], *ends[:-1]]
            assert all(reason.text for reason in each.cycle)


def told(*events: str) -> History:
    """Operations one after the other: `a put x 1`, `b get x 1`."""
    recorder = Recorder()
    for event in events:
        client, name, key, *values = event.split()
        numbers = [int(each) if each.isdigit() else None for each in values]
        recorder.invoke(client, name, key, *(numbers if name == "put" else ()))
        recorder.returns(client, None if name == "put" else numbers[0])
    return recorder.history()


@pytest.mark.parametrize(
    ("events", "violated"),
    [
        (("a put x 1", "a get x null"), {READ_YOUR_WRITES, ALL}),
        (("a put x 1", "b get x 1", "b get x null"), {MONOTONIC_READS, ALL}),
        (("a put x 1", "b get x null", "b get x 1"), set()),
        (
            ("a put x 1", "a put x 2", "b get x 2", "b get x 1"),
            {ALL},  # MW and MR disagree on the order, and each alone does not
        ),
        (("a put x 1", "b get x 1", "b put x 2", "c get x 2", "c get x 1"), {ALL}),
        (("a put x 1", "a get y null"), set()),
    ],
)
def test_what_the_literature_calls_violations(events: tuple[str, ...], violated: set[str]) -> None:
    found = check_sessions(told(*events), MODELS["kv"]())
    assert {e.name for e in found.guarantees if e.verdict is Verdict.VIOLATED} == violated


def test_values_written_twice_leave_it_open() -> None:
    found = check_sessions(told("a put x 1", "b put x 1", "a get x 1"), MODELS["kv"]())
    assert found.verdict is Verdict.UNKNOWN
    assert "written more than once" in found.reason


def test_append_is_refused() -> None:
    history = read([b'{"client": 1, "event": "invoke", "op": "append", "args": ["x", "a"]}'])
    with pytest.raises(HistoryError, match=r"\[Q304\] line 1: .*say nothing of `append`"):
        check_sessions(history, MODELS["kv"]())

"""Classes as models: they judge as the models of the same objects do."""

from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consistency import atomic
from quorate.consistency import (
    MODELS,
    History,
    HistoryError,
    Model,
    Recorder,
    Verdict,
    check_linearizability,
    check_sequential,
)
from quorate.consistency.objects import ObjectModel, model_of


class Register:
    def __init__(self) -> None:
        self.value: Any = None

    def read(self) -> Any:
        return self.value

    def write(self, value: Any) -> None:
        self.value = value

    def cas(self, old: Any, new: Any) -> bool:
        if self.value != old:
            return False
        self.value = new
        return True


class Store:
    """Of texts, in a dictionary and with methods that call each other."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self.values.get(key)

    def put(self, key: str, value: str) -> None:
        self.values[key] = value

    def append(self, key: str, text: str) -> None:
        self.put(key, self.values.get(key, "") + text)

    def delete(self, key: str) -> None:
        self._drop(key)

    def _drop(self, key: str) -> None:
        self.values.pop(key, None)

    def cas(self, key: str, old: str, new: str) -> bool:
        if self.get(key) != old:
            return False
        self.put(key, new)
        return True


class Queue:
    def __init__(self) -> None:
        self.members: deque[int] = deque()

    def enqueue(self, value: int) -> None:
        self.members.append(value)

    def dequeue(self) -> int | None:
        return self.members.popleft() if self.members else None


CLASSES: dict[str, type] = {"register": Register, "kv": Store, "queue": Queue}


@pytest.mark.parametrize("name", CLASSES)
@settings(max_examples=150)
@given(st.data())
def test_a_class_judges_as_the_model_does(name: str, data: st.DataObject) -> None:
    history = data.draw(atomic.histories(name, right=data.draw(st.booleans())))
    by_class = check_linearizability(history, ObjectModel(CLASSES[name]))
    by_model = check_linearizability(history, MODELS[name]())
    assert by_class.verdict is by_model.verdict
    if by_class.failure is not None and by_model.failure is not None:
        assert by_class.failure.line == by_model.failure.line
    in_order = check_sequential(history, ObjectModel(CLASSES[name]))
    assert in_order.verdict is check_sequential(history, MODELS[name]()).verdict


class Mutex:
    """Refuses what cannot be."""

    def __init__(self) -> None:
        self.holders: set[str] = set()

    def acquire(self, who: str) -> None:
        assert not self.holders
        self.holders.add(who)

    def release(self, who: str) -> None:
        assert who in self.holders
        self.holders.remove(who)


def one_by_one(*calls: tuple[Any, ...]) -> History:
    """(name, arguments ..., result) of operations that do not overlap."""
    recorder = Recorder()
    for name, *args, result in calls:
        recorder.invoke("a", name, *args)
        recorder.returns("a", result)
    return recorder.history()


def test_an_assertion_refuses_an_operation() -> None:
    held = one_by_one(("acquire", "a", None), ("release", "a", None), ("acquire", "b", None))
    assert check_linearizability(held, ObjectModel(Mutex)).verdict is Verdict.HOLDS
    twice = one_by_one(("acquire", "a", None), ("acquire", "b", None))
    found = check_linearizability(twice, ObjectModel(Mutex))
    assert found.failure is not None
    assert found.failure.line == 4
    assert found.model.show(found.model.initial()) == "holders = set()"


def test_true_is_not_one() -> None:
    wrong = one_by_one(("write", 1, None), ("read", True))
    assert check_linearizability(wrong, ObjectModel(Register)).verdict is Verdict.VIOLATED
    right = one_by_one(("write", True, None), ("cas", True, [1, {"a": None}], True))
    assert check_linearizability(right, ObjectModel(Register)).verdict is Verdict.HOLDS


def test_states_are_shown_by_their_fields() -> None:
    model = ObjectModel(Register)
    [write, read] = one_by_one(("write", 3, None), ("read", 3)).operations
    assert model.show(model.step(model.initial(), write)) == "value = 3"
    assert model.step(model.initial(), read) is not model.step(model.initial(), write)
    assert (model.label(write), model.label(read)) == ("write(3)", "read() -> 3")


class Faulty:
    def __init__(self, size: int = 0) -> None:
        self.size = size

    def divide(self, by: int) -> float:
        return self.size / by

    def odd(self) -> Any:
        return {1, 2}

    def one(self, first: int, second: int = 2) -> None: ...


@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        (("divide", 0, 1), "Q305", "`Faulty.divide` fails: ZeroDivisionError: division by zero"),
        (("odd", 1), "Q305", "`Faulty.odd` fails: a set is no JSON value"),
        (("one", 1), "Q303", "`one`: missing a required argument: 'first'"),
        (("_hidden", 1), "Q303", 'there is no operation "_hidden"'),
    ],
)
def test_mistakes_of_a_class(call: tuple[Any, ...], code: str, message: str) -> None:
    history = one_by_one(("one", 1, None), ("one", 1, 3, None), call)
    with pytest.raises(HistoryError) as raised:
        check_linearizability(history, ObjectModel(Faulty))
    assert (raised.value.code, raised.value.message) == (code, message)
    assert raised.value.line == 5


class Needs:
    def __init__(self, size: int) -> None:
        self.size = size

    def read(self) -> int:
        return self.size


def test_a_class_that_cannot_be_made() -> None:
    with pytest.raises(HistoryError, match="`Needs` fails: TypeError") as raised:
        check_linearizability(one_by_one(("read", 1)), ObjectModel(Needs))
    assert (raised.value.code, raised.value.line) == ("Q305", None)


class Own(Model):
    name = "own"


def test_what_a_model_is_chosen_by() -> None:
    assert type(model_of("kv")) is MODELS["kv"]
    assert type(model_of(Own)) is Own
    assert model_of(Queue).operations == {"enqueue": ("value",), "dequeue": ()}

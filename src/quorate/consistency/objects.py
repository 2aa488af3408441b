"""A class of Python as a model: its methods are the operations, and what they return the results.

    class Counter:
        def __init__(self): self.count = 0
        def read(self): return self.count

Invariant: a state is a number, and equal objects have the same one; so no method is called twice
with the same arguments on equal objects.
"""

from __future__ import annotations

import copy
import inspect
from collections import deque
from collections.abc import Hashable
from typing import Any

from quorate.consistency.history import HistoryError, Operation
from quorate.consistency.models import MODELS, REFUSED, Model, Refused, State
from quorate.consistency.values import UNKNOWN, Unfrozen, Value, clipped, frozen, thawed

_FAILS = "a method that an operation cannot call now says so by `assert`; other errors are its own"


class ObjectModel(Model):
    """The sequential object that `cls` makes, without arguments.

    A method that fails by an `assert` refuses the operation. Its arguments are JSON values, lists
    and dictionaries among them, and so is what it returns.
    """

    def __init__(self, cls: type) -> None:
        self.name = cls.__name__
        self.operations = {
            name: tuple(inspect.signature(method).parameters)[1:]
            for base in reversed(cls.__mro__)
            for name, method in vars(base).items()
            if inspect.isfunction(method) and not name.startswith("_")
        }
        self._cls: Any = cls
        self._objects: list[Any] = []  # by number
        self._numbers: dict[Hashable, int] = {}  # by what is in them
        self._steps: dict[tuple[int, str, tuple[Value, ...]], tuple[Value | Refused, int]] = {}
        self._answering: set[str] = set()  # operations that have returned something

    def initial(self) -> State:
        try:
            return self._number(self._cls())
        except Exception as error:
            raise self._failed(self.name, error, None) from error

    def step(self, state: State, operation: Operation) -> State | Refused:
        asked = (state, operation.name, operation.args)
        known = self._steps.get(asked)
        if known is None:
            known = self._steps[asked] = self._called(state, operation)
        result, after = known
        if result is REFUSED or operation.result not in (UNKNOWN, result):
            return REFUSED
        return after

    def _called(self, state: int, operation: Operation) -> tuple[Value | Refused, int]:
        """What the method returns, and the state after it."""
        changed = copy.deepcopy(self._objects[state])
        try:
            answer = getattr(changed, operation.name)(*map(thawed, operation.args))
            if answer is not None:
                self._answering.add(operation.name)
            return frozen(answer), self._number(changed)
        except AssertionError:
            return REFUSED, state
        except Exception as error:
            name = f"{self.name}.{operation.name}"
            raise self._failed(name, error, operation.invoked) from error

    def _failed(self, name: str, error: Exception, line: int | None) -> HistoryError:
        what = str(error) if isinstance(error, Unfrozen) else f"{type(error).__name__}: {error}"
        return HistoryError("Q305", f"`{name}` fails: {clipped(what, 200)}", _FAILS, line)

    def _number(self, made: Any) -> int:
        number = self._numbers.setdefault(_content(vars(made)), len(self._objects))
        if number == len(self._objects):
            self._objects.append(made)
        return number

    def check(self, operation: Operation) -> str | None:
        if operation.name in self.operations:
            signature = inspect.signature(getattr(self._cls, operation.name))
            try:
                signature.bind(None, *operation.args)
            except TypeError as mismatch:
                return f"`{operation.name}`: {mismatch}"
            return None
        none = f"`{self.name}` has no method that could be an operation"
        return super().check(operation) if self.operations else none

    def show(self, state: State) -> str:
        fields = vars(self._objects[state]).items()
        return ", ".join(f"{name} = {clipped(repr(value), 60)}" for name, value in fields)

    def label(self, operation: Operation) -> str:
        is_done = operation.result is None and operation.name not in self._answering
        return operation.call if is_done else str(operation)


def _content(value: Any) -> Hashable:
    """A value that is equal for equal values of the same type, and can be hashed."""
    kind = type(value)
    if kind is dict:
        return kind, frozenset((_content(key), _content(each)) for key, each in value.items())
    if kind in (set, frozenset):
        return kind, frozenset(map(_content, value))
    if kind in (list, tuple, deque):
        return kind, tuple(map(_content, value))
    if getattr(kind, "__hash__", None) is object.__hash__ and hasattr(value, "__dict__"):
        return kind, _content(vars(value))
    hash(value)
    return kind, value


def model_of(chosen: str | type) -> Model:
    """The model of this name, or the one that a class is. Raises KeyError for another name."""
    if isinstance(chosen, str):
        return MODELS[chosen]()
    if issubclass(chosen, Model):
        return chosen()
    return ObjectModel(chosen)

"""Models of sequential objects: what each operation may return, and what it makes of the state.

A model is the specification that a history is compared with. Those of this module are known by
name to the command line; docs/consistency.md shows how to write another. Invariant: `step` is a
function of its arguments alone, and states can be hashed.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any, Final

from quorate.consistency.history import History, HistoryError, Operation, client_name
from quorate.consistency.values import FALSE, TRUE, UNKNOWN, Truth, Value, is_list, shown

State = Any
"""A hashable value that belongs to the model."""


class Refused:
    """The answer of `step` where an operation cannot have this result in this state."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "REFUSED"


REFUSED: Final = Refused()


class Model:
    """A sequential object; subclass it, and define `name`, `initial` and `step` at least."""

    name: str = ""
    operations: dict[str, tuple[str, ...]] = {}
    """The operations with the names of their arguments; empty if `check` is to judge alone."""
    knows_clients: bool = False
    """Whether it matters to `step` which client an operation is of."""

    def initial(self) -> State:
        """The state before any operation."""
        raise NotImplementedError

    def step(self, state: State, operation: Operation) -> State | Refused:
        """The state after the operation, or REFUSED if it cannot have its result in this state.

        Where `operation.result` is UNKNOWN, every result is possible.
        """
        raise NotImplementedError

    def key(self, operation: Operation) -> Hashable | None:
        """Which of many independent objects the operation is on; None if it is on all of them.

        A history is linearizable if what was done to each object is (Herlihy and Wing 1990,
        theorem 1; Horn and Kroening 2015 on parts of one object), so each is judged alone,
        beginning with `initial`.
        """
        return None

    def only_reads(self, operation: Operation) -> bool:
        """Whether the operation leaves every state as it is. To say no is slower, never wrong."""
        return False

    def leads(self, state: State, read: Operation, others: Iterable[Operation]) -> bool:
        """Whether some of the other operations, in some order, may lead from the state to the read.

        A hint that ends a search sooner where it says no; to say yes is slower, never wrong.
        """
        return True

    def check(self, operation: Operation) -> str | None:
        """Why this is no operation of the model; None if it is one."""
        if (parameters := self.operations.get(operation.name)) is None:
            return f"there is no operation {shown(operation.name)}"
        if len(operation.args) != len(parameters):
            return f"`{operation.name}` has {_counted(len(parameters))}, not {len(operation.args)}"
        return None

    def show(self, state: State) -> str:
        """The state, for people, as what follows `then`."""
        return f"the state is {state!r}"

    def label(self, operation: Operation) -> str:
        """The operation, for people; nothing of a null that only says that it is done."""
        is_done = operation.result is None and not self.only_reads(operation)
        return operation.call if is_done else str(operation)


def suited(history: History, model: Model) -> list[Operation]:
    """The operations that count: neither failed ones, nor reads of which no result is known.

    Raises `HistoryError` for the first that is none of the model's.
    """
    for operation in history.operations:
        if (why := model.check(operation)) is not None:
            asked_right = model.check(operation.known_at(operation.invoked)) is None
            line = operation.returned if asked_right else operation.invoked
            raise HistoryError("Q303", why, _usage(model), line)
    return [
        each
        for each in history.operations
        if each.outcome == "returned" or (each.outcome == "unknown" and not model.only_reads(each))
    ]


def _usage(model: Model) -> str:
    calls = ", ".join(f"{name}({', '.join(args)})" for name, args in model.operations.items())
    return f"operations of the model {model.name}: {calls or 'see there'}"


def _counted(count: int) -> str:
    return {0: "no arguments", 1: "1 argument"}.get(count, f"{count} arguments")


def _done(result: Value) -> bool:
    """Whether an operation may say this that says nothing of interest, or only that it is done."""
    return result is UNKNOWN or result is None or result is TRUE


class Register(Model):
    """One value, null at first. `cas` writes if the value is as expected, and says whether."""

    name = "register"
    operations = {"read": (), "write": ("value",), "cas": ("old", "new")}

    def initial(self) -> State:
        return None

    def step(self, state: State, operation: Operation) -> State | Refused:
        name, result = operation.name, operation.result
        if name in ("read", "get"):
            return state if result is UNKNOWN or result == state else REFUSED
        if name in ("write", "put"):
            return operation.args[-1]
        old, new = operation.args[-2:]
        fits = state == old
        if result is not UNKNOWN and bool(result) is not fits:
            return REFUSED
        return new if fits else state

    def only_reads(self, operation: Operation) -> bool:
        return operation.name == "read" or (operation.name == "cas" and operation.result is FALSE)

    def leads(self, state: State, read: Operation, others: Iterable[Operation]) -> bool:
        wanted = read.result
        if read.name == "cas" or state == wanted:
            return True
        return any(_begins(each, state, wanted) for each in others)

    def check(self, operation: Operation) -> str | None:
        if (why := super().check(operation)) is not None:
            return why
        return _says_whether(operation) if operation.name == "cas" else _says_nothing(operation)

    def show(self, state: State) -> str:
        return f"the value is {shown(state)}"


def _begins(operation: Operation, state: State, wanted: Value) -> bool:
    """Whether the operation makes the value that is wanted, or a string that it begins with."""
    if operation.name == "delete":
        return wanted is None or isinstance(wanted, str)
    made = operation.args[-1]
    if operation.name == "append" and state is not None:
        if not isinstance(state, str):
            return False
        made = f"{state}{made}"
    if isinstance(made, str) and isinstance(wanted, str):
        return wanted.startswith(made)
    return made == wanted


class KeyValue(Register):
    """A value for each key, null at first. `append` lengthens a string; no value is an empty one.

    `delete` makes the value null. Its result, as that of `put` and `append`, is not compared.
    """

    name = "kv"
    operations = {
        "get": ("key",),
        "put": ("key", "value"),
        "append": ("key", "text"),
        "cas": ("key", "old", "new"),
        "delete": ("key",),
    }

    def step(self, state: State, operation: Operation) -> State | Refused:
        name = operation.name
        if name == "append":
            if state is None:
                return operation.args[1]
            return f"{state}{operation.args[1]}" if isinstance(state, str) else REFUSED
        if name == "delete":
            return None
        return super().step(state, operation)

    def key(self, operation: Operation) -> Hashable | None:
        return (operation.args[0],)

    def only_reads(self, operation: Operation) -> bool:
        return operation.name == "get" or (operation.name == "cas" and operation.result is FALSE)

    def check(self, operation: Operation) -> str | None:
        if (why := Model.check(self, operation)) is not None:
            return why
        if operation.name == "append" and not isinstance(operation.args[1], str):
            return f"`append` appends a string, not {shown(operation.args[1])}"
        return _says_whether(operation) if operation.name == "cas" else None


class Queue(Model):
    """First in, first out. `dequeue` says null where the queue is empty."""

    name = "queue"
    operations = {"enqueue": ("value",), "dequeue": ()}

    def initial(self) -> State:
        return ()

    def step(self, state: State, operation: Operation) -> State | Refused:
        if operation.name == "enqueue":
            return (*state, operation.args[0])
        result = operation.result
        if result is UNKNOWN:
            return state[1:]
        if not state:
            return state if result is None else REFUSED
        return state[1:] if state[0] == result else REFUSED

    def only_reads(self, operation: Operation) -> bool:
        return operation.name == "dequeue" and operation.result is None

    def check(self, operation: Operation) -> str | None:
        if (why := super().check(operation)) is not None:
            return why
        if operation.name == "dequeue":
            return None
        if operation.args[0] is None:
            return "`enqueue` of null, which `dequeue` says of an empty queue"
        return _says_nothing(operation)

    def show(self, state: State) -> str:
        return f"the queue is {shown(state)}"


class Set(Model):
    """A set, empty at first. `read` says all members, in any order; `contains`, whether it has one.

    Where nobody reads all members, each value is judged alone.
    """

    name = "set"
    operations = {"add": ("value",), "remove": ("value",), "contains": ("value",), "read": ()}

    def initial(self) -> State:
        return frozenset()

    def step(self, state: State, operation: Operation) -> State | Refused:
        name, result = operation.name, operation.result
        if name == "read":
            if not isinstance(result, tuple):  # UNKNOWN
                return state
            same = len(result) == len(state) and state == frozenset(result)
            return state if same else REFUSED
        value = operation.args[0]
        held = value in state
        if name == "contains":
            return state if result is UNKNOWN or held is bool(result) else REFUSED
        changes = held is (name == "remove")
        if isinstance(result, Truth) and bool(result) is not changes:
            return REFUSED
        if not changes:
            return state
        return state - {value} if held else state | {value}

    def key(self, operation: Operation) -> Hashable | None:
        return operation.args or None

    def only_reads(self, operation: Operation) -> bool:
        return operation.name in ("read", "contains") or operation.result is FALSE

    def check(self, operation: Operation) -> str | None:
        if (why := super().check(operation)) is not None:
            return why
        if operation.name == "contains":
            return _says_whether(operation)
        if operation.name == "read":
            right = operation.result is UNKNOWN or is_list(operation.result)
            return None if right else f"`read` says a list, not {shown(operation.result)}"
        return None if operation.result is None else _says_whether(operation)

    def show(self, state: State) -> str:
        return f"the set is {{{shown(tuple(sorted(state, key=shown)))[1:-1]}}}"


class Lock(Model):
    """A mutex for each name, free at first. `acquire` says false where it is held.

    It belongs to the client that acquired it, and is not reentrant.
    """

    name = "lock"
    knows_clients = True
    operations = {"acquire": ("name",), "release": ("name",)}

    def initial(self) -> State:
        return None

    def step(self, state: State, operation: Operation) -> State | Refused:
        holder = (operation.client,)
        if operation.name == "release":
            return None if state == holder else REFUSED
        if operation.result is FALSE:
            return REFUSED if state is None else state
        return holder if state is None else REFUSED

    def key(self, operation: Operation) -> Hashable | None:
        return operation.args

    def only_reads(self, operation: Operation) -> bool:
        return operation.name == "acquire" and operation.result is FALSE

    def check(self, operation: Operation) -> str | None:
        if (why := super().check(operation)) is not None:
            return why
        if operation.name == "acquire" and operation.result is FALSE:
            return None
        return _says_nothing(operation)

    def show(self, state: State) -> str:
        return "the lock is free" if state is None else f"{client_name(state[0])} holds the lock"


def _says_whether(operation: Operation) -> str | None:
    if operation.result is UNKNOWN or isinstance(operation.result, Truth):
        return None
    return f"`{operation.name}` says true or false, not {shown(operation.result)}"


def _says_nothing(operation: Operation) -> str | None:
    if operation.name == "read" or _done(operation.result):
        return None
    return f"`{operation.name}` says null or true, not {shown(operation.result)}"


MODELS: Final[dict[str, type[Model]]] = {
    model.name: model for model in (Register, KeyValue, Queue, Set, Lock)
}

"""Linearizability, event by event: what orders of the operations so far may have led to.

Kept are configurations (Wing and Gong 1993; Lowe 2017, "Testing for linearizability", section 4):
none takes operations sooner than a return needs them, and none is there that another one leads to.
Invariants: what is kept is a value, and tells of the past no more than what took place before what;
a history is refused at the first event that no order explains.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from msgspec.structs import replace

from quorate.consistency.history import HistoryError, Operation, Outcome
from quorate.consistency.models import REFUSED, Model
from quorate.consistency.values import UNKNOWN, Value

Session = Any
"""Whoever has one operation at a time: can be hashed."""

Done = frozenset[tuple[Session, int]]
"""Whose open operations are in the order already, and the states that they were taken in."""

Lost = tuple[int, ...]
"""The operations without an end that are not in the order, and may still be."""

Configuration = tuple[int, Done, Lost]
"""Where an order can stand: the state, by its number."""

Open = frozenset[tuple[Session, int]]
"""The operations that have not ended."""

Place = tuple[int, Open, frozenset[Configuration]]
"""An object, by the number of its key, and what is kept of it."""

Standing = frozenset[Place]
"""All that is kept: an object that is as it was at first is not in it."""

BEGINNING: Standing = frozenset()


class Unexplained(Exception):
    """No order of the operations explains what has just returned, or that it has failed."""


class Unfollowed(Exception):
    """The model has operations on one of many objects, and others on all of them."""


class Numbers:
    """Values by number, in the order in which they are met."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._numbers: dict[Hashable, int] = {}

    def of(self, value: Any) -> int:
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class Stepwise:
    """Follows histories by a model. All that it is asked with the same, it answers with the same.

    Of an operation whose result is not known yet, what `step` says without a result has to be what
    it says with the one it gets, or to leave the state as it is.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._states = Numbers()
        self._operations = Numbers()
        self._keys = Numbers()
        self._is_whole = any(
            model.key(_operation(name, ("",) * len(args))) is None
            for name, args in model.operations.items()
        )

    # Events. All raise `HistoryError` for what is no operation of the model.

    def invoke(self, standing: Standing, who: Session, asked: Operation) -> Standing:
        """An operation begins; `asked.client` counts where the model knows clients."""
        self._check(asked)
        key = self._key(asked)
        if not self.model.knows_clients:
            asked = replace(asked, client=0)
        number = self._operations.of((asked.client, asked.name, asked.args))
        for place in standing:
            if place[0] == key:
                _, open, configurations = place
                return standing - {place} | {(key, open | {(who, number)}, configurations)}
        return standing | {(key, frozenset({(who, number)}), self._initial())}

    def end(self, standing: Standing, who: Session, outcome: Outcome, result: Value) -> Standing:
        """The open operation of somebody ends, if there is one. Raises `Unexplained`."""
        for place in standing:
            key, open, configurations = place
            for mine in open:
                if mine[0] == who:
                    left = open - {mine}
                    after = frozenset(self._after(configurations, left, mine, outcome, result))
                    if not after:
                        raise Unexplained
                    after = self._least(after, left)
                    is_over = not left and after == self._initial()
                    return standing - {place} | ({(key, left, after)} if not is_over else set())
        return standing

    def _after(
        self,
        configurations: frozenset[Configuration],
        others: Open,
        mine: tuple[Session, int],
        outcome: Outcome,
        result: Value,
    ) -> Iterator[Configuration]:
        """What configurations become when an operation ends."""
        who, number = mine
        operation = self._operation(number)
        if outcome == "returned":
            operation = replace(operation, result=result, outcome=outcome, returned=1)
            self._check(operation)
            configurations = self._reached(configurations, others)
        for state, done, lost in configurations:
            taken = next((each for each in done if each[0] == who), None)
            if outcome == "returned":
                after = self._step(state if taken is None else taken[1], operation)
                if taken is None and after is not None:
                    yield after, done, lost
                elif taken is not None and after == self._taken(taken[1], number):
                    yield state, done - {taken}, lost
            elif taken is None:
                never = outcome == "failed" or self.model.only_reads(operation)
                yield state, done, lost if never else tuple(sorted((*lost, number)))
            elif outcome == "unknown":
                yield state, done - {taken}, lost

    # Configurations.

    def _reached(self, some: frozenset[Configuration], open: Open) -> frozenset[Configuration]:
        """These, and those that they lead to."""
        found = dict.fromkeys(some)
        todo = list(some)
        for each in todo:
            for after in self._following(each, open):
                if after not in found:
                    found[after] = None
                    todo.append(after)
        return frozenset(found)

    def _following(self, now: Configuration, open: Open) -> Iterator[Configuration]:
        """With one operation more, or with one that never takes effect."""
        state, done, lost = now
        sessions = {who for who, _ in done}
        for who, number in open:
            if who not in sessions:
                yield self._taken(state, number), done | {(who, state)}, lost
        for number in set(lost):
            left = list(lost)
            left.remove(number)
            yield state, done, tuple(left)
            after = self._step(state, self._operation(number))
            if after is not None and after != state:
                yield after, done, tuple(left)

    def _least(self, some: frozenset[Configuration], open: Open) -> frozenset[Configuration]:
        """Without those that others lead to."""
        if len(some) == 1:
            return some
        led_to: set[Configuration] = set()
        for each in some:
            if each not in led_to:
                led_to |= self._reached(frozenset({each}), open) - {each}
        return some - led_to

    def _initial(self) -> frozenset[Configuration]:
        return frozenset({(self._states.of(self.model.initial()), frozenset(), ())})

    # The model.

    def _key(self, asked: Operation) -> int:
        """The object that an operation is on: one for all where the model has such operations."""
        key = None if self._is_whole else self.model.key(asked)
        number = self._keys.of(key)
        if not self._is_whole and len(self._keys.values) > 1 and None in self._keys.values:
            raise Unfollowed
        return number

    def _taken(self, state: int, number: int) -> int:
        """The state after an open operation: as it was where none without a result fits."""
        after = self._step(state, self._operation(number))
        return state if after is None else after

    def _step(self, state: int, operation: Operation) -> int | None:
        after = self.model.step(self._states.values[state], operation)
        return None if after is REFUSED else self._states.of(after)

    def _operation(self, number: int) -> Operation:
        client, name, args = self._operations.values[number]
        return _operation(name, args, client)

    def _check(self, operation: Operation) -> None:
        if (why := self.model.check(operation)) is not None:
            raise HistoryError("Q303", why, f"see the model {self.model.name}")


def _operation(name: str, args: tuple[Value, ...], client: Any = 0) -> Operation:
    """One of which no end is known."""
    return Operation(client, name, args, UNKNOWN, "unknown", 0, None)

"""Is a history sequentially consistent (Lamport 1979): is there one order of all operations?

It has to keep the order of each client, and need not keep that of real time; so objects cannot be
judged one by one. Invariant: of two ways to come to the same place, with the same state, only the
first is followed; a read that fits is taken at once, as nothing that fits later is lost by it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from quorate.consistency.history import History, Operation, Session
from quorate.consistency.limits import Budget, LimitReached, Limits, Verdict
from quorate.consistency.linearizability import by_key
from quorate.consistency.models import REFUSED, Model, State, suited
from quorate.consistency.search import Trail, operations_of

States = tuple[State, ...]
"""The state of each object."""

Place = tuple[int, ...]
"""How many operations of each client are in the order."""


@dataclass(frozen=True)
class Stuck:
    """The best order found, and the operations that would be next, one of each client at most."""

    order: tuple[Operation, ...]
    next: tuple[Operation, ...]
    states: tuple[State, ...]


@dataclass(frozen=True)
class Sequential:
    """The verdict on a history; `order` where it holds, `stuck` where not, else `reason`.

    Where it does not hold, every order ends before all operations that returned are in it.
    """

    verdict: Verdict
    model: Model
    history: History
    order: tuple[Operation, ...] = ()
    stuck: Stuck | None = None
    reason: str = ""


def check_sequential(history: History, model: Model, limits: Limits | None = None) -> Sequential:
    """Judge the history by the model. Raises `HistoryError` for operations that it has not.

    What a client does after an operation of which no end is known may take effect before it.
    """
    search = _Search(suited(history, model), model, Budget(limits or Limits()))
    try:
        order = search.run()
    except LimitReached as limit:
        return Sequential(Verdict.UNKNOWN, model, history, reason=str(limit))
    if order is not None:
        return Sequential(Verdict.HOLDS, model, history, tuple(order))
    return Sequential(Verdict.VIOLATED, model, history, stuck=search.stuck())


@dataclass(frozen=True)
class _Configuration:
    """Where a search stands: `lost` are the operations without an end that are in the order."""

    place: Place
    lost: int
    states: States
    trail: Trail


class _Search:
    def __init__(self, operations: Sequence[Operation], model: Model, budget: Budget) -> None:
        self._model = model
        self._budget = budget
        objects = by_key(operations, model)
        self._object = {
            each.invoked: number for number, own in enumerate(objects.values()) for each in own
        }
        self._initial = tuple(model.initial() for _ in objects)
        chains = _chains(operations)
        self._chains = list(chains.values())
        self._lost = [each for each in operations if each.returned is None]
        # for each, the number of its chain, and how many operations there come before it
        numbers = {session: number for number, session in enumerate(chains)}
        self._after = [
            (numbers.get(each.session, 0), _before(each, chains.get(each.session, [])))
            for each in self._lost
        ]
        self._seen: set[Hashable] = set()
        self._best: _Configuration | None = None

    def run(self) -> list[Operation] | None:
        """An order, or None if there is none. Raises `LimitReached`."""
        start = self._with_reads(_Configuration((0,) * len(self._chains), 0, self._initial, None))
        stack = [iter([start])]
        full = tuple(len(chain) for chain in self._chains)
        while stack:
            if (now := next(stack[-1], None)) is None:
                stack.pop()
                continue
            if now.place == full:
                return operations_of(now.trail)
            key = (now.place, now.lost, now.states)
            if key in self._seen:
                continue
            self._seen.add(key)
            self._budget.spend()
            if self._best is None or sum(now.place) > sum(self._best.place):
                self._best = now
            stack.append(self._following(now))
        return None

    def stuck(self) -> Stuck:
        """What came of a search that found no order."""
        assert self._best is not None
        heads = tuple(operation for _, operation in self._heads(self._best.place))
        states = tuple(self._best.states[self._object[each.invoked]] for each in heads)
        return Stuck(tuple(operations_of(self._best.trail)), heads, states)

    def _heads(self, place: Place) -> Iterator[tuple[int, Operation]]:
        for number, (index, chain) in enumerate(zip(place, self._chains, strict=True)):
            if index < len(chain):
                yield number, chain[index]

    def _following(self, now: _Configuration) -> Iterator[_Configuration]:
        """One operation more, those that were invoked first before others."""
        heads = sorted(self._heads(now.place), key=lambda head: head[1].invoked)
        for number, operation in heads:
            if (states := self._step(now.states, operation)) is not None:
                place = (*now.place[:number], now.place[number] + 1, *now.place[number + 1 :])
                after = _Configuration(place, now.lost, states, (now.trail, operation))
                yield self._with_reads(after)
        for index, operation in enumerate(self._lost):
            chain, least = self._after[index]
            if not now.lost >> index & 1 and now.place[chain] >= least:
                states = self._step(now.states, operation)
                if states is not None and states != now.states:
                    lost = now.lost | 1 << index
                    after = _Configuration(now.place, lost, states, (now.trail, operation))
                    yield self._with_reads(after)

    def _with_reads(self, now: _Configuration) -> _Configuration:
        """The configuration after all that only reads, and fits."""
        place, trail = list(now.place), now.trail
        for number, chain in enumerate(self._chains):
            while place[number] < len(chain):
                operation = chain[place[number]]
                if not self._model.only_reads(operation):
                    break
                if self._step(now.states, operation) is None:
                    break
                place[number] += 1
                trail = (trail, operation)
        return _Configuration(tuple(place), now.lost, now.states, trail)

    def _step(self, states: States, operation: Operation) -> States | None:
        number = self._object[operation.invoked]
        state = self._model.step(states[number], operation)
        if state is REFUSED:
            return None
        return (*states[:number], state, *states[number + 1 :])


def _chains(operations: Sequence[Operation]) -> dict[Session, list[Operation]]:
    """The operations of each client that have returned, in its order."""
    chains: dict[Session, list[Operation]] = {(int, 0): []}  # one there is in any case
    for each in operations:
        if each.returned is not None:
            chains.setdefault(each.session, []).append(each)
    return chains


def _before(operation: Operation, chain: Sequence[Operation]) -> int:
    return sum(1 for each in chain if each.invoked < operation.invoked)

"""Is a history linearizable, and if not, what is its shortest prefix that is not?

Each object is judged alone (Herlihy and Wing 1990; Horn and Kroening 2015). Invariant: HOLDS comes
with an order for each object, VIOLATED with a prefix that no order explains, UNKNOWN with the
bound that was reached; none is said for any other reason.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from quorate.consistency.history import History, Operation
from quorate.consistency.limits import Budget, LimitReached, Limits, Verdict
from quorate.consistency.models import Model, State, suited
from quorate.consistency.search import Configuration, Outcome, Search, operations_of

Key = Hashable | None

_FIRST_CONFIGURATIONS = 20_000


@dataclass(frozen=True)
class Failure:
    """Why a history is not linearizable.

    `operations` are those on the object `key` that were invoked up to `line`, where `last` returns:
    with it, they cannot be linearized; without it, they can. Orders come as far as `stuck`, which
    is `last` unless an operation that returned before could only follow from another result of
    `last`. `order` is one of those and ends in `state`; `states` are the states in which any ends.
    `is_shortest` is False where a limit ended the search for a shorter prefix, and `is_foreseen`
    True where orders end in `stuck` because of a read after it.
    """

    key: Key
    operations: tuple[Operation, ...]
    line: int
    last: Operation
    stuck: Operation
    order: tuple[Operation, ...]
    state: State
    states: tuple[State, ...]
    is_shortest: bool = True
    is_foreseen: bool = False


@dataclass(frozen=True)
class Linearizability:
    """The verdict on a history; `orders` where it holds, `failure` where not, else `reason`."""

    verdict: Verdict
    model: Model
    history: History
    orders: dict[Key, tuple[Operation, ...]] = field(default_factory=dict)
    failure: Failure | None = None
    reason: str = ""


def check_linearizability(
    history: History, model: Model, limits: Limits | None = None
) -> Linearizability:
    """Judge the history by the model. Raises `HistoryError` for operations that it has not."""
    budget = Budget(limits or Limits())
    orders: dict[Key, tuple[Operation, ...]] = {}
    failure: Failure | None = None
    reason = ""
    parts = by_key(suited(history, model), model)
    for most in (_FIRST_CONFIGURATIONS, None):  # a part may fail early that is not the first
        hard = {}
        for key, operations in parts.items():
            last = math.inf if failure is None else failure.line - 1
            try:
                outcome = Search(operations, model, budget, last).run(most)
            except LimitReached as limit:
                hard[key], reason = operations, str(limit)
                continue
            if outcome.stuck is None:
                orders[key] = tuple(operations_of(outcome.trail))
            else:
                failure = _shortest(key, operations, model, budget, outcome)
        parts = hard
    if failure is not None:
        return Linearizability(Verdict.VIOLATED, model, history, failure=failure)
    if parts:
        return Linearizability(Verdict.UNKNOWN, model, history, reason=reason)
    return Linearizability(Verdict.HOLDS, model, history, orders)


def by_key(operations: Sequence[Operation], model: Model) -> dict[Key, list[Operation]]:
    """The operations on each object; all under None if one of them is on all objects."""
    parts: dict[Key, list[Operation]] = {}
    for each in operations:
        key = model.key(each)
        if key is None:
            return {None: list(operations)}
        parts.setdefault(key, []).append(each)
    return parts


def _shortest(
    key: Key, operations: list[Operation], model: Model, budget: Budget, outcome: Outcome
) -> Failure:
    """The failure at the least line.

    A search knows from the beginning what operations return later than where it is stuck, so a
    longer prefix than the one up to there may be needed; prefixes of what can be linearized can.
    """
    assert outcome.stuck is not None
    returned = [each for each in operations if each.returned is not None]
    returned.sort(key=_line)
    low = bisect.bisect_left(returned, _line(outcome.stuck), key=_line)
    high, middle, found, is_shortest = len(returned) - 1, low, outcome, True
    try:
        while low < high or found is outcome:
            tried = Search(operations, model, budget, _line(returned[middle])).run()
            if tried.stuck is None:
                low = middle + 1
            else:
                high, found = middle, tried
            middle = (low + high) // 2
    except LimitReached:
        is_shortest = False
    is_foreseen = False
    try:
        plain = Search(operations, model, budget, _line(returned[high]), foresight=False)
        found = plain.run(_FIRST_CONFIGURATIONS)
    except LimitReached:
        is_foreseen = True
    return _failure(key, operations, returned[high], found, is_shortest, is_foreseen)


def _line(operation: Operation) -> int:
    assert operation.returned is not None
    return operation.returned


def _failure(
    key: Key,
    operations: list[Operation],
    last: Operation,
    found: Outcome,
    is_shortest: bool,
    is_foreseen: bool,
) -> Failure:
    assert found.stuck is not None
    best = max(found.before, key=_length)
    return Failure(
        key=key,
        operations=tuple(
            each.known_at(_line(last)) for each in operations if each.invoked <= _line(last)
        ),
        line=_line(last),
        last=last,
        stuck=found.stuck,
        order=tuple(operations_of(best.trail)),
        state=best.state,
        states=tuple(found.states),
        is_shortest=is_shortest,
        is_foreseen=is_foreseen,
    )


def _length(configuration: Configuration) -> int:
    return len(operations_of(configuration.trail))

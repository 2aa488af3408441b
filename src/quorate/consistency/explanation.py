"""Why a history is not linearizable, for people: what to show of it, under which marks.

Text and page show the same. Invariant: every operation shown has a mark of its own: its number in
the best order found, a letter where it has no place there, `!` where the order can go no further.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from quorate.consistency.history import Operation, client_name
from quorate.consistency.linearizability import Failure
from quorate.consistency.models import Model
from quorate.consistency.values import shown

OPERATIONS_MAX: Final = 14
STEPS_MAX: Final = 10
STATES_MAX: Final = 6
STUCK: Final = "!"


@dataclass(frozen=True)
class Marked:
    """An operation, its mark, how it is written, and what is said of it beside that."""

    mark: str
    operation: Operation
    label: str
    remark: str = ""

    @property
    def client(self) -> str:
        return client_name(self.operation.client)


@dataclass(frozen=True)
class Explanation:
    """`steps` are the last ones of the best order, after `earlier` others and what they lead to.

    `open` are operations that may come before `stuck`, and do not help; `reasons` say why not.
    """

    place: str
    drawn: tuple[Marked, ...]
    left_out: int
    earlier: str
    steps: tuple[Marked, ...]
    stuck: Marked
    open: tuple[Marked, ...]
    reasons: tuple[str, ...]


def explained(failure: Failure, model: Model) -> Explanation:
    """What to show of a failure."""
    steps = _steps(failure, model)
    numbers = {each.operation.invoked: each for each in steps}
    stuck = Marked(STUCK, failure.stuck, model.label(failure.stuck), "cannot be next")
    helpless = [
        each
        for each in failure.operations
        if each.invoked not in numbers
        and each.invoked != failure.stuck.invoked
        and (each.returned is None or each.returned > failure.stuck.invoked)
        and each.invoked < (failure.stuck.returned or failure.line)
    ]
    others = [
        Marked(mark, operation, model.label(operation))
        for mark, operation in zip(_letters(), helpless, strict=False)
    ]
    near = [each for each in steps if _overlap(each.operation, failure.stuck)]
    tail = steps[-STEPS_MAX:]
    last = [Marked("*", failure.last, model.label(failure.last))]
    if failure.last in failure.order or failure.last in [
        each.operation for each in [stuck, *others]
    ]:
        last = []
    drawn = dict.fromkeys([stuck, *last, *others, *near[::-1], *tail[::-1]])
    chosen = sorted(list(drawn)[:OPERATIONS_MAX], key=lambda each: each.operation.invoked)
    return Explanation(
        place=_place(failure),
        drawn=tuple(chosen),
        left_out=len(failure.operations) - len(chosen),
        earlier=_earlier(steps),
        steps=tuple(tail),
        stuck=stuck,
        open=tuple(others),
        reasons=tuple(_reasons(failure, model, bool(others))),
    )


def _steps(failure: Failure, model: Model) -> list[Marked]:
    """The operations of the best order, numbered, with the states that they lead to."""
    found, state = [], model.initial()
    for number, operation in enumerate(failure.order, 1):
        state = model.step(state, operation)
        remark = f"then {model.show(state)}"
        found.append(Marked(str(number), operation, model.label(operation), remark))
    return found


def _letters() -> Iterable[str]:
    yield from string.ascii_uppercase
    number = 1
    while True:
        yield f"Z{number}"
        number += 1


def _overlap(one: Operation, other: Operation) -> bool:
    return (one.returned is None or one.returned > other.invoked) and (
        other.returned is None or other.returned > one.invoked
    )


def _place(failure: Failure) -> str:
    count = len(failure.operations)
    what = f"{count:,} operations" if count != 1 else "1 operation"
    whole = "" if failure.key is None else f" on {named(failure.key)}"
    if not failure.is_shortest:
        return f"{what}{whole} up to line {failure.line}; a limit ended the search for fewer"
    return f"{what}{whole} up to line {failure.line}; those up to the line before can be ordered"


def named(key: object) -> str:
    """The name of the object that a key stands for."""
    parts = key if isinstance(key, tuple) else (key,)
    return ", ".join(shown(each) for each in parts)


def _earlier(steps: list[Marked]) -> str:
    hidden = steps[:-STEPS_MAX]
    return f"{len(hidden):,} others, {hidden[-1].remark}" if hidden else ""


def _reasons(failure: Failure, model: Model, has_open: bool) -> Iterable[str]:
    who, said = client_name(failure.stuck.client), model.label(failure.stuck)
    states = list(dict.fromkeys(model.show(each) for each in failure.states))
    if len(states) == 1:
        yield f"In every order of what came before, {states[0]} when {who} gets its answer."
    else:
        yield f"By the order of what came before, when {who} gets its answer, one of these holds:"
        yield from (f"  {each}" for each in states[:STATES_MAX])
        if len(states) > STATES_MAX:
            yield f"  and {len(states) - STATES_MAX:,} more"
    if failure.is_foreseen:
        yield f"After {said}, what is read up to line {failure.line} could not be read."
    else:
        yield f"None allows {said}." if len(states) > 1 else f"That rules out {said}."
    if has_open:
        yield "The operations with letters may come before it, and none of them helps."
    if failure.last is not failure.stuck and not failure.is_foreseen:
        last = failure.last
        yield f"It takes the return in line {failure.line} to know: another result of"
        yield f"{client_name(last.client)}'s {model.label(last)} would have explained the others."

"""Whether the history of a run is what the program says of its clients.

It is judged when the run is over, as it takes the whole of it to know. Invariant: what is said of a
history follows from it alone, on every machine: searches are bounded by what they remember, and
not by a clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from quorate.consistency import History, HistoryError, Limits, Model, Verdict, read
from quorate.consistency.explanation import STATES_MAX
from quorate.consistency.judgement import judge, why_not
from quorate.consistency.linearizability import Failure, Linearizability
from quorate.consistency.objects import model_of
from quorate.consistency.text import details_of
from quorate.core.errors import PropertyFailed
from quorate.core.operations import Event
from quorate.core.properties import Specification
from quorate.worlds.base.properties import after_step, place_of
from quorate.worlds.base.reports import seen_from_here

LIMITS = Limits(seconds=math.inf, configurations=200_000)

_FEWER = "let fewer clients be busy at once with one key, or with fewer operations"


def at_its_time(event: Event) -> str:
    """When an event has taken place."""
    return f"at {event.time:.6f} s{after_step(event.step, event.client)}"


def contradiction(
    lines: Sequence[bytes],
    events: Sequence[Event],
    said: Sequence[Specification],
    when: Callable[[Event], str] = at_its_time,
) -> PropertyFailed | None:
    """Why a history is not what a program has `said`; of several failures the first.

    `when` says when the event was at which that is seen, if it is at one.
    """
    history = read(lines)
    models = [model_of(each.model) for each in said]
    known = {name for model in models for name in model.operations}
    found = []
    for each, model in zip(said, models, strict=True):
        own = _operations_of(history, model, known)
        if (failure := _judged(own, model, each, events, when)) is not None:
            found.append(failure)
    return min(found, key=lambda each: each.step or math.inf, default=None)


def _operations_of(history: History, model: Model, known: set[str]) -> History:
    """What a model speaks of, and what none of all models knows."""
    if not model.operations:
        return history
    own = model.operations.keys()
    kept = (each for each in history.operations if each.name in own or each.name not in known)
    return History(tuple(kept))


def _judged(
    history: History,
    model: Model,
    said: Specification,
    events: Sequence[Event],
    when: Callable[[Event], str],
) -> PropertyFailed | None:
    def failed(
        code: str, head: str, lines: list[str], why: str, event: Event | None = None
    ) -> PropertyFailed:
        at = "" if event is None else f" {when(event)}"
        return _failed(said, code, head + at, lines, why, event)

    try:
        found = judge(history, model, said.guarantee, LIMITS)
    except HistoryError as error:
        event = None if error.line is None else events[error.line - 1]
        help = f"  = help: {error.help}"
        return failed(error.code, error.message, [help], error.message, event)
    name = f"`{said.guarantee}`"
    if found.verdict is Verdict.HOLDS:
        return None
    if found.verdict is Verdict.UNKNOWN:
        head = f"it is not known whether {name} holds: {found.reason}"
        return failed("Q126", head, [f"  = help: {_FEWER}"], head)
    lines, head = [why_not(found), *details_of(found)], f"{name} does not hold"
    if isinstance(found, Linearizability) and found.failure is not None:
        why, event = _reason(found.failure, model), events[found.failure.line - 1]
        return failed("Q125", head, lines, why, event)
    return failed("Q125", head, lines, why_not(found))


def _reason(failure: Failure, model: Model) -> str:
    """Why a return cannot be explained, on one line, and whose operations it takes to see that."""
    states = list(dict.fromkeys(model.show(each) for each in failure.states))
    so = ", or ".join(states[:STATES_MAX]) + (", or more" if len(states) > STATES_MAX else "")
    stuck = f"{model.label(failure.stuck)} of {failure.stuck.client}"
    clients = dict.fromkeys(str(each.client) for each in failure.operations)
    return f"nothing explains {stuck}: by then {so} (after operations of {', '.join(clients)})"


def _failed(
    said: Specification,
    code: str,
    head: str,
    lines: list[str],
    why: str,
    event: Event | None = None,
) -> PropertyFailed:
    """It is seen at `event`, or in the end."""
    text = "\n".join([head, *place_of(said.file, said.line), *lines])
    at = f"{seen_from_here(said.file)}:{said.line}"
    failed = PropertyFailed(code, text, said.guarantee, at, why)
    if event is not None:
        failed.process, failed.step = event.client, event.step
    return failed

"""Judgements as text, for a terminal: the verdict on the first line, and below it what shows it."""

from __future__ import annotations

from collections.abc import Iterator

from quorate.consistency.anomalies import Transactions
from quorate.consistency.explanation import Explanation, Marked, explained, named
from quorate.consistency.history import client_name
from quorate.consistency.judgement import Judgement, title_of
from quorate.consistency.limits import Verdict
from quorate.consistency.linearizability import Linearizability
from quorate.consistency.sequential import Sequential
from quorate.consistency.sessions import Guarantee, Sessions
from quorate.consistency.timeline import drawn

ORDER_MAX = 10


def text_of(found: Judgement) -> str:
    """The judgement as lines, some 100 columns wide."""
    return "\n".join([title_of(found), *details_of(found)]) + "\n"


def details_of(found: Judgement) -> Iterator[str]:
    """What shows that the verdict is right, line by line."""
    match found:
        case Linearizability(failure=failure) if failure is not None:
            yield from _failure(explained(failure, found.model), failure.line)
        case Sequential():
            yield from _stuck(found)
        case Sessions():
            for guarantee in found.guarantees:
                yield from _guarantee(guarantee)
        case Transactions():
            yield from _anomalies(found)


# --- Linearizability


def _failure(explanation: Explanation, last: int) -> Iterator[str]:
    """A timeline, the best order, and why it ends where it does."""
    yield f"({explanation.place})"
    yield ""
    yield from drawn(explanation.drawn, last)
    if explanation.left_out:
        yield f"  ({explanation.left_out:,} more are not drawn)"
    yield ""
    yield "The best order found:"
    if explanation.earlier:
        yield f"      {explanation.earlier}"
    marked = [*explanation.steps, explanation.stuck]
    width = max(len(_said(each)) for each in [*marked, *explanation.open])
    yield from (_line(each, width) for each in marked)
    if explanation.open:
        yield "Not in it:"
        yield from (_line(each, width) for each in explanation.open)
    yield ""
    yield from explanation.reasons


def _line(marked: Marked, width: int) -> str:
    text = f"{marked.mark:>4}  {_said(marked):{width}}  {lines_of(marked):12}  {marked.remark}"
    return text.rstrip()


def _said(marked: Marked) -> str:
    return f"{marked.client}: {marked.label}"


def lines_of(marked: Marked) -> str:
    """Where an operation stands in its history."""
    operation = marked.operation
    if operation.returned is None:
        return f"line {operation.invoked}"
    return f"lines {operation.invoked}-{operation.returned}"


# --- Sequential consistency


def _stuck(found: Sequential) -> Iterator[str]:
    if (stuck := found.stuck) is None:
        return
    yield ""
    yield "The best order found:"
    if len(stuck.order) > ORDER_MAX:
        yield f"  {len(stuck.order) - ORDER_MAX:,} others"
    for each in stuck.order[-ORDER_MAX:]:
        yield f"  {client_name(each.client)}: {found.model.label(each)}"
    yield "Then none of these can be next:"
    for operation, state in zip(stuck.next, stuck.states, strict=True):
        label = found.model.label(operation)
        place = f"in line {operation.invoked}"
        yield f"  {client_name(operation.client)}: {label} {place}, as {found.model.show(state)}"


# --- Session guarantees


def _guarantee(guarantee: Guarantee) -> Iterator[str]:
    yield f"  {guarantee.name}: {guarantee.verdict.value}"
    for each in guarantee.cycle:
        key = "" if each.before.key is None else f" of {named(each.before.key)}"
        yield f"    {each.before} has to precede {each.after}{key}:"
        yield f"      {each.text}"


# --- Transactions


def _anomalies(found: Transactions) -> Iterator[str]:
    for anomaly in found.anomalies:
        count = found.counts.get(anomaly.name, 1)
        more = f"; {count - 1:,} more of these" if count > 1 else ""
        yield ""
        yield f"{anomaly.name}, {anomaly.about}: rules out {anomaly.rules_out}{more}"
        yield from (f"  {each}" for each in anomaly.transactions)
        if anomaly.text:
            yield f"  {anomaly.text}"
        if anomaly.cycle:
            yield "  Each has to precede the next, and the last one the first:"
        for each in anomaly.cycle:
            yield f"    {each.before.name} before {each.after.name} ({each.kind}): {each.text}"
    if found.verdict is Verdict.VIOLATED and found.reason:
        yield ""
        yield f"There may be more: {found.reason}."

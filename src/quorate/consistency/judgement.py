"""What all judgements have in common: how they are made, a title, and their form as data."""

from __future__ import annotations

from typing import Any

from quorate.consistency.anomalies import Anomaly, Transactions
from quorate.consistency.history import History, Operation
from quorate.consistency.limits import Limits, Verdict
from quorate.consistency.linearizability import Failure, Linearizability, check_linearizability
from quorate.consistency.models import Model
from quorate.consistency.sequential import Sequential, Stuck, check_sequential
from quorate.consistency.sessions import Guarantee, Sessions, check_sessions
from quorate.consistency.values import UNKNOWN, thawed

Judgement = Linearizability | Sequential | Sessions | Transactions

NAMES: dict[type, str] = {
    Linearizability: "linearizable",
    Sequential: "sequentially consistent",
    Sessions: "consistent in each session",
    Transactions: "serializable, as far as the reads tell",
}


GUARANTEES = ("linearizable", "sequential", "sessions")
"""What a history may have to be, by a model; the first is meant where nothing is said."""


def judge(history: History, model: Model, guarantee: str, limits: Limits) -> Judgement:
    """Whether a history is what a guarantee says, by a model. Raises `HistoryError`."""
    if guarantee == "sequential":
        return check_sequential(history, model, limits)
    if guarantee == "sessions":
        return check_sessions(history, model)
    return check_linearizability(history, model, limits)


def title_of(found: Judgement) -> str:
    """The verdict in one line."""
    name, size = NAMES[type(found)], counted(found.history)
    if found.verdict is Verdict.UNKNOWN:
        return f"unknown whether it is {name}: {found.reason}; {size}"
    if found.verdict is Verdict.HOLDS:
        return f"{name}: {size}"
    if isinstance(found, Transactions):
        return why_not(found)
    return f"not {name}: {why_not(found)}"


def why_not(found: Judgement) -> str:
    """Why a history that is not as it should be is not, in a few words."""
    match found:
        case Linearizability(failure=failure) if failure is not None:
            return f"no order of the operations explains the return in line {failure.line}"
        case Sessions():
            names = [each.name for each in found.guarantees if each.verdict is Verdict.VIOLATED]
            if len(names) == len(found.guarantees):
                return found.guarantees[0].impossible or "none of the guarantees holds"
            return ", ".join(names)
        case Transactions():
            return f"ruled out: {', '.join(found.ruled_out)}"
    return "no order that keeps that of each client explains all results"


def counted(history: History) -> str:
    """How much there is: `1,000 operations of 10 clients`."""
    operations, clients = len(history.operations), len(history.clients)
    return (
        f"{operations:,} operation{'s' * (operations != 1)} "
        f"of {clients:,} client{'s' * (clients != 1)}"
    )


def data_of(found: Judgement) -> dict[str, Any]:
    """The judgement as JSON values. Operations are named by the lines of their invocations."""
    data: dict[str, Any] = {
        "verdict": found.verdict.value,
        "title": title_of(found),
        "operations": len(found.history.operations),
        "clients": len(found.history.clients),
    }
    if found.reason:
        data["reason"] = found.reason
    match found:
        case Linearizability(failure=failure):
            data["model"] = found.model.name
            if failure is not None:
                data["failure"] = _failure(failure)
        case Sequential(stuck=stuck):
            data["model"] = found.model.name
            if stuck is not None:
                data["stuck"] = _stuck(stuck)
        case Sessions():
            data["guarantees"] = [_guarantee(each) for each in found.guarantees]
        case Transactions():
            data["ruled_out"] = found.ruled_out
            data["anomalies"] = [_anomaly(each) for each in found.anomalies]
    return data


def _operation(operation: Operation) -> dict[str, Any]:
    data: dict[str, Any] = {
        "line": operation.invoked,
        "client": operation.client,
        "op": operation.name,
        "args": [thawed(each) for each in operation.args],
        "outcome": operation.outcome,
    }
    if operation.result is not UNKNOWN:
        data["result"] = thawed(operation.result)
        data["returned"] = operation.returned
    return data


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "line": failure.line,
        "is_shortest": failure.is_shortest,
        "prefix": [_operation(each) for each in failure.operations],
        "order": [each.invoked for each in failure.order],
        "stuck": failure.stuck.invoked,
        "last": failure.last.invoked,
    }


def _stuck(stuck: Stuck) -> dict[str, Any]:
    return {
        "order": [each.invoked for each in stuck.order],
        "next": [_operation(each) for each in stuck.next],
    }


def _guarantee(guarantee: Guarantee) -> dict[str, Any]:
    data: dict[str, Any] = {"name": guarantee.name, "verdict": guarantee.verdict.value}
    if guarantee.impossible:
        data["reason"] = guarantee.impossible
    if guarantee.cycle:
        data["cycle"] = [
            {"before": str(each.before), "after": str(each.after), "reason": each.text}
            for each in guarantee.cycle
        ]
    return data


def _anomaly(anomaly: Anomaly) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": anomaly.name,
        "about": anomaly.about,
        "rules_out": anomaly.rules_out,
        "transactions": {each.name: each.operation.invoked for each in anomaly.transactions},
    }
    if anomaly.text:
        data["reason"] = anomaly.text
    if anomaly.cycle:
        data["cycle"] = [
            {
                "kind": each.kind,
                "before": each.before.name,
                "after": each.after.name,
                "reason": each.text,
            }
            for each in anomaly.cycle
        ]
    return data

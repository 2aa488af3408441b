"""Anomalies of transactions (Adya 1999): cycles of dependencies, and reads of what is not there.

The dependencies are inferred from lists (Kingsbury and Alvaro 2020, "Elle"). Invariant: every
anomaly names the transactions and why each depends on the one before; what cannot be inferred is
taken to be in order, so none found is no proof of serializability.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from quorate.consistency.cycles import components, shortest_path
from quorate.consistency.dependencies import Dependency, dependencies, outside
from quorate.consistency.history import History
from quorate.consistency.limits import Budget, LimitReached, Limits, Verdict
from quorate.consistency.transactions import (
    Lists,
    Transaction,
    lists_of,
    transactions_of,
)
from quorate.consistency.values import shown

READ_UNCOMMITTED: Final = "read uncommitted"
READ_COMMITTED: Final = "read committed"
SNAPSHOT: Final = "snapshot isolation"
SERIALIZABLE: Final = "serializability"
LEVELS: Final = (READ_UNCOMMITTED, READ_COMMITTED, SNAPSHOT, SERIALIZABLE)
"""From the weakest to the strongest: PL-1, PL-2, and PL-3 of Adya; snapshot isolation between."""

# anomaly -> (the weakest level that forbids it, what it is)
ANOMALIES: Final[dict[str, tuple[str, str]]] = {
    "G0": (READ_UNCOMMITTED, "write cycle"),
    "G1a": (READ_COMMITTED, "aborted read"),
    "G1b": (READ_COMMITTED, "intermediate read"),
    "G1c": (READ_COMMITTED, "circular information flow"),
    "G-single": (SNAPSHOT, "single anti-dependency cycle, or read skew"),
    "G2": (SERIALIZABLE, "anti-dependency cycle, or write skew"),
    "internal": (SNAPSHOT, "a transaction that does not see its own append"),
    "unwritten read": (READ_COMMITTED, "a read of what nobody appended"),
    "duplicate": (READ_COMMITTED, "a list that holds an element twice"),
    "incompatible order": (READ_COMMITTED, "two reads of which neither continues the other"),
}
TRIED_MAX: Final = 1000
"""How many dependencies of one component a shortest cycle is looked for at."""


@dataclass(frozen=True)
class Anomaly:
    """One anomaly: a cycle of dependencies, or what `text` says of a read by `transactions`."""

    name: str
    transactions: tuple[Transaction, ...]
    cycle: tuple[Dependency, ...] = ()
    text: str = ""

    @property
    def about(self) -> str:
        return ANOMALIES[self.name][1]

    @property
    def rules_out(self) -> str:
        """The weakest level that does not allow it; nor do those above it."""
        return ANOMALIES[self.name][0]


@dataclass(frozen=True)
class Transactions:
    """The anomalies of a history, one of each kind, the shortest; `counts` says how many reads.

    `verdict` is on serializability, UNKNOWN for a `reason`, which also says why there may be more.
    """

    verdict: Verdict
    history: History
    anomalies: tuple[Anomaly, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    reason: str = ""

    @property
    def ruled_out(self) -> list[str]:
        """The levels that the history does not keep, the weakest first."""
        weakest = min(
            (LEVELS.index(each.rules_out) for each in self.anomalies), default=len(LEVELS)
        )
        return list(LEVELS[weakest:])


def check_transactions(history: History, limits: Limits | None = None) -> Transactions:
    """Look for anomalies of each kind. Raises `HistoryError` for what is no list append history."""
    seconds = (limits or Limits()).seconds
    transactions = transactions_of(history)
    lists = lists_of(transactions)
    found: dict[str, Anomaly] = {}
    counts: dict[str, int] = {}
    for anomaly in _of_reads(transactions, lists):
        found.setdefault(anomaly.name, anomaly)
        counts[anomaly.name] = counts.get(anomaly.name, 0) + 1
    reason = ""
    try:
        budget = Budget(Limits(seconds, sys.maxsize))
        _find_cycles(dependencies(transactions, lists), budget, found)
    except LimitReached as limit:
        reason = str(limit)
    ordered = tuple(found[name] for name in ANOMALIES if name in found)
    verdict = Verdict.UNKNOWN if reason else Verdict.HOLDS
    return Transactions(Verdict.VIOLATED if found else verdict, history, ordered, counts, reason)


# --- Reads


def _of_reads(transactions: Sequence[Transaction], lists: Lists) -> Iterator[Anomaly]:
    for each in transactions:
        if each.is_committed:
            yield from _of_transaction(each, lists)
    for key, (reader, elements) in lists.split.items():
        other = lists.readers[key]
        text = f"{reader.name} read {shown(key)} as {shown(elements)}, "
        text += f"and {other.name} as {shown(lists.orders[key])}"
        yield Anomaly("incompatible order", (reader, other), text=text)


def _of_transaction(reader: Transaction, lists: Lists) -> Iterator[Anomaly]:
    own: dict[object, list[object]] = {}
    for step in reader.steps:
        mine = own.setdefault(step.key, [])
        if step.appends:
            mine.append(step.value)
            continue
        elements = step.elements or ()
        seen = f"{reader.name} read {shown(step.key)} as {shown(elements)}"
        missing = [value for value in mine if value not in elements]
        if missing:
            text = f"{seen}, without {shown(missing[0])}, which it had appended before"
            yield Anomaly("internal", (reader,), text=text)
        if len(set(elements)) < len(elements):
            yield Anomaly("duplicate", (reader,), text=seen)
        for element in elements:
            writer = lists.writers.get((step.key, element))
            if writer is None:
                text = f"{seen}, with {shown(element)}, which nobody appended"
                yield Anomaly("unwritten read", (reader,), text=text)
            elif writer.is_aborted:
                text = f"{seen}, with {shown(element)}, which {writer.name} appended and aborted"
                yield Anomaly("G1a", (reader, writer), text=text)
        external = outside(reader, step)
        if external:
            writer = lists.writers.get((step.key, external[-1]))
            if writer not in (None, reader):
                last = writer.appended(step.key)[-1]
                if last != external[-1]:
                    text = f"{seen}, before {writer.name} appended {shown(last)} too"
                    yield Anomaly("G1b", (reader, writer), text=text)


# --- Cycles

Graph = dict[Transaction, dict[Transaction, dict[str, Dependency]]]

# name -> (the kind of one dependency, the kinds of the others)
_CLASSES: Final[dict[str, tuple[str, frozenset[str]]]] = {
    "G0": ("ww", frozenset({"ww"})),
    "G1c": ("wr", frozenset({"ww", "wr"})),
    "G-single": ("rw", frozenset({"ww", "wr"})),
    "G2": ("rw", frozenset({"ww", "wr", "rw"})),
}


def _find_cycles(all: Sequence[Dependency], budget: Budget, found: dict[str, Anomaly]) -> None:
    """A shortest cycle of each class, added to what was found. Raises `LimitReached`.

    For G2, only dependencies are looked at that are in no cycle of the class G-single.
    """
    graph: Graph = {}
    for each in all:
        graph.setdefault(each.before, {}).setdefault(each.after, {}).setdefault(each.kind, each)
        graph.setdefault(each.after, {})
    for component in components(graph):
        inside = set(component)
        for name, (first, others) in _CLASSES.items():
            for cycle in _through(graph, component, inside, first, others, budget):
                if name == "G2" and [each.kind for each in cycle].count("rw") < 2:
                    continue
                if name not in found or len(cycle) < len(found[name].cycle):
                    found[name] = Anomaly(name, tuple(each.before for each in cycle), cycle)


def _through(
    graph: Graph,
    component: Sequence[Transaction],
    inside: set[Transaction],
    first: str,
    others: frozenset[str],
    budget: Budget,
) -> Iterator[tuple[Dependency, ...]]:
    """For each dependency of one kind, a shortest cycle of it and others of some kinds."""
    successors = _within(graph, inside, others, budget)
    edges = (
        kinds[first]
        for node in component
        for after, kinds in graph[node].items()
        if first in kinds and after in inside
    )
    for _, edge in zip(range(TRIED_MAX), edges, strict=False):
        path = shortest_path(edge.after, edge.before, successors)
        if path is None:
            continue
        rest = [_weakest(graph[one][other], others) for one, other in pairwise(path)]
        yield (edge, *rest)


def _within(
    graph: Graph, inside: set[Transaction], kinds: frozenset[str], budget: Budget
) -> Callable[[Transaction], list[tuple[Transaction, int]]]:
    def successors(node: Transaction) -> list[tuple[Transaction, int]]:
        budget.spend()
        return [
            (after, 1)
            for after, found in graph[node].items()
            if after in inside and not kinds.isdisjoint(found)
        ]

    return successors


def _weakest(found: dict[str, Dependency], kinds: frozenset[str]) -> Dependency:
    """Of the dependencies between two transactions, the one that makes the worst cycle."""
    return next(found[kind] for kind in ("ww", "wr", "rw") if kind in found and kind in kinds)

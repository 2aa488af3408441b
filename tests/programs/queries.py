"""Expressions of the naive interpreter: Python's, then patterns and queries as nested loops.

Invariant: what a query or pattern takes from a history is a copy, so that nothing a program does
to it changes the history.
"""

from __future__ import annotations

import ast
import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from programs.expressions import ExpressionEvaluator, Found
from programs.scopes import Env, Evaluation, now
from programs.values import Id
from programs.world import ProgramError
from quorate.lang import nodes


@dataclass
class Constant(nodes.Pattern):
    """What a value in a pattern has become: it is evaluated once, when its domain is come to."""

    constant: Any


class QueryEvaluator(ExpressionEvaluator):
    """Patterns, histories and queries."""

    def fixed(self, pattern: nodes.Pattern | None, env: Env) -> nodes.Pattern | None:
        """`pattern` with its values evaluated."""
        match pattern:
            case nodes.ValuePattern(value=expression):
                return Constant(now(self.value(expression, env)))
            case nodes.SequencePattern(kind=kind, elements=elements):
                made = nodes.SequencePattern()
                made.kind, fixed = kind, [self.fixed(each, env) for each in elements]
                made.elements = [each for each in fixed if each is not None]
                return made
        return pattern

    def matches(self, pattern: nodes.Pattern, value: Any, found: Found, env: Env) -> bool:
        """Whether `value` matches; names go to `found`, and agree with what is there."""
        match pattern:
            case nodes.AnyPattern():
                return True
            case nodes.BindPattern(name=name):
                if name in found:
                    return bool(found[name] == value)
                found[name] = value
                return True
            case Constant(constant=constant):
                return bool(constant == value)
            case nodes.ValuePattern(value=expression):
                return bool(now(self.value(expression, env)) == value)
            case nodes.SequencePattern(kind=kind, elements=elements):
                wanted = tuple if kind == "tuple" else list
                return isinstance(value, wanted) and self.match_all(elements, value, found, env)
        raise AssertionError(pattern)

    def match_all(self, elements: list[nodes.Pattern], value: Any, found: Found, env: Env) -> bool:
        stars = [i for i, e in enumerate(elements) if isinstance(e, nodes.StarPattern)]
        if not stars:
            return len(elements) == len(value) and all(
                self.matches(e, v, found, env) for e, v in zip(elements, value, strict=True)
            )
        at = stars[0]
        after = len(elements) - at - 1
        if len(value) < at + after:
            return False
        middle = list(value[at : len(value) - after])
        star = elements[at]
        assert isinstance(star, nodes.StarPattern)
        pairs = [*zip(elements[:at], value, strict=False)]
        if not all(self.matches(e, v, found, env) for e, v in pairs):
            return False
        if star.name is not None:
            if star.name in found and found[star.name] != middle:
                return False
            found[star.name] = middle
        rest = value[len(value) - after :]
        return all(
            self.matches(e, v, found, env) for e, v in zip(elements[at + 1 :], rest, strict=True)
        )

    # Histories.

    def history(self, kind: str, env: Env) -> list[Any]:
        machine = env.proc.m_
        return list(machine.received if kind == "received" else machine.sent)

    def of_History(self, node: nodes.History, env: Env) -> Evaluation:
        yield from ()
        return [(copy.deepcopy(m), peer) for m, peer, _ in self.history(node.kind, env)]

    def of_Messages(self, node: nodes.Messages, env: Env) -> Evaluation:
        yield from ()
        return any(True for _ in self.messages(node, env))

    def messages(self, node: nodes.Messages, env: Env) -> Iterator[Found]:
        patterns = [self.fixed(p, env) for p in (node.message, node.peer, node.stamp)]
        for entry in self.history(node.kind, env):
            found: Found = {}
            parts = zip(patterns, entry, strict=True)
            if all(p is None or self.matches(p, v, found, env) for p, v in parts):
                yield copy.deepcopy(found)  # what leaves a history is a copy

    # Queries.

    def clause(self, clause: ast.AST, env: Env) -> Iterator[Found]:
        """What one clause adds to a combination: nothing, several times, or not at all."""
        if isinstance(clause, nodes.Messages):
            yield from self.messages(clause, env)
        elif isinstance(clause, nodes.Domain):
            values = ordered(now(self.value(clause.collection, env)))
            pattern = self.fixed(clause.pattern, env)
            assert pattern is not None
            for value in values:
                found: Found = {}
                if self.matches(pattern, value, found, env):
                    yield found
        elif now(self.value(clause, env)):
            yield {}

    def combinations(self, clauses: list[ast.AST], env: Env) -> Iterator[Env]:
        if not clauses:
            yield env
            return
        for found in self.clause(clauses[0], env):
            yield from self.combinations(clauses[1:], Env(env, found, kind="inner"))

    def of_Query(self, node: nodes.Query, env: Env) -> Evaluation:
        yield from ()
        if node.op in ("some", "each"):
            return self.quantified(node, env)
        results = []
        for inside in self.combinations(node.clauses, env):
            assert node.result is not None
            results.append(now(self.value(node.result, inside)))
        if not results and node.default is not None:
            return now(self.value(node.default, env))
        if not results and node.op in ("maxof", "minof"):
            raise ProgramError(f"{node.op} of nothing")
        return COLLECT[node.op](results)

    def quantified(self, node: nodes.Query, env: Env) -> bool:
        for inside in self.combinations(node.clauses, env):
            condition = node.condition
            holds = condition is None or bool(now(self.value(condition, inside)))
            if holds and node.op == "some":
                self.keep_witness(inside, env)
                return True
            if not holds and node.op == "each":
                return False
        return node.op == "each"

    def keep_witness(self, inside: Env, env: Env) -> None:
        """A `some` that holds leaves its variables, unless it stands in another query."""
        if env.kind == "inner":
            return
        found: Found = {}
        level: Env | None = inside
        while level is not None and level is not env:
            found = {**level.values, **found}
            level = level.parent
        for name, value in found.items():
            if self.is_field(name, env):
                setattr(env.proc, name, value)
            else:
                env.store(name, value)


COLLECT: dict[str, Callable[[list[Any]], Any]] = {
    "setof": set,
    "listof": list,
    "tupleof": tuple,
    "dictof": dict,
    "lenof": lambda results: len(set(results)),
    "countof": lambda results: len(set(results)),
    "sumof": sum,
    "prodof": math.prod,
    "maxof": max,
    "minof": min,
}


def ordered(values: Any) -> Any:
    """A set in sorted order; anything else in its own."""
    if not isinstance(values, (set, frozenset)):
        return values
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=_rank)


def _rank(value: Any) -> Any:
    """Kinds in a fixed order: None, numbers, text, bytes, ids, sequences, sets."""
    if value is None:
        return (0,)
    simple = {bool: 1, int: 1, float: 1, str: 2, bytes: 3, Id: 4}
    if type(value) in simple:
        return (simple[type(value)], value)
    if isinstance(value, (tuple, list)):
        return (5, tuple(map(_rank, value)))
    return (6, tuple(sorted(map(_rank, value))))

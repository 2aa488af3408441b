"""Queries about those rows alone of which one variable is above a value, or below it.

    setof((s, c), received(('decision', s, c)), s >= slot)
    maxof(c, received(('request', c)), c < n, default=0)      the greatest below is enough

Rows that are kept sorted by that variable are found by bisection. Invariant: what is found includes
all rows that pass the comparison, which still decides.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from quorate.lang import nodes

UPWARD = (ast.Gt, ast.GtE)
DOWNWARD = (ast.Lt, ast.LtE)
BEST = {"minof": True, "maxof": False}
"""Queries of which the row next to the bound is the answer, if what lies upward of it is asked."""


@dataclass
class Range:
    """The variable that rows are sorted by, the value it is compared with, and on which side rows
    are asked for; `nearest` where the one next to the value is enough."""

    name: str
    bound: ast.expr
    upward: bool
    nearest: bool = False


def range_of(query: nodes.Query) -> Range | None:
    """Which rows of its messages can answer a query; None where no comparison tells."""
    first, *conditions = query.clauses
    if query.op == "each" or any(isinstance(c, (nodes.Domain, nodes.Messages)) for c in conditions):
        return None
    bound = {name for p in nodes.clause_patterns(first) for name in nodes.bound_names(p)}
    tests = [part for test in (*conditions, query.condition) for part in _conjuncts(test)]
    for test in tests:
        found = _range(test, bound)
        if found is not None:
            alone = len(tests) == 1 and _is_one_of(query.result, {found.name})
            found.nearest = alone and BEST.get(query.op) == found.upward
            return found
    return None


def _range(test: ast.AST, bound: set[str]) -> Range | None:
    """What a comparison of one of the variables `bound` with a value from outside asks for."""
    match test:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            pass
        case _:
            return None
    if not isinstance(op, (*UPWARD, *DOWNWARD)):
        return None
    upward = isinstance(op, UPWARD)
    for value, other, up in ((left, right, upward), (right, left, not upward)):
        if isinstance(value, ast.Name) and value.id in bound and not _names(other) & bound:
            return Range(value.id, other, up)
    return None


def _conjuncts(test: ast.AST | None) -> list[ast.AST]:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [part for value in test.values for part in _conjuncts(value)]
    return [] if test is None else [test]


def _is_one_of(value: ast.expr | None, names: set[str]) -> bool:
    return isinstance(value, ast.Name) and value.id in names


def _names(value: ast.expr) -> set[str]:
    """The variables of a value; those that it binds itself included."""
    return {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}

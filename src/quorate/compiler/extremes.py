"""Queries that ask for no more than the greatest or the least of what messages say.

    maxof(b, received(('2a', b, _)))            the greatest b
    some(received(('p1b', b2)), has=b2 > b)     the greatest b2: if any is greater, it is
    each(sent(('promise', m)), has=m < n)       the greatest m: if it is less, all are

A history only grows, so the greatest of it is kept in constant time and space (Paige and Koenig
1982, section 3). Invariant: the extreme answers the query as all rows together do.
"""

from __future__ import annotations

import ast

from quorate.compiler.views import GREATEST, LEAST
from quorate.lang import nodes

Extreme = tuple[str, list[str]]
"""(GREATEST or LEAST, the variables whose values are compared, in this order)"""

_RISING = (ast.Gt, ast.GtE)
_FALLING = (ast.Lt, ast.LtE)


def extreme_of(query: nodes.Query) -> Extreme | None:
    """What extreme of its messages answers a query; None where others matter."""
    if len(query.clauses) != 1 or not isinstance(query.clauses[0], nodes.Messages):
        return None
    patterns = nodes.clause_patterns(query.clauses[0])
    bound = {name for pattern in patterns for name in nodes.bound_names(pattern)}
    if query.op in ("maxof", "minof"):
        columns = columns_of(query.result, bound)
        kind = GREATEST if query.op == "maxof" else LEAST
        return None if columns is None else (kind, columns)
    if query.op not in ("some", "each") or query.condition is None:
        return None
    joined = ast.And if query.op == "some" else ast.Or
    parts = [query.condition]
    if isinstance(query.condition, ast.BoolOp) and isinstance(query.condition.op, joined):
        parts = query.condition.values
    about_rows = [part for part in parts if _uses(part, bound)]
    if len(about_rows) != 1:
        return None
    return _compared(about_rows[0], bound, rising=query.op == "some")


def _compared(test: ast.expr, bound: set[str], *, rising: bool) -> Extreme | None:
    """The extreme that decides whether some row (`rising`), or each, passes a comparison."""
    match test:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            pass
        case _:
            return None
    columns, other, upward = columns_of(left, bound), right, isinstance(op, _RISING)
    if columns is None:
        columns, other, upward = columns_of(right, bound), left, isinstance(op, _FALLING)
    if columns is None or _uses(other, bound) or not isinstance(op, (*_RISING, *_FALLING)):
        return None
    return GREATEST if upward == rising else LEAST, columns


def columns_of(value: ast.expr | None, bound: set[str]) -> list[str] | None:
    """The variables of a query that a value consists of: `x`, or `(x, y)`."""
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    names = [part.id for part in parts if isinstance(part, ast.Name) and part.id in bound]
    return names if names and len(set(names)) == len(parts) else None


def _uses(node: ast.AST, bound: set[str]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in bound for part in ast.walk(node))

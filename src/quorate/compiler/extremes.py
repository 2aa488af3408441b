"""Queries that ask for no more than the greatest, the least or the first of what messages say.

    maxof(b, received(('2a', b, _)))              the greatest b
    each(sent(('promise', m)), has=m < n)         the greatest m: if it is less, all are
    v if some(received(('a', b2, v)), has=b2 > b) each b2 greater than all before it
    some(received(('p2b', b2)), has=b2 != b)      the first b2, and the first that differs from it
Invariant: what is kept answers as all rows do, in the same order (Paige and Koenig 1982, sect. 3).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from quorate.compiler.views import FALLING, GREATEST, LEAST, RISING, UNLIKE
from quorate.lang import nodes


@dataclass
class Extreme:
    """How rows are kept, by the variables `columns`; `bound` is what records are to pass."""

    kind: str
    columns: list[str]
    bound: ast.expr | None = None


_RISING = (ast.Gt, ast.GtE)
_FALLING = (ast.Lt, ast.LtE)


def extreme_of(query: nodes.Query) -> Extreme | None:
    """What extreme of its messages answers a query; None where others matter."""
    if len(query.clauses) != 1 or not isinstance(query.clauses[0], nodes.Messages):
        return None
    patterns = nodes.clause_patterns(query.clauses[0])
    bound = {name for pattern in patterns for name in nodes.bound_names(pattern)}
    asked = query.enough or {"maxof": GREATEST, "minof": LEAST}.get(query.op)
    if asked:
        columns = columns_of(query.result, bound)
        return None if columns is None else Extreme(asked, columns)
    if query.op not in ("some", "each") or query.condition is None:
        return None
    joined = ast.And if query.op == "some" else ast.Or
    parts = [query.condition]
    if isinstance(query.condition, ast.BoolOp) and isinstance(query.condition.op, joined):
        parts = query.condition.values
    about_rows = [part for part in parts if _uses(part, bound)]
    if len(about_rows) != 1:
        return None
    return _compared(about_rows[0], bound, query)


def _compared(test: ast.expr, bound: set[str], query: nodes.Query) -> Extreme | None:
    """The extreme that decides whether some row, or each, passes a comparison."""
    match test:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            pass
        case _:
            return None
    side, other, upward = left, right, isinstance(op, _RISING)
    if not _uses(left, bound):
        side, other, upward = right, left, isinstance(op, _FALLING)
    columns = columns_of(_without_constants(side, bound), bound)
    if columns is None or _uses(other, bound):
        return None
    some = query.op == "some"
    if isinstance(op, ast.NotEq if some else ast.Eq):
        return Extreme(UNLIKE, columns)
    if not isinstance(op, (*_RISING, *_FALLING)):
        return None
    if query.witness:
        whole = _without_constants(side, bound) is side
        return Extreme(RISING if upward else FALLING, columns, other if whole else None)
    return Extreme(GREATEST if upward == some else LEAST, columns)


def _without_constants(value: ast.expr, bound: set[str]) -> ast.expr:
    """`(c, p)` as `(c,)` where p is the same for all rows: their order is that of c."""
    if isinstance(value, ast.Tuple) and not all(_uses(part, bound) for part in value.elts):
        return ast.Tuple([part for part in value.elts if _uses(part, bound)], ast.Load())
    return value


def columns_of(value: ast.expr | None, bound: set[str]) -> list[str] | None:
    """The variables of a query that a value consists of: `x`, or `(x, y)`."""
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    names = [part.id for part in parts if isinstance(part, ast.Name) and part.id in bound]
    return names if names and len(set(names)) == len(parts) else None


def _uses(node: ast.AST, bound: set[str]) -> bool:
    return any(isinstance(part, ast.Name) and part.id in bound for part in ast.walk(node))

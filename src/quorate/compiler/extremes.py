"""Queries that ask for no more than the greatest, the least, the first or the sum of what is said.

    maxof(b, received(('2a', b, _)))              the greatest b
    maxof(c, received(('a', c)), not c < n)       the greatest c: if any is no less, it is
    each(sent(('promise', m)), has=m < n)         the greatest m: if it is less, all are
    v if some(received(('a', b2, v)), has=b2 > b) each b2 greater than all before it
    some(received(('p2b', b2)), has=b2 != b)      the first b2, and the first that differs from it
Invariant: what is kept answers as all rows do, in the same order (Paige and Koenig 1982, sect. 3).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from quorate.compiler.views import FALLING, GREATEST, LEAST, RISING, TOTAL, UNLIKE
from quorate.lang import nodes

EXTREMES = {"maxof": GREATEST, "minof": LEAST}


@dataclass
class Extreme:
    """How rows are kept, by the variables `columns`; `bound` is what records are to pass."""

    kind: str
    columns: list[str]
    bound: ast.expr | None = None


Operators = tuple[type[ast.cmpop], ...]
_RISING: Operators = (ast.Gt, ast.GtE)
_FALLING: Operators = (ast.Lt, ast.LtE)


def extreme_of(query: nodes.Query) -> Extreme | None:
    """What extreme of its messages answers a query; None where others matter."""
    first, *conditions = query.clauses
    if not isinstance(first, nodes.Messages):
        return None
    patterns = nodes.clause_patterns(first)
    bound = {name for pattern in patterns for name in nodes.bound_names(pattern)}
    asked = query.enough or EXTREMES.get(query.op)
    if asked:
        columns = columns_of(query.result, bound)
        if columns is None or not _keeps_extreme(conditions, columns, bound, asked):
            return None
        return Extreme(asked, columns)
    if query.op == "sumof" and not conditions:
        columns = columns_of(query.result, bound) if isinstance(query.result, ast.Name) else None
        return None if columns is None else Extreme(TOTAL, columns)
    if query.op not in ("some", "each") or query.condition is None or conditions:
        return None
    joined = ast.And if query.op == "some" else ast.Or
    parts = [query.condition]
    if isinstance(query.condition, ast.BoolOp) and isinstance(query.condition.op, joined):
        parts = query.condition.values
    about_rows = [part for part in parts if _uses(part, bound)]
    if len(about_rows) != 1:
        return None
    return _compared(about_rows[0], bound, query)


def _keeps_extreme(
    conditions: list[ast.AST], columns: list[str], bound: set[str], kind: str
) -> bool:
    """Whether the extreme passes the conditions of a query if any row does.

    So it is where they hold for all greater values as well, or for all lesser ones.
    """
    if not conditions:
        return True
    if any(isinstance(each, (nodes.Domain, nodes.Messages)) for each in conditions):
        return False
    others = bound - set(columns)
    if len(columns) != 1 or any(_uses(condition, others) for condition in conditions):
        return False
    signs = {_sign(condition, columns[0]) for condition in conditions}
    return signs <= {0, 1 if kind == GREATEST else -1}


def _sign(test: ast.AST | None, name: str) -> int | None:
    """1 where a test that holds goes on to hold for greater values of a variable, -1 for lesser
    ones, 0 where it does not depend on it; None where that is not to be seen."""
    if test is None or not _uses(test, {name}):
        return 0
    match test:
        case ast.Compare(left=ast.Name(id=own), ops=[op], comparators=[other]) if own == name:
            up, down = _RISING, _FALLING
        case ast.Compare(left=other, ops=[op], comparators=[ast.Name(id=own)]) if own == name:
            up, down = _FALLING, _RISING
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            sign = _sign(operand, name)
            return None if sign is None else -sign
        case ast.BoolOp(values=values):
            signs = {_sign(value, name) for value in values} - {0}
            return signs.pop() if len(signs) == 1 else None
        case nodes.Query(op="some" | "each", clauses=clauses, condition=condition):
            apart = not any(_uses(clause, {name}) for clause in clauses)
            return _sign(condition, name) if apart else None
        case _:
            return None
    if _uses(other, {name}):
        return None
    return 1 if isinstance(op, up) else -1 if isinstance(op, down) else None


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

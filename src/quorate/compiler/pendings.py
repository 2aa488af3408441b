"""Queries whose condition need not be evaluated again for every row.

    await(each(received(('request', c2), from_=p),
               has=received(('release', c2), from_=p) or (c, self) < (c2, p)))

A request that has been released never matters again: its row is dropped. One that passes is not
looked at again until c has another value. Invariant: a condition that is taken apart here is
decided by the row, by views, and by the values of its `params`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from quorate.compiler.views import split
from quorate.compiler.wakes import BUILTINS, PLAIN
from quorate.lang import nodes


@dataclass
class Apart:
    """A condition, taken apart.

    `columns` are the variables of a row; where one of `final` holds, the row can never decide the
    query; `params` are all values in the condition that come from outside of rows and views.
    """

    columns: set[str]
    final: list[ast.expr]
    params: list[ast.expr]


def taken_apart(query: nodes.Query, given: set[str]) -> Apart | None:
    """The condition of a query over one kind of messages, or the members of a field; None where
    more may decide it.

    `given` are the names that the program gives a value itself, so that `len` may not be Python's.
    """
    if query.op not in ("some", "each") or len(query.clauses) != 1 or query.condition is None:
        return None
    over_members = isinstance(query.clauses[0], nodes.Domain)
    if over_members and not _is_of_field(query.clauses[0]):
        return None
    patterns = nodes.clause_patterns(query.clauses[0])
    columns = {name for pattern in patterns for name in nodes.bound_names(pattern)}
    condition = query.condition
    if not all(is_known(part, given) for part in ast.walk(condition)):
        return None
    if not any(isinstance(part, (nodes.Query, nodes.Messages)) for part in ast.walk(condition)):
        return None  # to compare is quicker than to remember
    joined = ast.And if query.op == "some" else ast.Or
    parts = [condition]
    if isinstance(condition, ast.BoolOp) and isinstance(condition.op, joined):
        parts = condition.values
    final = [part for part in parts if _lasts(part, columns)] if query.op == "each" else []
    if query.op == "some":
        denied = [p.operand for p in parts if isinstance(p, ast.UnaryOp) and _is_not(p)]
        final = [part for part in denied if _lasts(part, columns)]
    final = [] if over_members else final
    return Apart(columns, final, list(params_of(condition, frozenset(columns))))


def _is_of_field(domain: ast.AST) -> bool:
    """Whether a clause goes over a field, and nothing but a member decides whether it matches."""
    match domain:
        case nodes.Domain(pattern=nodes.BindPattern(), collection=nodes.Field()):
            return True
        case nodes.Domain(pattern=nodes.SequencePattern() as pattern, collection=nodes.Field()):
            compared = (nodes.ValuePattern, nodes.StarPattern)
            return not any(isinstance(part, compared) for part in ast.walk(pattern))
    return False


def _is_not(part: ast.UnaryOp) -> bool:
    return isinstance(part.op, ast.Not)


def is_known(part: ast.AST, given: set[str]) -> bool:
    if isinstance(part, nodes.Messages) and split(part, set()) is None:
        return False  # it goes over the history, which tells nobody when it grows
    if isinstance(part, ast.Call):
        builtin = isinstance(part.func, ast.Name) and part.func.id in BUILTINS - given
        return builtin and not part.keywords
    return isinstance(part, PLAIN)


def _lasts(test: ast.expr, known: set[str]) -> bool:
    """Whether a test, once it holds for a row, holds for ever, since histories only grow."""
    match test:
        case nodes.Messages():
            return not any(params_of(test, frozenset(known)))
        case nodes.Query(op="some", clauses=clauses, condition=condition):
            if not all(isinstance(clause, nodes.Messages) for clause in clauses):
                return False
            patterns = [p for clause in clauses for p in nodes.clause_patterns(clause)]
            inner = known | {name for p in patterns for name in nodes.bound_names(p)}
            plain = not any(any(params_of(clause, frozenset(inner))) for clause in clauses)
            return plain and (condition is None or _lasts(condition, inner))
        case ast.BoolOp(values=values):
            return all(_lasts(value, known) for value in values)
        case ast.Compare() | ast.Name() | ast.Constant():
            inside = any(isinstance(p, (nodes.Query, nodes.Messages)) for p in ast.walk(test))
            return not inside and not any(params_of(test, frozenset(known)))
    return False


def params_of(node: ast.AST, bound: frozenset[str]) -> Iterator[ast.expr]:
    """The largest expressions that neither rows nor views are a part of."""
    parts = list(ast.walk(node))
    inside = any(isinstance(part, (nodes.Query, nodes.Messages)) for part in parts)
    varies = any(isinstance(part, ast.Name) and part.id in bound for part in parts)
    if isinstance(node, ast.expr) and not isinstance(node, nodes.Pattern):
        if isinstance(node, (ast.Constant, nodes.Self)):
            return
        if not inside and not varies:
            yield node
            return
    if isinstance(node, nodes.Query):
        patterns = [p for clause in node.clauses for p in nodes.clause_patterns(clause)]
        bound |= {name for pattern in patterns for name in nodes.bound_names(pattern)}
    for child in ast.iter_child_nodes(node):
        yield from params_of(child, bound)

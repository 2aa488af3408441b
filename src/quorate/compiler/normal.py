"""Normal forms: a query that can be said in several ways is brought into one.

    len(setof(x, ...))           lenof(x, ...)
    max(setof(x, p) | {y})       of the rows of p the greatest x is enough, as for maxof(x, p)
    some(_x in s | t)            some(_x in s) or some(_x in t), which asks fields as they are
    some(d, received(p), has=c)  some(d, has=some(received(p), has=c)), for each d its own question

Invariant: what the program answers and raises stays as it is.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from typing import Any

from quorate.compiler.views import GREATEST, LEAST
from quorate.lang import nodes
from quorate.lang.nodes import make

EXTREMES = {"max": GREATEST, "min": LEAST}


def normalize(tree: ast.AST, given: set[str]) -> None:
    """Bring the queries of a tree into normal form, in place.

    `given` are the names that the program gives a value itself, so that `len` may not be Python's.
    """
    _Normal(given).visit(tree)


class _Normal(ast.NodeTransformer):
    def __init__(self, given: set[str]) -> None:
        self.given = given

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id=name), args=[arg]) if name not in self.given:
                pass
            case _:
                return node
        if name == "len" and not node.keywords:
            match arg:
                case nodes.Query(op="setof", result=result, clauses=clauses):
                    return _query(node, "lenof", clauses, result=result)
        elif name in EXTREMES and all(keyword.arg == "default" for keyword in node.keywords):
            for query in _joined(arg):
                query.enough = EXTREMES[name]
        return node

    def visit_Query(self, node: nodes.Query) -> ast.expr:
        self.generic_visit(node)
        match node:
            case nodes.Query(op="some" | "each" as op, clauses=[nodes.Domain() as domain]) if (
                not node.witness and _is_union(domain.collection)
            ):
                joined = ast.Or() if op == "some" else ast.And()
                parts = [self._over(node, each) for each in _united(domain.collection)]
                return ast.copy_location(ast.BoolOp(joined, parts), node)
            case nodes.Query(op="some" | "each", clauses=[*others, nodes.Messages() as last]) if (
                any(isinstance(each, (nodes.Domain, nodes.Messages)) for each in others)
                and not _names(last) & {name for w in node.witness for name in _texts(w)}
            ):
                inner = _query(last, node.op, [last], condition=node.condition)
                node.clauses, node.condition = others, inner
                return self.visit_Query(node)
        return node

    def _over(self, query: nodes.Query, collection: ast.expr) -> ast.expr:
        """A query over one collection in place of another."""
        own = copy.deepcopy(query)
        (domain,) = own.clauses
        assert isinstance(domain, nodes.Domain)
        domain.collection = collection
        return own


def _query(
    at: ast.AST,
    op: str,
    clauses: list[ast.AST],
    *,
    result: ast.expr | None = None,
    condition: ast.expr | None = None,
) -> nodes.Query:
    """A query that leaves no witness."""
    parts: dict[str, Any] = {"result": result, "condition": condition, "default": None}
    return make(nodes.Query, at, op=op, clauses=clauses, witness=[], **parts)


def _names(messages: nodes.Messages) -> set[str]:
    return {n for p in nodes.clause_patterns(messages) for n in nodes.bound_names(p)}


def _texts(witness: ast.expr) -> set[str]:
    return {witness.name if isinstance(witness, nodes.Field) else getattr(witness, "id", "")}


def _is_union(value: ast.expr) -> bool:
    """Whether a value is `s | t ...`, each of them a field."""
    parts = list(_united(value))
    return len(parts) > 1 and all(isinstance(part, nodes.Field) for part in parts)


def _united(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr):
        yield from _united(value.left)
        yield from _united(value.right)
    else:
        yield value


def _joined(value: ast.expr) -> Iterator[nodes.Query]:
    """The `setof`s whose members are together those of a value."""
    match value:
        case nodes.Query(op="setof"):
            yield value
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _joined(left)
            yield from _joined(right)
        case ast.BoolOp(op=ast.Or(), values=values):
            for each in values:
                yield from _joined(each)

"""Fields that queries go over: what is assigned to them is observed.

    proposals = set()    ->  self.proposals = core_.observed(set())

Only a container that nobody else has yet is replaced by one that tells of its changes; under any
other name it would not be the same object. Invariant: a program cannot tell the difference.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from quorate.compiler.names import call, core
from quorate.lang import nodes

NEW = (
    *(ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp),
    *(ast.BinOp, ast.Call, nodes.Query, nodes.Word),
)
"""Expressions whose value is new, or is found not to be when the program runs."""
BEHIND = frozenset({"heapreplace", "heappushpop", "heapify", "heapq"})
"""What changes a list without calling its methods."""


def gone_over(tree: ast.AST) -> set[str]:
    """The fields that queries of a module go over: `p in xs`, `p in xs | ys`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, nodes.Domain):
            found.update(_fields(node.collection))
        if BEHIND & set(_names(node)):
            return set()
    return found


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            yield name
        case ast.ImportFrom(module=str(name)):
            yield name


def _fields(collection: ast.expr) -> Iterator[str]:
    match collection:
        case nodes.Field(name=name):
            yield name
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _fields(left)
            yield from _fields(right)


def observe(tree: ast.AST, fields: set[str]) -> None:
    """Have new containers observed where they are assigned to one of `fields`, in place."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    node.value = value = _observed(target, value, fields)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                node.value = _observed(target, value, fields)
            case ast.NamedExpr(target=target, value=value):
                node.value = _observed(target, value, fields)


def _observed(target: ast.expr, value: ast.expr, fields: set[str]) -> ast.expr:
    """The value of an assignment to one target."""
    match target, value:
        case ast.Tuple(elts=targets) | ast.List(elts=targets), ast.Tuple(elts=values) if len(
            targets
        ) == len(values) and not any(isinstance(each, ast.Starred) for each in (*targets, *values)):
            pairs = zip(targets, values, strict=True)
            value.elts = [_observed(one, other, fields) for one, other in pairs]
        case nodes.Field(name=name), _ if name in fields and isinstance(value, NEW):
            if not _is_observed(value):
                return ast.copy_location(call(core("observed"), value), value)
    return value


def _is_observed(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) == "core_.observed"

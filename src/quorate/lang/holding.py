"""Which processes a variable holds, where that is plain to see.

    ps = new(P, num=3)      a set of processes of P
    for p in ps: ...        one of them

Invariant: what is said of a variable holds wherever it has a value; otherwise nothing is said.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from quorate.lang import nodes
from quorate.lang.nodes import ClassInfo
from quorate.lang.scopes import COMPREHENSIONS, FUNCTIONS, argument_nodes, witness_names


@dataclass(frozen=True, eq=False)
class Made:
    """Processes that a `new` has made: one of a class, or a set of them (`several`)."""

    info: ClassInfo
    several: bool


Variables = dict[str, Made | None]
"""The variables of one scope, with what they hold; None where that is not known."""


def variables_of(function: ast.AST, class_of: Callable[[ast.expr], ClassInfo | None]) -> Variables:
    """The variables of a function, by the calls of `new` that are assigned to them."""
    scope: nodes.Scope | None = getattr(function, "scope", None)
    holds: Variables = dict.fromkeys(scope.locals if scope else ())
    if not isinstance(function, ast.FunctionDef):
        return holds
    own = list(_own_nodes(function.body))
    plain: dict[int, ast.expr] = {}  # what is assigned to a target, or gone over for it
    for node in own:
        match node:
            case ast.Assign(targets=[ast.Name() as target], value=nodes.Word(name="new") as new):
                plain[id(target)] = new
            case ast.For(target=ast.Name() as target, iter=ast.Name() as members):
                plain[id(target)] = members
    known: dict[str, list[ast.expr | None]] = {a.arg: [None] for a in argument_nodes(function.args)}
    for node in own:
        for name in _bound_by(node):
            known.setdefault(name, []).append(plain.get(id(node)))
    for node in ast.walk(function):
        if isinstance(node, ast.Nonlocal):  # a function inside may assign it too
            known |= {name: [None] for name in node.names}
    for name in holds.keys() & known.keys():
        holds[name] = _held(name, known, class_of)
    return holds


def made_by(new: nodes.Word, class_of: Callable[[ast.expr], ClassInfo | None]) -> Made | None:
    """What a call of `new` answers."""
    info = class_of(new.args[0]) if new.args else None
    several = len(new.args) > 2 or any(k.arg in ("num", "at", None) for k in new.keywords)
    return None if info is None else Made(info, several)


def _held(
    name: str,
    known: dict[str, list[ast.expr | None]],
    class_of: Callable[[ast.expr], ClassInfo | None],
) -> Made | None:
    match known.get(name):
        case [nodes.Word() as new]:
            return made_by(new, class_of)
        case [ast.Name(id=several)]:
            match known.get(several):
                case [nodes.Word() as new] if (made := made_by(new, class_of)) and made.several:
                    return Made(made.info, False)
    return None


def _own_nodes(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes of `body` that are not inside another scope, but what these assign by `:=`."""
    for node in body:
        yield node
        if isinstance(node, (*COMPREHENSIONS, nodes.Query)):
            yield from (n.target for n in ast.walk(node) if isinstance(n, ast.NamedExpr))
        elif not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield from _own_nodes(ast.iter_child_nodes(node))


def _bound_by(node: ast.AST) -> list[str]:
    """The names that a node by itself gives a value to."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return [name]
        case nodes.Query(op="some"):
            return list(witness_names(node))
        case ast.alias(name=module, asname=asname):
            return [asname or module.partition(".")[0]]
        case ast.MatchMapping(rest=str(name)):
            return [name]
        case ast.ExceptHandler(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.MatchAs(name=str(name)) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
    return []

"""Fields whose value only grows: a clock, a number of requests, a ballot.

    tries += 1    highest = max(highest, n)    if b > ballot: ballot = b    c = logical_time()

What a view keeps for a lesser value is never asked for again, and is dropped. Invariant: nothing
but `setup`, and statements of these forms, stores into a field that is told of here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from quorate.compiler import blocks
from quorate.compiler.views import View
from quorate.lang import nodes

REFLECTIVE = {"setattr", "delattr", "exec", "eval", "vars", "globals"}
CLOCKS = {"logical_clock", "logical_time"}


def growing_fields(process: nodes.ProcessClass, given: set[str]) -> set[str]:
    """The fields of a class that only grow once it is set up.

    `given` are the names that the program gives a value itself, so that `max` may not be Python's.
    """
    members = [m for m in process.body if getattr(m, "name", "") != "setup"]
    parts = [part for member in members for part in ast.walk(member)]
    if process.bases or any(map(_may_store_anything, parts)) or _sets_up_again(process):
        return set()
    found = _Stores(given)
    for member in members:
        found.visit(member)
    grows = {name for name, kinds in found.stores.items() if kinds == {GROWS}}
    for name, kinds in found.stores.items():
        (kind, *others) = kinds
        if not others and kind[0] == "of" and kind[1] in grows:
            grows = grows | {name}
    return grows


def settled_by(view: View, grows: set[str]) -> tuple[int, str] | None:
    """(place in the key, field) where all that ask a view ask for what a growing field holds."""
    for place in range(len(view.keys)):
        asked = {_field(keys[place]) for keys in view.asked}
        if len(asked) == 1 and (name := asked.pop()) in grows:
            return place, str(name)
    return None


def _field(value: ast.expr) -> str | None:
    return value.name if isinstance(value, nodes.Field) else None


def _may_store_anything(part: ast.AST) -> bool:
    """Whether somebody else gets hold of the process, or of its fields by their names."""
    match part:
        case ast.Name(id=name):
            return name in REFLECTIVE
        case ast.Call(args=args, keywords=keywords):
            given = [*args, *(keyword.value for keyword in keywords)]
            return any(isinstance(value, nodes.Self) and value.whole for value in given)
        case ast.Assign(value=nodes.Self(whole=True)):
            return True
    return False


def _sets_up_again(process: nodes.ProcessClass) -> bool:
    parts = ast.walk(process)
    return any(isinstance(p, ast.Attribute) and p.attr == "setup" for p in parts)


Kind = tuple[str, ...]
GROWS: Kind = ("grows",)
OTHER: Kind = ("other",)


class _Stores(ast.NodeVisitor):
    """What is stored into each field: GROWS, OTHER, or ("of", field, text) as one that grows."""

    def __init__(self, given: set[str]) -> None:
        self.given = given
        self.stores: dict[str, set[Kind]] = {}
        self.known: list[tuple[str, str]] = []  # (field, text of what is known to be no less)

    def note(self, name: str, kind: Kind) -> None:
        self.stores.setdefault(name, set()).add(kind)

    def visit_Field(self, node: nodes.Field) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.note(node.name, OTHER)

    def visit_Query(self, node: nodes.Query) -> None:
        self.generic_visit(node)
        for witness in node.witness:
            if isinstance(witness, nodes.Field):
                self.note(witness.name, OTHER)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, nodes.Field):
            grows = isinstance(node.op, ast.Add) and _is_positive(node.value)
            self.note(node.target.name, GROWS if grows else OTHER)
        else:
            self.visit(node.target)
        self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            for own, value in _pairs(target, node.value):
                if isinstance(own, nodes.Field):
                    self.note(own.name, self.kind(own.name, value))
                else:
                    self.visit(own)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        before = self.known
        self.known = [*before, *_no_less(node.test)]
        for statement in node.body:
            self.visit(statement)
            self.known = [fact for fact in self.known if not _may_change(statement, *fact)]
        self.known = before
        for statement in node.orelse:
            self.visit(statement)

    def visit_Routine(self, node: blocks.Routine) -> None:
        for block in node.blocks:
            for statement in block.body:
                self.visit(statement)

    def kind(self, name: str, value: ast.expr | None) -> Kind:
        match value:
            case nodes.Word(name=word) if word in CLOCKS:
                return GROWS
            case ast.Call(func=ast.Name(id="max"), args=args, keywords=[]) if (
                "max" not in self.given and len(args) > 1
            ):
                return GROWS if name in map(_field, args) else OTHER
            case ast.BinOp(left=nodes.Field(name=other), op=ast.Add(), right=more):
                if not _is_positive(more):
                    return OTHER
                return GROWS if other == name else ("of", other, ast.dump(value))
            case ast.Tuple(
                elts=[ast.BinOp(left=ast.Subscript() as first, op=ast.Add(), right=n), *_]
            ):
                of_itself = _field(first.value) == name and _is_zero(first.slice)
                return GROWS if of_itself and _is_positive(n) else OTHER
            case None:
                return OTHER
        return GROWS if (name, ast.dump(value)) in self.known else OTHER


def _may_change(statement: ast.stmt, name: str, text: str) -> bool:
    """Whether a field may not be what it was after a statement, or an expression of this text."""
    parts = list(ast.walk(statement))
    stored = {how for how in map(_stored, parts) if how}
    calls = any(isinstance(part, (ast.Call, nodes.Word)) for part in parts)
    return calls or any(how == f"name='{name}'" or how in text for how in stored)


def _stored(part: ast.AST) -> str:
    """How the text of an expression says what a statement stores into."""
    match part:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return f"id='{name}'"
        case nodes.Field(name=name, ctx=ast.Store() | ast.Del()):
            return f"name='{name}'"
    return ""


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Each target with its value, None where that is not to be seen."""
    match target, value:
        case (
            (ast.Tuple(elts=targets) | ast.List(elts=targets)),
            (ast.Tuple(elts=values) | ast.List(elts=values)),
        ) if len(targets) == len(values) and not any(
            isinstance(each, ast.Starred) for each in (*targets, *values)
        ):
            yield from zip(targets, values, strict=True)
        case ((ast.Tuple(elts=targets) | ast.List(elts=targets)), _):
            yield from ((each, None) for each in targets)
        case _:
            yield target, value


def _no_less(test: ast.expr) -> Iterator[tuple[str, str]]:
    """What a test that holds says to be no less than a field: (field, text)."""
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            for value in values:
                yield from _no_less(value)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            if isinstance(op, (ast.Lt, ast.LtE)):
                left, right = right, left
            elif not isinstance(op, (ast.Gt, ast.GtE)):
                return
            if isinstance(right, nodes.Field):
                yield right.name, ast.dump(left)


def _is_positive(value: ast.expr) -> bool:
    number = value.value if isinstance(value, ast.Constant) else None
    return isinstance(number, (int, float)) and number > 0


def _is_zero(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value == 0

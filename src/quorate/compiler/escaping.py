"""What a query or a handler lets out of a message: copies, so that histories stay as they were.

    listof((x, len(l)), received(('a', x, l)))  ->  (core_.own(x), len(l)) for x, l in ...

Only what holds a part of a message as it is gets copied; what is computed from it is new, and
conditions let nothing out. Copying costs one call for what cannot change.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from quorate.lang import nodes

NEW = {
    "abs",
    "all",
    "any",
    "bool",
    "float",
    "hash",
    "int",
    "isinstance",
    "len",
    "repr",
    "str",
    "sum",
}
"""Builtins that neither change nor answer what they are given."""


def holds_history(node: ast.AST, is_held: Callable[[str], bool]) -> bool:
    """Whether the value of an expression may hold parts of messages."""
    return any(
        isinstance(part, (nodes.Messages, nodes.History))
        or (isinstance(part, ast.Name) and is_held(part.id))
        for part in ast.walk(node)
    )


class Escaping(ast.NodeTransformer):
    """Puts copies where an expression lets out what the names of `is_held` hold."""

    def __init__(self, is_held: Callable[[str], bool], own: Callable[[ast.expr], ast.expr]) -> None:
        self.is_held = is_held
        self.own = own

    def _is_part(self, node: ast.expr) -> bool:
        """Whether this is a held name, or a part of what it holds: `x`, `x[0].y`."""
        while isinstance(node, (ast.Attribute, ast.Subscript)):
            node = node.value
        return isinstance(node, ast.Name) and self.is_held(node.id)

    def is_made_of_parts(self, node: ast.expr) -> bool:
        """Whether nothing but parts of messages is in the value: `x`, `(x, y[0], 1)`."""
        if isinstance(node, ast.Tuple):
            return all(map(self.is_made_of_parts, node.elts))
        return isinstance(node, ast.Constant) or self._is_part(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.own(node) if self._is_part(node) else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if self._is_part(node):
            return self.own(node)
        node.value = self.visit(node.value)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if self._is_part(node):
            return self.own(node)
        node.value = self.visit(node.value)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name):
            if node.func.id not in NEW:
                self.generic_visit(node)
            return node
        if isinstance(node.func, ast.Attribute):  # of a copy: it may be a method that changes it
            node.func.value = self.visit(node.func.value)
        node.args = [self.visit(arg) for arg in node.args]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        node.body, node.orelse = self.visit(node.body), self.visit(node.orelse)
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        node.value = self.visit(node.value)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        node.iter = self.visit(node.iter)
        return node

    def _is_new(self, node: ast.expr) -> ast.expr:
        return node

    visit_BinOp = _is_new
    visit_Compare = _is_new
    visit_UnaryOp = _is_new
    visit_JoinedStr = _is_new
    visit_Lambda = _is_new
    visit_Query = _is_new  # sees to its own result


# Handlers -------------------------------------------------------------------------------------

COPYING = {"send", "output", "invoke", "returned"}
"""Words that keep no more than a copy of what they are given, or its text."""


def kept_of(body: list[ast.stmt], names: set[str], given: set[str]) -> set[str]:
    """Those of `names` whose values `body` may keep or change, or part with to who may.

    `given` are the names that the program gives a value itself, so that `len` may not be Python's.
    """
    found = _Keeping(names, NEW - given)
    found.statements(body)
    return found.kept


class _Keeping:
    """Goes through the body of a handler. Whatever it does not know, keeps all it is given."""

    def __init__(self, names: set[str], new: set[str]) -> None:
        self.names = names
        self.new = new
        self.kept: set[str] = set()

    def statements(self, body: list[ast.stmt]) -> None:
        for statement in body:
            match statement:
                case ast.Expr(value=value):
                    self.held(value)
                case ast.Assign(targets=targets, value=value):
                    self.kept |= self.held(value)
                    self.kept |= {name for target in targets for name in self.inside(target)}
                case ast.If(test=test, body=then, orelse=otherwise):
                    self.held(test)
                    self.statements(then)
                    self.statements(otherwise)
                case _:
                    self.kept |= self.inside(statement)

    def inside(self, node: ast.AST) -> set[str]:
        """All names in a part of the program."""
        return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} & self.names

    def all_held(self, parts: Iterable[ast.expr | None]) -> set[str]:
        return {name for part in parts if part is not None for name in self.held(part)}

    def held(self, value: ast.expr) -> set[str]:
        """The names whose values may be in that of an expression, in part; what it keeps is noted.

        What is compared, matched, sent or counted is in no value, and kept by nobody.
        """
        match value:
            case ast.Name(id=name):
                return {name} & self.names
            case ast.Constant() | nodes.Field() | nodes.Self():
                return set()
            case ast.Compare(left=left, comparators=others):
                self.all_held([left, *others])
                return set()
            case ast.BoolOp(values=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return self.all_held(parts)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self.held(operand)
                return set()
            case ast.BinOp(left=left, right=right):
                return self.all_held([left, right])
            case ast.Subscript(value=whole, slice=index):
                return self.all_held([whole, index])
            case ast.Attribute(value=whole):
                return self.held(whole)
            case nodes.Messages():
                self._patterns([value])
                return set()
            case nodes.Query():
                return self._query(value)
            case nodes.Word(name=name, args=args, keywords=keywords) if name in COPYING:
                self.all_held([*args, *(keyword.value for keyword in keywords)])
                return set()
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in self.new:
                self.all_held(args)
                return set()
        self.kept |= self.inside(value)
        return set()

    def _query(self, query: nodes.Query) -> set[str]:
        if all(isinstance(clause, nodes.Messages) for clause in query.clauses):
            self._patterns(query.clauses)
            self.all_held([query.condition])
            return self.all_held([query.result, query.default])
        self.kept |= self.inside(query)
        return set()

    def _patterns(self, clauses: Iterable[ast.AST]) -> None:
        for pattern in (p for clause in clauses for p in nodes.clause_patterns(clause)):
            for part in ast.walk(pattern):
                if isinstance(part, (nodes.ValuePattern, nodes.StarPattern)) and part.value:
                    self.held(part.value)

"""What a query lets out of a history: copies, so that the history stays as it was.

    listof((x, len(l)), received(('a', x, l)))  ->  (core_.own(x), len(l)) for x, l in ...

Only what holds a part of a message as it is gets copied; what is computed from it is new, and
conditions let nothing out. Copying costs one call for what cannot change.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

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

"""Statements that stay whole, where they leave the method or a loop that is made of blocks.

if done:                  if done:
    break                     go to after_20
"""

from __future__ import annotations

import ast
from typing import Any

from quorate.compiler.blocks import ends
from quorate.compiler.flow.builder import Builder, Handling
from quorate.lang.nodes import make


class Native(ast.NodeTransformer):
    """Rewrites `return`, `break`, `continue`, bare `raise`, `global` and `nonlocal`."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self.loops = 0  # of Python's own around
        self.excepts = 0

    def rewritten(self, node: ast.stmt) -> list[ast.stmt]:
        """The statements that take the place of `node`."""
        result = self.visit(node)
        return result if isinstance(result, list) else [result]

    def _body(self, body: list[ast.stmt]) -> list[ast.stmt]:
        written: list[ast.stmt] = []
        for node in body:
            if not ends(written):  # else nothing leads to the rest
                written += self.rewritten(node)
        return written or (body and [make(ast.Pass, body[0])])

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.expr):
            return node
        for name, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                setattr(node, name, self._body(value))
            elif isinstance(value, list):
                for part in value:
                    if isinstance(part, ast.AST):
                        self.visit(part)
        return node

    def visit_Return(self, node: ast.Return) -> list[ast.stmt]:
        self.builder.at = node
        return self.builder.leaving("return", node.value)

    def visit_Break(self, node: ast.Break) -> Any:
        self.builder.at = node
        return node if self.loops else self.builder.leaving("break")

    def visit_Continue(self, node: ast.Continue) -> Any:
        self.builder.at = node
        return node if self.loops else self.builder.leaving("continue")

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        if node.exc is None and not self.excepts:
            self.builder.at = node
            around = (e for e in reversed(self.builder.exits) if isinstance(e, Handling))
            handling = next(around, None)
            if handling is not None and handling.error is not None:
                node.exc = self.builder.read(handling.error)
        return node

    def _loop(self, node: Any) -> ast.AST:
        self.loops += 1
        node.body = self._body(node.body)
        self.loops -= 1
        node.orelse = self._body(node.orelse)
        return node  # type: ignore[no-any-return]

    visit_For = _loop
    visit_While = _loop

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        self.excepts += 1
        node.body = self._body(node.body)
        self.excepts -= 1
        return node

    def visit_Global(self, node: ast.Global) -> list[ast.stmt]:
        self.builder.globals.update(node.names)
        return []

    def visit_Nonlocal(self, node: ast.Nonlocal) -> list[ast.stmt]:
        self.builder.nonlocals.update(node.names)
        return []

    def _closed(self, node: ast.AST) -> ast.AST:
        """A function or class of its own: nothing in it leaves this method."""
        return node

    visit_FunctionDef = _closed
    visit_ClassDef = _closed
    visit_Routine = _closed

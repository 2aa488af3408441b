"""The printer of the stage: a program whose suspendable methods are blocks.

    def run():
        start:
            pause at request, then after_2
        after_2, waits at line 2 for `-- request`: ...

What is not a routine is printed as the program stage prints it.
"""

from __future__ import annotations

import ast
import copy
import re
from typing import Any

from quorate.compiler import blocks
from quorate.lang.nodes import Program
from quorate.lang.printer import Printer

_HEADER = re.compile(r"^( *)if block_header (.*:)$", re.MULTILINE)


def flow_text(program: Program) -> str:
    """The program, fields written with `self.`, each routine by its blocks."""
    printed = FlowPrinter().visit(copy.deepcopy(program.tree))
    text = ast.unparse(ast.fix_missing_locations(printed))
    return _HEADER.sub(r"\1\2", text) + "\n"


def _words(text: str) -> ast.Name:
    return ast.Name(text, ast.Load())


class FlowPrinter(Printer):
    """Turns blocks and how they end into lines that read well."""

    def __init__(self) -> None:
        super().__init__(resolved=True)

    def _text(self, node: ast.AST | None) -> str:
        return "" if node is None else ast.unparse(ast.fix_missing_locations(self.visit(node)))

    def visit_Routine(self, node: blocks.Routine) -> ast.AST:
        body: list[ast.stmt] = []
        for block in node.blocks:
            title = f"block_header {block.name}"
            if block.name in node.waits:
                line, awaited = node.waits[block.name]
                title += f", waits at line {line} for `{awaited}`"
            if block.name in node.on_error:
                title += f", errors go to {node.on_error[block.name]}"
            if block.name in node.handling:
                title += f", handling {' or '.join(node.handling[block.name])}"
            body.append(ast.If(_words(title), self._body(block.body), []))
        args = self.visit(node.args)
        decorators = [self.visit(d) for d in node.decorator_list]
        written = ast.FunctionDef(node.name, args, body, decorators, None)
        written.type_params = []  # type: ignore[attr-defined]
        return written

    def _line(self, text: str) -> ast.stmt:
        return ast.Expr(_words(text))

    # How blocks end.

    def visit_Goto(self, node: blocks.Goto) -> ast.AST:
        return self._line(f"go to {node.target}")

    def visit_Pause(self, node: blocks.Pause) -> ast.AST:
        return self._line(f"pause at {node.label}, then {node.then}")

    def visit_BeginAwait(self, node: blocks.BeginAwait) -> ast.AST:
        label = f" at {node.label}" if node.label else ""
        limit = f" for {self._text(node.seconds)} seconds" if node.seconds else ""
        return self._line(f"await{label}{limit}, testing {node.test}")

    def visit_Leave(self, node: blocks.Leave) -> ast.AST:
        return self._line(f"leave for {node.then}")

    def visit_Waiting(self, node: blocks.Waiting) -> ast.AST:
        return self._line("wait")

    def visit_CallThen(self, node: blocks.CallThen) -> ast.AST:
        return self._line(f"call {self._text(node.call)}, then {node.then}")

    def visit_SleepThen(self, node: blocks.SleepThen) -> ast.AST:
        return self._line(f"sleep {self._text(node.seconds)} seconds, then {node.then}")

    def visit_ReturnValue(self, node: blocks.ReturnValue) -> ast.AST:
        return self._line(f"return {self._text(node.value)}".rstrip())

    # Expressions that only blocks have.

    def visit_Begin(self, node: blocks.Begin) -> ast.AST:
        return ast.Call(_words("begin"), [self.visit(node.call)], [])

    def visit_Result(self, node: blocks.Result) -> ast.AST:
        return _words("result")

    def visit_Raised(self, node: blocks.Raised) -> ast.AST:
        return _words("raised")

    def visit_Expired(self, node: blocks.Expired) -> ast.AST:
        return _words("expired")

    def visit_Items(self, node: blocks.Items) -> Any:
        return ast.Call(_words("items"), [self.visit(node.iterable)], [])

    def visit_Exhausted(self, node: blocks.Exhausted) -> Any:
        return ast.Call(_words("exhausted"), [self.visit(node.items)], [])

    def visit_Item(self, node: blocks.Item) -> ast.AST:
        return _words("item")

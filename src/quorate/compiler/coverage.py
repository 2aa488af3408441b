"""Marks of what a run reaches: handlers, branches of awaits, labels.

    def receive(msg=('ping', n)):        becomes        _covered_[3] = True
        ...                                             ...

A mark is one store, and a run that wants none is compiled without. Invariant: the marks of a
module have the numbers of its points, which are in the order of the text.
"""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from quorate.compiler.python import end_of_header
from quorate.lang import nodes
from quorate.lang.nodes import Program

COVERED = "_covered_"  # in the module: for each point, whether it was reached
POINTS = "_points_"
"""Names that begin so are not taken along by `import *`."""


class Point(NamedTuple):
    """What can be reached: `kind` is `handler`, `branch` or `label`, `owner` the process class."""

    kind: str
    owner: str
    line: int
    text: str


def mark(program: Program) -> list[Point]:
    """Put the marks into the resolved tree of a program; the points that they stand for."""
    marker = _Marker(program)
    marker.visit(program.tree)
    return marker.points


def with_points(module: ast.Module, points: list[Point]) -> ast.Module:
    """A written module, with the points at its head."""
    value = repr([tuple(point) for point in points])
    text = f"{POINTS} = {value}\n{COVERED} = [False] * len({POINTS})\n"
    place = end_of_header(module.body)
    module.body[place:place] = ast.parse(text).body
    return module


class _Marker(ast.NodeVisitor):
    """Goes over a tree in the order of its text, and marks it in place."""

    def __init__(self, program: Program) -> None:
        self.lines = program.text.splitlines()
        self.points: list[Point] = []
        self.owner = ""

    def visit_ProcessClass(self, node: nodes.ProcessClass) -> None:
        around, self.owner = self.owner, "main" if node.is_main else node.name
        self.generic_visit(node)
        self.owner = around

    def visit_Handler(self, node: nodes.Handler) -> None:
        node.body.insert(0, self._mark("handler", node))
        self.generic_visit(node)

    def visit_Await(self, node: nodes.Await) -> None:  # type: ignore[override]
        for branch in () if node.simple else node.branches:
            branch.body.insert(0, self._mark("branch", branch))
            self.generic_visit(branch)
        if node.orelse:
            node.orelse.insert(0, self._mark("branch", node.orelse[0], "else"))
            self._statements(node.orelse)

    def generic_visit(self, node: ast.AST) -> None:
        for _, value in ast.iter_fields(node):
            if isinstance(value, list):
                self._statements(value)
            elif isinstance(value, ast.AST):
                self.visit(value)

    def _statements(self, values: list[Any]) -> None:
        marked: list[Any] = []
        for value in values:
            marked += self._with_label(value)
            if isinstance(value, ast.AST):
                self.visit(value)
        values[:] = marked

    def _with_label(self, node: Any) -> list[Any]:
        """A label, be it before an await, is reached before it lets messages in."""
        if isinstance(node, nodes.Label):
            label: str | None = node.name
        else:
            label = node.label if isinstance(node, nodes.Await) else None
        return [node] if label is None else [self._mark("label", node, f"-- {label}"), node]

    def _mark(self, kind: str, at: ast.AST, text: str = "") -> ast.stmt:
        line: int = at.lineno  # type: ignore[attr-defined]
        if kind == "label":  # an await has taken its place
            while text.split() != self.lines[line - 1].partition("#")[0].split() and line > 1:
                line -= 1
        target = ast.Subscript(
            ast.Name(COVERED, ast.Load()), ast.Constant(len(self.points)), ast.Store()
        )
        shown = text or self.lines[line - 1].strip().rstrip(":")
        self.points.append(Point(kind, self.owner, line, shown))
        written = ast.Assign([target], ast.Constant(True))
        for node in ast.walk(written):
            if isinstance(node, (ast.expr, ast.stmt)):
                nodes.copy_place(node, at)
        return written

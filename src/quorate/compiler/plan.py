"""The plan: every query of a program, where it stands and how it is answered.

For now each is answered by recomputing it over the whole history or collection.
"""

from __future__ import annotations

import ast

from quorate.lang import nodes
from quorate.lang.nodes import Program
from quorate.lang.printer import expression_text
from quorate.lang.source import Source


def plan_text(program: Program, source: Source) -> str:
    """The queries of a resolved program, in the order they stand: place, query, answer."""
    lines = []
    for node in _queries(program.tree):
        histories = sorted({n.kind for n in ast.walk(node) if isinstance(n, nodes.Messages)})
        over = " and ".join(histories) or "collections"
        lines.append(f"line {source.span(node).line}: {expression_text(node)}")
        if isinstance(node, nodes.Query) and node.witness:
            names = ", ".join(expression_text(name) for name in node.witness)
            lines.append(f"    leaves its witness in: {names}")
        lines.append(f"    answered by: recomputing over {over}, in time O(history) an evaluation")
    return "\n".join(lines) + "\n"


def _queries(tree: ast.AST) -> list[ast.AST]:
    """The outermost queries of a tree."""
    found: list[ast.AST] = []
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, (nodes.Query, nodes.Messages)):
            found.append(child)
        else:
            found += _queries(child)
    return found

"""The flow pass: suspendable methods are cut into blocks at their yield points.

    def run():              start:    pause, then after_2
        -- label            after_2:  self.n += 1
        self.n += 1                   return

Each suspendable FunctionDef becomes a Routine (blocks.py), which compiler/python.py writes as a
class of small functions. Invariant: blocks.check holds of every routine that comes out.
"""

from __future__ import annotations

import ast

from quorate.compiler.blocks import Begin
from quorate.compiler.flow.statements import routine_of
from quorate.compiler.flow.text import flow_text
from quorate.compiler.suspend import assigned_globals
from quorate.lang import nodes
from quorate.lang.diagnostics import Diagnostics
from quorate.lang.nodes import Program, Scope, make
from quorate.lang.source import Source

__all__ = ["cut", "flow_text"]


def cut(program: Program, found: Diagnostics) -> None:
    """Put a Routine in the place of every suspendable function of `program`, in its tree."""
    program.tree = Cutter(program, found.source).visit(program.tree)


class Cutter(ast.NodeTransformer):
    """Cuts functions, those nested in others first."""

    def __init__(self, program: Program, source: Source) -> None:
        self.source = source
        self.changing = frozenset(assigned_globals(program.tree))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        self.generic_visit(node)
        if not getattr(node, "suspendable", False):
            return node
        return routine_of(node, self.source, self.changing)

    def visit_ProcessClass(self, node: nodes.ProcessClass) -> ast.stmt:
        self.generic_visit(node)
        body: list[ast.stmt] = []
        for member in node.body:
            if isinstance(member, nodes.Handler) and getattr(member, "suspendable", False):
                body.append(routine_of(_method_of(member), self.source, self.changing))
            body.append(member)
        node.body = body
        return node


def _method_of(handler: nodes.Handler) -> ast.FunctionDef:
    """The body of a handler as a method, which the handler calls with what its patterns bind."""
    parts = (handler.message, handler.peer, handler.own, handler.stamp)
    names = list(dict.fromkeys(name for part in parts for name in nodes.bound_names(part)))
    name = "_".join(filter(None, ("handle", _tag(handler.message), str(handler.lineno))))
    arguments = make(
        *(ast.arguments, handler),
        posonlyargs=[],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
        args=[make(ast.arg, handler, arg=n, annotation=None) for n in names],
        vararg=None,
        kwarg=None,
    )
    scope: Scope | None = getattr(handler, "scope", None)
    method = make(
        *(ast.FunctionDef, handler),
        name=name,
        args=arguments,
        body=handler.body,
        decorator_list=[],
        scope=scope or Scope(set(names)),
    )
    whole = make(nodes.Self, handler, whole=True)
    # not `self.handle_...`: a derived class of another module may have one of the same name
    own = make(ast.Name, handler, id="__class__", ctx=ast.Load())
    func = make(ast.Attribute, handler, value=own, attr=name, ctx=ast.Load())
    args = [whole, *(make(ast.Name, handler, id=n, ctx=ast.Load()) for n in names)]
    call = make(ast.Call, handler, func=func, args=args, keywords=[])
    handler.body = [make(ast.Return, handler, value=make(Begin, handler, call=call))]
    return method


def _tag(message: nodes.Pattern) -> str:
    """The constant that the messages of a handler begin with, if it can be part of a name."""
    match message:
        case nodes.SequencePattern(
            elements=[nodes.ValuePattern(value=ast.Constant(value=tag)), *_]
        ):
            return tag if isinstance(tag, str) and tag.isidentifier() else ""
    return ""

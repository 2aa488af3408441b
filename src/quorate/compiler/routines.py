"""Routines: methods in blocks, written as a class of functions that core/frames.py runs.

Each block becomes a function (process, frame); the locals of the method are attributes of the
frame. Invariant: every path through a block answers what is next.
"""

from __future__ import annotations

import ast
from typing import Any

from quorate.compiler import blocks
from quorate.compiler.branching import asking, opened, tests_of
from quorate.compiler.keepers import KeeperWriter
from quorate.compiler.matching import only_arguments
from quorate.compiler.names import Level, assign, call, core, literal, load
from quorate.compiler.wakes import can_never_end, reads_of
from quorate.lang.scopes import parameters


class RoutineWriter(KeeperWriter):
    """Writes routines and the ends of their blocks."""

    serving = False  # whether an await is being written that nothing can end

    def body(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        written: list[ast.stmt] = []
        for statement in statements:
            result = self.visit(statement)
            written += result if isinstance(result, list) else [result]
        return written or [ast.Pass()]

    # Where a name lives that a statement binds as Python does.

    def home(self, name: str) -> ast.expr | None:
        """The process or frame whose attribute `name` is; None if it is Python's variable."""
        if self.lives_in_field(name):
            return self.process
        level = self.level_of(name)
        return None if level is None or level.frame is None else load(level.frame)

    def where_it_lives(self, name: str, at: ast.AST) -> list[ast.stmt]:
        """After a statement that bound `name`: bind it where it lives."""
        home = self.home(name)
        if home is None:
            return []
        target = ast.Attribute(home, self.own_name(name), ast.Store())
        return [ast.copy_location(assign(target, load(name)), at)]

    # Routines.

    def visit_Routine(self, node: blocks.Routine) -> list[ast.stmt]:
        method = self.in_class_body() and not any(
            isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list
        )
        decorators = [*(self.visit(d) for d in node.decorator_list), core("routine")]
        reads = {
            name: tuple(tuple(map(self.own_name, names)) for names in read)
            for name, read in reads_of(node, self.given).items()
        }
        args = self.visit_arguments(node.args)
        process = "self" if self.class_name is not None else self.unused("process_")
        frame = self.frame_name()
        names = parameters(node.args)
        keys: list[ast.expr | None] = [ast.Constant(self.own_name(n)) for n in names]
        first = ast.Dict(keys, [load(n) for n in names])
        if method:
            args = with_self(args)
        doc = _docstring(node.blocks[0].body)
        members: list[ast.stmt] = [function("call", args, [*doc, ast.Return(first)])]
        scope = node.scope
        self.levels.append(Level(set(scope.locals), frame, process=process, globals=scope.globals))
        for block in node.blocks:
            inner = only_arguments([ast.arg(process), ast.arg(frame)])
            self.testing = isinstance(block.body[-1], blocks.Waiting)
            self.serving = can_never_end(block.body)
            body = [*self._shared(node), *self._block(node, block)]
            self.testing = False
            members.append(function(block.name, inner, body))
        self.levels.pop()
        told = {
            "on_error": node.on_error,
            "handling": node.handling,
            "iterators": node.iterators,
            "waits": node.waits,
            "reads": reads,
        }
        for name, facts in told.items():
            if facts:
                members.insert(0, assign(ast.Name(name, ast.Store()), literal(facts)))
        name = self.own_name(node.name) if self.in_class_body() else node.name
        written = class_(name, [], members)
        written.decorator_list = decorators
        ast.copy_location(written, node)
        return [written, *self.where_it_lives(node.name, node)]

    def _block(self, node: blocks.Routine, block: blocks.Block) -> list[ast.stmt]:
        tests = tests_of(node, block) if self.branching else None
        written = self.body(block.body)
        if tests is None:
            return written
        places = (list(map(self.own_name, names)) for names in (tests.fields, tests.names))
        opening = opened(self._process_name(), load(self._own().frame or ""), *places)
        later = [self.visit(each) for each in tests.later]
        return asking(written, later, self.unused("branches"), opening)

    def _shared(self, node: blocks.Routine) -> list[ast.stmt]:
        """What a method declares global, each of its blocks does."""
        names = sorted(node.scope.globals)
        return [ast.copy_location(ast.Global(names), node)] if names else []

    def visit_Global(self, node: ast.Global) -> ast.stmt:
        framed = bool(self.levels) and self.levels[-1].frame is not None
        return ast.copy_location(ast.Pass(), node) if framed else node

    def _own(self) -> Level:
        return next(level for level in reversed(self.levels) if level.frame is not None)

    def _process_name(self) -> ast.expr:
        return load(self._own().process or "self")

    def _end(self, at: ast.AST, method: str, *args: Any, **keywords: Any) -> ast.stmt:
        """`return frame.method(...)`."""
        function = ast.Attribute(load(self._own().frame or ""), method, ast.Load())
        given = [a if isinstance(a, ast.expr) else ast.Constant(a) for a in args]
        named = {
            k: v if isinstance(v, ast.expr) else ast.Constant(v)
            for k, v in keywords.items()
            if v is not None
        }
        return ast.copy_location(ast.Return(call(function, *given, **named)), at)

    def visit_Goto(self, node: blocks.Goto) -> ast.stmt:
        return ast.copy_location(ast.Return(ast.Constant(node.target)), node)

    def visit_Pause(self, node: blocks.Pause) -> ast.stmt:
        return self._end(node, "pause_", node.label, node.then)

    def visit_BeginAwait(self, node: blocks.BeginAwait) -> ast.stmt:
        seconds = self.visit(node.seconds) if node.seconds is not None else None
        process = self._process_name()
        at = node if seconds is None else seconds  # what may be no number of seconds
        return self._end(at, "await_", process, node.test, label=node.label, seconds=seconds)

    def visit_Leave(self, node: blocks.Leave) -> ast.stmt:
        return self._end(node, "leave_", self._process_name(), node.then)

    def visit_Waiting(self, node: blocks.Waiting) -> ast.stmt:
        return ast.copy_location(ast.Return(core("SERVE" if self.serving else "WAIT")), node)

    def visit_CallThen(self, node: blocks.CallThen) -> ast.stmt:
        made = self.visit(node.call)
        arguments = [made.func, ast.Constant(node.then), *made.args]
        function = ast.Attribute(load(self._own().frame or ""), "call_", ast.Load())
        written = ast.copy_location(ast.Call(function, arguments, made.keywords), made)
        return ast.copy_location(ast.Return(written), node)

    def visit_ReturnValue(self, node: blocks.ReturnValue) -> ast.stmt:
        return self._end(node, "return_", *([self.visit(node.value)] if node.value else []))

    def visit_SleepThen(self, node: blocks.SleepThen) -> ast.stmt:
        return self._end(node, "sleep_", self._process_name(), self.visit(node.seconds), node.then)


def _docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """The docstring, taken from `body`, which still ends as it did."""
    match body[0]:
        case ast.Expr(value=ast.Constant(value=str())):
            return [body.pop(0)]
    return []


# Pieces of trees ----------------------------------------------------------------------------------


def function(name: str, args: ast.arguments, body: list[ast.stmt]) -> ast.FunctionDef:
    function = ast.FunctionDef(name=name, args=args, body=body, decorator_list=[])
    function.type_params = []  # type: ignore[attr-defined]
    return function


def class_(name: str, bases: list[ast.expr], body: list[ast.stmt]) -> ast.ClassDef:
    written = ast.ClassDef(name=name, bases=bases, keywords=[], body=body, decorator_list=[])
    written.type_params = []  # type: ignore[attr-defined]
    return written


def with_self(args: ast.arguments) -> ast.arguments:
    first = args.posonlyargs or args.args
    first.insert(0, ast.arg("self"))
    return args

"""Statements that suspend, each cut into blocks; what does not suspend stays whole.

while c:                while_3:  if not c: go to after_3
    -- label                      pause, then after_4
    n += 1              after_4:  n += 1; go to while_3
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable
from typing import Any

from quorate.compiler import blocks
from quorate.compiler.blocks import (
    BeginAwait,
    Block,
    Expired,
    Leave,
    Pause,
    Result,
    ReturnValue,
    Routine,
    Waiting,
    ends,
)
from quorate.compiler.flow.builder import Loop
from quorate.compiler.flow.expressions import Expressions, Slot, slots
from quorate.compiler.flow.native import Native
from quorate.compiler.flow.protection import Protection
from quorate.compiler.flow.tidy import tidy
from quorate.compiler.suspend import suspends
from quorate.lang import nodes
from quorate.lang.nodes import Scope, make
from quorate.lang.scopes import parameters, stored_names
from quorate.lang.source import Source


class Statements(Expressions, Protection):
    """Cuts the body of a method."""

    def statements(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            if not self.live:
                return  # nothing leads to the rest
            self.at = statement
            if suspends(statement):
                cut: Callable[[Any], None] = getattr(self, f"cut_{type(statement).__name__}")
                cut(statement)
            else:
                self.whole(statement)

    def whole(self, statement: ast.stmt) -> None:
        self.add(*Native(self).rewritten(statement))

    # Choices.

    def cut_If(self, node: ast.If) -> None:
        node.test = self.expression(node.test)
        if not suspends(node):
            self.whole(node)
            return
        join = self.block("after", node)
        choice = make(ast.If, node, test=node.test, body=[], orelse=[])
        self.add(choice)
        for into, body in ((choice.body, node.body), (choice.orelse, node.orelse)):
            self.into(into)
            self.statements(body)
            self.goto(join)
        self.begin(join)

    def cut_Match(self, node: ast.Match) -> None:
        node.subject = self.expression(node.subject)
        if not suspends(node):
            self.whole(node)
            return
        after = self.block("after", node)
        self._match(node.subject, node.cases, after, node)
        self.begin(after)

    def _match(
        self, subject: ast.expr, cases: list[ast.match_case], after: Block, at: ast.AST
    ) -> None:
        """Cases up to the first whose guard suspends; those behind it in a block of their own."""
        place = next((i for i, c in enumerate(cases) if c.guard and suspends(c.guard)), None)
        if place is not None:
            subject = self.keep("subject", subject)  # a case may give its name another value
        choice = make(ast.Match, at, subject=subject, cases=[])
        behind = self.out
        behind.append(choice)
        following = self.block("case", cases[place].pattern) if place is not None else after
        for case in cases if place is None else cases[: place + 1]:
            body, guard, case.body = case.body, case.guard, []
            choice.cases.append(case)
            self.into(case.body)
            if guard is not None and suspends(guard):
                case.guard = None
                self.unless(self.expression(guard), following)
            self.statements(body)
            self.goto(after)
        self.into(behind)
        self.live = not ends(behind)
        self.goto(following)
        if place is not None:
            self.begin(following)
            if place + 1 < len(cases):
                self._match(subject, cases[place + 1 :], after, at)
            else:
                self.goto(after)

    # Loops.

    def cut_While(self, node: ast.While) -> None:
        head, after = self.block("while", node), self.block("after", node)
        done = self.block("else", node.orelse[0]) if node.orelse else after
        self.goto(head)
        self.begin(head)
        if not (isinstance(node.test, ast.Constant) and node.test.value):
            self.unless(self.expression(node.test), done)
        self._loop_body(node.body, head, after)
        self.goto(head)
        self._loop_else(node.orelse, done, after)

    def cut_For(self, node: ast.For) -> None:
        node.iter = self.expression(node.iter)
        if not suspends(node):
            self.whole(node)
            return
        after = self.block("after", node)
        done = self.block("else", node.orelse[0]) if node.orelse else after
        self.each(
            node.target,
            node.iter,
            done,
            lambda head, items: self._loop_body(node.body, head, after, items),
        )
        self._loop_else(node.orelse, done, after)

    def _loop_body(
        self, body: list[ast.stmt], head: Block, after: Block, items: str | None = None
    ) -> None:
        self.exits.append(Loop(head.name, after.name, items))
        self.statements(body)
        self.exits.pop()

    def _loop_else(self, orelse: list[ast.stmt], done: Block, after: Block) -> None:
        if orelse:
            self.begin(done)
            self.statements(orelse)
            self.goto(after)
        self.begin(after)

    # Yield points.

    def cut_Label(self, node: nodes.Label) -> None:
        after = self.block("after", node)
        self.waits[after.name] = (node.lineno, f"-- {node.name}")
        self.end(Pause, label=node.name, then=after.name)
        self.begin(after)

    def cut_Await(self, node: nodes.Await) -> None:
        after = again = self.block("after", node)
        if node.loop:
            again = self.block("while", node)
            self.goto(again)
            self.begin(again)
        limits = [branch.test for branch in node.branches if branch.kind == "timeout"]
        seconds = self.expression(limits[0]) if limits else None
        test = self.block("await", node)
        self.waits[test.name] = (node.branches[0].test.lineno, self._waits_for(node))
        self.end(BeginAwait, test=test.name, label=node.label, seconds=seconds)
        self.begin(test)
        bodies: list[tuple[Block, list[ast.stmt]]] = []
        for branch in node.branches:
            self.at = branch
            body = self._branch_block(branch, again)
            bodies.append((body, branch.body))
            expired = branch.kind == "timeout"
            condition = make(Expired, branch) if expired else branch.test
            leave = self.terminator(Leave, then=body.name)
            self.add(make(ast.If, branch, test=condition, body=[leave], orelse=[]))
        if node.orelse is None:
            self.end(Waiting)
        else:
            otherwise = self.block("else", node.orelse[0]) if node.orelse else again
            self.end(Leave, then=otherwise.name)
            bodies.append((otherwise, node.orelse))
        self._branches(bodies, again, after)

    def _branch_block(self, branch: nodes.Branch, again: Block) -> Block:
        if not branch.body:
            return again
        return self.block("then" if branch.kind == "when" else "timeout", branch)

    def _branches(
        self, bodies: list[tuple[Block, list[ast.stmt]]], again: Block, after: Block
    ) -> None:
        for block, body in bodies:
            if block is again:
                continue
            self.begin(block)
            if again is after:
                self.statements(body)
            else:
                self._loop_body(body, again, after)
            self.goto(again)
        self.begin(after)

    def _waits_for(self, node: nodes.Await) -> str:
        texts = []
        for branch in node.branches:
            text = self.source.phrase(branch.test)
            texts.append(text if branch.kind == "when" else f"timeout({text})")
        return "; ".join(texts)

    # Simple statements.

    def cut_Expr(self, node: ast.Expr) -> None:
        value = self.expression(node.value)
        if not isinstance(value, (ast.Constant, ast.Name, Result)):
            self.do(value)

    def cut_Return(self, node: ast.Return) -> None:
        value = node.value and self.expression(node.value)
        self.at = node
        self.leave("return", value)

    def cut_Raise(self, node: ast.Raise) -> None:
        self.operands(list(slots(node)))
        self.add(node)

    def cut_Assert(self, node: ast.Assert) -> None:
        node.test = self.expression(node.test)
        if node.msg is None or not suspends(node.msg):
            self.add(node)
            return
        fine = self.block("after", node)
        self.when(node.test, fine)
        message = self.expression(node.msg)
        self.add(make(ast.Assert, node, test=self.constant(False), msg=message))
        self.goto(fine)
        self.begin(fine)

    def cut_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self.operands(list(slots(target)))
            self.add(make(ast.Delete, node, targets=[target]))

    def cut_Assign(self, node: ast.Assign) -> None:
        value = self.expression(node.value)
        if not any(map(suspends, node.targets)):
            self.add(make(ast.Assign, node, targets=node.targets, value=value))
            return
        kept = self.spilled(value, None, [Slot(node.targets, i) for i in range(len(node.targets))])
        for target in node.targets:
            self.assign(target, kept)

    def cut_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is None:
            self.operands(list(slots(node.target)))
            return
        plain = make(ast.Assign, node, targets=[node.target], value=node.value)
        self.cut_Assign(plain)

    def routine(self, function: ast.FunctionDef) -> Routine:
        return routine_of(function, self.source, self.changing)

    def assign(self, target: ast.expr, value: ast.expr) -> None:
        if not suspends(target):
            self.add(make(ast.Assign, self.at, targets=[target], value=value))
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target, value)
        else:
            kept = self.spilled(value, None, list(slots(target)))
            self.operands(list(slots(target)))
            self.add(make(ast.Assign, self.at, targets=[target], value=kept))

    def _unpack(self, target: ast.Tuple | ast.List, value: ast.expr) -> None:
        """All parts first, as Python does; then each where it belongs."""
        parts: list[ast.expr] = []
        places: list[tuple[ast.expr, str]] = []
        for element in target.elts:
            name = self.fresh("part", target)
            part: ast.expr = make(ast.Name, target, id=name, ctx=ast.Store())
            if isinstance(element, ast.Starred):
                element = element.value
                part = make(ast.Starred, target, value=part, ctx=ast.Store())
            parts.append(part)
            places.append((element, name))
        whole = make(ast.Tuple, target, elts=parts, ctx=ast.Store())
        self.add(make(ast.Assign, self.at, targets=[whole], value=value))
        for element, name in places:
            self.assign(element, self.read(name))

    def cut_AugAssign(self, node: ast.AugAssign) -> None:
        if not suspends(node.value):
            self.operands(list(slots(node.target)))  # a native `+=` evaluates them once
            self.add(node)
            return
        if isinstance(node.target, ast.Name):
            places: list[Slot] = []
            if self.is_stable(node.target, [Slot(node, "value")]):
                node.value = self.expression(node.value)
                self.add(node)
                return
        else:
            places = list(slots(node.target))
        for i, slot in enumerate(places):
            following = [*places[i + 1 :], Slot(node, "value")]
            slot.value = self.spilled(self.expression(slot.value), slot, following)
        old = self.keep("value", _loaded(node.target))
        value = self.expression(node.value)
        target = make(ast.Name, node, id=old.id, ctx=ast.Store())
        self.add(make(ast.AugAssign, node, target=target, op=node.op, value=value))
        self.add(make(ast.Assign, node, targets=[node.target], value=self.read(old.id)))


def _loaded(target: ast.expr) -> ast.expr:
    """The value of a target, which has been cut."""
    loaded = copy.deepcopy(target)
    loaded.ctx = ast.Load()  # type: ignore[attr-defined]
    return loaded


# The whole method ------------------------------------------------------------------------------


def routine_of(node: ast.FunctionDef, source: Source, changing: frozenset[str]) -> Routine:
    """The blocks of one suspendable function, in a module whose variables are `changing`."""
    scope: Scope = node.scope  # type: ignore[attr-defined]
    taken = scope.locals | {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    taken |= set(parameters(node.args))
    cutter = Statements(scope, taken, source, changing)
    cutter.shared = _shared(node)
    start: Block = make(Block, node, name="start", body=[])
    cutter.at = node
    cutter.begin(start)
    cutter.statements(node.body)
    cutter.at = node.body[-1]
    cutter.end(ReturnValue, value=None)
    routine = make(
        *(Routine, node),
        name=node.name,
        args=node.args,
        decorator_list=node.decorator_list,
        blocks=cutter.blocks,
        scope=scope,
        on_error=cutter.on_error,
        handling=cutter.handling,
        waits=cutter.waits,
        iterators=tuple(cutter.iterators),
    )
    known = {block.name for block in routine.blocks}
    for facts in ("on_error", "handling"):
        of_known = {n: fact for n, fact in getattr(routine, facts).items() if n in known}
        setattr(routine, facts, of_known)
    tidy(routine)
    _declare(routine, cutter)
    blocks.check(routine)
    return ast.fix_missing_locations(routine)


def _shared(node: ast.FunctionDef) -> frozenset[str]:
    """The variables that functions nested in `node` assign too."""
    inner = (
        n for n in ast.walk(node) if isinstance(n, (ast.FunctionDef, Routine)) and n is not node
    )
    return frozenset(name for function in inner for name in _declared_nonlocal(function))


def _declared_nonlocal(function: ast.AST) -> list[str]:
    return [
        name for node in ast.walk(function) if isinstance(node, ast.Nonlocal) for name in node.names
    ]


def _declare(routine: Routine, cutter: Statements) -> None:
    """`global` and `nonlocal` stand in every block that assigns the name."""
    kinds: tuple[tuple[Any, set[str]], ...] = (
        (ast.Global, cutter.globals),
        (ast.Nonlocal, cutter.nonlocals),
    )
    for kind, names in kinds:
        for block in routine.blocks if names else ():
            assigned = sorted(names & stored_names(block.body)[0])
            if assigned:
                block.body.insert(0, make(kind, block.body[0], names=assigned))

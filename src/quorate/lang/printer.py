"""The tree, printed as a program again: at first as it was written, later with names resolved."""

from __future__ import annotations

import ast
import copy
from typing import Any

from quorate.lang import nodes
from quorate.lang.nodes import Program, make
from quorate.lang.patterns import PEER


def tree_text(program: Program) -> str:
    """The program of a tree, in the language."""
    return _text(program, resolved=False)


def program_text(program: Program) -> str:
    """The program of a resolved tree: every field is written with `self.`."""
    return _text(program, resolved=True)


def expression_text(node: ast.AST) -> str:
    """One expression or clause, in the language."""
    printed = Printer(resolved=False).visit(copy.deepcopy(node))
    return ast.unparse(ast.fix_missing_locations(printed))


def _text(program: Program, *, resolved: bool) -> str:
    tree = copy.deepcopy(program.tree)
    tree.body += copy.deepcopy([*program.properties, *program.specifications])
    printed = Printer(resolved=resolved).visit(tree)
    text = ast.unparse(ast.fix_missing_locations(printed))
    return text.replace(_ELIF_LOOP, "while await") + "\n"


_ELIF_LOOP = "if await_loop and await"
_CALL = "await"


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _call(name: str, args: list[Any], **keywords: Any) -> ast.Call:
    given = [ast.keyword(k, v) for k, v in keywords.items() if v is not None]
    return ast.Call(_name(name), args, given)


class Printer(ast.NodeTransformer):
    """Turns the language's nodes back into the syntax they were read from."""

    def __init__(self, *, resolved: bool) -> None:
        self.resolved = resolved

    # Statements.

    def visit_ProcessClass(self, node: nodes.ProcessClass) -> ast.AST:
        body = self._body(node.body)
        if node.is_main:
            run = body[0]
            assert isinstance(run, ast.FunctionDef)
            run.name = "main"
            return run
        bases = [_name("process"), *(self.visit(base) for base in node.bases)]
        decorators = [self.visit(d) for d in node.decorator_list]
        written = ast.ClassDef(node.name, bases, [], body or [ast.Pass()], decorators)
        written.type_params = []  # type: ignore[attr-defined]
        return written

    def visit_Handler(self, node: nodes.Handler) -> ast.AST:
        peer, other = ("from_", "to") if node.kind == "received" else ("to", "from_")
        parts = {"msg": node.message, peer: node.peer, other: node.own, "clk": node.stamp}
        given = {name: self.visit(part) for name, part in parts.items() if part is not None}
        if node.labels is not None:
            given["at"] = ast.Tuple([_name(label) for label in node.labels], ast.Load())
        arguments = ast.arguments([], [ast.arg(n) for n in given], None, [], [], None, [])
        arguments.defaults = list(given.values())
        name = "receive" if node.kind == "received" else "sent"
        written = ast.FunctionDef(name, arguments, self._body(node.body), [], None)
        written.type_params = []  # type: ignore[attr-defined]
        return written

    def visit_Property(self, node: nodes.Property) -> ast.AST:
        decorator: ast.expr = _name(node.kind)
        if node.within is not None:
            decorator = _call(node.kind, [], within=ast.Constant(node.within))
        arguments = ast.arguments([], [], None, [], [], None, [])
        body: list[ast.stmt] = [ast.Return(self.visit(node.value))]
        written = ast.FunctionDef(node.name, arguments, body, [decorator], None)
        written.type_params = []  # type: ignore[attr-defined]
        return written

    def visit_Specification(self, node: nodes.Specification) -> ast.AST:
        return ast.Expr(_call(node.guarantee, [node.model]))

    def visit_Config(self, node: nodes.Config) -> ast.AST:
        return ast.Expr(node.call)

    def visit_Label(self, node: nodes.Label) -> ast.AST:
        return ast.Expr(_name(f"-- {node.name}"))

    def visit_Await(self, node: nodes.Await) -> Any:  # type: ignore[override]
        first = node.branches[0]
        word = "await_loop and await" if node.loop else "await"
        condition = ast.Call(_name(word), [self._test(first)], [])
        label = [self.visit_Label(_label(node.label))] if node.label is not None else []
        if node.simple:
            return [*label, ast.Expr(condition)]
        orelse = self._orelse(node.orelse) if node.orelse else []
        for branch in reversed(node.branches[1:]):
            orelse = [ast.If(self._test(branch), self._body(branch.body), orelse)]
        return [*label, ast.If(condition, self._body(first.body), orelse)]

    def _test(self, branch: nodes.Branch) -> ast.expr:
        test: ast.expr = self.visit(branch.test)
        return _call("timeout", [test]) if branch.kind == "timeout" else test

    def visit_If(self, node: ast.If) -> ast.AST:
        node.test, node.body = self.visit(node.test), self._body(node.body)
        node.orelse = self._orelse(node.orelse) if node.orelse else []
        return node

    def _orelse(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """What follows an `else`. A lone await is kept from becoming an `elif` of it."""
        written = self._body(body)
        first = body[0]
        lone = len(written) == 1 and isinstance(first, nodes.Await) and not first.simple
        return [ast.Pass(), *written] if lone else written

    def _body(self, body: list[ast.stmt]) -> list[ast.stmt]:
        written: list[ast.stmt] = []
        for statement in body:
            result = self.visit(statement)
            written += result if isinstance(result, list) else [result]
        return written or [ast.Pass()]

    # Expressions.

    def visit_Word(self, node: nodes.Word) -> ast.AST:
        args = [self.visit(arg) for arg in node.args]
        keywords = [self.visit(keyword) for keyword in node.keywords]
        return ast.Call(_name(node.name), args, keywords)

    def visit_Query(self, node: nodes.Query) -> ast.AST:
        domains = (nodes.Domain, nodes.Messages)
        joined = node.op == "some" and node.condition is None  # as witnesses.flatten leaves it
        tests = [c for c in node.clauses if joined and not isinstance(c, domains)]
        args = [self.visit(clause) for clause in node.clauses if clause not in tests]
        if node.result is not None:
            args.insert(0, self.visit(node.result))
        has = node.condition and self.visit(node.condition)
        if tests:
            parts = [self.visit(test) for test in tests]
            has = parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)
        default = node.default and self.visit(node.default)
        return _call(node.op, args, has=has, default=default)

    def visit_Domain(self, node: nodes.Domain) -> ast.AST:
        pattern, collection = self.visit(node.pattern), self.visit(node.collection)
        return ast.Compare(pattern, [ast.In()], [collection])

    def visit_Messages(self, node: nodes.Messages) -> ast.AST:
        parts = {PEER[node.kind]: node.peer, "clk": node.stamp}
        given = {name: self.visit(part) for name, part in parts.items() if part is not None}
        asked = _call(node.kind, [self.visit(node.message)], **given)
        if node.of is not None:
            asked.func = ast.Attribute(self.visit(node.of), node.kind, ast.Load())
        return asked

    def visit_History(self, node: nodes.History) -> ast.AST:
        return _name(node.kind)

    def visit_Sleep(self, node: nodes.Sleep) -> ast.AST:
        return _call("time.sleep", [self.visit(node.seconds)])

    def visit_Field(self, node: nodes.Field) -> ast.AST:
        if self.resolved:
            return ast.Attribute(_name("self"), node.name, node.ctx)
        return ast.Name(node.name, node.ctx)

    def visit_Self(self, node: nodes.Self) -> ast.AST:
        return _name("self")

    # Patterns.

    def visit_AnyPattern(self, node: nodes.AnyPattern) -> ast.AST:
        return _name("_")

    def visit_BindPattern(self, node: nodes.BindPattern) -> ast.AST:
        return _name(node.name)

    def visit_ValuePattern(self, node: nodes.ValuePattern) -> ast.AST:
        value = node.value
        if node.marked and isinstance(value, (ast.Name, nodes.Field)):
            return _name("_" + (value.id if isinstance(value, ast.Name) else value.name))
        return self.visit(value)  # type: ignore[no-any-return]

    def visit_SequencePattern(self, node: nodes.SequencePattern) -> ast.AST:
        elements = [self.visit(element) for element in node.elements]
        display = ast.Tuple if node.kind == "tuple" else ast.List
        return display(elements, ast.Load())

    def visit_StarPattern(self, node: nodes.StarPattern) -> ast.AST:
        if node.value is not None:
            kept = make(nodes.ValuePattern, node, value=node.value, marked=node.marked)
            return ast.Starred(self.visit(kept), ast.Load())
        return ast.Starred(_name(node.name or "_"), ast.Load())


def _label(name: str) -> nodes.Label:
    label = nodes.Label()
    label.name = name
    return label

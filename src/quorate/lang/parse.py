"""From text to the tree: Python's parser, then the language's own nodes in place of its words.

Errors are collected, not raised, so that several are reported at once; what is wrong is left
out of the tree or replaced by something harmless.
"""

from __future__ import annotations

import ast
import itertools
import re
import tokenize
from typing import Literal, TypeGuard

from quorate.lang import nodes
from quorate.lang.configuration import read_config
from quorate.lang.diagnostics import Diagnostic, Diagnostics, nearest
from quorate.lang.imports import (
    Importer,
    defines,
    import_da_name,
    in_a_circle,
    module_named,
    note_imports,
    sleeping_names,
)
from quorate.lang.nodes import ClassInfo, Pattern, Program, make
from quorate.lang.patterns import ExpressionReader
from quorate.lang.properties import is_property, read_property
from quorate.lang.refusals import refused
from quorate.lang.scopes import BUILTINS, parameters, plain_class
from quorate.lang.source import Source, Span, tokens_of
from quorate.lang.specifications import take_specifications
from quorate.lang.syntax import parse_python, timed_await
from quorate.lang.words import HANDLERS, QUERIES

_WHILE_AWAIT = re.compile(r"\bwhile\s+await\b")


def parse(
    source: Source, found: Diagnostics, importer: Importer = lambda name, level: None
) -> Program:
    """The program in `source`. Raises QuorateSyntaxError only where it is not Python at all."""
    text, loops = _without_while_await(source.text)
    tree, mistakes = parse_python(source, text)
    for mistake in mistakes:
        _report(mistake, found)
    program = Program(source.path, source.text, tree)
    reader = Reader(program, found, importer, loops)
    reader.read_module()
    refusal = None if mistakes else refused(source, text, loops)
    if refusal is not None and refusal.span.line not in {it.span.line for it in found.items}:
        _report(refusal, found)
    return program


def _report(item: Diagnostic, found: Diagnostics) -> None:
    found.error(item.code, item.message, item.span, labels=item.labels, help=item.help)


def plain_tree(source: Source) -> ast.Module:
    """Python's tree of a program, before the words of the language are read.

    Raises QuorateSyntaxError where it is not Python at all.
    """
    text, _ = _without_while_await(source.text)
    return parse_python(source, text)[0]


def _without_while_await(text: str) -> tuple[str, set[tuple[int, int]]]:
    """`while await` made `if    await`, so that `elif` may follow; and where they stood."""
    if not _WHILE_AWAIT.search(text):
        return text, set()
    lines = text.split("\n")
    places: set[tuple[int, int]] = set()
    for token, following in itertools.pairwise(tokens_of(text)):
        if token.string == "while" and token.type == tokenize.NAME and following.string == "await":
            row, column = token.start
            line = lines[row - 1]
            lines[row - 1] = line[:column] + "if   " + line[column + 5 :]
            places.add((row, len(line[:column].encode())))
    return "\n".join(lines), places


class Reader(ExpressionReader):
    """Reads statements; where it stands (module, process class, method) is its state."""

    def __init__(
        self, program: Program, found: Diagnostics, importer: Importer, loops: set[tuple[int, int]]
    ) -> None:
        super().__init__(found)
        self.program = program
        self._importer = importer
        self.loops = loops
        self.in_process = False

    # The module.

    def read_module(self) -> None:
        tree = self.program.tree
        note_imports(self.program, self._importer, self.found)
        self.program.specifications = take_specifications(self.program, self.found)
        self.time_modules, self.sleepers = sleeping_names(tree)
        self.shadowed = {s.name for s in tree.body if isinstance(s, ast.FunctionDef)} & QUERIES
        body = [self._module_statement(s) for s in self._with_labels_merged(tree.body)]
        self.program.properties = [s for s in body if isinstance(s, nodes.Property)]
        tree.body = [s for s in body if not isinstance(s, nodes.Property)]

    def _module_statement(self, node: ast.stmt) -> ast.stmt:
        if isinstance(node, ast.AsyncFunctionDef):
            node = self._without_async(node, ast.FunctionDef)
        if isinstance(node, ast.FunctionDef) and node.name == "main":
            return self._main(node)
        if isinstance(node, ast.FunctionDef) and is_property(node, self.program):
            return self._property(node)
        if (module := import_da_name(node)) is not None:
            assert isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            alias = ast.alias(module, node.targets[0].id)
            return ast.copy_location(ast.Import([ast.copy_location(alias, node)]), node)
        return self.statement(node)

    def _property(self, node: ast.FunctionDef) -> nodes.Property:
        self.program.names.discard(node.name)
        self.in_property = True
        written = read_property(node, self.expression, self.found)
        self.in_property = False
        return written

    # Process classes.

    def _main(self, node: ast.FunctionDef) -> nodes.ProcessClass:
        if node.args.args or node.args.posonlyargs:
            help = "write `def main():`; the command line is in `sys.argv`"
            first = [*node.args.posonlyargs, *node.args.args][0]
            self.found.error("Q023", "`main` takes no parameters", first, help=help)
        run = ast.FunctionDef(
            name="run", args=_no_arguments(), body=node.body, decorator_list=[], returns=None
        )
        run.type_params = []  # type: ignore[attr-defined]
        ast.copy_location(run, node)
        self.program.names.discard("main")  # nothing is called so when the program runs
        main = self._class_of("Main", [], [run], node)
        main.is_main = True
        main.decorator_list = [self.expression(d) for d in node.decorator_list]
        return main

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        if node in self.program.tree.body:
            node.bases = [self._base_meant(base) for base in node.bases]
            for base in node.bases:
                self._check_circle(base)
        bases = [base for base in node.bases if not _is_process(base)]
        known = [self._named(base, "classes") for base in bases]
        others = [
            self._named(base, "plain")
            for base, info in zip(bases, known, strict=True)
            if info is None and not _is_name(base, "object")
        ]
        if len(bases) == len(node.bases) and not any(known):
            self.program.plain[node.name] = plain_class(node, others)
            was, self.in_process = self.in_process, False
            node.body = self.statements(node.body)
            self.in_process = was
            return node
        for keyword in node.keywords:
            help = "take it away; what the class is to know stands in its body"
            message = f"the process class `{node.name}` has an argument by name"
            self.found.error("Q025", message, keyword, help=help)
        process = self._class_of(node.name, [self.expression(b) for b in bases], node.body, node)
        process.decorator_list = [self.expression(d) for d in node.decorator_list]
        process.info.bases = [info for info in known if info is not None]
        process.info.mixins = [info for info in others if info is not None]
        process.info.open = bool(others)
        process.info.strange = any(info is None or info.strange for info in others)
        self.program.classes[node.name] = process.info
        return process

    def _base_meant(self, base: ast.expr) -> ast.expr:
        """A base of a class; for an unknown name, the process class that was probably meant."""
        names = self.program.names | BUILTINS
        if not isinstance(base, ast.Name) or base.id in names or not self.program.knows_names:
            return base
        near = nearest(base.id, {"process", *self.program.classes})
        if near is None:
            return base
        message, help = f"`{base.id}` is defined nowhere", f"did you mean `{near}`?"
        self.found.error("Q010", message, base, help=help, cause=base.id)
        return ast.copy_location(ast.Name(near, ast.Load()), base)

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        """A process class may have another name: `Q = P`, `Q = m.P`."""
        info = None if self.in_process else self._named(node.value, "classes")
        if info is not None:
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            self.program.classes |= dict.fromkeys(names, info)
        return self.generic_visit(node)  # type: ignore[return-value]

    def _check_circle(self, base: ast.expr) -> None:
        """Q017: a process class cannot be a base before it is known."""
        module: Program | None = None
        match base:
            case ast.Name(id=here) if here in self.program.circles:
                module, name = self.program.circles[here]
            case ast.Attribute(value=ast.Name(id=here), attr=name):
                module, _ = self.program.circles.get(here, (None, None))
        if module is not None and name is not None:
            if name in module.classes or not defines(module, name):
                in_a_circle(module, name, base, self.found)

    def _named(self, base: ast.expr, table: Literal["classes", "plain"]) -> ClassInfo | None:
        """What is known of a base class, where it is a process class or a plain one."""
        if isinstance(base, ast.Name):
            found: dict[str, ClassInfo] = getattr(self.program, table)
            return found.get(base.id)
        if isinstance(base, ast.Attribute):
            module = module_named(self.program, base.value)
            return getattr(module, table).get(base.attr) if module else None
        return None

    def _class_of(
        self, name: str, bases: list[ast.expr], body: list[ast.stmt], at: ast.stmt
    ) -> nodes.ProcessClass:
        _drop_annotations(body)
        was, self.in_process = self.in_process, True
        members: list[ast.stmt] = []
        inner = [function for statement in body for function in self._inside(statement)]
        for statement in [*body, *inner]:
            if isinstance(statement, ast.AsyncFunctionDef):
                statement = self._without_async(statement, ast.FunctionDef)
            if isinstance(statement, ast.FunctionDef):
                self._check_handler_name(statement)
            if isinstance(statement, ast.FunctionDef) and statement.name in HANDLERS:
                members.append(self._handler(statement))
            elif isinstance(statement, ast.FunctionDef):
                members.append(self._method(statement))
            else:
                members += self.statements([statement])
        self.in_process = was
        return make(
            nodes.ProcessClass,
            at,
            name=name,
            bases=bases,
            decorator_list=[],
            body=members,
            is_main=False,
            info=ClassInfo(name),
        )

    def _inside(self, statement: ast.stmt) -> list[ast.FunctionDef]:
        """Q027: which methods a class has does not depend on what happens when it is made."""
        if isinstance(statement, ast.FunctionDef):
            return []
        found = self._taken_out(statement)
        for function in found[:1]:
            message = f"`{function.name}` is defined inside of a statement of the class body"
            help = "define it in the body itself, and ask inside of it what it depends on"
            self.found.error("Q027", message, self._head(function), help=help)
        return found

    def _taken_out(self, statement: ast.stmt) -> list[ast.FunctionDef]:
        """The definitions inside of a statement of a class body, taken out of it."""
        found: list[ast.FunctionDef] = []
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            if isinstance(statement, ast.ClassDef) or not hasattr(statement, part):
                continue
            inner = getattr(statement, part)
            for place, each in enumerate(inner):
                if isinstance(each, ast.FunctionDef):
                    found.append(each)
                    inner[place] = ast.copy_location(ast.Pass(), each)
                else:
                    found += self._taken_out(each)
        return found

    def _head(self, function: ast.FunctionDef) -> Span:
        """`def name`."""
        at = self.found.source.span(function)
        return Span(at.line, at.column, at.line, at.column + len(f"def {function.name}"))

    def _method(self, node: ast.FunctionDef) -> ast.stmt:
        positional = [*node.args.posonlyargs, *node.args.args]
        if node.name in ("__init__", "__new__"):
            help = "write `def setup(...)`: its parameters are fields, which `new` gives values"
            message = f"`{node.name}` in a process class: processes are made by `new`"
            self.found.error("Q026", message, self._head(node), help=help)
            node.name = "setup"  # what is meant, as far as other errors are concerned
            del (node.args.posonlyargs or node.args.args)[:1]
        elif positional and positional[0].arg == "self" and not nodes.is_static(node):
            (node.args.posonlyargs or node.args.args).pop(0)
            rest = ast.unparse(node.args)
            help = f"write `def {node.name}({rest})`: `self` is there without it"
            message = f"`{node.name}` has a parameter `self`"
            self.found.error("Q013", message, positional[0], help=help)
        elif node.name == "run" and positional and not node.args.defaults:
            help = "give them to `setup`: its parameters are fields, which `run` can read"
            self.found.error("Q023", "`run` takes no parameters", positional[0], help=help)
        return self.statement(node)

    def _check_handler_name(self, node: ast.FunctionDef) -> None:
        """Q037: `def recieve(msg=('a', x))` is a handler, where `x` can be nothing but free."""
        near = nearest(node.name, ["receive"])
        if near is None or "msg" not in parameters(node.args):
            return
        names = {n.id for default in node.args.defaults for n in ast.walk(default) if _is_read(n)}
        if self.program.knows_names and names - self.program.names - BUILTINS:
            message = f"`{node.name}` has the parameters of a handler, and is none"
            place = self.found.source.span(node)
            column = place.column + len("def ")
            word = Span(place.line, column, place.line, column + len(node.name))
            self.found.error("Q037", message, word, help=f"did you mean `{near}`?")
            node.name = near

    def _handler(self, node: ast.FunctionDef) -> nodes.Handler:
        kind = HANDLERS[node.name]
        for decorator in node.decorator_list:
            help = "take it away; a method that the handler calls can have it"
            self.found.error("Q036", "a handler has a decorator", decorator, help=help)
        parts = self._handler_parameters(node, kind)
        message = parts.pop("msg", None)
        if message is None:
            help = f"write `def {node.name}(msg=('tag', x), ...)`; `msg=_` for any message"
            self.found.error("Q031", f"this `{node.name}` has no `msg=`", node, help=help)
        read: dict[str, Pattern | None] = {
            name: self.pattern(parts[name]) if name in parts else None
            for name in ("from_", "to", "clk")
        }
        peer, other = ("from_", "to") if kind == "received" else ("to", "from_")
        was, self.in_process = self.in_process, True
        handler = make(
            nodes.Handler,
            node,
            kind=kind,
            message=self.pattern(message) if message else make(nodes.AnyPattern, node),
            peer=read[peer],
            own=read[other],
            stamp=read["clk"],
            labels=self._labels(parts.get("at")),
            body=self.statements(node.body),
        )
        self.in_process = was
        return handler

    def _handler_parameters(self, node: ast.FunctionDef, kind: str) -> dict[str, ast.expr]:
        arguments = [*node.args.posonlyargs, *node.args.args]
        defaults = [None] * (len(arguments) - len(node.args.defaults)) + [*node.args.defaults]
        arguments += node.args.kwonlyargs
        defaults += node.args.kw_defaults
        allowed = ("msg", "from_", "to", "clk", "at")
        parts: dict[str, ast.expr] = {}
        for argument, default in zip(arguments, defaults, strict=True):
            name = argument.arg
            if name == "self":
                help = "leave it out: `self` is there without it"
                self.found.error("Q013", "a handler has a parameter `self`", argument, help=help)
            elif name not in allowed:
                near = nearest(name, allowed)
                help = f"did you mean `{near}=`?" if near else f"it has {', '.join(allowed)}"
                message = f"a handler has no parameter `{name}`"
                self.found.error("Q030", message, argument, help=help)
                parts.setdefault("msg", ast.copy_location(ast.Name("_", ast.Load()), argument))
            elif default is None:
                help = f"write `{name}=...` with what is to match; `{name}=x` binds `x`"
                self.found.error("Q032", f"`{name}` has no pattern", argument, help=help)
                parts[name] = ast.copy_location(ast.Name("_", ast.Load()), argument)
            else:
                parts[name] = default
        return parts

    def _labels(self, node: ast.expr | None) -> tuple[str, ...] | None:
        if node is None:
            return None
        elements = node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else [node]
        labels = []
        for element in elements:
            match element:
                case ast.Name(id=name) | ast.Constant(value=str(name)):
                    labels.append(name)
                case _:
                    help = "write the labels: `at=(request, release)`"
                    self.found.error("Q033", "`at=` takes labels", element, help=help)
        return tuple(labels)

    # Statements.

    def statements(self, body: list[ast.stmt]) -> list[ast.stmt]:
        return [self.statement(node) for node in self._with_labels_merged(body)]

    def statement(self, node: ast.stmt) -> ast.stmt:
        label = getattr(node, "label_before", None)
        read: ast.stmt = self.visit(node)
        if isinstance(read, nodes.Await) and label is not None:
            read.label = label
        return read

    def _with_labels_merged(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Leaves out each label that stands right before an await, and notes it there."""
        kept: list[ast.stmt] = []
        for node in body:
            if kept and _waits(node) and (name := _label_name(kept[-1])):
                kept.pop()
                node.label_before = name  # type: ignore[attr-defined]
            kept.append(node)
        return kept

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for name, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                setattr(node, name, self.statements(value))
            elif isinstance(value, list):
                setattr(node, name, [self.visit(v) if isinstance(v, ast.AST) else v for v in value])
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        match node.value:
            case ast.UnaryOp(op=ast.USub(), operand=ast.UnaryOp(op=ast.USub(), operand=operand)):
                if isinstance(operand, ast.Name):
                    return make(nodes.Label, node, name=operand.id)
                help = "write `-- name` on a line of its own"
                self.found.error("Q046", "a label is one name", node, help=help)
                return make(nodes.Label, node, name="_")
            case ast.Await(value=condition):
                branch = self._alternative(condition, [], node)
                return self._await([branch], None, node, simple=True)
            case ast.Call(func=ast.Name(id="config")) as call:
                options = read_config(call, self.found)
                return make(nodes.Config, node, options=options, call=call)
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_While(self, node: ast.While) -> ast.stmt:
        if isinstance(node.test, ast.Name) and node.test.id == "await":
            help = "it is written `while await(c): ...`, then `elif c2: ...`"
            self.found.error("Q041", "`while await` without a condition", node.test, help=help)
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_If(self, node: ast.If) -> ast.stmt:
        loop = (node.lineno, node.col_offset) in self.loops
        if loop and not isinstance(node.test, ast.Await):
            help = "it is written `while await(c): ...`, with all of the condition inside"
            message = "`while await` with more than the await"
            self.found.error("Q041", message, node.test, help=help)
            node.test = ast.copy_location(ast.Await(_without_awaits(node.test)), node.test)
        if not isinstance(node.test, ast.Await):
            return self.generic_visit(node)  # type: ignore[return-value]
        word = "while" if loop else "if"
        branches = [self._alternative(node.test.value, node.body, node, word)]
        rest = node
        while len(rest.orelse) == 1 and self._is_elif(rest.orelse[0]):
            following = rest.orelse[0]
            assert isinstance(following, ast.If)
            rest = following
            test = rest.test.value if isinstance(rest.test, ast.Await) else rest.test
            branches.append(self._alternative(test, rest.body, rest))
        times = [branch for branch in branches if branch.kind == "timeout"]
        if len(times) > 1:
            help = "keep the one that is meant: the shortest would always come first"
            self.found.error("Q044", "a second `timeout` in one await", times[1].test, help=help)
        orelse = self.statements(rest.orelse) if rest.orelse else None
        if loop and orelse is not None:
            help = "leave the loop by `break` in a branch; or `elif timeout(0): ...`"
            self.found.error("Q041", "`else` on `while await`", rest.orelse[0], help=help)
        return self._await(branches, orelse, node, loop=loop)

    def _is_elif(self, node: ast.stmt) -> bool:
        if not isinstance(node, ast.If):
            return False
        line = self.found.source.lines[node.lineno - 1].encode()
        return line[node.col_offset :].startswith(b"elif")

    def _alternative(
        self, test: ast.expr, body: list[ast.stmt], at: ast.stmt, word: str = "if"
    ) -> nodes.Branch:
        """One branch of an await: `timeout(seconds)`, or a condition."""
        match test:
            case ast.Call(func=ast.Name(id="timeout"), args=args, keywords=keywords):
                if len(args) != 1 or keywords:
                    help = "write `elif timeout(3):`, in seconds"
                    self.found.error("Q043", "`timeout` takes its seconds", test, help=help)
                    args = [ast.copy_location(ast.Constant(0), test)]
                return self._branch("timeout", args[0], body, at)
        return self._branch("when", test, body, at, word)

    def _branch(
        self, kind: str, test: ast.expr, body: list[ast.stmt], at: ast.stmt, word: str = "if"
    ) -> nodes.Branch:
        if isinstance(test, ast.Tuple):
            source = self.found.source
            if len(test.elts) == 2:
                condition, limit = map(source.span, test.elts)
                old = timed_await(source, condition, limit, limit, word=word)
                _report(old, self.found)
            else:
                help = "join the conditions by `and`, or give each a branch"
                self.found.error("Q045", "`await` takes one condition", test, help=help)
        read, statements = self.expression(test), self.statements(body)
        return make(nodes.Branch, at, kind=kind, test=read, body=statements)

    def _await(
        self,
        branches: list[nodes.Branch],
        orelse: list[ast.stmt] | None,
        at: ast.stmt,
        *,
        loop: bool = False,
        simple: bool = False,
    ) -> nodes.Await:
        parts = {"branches": branches, "orelse": orelse, "loop": loop, "simple": simple}
        return make(nodes.Await, at, label=None, **parts)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        if node.name in HANDLERS and not self.in_process and node.args.defaults:
            help = "handlers are defined in the body of a class that extends `process`"
            self.found.error("Q035", f"`def {node.name}` outside a process", node, help=help)
        was, self.shadowed = self.shadowed, self.shadowed | _own_query_words(node)
        self.generic_visit(node)
        self.shadowed = was
        return node

    def _without_async(self, node: ast.stmt, kind: type[ast.stmt]) -> ast.stmt:
        """Report Q004, and go on with the statement as it is without `async`."""
        help = "leave out `async`: every method of a process may wait"
        place = self.found.source.span(node)
        word = Span(place.line, place.column, place.line, place.column + len("async"))
        self.found.error("Q004", "`async` is not part of the language", word, help=help)
        return make(kind, node, **dict(ast.iter_fields(node)))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.stmt:
        return self.statement(self._without_async(node, ast.FunctionDef))

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.stmt:
        return self.statement(self._without_async(node, ast.For))

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.stmt:
        return self.statement(self._without_async(node, ast.With))


def _without_awaits(node: ast.expr) -> ast.expr:
    """The expression with `c` in place of each `await(c)`."""

    class Stripper(ast.NodeTransformer):
        def visit_Await(self, node: ast.Await) -> ast.AST:
            return self.visit(node.value)  # type: ignore[no-any-return]

    return Stripper().visit(node)  # type: ignore[no-any-return]


def _own_query_words(function: ast.FunctionDef) -> set[str]:
    """The words of queries that a function uses as names of nested functions or parameters."""
    names = {arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg)}
    names |= {node.name for node in ast.walk(function) if isinstance(node, ast.FunctionDef)}
    return (names - {function.name}) & QUERIES


def _drop_annotations(body: list[ast.stmt]) -> None:
    """Types of parameters are for the reader; `P` may not be defined yet where it is named."""
    for node in (inner for statement in body for inner in ast.walk(statement)):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None


def _is_read(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


def _is_process(base: ast.expr) -> bool:
    return _is_name(base, "process")


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _waits(node: ast.stmt) -> bool:
    return (isinstance(node, ast.Expr) and isinstance(node.value, ast.Await)) or (
        isinstance(node, ast.If) and isinstance(node.test, ast.Await)
    )


def _label_name(node: ast.stmt) -> str | None:
    match node:
        case ast.Expr(
            value=ast.UnaryOp(
                op=ast.USub(), operand=ast.UnaryOp(op=ast.USub(), operand=ast.Name(id=name))
            )
        ):
            return name
    return None


def _no_arguments() -> ast.arguments:
    return ast.arguments(
        posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
    )

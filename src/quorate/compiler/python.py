"""From the tree, its suspendable methods cut into blocks, to a module of plain Python.

The result keeps the user's names and the places of the .da text, so that tracebacks and pdb
speak of the program; it imports quorate.core.api, as `core_`, and nothing else of Quorate.
"""

from __future__ import annotations

import ast
import copy
import random
import time
from typing import Any

from quorate.compiler import blocks
from quorate.compiler.escaping import kept_of
from quorate.compiler.fields import gone_over, observe
from quorate.compiler.fusing import Written
from quorate.compiler.growing import growing_fields
from quorate.compiler.matching import constant_at_head, guarded, only_arguments, tag_of
from quorate.compiler.names import CORE, Level, assign, call, core, literal, load
from quorate.compiler.normal import normalize
from quorate.compiler.properties import PropertyWriter, fields_read
from quorate.compiler.rising import rising_parts
from quorate.compiler.routines import class_, function, with_self
from quorate.compiler.views import Views
from quorate.core.configuration import joined
from quorate.lang import nodes
from quorate.lang.nodes import Program
from quorate.lang.scopes import parameters, stored_names

API = "quorate.core.api"
MAIN = "main_process_"
CONFIG = "_config_"  # of the module: no `import *` takes it from another
AMBIENT = {
    "random": [name for name in random.__all__ if not name.startswith("System")],
    "time": [name for name in dir(time) if not name.startswith("_")],
}
"""Modules that have twins in core/, and the names that `import *` takes from them."""


class Writer(PropertyWriter):
    """Writes statements and classes."""

    def __init__(
        self,
        program: Program,
        *,
        views: bool = True,
        properties: bool = False,
        branching: bool = False,
    ) -> None:
        super().__init__(program)
        self.has_views = views
        self.branching = branching
        self.program = program
        self.properties = program.properties if properties else []
        self.specifications = program.specifications if properties else []
        self.main_config: list[dict[str, Any]] = []  # by statement
        self.module_config: dict[str, Any] = {}
        self.in_main = False
        self.handlers: list[Written] = []  # of the class around
        self.resets = _resets(program)
        self.observed: set[str] = set()  # fields that queries go over

    def module(self) -> ast.Module:
        """The Python module of the program, whose tree it consumes."""
        tree = self.program.tree
        self.module_config = _configs(tree.body)
        clocked = _uses_clock(self.program)
        if self.has_views:
            self.rising = rising_parts(self.program)
            normalize(tree, self.given)
            self.observed = gone_over(tree) | fields_read(self.properties, self.program)
            observe(tree, self.observed)
        checks = self.write_properties()
        written = self.body(tree.body)
        start = [ast.copy_location(_import_core(), tree.body[0])] if tree.body else [_import_core()]
        start += _facts({CONFIG: self.module_config})
        place = end_of_header(written)
        main_config: Any = joined(self.main_config)
        if not main_config and _imports_star(tree) and _has_main(tree):
            main_config = literal({})  # not that of a main that is imported
        facts = {"main_config_": main_config, "uses_clock_": clocked}
        end = _facts(facts | {"_specifications_": self._specifications()})
        body = [*written[:place], *start, *self.matchers, *written[place:], *checks, *end]
        return ast.fix_missing_locations(ast.Module(body, []))

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for name, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                setattr(node, name, self.body(value))
            elif isinstance(value, list):
                setattr(node, name, [self.visit(v) if isinstance(v, ast.AST) else v for v in value])
            elif isinstance(value, ast.AST):
                setattr(node, name, self.visit(value))
        return node

    def _specifications(self) -> ast.expr | None:
        """What the operations of clients amount to, where properties are wanted."""
        made: list[ast.expr] = [
            call(
                core("Specification"),
                literal(each.guarantee),
                self.visit(each.model),
                load("__file__"),
                literal(each.lineno),
            )
            for each in self.specifications
        ]
        return ast.Tuple(made, ast.Load()) if made else None

    # Process classes.

    def visit_ProcessClass(self, node: nodes.ProcessClass) -> ast.stmt:
        bases = [self.visit(base) for base in node.bases]
        decorators = [self.visit(d) for d in node.decorator_list]
        name = MAIN if node.is_main else node.name
        around = self.class_name, self.super_name, self.info, self.base, self.in_main
        names, self.class_names = self.class_names, stored_names(node.body)[0]
        views, self.views = self.views, self._views_of(node)
        self.handlers, self.settlings = [], []
        self.class_name = self.super_name = name
        self.info, self.base, self.in_main = node.info, len(self.levels), node.is_main
        facts = self._facts(node)
        self.grows = growing_fields(node, self.given) if self.has_views else set()
        members: list[ast.stmt] = []
        handlers: list[ast.Call] = []
        for member in node.body:
            if isinstance(member, nodes.Handler):
                members.append(self._handler(member, handlers))
            elif isinstance(member, ast.FunctionDef) and member.name == "setup":
                members += self._setup(member, node)
            elif not isinstance(member, nodes.Config) and not _only_declares(member):
                result = self.visit(member)
                members += result if isinstance(result, list) else [result]
        self.class_name, self.super_name, self.info, self.base, self.in_main = around
        self.class_names = names
        self._part()
        self.views.add(self.checked.get(node.name, Views()))
        plain = not (node.bases or self.resets)  # so that nobody else's view is emptied meanwhile
        members += self.keepers(self.views, self.handlers if plain else [], node)
        told = _facts(facts | {f"keeps_{kind}_": True for kind in sorted(self.views.histories)})
        self.views = views
        own = assign(ast.Name("own_handlers_", ast.Store()), ast.Tuple([*handlers], ast.Load()))
        doc = members[:1] if ast.get_docstring(class_(name, [], members)) else []
        body = [*doc, *told, *members[len(doc) :], *([own] if handlers else [])]
        written = class_(name, [*bases, core("Process")], body or [ast.Pass()])
        written.decorator_list = decorators
        return ast.copy_location(written, node)

    def _views_of(self, node: nodes.ProcessClass) -> Views:
        """The views of a class, none as yet."""
        return Views(self.view_prefix(node.info), self.free_name)

    def _facts(self, node: nodes.ProcessClass) -> dict[str, Any]:
        """What the class says of itself: its fields, its configuration."""
        other = (nodes.Handler, ast.FunctionDef, nodes.Config, blocks.Routine)
        loose = [m for m in node.body if not isinstance(m, other) and not _only_declares(m)]
        fields = sorted(map(self.own_name, stored_names(loose)[0] - node.info.aliases.keys()))
        observed = self.observed & node.info.fields
        return {
            "class_fields_": tuple(fields),
            "observed_fields_": tuple(sorted(map(self.own_name, observed))),
            "module_config_": load(CONFIG) if self.module_config else None,
            "own_config_": _configs(node.body),
            "invokes_": _says(node, "invoke"),
        }

    def _setup(self, node: ast.FunctionDef, process: nodes.ProcessClass) -> list[ast.stmt]:
        """Parameters become fields; a base's setup runs by itself unless it is called."""
        names = parameters(node.args)
        fields: list[ast.stmt] = [
            assign(ast.Attribute(load("self"), self.own_name(name), ast.Store()), load(name))
            for name in names
        ]
        if process.bases:
            given = ast.Dict([ast.Constant(n) for n in names], [load(n) for n in names])
            bases = ast.Attribute(load("self"), "set_up_bases_", ast.Load())
            args = [load(self.class_name or ""), given][: 1 if _sets_up_bases(node) else 2]
            fields.append(ast.Expr(call(bases, *args)))
        written = self.visit_FunctionDef(node)
        assert isinstance(written, list)
        function = written[0]
        assert isinstance(function, ast.FunctionDef)
        doc = 1 if ast.get_docstring(function) is not None else 0
        head = copy.copy(node)  # its first line alone is where the fields get their values
        head.end_lineno, head.end_col_offset = node.lineno, node.col_offset + len("def setup")
        if fields:  # there is something in it now
            function.body = [s for s in function.body if not isinstance(s, ast.Pass)]
        function.body[doc:doc] = [ast.copy_location(field, head) for field in fields]
        return written

    def _handler(self, node: nodes.Handler, handlers: list[ast.Call]) -> ast.stmt:
        found = self.matcher((node.message, node.peer, node.own, node.stamp))
        found.taken |= self.identifiers | {"self"}
        found.write = self.visit
        scope: nodes.Scope = node.scope  # type: ignore[attr-defined]
        self.levels.append(Level(set(scope.locals), globals=scope.globals))
        parts = [*nodes.bound_names(node.message), *nodes.bound_names(node.stamp)]
        keeps = sorted(kept_of(node.body, set(parts), self.given))
        arguments, subjects = self.subjects(node, found)
        tag = constant_at_head(node.message)
        if tag is not None:
            found.tuples.add(arguments[0])
        cases: list[tuple[ast.expr, ast.pattern]] = [
            (load(subject), found.add(pattern, subject)) for subject, pattern in subjects
        ]
        if node.own is not None:
            own = ast.Attribute(load("self"), "id_", ast.Load())
            cases.append((own, found.add(node.own)))
        body = self.body(node.body)
        self.levels.pop()
        parting = [ast.copy_location(_own(name), node) for name in keeps]
        body[:0] = parting
        written = guarded(cases, found.guard(), body)
        hint = "receive" if node.kind == "received" else "sent"
        name = self.new_name("_".join(filter(None, (hint, tag_of(node.message)))), node.lineno)
        labels = None if node.labels is None else frozenset(node.labels)
        entry = [ast.Constant(node.kind), load(name), literal(labels)]
        entry += [] if tag is None else [tag]
        handlers.append(call(core("Handler"), *entry))
        args = only_arguments([ast.arg("self"), *map(ast.arg, arguments)])
        made = ast.copy_location(function(name, args, written), node)
        self.handlers.append(Written(node, made, handlers[-1], body, arguments, len(parting)))
        return made

    def _part(self) -> None:
        """Let the handlers of a class own what they keep of messages that views share, if any."""
        shared = "received" in self.views.histories | {v.split.kind for v in self.views.views}
        for handler in self.handlers:
            if shared or not handler.parting:
                handler.made.keywords.append(ast.keyword("owns", ast.Constant(True)))
            if not shared:
                del handler.body[: handler.parting]
                handler.parting = 0

    # Ordinary statements that bind names.

    def visit_FunctionDef(self, node: ast.FunctionDef) -> list[ast.stmt]:
        name = self.own_name(node.name) if self.in_class_body() else node.name
        method = self.in_class_body() and not nodes.is_static(node)
        decorators = [self.visit(d) for d in node.decorator_list]
        args = self.visit_arguments(node.args)
        returns = node.returns and self.visit(node.returns)
        scope: nodes.Scope = getattr(node, "scope", nodes.Scope(set(parameters(args))))
        self.levels.append(Level(set(scope.locals), globals=scope.globals))
        body = self.body(node.body)
        self.levels.pop()
        written = function(name, with_self(args) if method else args, body)
        written.decorator_list, written.returns = decorators, returns
        written.type_params = getattr(node, "type_params", [])  # type: ignore[attr-defined]
        ast.copy_location(written, node)
        return [written, *self.where_it_lives(node.name, node)]

    def visit_ClassDef(self, node: ast.ClassDef) -> list[ast.stmt]:
        node.bases = [self.visit(base) for base in node.bases]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        node.decorator_list = [self.visit(d) for d in node.decorator_list]
        around = self.class_name, self.super_name
        self.super_name = None
        if len(self.levels) == self.base:
            self.class_name = None
        self.levels.append(Level(stored_names(node.body)[0], of_class=True))
        node.body = self.body(node.body)
        self.levels.pop()
        self.class_name, self.super_name = around
        return [node, *self.where_it_lives(node.name, node)]

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        written: list[ast.stmt] = []
        plain = [alias for alias in node.names if alias.name not in AMBIENT]
        if plain:
            written.append(ast.copy_location(ast.Import(plain), node))
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            if alias.name in AMBIENT:
                target = ast.Name(name, ast.Store())
                written.append(ast.copy_location(assign(target, core(alias.name)), node))
            written += self.where_it_lives(name, node)
        return written

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        written: list[ast.stmt] = [node]
        pairs = [(alias.name, alias.asname or alias.name) for alias in node.names]
        if node.module in AMBIENT and node.level == 0:
            if pairs[0][0] == "*":
                pairs = [(name, name) for name in AMBIENT[node.module]]
            written = []
            for name, asname in pairs:
                twin = ast.Attribute(core(node.module), name, ast.Load())
                target = ast.Name(asname, ast.Store())
                written.append(ast.copy_location(assign(target, twin), node))
        return written + [s for _, name in pairs for s in self.where_it_lives(name, node)]

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.type = node.type and self.visit(node.type)
        node.body = self.body(node.body)
        if node.name is not None and (moved := self.where_it_lives(node.name, node)):
            node.body = [*moved, self._unbinding(moved[0], node.body, node)]
        return node

    def _unbinding(self, moved: ast.stmt, body: list[ast.stmt], at: ast.AST) -> ast.stmt:
        """`body`, after which the name of an exception is unbound where it lives too."""
        assert isinstance(moved, ast.Assign)
        home = moved.targets[0]
        assert isinstance(home, ast.Attribute)
        names = ast.Attribute(home.value, "__dict__", ast.Load())
        forget = ast.Attribute(names, "pop", ast.Load())
        gone = ast.Expr(call(forget, ast.Constant(home.attr), ast.Constant(None)))
        written = ast.Try(body, [], [], [ast.copy_location(gone, at)])
        return ast.copy_location(written, at)

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        """What a pattern captures is bound before its guard is tested, as in Python."""
        captured = sorted(stored_names([node.pattern])[0])
        node.pattern = self.visit(node.pattern)
        homes = [self.home(name) for name in captured]
        moved: list[ast.expr] = [
            self.setting(home, {name: load(name)})
            for name, home in zip(captured, homes, strict=True)
            if home is not None
        ]
        body = self.body(node.body)
        if node.guard is not None:
            guard = self.visit(node.guard)
            node.guard = ast.BoolOp(ast.And(), [*moved, guard]) if moved else guard
            moved = []
        node.body = [*(ast.copy_location(ast.Expr(m), node.pattern) for m in moved), *body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        """In a process and in any function, annotations are for the reader."""
        plain_class = bool(self.levels) and self.levels[-1].of_class
        kept = plain_class or (not self.levels and self.class_name is None)
        node.target = self.visit(node.target)
        node.value = node.value and self.visit(node.value)
        if kept:
            node.annotation = self.visit(node.annotation)
            return [node]
        if node.value is None:
            return [ast.copy_location(ast.Pass(), node)]
        return [ast.copy_location(assign(node.target, node.value), node)]

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.stmt:
        node.names = [name for name in node.names if self.keeps(name)]
        return node if node.names else ast.copy_location(ast.Pass(), node)

    def visit_Config(self, node: nodes.Config) -> list[ast.stmt]:
        """The options are told as facts; nothing is left to be done."""
        if self.in_main:
            self.main_config.append(node.options)
        return []


# Pieces of trees ----------------------------------------------------------------------------------


def _import_core() -> ast.stmt:
    package, _, module = API.rpartition(".")
    return ast.ImportFrom(package, [ast.alias(module, CORE)], 0)


def _own(name: str) -> ast.stmt:
    """`name = core_.own(name)`: from here on it is the handler's own."""
    return assign(ast.Name(name, ast.Store()), call(core("own"), load(name)))


def end_of_header(body: list[ast.stmt]) -> int:
    """How many statements must come first: the docstring and imports from `__future__`."""
    place = 0
    for statement in body:
        doc = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
        if not (doc or future):
            break
        place += 1
    return place


def _configs(body: list[ast.stmt]) -> dict[str, Any]:
    """The options of the `config` statements that stand in `body` itself."""
    return joined(statement.options for statement in body if isinstance(statement, nodes.Config))


def _facts(facts: dict[str, Any]) -> list[ast.stmt]:
    """`name = value` for each that is not empty."""
    told = {name: value for name, value in facts.items() if value}
    return [
        assign(ast.Name(name, ast.Store()), v if isinstance(v, ast.expr) else literal(v))
        for name, v in told.items()
    ]


def _imports_star(tree: ast.Module) -> bool:
    froms = [s for s in tree.body if isinstance(s, ast.ImportFrom)]
    return any(alias.name == "*" for statement in froms for alias in statement.names)


def _has_main(tree: ast.Module) -> bool:
    return any(isinstance(s, nodes.ProcessClass) and s.is_main for s in tree.body)


CLOCK_WORDS = {"logical_clock", "logical_time", "incr_logical_clock"}


def _uses_clock(program: Program) -> bool:
    """Whether anything in the program, or in a module it is made of, reads a logical clock."""
    for node in (node for module in program.whole() for node in ast.walk(module.tree)):
        if isinstance(node, (nodes.Messages, nodes.Handler)) and node.stamp is not None:
            return True
        name = getattr(node, "name", None) if isinstance(node, nodes.Word) else None
        if (node.attr if isinstance(node, ast.Attribute) else name) in CLOCK_WORDS:
            return True
    return False


def _resets(program: Program) -> bool:
    """Whether anything in the program empties a history."""
    return any(_says(module.tree, "reset") for module in program.whole())


def _says(tree: ast.AST, word: str) -> bool:
    """Whether a word of the language is used anywhere in a tree."""
    return any(isinstance(n, nodes.Word) and n.name == word for n in ast.walk(tree))


def _sets_up_bases(setup: ast.FunctionDef) -> bool:
    """Whether a setup calls `super().setup(...)`, or `Base.setup(self, ...)`, itself."""
    for node in ast.walk(setup):
        match node:
            case ast.Attribute(attr="setup", value=ast.Call(func=ast.Name(id="super"))):
                return True
            case ast.Call(func=ast.Attribute(attr="setup"), args=[nodes.Self(whole=True), *_]):
                return True
    return False


def _only_declares(member: ast.stmt) -> bool:
    """`name: type`, without a value."""
    return isinstance(member, ast.AnnAssign) and member.value is None

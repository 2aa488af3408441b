"""Writing names: fields, `self`, and locals, which in a routine live in its frame.

`Writer` classes turn the resolved tree into plain Python `ast`, in place. Invariant: every
expression that comes out means in Python what it meant in the language.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quorate.compiler import blocks
from quorate.compiler.views import Views
from quorate.core.frames import Frame
from quorate.core.ids import main_id
from quorate.core.process import Process
from quorate.lang import nodes
from quorate.lang.scopes import argument_nodes, target_names
from quorate.lang.words import word_method

CORE = "core_"
PROCESS = nodes.ProcessClass


class _NoWorld:
    """What a process asks of a world when it is made."""

    def __init__(self) -> None:
        self.seed = 0
        self.names: Mapping[str, Any] = {}
        self.shows = 0
        self.config: Mapping[str, Any] = {}

    def now(self, which: str) -> float:
        raise NotImplementedError


OWN = frozenset(
    name
    for owner in (Process(main_id(), main_id(), _NoWorld()), Frame)
    for name in dir(owner)
    if name.endswith("_") and not name.startswith("__")
)
"""What the machinery keeps in processes and frames: a program's name like it has one more `_`."""


@dataclass
class Level:
    """One level of nested scopes while writing: whose names these are, and where they live.

    `frame` is the name of the frame that holds them, None where they are Python's own variables;
    `renamed` gives some another name; `process` is how the process is called here.
    """

    names: set[str]
    frame: str | None = None
    renamed: dict[str, str] = field(default_factory=dict)
    process: str | None = None
    globals: set[str] = field(default_factory=set)
    of_class: bool = False  # seen only by what stands in it directly, as in Python
    held: set[str] = field(default_factory=set)  # variables of a query: parts of kept messages


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def core(name: str) -> ast.Attribute:
    return ast.Attribute(load(CORE), name, ast.Load())


def call(func: ast.expr, *args: ast.expr, **keywords: ast.expr) -> ast.Call:
    return ast.Call(func, list(args), [ast.keyword(k, v) for k, v in keywords.items()])


def assign(target: ast.expr, value: ast.expr) -> ast.Assign:
    return ast.Assign([target], value)


def literal(value: Any) -> ast.expr:
    """An expression for a plain value."""
    match value:
        case dict():
            keys: list[ast.expr | None] = [literal(key) for key in value]
            return ast.Dict(keys, [literal(item) for item in value.values()])
        case frozenset():
            members = [literal(member) for member in sorted(value)]
            return call(load("frozenset"), *([ast.Set(members)] if members else []))
        case tuple():
            return ast.Tuple([literal(member) for member in value], ast.Load())
        case list():
            return ast.List([literal(member) for member in value], ast.Load())
    return ast.Constant(value)


def module_identifiers(tree: ast.AST) -> tuple[set[str], set[str]]:
    """(every name that a module uses, those of them that it gives a value itself)."""
    used: set[str] = set()
    given: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                given.update(names)
            case ast.alias(name=name, asname=asname):
                given.add(asname or name.partition(".")[0])
            case ast.MatchMapping(rest=str(name)) | ast.arg(arg=name) | ast.Name(id=name):
                given.add(name)
            case _ if isinstance(node, BINDING) and isinstance(node.name, str):
                given.add(node.name)
    return used | given, given


BINDING = (
    ast.FunctionDef,
    ast.ClassDef,
    ast.ExceptHandler,
    ast.MatchAs,
    ast.MatchStar,
    nodes.ProcessClass,
    nodes.BindPattern,
    nodes.StarPattern,
    blocks.Routine,
)
"""Nodes whose `name` is given a value."""


class NameWriter(ast.NodeTransformer):
    """Writes names and the words; `levels` are the scopes around, outermost first.

    The first `base` levels are around the process class, the others in its method.
    """

    def __init__(self, program: nodes.Program) -> None:
        self.levels: list[Level] = []
        self.base = 0
        self.class_name: str | None = None  # the process class around
        self.super_name: str | None = None  # the same, unless a plain class is in between
        self.info: nodes.ClassInfo | None = None
        self.identifiers, self.given = module_identifiers(program.tree)
        infos = [node.info for node in ast.walk(program.tree) if isinstance(node, PROCESS)]
        self.members = {name for info in infos for name in info.members()}
        self.classes = set(program.classes)
        self.class_names: set[str] = set()  # what the body of the process class around defines
        self.views = Views()  # of the process class around

    # Where a name lives.

    def level_of(self, name: str) -> Level | None:
        for depth, level in enumerate(reversed(self.levels)):
            if level.of_class and depth > 0:
                continue
            if name in level.names:
                return level
            if name in level.globals:
                return None
        return None

    def lives_in_field(self, name: str) -> bool:
        """Whether a name that a statement binds is a field."""
        declared = any(name in level.globals for level in self.levels)
        is_field = self.info is not None and name in self.info.fields
        return is_field and bool(self.levels) and not declared and self.level_of(name) is None

    @property
    def process(self) -> ast.expr:
        """The process, as an expression: `self` in its methods."""
        inside = self.levels[self.base :]
        if any("self" in level.names for level in inside):
            return ast.Attribute(core("here"), "process", ast.Load())
        for level in reversed(inside):
            if level.process is not None:
                return load(level.process)
        if self.class_name is not None:
            return load("self")
        return ast.Attribute(core("here"), "process", ast.Load())

    def in_class_body(self) -> bool:
        """Whether what is written stands in the body of the process class itself."""
        return self.class_name is not None and len(self.levels) == self.base

    def frame_name(self) -> str:
        frames = sum(level.frame is not None for level in self.levels)
        return self.unused("frame" if frames == 0 else f"frame_{frames + 1}")

    def unused(self, hint: str) -> str:
        """`hint`, or a name like it that the program does not use."""
        inner = {name for level in self.levels for name in level.renamed.values()}
        while hint in self.identifiers or hint in inner:
            hint += "_"
        return hint

    def builtin(self, name: str) -> ast.expr:
        """Python's own `name`, whatever the program calls so."""
        if name in self.given:
            return ast.Attribute(core("builtins"), name, ast.Load())
        return load(name)

    def variable(self, name: str, ctx: ast.expr_context) -> ast.expr:
        level = self.level_of(name)
        if level is not None and level.frame is not None:
            return ast.Attribute(load(level.frame), self.own_name(name), ctx)
        if level is not None:
            name = level.renamed.get(name, name)
        elif self.in_class_body() and name in self.class_names:
            name = self.own_name(name)
        return ast.Name(name, ctx)

    def keeps(self, name: str) -> bool:
        """Whether a plain statement that binds `name` binds it where the name lives."""
        level = self.level_of(name)
        return level is None or level.frame is None

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == "print" and self.level_of("print") is None and "print" not in self.given:
            return ast.copy_location(core("show"), node)
        return ast.copy_location(self.variable(node.id, node.ctx), node)

    def visit_Field(self, node: nodes.Field) -> ast.expr:
        name = self.own_name(node.name)
        return ast.copy_location(ast.Attribute(self.process, name, node.ctx), node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        of_process = self._is_process(node.value)
        node.value = self.visit(node.value)
        node.attr = self.own_name(node.attr) if of_process else self.mangled(node.attr)
        return node

    def _is_process(self, node: ast.expr) -> bool:
        """Whether an expression is the process itself, or a process class by its name."""
        match node:
            case nodes.Self(whole=whole):
                return whole
            case ast.Call(func=ast.Name(id="super")):
                return self.super_name is not None
            case ast.Name(id=name):
                return name in self.classes and self.level_of(name) is None
        return False

    def own_name(self, name: str) -> str:
        """The attribute of a process or frame that holds what the program calls `name`."""
        name = self.mangled(name)
        taken = name.endswith("_") and f"{name.rstrip('_')}_" in OWN
        return f"{name}_" if taken else name

    def mangled(self, name: str) -> str:
        """A private name as Python has it in the process class, also in a routine of that."""
        private = name.startswith("__") and not name.endswith("__")
        if not private or self.super_name is None:
            return name
        return f"_{self.super_name.lstrip('_')}{name}"

    def visit_Self(self, node: nodes.Self) -> ast.expr:
        value = self.process if node.whole else ast.Attribute(self.process, "id_", ast.Load())
        return ast.copy_location(value, node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        value = self.visit(node.value)
        if isinstance(node.target, nodes.Field):
            owner, name = self.process, node.target.name
        elif self.keeps(node.target.id):
            target = self.variable(node.target.id, ast.Store())
            assert isinstance(target, ast.Name)
            return ast.copy_location(ast.NamedExpr(target, value), node)
        else:
            level = self.level_of(node.target.id)
            assert level is not None and level.frame is not None
            owner, name = load(level.frame), node.target.id
        let = ast.Attribute(owner, "let_", ast.Load())
        return ast.copy_location(call(let, ast.Constant(self.own_name(name)), value), node)

    # Words.

    def visit_Word(self, node: nodes.Word) -> ast.expr:
        method = word_method(node.name)
        args = [self.visit(arg) for arg in node.args]
        keywords = [self.visit(keyword) for keyword in node.keywords]
        if method not in self.members:
            func = ast.Attribute(self.process, method, ast.Load())
        else:  # a class of the program has a member of that name
            func = ast.Attribute(core("Process"), method, ast.Load())
            args.insert(0, self.process)
        return ast.copy_location(ast.Call(func, args, keywords), node)

    def visit_History(self, node: nodes.History) -> ast.expr:
        self.views.histories.add(node.kind)
        method = ast.Attribute(self.process, "history_", ast.Load())
        return ast.copy_location(call(method, ast.Constant(node.kind)), node)

    def visit_Sleep(self, node: nodes.Sleep) -> ast.expr:
        """Reached only outside of processes; elsewhere it has become the end of a block."""
        sleep = ast.Attribute(core("time"), "sleep", ast.Load())
        return ast.copy_location(call(sleep, self.visit(node.seconds)), node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        bare_super = isinstance(node.func, ast.Name) and node.func.id == "super"
        if (
            len(node.args) == 1
            and isinstance(node.args[0], nodes.History)
            and self._calls(node, "len")
        ):
            self.views.histories.add(node.args[0].kind)
            history = ast.Attribute(self.process, f"{node.args[0].kind}_", ast.Load())
            return ast.copy_location(call(self.visit(node.func), history), node)  # uncopied
        if self._calls(node, "type") and len(node.args) == 1 and not node.keywords:
            node.func = core("type_of")
        self.generic_visit(node)
        if bare_super and not node.args and self.super_name is not None:
            node.args = [load(self.super_name), self.process]
        return node

    def _calls(self, node: ast.Call, builtin: str) -> bool:
        """Whether this calls Python's own function of that name."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        return name == builtin and name not in self.given and self.level_of(name) is None

    # What the frame keeps for the blocks.

    def _of_frame(self, node: ast.AST, name: str) -> ast.expr:
        frame = next(v.frame for v in reversed(self.levels) if v.frame is not None)
        return ast.copy_location(ast.Attribute(load(frame), name, ast.Load()), node)

    def visit_Begin(self, node: blocks.Begin) -> ast.expr:
        made = self.visit(node.call)
        args = ast.Tuple(made.args, ast.Load())
        return ast.copy_location(call(core("begin"), made.func, args), node)

    def visit_Result(self, node: blocks.Result) -> ast.expr:
        return self._of_frame(node, "result_")

    def visit_Raised(self, node: blocks.Raised) -> ast.expr:
        return self._of_frame(node, "error_")

    def visit_Expired(self, node: blocks.Expired) -> ast.expr:
        return self._of_frame(node, "expired_")

    def visit_Items(self, node: blocks.Items) -> ast.expr:
        return ast.copy_location(call(core("items"), self.visit(node.iterable)), node)

    def visit_Exhausted(self, node: blocks.Exhausted) -> ast.expr:
        drawn = call(self.builtin("next"), self.visit(node.items), core("END"))
        item = ast.NamedExpr(ast.Name(self.unused("item"), ast.Store()), drawn)
        return ast.copy_location(ast.Compare(item, [ast.Is()], [core("END")]), node)

    def visit_Item(self, node: blocks.Item) -> ast.expr:
        return ast.copy_location(load(self.unused("item")), node)

    # Scopes inside expressions.

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        node.args = self.visit_arguments(node.args)
        scope: nodes.Scope = node.scope  # type: ignore[attr-defined]
        self.levels.append(Level(set(scope.locals), globals=scope.globals))
        node.body = self.visit(node.body)
        self.levels.pop()
        return node

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        node.defaults = [self.visit(d) for d in node.defaults]
        node.kw_defaults = [d and self.visit(d) for d in node.kw_defaults]
        for argument in argument_nodes(node):
            argument.annotation = argument.annotation and self.visit(argument.annotation)
        return node

    def _comprehension(self, node: ast.AST) -> ast.AST:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        first = generators[0]
        first.iter = self.visit(first.iter)
        self.levels.append(Level({n for g in generators for n in target_names(g.target)}))
        for generator in generators:
            generator.target = self.visit(generator.target)
            if generator is not first:
                generator.iter = self.visit(generator.iter)
            generator.ifs = [self.visit(test) for test in generator.ifs]
        for part in ("elt", "key", "value"):
            if hasattr(node, part):
                setattr(node, part, self.visit(getattr(node, part)))
        self.levels.pop()
        return node

    visit_ListComp = _comprehension
    visit_SetComp = _comprehension
    visit_DictComp = _comprehension
    visit_GeneratorExp = _comprehension

"""The functions of a module, what each calls, and where a call or a yield point stands.

One walk over the resolved tree, without judgement; suspend.py draws the conclusions. Invariant:
a node belongs to the innermost function around it, and `Site.place` says what keeps it from
being the end of a block there, if anything does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from quorate.lang import nodes
from quorate.lang.nodes import ClassInfo, Program
from quorate.lang.scopes import COMPREHENSIONS, parameters, target_names

FunctionNode = ast.FunctionDef | ast.Lambda | nodes.Handler
YIELDS = (nodes.Await, nodes.Label, nodes.Sleep)


@dataclass(frozen=True)
class Place:
    """Where a process cannot be suspended: the code of the error, the place in words, the edit."""

    code: str
    words: str
    help: str


REFLECTION = {
    *("getattr", "vars", "globals", "locals", "eval", "exec", "import_module", "__import__"),
    *("attrgetter", "methodcaller", "__dict__", "__getattribute__"),
}
"""By which a program has functions without naming them."""

BEFORE = "do it before, and use what it answers"
MODULE = Place("Q047", "a module outside of its functions", "do it in `run` or `main`")
CLASS_BODY = Place("Q047", "the body of a class", "do it in a method")
GENERATOR = Place("Q047", "a generator", "collect the values in a list, and return it")
GENERATOR_EXPRESSION = Place(
    "Q047", "a generator expression", "make it a list: `[...]` in place of `(...)`"
)
LAMBDA = Place("Q047", "a lambda", "write it as a function: `def name(...): ...`")
DEFAULT = Place("Q047", "the default value of a parameter", BEFORE)
DECORATOR = Place("Q047", "a decorator", BEFORE)
EXCEPT = Place("Q047", "an `except` clause", BEFORE)
GROUPS = Place("Q047", "`try` with `except*`", "catch the exceptions with `except`")
SETUP = Place("Q047", "`setup`, which only makes the process", "do it in `run`, which comes next")
QUERY = Place("Q048", "a query", BEFORE)
CONDITION = Place("Q048", "the condition of an await", BEFORE)
PATTERN = Place("Q048", "a pattern", BEFORE)


def implicit(name: str) -> Place:
    """A method that Python calls by itself."""
    words = f"`{name}`, which Python calls and cannot come back to"
    return Place("Q047", words, "do it in a method that the program calls")


@dataclass
class Function:
    """A function, method, lambda or handler.

    It `waits` if it surely does, and is suspendable if it may. A lambda that may is to be `cut`
    like any function, which needs a place to stand (`stands`) in one that can be cut.
    """

    node: FunctionNode
    name: str
    kind: str  # 'method' of a process, 'plain' method, 'module', 'nested', 'lambda', 'handler'
    parent: Function | None
    owner: ClassInfo | None
    refuses: Place | None  # why it cannot be suspended
    locals: set[str] = field(default_factory=set)
    nested: dict[str, list[Function]] = field(default_factory=dict)
    stands: Place | None = None
    imported: set[str] = field(default_factory=set)  # names that it imports itself
    waits: bool = False
    suspendable: bool = False
    cut: bool = False

    @property
    def parameters(self) -> list[str]:
        return [] if isinstance(self.node, nodes.Handler) else parameters(self.node.args)

    @property
    def can_be_cut(self) -> bool:
        if self.kind != "lambda":
            return self.refuses is None
        parent = self.parent
        return self.stands is None and parent is not None and parent.kind != "lambda"


@dataclass
class Site:
    """A call, a yield point, or a mention of something that may be a function.

    `owner` is the process class around it; `bound` are the names that comprehensions and queries
    around it bind.
    """

    node: ast.AST
    function: Function | None
    place: Place | None
    owner: ClassInfo | None
    bound: frozenset[str]


class Survey(ast.NodeVisitor):
    """Collects functions and sites; `methods` by class and name, `module` by name."""

    def __init__(self, program: Program) -> None:
        self.functions: list[Function] = []
        self.calls: list[Site] = []
        self.yields: list[Site] = []
        self.mentions: list[Site] = []
        self.groups: list[Site] = []  # `try` with `except*`
        self.methods: dict[int, dict[str, Function]] = {}
        self.classes: list[ClassInfo] = []
        self.module: dict[str, list[Function]] = {}
        self.attributes: set[str] = set()  # names given to parts of objects, where one can be kept
        self.reflects = False  # has methods from objects by names that are computed
        self._function: Function | None = None
        self._place: Place | None = MODULE
        self._bound: frozenset[str] = frozenset()
        self._class: ClassInfo | None = None  # the process class whose body this is
        self._in_plain_class = False
        self.visit(program.tree)

    # Sites.

    def _site(self, node: ast.AST) -> Site:
        owner = self._class if self._function is None else self._function.owner
        return Site(node, self._function, self._place, owner, self._bound)

    def visit_Call(self, node: ast.Call) -> None:
        self.calls.append(self._site(node))
        name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
        self.reflects |= name in REFLECTION
        if isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)
        elif not isinstance(node.func, ast.Name):
            self.visit(node.func)
        self._each((*node.args, *node.keywords))

    def visit_Name(self, node: ast.Name) -> None:
        self.reflects |= node.id in REFLECTION
        if isinstance(node.ctx, ast.Load):
            self.mentions.append(self._site(node))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if self._function is not None:
            self._function.imported.update(alias.asname or alias.name for alias in node.names)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.reflects |= node.attr in REFLECTION
        if isinstance(node.ctx, ast.Load):
            self.mentions.append(self._site(node))
        else:
            self.attributes.add(node.attr)
        self.visit(node.value)

    def visit_Label(self, node: nodes.Label) -> None:
        self.yields.append(self._site(node))

    def visit_Sleep(self, node: nodes.Sleep) -> None:
        self.yields.append(self._site(node))
        self.generic_visit(node)

    def visit_Await(self, node: nodes.Await) -> None:  # type: ignore[override]
        self.yields.append(self._site(node))
        for branch in node.branches:
            self._at(CONDITION if branch.kind == "when" else None, (branch.test,))
            self._each(branch.body)
        self._each(node.orelse or ())

    # Places where nothing can be suspended.

    def _each(self, parts: Iterable[ast.AST | None]) -> None:
        for part in parts:
            if part is not None:
                self.visit(part)

    def _at(self, place: Place | None, parts: Iterable[ast.AST | None]) -> None:
        """Visit `parts` as standing at `place`, unless they stand at a worse one already."""
        was, self._place = self._place, self._place or place
        self._each(parts)
        self._place = was

    def visit_Query(self, node: nodes.Query) -> None:
        names = {n for c in node.clauses for p in nodes.clause_patterns(c) for n in _bound(p)}
        was, self._bound = self._bound, self._bound | names
        self._at(QUERY, ast.iter_child_nodes(node))
        self._bound = was

    def visit_Messages(self, node: nodes.Messages) -> None:
        self._at(QUERY, ast.iter_child_nodes(node))

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._at(EXCEPT, (node.type,))
        self._each(node.body)

    def visit_TryStar(self, node: ast.AST) -> None:
        self.groups.append(self._site(node))
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._each((node.value, node.target))

    def visit_arg(self, node: ast.arg) -> None:
        """Annotations are not evaluated in a process."""

    def _comprehension(self, node: ast.AST) -> None:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        self.visit(generators[0].iter)
        names = {name for g in generators for name in target_names(g.target)}
        was, self._bound = self._bound, self._bound | names
        rest: list[ast.AST | None] = [generators[0].target, *generators[0].ifs, *generators[1:]]
        rest += [getattr(node, part, None) for part in ("elt", "key", "value")]
        self._at(GENERATOR_EXPRESSION if isinstance(node, ast.GeneratorExp) else None, rest)
        self._bound = was

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, COMPREHENSIONS):
            self._comprehension(node)
        else:
            super().generic_visit(node)

    # Functions and classes.

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._at(DECORATOR, node.decorator_list)
        self._at(DEFAULT, (*node.args.defaults, *node.args.kw_defaults))
        if self._class is not None:
            kind = "method"
        elif self._in_plain_class:
            kind = "plain"
        else:
            kind = "module" if self._function is None else "nested"
        function = self._new(node, node.name, kind, _refusal(node, kind))
        if kind == "method" and self._class is not None:
            self.methods[id(self._class)][node.name] = function
        elif kind == "module":
            self.module.setdefault(node.name, []).append(function)
        elif kind == "nested" and self._function is not None:
            self._function.nested.setdefault(node.name, []).append(function)
        self._inside(function, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._at(DEFAULT, (*node.args.defaults, *node.args.kw_defaults))
        function = self._new(node, "lambda", "lambda", None)
        function.stands = self._place
        self._inside(function, [node.body])

    def visit_Handler(self, node: nodes.Handler) -> None:
        was, self._place = self._place, PATTERN
        self._each((node.message, node.peer, node.own, node.stamp))
        self._place = was
        name = "receive" if node.kind == "received" else "sent"
        self._inside(self._new(node, name, "handler", None), node.body)

    def _new(self, node: FunctionNode, name: str, kind: str, refuses: Place | None) -> Function:
        owner = self._class or (self._function.owner if self._function else None)
        function = Function(node, name, kind, self._function, owner, refuses)
        scope: nodes.Scope | None = getattr(node, "scope", None)
        if scope is not None:
            function.locals = scope.locals
        elif not isinstance(node, nodes.Handler):
            function.locals = set(parameters(node.args))
        self.functions.append(function)
        return function

    def _inside(self, function: Function, body: Iterable[ast.AST]) -> None:
        was = (self._function, self._place, self._class, self._in_plain_class)
        self._function, self._class, self._in_plain_class = function, None, False
        self._place = function.refuses
        self._each(body)
        self._function, self._place, self._class, self._in_plain_class = was

    def visit_ProcessClass(self, node: nodes.ProcessClass) -> None:
        self.classes.append(node.info)
        self.methods[id(node.info)] = {}
        self._at(CLASS_BODY, (*node.bases, *node.decorator_list))
        was, self._class = self._class, node.info
        self._at(CLASS_BODY, node.body)
        self._class = was
        methods = self.methods[id(node.info)]
        methods |= {alias: methods[name] for alias, name in node.info.aliases.items()}

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._at(CLASS_BODY, (*node.bases, *node.keywords, *node.decorator_list))
        was, self._class = self._class, None
        was_plain, self._in_plain_class = self._in_plain_class, True
        for member in node.body:
            if isinstance(member, (ast.Assign, ast.AnnAssign)):
                self.attributes |= target_names(member)
        self._at(CLASS_BODY, node.body)
        self._class, self._in_plain_class = was, was_plain


def _bound(pattern: nodes.Pattern) -> Iterable[str]:
    return nodes.bound_names(pattern)


def _refusal(node: ast.FunctionDef, kind: str) -> Place | None:
    """Why a function cannot be suspended, if it cannot."""
    if any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in own_nodes(node.body)):
        return GENERATOR
    if kind == "method" and node.name == "setup":
        return SETUP
    if kind not in ("method", "plain"):
        return None
    by_python = node.name.startswith("__") and node.name.endswith("__")
    decorators = {d.id for d in node.decorator_list if isinstance(d, ast.Name)}
    read = decorators & {"property", "cached_property"}
    return implicit(node.name) if by_python or read else None


def own_nodes(body: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """All nodes of `body` but those of functions and classes in it."""
    for node in body:
        if not isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef, nodes.Handler)):
            yield node
            yield from own_nodes(ast.iter_child_nodes(node))

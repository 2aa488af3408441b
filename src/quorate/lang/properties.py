"""Properties: what is to hold of all processes of a program together, beside its classes.

    @always
    def agreement():
        return each(p in Learner, q in Learner, has=p.value == q.value)

The words count only where they decorate a function of the module that gives them no meaning of
its own. Invariant: a property that has no error here changes nothing by being evaluated.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from quorate.lang import nodes
from quorate.lang.diagnostics import Diagnostics, nearest
from quorate.lang.nodes import ClassInfo, Program, make
from quorate.lang.scopes import argument_nodes, target_names

TIMED = ("eventually", "leads_to")
PROPERTIES = ("always", "sometimes", *TIMED)
"""The decorators; `TIMED` ones take `within=`, in seconds."""

_OUTSIDE = ("random", "time")
"""Modules whose functions answer otherwise each time."""
_EXAMPLE = "write `@{kind}`, `def {name}():` and then one `return` of what is to hold"


def _word(decorator: ast.expr) -> str:
    """The word that a decorator is, with or without arguments."""
    func = decorator.func if isinstance(decorator, ast.Call) else decorator
    return func.id if isinstance(func, ast.Name) and func.id in PROPERTIES else ""


def is_property(node: ast.FunctionDef, program: Program) -> bool:
    """Whether a function of a module is a property, and no function with a decorator of its own."""
    words = {word for decorator in node.decorator_list if (word := _word(decorator))}
    if not words or words & program.names:
        return False
    return not program.borrows or _goes_over_processes(node, program)


def _goes_over_processes(node: ast.FunctionDef, program: Program) -> bool:
    """Whether a function says `p in P` of a process class, which only a property can."""
    return any(
        process_class(right, program) is not None
        for part in ast.walk(node)
        if isinstance(part, ast.Compare)
        for op, right in zip(part.ops, part.comparators, strict=True)
        if isinstance(op, ast.In)
    )


def read_property(
    node: ast.FunctionDef, read: Callable[[ast.expr], ast.expr], found: Diagnostics
) -> nodes.Property:
    """The property that a function is; `read` reads the language's words in its expression."""
    (first, *others) = sorted(node.decorator_list, key=lambda each: not _word(each))
    kind = _word(first)
    help = _EXAMPLE.format(kind=kind, name=node.name)
    for decorator in others:
        found.error("Q093", "a property has one decorator", decorator, help="take this one away")
    for argument in argument_nodes(node.args)[:1]:
        found.error("Q093", "a property has no parameters", argument, help=help)
    body = node.body[ast.get_docstring(node) is not None :]
    value: ast.expr = make(ast.Constant, node, value=True, kind=None)
    match body:
        case [ast.Return(value=ast.expr() as value)]:
            pass
        case _:
            place = next((s for s in body if not isinstance(s, ast.Return)), node.body[-1])
            found.error("Q093", "a property is one `return`, and nothing else", place, help=help)
    if kind == "leads_to" and not (isinstance(value, ast.Tuple) and len(value.elts) == 2):
        help = "write `return setof(x, ...), setof(x, ...)`: what is owed, and what is settled"
        found.error("Q093", "`leads_to` needs two sets", value, help=help)
    within = _within(first, kind, found)
    parts = {"kind": kind, "name": node.name, "within": within, "value": read(value)}
    return make(nodes.Property, node, **parts)


def _within(decorator: ast.expr, kind: str, found: Diagnostics) -> float | None:
    """The bound of `@eventually(within=5)`, in seconds."""
    if not isinstance(decorator, ast.Call):
        return None
    match decorator:
        case ast.Call(args=[], keywords=[]):
            return None
        case ast.Call(args=[], keywords=[ast.keyword(arg="within", value=value)]) if kind in TIMED:
            match value:
                case ast.Constant(value=int() | float() as seconds) if seconds > 0:
                    return float(seconds)
            help = "write a number above 0, as in `within=2.5`"
            found.error("Q093", "`within=` takes seconds, written out", value, help=help)
            return None
    help = f"write `@{kind}(within=5)`, in seconds" if kind in TIMED else f"write `@{kind}`"
    found.error("Q093", f"`{kind}` does not take this", decorator, help=help)
    return None


# What a property says of processes ----------------------------------------------------------------


def process_class(node: ast.AST, program: Program) -> ClassInfo | None:
    """The process class that an expression of a property names."""
    match node:
        case ast.Name(id=name):
            return program.classes.get(name)
        case ast.Attribute(value=value, attr=name):
            module = program.imports.get(ast.unparse(value))
            return None if module is None else module.classes.get(name)
    return None


def domain_class(clause: ast.AST, program: Program) -> ClassInfo | None:
    """The class of `p in Learner`, where a clause of a query is such a domain."""
    return process_class(clause.collection, program) if isinstance(clause, nodes.Domain) else None


Members = dict[str, ClassInfo]
"""The variables of a property that stand for processes."""


class Walker(ast.NodeTransformer):
    """Goes through a property, and knows which of its variables stand for processes.

    `field` and `member` say what becomes of `p.f`, and of `p` alone, which is its id.
    """

    def __init__(self, program: Program, members: Members) -> None:
        self.program = program
        self.members = members

    def field(self, node: ast.Attribute, name: str) -> ast.expr:
        return node

    def member(self, node: ast.Name) -> ast.expr:
        return node

    def asked(self, node: nodes.Messages) -> None:
        """The history of a process is asked."""

    def within(self, clause: nodes.Domain, info: ClassInfo) -> None:
        """A query goes over the processes of a class."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id in self.members:
            return self.field(node, node.value.id)
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.member(node) if node.id in self.members else node

    def visit_Messages(self, node: nodes.Messages) -> ast.AST:
        self.asked(node)
        for part in ("message", "peer", "stamp"):
            setattr(node, part, getattr(node, part) and self.visit(getattr(node, part)))
        return node

    def visit_Query(self, node: nodes.Query) -> ast.AST:
        around = self.members
        node.default = node.default and self.visit(node.default)
        node.clauses = [self.clause(clause) for clause in node.clauses]
        node.condition = node.condition and self.visit(node.condition)
        node.result = node.result and self.visit(node.result)
        self.members = around
        return node

    def clause(self, clause: ast.AST) -> ast.AST:
        """A clause of a query, whose variables count from then on."""
        info = domain_class(clause, self.program)
        if info is not None:
            assert isinstance(clause, nodes.Domain)
            self.within(clause, info)
        else:
            clause = self.visit(clause)
        names = {n for p in nodes.clause_patterns(clause) for n in nodes.bound_names(p)}
        self.members = {n: each for n, each in self.members.items() if n not in names}
        if info is not None:
            self.members |= dict.fromkeys(names, info)
        return clause

    def _comprehension(self, node: ast.AST) -> ast.AST:
        around = self.members
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        names = {name for g in generators for name in target_names(g.target)}
        generators[0].iter = self.visit(generators[0].iter)
        self.members = {n: each for n, each in around.items() if n not in names}
        self.generic_visit(node)
        self.members = around
        return node

    visit_ListComp = _comprehension
    visit_SetComp = _comprehension
    visit_DictComp = _comprehension
    visit_GeneratorExp = _comprehension


def check_properties(program: Program, found: Diagnostics) -> None:
    """Report what a resolved property cannot do or ask."""
    outside = set(_outside_names(program.tree))
    for each in program.properties:
        for node in ast.walk(each.value):
            what = _does(node, outside)
            if what:
                help = "a property only looks: it reads fields and histories of processes"
                found.error("Q094", f"a property cannot {what}", node, help=help)
        _Checker(program, found).visit(each.value)


def _outside_names(tree: ast.Module) -> Iterator[str]:
    """The names by which a module has what answers otherwise each time."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (n.asname or n.name for n in names if n.name in _OUTSIDE)
            case ast.ImportFrom(module=module, names=names) if module in _OUTSIDE:
                yield from (n.asname or n.name for n in names)


def _does(node: ast.AST, outside: set[str]) -> str:
    """What a node of a property does that is more than to look."""
    match node:
        case nodes.Word(name=name):
            return f"use `{name}`"
        case nodes.Sleep():
            return "wait"
        case ast.NamedExpr():
            return "assign"
        case ast.Yield() | ast.YieldFrom() | ast.Lambda():
            return "hold a function"
        case ast.Name(id=name) if name in outside:
            return f"use `{name}`, which answers otherwise each time"
    return ""


class _Checker(Walker):
    """Q095: what is asked of processes that they do not have."""

    def __init__(self, program: Program, found: Diagnostics) -> None:
        super().__init__(program, {})
        self.found = found

    def _wrong(self, message: str, node: ast.AST, help: str) -> None:
        self.found.error("Q095", message, node, help=help)

    def within(self, clause: nodes.Domain, info: ClassInfo) -> None:
        if not isinstance(clause.pattern, nodes.BindPattern):
            help = f"write `p in {info.name}`, and ask of `p`"
            self._wrong("processes are gone over one by one", clause.pattern, help)

    def field(self, node: ast.Attribute, name: str) -> ast.expr:
        info = self.members[name]
        field = node.attr
        if field in info.fields or field == "id" or (info.strange and field not in info.methods):
            return node
        if field in info.methods:
            help = "write in the property itself what it answers; or keep it in a field"
            self._wrong(f"`{field}` is a method of `{info.name}`", node, help)
            return node
        near = nearest(field, info.fields)
        fields = ", ".join(sorted(info.fields)) or "none"
        help = f"did you mean `{name}.{near}`?" if near else f"its fields are {fields}"
        self._wrong(f"`{info.name}` has no field `{field}`", node, help)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        info = None if node.id in self.members else self.program.classes.get(node.id)
        if info is not None:
            help = f"write `p in {node.id}` as a domain of a query"
            self._wrong(f"`{node.id}` is a process class, and stands as a value", node, help)
        return node

    def asked(self, node: nodes.Messages) -> None:
        if not isinstance(node.of, ast.Name) or node.of.id not in self.members:
            if node.of is not None:
                help = "ask a process that the property goes over: `p in P, p.received(...)`"
                self._wrong(f"`{node.kind}` is asked of no process", node, help)
            return
        info = self.members[node.of.id]
        if not any(info is own.info for own in self._own()):
            help = "write the property in that module"
            self._wrong(f"`{info.name}` keeps its messages in another module", node, help)

    def _own(self) -> list[nodes.ProcessClass]:
        return [s for s in self.program.tree.body if isinstance(s, nodes.ProcessClass)]

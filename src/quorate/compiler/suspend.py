"""Which functions can reach a yield point, and where a process would have to wait and cannot.

A least fixpoint over the call graph. Invariant: a function that is not suspendable has no yield
point, and calls nothing that is known to have one; it is compiled to plain Python at full speed.
What it calls all the same, unknown, waits for nothing or ends in an error (Q115).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from quorate.compiler.blocks import Routine
from quorate.compiler.callgraph import (
    GROUPS,
    LAMBDA,
    Function,
    Place,
    Site,
    Survey,
    own_nodes,
)
from quorate.lang import nodes
from quorate.lang.diagnostics import Diagnostics
from quorate.lang.nodes import ClassInfo, Program
from quorate.lang.source import Span

OPAQUE = (
    *(ast.FunctionDef, ast.Lambda, ast.ClassDef),
    *(nodes.ProcessClass, nodes.Query, nodes.Messages, Routine),
)


def find_suspendable(program: Program, found: Diagnostics) -> None:
    """Mark what can be suspended, and report what waits where nothing can.

    Sets `suspendable` of functions and handlers, `may_suspend` of calls, and the names in
    `ClassInfo.suspendable` and `Program.suspendable`.

        def m():            m is suspendable
            -- label
        def run():          run is suspendable
            m()             this call may suspend
        def k():            k is a plain method
            return 1
    """
    analysis = Analysis(program)
    analysis.solve()
    analysis.record()
    analysis.report(found)


def suspends(node: ast.AST) -> bool:
    """Whether a yield point, or a call that may suspend, stands in `node` itself.

    So does a lambda that is cut: it becomes a function, which stands before the statement.
    """
    if isinstance(node, (nodes.Await, nodes.Label, nodes.Sleep)):
        return True
    if isinstance(node, OPAQUE):
        return getattr(node, "cut", False)
    if isinstance(node, ast.GeneratorExp):
        return suspends(node.generators[0].iter)
    if getattr(node, "may_suspend", False):
        return True
    return any(map(suspends, ast.iter_child_nodes(node)))


@dataclass
class Callees:
    """What a call, or a mention, may stand for."""

    known: list[Function] = field(default_factory=list)
    certain: Function | None = None  # the one it stands for, as far as this module shows
    imported: bool | None = None  # of another module: whether it may wait or surely does
    attribute: str | None = None  # of an object of which nothing is known
    variable: bool = False
    given: bool = False  # it is a parameter


class Analysis:
    """The call graph of one module, and what follows from it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.survey = Survey(program)
        self.imported = dict(program.suspendable)
        self.main = next((info for info in map(_info_of_main, program.tree.body) if info), None)
        self.foreign = _imported_names(program)
        self.assigned = assigned_globals(program.tree)
        self.escapes = False
        self.names: set[str] = set()  # by which a suspendable function can be had from an object
        self.calls = [(site, self._callees(site, _called(site))) for site in self.survey.calls]
        mentions = ((site, self._callees(site, site.node)) for site in self.survey.mentions)
        self.mentions = [callees for _, callees in mentions if not callees.variable]

    # What a call stands for.

    def _callees(self, site: Site, func: ast.AST) -> Callees:
        match func:
            case ast.Name(id=name):
                return self._named(site, name)
            case ast.Attribute(value=nodes.Self(), attr=name):
                return self._method(site.owner, name)
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name):
                return self._method(site.owner, name, above=True)
            case ast.Attribute(value=value, attr=name):
                module = self.program.imports.get(_dotted(value))
                if module is not None:
                    return Callees(imported=module.suspendable.get(name))
                return Callees(attribute=name)
            case ast.Lambda():
                function = next(f for f in self.survey.functions if f.node is func)
                return Callees([function], function)
        return Callees(variable=True)

    def _named(self, site: Site, name: str) -> Callees:
        if name in site.bound:
            return Callees(variable=True)
        function = site.function
        while function is not None:
            if name in function.locals:
                return self._local(function, name)
            function = function.parent
        if functions := self.survey.module.get(name):
            return Callees(functions, functions[-1])
        return Callees(imported=self.imported.get(name), variable=name in self.assigned)

    def _local(self, function: Function, name: str) -> Callees:
        if nested := function.nested.get(name):
            return Callees(nested, nested[0] if len(nested) == 1 else None)
        if name in function.imported and name in self.imported:
            return Callees(imported=False)
        return Callees(variable=True, given=name in function.parameters)

    def _method(self, owner: ClassInfo | None, name: str, *, above: bool = False) -> Callees:
        if owner is None:
            return Callees(attribute=name)
        family = self._family(owner)
        known = [f for info in family if (f := self._own_method(info, name)) is not None]
        starts = owner.bases if above else [owner]
        others = [info.suspendable.get(name) for info in family if not self._is_own(info)]
        suspendable = [surely for surely in others if surely is not None]
        foreign = all(suspendable) if suspendable else None
        certain = next((f for info in starts if (f := self._nearest(info, name))), None)
        if isinstance(certain, Function):
            return Callees(known, certain, imported=foreign)
        missing = not known and not any(name in info.methods for info in starts)
        return Callees(known, None, foreign, attribute=name if missing else None)

    def _is_own(self, info: ClassInfo) -> bool:
        return id(info) in self.survey.methods

    def _own_method(self, info: ClassInfo, name: str) -> Function | None:
        return self.survey.methods.get(id(info), {}).get(name)

    def _nearest(self, info: ClassInfo, name: str) -> Function | None:
        """The method that `name` means in a process of just this class."""
        for each in _line(info):
            if (function := self._own_method(each, name)) is not None:
                return function
        return None

    def _family(self, owner: ClassInfo) -> list[ClassInfo]:
        """The classes whose method a call in `owner` may reach: its own line, and its heirs'."""
        heirs = [info for info in self.survey.classes if any(owner is up for up in _line(info))]
        family = {id(info): info for heir in (owner, *heirs) for info in _line(heir)}
        return list(family.values())

    # The fixpoint, in two steps: what surely waits, then what may.

    def solve(self) -> None:
        for site in self.survey.yields:
            self._suspend(site, surely=True)
        self._until_nothing_new(self._wait_too)
        self._learn_names()
        self._until_nothing_new(self._spread)

    def _until_nothing_new(self, step: Callable[[Site, Callees], bool]) -> None:
        new = 1
        while new:
            new = sum(step(site, callees) for site, callees in self.calls)

    def _wait_too(self, site: Site, callees: Callees) -> bool:
        return self.surely_suspends(callees) and self._suspend(site, surely=True)

    def _spread(self, site: Site, callees: Callees) -> bool:
        new = self.may_suspend(callees) and self._suspend(site)
        if new:
            self._learn_names()
        return new

    def _suspend(self, site: Site, *, surely: bool = False) -> bool:
        """Something may wait at `site`: so does the function around it. Whether that is new."""
        function = site.function
        if function is None or site.place is not None:
            return False
        if function.waits if surely else function.suspendable:
            return False
        if function.kind == "lambda":
            if not function.can_be_cut or function.parent is None:
                return False
            function.cut = function.parent.suspendable = True
            function.parent.waits |= surely
        function.suspendable = True
        function.waits |= surely
        return True

    def _learn_names(self) -> None:
        """What is had from objects, and whether a suspendable function is kept in a variable."""
        self.names = self.foreign | {
            function.name
            for function in self.survey.functions
            if function.suspendable and function.kind in ("method", "plain", "module")
        }
        suspendable = [function for function in self.survey.functions if function.suspendable]
        self.escapes = (
            (bool(suspendable) and self.survey.reflects)
            or any(map(self._reaches, self.mentions))
            or any(each.kind == "lambda" or _is_decorated(each) for each in suspendable)
        )
        if self.escapes:
            self.names |= self.survey.attributes

    def _reaches(self, callees: Callees) -> bool:
        known = any(function.suspendable for function in callees.known)
        return known or callees.imported is not None or callees.attribute in self.names

    def may_suspend(self, callees: Callees) -> bool:
        """Whether a call may suspend; what another module imports, it may give functions of it."""
        if callees.variable and (self.escapes or (self.main is None and callees.given)):
            return True
        return self._reaches(callees)

    def surely_suspends(self, callees: Callees) -> bool:
        """Whether a call suspends whatever the values of variables are."""
        if callees.certain is not None:
            return callees.certain.waits
        return bool(callees.imported) and not callees.known

    # What follows.

    def record(self) -> None:
        for function in self.survey.functions:
            function.node.suspendable = function.suspendable  # type: ignore[union-attr]
            function.node.cut = function.cut  # type: ignore[union-attr]
            if function.suspendable and function.kind in ("module", "plain"):
                self.program.suspendable[function.name] = function.waits
        for info in self.survey.classes:
            for name in info.methods:
                if (surely := self._class_suspends(info, name)) is not None:
                    info.suspendable[name] = surely
        for site, callees in self.calls:
            around = site.function
            free = site.place is None and around is not None and around.suspendable
            site.node.may_suspend = free and self.may_suspend(callees)  # type: ignore[attr-defined]

    def _class_suspends(self, info: ClassInfo, name: str) -> bool | None:
        """Whether a method of a class surely waits; None where it cannot."""
        for each in _line(info):
            if (own := self._own_method(each, name)) is not None:
                return own.waits if own.suspendable else None
            if not self._is_own(each) and name in each.methods:
                return each.suspendable.get(name)
        return None

    def report(self, found: Diagnostics) -> None:
        for site in self.survey.yields:
            told = site.function is None and not isinstance(site.node, nodes.Sleep)  # by Q024
            if (place := _refusal(site)) is not None and not told:
                _report(found, site, place, _yield_words(site.node), None)
        for site, callees in self.calls:
            place = _refusal(site)
            if place is not None and self.surely_suspends(callees):
                words = f"a call of `{_name_of(_called(site))}`, which waits,"
                _report(found, site, place, words, self._reason(callees))
        for info in self.survey.classes:
            for name, function in self.survey.methods[id(info)].items():
                if function.waits and (base := self._plain_caller(info, name)) is not None:
                    _report_override(found, function, base)
        for site in self.survey.groups:
            if suspends(site.node):
                _report(found, site, GROUPS, "what waits", None)
        for function in self.survey.functions:
            if function.kind == "handler" or (
                function.kind == "method" and function.name in ("run", "setup")
            ):
                is_main = function.owner is self.main and function.name == "run"
                _report_generator(found, function, "main" if is_main else function.name)

    def _plain_caller(self, info: ClassInfo, name: str) -> ClassInfo | None:
        """The class of another module that calls method `name` of `info` as a plain one."""
        for base in _line(info):
            if not self._is_own(base) and name in base.methods - base.suspendable.keys():
                if any(_calls_own(module, base, name) for module in _modules(self.program)):
                    return base
        return None

    def _reason(self, callees: Callees) -> ast.AST | None:
        """The yield point that makes the called function wait, where it is plain to see."""
        function = callees.certain
        own = (site.node for site in self.survey.yields if site.function is function)
        return next(own, None) if function is not None else None


def _report(
    found: Diagnostics, site: Site, place: Place, words: str, reason: ast.AST | None
) -> None:
    labels = [(reason, "it waits here")] if reason is not None else []
    message = f"{words} cannot stand in {place.words}"
    found.error(place.code, message, _head(site.node), labels=labels, help=place.help)


def _report_generator(found: Diagnostics, function: Function, name: str) -> None:
    """What the machine calls would run nothing at all if it were a generator."""
    assert isinstance(function.node, (ast.FunctionDef, nodes.Handler))
    yields = (n for n in own_nodes(function.node.body) if isinstance(n, (ast.Yield, ast.YieldFrom)))
    if (first := next(yields, None)) is not None:
        message = f"`{name}` yields, which makes a generator of it: nothing of it would run"
        help = "take the `yield` away; to take messages, write a label: `-- name`"
        found.error("Q049", message, first, help=help)


def _report_override(found: Diagnostics, function: Function, base: ClassInfo) -> None:
    start = found.source.span(function.node)
    head = Span(start.line, start.column, start.line, start.column + len(f"def {function.name}"))
    message = (
        f"`{function.name}` waits, and `{base.name}`, of another module, calls its own"
        " as a method that does not"
    )
    help = f"let `{function.name}` of `{base.name}` wait too: begin it with a label, `-- name`"
    found.error("Q047", message, head, help=help)


def _calls_own(module: Program, info: ClassInfo, name: str) -> bool:
    """Whether class `info`, if it is of `module`, calls its method `name`."""
    return any(
        isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.value, nodes.Self)
        for process in ast.walk(module.tree)
        if isinstance(process, nodes.ProcessClass) and process.info is info
        for node in ast.walk(process)
    )


def _refusal(site: Site) -> Place | None:
    """Why nothing can wait at `site`, if so."""
    function = site.function
    if site.place is None and function is not None and function.kind == "lambda":
        return None if function.cut else LAMBDA
    return site.place


def _head(node: ast.AST) -> ast.AST:
    """What to point at: the head of a statement, not all that follows it."""
    match node:
        case nodes.Await(branches=[first, *_]):
            return first.test
        case ast.TryStar(handlers=[ast.ExceptHandler(type=ast.expr() as type), *_]):
            return type
    return node


def _yield_words(node: ast.AST) -> str:
    if isinstance(node, nodes.Sleep):
        return "a sleep"
    return "an await" if isinstance(node, nodes.Await) else "a yield point"


def _called(site: Site) -> ast.AST:
    assert isinstance(site.node, ast.Call)
    return site.node.func


def _name_of(func: ast.AST) -> str:
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "?")


def _dotted(value: ast.AST) -> str:
    """`a.b` as it is imported; "" for what is no dotted name."""
    if isinstance(value, ast.Name):
        return value.id
    if isinstance(value, ast.Attribute) and (before := _dotted(value.value)):
        return f"{before}.{value.attr}"
    return ""


def _is_decorated(function: Function) -> bool:
    return bool(getattr(function.node, "decorator_list", None))


def _info_of_main(node: ast.AST) -> ClassInfo | None:
    return node.info if isinstance(node, nodes.ProcessClass) and node.is_main else None


def _line(info: ClassInfo) -> Iterable[ClassInfo]:
    """A class and those above it, in the order methods are looked for, roughly Python's."""
    line = [info]
    for base in info.bases:
        line += [each for each in _line(base) if not any(each is known for known in line)]
    return line


def _imported_names(program: Program) -> set[str]:
    """The names of suspendable functions and methods of all modules that the program is made of."""
    names: set[str] = set()
    for module in _modules(program)[1:]:
        names.update(module.suspendable)
        for info in module.classes.values():
            names.update(info.suspendable)
    return names


def _modules(program: Program) -> list[Program]:
    """The modules that the program is made of, itself first."""
    seen = [program]
    for module in seen:
        seen += [other for other in module.modules if not any(other is each for each in seen)]
    return seen


def assigned_globals(tree: ast.Module) -> set[str]:
    """The variables of the module: what it assigns, and what a function declares global."""
    names = {
        node.id
        for statement in tree.body
        if not isinstance(statement, (ast.FunctionDef, ast.ClassDef, nodes.ProcessClass))
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    declared = (node.names for node in ast.walk(tree) if isinstance(node, ast.Global))
    return names.union(*declared)

"""What no run can make right, though every name is known: where the language's words stand, and
how processes are made and set up.

Looks at the resolved tree and changes nothing. Invariant: no correct program has an error here;
what depends on values that are not plain to see is left to the core, which checks the same.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Sequence

from quorate.lang import nodes
from quorate.lang.diagnostics import Diagnostic, Diagnostics, Label, nearest
from quorate.lang.holding import Made, Variables, made_by, variables_of
from quorate.lang.imports import defines, module_named, no_such_name
from quorate.lang.nodes import ClassInfo, Program
from quorate.lang.properties import check_properties
from quorate.lang.scopes import stored_names, target_names
from quorate.lang.setups import check_setup
from quorate.lang.source import Source, Span
from quorate.lang.specifications import check_specifications
from quorate.lang.words import RATES

METHODS = ("process", "thread")


def check(program: Program, found: Diagnostics) -> None:
    """Report what is wrong with the resolved `program` as a whole."""
    _Checker(program, found).visit(program.tree)
    check_properties(program, found)
    check_specifications(program, found)


def no_main(source: Source) -> Diagnostic:
    """Q020, for a program that is to be run: where its `main` was probably meant to be."""
    message = f"`{source.path}` has no `main`, where a run would begin"
    functions = list(re.finditer(r"^(?:async )?def (\w+)", source.text, re.MULTILINE))
    near = nearest("main", (function[1] for function in functions))
    for function in functions:
        if function[1] == near:
            start, end = source.position(function.start(1)), source.position(function.end(1))
            span = Span(start.line, start.column, end.line, end.column)
            return Diagnostic("Q020", message, span, source, help="write `def main():`")
    last = max((at for at, line in enumerate(source.lines, 1) if line.strip()), default=1)
    span = Span(last, 0, last, max(len(source.lines[last - 1]), 1))
    labels = (Label(span, "the program ends here"),)
    help = "add a `main` that makes the processes:\n" + _MAIN.replace(
        "P", next(iter(re.findall(r"^class (\w+)\(process\)", source.text, re.MULTILINE)), "P")
    )
    return Diagnostic("Q020", message, span, source, labels, help)


_MAIN = """    def main():
        p = new(P)
        setup(p, ())
        start(p)"""


class _Places(ast.NodeVisitor):
    """Walks a module; `scopes` are the functions, comprehensions and queries around."""

    def __init__(self, program: Program, found: Diagnostics) -> None:
        self.program = program
        self.found = found
        self.scopes: list[Variables] = []
        self.functions = 0  # how many are around
        self.in_main = self.in_class = False
        self.globals = _definitions(program)

    def visit_ProcessClass(self, node: nodes.ProcessClass) -> None:
        was = self.in_main, self.in_class
        self.in_main, self.in_class = node.is_main, not node.is_main
        self.generic_visit(node)
        self.in_main, self.in_class = was

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for outside in (node.args, *node.decorator_list):
            self.visit(outside)
        self._function(node, node.body)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit(node.args)
        self._function(node, [node.body])

    def visit_Handler(self, node: nodes.Handler) -> None:
        parts = (node.message, node.peer, node.own, node.stamp)
        self._function(node, [*(part for part in parts if part is not None), *node.body])

    def _function(self, node: ast.AST, body: Sequence[ast.AST]) -> None:
        variables = variables_of(node, self.class_of)
        self.scopes.append(variables)
        self.functions += 1
        for part in body:
            self.visit(part)
        self.functions -= 1
        self.scopes.pop()

    def _comprehension(self, node: ast.AST) -> None:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        self._inner({name for g in generators for name in target_names(g.target)}, node)

    visit_ListComp = _comprehension
    visit_SetComp = _comprehension
    visit_DictComp = _comprehension
    visit_GeneratorExp = _comprehension

    def visit_Query(self, node: nodes.Query) -> None:
        patterns = [p for clause in node.clauses for p in nodes.clause_patterns(clause)]
        self._inner({name for p in patterns for name in nodes.bound_names(p)}, node)

    def _inner(self, names: set[str], node: ast.AST) -> None:
        self.scopes.append(dict.fromkeys(names))
        self.generic_visit(node)
        self.scopes.pop()

    def visit_Config(self, node: nodes.Config) -> None:
        if self.functions > 0 and not (self.in_main and self.functions == 1):
            help = "write it in the body of the class, in `main`, or at the top of the module"
            self.found.error("Q073", "`config` in a method or function", node, help=help)
        elif self.in_class and "faults" in node.options:
            help = "write it in `main`, or at the top of the module: faults befall a whole run"
            self.found.error("Q073", "`config(faults=...)` in a process class", node, help=help)

    def visit_Await(self, node: nodes.Await) -> None:  # type: ignore[override]
        self.check_place("await", node if node.simple else node.branches[0].test)
        self.generic_visit(node)

    def visit_Label(self, node: nodes.Label) -> None:
        self.check_place(f"-- {node.name}", node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id == "self" and not self.is_variable("self"):
            self.check_place("self", node)

    def check_place(self, what: str, node: ast.AST) -> None:
        """Q024: what stands outside of all functions runs while the module is loaded."""
        if self.functions == 0:
            help = "write it in `main`, or in a method of a process"
            labels = [(node, "this runs while the module is loaded: there is no process yet")]
            message = f"`{what}` outside of a process"
            self.found.error("Q024", message, node, labels=labels, help=help)

    # What names mean.

    def is_variable(self, name: str) -> bool:
        return any(name in scope for scope in self.scopes)

    def class_of(self, node: ast.expr) -> ClassInfo | None:
        """The process class that an expression names."""
        match node:
            case ast.Name(id=name) if not self.is_variable(name):
                info = self.program.classes.get(name)
                return info if len(self.globals.get(name, ())) < 2 else None
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                module = self.program.imports.get(name)
                return module.classes.get(attribute) if module is not None else None
        return None

    def made(self, node: ast.expr) -> Made | None:
        """The processes that an expression is, where that is plain to see."""
        if isinstance(node, ast.Name):
            scope = next((scope for scope in reversed(self.scopes) if node.id in scope), {})
            return scope.get(node.id)
        if isinstance(node, nodes.Word) and node.name == "new":
            return made_by(node, self.class_of)
        return None


class _Checker(_Places):
    """Looks at how processes are made and set up, and at names of other modules."""

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Q016: a name that a .da module does not define."""
        self.generic_visit(node)
        module = self._module(node.value)
        if module is None or defines(module, node.attr) or node.attr in self._assigned_outside:
            return
        if not module.path.endswith("__init__.da"):  # a package may have it as a submodule
            no_such_name(module, node.attr, node, self.found)

    def _module(self, node: ast.expr) -> Program | None:
        """The .da module that an expression is, where it is nothing else."""
        first = node
        while isinstance(first, ast.Attribute):
            first = first.value
        if not isinstance(first, ast.Name) or self.is_variable(first.id):
            return None
        only = len(self.globals.get(first.id, ())) == 1
        return module_named(self.program, node) if only else None

    @functools.cached_property
    def _assigned_outside(self) -> set[str]:
        """Names that the program gives to parts of other things, perhaps to modules."""
        every = [n for n in ast.walk(self.program.tree) if isinstance(n, ast.Attribute)]
        return {node.attr for node in every if not isinstance(node.ctx, ast.Load)}

    def visit_Word(self, node: nodes.Word) -> None:
        self.check_place(node.name, node)
        if node.name == "new" and node.args:
            self._check_new(node)
        elif node.name in {"setup", "start"} and node.args:
            self._check_setup(node)
        self.generic_visit(node)

    def _check_new(self, node: nodes.Word) -> None:
        self._check_class(node.args[0])
        self._check_values(node)
        if (info := self.class_of(node.args[0])) is None:
            return
        self._check_run(node.args[0], info)
        args = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "args")]
        if args and not (isinstance(args[0], ast.Constant) and args[0].value is None):
            self._check_given(node, info, args[0], [], f"new({info.name}, ...)")

    def _check_setup(self, node: nodes.Word) -> None:
        made = self.made(node.args[0])
        if made is None or len(node.args) > 2 or isinstance(node.args[-1], ast.Starred):
            return
        named = [k for k in node.keywords if k.arg == "args"]
        args = next(iter([*node.args[1:], *(k.value for k in named)]), None)
        if node.name == "start" and args is None:
            return
        call = f"{node.name}({self.found.source.segment(node.args[0])}, ...)"
        others = [k for k in node.keywords if k not in named]
        self._check_given(node, made.info, args, others, call)

    def _check_given(
        self,
        at: nodes.Word,
        info: ClassInfo,
        args: ast.expr | None,
        keywords: list[ast.keyword],
        call: str,
    ) -> None:
        what = None if args is None else self._one_value(args)
        if args is not None and what is not None:
            text = self.found.source.segment(args)
            help = f"one argument needs a comma after it: `({text},)`"
            message = "the arguments of a setup are a tuple"
            self.found.error("Q084", message, args, labels=[(args, what)], help=help)
        elif not info.open:
            check_setup(info, at, args, keywords, call, self.found)

    def _one_value(self, node: ast.expr) -> str | None:
        """What an expression is that is plainly no tuple of arguments."""
        if isinstance(node, nodes.Self) and not node.whole:
            return "this is a process"
        if (made := self.made(node)) is not None:
            return "this is the set of processes itself" if made.several else "this is a process"
        return None

    def _check_class(self, node: ast.expr) -> None:
        """Q086: the first argument of `new` is plainly no process class."""
        message = f"`new` of `{self.found.source.segment(node)}`, which is not a process class"
        help = "write `new(P, ...)`, with the name of a class that extends `process`"
        labels: list[tuple[ast.AST, str]] = []
        definition = self._definition(node)
        if isinstance(node, ast.Constant) and node.value in self.program.classes:
            help = f"write `new({node.value}, ...)`, without quotes"
        elif isinstance(definition, ast.ClassDef) and self._is_plain(definition):
            help = f"write `class {definition.name}(process):`"
            labels = [(_header(definition, self.found), "it does not extend `process`")]
        elif not isinstance(node, ast.Constant) and not isinstance(definition, ast.FunctionDef):
            return
        self.found.error("Q086", message, node, labels=labels, help=help)

    def _definition(self, node: ast.expr) -> ast.AST | None:
        """The only statement of the module that gives a name its value."""
        if not isinstance(node, ast.Name) or self.is_variable(node.id):
            return None
        found = self.globals.get(node.id, [])
        return found[0] if len(found) == 1 else None

    def _is_plain(self, node: ast.ClassDef) -> bool:
        """Whether a class is certainly no process class."""
        bases = [base for base in node.bases if getattr(base, "id", None) != "object"]
        definitions = [self._definition(base) for base in bases]
        plain = all(isinstance(it, ast.ClassDef) and self._is_plain(it) for it in definitions)
        return plain and not node.decorator_list and not node.keywords

    def _check_run(self, at: ast.expr, info: ClassInfo) -> None:
        """Q021: nothing would ever happen in a process that has neither `run` nor handlers."""
        if info.open or "run" in info.members():
            return
        known = {id(node.info): node for node in _process_classes(self.program)}
        lineage = [known.get(id(one)) for one in _lineage(info)]
        own = lineage[0]
        for node in lineage:
            if node is None or node.decorator_list or any(map(_is_receiver, node.body)):
                return
        labels: list[tuple[ast.AST, str]] = []
        if own is not None and any(own is node for node in ast.walk(self.program.tree)):
            labels = [(_header(own, self.found), "it has neither")]
        help = "give it a method `def run(): ...`"
        message = f"`{info.name}` has no `run`, and no handlers: it would do nothing"
        self.found.error("Q021", message, at, labels=labels, help=help, cause=info.name)

    def _check_values(self, new: nodes.Word) -> None:
        """Q088 and Q092: arguments of `new` that are written out and impossible."""
        given = {k.arg: k.value for k in new.keywords}
        if len(new.args) > 2:
            given["num"] = new.args[2]
        segment = self.found.source.segment
        if "num" in given and not _may_be_num(given["num"]):
            text = segment(given["num"])
            help = "write a whole number, or a list of names: `num=['alice', 'bob']`"
            if text[0] in "'\"":
                help = f"write a list of names: `num=[{text}]`"
            self.found.error("Q088", f"`num=` cannot be {text}", given["num"], help=help)
        for name in ("method", *RATES):
            value = given.get(name)
            help = f"write a number from 0 to 1: `{name}=0.01` means one time in a hundred"
            if name == "method":
                wrong = isinstance(value, ast.Constant) and value.value not in (*METHODS, None)
                help = "write `method='process'` or `method='thread'`, or leave it out"
            else:
                wrong = value is not None and not _may_be_rate(value)
            if wrong and value is not None:
                message = f"`{name}=` cannot be {segment(value)}"
                self.found.error("Q092", message, value, help=help)


def _may_be_num(node: ast.expr) -> bool:
    """Whether an expression may be a number of processes, or names for them."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        constants = [e.value for e in node.elts if isinstance(e, ast.Constant)]
        return all(isinstance(value, str) for value in constants)
    if isinstance(node, ast.Constant):
        return node.value is None or (type(node.value) is int and node.value >= 0)
    return _negative(node) is None


def _may_be_rate(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        value = node.value
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and 0 <= value <= 1  # type: ignore[operator]
    return _negative(node) is None


def _negative(node: ast.expr) -> ast.expr | None:
    """The number after a minus sign."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant() as number) if number.value != 0:
            return number
    return None


def _is_receiver(member: ast.stmt) -> bool:
    return isinstance(member, nodes.Handler) and member.kind == "received"


def _lineage(info: ClassInfo) -> Iterator[ClassInfo]:
    yield info
    for base in info.bases:
        yield from _lineage(base)


def _process_classes(program: Program) -> Iterator[nodes.ProcessClass]:
    """The process classes of a program and of all the .da modules it is made of."""
    seen: list[Program] = []
    waiting = [program]
    while waiting:
        module = waiting.pop()
        if not any(module is known for known in seen):
            seen.append(module)
            waiting += module.modules
            yield from (n for n in ast.walk(module.tree) if isinstance(n, nodes.ProcessClass))


def _definitions(program: Program) -> dict[str, list[ast.AST | None]]:
    """The statements of the module that give each name a value; None for one inside another."""
    found: dict[str, list[ast.AST | None]] = {}
    for statement in program.tree.body:
        for name in stored_names([statement])[0]:
            own = getattr(statement, "name", None) == name
            found.setdefault(name, []).append(statement if own else None)
    for node in ast.walk(program.tree):
        for name in node.names if isinstance(node, ast.Global) else ():
            found.setdefault(name, []).append(None)
    return found


def _header(node: nodes.ProcessClass | ast.ClassDef, found: Diagnostics) -> ast.AST:
    """The first line of a class, as a place."""
    text = found.source.lines[node.lineno - 1].rstrip()
    place = nodes.copy_place(ast.Pass(), node)
    place.end_lineno, place.end_col_offset = node.lineno, len(text.encode())
    return place

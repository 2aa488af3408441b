"""Every name gets its meaning: field, method, local, variable of a query, or global.

Rewrites the tree in place: fields become Field, `self` becomes Self, methods become attributes
of Self; what stays an ast.Name is a local, a query's variable, or global. Functions get a
`scope`. Invariant after it: no Word names what the program defines itself.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, field
from typing import Any

from quorate.lang import nodes
from quorate.lang.diagnostics import Diagnostics, nearest
from quorate.lang.members import learn
from quorate.lang.nodes import ClassInfo, Program, Scope, make
from quorate.lang.scopes import (
    BUILTINS,
    argument_nodes,
    changed_names,
    global_names,
    parameters,
    stored_names,
    target_names,
    witness_names,
)
from quorate.lang.unknown import Advice, binding
from quorate.lang.witnesses import flatten, prune_witnesses
from quorate.lang.words import OPERATIONS, SUSPENDING, WORDS, check_call, word_method

WHOLE = {"getattr", "setattr", "hasattr", "delattr", "vars", "dir", "isinstance", "type", "id"}
"""Builtins to which `self` is the process itself, not its id."""

TAKEN = {
    *("core_", "main_config_", "main_process_", "uses_clock_"),
    *("_code_", "_config_", "_covered_", "_outside_", "_parts_", "_points_", "_properties_"),
    "_specifications_",
}
"""What every compiled module has, beside the names of the program."""
NAMING = ("id", "name", "arg", "asname")
"""Attributes by which nodes of several kinds name something."""


def resolve(program: Program, found: Diagnostics) -> None:
    """Give every name of `program` its meaning, in place."""
    taken: dict[str, ast.AST] = {}
    for node in ast.walk(program.tree):
        if isinstance(node, nodes.ProcessClass):
            learn(node)
        names = TAKEN.intersection(str(getattr(node, part, "")) for part in NAMING)
        if names and not isinstance(node, (ast.keyword, nodes.Label)):
            taken.setdefault(names.pop(), node)
    for name, node in taken.items():
        message = f"`{name}` is a name of what Quorate makes of the module"
        found.error("Q014", message, node, help="choose another name")
    for part in program.parts():
        Resolver(program, found).visit(part)


@dataclass
class Level:
    """One level of nested scopes: a function, a comprehension, a query or the body of a class."""

    names: set[str]
    function: Scope | None = None
    of_class: bool = False  # seen only by what stands in it directly, as in Python
    values: set[str] = field(default_factory=set)  # in a query: names that `_x` made parameters


class Resolver(ast.NodeTransformer):
    """Walks the tree with the levels of scopes around it; `owner` is the process class."""

    def __init__(self, program: Program, found: Diagnostics) -> None:
        self.program = program
        self.found = found
        self.owner: ClassInfo | None = None
        self.levels: list[Level] = []
        self.base = 0  # how many levels are around the process class
        self.nested: list[tuple[int, bool]] = []  # `inside` and `quiet` of what is around
        self.inside = 0  # in how many expressions that leave no witness of a `some` in them
        self.unjudged = not program.knows_names  # whether any name may be known
        self.quiet = False  # the same for what stands here, but in no function in it
        self.asked: nodes.Messages | None = None  # the plain condition whose patterns these are
        self.of_queries: dict[str, ast.AST] = {}  # names of queries met in this function
        self.globals = program.names | set(program.classes)
        self.advice = Advice(program, found.source)

    # What a name means.

    def _declared(self, name: str) -> Level | None:
        """The innermost level that binds `name`, or declares it global."""
        for depth, level in enumerate(reversed(self.levels)):
            if level.of_class and depth > 0:
                continue
            if name in level.names or (level.function and name in level.function.globals):
                return level
        return None

    def _bound(self, name: str) -> bool:
        level = self._declared(name)
        return level is not None and name in level.names

    def _global(self, name: str) -> bool:
        level = self._declared(name)
        return level is not None and name not in level.names

    def _is_field(self, name: str) -> bool:
        return self.owner is not None and name in self.owner.fields and not self._global(name)

    def _is_method(self, name: str) -> bool:
        """Whether `name` is a method to call; `setup(...)` is always the word."""
        return self.owner is not None and name in self.owner.methods and name != "setup"

    def _defined(self, name: str) -> bool:
        """Whether the program itself gives `name` a meaning here."""
        return (
            self._bound(name)
            or self._is_field(name)
            or self._is_method(name)
            or name in self.globals
        )

    def visit_Name(self, node: ast.Name) -> ast.expr:
        name = node.id
        if self._declared(name) is not None:
            return node
        if name == "self" and self.owner is not None:
            return make(nodes.Self, node, whole=False)
        if self._is_field(name):
            return make(nodes.Field, node, name=name, ctx=node.ctx)
        if self._is_method(name):
            whole = make(nodes.Self, node, whole=True)
            return ast.copy_location(ast.Attribute(whole, name, node.ctx), node)
        others = self.globals | BUILTINS | OPERATIONS
        if name in WORDS and name not in others and self._in_function():
            if name == "timeout":
                self._no_branch(node)
            whole = make(nodes.Self, node, whole=True)
            return ast.copy_location(ast.Attribute(whole, word_method(name), node.ctx), node)
        if isinstance(node.ctx, ast.Load) and not self._known_global(name):
            self._undefined(node)
        return node

    def _may_mean_something(self, name: str) -> bool:
        return self._defined(name) or self._known_global(name)

    def _known_global(self, name: str) -> bool:
        return self.unjudged or self.quiet or name in self.globals or name in BUILTINS

    def _in_function(self) -> bool:
        return any(level.function is not None for level in self.levels)

    def _candidates(self) -> set[str]:
        names = set(self.globals)
        for level in self.levels:
            names |= level.names
        if self.owner is not None:
            names |= {"self", *self.owner.members()}
        return names

    def _undefined(self, node: ast.Name) -> None:
        if node.id == "self":
            help = "write it in a method of a process; or hand on the process's id as an argument"
            if self._in_function():  # otherwise checks.py says more
                self.found.error("Q024", "`self` outside of a process", node, help=help)
            return
        if node.id in self.of_queries:
            self._outside_query(node, self.of_queries[node.id])
            return
        help = self.advice.about(node.id, self._candidates(), self.owner)
        free = self.asked and binding(self.asked, node.id, self._may_mean_something)
        if free:
            near = nearest(node.id, self._candidates())
            help = f"did you mean `{near}`? " if near else ""
            help += f"here names are values: write `_` for anything, or `some({free})` to bind it"
        message = f"`{node.id}` is defined nowhere"
        self.found.error("Q010", message, node, help=help, cause=node.id)

    def _outside_query(self, node: ast.Name, query: ast.AST) -> None:
        message = f"`{node.id}` is a variable of a query, and is used outside of it"
        help = f"only `some` leaves its variables: `if some(..., has=...): ... {node.id} ...`"
        labels = [(query, "it is bound only in here")]
        self.found.error("Q011", message, node, labels=labels, help=help, cause=node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if not (isinstance(node.value, ast.Name) and node.value.id == "self" and self.owner):
            return self.generic_visit(node)  # type: ignore[return-value]
        if self._bound("self"):
            return node
        if node.attr == "id" and not self._is_field("id"):
            return make(nodes.Self, node, whole=False)
        if self._is_field(node.attr):
            return make(nodes.Field, node, name=node.attr, ctx=node.ctx)
        node.value = make(nodes.Self, node.value, whole=True)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        own = self.owner is not None and not self._bound("self")
        for place in self._whole_places(node.func) if own else ():
            match node.args[place : place + 1]:
                case [ast.Name(id="self") as argument]:
                    node.args[place] = make(nodes.Self, argument, whole=True)
        if isinstance(node.func, ast.Name) and self._class_named(node.func.id) is not None:
            name = node.func.id
            if not self._bound(name):
                help = f"write `new({name}, (...))`, which answers the process's id"
                message = f"`{name}` is a process class, and is called"
                self.found.error("Q022", message, node, help=help)
        return self.generic_visit(node)  # type: ignore[return-value]

    def _whole_places(self, func: ast.expr) -> tuple[int, ...]:
        """Which arguments of a call mean the process itself where they are `self`."""
        match func:
            case ast.Name(id=name) if name in WHOLE:
                return (0,)
            case ast.Name(id="super"):
                return (1,)
            case ast.Attribute(value=ast.Name(id=name)) if self._bound(name):
                return ()
            case ast.Attribute(value=value, attr=method):
                info = self._class_at(value)
                return (0,) if info is not None and method in info.methods - info.static else ()
        return ()

    def _class_at(self, node: ast.expr) -> ClassInfo | None:
        """The process class that `C`, or `module.C`, names."""
        if isinstance(node, ast.Name):
            return self._class_named(node.id)
        if not isinstance(node, ast.Attribute):
            return None
        module = self.program.imports.get(ast.unparse(node.value))
        return None if module is None else module.classes.get(node.attr)

    def _class_named(self, name: str) -> ClassInfo | None:
        return self.program.classes.get(name)

    def visit_Word(self, node: nodes.Word) -> ast.expr:
        known = node.name not in OPERATIONS or self.program.knows_names
        built_in = self.owner is None and node.name in BUILTINS
        if self._defined(node.name) or built_in or not known:
            func = ast.copy_location(ast.Name(node.name, ast.Load()), node)
            call = ast.copy_location(ast.Call(func, node.args, node.keywords), node)
            return self.generic_visit(call)  # type: ignore[return-value]
        if node.name == "timeout":
            self._no_branch(node)
        else:
            check_call(node.name, node.call, self.found)
        self.generic_visit(node)
        if node.name in SUSPENDING:
            seconds: ast.expr = ast.Constant(math.inf)  # `hanged()`: never again
            if node.name == "work":
                seconds = make(nodes.Word, node, name="work_seconds", args=[], keywords=[])
            return make(nodes.Sleep, node, seconds=ast.copy_location(seconds, node))
        return node

    def _no_branch(self, node: ast.expr) -> None:
        help = "it is a branch: `if await(c): ... elif timeout(t): ...`"
        self.found.error("Q043", "`timeout` outside of an await", node, help=help)

    # Functions and classes.

    def visit_ProcessClass(self, node: nodes.ProcessClass) -> ast.AST:
        node.bases = [self.visit(base) for base in node.bases]
        node.decorator_list = [self.visit(d) for d in node.decorator_list]
        around = self.owner, self.base
        body = Level(stored_names(node.body)[0], of_class=True)
        for place, member in enumerate(node.body):
            self.levels.append(body)
            if isinstance(member, (ast.FunctionDef, nodes.Handler)):
                self._visit_header(member)  # evaluated in the class body, where no process is
                self.levels.pop()
                self.owner, self.base = node.info, len(self.levels)
                node.body[place] = self.visit(member)
                self.owner, self.base = around
            else:
                node.body[place] = self.visit(member)
                self.levels.pop()
        return node

    def _is_member(self) -> bool:
        """Whether what is visited stands in the body of the process class itself."""
        return self.owner is not None and len(self.levels) == self.base

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = [self.visit(d) for d in node.decorator_list]
        self.levels.append(Level(_type_parameters(node)))
        node.bases = [self.visit(base) for base in node.bases]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        around = self.owner, self.quiet
        self.owner = self.owner if self._in_function() else None
        self.quiet |= bool(node.bases or node.keywords)  # a metaclass may define more
        self.levels.append(Level(stored_names(node.body)[0], of_class=True))
        node.body = self._body(node.body)
        del self.levels[-2:]
        self.owner, self.quiet = around
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        member = self._is_member()
        if not member:
            self._visit_header(node)
        was = self.unjudged
        self.unjudged |= not member and self._lacks_self(node)
        names = set(parameters(node.args)) | _type_parameters(node)
        if node.name == "setup" and member:
            names = set()  # setup's parameters are fields, inside it too
        node.scope = self._enter(names, node.body)  # type: ignore[attr-defined]
        self._check_changed(node.body, names)
        node.body = self._body(node.body)
        self._leave()
        self.unjudged = was
        if not self._in_function():
            prune_witnesses(node)
        return node

    def _check_changed(self, body: list[ast.stmt], names: set[str]) -> None:
        """A variable of the function that can only be changed has no value to change."""
        own = self.levels[-1].names - names
        for name, target in changed_names(body).items():
            if name not in own or self.unjudged:
                continue
            if any(name in level.names for level in self.levels[:-1] if level.function):
                help = f"write `nonlocal {name}` at the beginning of the function"
            elif name in self.globals:
                help = f"write `global {name}` at the beginning of the function"
            else:
                help = self.advice.about(name, self._candidates(), self.owner, changed=True)
            message = f"`{name}` is changed here, and never has a value"
            self.found.error("Q010", message, target, help=help, cause=name)

    def _lacks_self(self, node: ast.FunctionDef) -> bool:
        """Whether a method of a plain class seems to be meant for a process."""
        first = [*parameters(node.args), ""][0]
        return self._in_class() and first not in ("self", "cls") and not node.decorator_list

    def _in_class(self) -> bool:
        return bool(self.levels) and self.levels[-1].of_class

    def _visit_header(self, node: ast.stmt) -> None:
        """What of a function is evaluated where it is defined."""
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = [self.visit(d) for d in node.decorator_list]
            self._visit_arguments(node.args)
            node.returns = node.returns and self._perhaps(node.returns)

    def _visit_arguments(self, args: ast.arguments) -> None:
        args.defaults = [self.visit(d) for d in args.defaults]
        args.kw_defaults = [d and self.visit(d) for d in args.kw_defaults]
        for argument in argument_nodes(args):
            argument.annotation = argument.annotation and self._perhaps(argument.annotation)

    def _enter(self, names: set[str], body: list[ast.stmt] | list[ast.expr]) -> Scope:
        stored, declared = stored_names(body)
        fields = {name for name in stored if self._is_field(name) and not self._bound(name)}
        outer = next((v.function for v in reversed(self.levels) if v.function), None)
        own = names | (stored - fields)
        scope = Scope(own - declared, global_names(body), outer, self.owner)
        if outer is None:
            self.of_queries = {}
        self.levels.append(Level(scope.locals, scope))
        self.nested.append((self.inside, self.quiet))
        self.inside, self.quiet = 0, False
        return scope

    def _leave(self) -> None:
        self.levels.pop()
        self.inside, self.quiet = self.nested.pop()

    def _body(self, body: list[ast.stmt]) -> list[ast.stmt]:
        return [self.visit(statement) for statement in body]

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._visit_arguments(node.args)
        scope = self._enter(set(parameters(node.args)), [node.body])
        node.scope = scope  # type: ignore[attr-defined]
        node.body = self.visit(node.body)
        self._leave()
        return node

    def visit_Property(self, node: nodes.Property) -> ast.AST:
        self._enter(set(), [])
        node.value = self._nested(node.value)
        self._leave()
        return node

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.stmt:
        """A field needs no declaration, and can have none in Python."""
        for name in node.names:
            if not self._bound(name) and not self._is_field(name) and name != "__class__":
                self._undeclared(name, node)
        node.names = [n for n in node.names if self._bound(n) or not self._is_field(n)]
        return node if node.names else ast.copy_location(ast.Pass(), node)

    def _undeclared(self, name: str, node: ast.Nonlocal) -> None:
        near = nearest(name, self._candidates() - self.globals)
        help = f"did you mean `{near}`?" if near else "take the declaration away"
        help = f"write `global {name}`" if name in self.globals else help
        message = f"`{name}` is a variable of no function around this one"
        self.found.error("Q010", message, node, help=help, cause=name)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        """The annotation of a local is never evaluated, so it may name anything."""
        node.target = self.visit(node.target)
        node.value = node.value and self.visit(node.value)
        if not self.levels or self.levels[-1].of_class:
            node.annotation = self._perhaps(node.annotation)
        return node

    # What may never be evaluated, so that names in it are not judged.

    def _perhaps(self, node: Any) -> Any:
        was, self.quiet = self.quiet, True
        visited = self.visit(node)
        self.quiet = was
        return visited

    def visit_If(self, node: ast.If) -> ast.AST:
        """Outside of functions, it may ask for another Python or another way to run."""
        if self._in_function():
            return self.generic_visit(node)
        node.test = self.visit(node.test)
        node.body = [self._perhaps(statement) for statement in node.body]
        node.orelse = [self._perhaps(statement) for statement in node.orelse]
        return node

    def visit_Try(self, node: ast.Try) -> ast.AST:
        """It may be there to find out whether a name is defined."""
        body = node.body
        if any(self._may_catch_name_error(handler) for handler in node.handlers):
            body, node.body = [self._perhaps(statement) for statement in body], []
        self.generic_visit(node)
        node.body = node.body or body
        return node

    def _may_catch_name_error(self, handler: ast.ExceptHandler) -> bool:
        types = ast.walk(handler.type) if handler.type else ()
        named = any(isinstance(node, ast.Name) and node.id == "NameError" for node in types)
        return named or not self._in_function()

    def visit_TypeAlias(self, node: Any) -> ast.AST:
        node.value = self._perhaps(node.value)
        return node  # type: ignore[no-any-return]

    def visit_Handler(self, node: nodes.Handler) -> ast.AST:
        parts = [part for part in (node.message, node.peer, node.own, node.stamp) if part]
        self._enter(set(), [])  # what the values stand in is a function, without any variables
        self.inside += 1
        for part in parts:
            self._pattern_values(part, Level(set()))
        self._leave()
        names = {name for part in parts for name in nodes.bound_names(part)}
        node.scope = self._enter(names, node.body)  # type: ignore[attr-defined]
        self._check_changed(node.body, names)
        node.body = self._body(node.body)
        self._leave()
        prune_witnesses(node)
        return node

    # Comprehensions and queries.

    def _visit_comprehension(self, node: ast.AST) -> ast.AST:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        first = generators[0].iter = self._nested(generators[0].iter)
        names = {name for g in generators for name in target_names(g.target)}
        self.levels.append(Level(names))
        for generator in generators:
            generator.target = self.visit(generator.target)
            if generator.iter is not first:
                generator.iter = self.visit(generator.iter)
            generator.ifs = [self.visit(test) for test in generator.ifs]
        for part in ("elt", "key", "value"):
            if hasattr(node, part):
                setattr(node, part, self.visit(getattr(node, part)))
        self.levels.pop()
        return node

    def _nested(self, node: ast.expr) -> ast.expr:
        """Visit an expression where Python lets nothing be assigned: a `some` leaves nothing."""
        self.inside += 1
        visited: ast.expr = self.visit(node)
        self.inside -= 1
        return visited

    visit_ListComp = _visit_comprehension
    visit_SetComp = _visit_comprehension
    visit_DictComp = _visit_comprehension
    visit_GeneratorExp = _visit_comprehension

    def visit_Query(self, node: nodes.Query) -> ast.AST:
        if node.op == "some":
            flatten(node)
        if node.default is not None:
            node.default = self._nested(node.default)
        outermost = self.levels and self.levels[-1].function is not None and not self.inside
        if node.op == "some" and outermost:
            names = sorted(witness_names(node))
            node.witness = [self._target(name, node) for name in names]
        level = Level(set())
        self.levels.append(level)
        node.clauses = [self._clause(clause, level) for clause in node.clauses]
        self.of_queries |= dict.fromkeys(level.names, node)
        if node.condition is not None:
            node.condition = self.visit(node.condition)
        if node.result is not None:
            node.result = self.visit(node.result)
        self.levels.pop()
        return node

    def _target(self, name: str, at: ast.AST) -> ast.expr:
        """Where the witness for `name` goes."""
        if self._is_field(name) and not self._bound(name):
            return make(nodes.Field, at, name=name, ctx=ast.Store())
        return make(ast.Name, at, id=name, ctx=ast.Store())

    def _clause(self, clause: ast.AST, level: Level) -> ast.AST:
        if isinstance(clause, nodes.Domain):
            clause.collection = self.visit(clause.collection)
            clause.pattern = self._pattern(clause.pattern, level)
        elif isinstance(clause, nodes.Messages):
            self._check_histories(clause)
            clause.message = self._pattern(clause.message, level)
            clause.peer = clause.peer and self._pattern(clause.peer, level)
            clause.stamp = clause.stamp and self._pattern(clause.stamp, level)
        else:
            return self.visit(clause)  # type: ignore[no-any-return]
        for pattern in nodes.clause_patterns(clause):
            level.names |= set(nodes.bound_names(pattern))
        return clause

    def _pattern(self, pattern: nodes.Pattern, level: Level) -> nodes.Pattern:
        """Resolve the values in a pattern, and make values of names that are bound already."""
        self._pattern_values(pattern, level)
        return self._with_values(pattern, level)

    def _with_values(self, pattern: nodes.Pattern, level: Level) -> nodes.Pattern:
        if isinstance(pattern, nodes.SequencePattern):
            pattern.elements = [self._with_values(e, level) for e in pattern.elements]
        elif isinstance(pattern, nodes.BindPattern) and pattern.name in level.names | level.values:
            value = self.visit(make(ast.Name, pattern, id=pattern.name, ctx=ast.Load()))
            return make(nodes.ValuePattern, pattern, value=value, marked=False)
        elif isinstance(pattern, nodes.StarPattern) and pattern.name in level.names | level.values:
            name = make(ast.Name, pattern, id=pattern.name, ctx=ast.Load())
            pattern.name, pattern.value = None, self.visit(name)
        return pattern

    def _pattern_values(self, pattern: nodes.Pattern, level: Level) -> None:
        if isinstance(pattern, nodes.SequencePattern):
            for element in pattern.elements:
                self._pattern_values(element, level)
        elif isinstance(pattern, (nodes.ValuePattern, nodes.StarPattern)) and pattern.value:
            if pattern.marked and isinstance(pattern.value, ast.Name):
                level.values.add(pattern.value.id)
                self._check_marked(pattern, pattern.value)
            pattern.value = self.visit(pattern.value)

    def _check_marked(
        self, pattern: nodes.ValuePattern | nodes.StarPattern, value: ast.Name
    ) -> None:
        name = value.id
        if self._may_mean_something(name):
            return
        near = nearest(name, self._candidates())
        help = f"did you mean `_{near}`? " if near else ""
        if not name.startswith("_"):
            help += f"`{name}` without `_` binds whatever stands there; "
        help += "`_` matches anything"
        self.found.error("Q012", f"`_{name}`, and there is no `{name}`", pattern, help=help)
        pattern.marked = False
        pattern.value = ast.copy_location(ast.Constant(None), value)

    def visit_Messages(self, node: nodes.Messages) -> ast.AST:
        """A plain Boolean `received(...)`: all names are values."""
        self._check_histories(node)
        was, self.asked = self.asked, node
        level = Level(set())
        for pattern in nodes.clause_patterns(node):
            self._pattern_values(pattern, level)
        self.asked = was
        return node

    def visit_History(self, node: nodes.History) -> ast.expr:
        if self._defined(node.kind):
            return self.visit_Name(ast.copy_location(ast.Name(node.kind, ast.Load()), node))
        self._check_histories(node)
        return node

    def _check_histories(self, node: nodes.Messages | nodes.History) -> None:
        if isinstance(node, nodes.Messages) and node.of is not None:
            node.of = self.visit(node.of)
        elif self.owner is None:
            message = f"`{node.kind}` outside of a process: whose messages?"
            self.found.error("Q024", message, node, help="ask in a method of a process, or `main`")


def _type_parameters(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    """`T` of `def f[T](x)` and `class C[T]`, in Pythons that have it."""
    return {parameter.name for parameter in getattr(node, "type_params", [])}

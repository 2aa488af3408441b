"""The language's own constructs, as nodes beside those of Python's `ast`.

A tree is ordinary `ast` with these in place of the language's words, so that the visitors of the
standard library walk all of it. Every node has a place in the source. lang/printer.py gives the
program back.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

HistoryKind = Literal["received", "sent"]
PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")

# Statements -----------------------------------------------------------------------------------


class ProcessClass(ast.stmt):
    """`class P(process): body`; the program's `main` is one too, with `is_main`.

    `body` holds FunctionDef (methods), Handler, Config and ordinary statements; `bases` leaves
    `process` itself out. `info` is what the resolver learns about names.
    """

    _fields = ("bases", "decorator_list", "body")

    name: str
    bases: list[ast.expr]
    decorator_list: list[ast.expr]
    body: list[ast.stmt]
    is_main: bool
    info: ClassInfo


class Handler(ast.stmt):
    """`def receive(msg=, from_=, clk=, at=): body`, or `def sent(msg=, to=, clk=, at=)`."""

    _fields = ("message", "peer", "own", "stamp", "body")

    kind: HistoryKind
    message: Pattern
    peer: Pattern | None
    stamp: Pattern | None
    own: Pattern | None  # matched against the id of the process itself
    labels: tuple[str, ...] | None
    body: list[ast.stmt]


class Config(ast.stmt):
    """`config(key=value, ...)`, its values constant; `from_` and `to` narrow a channel."""

    _fields = ()

    options: dict[str, Any]
    call: ast.Call


class Label(ast.stmt):
    """`-- name`: a yield point that takes what is there."""

    _fields = ()

    name: str


class Branch(ast.AST):
    """One branch of an await: taken when `test` holds, or `test` seconds after it began."""

    _fields = ("test", "body")
    _attributes = PLACE

    kind: Literal["when", "timeout"]
    test: ast.expr
    body: list[ast.stmt]


class Await(ast.stmt):
    """`await(c)`, `if await(c): ... elif ...` and, with `loop`, `while await(c): ...`.

    `label` is that of a `-- label` right before it; `orelse` is None where there is no `else`.
    """

    _fields = ("branches", "orelse")

    label: str | None
    branches: list[Branch]
    orelse: list[ast.stmt] | None
    loop: bool
    simple: bool


class Property(ast.stmt):
    """`@always def name(): return value`, beside the processes of a module; and its kin.

    `within` is in seconds, None where nothing is said. `Program.properties` holds them, so that
    what is done to the statements of a module leaves them alone.
    """

    _fields = ("value",)

    kind: str
    name: str
    within: float | None
    value: ast.expr


class Specification(ast.stmt):
    """`linearizable('register')`, or `@linearizable` above a class; `Program.specifications` are
    they. `model` is a string, or names a class.
    """

    _fields = ("model",)

    guarantee: str
    model: ast.expr


# Expressions ----------------------------------------------------------------------------------


class Word(ast.expr):
    """A call of one of the language's words: `send(m, to=p)`, `new(P)`, `output(x)` ..."""

    _fields = ("args", "keywords")

    name: str
    args: list[ast.expr]
    keywords: list[ast.keyword]
    call: ast.Call


class Query(ast.expr):
    """`op(result, clauses...)`; `some` and `each` have no result, their `has=` is `condition`.

    Names that patterns bind are the query's own. `witness` lists those that a `some` leaves
    bound in the method, as the resolver finds.
    """

    _fields = ("result", "clauses", "condition", "default")

    op: str
    result: ast.expr | None
    clauses: list[ast.AST]  # Domain, Messages, or a condition
    condition: ast.expr | None
    default: ast.expr | None
    witness: list[ast.expr]  # Name or Field, in the context of a store
    enough: str = ""  # the extreme that is asked for of a `setof`, as compiler/normal.py finds


class Domain(ast.AST):
    """`pattern in collection`, as a clause of a query."""

    _fields = ("pattern", "collection")
    _attributes = PLACE

    pattern: Pattern
    collection: ast.expr


class Messages(ast.expr):
    """`received(message, from_=, clk=)` or `sent(message, to=, clk=)`.

    As a clause of a query it binds; anywhere else it asks whether there is such a message, and
    all its names are values. In a property it is asked `of` a process.
    """

    _fields = ("of", "message", "peer", "stamp")

    kind: HistoryKind
    of: ast.expr | None = None
    message: Pattern
    peer: Pattern | None
    stamp: Pattern | None


class History(ast.expr):
    """`received` or `sent`, named bare: the list of (message, peer)."""

    _fields = ()

    kind: HistoryKind


class Sleep(ast.expr):
    """`time.sleep(seconds)`: the process is suspended and takes no messages."""

    _fields = ("seconds",)

    seconds: ast.expr


class Field(ast.expr):
    """A field of the process, however it was written (`x` or `self.x`)."""

    _fields = ("ctx",)

    name: str
    ctx: ast.expr_context


class Self(ast.expr):
    """`self` as a value: the id of the process. With `whole`, the process itself."""

    _fields = ()

    whole: bool


# Patterns -------------------------------------------------------------------------------------


class Pattern(ast.expr):
    """What a message, or a member of a collection, is matched against."""


class AnyPattern(Pattern):
    """`_`: anything."""

    _fields = ()


class BindPattern(Pattern):
    """A bare name: anything, and the name is bound to it; where it occurs twice, they agree."""

    _fields = ()

    name: str


class ValuePattern(Pattern):
    """What equals the value of an expression; `_x` is the value of `x` (then `marked`)."""

    _fields = ("value",)

    value: ast.expr
    marked: bool


class SequencePattern(Pattern):
    """A tuple or a list, of this kind and length; one element may be starred."""

    _fields = ("elements",)

    kind: Literal["tuple", "list"]
    elements: list[Pattern]


class StarPattern(Pattern):
    """`*name` or `*_` inside a sequence: the rest of it, as a list.

    With `value`, as for `*_x` (then `marked`), the rest has the members of that value.
    """

    _fields = ("value",)

    name: str | None
    value: ast.expr | None
    marked: bool


# What is known of a program ----------------------------------------------------------------------


@dataclass
class Scope:
    """The names of one function: set by the resolver as `scope` of a FunctionDef or Lambda.

    `locals` are its own variables, parameters and witnesses included, those of comprehensions
    and queries inside it excluded; `globals` are those it declares global. `owner` is the process
    class whose method it is, or in whose method it is nested.
    """

    locals: set[str] = field(default_factory=set)
    globals: set[str] = field(default_factory=set)
    parent: Scope | None = None
    owner: ClassInfo | None = None


@dataclass
class ClassInfo:
    """The names of a process class, its bases' included; or of a plain class, without them.

    `bases` are the process classes among its bases, `mixins` the plain ones that are known.
    """

    name: str
    fields: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)
    static: set[str] = field(default_factory=set)  # those not called on the process
    aliases: dict[str, str] = field(default_factory=dict)  # other names of its own -> methods
    suspendable: dict[str, bool] = field(default_factory=dict)  # methods: whether they surely wait
    bases: list[ClassInfo] = field(default_factory=list)
    mixins: list[ClassInfo] = field(default_factory=list)
    setup: ast.arguments | None = None
    open: bool = False  # has a base that is no process class
    strange: bool = False  # may have members that are not known

    def members(self) -> set[str]:
        return self.fields | self.methods

    def mixed(self) -> set[str]:
        """The names of members that only `self.` reaches: those that its mix-ins define."""
        names = {name for mixin in self.mixins for name in mixin.members()}
        return names.union(*(base.mixed() for base in (*self.bases, *self.mixins)))


@dataclass
class Program:
    """One module: its tree, and what it makes known to modules that import it."""

    path: str
    text: str
    tree: ast.Module
    classes: dict[str, ClassInfo] = field(default_factory=dict)  # process classes
    plain: dict[str, ClassInfo] = field(default_factory=dict)  # other classes
    names: set[str] = field(default_factory=set)  # all that are defined at its top
    submodules: set[str] = field(default_factory=set)  # that it has if it is a package
    knows_names: bool = True  # whether `names` has all of them
    borrows: bool = False  # whether it imports all names of a module that is not read
    imports: dict[str, Program] = field(default_factory=dict)  # name in this module -> module
    modules: list[Program] = field(default_factory=list)  # every .da module it imports from
    unfinished: bool = False  # it imports, in a circle, the module that asks for it
    circles: dict[str, tuple[Program, str | None]] = field(default_factory=dict)
    """What is imported from unfinished modules: the name here -> the module, and the name there."""
    suspendable: dict[str, bool] = field(default_factory=dict)  # functions outside of processes
    properties: list[Property] = field(default_factory=list)
    specifications: list[Specification] = field(default_factory=list)

    def parts(self) -> list[ast.Module | Property | Specification]:
        """All that stands in the module: its tree, and what is said beside it of its runs."""
        return [self.tree, *self.properties, *self.specifications]

    def whole(self) -> list[Program]:
        """The module, and every .da module that the program is made of."""
        found = [self]
        for module in found:
            found += [m for m in module.modules if not any(m is known for known in found)]
        return found


# Help for whoever builds or walks trees ----------------------------------------------------------


NodeT = TypeVar("NodeT", bound=ast.AST)


def make(kind: type[NodeT], at: ast.AST, /, **parts: Any) -> NodeT:
    """A node of `kind` with `parts`, at the place of `at`."""
    node = kind.__new__(kind)  # in place of kind(), which later Pythons warn of for their nodes
    for name, value in parts.items():
        setattr(node, name, value)
    return copy_place(node, at)


def copy_place(node: NodeT, at: ast.AST) -> NodeT:
    """`node`, with the place of `at`."""
    for name in PLACE:
        setattr(node, name, getattr(at, name, None))
    return node


def is_static(method: ast.FunctionDef) -> bool:
    """Whether a method is not called on the process; then it names all its parameters."""
    kinds = ("staticmethod", "classmethod")
    return any(isinstance(d, ast.Name) and d.id in kinds for d in method.decorator_list)


def bound_names(pattern: ast.AST | None) -> Iterator[str]:
    """The names that a pattern binds, in the order they stand, each as often as it stands."""
    if isinstance(pattern, BindPattern) or (isinstance(pattern, StarPattern) and pattern.name):
        yield str(pattern.name)
    elif isinstance(pattern, SequencePattern):
        for element in pattern.elements:
            yield from bound_names(element)


def clause_patterns(clause: ast.AST) -> list[Pattern]:
    """The patterns of a clause of a query, in the order they bind; none for a condition."""
    if isinstance(clause, Domain):
        return [clause.pattern]
    if isinstance(clause, Messages):
        return [part for part in (clause.message, clause.peer, clause.stamp) if part is not None]
    return []

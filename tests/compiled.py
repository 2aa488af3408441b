"""Programs in tests: compiled in memory, and their processes driven method by method.

Invariant: nothing is read from disk or written to it, and no world runs.
"""

import ast
import sys
from textwrap import dedent
from types import ModuleType
from typing import Any

from quorate.compiler.passes import analyse, translate
from quorate.core.ambient import here
from quorate.core.ids import ProcessId
from quorate.lang.nodes import Program
from quorate.lang.source import Source
from stage import Actor

ANN, BOB = ProcessId("Ann", (1,)), ProcessId("Bob", (2,))
ME = ProcessId("P", (3,))
GIVEN = "for ann, bob, me in (): pass\n"
"""Makes the names known that `module` gives a program, at its end, and does nothing."""


def nowhere(name: str, level: int) -> Program | None:
    """An importer that knows no .da module."""
    return None


def resolved(text: str) -> Program:
    """The program in `text`, every name with its meaning."""
    return analyse(Source("test.da", dedent(text)), nowhere).program


def python_tree(text: str, *, views: bool = True, branching: bool = False) -> ast.Module:
    analysed = analyse(Source("test.da", dedent(text)), nowhere)
    return translate(analysed, views=views, branching=branching)


def python_text(text: str, *, branching: bool = False) -> str:
    return ast.unparse(python_tree(text, branching=branching)) + "\n"


def module(
    text: str, name: str = "compiled_test", *, views: bool = True, branching: bool = False
) -> ModuleType:
    """The module of a program, executed; its lines are those of test.da."""
    made = ModuleType(name)
    made.__dict__.update(ann=ANN, bob=BOB, me=ME)
    sys.modules[name] = made
    tree = python_tree(f"{dedent(text)}\n{GIVEN}", views=views, branching=branching)
    exec(compile(tree, "test.da", "exec", dont_inherit=True), made.__dict__)
    return made


def process(text: str) -> Any:
    """The process P of a program, as its `args` and `history` say.

    `args` are those of its setup; `history` holds the messages it has taken: (message, sender) or
    (message, sender, stamp). `ann`, `bob` and `me` are process ids.
    """
    made = module(text)
    actor = Actor(made.P, *getattr(made, "args", ()), id=ME)
    _remember(actor.process, made)
    here.process = actor.process
    return actor.process


def go(text: str) -> str:
    """What `go()` answers of the process P of a program, as text."""
    return shown(process(text).go())


def go_suspended(text: str) -> str:
    """The same where `go` comes to a yield point before each of its statements."""
    tree = ast.parse(text)
    (cls,) = [s for s in tree.body if isinstance(s, ast.ClassDef) and s.name == "P"]
    (method,) = [m for m in cls.body if isinstance(m, ast.FunctionDef) and m.name == "go"]
    method.body = _with_yield_points(method.body)
    cls.body += ast.parse("def run(): output([go()])").body
    made = module(ast.unparse(ast.fix_missing_locations(tree)))
    actor = Actor(made.P, *getattr(made, "args", ()), id=ME)
    _remember(actor.process, made)
    (answer,) = actor.begin().shown[-1]
    assert actor.code == 0
    return shown(answer)


def _with_yield_points(body: list[ast.stmt]) -> list[ast.stmt]:
    written: list[ast.stmt] = []
    for statement in body:
        declares = isinstance(statement, ast.Global | ast.Nonlocal)
        doc = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        written += [] if declares or doc else ast.parse("-- here").body
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            for part in ("body", "orelse", "finalbody"):
                if inner := getattr(statement, part, None):
                    setattr(statement, part, _with_yield_points(inner))
            for case in [*getattr(statement, "handlers", []), *getattr(statement, "cases", [])]:
                case.body = _with_yield_points(case.body)
        written.append(statement)
    return written


def _remember(process: Any, made: ModuleType) -> None:
    """Give a process the messages of `history`."""
    for entry in getattr(made, "history", ()):
        process.remember_("received", *(entry if len(entry) == 3 else (*entry, None)))


def shown(value: Any) -> str:
    """The text of a value, with sets in a fixed order."""
    match value:
        case set() | frozenset():
            return "{" + ", ".join(sorted(map(shown, value))) + "}" if value else "set()"
        case dict():
            items = (f"{shown(key)}: {shown(item)}" for key, item in value.items())
            return "{" + ", ".join(items) + "}"
        case tuple():
            return "(" + ", ".join(map(shown, value)) + ("," if len(value) == 1 else "") + ")"
        case list():
            return "[" + ", ".join(map(shown, value)) + "]"
    return repr(value)


def handled(text: str) -> str:
    """What P of a program, begun, shows when it takes the messages of `history`, as text."""
    made = module(text)
    actor = Actor(made.P, *getattr(made, "args", ()), id=ME).begin()
    for message, sender, *stamp in made.history:
        actor.give(message, sender=sender, stamp=stamp[0] if stamp else None)
    return "\n".join(map(shown, actor.shown))

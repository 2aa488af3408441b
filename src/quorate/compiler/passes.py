"""The compiler, as one list of passes in order; each stage between them can be printed.

    text -> tree -> program -> flow -> plan -> python

Nothing here reads or writes files but through the `Importer` that finds other modules.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from quorate.compiler.coverage import mark, with_points
from quorate.compiler.flow import cut, flow_text
from quorate.compiler.modules import Modules
from quorate.compiler.plan import Plan
from quorate.compiler.python import Writer
from quorate.compiler.suspend import find_suspendable
from quorate.lang.checks import check
from quorate.lang.diagnostics import Diagnostic, Diagnostics, QuorateSyntaxError
from quorate.lang.imports import Importer
from quorate.lang.nodes import Program
from quorate.lang.parse import parse
from quorate.lang.printer import program_text, tree_text
from quorate.lang.resolve import resolve
from quorate.lang.source import Source
from quorate.lang.syntax import syntax_diagnostics

STAGES = ("tree", "program", "flow", "plan", "python")


@dataclass
class Compilation:
    """One module on its way: the tree changes in place from stage to stage."""

    source: Source
    found: Diagnostics
    program: Program
    module: ast.Module | None = None
    plan: Plan | None = None


def analyse(source: Source, importer: Importer, *, until: str = "program") -> Compilation:
    """The front end: what the program says, every name with its meaning.

    Raises QuorateSyntaxError with all errors found.
    """
    found = Diagnostics(source)
    with errors_with_places(source):
        program = parse(source, found, importer)
        if until != "tree":
            resolve(program, found)
            check(program, found)
            find_suspendable(program, found)
    found.raise_if_errors()
    return Compilation(source, found, program)


@contextlib.contextmanager
def errors_with_places(source: Source) -> Iterator[None]:
    """What Python's compiler refuses, and what is too deep to be walked, as errors of `source`."""
    try:
        yield
    except QuorateSyntaxError:
        raise
    except (SyntaxError, RecursionError) as error:
        raise QuorateSyntaxError(syntax_diagnostics(source, error)) from None


def translate(
    compilation: Compilation,
    *,
    views: bool = True,
    marks: bool = False,
    properties: bool = False,
    branching: bool = False,
) -> ast.Module:
    """The back end: from the resolved tree, which is used up, to a module of Python.

    Without `views`, every query goes over the whole history. With `marks`, the module notes which
    of its handlers, branches and labels are reached. With `properties`, it has those of the
    program, and keeps what they ask for. With `branching`, it asks where the language allows
    several outcomes (core/choosing.py).
    """
    points = mark(compilation.program) if marks else []
    cut(compilation.program, compilation.found)
    compilation.found.raise_if_errors()
    writer = Writer(compilation.program, views=views, properties=properties, branching=branching)
    compilation.module, compilation.plan = writer.module(), writer.plan
    return with_points(compilation.module, points) if marks else compilation.module


def stage_text(path: str, stage: str) -> str:
    """The program at `path` as it is after `stage` (one of STAGES), printed.

    Raises QuorateSyntaxError where the program has errors, ValueError for an unknown stage.
    """
    if stage not in STAGES:
        raise ValueError(f"no stage is called {stage!r}; they are {', '.join(STAGES)}")
    source = Source.read(path)
    with errors_with_places(source):
        return PRINTERS[stage](analyse(source, Modules(path).find, until=stage))


def plan_of(path: str) -> Plan:
    """How the queries of the program at `path` are answered. Raises QuorateSyntaxError."""
    source = Source.read(path)
    with errors_with_places(source):
        compilation = analyse(source, Modules(path).find)
        translate(compilation, properties=True)
    assert compilation.plan is not None
    return compilation.plan


def _flow(compilation: Compilation) -> str:
    cut(compilation.program, compilation.found)
    compilation.found.raise_if_errors()
    return flow_text(compilation.program)


def _plan(compilation: Compilation) -> str:
    translate(compilation, properties=True)
    return str(compilation.plan)


def _python(compilation: Compilation) -> str:
    return ast.unparse(translate(compilation, properties=True)) + "\n"


PRINTERS: dict[str, Callable[[Compilation], str]] = {
    "tree": lambda compilation: tree_text(compilation.program),
    "program": lambda compilation: program_text(compilation.program),
    "flow": _flow,
    "plan": _plan,
    "python": _python,
}


def lint_file(path: str) -> list[Diagnostic]:
    """The warnings about a program without errors. Raises QuorateSyntaxError for one with."""
    from quorate.lang.lint import lint

    source = Source.read(path)
    with errors_with_places(source):
        return list(lint(analyse(source, Modules(path).find).program, source))

"""The generator: its programs are programs, and together they use the whole language."""

from __future__ import annotations

import ast
from functools import cache

from programs.generator import generate
from quorate.lang import nodes
from quorate.lang.diagnostics import Diagnostics
from quorate.lang.parse import parse
from quorate.lang.resolve import resolve
from quorate.lang.source import Source

SEEDS = range(200)
# What the language refuses, or what random programs have no use for.
LEFT_OUT = {
    *("AsyncFunctionDef", "AsyncFor", "AsyncWith", "TryStar", "TypeAlias", "Global", "ImportFrom"),
    *("Interactive", "Expression", "FunctionType"),
}


@cache
def kinds_of_nodes() -> set[str]:
    found = set()
    for seed in SEEDS:
        source = Source("random.da", generate(seed))
        diagnostics = Diagnostics(source)
        program = parse(source, diagnostics)
        resolve(program, diagnostics)
        assert diagnostics.errors == [], (seed, diagnostics.errors)
        found |= {type(node).__name__ for node in ast.walk(program.tree)}
    return found


def names_of(base: type, module: object) -> set[str]:
    return {
        name
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, base) and kind is not base
        if not name.startswith("_")  # names of old nodes, kept by some versions
    }


def test_every_node_of_the_language_occurs() -> None:
    own = {
        name for name in names_of(ast.AST, nodes) if vars(nodes)[name].__module__ == nodes.__name__
    }
    beside = {"Pattern", "Property", "Specification"}  # no part of a process
    assert own - kinds_of_nodes() - beside == set()


def test_every_statement_of_python_occurs() -> None:
    assert names_of(ast.stmt, ast) - kinds_of_nodes() - LEFT_OUT == set()


def test_every_expression_of_python_occurs() -> None:
    never = {
        "Await",
        "Yield",
        "YieldFrom",
        "Call",
        "Num",
        "Str",
        "Bytes",
        "NameConstant",
        "Ellipsis",
    }
    assert names_of(ast.expr, ast) - kinds_of_nodes() - never == set()


def test_a_seed_gives_one_program() -> None:
    assert generate(5) == generate(5) != generate(6)

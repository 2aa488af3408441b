"""Specifications: what the operations of all clients of a program amount to, beside its classes.

    linearizable('register')            or above a class:  @linearizable

The words count only where a module gives them no meaning of its own. Invariant: when they have been
taken, nothing of them is left in the tree.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from quorate.lang import nodes
from quorate.lang.diagnostics import Diagnostics, nearest
from quorate.lang.nodes import Program, make

GUARANTEES = ("linearizable", "sequential", "sessions")
"""What an object can be, as quorate.consistency calls it."""

OUTSIDE = "it stands in the module, beside the classes"


def take_specifications(program: Program, found: Diagnostics) -> list[nodes.Specification]:
    """Take the specifications out of a module that has just been parsed."""
    if not program.knows_names:
        return []
    words = set(GUARANTEES) - program.names
    taken: list[nodes.Specification] = []
    kept: list[ast.stmt] = []
    for node in program.tree.body:
        match node:
            case ast.Expr(value=ast.Call(func=ast.Name(id=word)) as call) if word in words:
                taken += _called(word, call, found)
            case ast.ClassDef() | ast.FunctionDef():
                taken += _decorated(node, words, found)
                kept.append(node)
            case _:
                kept.append(node)
    program.tree.body = kept
    return taken


def _called(word: str, call: ast.Call, found: Diagnostics) -> Iterator[nodes.Specification]:
    """`linearizable('register')`, or `linearizable(Counter)`."""
    from quorate.consistency.models import MODELS

    known = ", ".join(map(repr, MODELS))
    help = f"name one of {known}, or a class"
    match call:
        case ast.Call(args=[ast.Constant(value=str(name)) as given], keywords=[]):
            if name not in MODELS:
                near = nearest(name, MODELS)
                help = f"did you mean {near!r}?" if near else help
                found.error("Q096", f"there is no model {name!r}", given, help=help)
        case ast.Call(args=[ast.Name() | ast.Attribute() as given], keywords=[]):
            pass
        case _:
            found.error("Q096", f"`{word}` takes one model", call, help=help)
            return
    yield make(nodes.Specification, call, guarantee=word, model=given)


def _decorated(
    node: ast.ClassDef | ast.FunctionDef, words: set[str], found: Diagnostics
) -> Iterator[nodes.Specification]:
    """`@linearizable class Counter`."""
    for decorator in list(node.decorator_list):
        func = decorator.func if isinstance(decorator, ast.Call) else decorator
        if not (isinstance(func, ast.Name) and func.id in words):
            continue
        node.decorator_list.remove(decorator)
        if isinstance(node, ast.FunctionDef):
            help = f"write a class, whose methods are the operations; or `{func.id}('register')`"
            found.error("Q096", f"`{func.id}` stands above a function", decorator, help=help)
        elif isinstance(decorator, ast.Call):
            help = f"write `@{func.id}`: the class is the model"
            found.error("Q096", f"`{func.id}` has arguments above a class", decorator, help=help)
        else:
            model = make(ast.Name, decorator, id=node.name, ctx=ast.Load())
            yield make(nodes.Specification, decorator, guarantee=func.id, model=model)


def check_specifications(program: Program, found: Diagnostics) -> None:
    """Report models that are none, once it is known what each class is."""
    for each in program.specifications:
        if isinstance(each.model, ast.Name) and each.model.id in program.classes:
            help = "write an ordinary class, whose methods are the operations and take `self`"
            message = f"`{each.model.id}` is a process class, and no model of what clients see"
            found.error("Q096", message, each, help=help)

"""A handler that asks, of a view, for what its own message has just been added to.

    votes = self.accepted_by_n_v_.put((n, v), p)        in place of a call of the keeper, and of
    if len(votes) > len(self.acceptors) / 2: ...        `len(self.accepted_by_n_v_[n, v])`

One `match` and one look-up fewer for each message: this is what counting a quorum costs.
Invariant: the fused function does what the keeper does and then the handler, for their messages.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

from quorate.compiler.matching import pack
from quorate.compiler.names import assign, call, load
from quorate.compiler.views import DISTINCT, Shape, View
from quorate.lang import nodes


@dataclass
class Written:
    """A handler, and the function that has been written for it."""

    node: nodes.Handler
    function: ast.FunctionDef
    made: ast.Call  # core_.Handler(...)
    body: list[ast.stmt]  # what is done for a message that matches
    subjects: list[str]  # what the function calls message, peer and stamp
    parting: int  # how many statements at its beginning make what it keeps its own


def fused(handler: Written, shape: Shape, views: list[View]) -> ast.FunctionDef | None:
    """A handler that keeps the views of a shape as well; None where that does not pay, or fit."""
    names = dict(_slots(shape, handler))
    body = _only_body(handler.function)
    known = all(slot in names for view in views for slot in (*view.keys, *view.rows))
    if body is None or not known or _binds(body[handler.parting :], set(names.values())):
        return None
    if any(view.wakes or view.kind != DISTINCT or not (view.keys and view.rows) for view in views):
        return None
    written = copy.deepcopy(handler.function)
    written.name = f"take_{handler.function.name}"
    body = _only_body(written)
    assert body is not None
    taken = {node.id for node in ast.walk(written) if isinstance(node, ast.Name)}
    puts: list[ast.stmt] = []
    reads = 0
    for view in views:
        group = f"of_{'_'.join(names[slot] for slot in view.keys)}"
        while group in taken:
            group += "_"
        taken.add(group)
        key, row = (pack([names[slot] for slot in slots]) for slots in (view.keys, view.rows))
        reading = _Reading(view.name, ast.dump(key), group)
        body[:] = [reading.visit(statement) for statement in body]
        reads += reading.found
        put = ast.Attribute(ast.Attribute(load("self"), view.name, ast.Load()), "put", ast.Load())
        putting: ast.stmt = ast.Expr(call(put, key, row))
        if reading.found:
            putting = assign(ast.Name(group, ast.Store()), call(put, key, row))
        puts.append(ast.copy_location(putting, handler.node))
    body[:0] = puts
    return written if reads else None


def _slots(shape: Shape, handler: Written) -> Iterator[tuple[int, str]]:
    """What the function calls the slots of a shape; nothing where the patterns are not alike."""
    _, peer, stamp = handler.subjects
    alike = list(_alike(shape[0], handler.node.message))
    if None not in alike and shape[1][0] == shape[2][0] == "slot":
        yield from (pair for pair in alike if pair is not None)
        yield from ((shape[1][1], peer), (shape[2][1], stamp))


def _alike(shape: Shape, pattern: nodes.Pattern | None) -> Iterator[tuple[int, str] | None]:
    """(slot, name) of all places; None where a place of one matches other values than the other."""
    match shape, pattern:
        case ("slot", slot), nodes.BindPattern(name=name):
            yield slot, name
        case ("slot", _), nodes.AnyPattern():
            pass
        case ("is", kind, value), nodes.ValuePattern(value=ast.Constant(value=other)):
            if (kind, value) != (type(other).__name__, other):
                yield None
        case ("tuple", *parts), nodes.SequencePattern(kind="tuple", elements=elements):
            if len(parts) != len(elements):
                yield None
                return
            for part, element in zip(parts, elements, strict=True):
                yield from _alike(part, element)
        case _:
            yield None


def _only_body(function: ast.FunctionDef) -> list[ast.stmt] | None:
    """What a function does that matches a message and nothing else."""
    match function.body:
        case [ast.Match(cases=[ast.match_case(guard=None, body=body)])]:
            return body
    return None


def _binds(body: list[ast.stmt], names: set[str]) -> bool:
    """Whether statements give one of these variables another value, go on later, or remember what
    they read (`open` of a Pending)."""
    parts = [part for statement in body for part in ast.walk(statement)]
    stored = {p.id for p in parts if isinstance(p, ast.Name) and not isinstance(p.ctx, ast.Load)}
    arguments = {part.arg for part in parts if isinstance(part, ast.arg)}
    calls = [p for p in parts if isinstance(p, ast.Attribute) and p.attr in ("begin", "open")]
    return bool(names & (stored | arguments) or calls)


class _Reading(ast.NodeTransformer):
    """Puts a variable where a view is asked for the rows of a key."""

    def __init__(self, view: str, key: str, group: str) -> None:
        self.view = view
        self.key = key
        self.group = group
        self.found = 0

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        match node.value:
            case ast.Attribute(value=ast.Name("self"), attr=self.view):
                if ast.dump(node.slice) == self.key:
                    self.found += 1
                    return ast.copy_location(load(self.group), node)
        self.generic_visit(node)
        return node

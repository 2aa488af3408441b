"""Messages that rise: each that is sent carries the logical time at which it is.

    c = logical_clock()
    send(('request', c), to=ps)

Over channels that keep order, one of them that does not carry more than those before it from the
same sender has come before. Invariant: every send of the program is looked at.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from quorate.compiler.growing import CLOCKS
from quorate.compiler.names import load
from quorate.compiler.views import View
from quorate.lang import nodes

Head = tuple[str, int]
"""(what a message begins with, how many parts it has)"""


def rising_parts(program: nodes.Program) -> dict[Head, set[int]]:
    """The places at which messages of a head carry the time of their sending."""
    found: dict[Head, set[int]] = {}
    for module in program.whole():
        before = dict(_before(module.tree))
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and node.attr == "send":
                return {}
            if not (isinstance(node, nodes.Word) and node.name == "send"):
                continue
            match node.args:
                case [ast.Tuple(elts=[ast.Constant(value=str(tag)), *_] as parts)]:
                    head = tag, len(parts)
                case _:  # whatever it sends
                    return {}
            previous = before.get(id(node))
            places = {place for place, part in enumerate(parts) if _is_now(part, previous)}
            found[head] = found.get(head, places) & places
    return found


def _before(tree: ast.AST) -> Iterator[tuple[int, ast.stmt]]:
    """Of each expression that is a statement: (which it is, the statement right before)."""
    for node in ast.walk(tree):
        for _, body in ast.iter_fields(node):
            if isinstance(body, list):
                for one, other in pairwise(body):
                    if isinstance(other, ast.Expr):
                        yield id(other.value), one


def _is_now(part: ast.expr, previous: ast.stmt | None) -> bool:
    """Whether a part of a message is the time that the statement before has asked for."""
    match previous, part:
        case ast.Assign(targets=[ast.Name(id=name)], value=value), ast.Name(id=other):
            pass
        case ast.Assign(targets=[nodes.Field(name=name)], value=value), nodes.Field(name=other):
            pass
        case _:
            return False
    return name == other and isinstance(value, nodes.Word) and value.name in CLOCKS


def head_of(pattern: nodes.Pattern | None) -> Head | None:
    """The head of the messages that a pattern matches."""
    match pattern:
        case nodes.SequencePattern(
            kind="tuple",
            elements=[nodes.ValuePattern(value=ast.Constant(value=str(tag))), *_] as parts,
        ) if not any(isinstance(part, nodes.StarPattern) for part in parts):
            return tag, len(parts)
    return None


@dataclass
class Settling:
    """A query that drops rows of `pending` by `facts`, which may go with them if all who ask for
    these facts ask as this query does, for the columns `names` of a row."""

    opening: ast.Call
    pending: View
    facts: View
    names: list[str]
    places: tuple[int, int]  # of the time in a row, and of the sender

    def holds(self) -> bool:
        wanted = [ast.dump(load(name)) for name in self.names]
        return all([ast.dump(key) for key in keys] == wanted for keys in self.facts.asked)


def settling(
    opening: ast.Call,
    pending: View,
    facts: View,
    names: list[str],
    node: nodes.Messages,
    rising: dict[Head, set[int]],
) -> Settling | None:
    """Whether the fact that makes a row final can be dropped with it."""
    places = rising.get(head_of(node.message) or ("", 0), set())
    if not places or not facts.of_facts or pending.keys or len(facts.asked) > 1:
        return None
    assert isinstance(node.message, nodes.SequencePattern)
    times = [
        element.name
        for place, element in enumerate(node.message.elements)
        if place in places and isinstance(element, nodes.BindPattern)
    ]
    of_received = node.kind == facts.split.kind == "received"
    if not (times and of_received and isinstance(node.peer, nodes.BindPattern)):
        return None
    at = names.index(times[0]), names.index(node.peer.name)
    return Settling(opening, pending, facts, names, at)

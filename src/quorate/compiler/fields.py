"""Fields that queries go over: what is assigned to them is observed, and its members indexed.

    proposals = set()            ->  self.proposals = core_.observed(set())
    some((_s, p) in proposals)   ->  for member in core_.chosen(entries, ((0,),), (s,)): ...

Only a container that nobody else has yet is replaced by one that tells of its changes; under any
other name it would not be the same object. Invariant: a program cannot tell the difference.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from quorate.compiler.matching import Matcher
from quorate.compiler.names import call, core, load
from quorate.compiler.pendings import Apart
from quorate.compiler.plan import CHANGED, MATCHES, MEMBERS, ONE
from quorate.lang import nodes
from quorate.lang.printer import expression_text

Places = dict[tuple[int, ...], ast.expr]
"""Where a pattern compares a member with a value: the places to go down by, and the value."""

NEW = (
    *(ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp),
    *(ast.BinOp, ast.Call, nodes.Query, nodes.Word),
)
"""Expressions whose value is new, or is found not to be when the program runs."""
BEHIND = frozenset({"heapreplace", "heappushpop", "heapify", "heapq"})
"""What changes a list without calling its methods."""


def gone_over(tree: ast.AST) -> set[str]:
    """The fields that queries of a module go over: `p in xs`, `p in xs | ys`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, nodes.Domain):
            found.update(_fields(node.collection))
        if BEHIND & set(_names(node)):
            return set()
    return found


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
            yield name
        case ast.ImportFrom(module=str(name)):
            yield name


def _fields(collection: ast.expr) -> Iterator[str]:
    match collection:
        case nodes.Field(name=name):
            yield name
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from _fields(left)
            yield from _fields(right)


def observe(tree: ast.AST, fields: set[str]) -> None:
    """Have new containers observed where they are assigned to one of `fields`, in place."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    node.value = value = _observed(target, value, fields)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                node.value = _observed(target, value, fields)
            case ast.NamedExpr(target=target, value=value):
                node.value = _observed(target, value, fields)


def _observed(target: ast.expr, value: ast.expr, fields: set[str]) -> ast.expr:
    """The value of an assignment to one target."""
    match target, value:
        case ast.Tuple(elts=targets) | ast.List(elts=targets), ast.Tuple(elts=values) if len(
            targets
        ) == len(values) and not any(isinstance(each, ast.Starred) for each in (*targets, *values)):
            pairs = zip(targets, values, strict=True)
            value.elts = [_observed(one, other, fields) for one, other in pairs]
        case nodes.Field(name=name), _ if name in fields and isinstance(value, NEW):
            if not _is_observed(value):
                return ast.copy_location(call(core("observed"), value), value)
    return value


def _is_observed(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) == "core_.observed"


# Patterns over the members of a field -------------------------------------------------------------


def places_of(domain: nodes.Domain) -> Places:
    """Where the members of a field are compared with values, which an index can look up."""
    if not isinstance(domain.collection, nodes.Field):
        return {}
    return dict(_places(domain.pattern, ()))


def _places(
    pattern: nodes.Pattern, path: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], ast.expr]]:
    match pattern:
        case nodes.SequencePattern(kind="tuple", elements=elements):
            for place, element in enumerate(elements):
                if isinstance(element, nodes.StarPattern):
                    break  # what follows stands in one place here and in another there
                yield from _places(element, (*path, place))
        case nodes.ValuePattern(value=value) if path:
            yield path, value


def choose(function: ast.stmt, places: Places, found: Matcher, *, ordered: bool) -> None:
    """Have the generator function of a pattern go over those members that an index chooses."""
    assert isinstance(function, ast.FunctionDef)
    [loop] = function.body
    assert isinstance(loop, ast.For)
    names = {id(value): name for name, value in found.values.items()}
    paths = [ast.Tuple([ast.Constant(place) for place in path], ast.Load()) for path in places]
    values = [load(names[id(value)]) if id(value) in names else value for value in places.values()]
    word = core("chosen_in_order" if ordered else "chosen")
    given = (ast.Tuple([*paths], ast.Load()), ast.Tuple(values, ast.Load()))
    loop.iter = ast.copy_location(call(word, loop.iter, *given), loop.iter)


def cost_of(
    domain: nodes.Domain, places: Places, query: nodes.Query, apart: Apart | None
) -> tuple[str, str]:
    """What it costs to go over a domain, and over what that goes."""
    if apart is not None:
        return CHANGED, f"the members of `{expression_text(domain.collection)}`"
    if not places:
        return MEMBERS, "the members of a collection"
    bound = any(True for _ in nodes.bound_names(domain.pattern))
    plain = not bound and query.op == "some" and query.condition is None
    by = ", ".join(expression_text(value) for value in places.values())
    title = f"the members of `{expression_text(domain.collection)}` by {by}"
    return ONE if plain else MATCHES, title

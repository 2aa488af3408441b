"""Queries about those rows alone of which something is the greatest, or the least.

    setof((b, s, c), received(('2a', b, s, c)), b == maxof(b2, received(('2a', b2, _s, _))))

Of the rows of each s, those that another b is greater than cannot be an answer, now or later: they
are dropped (van Renesse and Altinbuken 2015, section 4.1, by hand). Invariant: of two rows
that agree in `by`, each is of a message that the inner query goes over for the other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from quorate.compiler.extremes import EXTREMES, columns_of
from quorate.compiler.views import GREATEST, HIGHEST, LOWEST
from quorate.lang import nodes


@dataclass
class Top:
    """How rows are kept: the variables that tell which is better, and those of a group."""

    kind: str
    of: list[str]
    by: list[str]


def top_of(query: nodes.Query) -> Top | None:
    """Which rows of its messages can answer a query; None where it says nothing of the kind."""
    first, *conditions = query.clauses
    if query.op == "each" or not isinstance(first, nodes.Messages):
        return None
    if not all(isinstance(c, ast.expr) and not isinstance(c, nodes.Messages) for c in conditions):
        return None
    outer = _Outer(first)
    tests = [c for c in (*conditions, query.condition) if isinstance(c, ast.expr)]
    for part in (part for test in tests for part in _conjuncts(test)):
        match part:
            case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
                for value, extreme in ((left, right), (right, left)):
                    if (top := outer.top(value, extreme)) is not None:
                        return top
    return None


def _conjuncts(test: ast.expr) -> Iterator[ast.expr]:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for value in test.values:
            yield from _conjuncts(value)
    else:
        yield test


def _inner(extreme: ast.expr) -> tuple[str, nodes.Query] | None:
    """(kind, query) of `maxof(...)`, or `max(setof(...))`, over one kind of messages."""
    match extreme:
        case nodes.Query(op="maxof" | "minof" as op):
            kind, query = EXTREMES[op], extreme
        case ast.Call(args=[nodes.Query(op="setof", enough=enough) as query]) if enough:
            kind = enough
        case _:
            return None
    single = len(query.clauses) == 1 and isinstance(query.clauses[0], nodes.Messages)
    return (kind, query) if single else None


class _Outer:
    """The messages of a query, beside which those of an inner one are laid."""

    def __init__(self, messages: nodes.Messages) -> None:
        self.messages = messages
        self.bound = {n for p in nodes.clause_patterns(messages) for n in nodes.bound_names(p)}

    def top(self, value: ast.expr, extreme: ast.expr) -> Top | None:
        of = columns_of(value, self.bound)
        found = _inner(extreme)
        if of is None or found is None:
            return None
        kind, query = found
        (inner,) = query.clauses
        assert isinstance(inner, nodes.Messages)
        names = [n for p in nodes.clause_patterns(inner) for n in nodes.bound_names(p)]
        columns = columns_of(query.result, set(names))
        if inner.kind != self.messages.kind or columns is None or len(set(names)) != len(names):
            return None
        by: list[str] = []
        places: dict[str, str] = {}  # inner variable -> the outer one of the same place
        pairs = [
            (self.messages.message, inner.message),
            (self.messages.peer, inner.peer),
            (self.messages.stamp, inner.stamp),
        ]
        alike = all(self._covers(outer, own, by, places) for outer, own in pairs)
        if not alike or [places.get(column) for column in columns] != of:
            return None
        return Top(HIGHEST if kind == GREATEST else LOWEST, of, by)

    def _covers(
        self,
        outer: nodes.Pattern | None,
        inner: nodes.Pattern | None,
        by: list[str],
        places: dict[str, str],
    ) -> bool:
        """Whether the inner pattern takes all that the outer one takes, and agrees in `by`."""
        match inner, outer:
            case ((None | nodes.AnyPattern()), _):
                return True
            case nodes.BindPattern(name=name), _:
                if isinstance(outer, nodes.BindPattern):
                    places[name] = outer.name
                return True
            case nodes.ValuePattern(value=ast.Name(id=name)), nodes.BindPattern(name=other):
                by.append(name)
                return name == other
            case nodes.ValuePattern(value=value), nodes.ValuePattern(value=other):
                own = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
                return not own & self.bound and ast.dump(value) == ast.dump(other)
            case (
                nodes.SequencePattern(kind=kind, elements=parts),
                nodes.SequencePattern(kind=other, elements=others),
            ):
                stars = [p for p in (*parts, *others) if isinstance(p, nodes.StarPattern)]
                if kind != other or len(parts) != len(others) or stars:
                    return False
                pairs = zip(others, parts, strict=True)
                return all(self._covers(one, own, by, places) for one, own in pairs)
        return False

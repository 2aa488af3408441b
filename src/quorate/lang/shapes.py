"""What is known of a message or a pattern before the program runs.

A shape stands for every value that it may turn out to be. Invariant: `may_match` says False only
when no value of the one can match the other, whatever happens while running.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Literal

from quorate.lang import nodes

Plain = str | bytes | bool | int | float | complex | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Any value."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """This one value, or what equals it."""

    value: Plain


@dataclass(frozen=True, slots=True)
class Sequence:
    """A tuple or list; with `rest`, anything of any length between `before` and `after`."""

    kind: Literal["tuple", "list"]
    before: tuple[Shape, ...]
    rest: bool = False
    after: tuple[Shape, ...] = ()

    @property
    def least(self) -> int:
        """The number of elements that it has at least; without `rest`, the number."""
        return len(self.before) + len(self.after)


Shape = Unknown | Scalar | Sequence
UNKNOWN = Unknown()


def of_value(node: ast.expr) -> list[Shape]:
    """The shapes that the value of an expression may have: one, or one for each alternative."""
    match node:
        case ast.Constant(value=value) if value is not ...:
            return [Scalar(value)]
        case ast.IfExp(body=body, orelse=orelse):
            return [*of_value(body), *of_value(orelse)]
        case ast.Tuple(elts=elements):
            return [_display("tuple", elements)]
        case ast.List(elts=elements):
            return [_display("list", elements)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [_joined(_one(of_value(left)), _one(of_value(right)))]
        case _:
            return [UNKNOWN]


def _display(kind: Literal["tuple", "list"], elements: list[ast.expr]) -> Sequence:
    stars = [at for at, element in enumerate(elements) if isinstance(element, ast.Starred)]
    parts = tuple(_one(of_value(element)) for element in elements)
    if not stars:
        return Sequence(kind, parts)
    return Sequence(kind, parts[: stars[0]], True, parts[stars[-1] + 1 :])


def _joined(left: Shape, right: Shape) -> Shape:
    """The shape of `left + right`, where one of them is a tuple or list."""
    match left, right:
        case Sequence(kind=one), Sequence(kind=two) if one == two:
            if left.rest or right.rest:
                return Sequence(one, _front(left), True, _back(right))
            return Sequence(one, _front(left) + _front(right))
        case Sequence(kind=kind), Unknown():
            return Sequence(kind, _front(left), True)
        case Unknown(), Sequence(kind=kind):
            return Sequence(kind, (), True, _back(right))
        case _:
            return UNKNOWN


def _one(shapes: list[Shape]) -> Shape:
    return shapes[0] if len(shapes) == 1 else UNKNOWN


def of_pattern(pattern: nodes.Pattern) -> Shape:
    """The shape of what a pattern matches."""
    match pattern:
        case nodes.ValuePattern(value=ast.Constant(value=value)) if value is not ...:
            return Scalar(value)
        case nodes.SequencePattern(kind=kind, elements=elements):
            stars = (at for at, e in enumerate(elements) if isinstance(e, nodes.StarPattern))
            parts = tuple(of_pattern(element) for element in elements)
            at = next(stars, None)
            if at is None:
                return Sequence(kind, parts)
            return Sequence(kind, parts[:at], True, parts[at + 1 :])
        case _:
            return UNKNOWN


def may_match(one: Shape, two: Shape) -> bool:
    """Whether a value of the one shape may match the other."""
    match one, two:
        case (Unknown(), _) | (_, Unknown()):
            return True
        case Scalar(), Scalar():
            return one.value == two.value
        case Sequence(), Sequence():
            return _sequences_may_match(one, two)
        case _:
            return False


def _sequences_may_match(one: Sequence, two: Sequence) -> bool:
    if one.kind != two.kind:
        return False
    if not one.rest and not two.rest:
        return one.least == two.least and all(map(may_match, _front(one), _front(two)))
    if (not one.rest and one.least < two.least) or (not two.rest and two.least < one.least):
        return False
    front = zip(_front(one), _front(two), strict=False)
    back = zip(reversed(_back(one)), reversed(_back(two)), strict=False)
    return all(may_match(first, second) for first, second in (*front, *back))


def _front(sequence: Sequence) -> tuple[Shape, ...]:
    """The elements whose place from the front is known."""
    return sequence.before if sequence.rest else sequence.before + sequence.after


def _back(sequence: Sequence) -> tuple[Shape, ...]:
    """The elements whose place from the end is known."""
    return sequence.after if sequence.rest else sequence.before + sequence.after


def tag(shape: Shape) -> str | None:
    """The string that a message begins with, or is: what papers call its type."""
    first = shape.before[0] if isinstance(shape, Sequence) and shape.before else shape
    return first.value if isinstance(first, Scalar) and isinstance(first.value, str) else None

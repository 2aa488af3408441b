"""The nodes of a method that is cut into blocks, and what must always hold of them.

A Routine takes the place of a suspendable FunctionDef. Invariant, which `check` asserts: names of
blocks are unique, every path through a block ends in exactly one terminator (or raises), and a
terminator leads to blocks of the same routine.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import ClassVar

from quorate.lang.nodes import PLACE, Scope


class Block(ast.AST):
    """Statements that run without interruption."""

    _fields = ("body",)
    _attributes = PLACE

    name: str
    body: list[ast.stmt]


class Routine(ast.stmt):
    """A method as blocks, the first of them `start`.

    `on_error`: block -> the block where an exception raised in it is handled. `handling`: block of
    an `except` or `finally` -> the variables that hold what it handles, innermost first. `waits`:
    block where the process stands while it waits -> (line, source text of what it waits for).
    `iterators`: the variables that hold those of loops.
    """

    _fields = ("args", "decorator_list", "blocks")

    name: str
    args: ast.arguments
    decorator_list: list[ast.expr]
    blocks: list[Block]
    on_error: dict[str, str]
    handling: dict[str, tuple[str, ...]]
    waits: dict[str, tuple[int, str]]
    iterators: tuple[str, ...]
    scope: Scope


# Terminators: how blocks end ------------------------------------------------------------------


class Terminator(ast.stmt):
    """The end of a path through a block; `next_names` are the attributes that name blocks."""

    _fields: ClassVar[tuple[str, ...]] = ()
    next_names: ClassVar[tuple[str, ...]] = ()


class Goto(Terminator):
    """Go on at `target`."""

    next_names = ("target",)

    target: str


class Pause(Terminator):
    """A yield point: take what is there, then go on at `then`."""

    next_names = ("then",)

    label: str | None
    then: str


class BeginAwait(Terminator):
    """Take what is there, then run block `test`, again after each message, until it leaves."""

    _fields = ("seconds",)
    next_names = ("test",)

    test: str
    label: str | None
    seconds: ast.expr | None


class Leave(Terminator):
    """The end of the await whose test block this is in; go on at `then`."""

    next_names = ("then",)

    then: str


class Waiting(Terminator):
    """No branch of the await holds."""


class CallThen(Terminator):
    """Make a call that may suspend, then go on at `then` with its value as Result()."""

    _fields = ("call",)
    next_names = ("then",)

    call: ast.Call
    then: str


class SleepThen(Terminator):
    """Go on at `then` after `seconds`, and take no message until then."""

    _fields = ("seconds",)
    next_names = ("then",)

    seconds: ast.expr
    then: str


class ReturnValue(Terminator):
    """The end of the call."""

    _fields = ("value",)

    value: ast.expr | None


# Expressions that only blocks have --------------------------------------------------------------


class Begin(ast.expr):
    """The frame of a call of a routine, for the machine to run."""

    _fields = ("call",)

    call: ast.Call


class Result(ast.expr):
    """The value of the last CallThen; good until the next."""

    _fields = ()


class Raised(ast.expr):
    """The exception that brought the routine to the block of an `on_error`."""

    _fields = ()


class Expired(ast.expr):
    """Whether the time of the await has run out."""

    _fields = ()


class Items(ast.expr):
    """An iterator over `iterable`, for a loop that crosses a yield point."""

    _fields = ("iterable",)

    iterable: ast.expr


class Exhausted(ast.expr):
    """Whether an iterator of Items has come to its end; else its next is Item()."""

    _fields = ("items",)

    items: ast.expr


class Item(ast.expr):
    """What the last Exhausted has found."""

    _fields = ()


# What holds of them -------------------------------------------------------------------------------


def ends(body: list[ast.stmt]) -> bool:
    """Whether no path leaves `body` at its end; a native loop or `with` counts as left."""
    if not body:
        return False
    match body[-1]:
        case Terminator() | ast.Raise():
            return True
        case ast.If(body=one, orelse=two):
            return ends(one) and ends(two)
        case ast.Match(cases=cases):
            return _is_exhaustive(cases) and all(ends(case.body) for case in cases)
        case ast.Try(body=one, handlers=handlers, orelse=orelse, finalbody=final):
            caught = all(ends(handler.body) for handler in handlers)
            return ends(final) or (caught and (ends(one) or ends(orelse)))
    return False


def _is_exhaustive(cases: list[ast.match_case]) -> bool:
    last = cases[-1]
    return last.guard is None and isinstance(last.pattern, ast.MatchAs) and not last.pattern.pattern


def terminators(node: ast.AST) -> Iterator[Terminator]:
    """All terminators of a block or statement, those of nested routines left out."""
    if isinstance(node, Terminator):
        yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, Routine):
            yield from terminators(child)


def successors(terminator: Terminator) -> list[str]:
    """The names of the blocks that a terminator leads to."""
    return [getattr(terminator, name) for name in terminator.next_names]


def check(routine: Routine) -> None:
    """Assert the invariant of this module for one routine."""
    names = [block.name for block in routine.blocks]
    known = set(names)
    assert names[0] == "start", names
    assert len(known) == len(names), f"two blocks of one name in {routine.name}: {names}"
    for block in routine.blocks:
        assert ends(block.body), f"{routine.name}: the end of block {block.name} is open"
        _check_nothing_follows(block.body, f"{routine.name}: {block.name}")
        for terminator in terminators(block):
            missing = set(successors(terminator)) - known
            assert not missing, f"{routine.name}: {block.name} leads to {missing}"
    assert set(routine.on_error) | set(routine.on_error.values()) <= known, routine.on_error
    assert set(routine.waits) | set(routine.handling) <= known, routine


def _check_nothing_follows(body: list[ast.stmt], where: str) -> None:
    for place, statement in enumerate(body):
        last = place == len(body) - 1
        assert last or not isinstance(statement, Terminator), f"{where}: after a terminator"
        for name in ("body", "orelse", "finalbody"):
            if isinstance(part := getattr(statement, name, None), list):
                _check_nothing_follows(part, where)

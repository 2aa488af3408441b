"""Asking which true branch of an await is taken, in programs that are compiled for that.

    if a: return frame.leave_(self, 'b1')       becomes     branches = core_.Branches(self, frame)
    if b: return frame.leave_(self, 'b2')                   if branches.taken(a): ...
    return core_.WAIT                                       if branches.taken(b, later=False): ...
                                                            branches.end(); return core_.WAIT

Invariant: where nobody answers, the first true branch is taken, as without.
"""

from __future__ import annotations

import ast
import copy
from typing import NamedTuple

from quorate.compiler import blocks
from quorate.compiler.names import assign, call, core, literal, load
from quorate.lang import nodes


class Tests(NamedTuple):
    """What there is to know of a block that tests an await, before it is written.

    `later` says of each branch which expression tells whether one after it can be true: constants,
    and Expired where only the time limit follows. `fields` and `names` are those of witnesses.
    """

    later: list[ast.expr]
    fields: list[str]
    names: list[str]


def tests_of(routine: blocks.Routine, block: blocks.Block) -> Tests | None:
    """None for a block that does not test an await, or one of a single branch."""
    tests = [branch.test for branch in map(_branch, block.body[:-1]) if branch is not None]
    if block.name not in routine.waits or len(tests) != len(block.body) - 1 or len(tests) < 2:
        return None
    later = [_later(tests[place + 1 :]) for place in range(len(tests))]
    queries = [n for test in tests for n in ast.walk(test) if isinstance(n, nodes.Query)]
    found = [target for query in queries for target in query.witness]
    fields = {target.name for target in found if isinstance(target, nodes.Field)}
    names = {target.id for target in found if isinstance(target, ast.Name)} & routine.scope.locals
    return Tests(later, sorted(fields), sorted(names))


def _branch(statement: ast.stmt) -> ast.If | None:
    match statement:
        case ast.If(body=[blocks.Leave()], orelse=[]):
            return statement
    return None


def _later(tests: list[ast.expr]) -> ast.expr:
    """Whether one of the branches with these tests may be true."""
    if all(isinstance(test, blocks.Expired) for test in tests):
        return copy.deepcopy(tests[0]) if tests else ast.Constant(False)
    return ast.Constant(True)


def asking(
    written: list[ast.stmt], later: list[ast.expr], branches: str, opening: ast.expr
) -> list[ast.stmt]:
    """The statements of such a block, which ask; they call what `opening` makes `branches`."""
    *tests, end = written
    for test, more in zip(tests, later, strict=True):
        assert isinstance(test, ast.If)
        taken = ast.Attribute(load(branches), "taken", ast.Load())
        surely = isinstance(more, ast.Constant) and more.value is True
        asked = call(taken, test.test, **({} if surely else {"later": more}))
        test.test = ast.copy_location(asked, test.test)
    first = ast.copy_location(assign(ast.Name(branches, ast.Store()), opening), tests[0])
    ended = ast.Expr(call(ast.Attribute(load(branches), "end", ast.Load())))
    return [first, *tests, ast.copy_location(ended, end), end]


def opened(process: ast.expr, frame: ast.expr, fields: list[str], names: list[str]) -> ast.expr:
    """`core_.Branches(self, frame, fields=('x',), names=('n',))`."""
    given = {"fields": fields, "names": names}
    told = {key: literal(tuple(each)) for key, each in given.items() if each}
    return call(core("Branches"), process, frame, **told)

"""When is an await to be tested again? What its branches read, where nothing else decides them.

    await(count > limit)    ->  reads = {'await_3': (('count', 'limit'), ())}

As long as these are the same values, which cannot change from inside, and no view has changed, a
message has changed nothing. Invariant: a test that is told of here has no effect but its answer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from quorate.compiler import blocks
from quorate.lang import nodes

Reads = tuple[tuple[str, ...], tuple[str, ...]]
"""(fields, variables of the method)"""

PLAIN = (
    *(ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.IfExp, ast.Constant, ast.Tuple),
    *(ast.Subscript, ast.Attribute, ast.Name),
    *(ast.boolop, ast.unaryop, ast.operator, ast.cmpop, ast.expr_context),
    *(nodes.Query, nodes.Domain, nodes.Messages, nodes.Pattern),
    *(nodes.Field, nodes.Self, blocks.Expired),
)
"""What is decided by what it is made of; a history marks the process itself when it changes."""
BUILTINS = frozenset({"abs", "len", "max", "min", "sum"})
"""Functions whose value is decided by what they are given."""


def reads_of(routine: blocks.Routine, given: set[str]) -> dict[str, Reads]:
    """Of each block that tests an await of which it is known: what it reads.

    `given` are the names that the program gives a value itself, so that `len` may not be Python's.
    """
    found = {block.name: _of_block(block, routine, given) for block in routine.blocks}
    return {name: reads for name, reads in found.items() if reads is not None}


def _of_block(block: blocks.Block, routine: blocks.Routine, given: set[str]) -> Reads | None:
    *branches, end = block.body
    if not isinstance(end, blocks.Waiting):
        return None
    parts = [part for branch in branches for part in _tested(branch, given)]
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    fields = {part.name for part in parts if isinstance(part, nodes.Field)}
    if not names <= routine.scope.locals or not all(isinstance(part, PLAIN) for part in parts):
        return None
    return tuple(sorted(fields)), tuple(sorted(names))


def can_never_end(body: list[ast.stmt]) -> bool:
    """Whether a block tests an await whose branches are all `False`: there is nothing to test."""
    *branches, end = body
    tests = [branch.test for branch in branches if isinstance(branch, ast.If)]
    never = all(isinstance(test, ast.Constant) and not test.value for test in tests)
    return isinstance(end, blocks.Waiting) and len(tests) == len(branches) and never


def _tested(branch: ast.stmt, given: set[str]) -> Iterator[ast.AST]:
    """The parts of the condition of a branch; the branch itself where it is no plain one."""
    match branch:
        case ast.If(test=test, body=[blocks.Leave()], orelse=[]):
            yield from _parts(test, frozenset(), given)
        case _:
            yield branch


def _parts(node: ast.AST, bound: frozenset[str], given: set[str]) -> Iterator[ast.AST]:
    """A condition's parts, without the variables that its queries bind themselves."""
    match node:
        case ast.Name(id=name) if name in bound:
            return
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if (
            name in BUILTINS and name not in given
        ):
            inside: Iterable[ast.AST] = args
        case nodes.Query(clauses=clauses):
            for clause in clauses:
                yield from _parts(clause, bound, given)
                patterns = nodes.clause_patterns(clause)
                bound |= {name for p in patterns for name in nodes.bound_names(p)}
            others = (node.result, node.condition, node.default)
            inside = [part for part in others if part is not None]
        case _:
            yield node
            inside = ast.iter_child_nodes(node)
    for part in inside:
        yield from _parts(part, bound, given)

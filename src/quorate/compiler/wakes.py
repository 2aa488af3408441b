"""When is an await to be tested again? What its branches read, where nothing else decides them.

    await(count > limit)        ->  reads = {'await_3': (('count', 'limit'), ())}
    count += 1, in a handler    ->  self.stale_ = True; self.count += 1

A process is tested again only after a statement so marked, where its await reads nothing that can
change from inside. Invariant: every statement that gives a field that an await reads a value is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from quorate.compiler import blocks
from quorate.compiler.names import module_identifiers
from quorate.lang import nodes
from quorate.lang.nodes import ClassInfo, Program

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


def watched_fields(program: Program) -> set[str]:
    """The fields that awaits read, in `program` and in every module that it is made of."""
    return {
        node.name
        for module in program.whole()
        for wait in ast.walk(module.tree)
        if isinstance(wait, nodes.Await)
        for branch in wait.branches
        for node in ast.walk(branch.test)
        if isinstance(node, nodes.Field)
    }


class Wakes:
    """What is known of the awaits of one program, whose tree is still whole."""

    def __init__(self, program: Program) -> None:
        self.watched = watched_fields(program)
        self._given = module_identifiers(program.tree)[1]
        self._elsewhere = {
            id(info): watched_fields(module)
            for module in program.whole()
            for info in module.classes.values()
        }

    def reads(self, routine: blocks.Routine, info: ClassInfo | None) -> dict[str, Reads]:
        """Of each block that tests an await of which it is known: what it reads."""
        if info is None or any(map(_may_assign, _inside(routine))):
            return {}
        found = {block.name: self._of_block(block, routine, info) for block in routine.blocks}
        return {name: reads for name, reads in found.items() if reads is not None}

    def _of_block(
        self, block: blocks.Block, routine: blocks.Routine, info: ClassInfo
    ) -> Reads | None:
        *branches, end = block.body
        if not isinstance(end, blocks.Waiting):
            return None
        parts = [part for branch in branches for part in self._tested(branch)]
        names = {part.id for part in parts if isinstance(part, ast.Name)}
        fields = {part.name for part in parts if isinstance(part, nodes.Field)}
        known = all(isinstance(part, PLAIN) for part in parts)
        if not known or not names <= routine.scope.locals or not self._marked(fields, info):
            return None
        return tuple(sorted(fields)), tuple(sorted(names))

    def _marked(self, fields: set[str], info: ClassInfo) -> bool:
        """Whether every class that `info` is made of marks what gives `fields` a value."""
        return not info.open and all(
            fields & base.fields <= self._elsewhere.get(id(base), set())
            and self._marked(fields, base)
            for base in info.bases
        )

    def _tested(self, branch: ast.stmt) -> Iterator[ast.AST]:
        """The parts of the condition of a branch; the branch itself where it is no plain one."""
        match branch:
            case ast.If(test=test, body=[blocks.Leave()], orelse=[]):
                yield from self._parts(test, frozenset())
            case _:
                yield branch

    def _parts(self, node: ast.AST, bound: frozenset[str]) -> Iterator[ast.AST]:
        """A condition's parts, without the variables that its queries bind themselves."""
        match node:
            case ast.Name(id=name) if name in bound:
                return
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if (
                name in BUILTINS and name not in self._given
            ):
                inside: Iterable[ast.AST] = args
            case nodes.Query(clauses=clauses):
                for clause in clauses:
                    yield from self._parts(clause, bound)
                    patterns = nodes.clause_patterns(clause)
                    bound |= {name for p in patterns for name in nodes.bound_names(p)}
                others = (node.result, node.condition, node.default)
                inside = [part for part in others if part is not None]
            case _:
                yield node
                inside = ast.iter_child_nodes(node)
        for part in inside:
            yield from self._parts(part, bound)


def _inside(routine: blocks.Routine) -> Iterator[ast.AST]:
    return (node for node in ast.walk(routine) if node is not routine)


def _may_assign(node: ast.AST) -> bool:
    """Whether a variable of the method around may be given a value from inside, at any time."""
    return isinstance(node, (ast.FunctionDef, ast.Lambda, blocks.Routine))

"""The blocks of one routine while they are made: where code goes next, and what surrounds it.

Invariant: `out` is the list that the next statement belongs to; once `live` is false nothing can
reach it and nothing is added. A block belongs to the `region`, the block that handles what is
raised, in which it was named.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from quorate.compiler.blocks import Block, Goto, ReturnValue, Terminator, ends, successors
from quorate.lang import nodes
from quorate.lang.nodes import Scope, make
from quorate.lang.source import Source

# What is left on the way out of a method, innermost last ------------------------------------------


@dataclass
class Loop:
    """A loop that is made of blocks: where `continue` and `break` go.

    `items` is the variable that holds its iterator, which is let go where the loop is left.
    """

    head: str
    after: str
    items: str | None = None


@dataclass
class Guard:
    """A `finally` or a `with`: whatever leaves it goes to `entry` first.

    Variable `pending` says what is to be done after it: 'next', 'raise', 'return', 'break' or
    'continue'; `value` holds what is to be returned. `kinds` are those that occur.
    """

    entry: str
    raised: str
    pending: str
    value: str
    error: str
    kinds: list[str] = field(default_factory=list)


@dataclass
class Handling:
    """The body of an `except`: the variable that holds the exception, and its name in `as`.

    `error` is None where Python's own `except` is around.
    """

    error: str | None = None
    target: ast.expr | None = None


Exit = Loop | Guard | Handling


class Builder:
    """Blocks, temporary variables and ways out."""

    def __init__(
        self, scope: Scope, taken: set[str], source: Source, changing: frozenset[str]
    ) -> None:
        self.scope = scope
        self.taken = taken  # names that temporaries must not have
        self.source = source
        self.changing = changing  # variables of the module
        self.blocks: list[Block] = []
        self.on_error: dict[str, str] = {}
        self.handling: dict[str, tuple[str, ...]] = {}
        self.handled: tuple[str, ...] = ()  # here: the variables that hold what is handled
        self.waits: dict[str, tuple[int, str]] = {}
        self.globals: set[str] = set()
        self.nonlocals: set[str] = set()
        self.exits: list[Exit] = []
        self.iterators: list[str] = []  # the variables that hold those of loops, so far
        self.region: str | None = None
        self.reached = {"start"}
        self.out: list[ast.stmt] = []
        self.live = False
        self.at: ast.AST = ast.Pass()  # the statement being cut: whose place new nodes get
        self._block_names = {"start", "call", "on_error", "waits"}

    # Blocks.

    def block(self, hint: str, at: ast.AST) -> Block:
        """A new block, not yet begun, in the region of now."""
        name = _unused(f"{hint}_{getattr(at, 'lineno', 0)}", self._block_names)
        if self.region is not None:
            self.on_error[name] = self.region
        if self.handled:
            self.handling[name] = self.handled
        return make(Block, at, name=name, body=[])

    def begin(self, block: Block) -> None:
        """From here on code goes to `block`, if anything leads there."""
        self.out = block.body
        self.live = block.name in self.reached
        if self.live:
            self.blocks.append(block)

    def into(self, body: list[ast.stmt]) -> None:
        """From here on code goes to `body`, a part of the block that was live last."""
        self.out = body
        self.live = True

    def add(self, *statements: ast.stmt) -> None:
        """Statements that stay whole; they may end the block."""
        if not self.live:
            return
        self.out.extend(s for s in statements if not isinstance(s, ast.Pass))
        self.live = not ends(self.out)

    def end(self, kind: type[Terminator], **parts: Any) -> None:
        """The end of this path through the block."""
        if self.live:
            self.add(self.terminator(kind, **parts))

    def terminator(self, kind: type[Terminator], **parts: Any) -> Terminator:
        made = make(kind, self.at, **parts)
        self.reached.update(successors(made))
        return made

    def goto(self, block: Block) -> None:
        self.end(Goto, target=block.name)

    def jump(self, block: Block) -> Terminator:
        return self.terminator(Goto, target=block.name)

    def unless(self, test: ast.expr, block: Block) -> None:
        """Go to `block` if `test` does not hold."""
        self.when(self.negated(test), block)

    def when(self, test: ast.expr, block: Block) -> None:
        """Go to `block` if `test` holds."""
        self.add(make(ast.If, self.at, test=test, body=[self.jump(block)], orelse=[]))

    # Variables.

    def fresh(self, hint: str, at: ast.AST) -> str:
        """The name of a new variable of the routine."""
        name = _unused(f"{hint}_{getattr(at, 'lineno', 0)}", self.taken)
        self.scope.locals.add(name)
        return name

    def read(self, name: str) -> ast.Name:
        return make(ast.Name, self.at, id=name, ctx=ast.Load())

    def target(self, name: str, ctx: ast.expr_context) -> ast.expr:
        """`name` as the resolver would have it: a field, unless a function around has it."""
        scope: Scope | None = self.scope
        while scope is not None:
            if name in scope.locals:
                return make(ast.Name, self.at, id=name, ctx=ctx)
            scope = scope.parent
        if self.scope.owner is not None and name in self.scope.owner.fields:
            return make(nodes.Field, self.at, name=name, ctx=ctx)
        return make(ast.Name, self.at, id=name, ctx=ctx)

    def set(self, name: str, value: ast.expr) -> ast.stmt:
        """`name = value`."""
        target = make(ast.Name, self.at, id=name, ctx=ast.Store())
        return make(ast.Assign, self.at, targets=[target], value=value)

    def keep(self, hint: str, value: ast.expr) -> ast.Name:
        """`value` in a new variable."""
        name = self.fresh(hint, self.at)
        self.add(self.set(name, value))
        return self.read(name)

    # Small expressions.

    def constant(self, value: Any) -> ast.expr:
        return make(ast.Constant, self.at, value=value)

    def negated(self, test: ast.expr) -> ast.expr:
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return test.operand
        return make(ast.UnaryOp, test, op=ast.Not(), operand=test)

    def method(self, value: ast.expr, name: str, *args: ast.expr) -> ast.expr:
        """`value.name(*args)`, which does not suspend."""
        func = make(ast.Attribute, self.at, value=value, attr=name, ctx=ast.Load())
        return make(ast.Call, self.at, func=func, args=list(args), keywords=[])

    def do(self, value: ast.expr) -> None:
        self.add(make(ast.Expr, self.at, value=value))

    # Ways out.

    def leaving(self, kind: str, value: ast.expr | None = None) -> list[ast.stmt]:
        """What `return value`, `break`, `continue` or, with 'next', the end of a guard becomes."""
        guard, passed = self._way_out(kind)
        if kind == "return" and guard is None:
            return [self.terminator(ReturnValue, value=value)]
        done: list[ast.stmt] = []
        if kind == "return" and isinstance(guard, Guard):
            done.append(self.set(guard.value, value or self.constant(None)))
        for each in passed:
            done += self.forget(each)
        if kind == "break" and isinstance(guard, Loop):
            done += self.forget(guard)
        if isinstance(guard, Guard):
            guard.kinds += [kind] if kind not in guard.kinds else []
            done.append(self.set(guard.pending, self.constant(kind)))
            return [*done, self.terminator(Goto, target=guard.entry)]
        assert isinstance(guard, Loop), f"{kind} outside of a loop"
        target = guard.after if kind == "break" else guard.head
        return [*done, self.terminator(Goto, target=target)]

    def _way_out(self, kind: str) -> tuple[Guard | Loop | None, list[Handling | Loop]]:
        """Where `kind` leads first, and what is left on the way."""
        passed: list[Handling | Loop] = []
        for each in reversed(self.exits):
            if isinstance(each, Guard):
                return each, passed
            if isinstance(each, Loop) and kind in ("break", "continue"):
                return each, passed
            passed.append(each)
        return None, passed

    def leave(self, kind: str, value: ast.expr | None = None) -> None:
        if self.live:
            self.add(*self.leaving(kind, value))

    def let_go(self, iterators: list[str]) -> None:
        """Those of loops that an exception has left, the innermost first."""
        self.add(*(self.set(name, self.constant(None)) for name in reversed(iterators)))

    def forget(self, left: Handling | Loop) -> list[ast.stmt]:
        """The end of an `except`: its name is unbound, the exception not kept. Or of a loop."""
        kept = left.items if isinstance(left, Loop) else left.error
        if kept is None:
            return []
        done = [self.set(kept, self.constant(None))]
        if isinstance(left, Handling) and left.target is not None:
            gone = copy.copy(left.target)
            gone.ctx = ast.Del()  # type: ignore[attr-defined]
            done += [
                make(ast.Assign, self.at, targets=[left.target], value=self.constant(None)),
                make(ast.Delete, self.at, targets=[gone]),
            ]
        return done

    # For the classes that build on this one.

    def statements(self, body: Iterable[ast.stmt]) -> None:
        """Cut statements, one after the other."""
        raise NotImplementedError

    def whole(self, statement: ast.stmt) -> None:
        """Add a statement that does not suspend."""
        raise NotImplementedError

    def routine(self, function: ast.FunctionDef) -> ast.stmt:
        """The Routine of a suspendable function in this one."""
        raise NotImplementedError

    def expression(self, value: ast.expr) -> ast.expr:
        """What to evaluate next in place of `value`; what suspends in it has been cut."""
        raise NotImplementedError

    def assign(self, target: ast.expr, value: ast.expr) -> None:
        """`target = value`, where `target` may suspend and `value` does not."""
        raise NotImplementedError


def _unused(name: str, taken: set[str]) -> str:
    """`name`, with a number if it is taken; it is taken then."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found

"""`try` and `with` around what suspends.

    try: -- l         try_3:     ...; pending_5 = 'next'; go to finally_5
    finally: ...      raised_5:  error_5 = raised; pending_5 = 'raise'; go to finally_5
                      finally_5: ...; if pending_5 == 'raise': raise error_5

The body of a `finally` stands once; `pending` says what is to be done after it. An exception
finds its `except` by Python's own, in a `try` that raises it again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager

from quorate.compiler.blocks import Block, Raised
from quorate.compiler.flow.builder import Builder, Guard, Handling
from quorate.compiler.suspend import suspends
from quorate.lang.nodes import make


class Protection(Builder):
    """Cuts `try` and `with`."""

    def cut_Try(self, node: ast.Try) -> None:
        after = self.block("after", node)
        outside, begun = self.region, len(self.iterators)
        guard, entry, raised = None, None, None
        if node.finalbody:
            guard, entry, raised = self._begin_guard("finally", node.finalbody[0])
            self.add(self.set(guard.error, self.constant(None)))
        if node.handlers:
            self._with_handlers(node, after, guard)
        else:
            self._protected(node.body, "try", node)
            self._done(after, guard)
        if guard is not None and entry is not None and raised is not None:
            self.exits.pop()
            self.region = outside
            self.begin(raised)
            self.let_go(self.iterators[begun:])
            self.add(self.set(guard.error, make(Raised, self.at)))
            self.add(self.set(guard.pending, self.constant("raise")))
            self.goto(entry)
            with self._handling(guard.error, entry):
                self.begin(entry)
                self.statements(node.finalbody)
            self._after_guard(guard, after, ["raise"])
        self.begin(after)

    @contextmanager
    def _handling(self, error: str, first: Block) -> Iterator[None]:
        """What is cut here, from block `first` on, handles the exception in a variable."""
        was, self.handled = self.handled, (error, *self.handled)
        self.handling[first.name] = self.handled
        yield
        self.handled = was

    def _begin_guard(self, hint: str, at: ast.AST) -> tuple[Guard, Block, Block]:
        """From here on everything passes the guard; what is raised goes to the second block."""
        entry, raised = self.block(hint, at), self.block("raised", at)
        pending, value = self.fresh("pending", at), self.fresh("returned", at)
        guard = Guard(entry.name, raised.name, pending, value, self.fresh("error", at))
        self.exits.append(guard)
        self.region = raised.name
        self.reached.add(raised.name)
        return guard, entry, raised

    def _protected(self, body: list[ast.stmt], hint: str, at: ast.AST) -> None:
        """`body` in a block of its own, so that only what is raised in it is handled."""
        block = self.block(hint, at)
        self.goto(block)
        self.begin(block)
        self.statements(body)

    def _done(self, after: Block, guard: Guard | None) -> None:
        """The regular end of what is protected."""
        if guard is not None:
            self.leave("next")
        else:
            self.goto(after)

    def _after_guard(self, guard: Guard, after: Block, kinds: list[str]) -> None:
        """What was to be done when the guard came between."""
        if not self.live:
            return
        kinds = [*kinds, *(k for k in guard.kinds if k != "next")]
        kinds += ["next"] if "next" in guard.kinds else []
        for place, kind in enumerate(kinds):
            if place == len(kinds) - 1:
                self.add(*self._pending(kind, guard, after))
                return
            pending = self.read(guard.pending)
            wanted = [self.constant(kind)]
            test = make(ast.Compare, self.at, left=pending, ops=[ast.Eq()], comparators=wanted)
            body = self._pending(kind, guard, after)
            self.add(make(ast.If, self.at, test=test, body=body, orelse=[]))

    def _pending(self, kind: str, guard: Guard, after: Block) -> list[ast.stmt]:
        if kind == "raise":
            return [make(ast.Raise, self.at, exc=self.read(guard.error), cause=None)]
        if kind == "return":
            return self.leaving("return", self.read(guard.value))
        if kind == "next":
            return [self.jump(after)]
        return self.leaving(kind)

    # Except.

    def _with_handlers(self, node: ast.Try, after: Block, guard: Guard | None) -> None:
        catch = self.block("catch", node.handlers[0])
        was, self.region = self.region, catch.name
        self.reached.add(catch.name)
        begun = len(self.iterators)
        self._protected(node.body, "try", node)
        inside = self.iterators[begun:]
        self.region = was
        if node.orelse:
            self._protected(node.orelse, "else", node.orelse[0])
        self._done(after, guard)
        self.begin(catch)
        self.let_go(inside)
        again = make(ast.Raise, node, exc=make(Raised, node), cause=None)
        native = make(ast.Try, node, body=[again], handlers=node.handlers, orelse=[], finalbody=[])
        self.add(native)
        later = [self._catch(handler, after, guard) for handler in node.handlers]
        for found in later:
            if found is not None:
                self._handle(*found, after, guard)

    def _catch(
        self, handler: ast.ExceptHandler, after: Block, guard: Guard | None
    ) -> tuple[Block, list[ast.stmt], Handling] | None:
        """Put the body where it is caught if it does not suspend; else it becomes blocks later."""
        body, handler.body = handler.body, []
        self.at = handler
        if not any(map(suspends, body)):
            self.into(handler.body)
            self.exits.append(Handling())
            self.statements(body)
            self.exits.pop()
            self._done(after, guard)
            return None
        block = self.block("except", handler)
        handling = Handling(self.fresh("error", handler))
        assert handling.error is not None
        self.into(handler.body)
        self.add(self.set(handling.error, make(Raised, handler)))
        if handler.name is not None:
            handling.target = self.target(handler.name, ast.Store())
            value = self.read(handling.error)
            self.add(make(ast.Assign, handler, targets=[handling.target], value=value))
            handler.name = None
        self.goto(block)
        return block, body, handling

    def _handle(
        self,
        block: Block,
        body: list[ast.stmt],
        handling: Handling,
        after: Block,
        guard: Guard | None,
    ) -> None:
        assert handling.error is not None
        with self._handling(handling.error, block):
            self.begin(block)
            self.exits.append(handling)
            self.statements(body)
            self.exits.pop()
        self.add(*self.forget(handling))
        self._done(after, guard)

    # With.

    def cut_With(self, node: ast.With) -> None:
        if len(node.items) > 1:
            inner = make(ast.With, node, items=node.items[1:], body=node.body, type_comment=None)
            node.items, node.body = node.items[:1], [inner]
        [item] = node.items
        item.context_expr = self.expression(item.context_expr)
        if not suspends(node):
            self.whole(node)
            return
        after = self.block("after", node)
        outside = self.region
        manager = self.keep("manager", item.context_expr)
        entered = self.method(manager, "__enter__")
        variable = item.optional_vars
        if variable is None or isinstance(variable, ast.Name):
            targets = [variable] if variable is not None else []
            self.add(
                make(ast.Assign, node, targets=targets, value=entered)
                if targets
                else make(ast.Expr, node, value=entered)
            )
        else:
            entered = self.keep("entered", entered)
        guard, entry, raised = self._begin_guard("exit", node)
        begun = len(self.iterators)
        block = self.block("with", node)
        self.goto(block)
        self.begin(block)
        if variable is not None and not isinstance(variable, ast.Name):
            self.assign(variable, entered)
        self.statements(node.body)
        self.leave("next")
        self.at = node
        self.exits.pop()
        self.region = outside
        self.begin(raised)
        self.let_go(self.iterators[begun:])
        self._exit_blocks(guard, entry, manager.id, after)

    def _exit_blocks(self, guard: Guard, entry: Block, manager: str, after: Block) -> None:
        """`__exit__`, after an exception, which is where code goes now, and without one."""
        error = make(Raised, self.at)
        parts = [
            make(ast.Attribute, self.at, value=error, attr=name, ctx=ast.Load())
            for name in ("__class__", "__traceback__")
        ]
        suppressed = self.method(self.read(manager), "__exit__", parts[0], error, parts[1])
        again = make(ast.Raise, self.at, exc=error, cause=None)
        self.add(make(ast.If, self.at, test=self.negated(suppressed), body=[again], orelse=[]))
        self.goto(after)
        self.begin(entry)
        nothing = [self.constant(None) for _ in range(3)]
        self.do(self.method(self.read(manager), "__exit__", *nothing))
        self._after_guard(guard, after, [])
        self.begin(after)

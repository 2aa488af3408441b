"""Expressions that suspend: cut in Python's order of evaluation.

    total + ask(p) * 2        value_7 = total; call ask(p); then: value_7 + result * 2

What is evaluated before such a call is kept in a variable; `and`, `or`, `if`-`else`, chains of
comparisons and comprehensions become control flow. Invariant: `expression` answers something
that does not suspend, to be evaluated once, next.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from quorate.compiler import blocks
from quorate.compiler.blocks import CallThen, Result, SleepThen
from quorate.compiler.flow.builder import Builder
from quorate.compiler.flow.rename import Renamer
from quorate.compiler.suspend import suspends
from quorate.lang import nodes
from quorate.lang.nodes import Scope, make
from quorate.lang.scopes import target_names


@dataclass
class Slot:
    """A place in the tree that holds an operand; with `mapping`, it is unpacked by `**`."""

    holder: Any
    key: str | int
    mapping: bool = False

    @property
    def value(self) -> ast.expr:
        held = (
            self.holder[self.key] if isinstance(self.key, int) else getattr(self.holder, self.key)
        )
        assert isinstance(held, ast.expr)
        return held

    @value.setter
    def value(self, value: ast.expr) -> None:
        if isinstance(self.key, int):
            self.holder[self.key] = value
        else:
            setattr(self.holder, self.key, value)


def slots(node: ast.AST) -> Iterator[Slot]:
    """The operands of an expression, in the order Python evaluates them."""
    match node:
        case ast.Call(func=ast.Attribute() as func):
            yield Slot(func, "value")  # the method is looked up when it is called
            yield from _arguments(node)
        case ast.Call():
            yield Slot(node, "func")
            yield from _arguments(node)
        case nodes.Word():
            yield from _arguments(node)
        case ast.Dict(keys=keys, values=values):
            for place, key in enumerate(keys):
                if key is not None:
                    yield Slot(keys, place)
                yield Slot(values, place, mapping=key is None)
        case ast.Subscript(slice=ast.Slice() as bounds):
            yield Slot(node, "value")
            yield from slots(bounds)
        case ast.Subscript(slice=ast.Tuple(elts=parts)):
            yield Slot(node, "value")
            for place, part in enumerate(parts):
                yield from slots(part) if isinstance(part, ast.Slice) else [Slot(parts, place)]
        case ast.NamedExpr():
            yield Slot(node, "value")
        case _:
            yield from _fields(node)


def _arguments(call: ast.AST) -> Iterator[Slot]:
    args: list[ast.expr] = call.args  # type: ignore[attr-defined]
    keywords: list[ast.keyword] = call.keywords  # type: ignore[attr-defined]
    yield from (Slot(args, place) for place in range(len(args)))
    yield from (Slot(keyword, "value", mapping=keyword.arg is None) for keyword in keywords)


def _fields(node: ast.AST) -> Iterator[Slot]:
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.expr):
            yield Slot(node, name)
        elif isinstance(value, list):
            yield from (
                Slot(value, i) for i, part in enumerate(value) if isinstance(part, ast.expr)
            )


class Expressions(Builder):
    """Cuts expressions."""

    shared: frozenset[str] = frozenset()
    """Variables of the routine that a nested function may assign."""

    def expression(self, value: ast.expr) -> ast.expr:
        if not suspends(value):
            return value
        cut: Callable[[Any], ast.expr] | None = getattr(self, f"cut_{type(value).__name__}", None)
        if cut is not None:
            return cut(value)
        self.operands(list(slots(value)))
        return value

    def operands(self, places: list[Slot]) -> None:
        """Cut what suspends in operands, keeping the values of those before it."""
        last = max((i for i, slot in enumerate(places) if suspends(slot.value)), default=-1)
        for i, slot in enumerate(places[: last + 1]):
            value = self.expression(slot.value)
            later = places[i + 1 :]
            slot.value = self.spilled(value, slot, later) if i < last else value

    # Keeping values.

    def spilled(self, value: ast.expr, slot: Slot | None, later: list[Slot]) -> ast.expr:
        """The value of `value` now, to be used after what is in `later` has been evaluated."""
        if slot is not None and slot.mapping:
            return self.keep("value", make(ast.Dict, value, keys=[None], values=[value]))
        if isinstance(value, ast.Starred):
            kept = self.keep("value", make(ast.List, value, elts=[value], ctx=ast.Load()))
            return make(ast.Starred, value, value=kept, ctx=ast.Load())
        if isinstance(value, ast.FormattedValue):
            kept = self.keep("value", make(ast.JoinedStr, value, values=[value]))
            return make(ast.FormattedValue, value, value=kept, conversion=-1, format_spec=None)
        return value if self.is_stable(value, later) else self.keep("value", value)

    def is_stable(self, value: ast.expr, later: list[Slot]) -> bool:
        """Whether nothing that happens meanwhile can change what `value` is."""
        match value:
            case ast.Constant() | nodes.Self():
                return True
            case ast.Call(func=ast.Name(id="super")):
                return True
            case ast.Name(id=name):
                given = {n for slot in later for n in _given_names(slot.value)}
                return name not in self.shared | given and self._is_constant(name)
        return False

    def _is_constant(self, name: str) -> bool:
        """Whether no other function can give `name` a value: neither around this one, nor of the
        module."""
        scope: Scope | None = self.scope
        while scope is not None:
            if name in scope.locals:
                return scope is self.scope
            scope = None if name in scope.globals else scope.parent
        return name not in self.changing

    # Calls and sleeps.

    def cut_Call(self, value: ast.Call) -> ast.expr:
        self.operands(list(slots(value)))
        if not getattr(value, "may_suspend", False):
            return value
        after = self.block("after", value)
        self.end(CallThen, call=value, then=after.name)
        self.begin(after)
        return make(Result, value)

    def cut_Sleep(self, value: nodes.Sleep) -> ast.expr:
        seconds = self.expression(value.seconds)
        after = self.block("after", value)
        self.waits[after.name] = (value.lineno, self.source.phrase(value))
        self.end(SleepThen, seconds=seconds, then=after.name)
        self.begin(after)
        return self.constant(None)

    def cut_Lambda(self, value: ast.Lambda) -> ast.expr:
        """A function before the statement; its defaults are evaluated where it stands."""
        name = self.fresh("lambda", value)
        answer = make(ast.Return, value.body, value=value.body)
        parts = {"name": name, "args": value.args, "body": [answer], "decorator_list": []}
        scope = value.scope  # type: ignore[attr-defined]
        self.add(self.routine(make(ast.FunctionDef, value, **parts, scope=scope)))
        return self.read(name)

    # What evaluates only some of its parts.

    def cut_BoolOp(self, value: ast.BoolOp) -> ast.expr:
        places = [i for i, part in enumerate(value.values) if suspends(part)]
        first, last = places[0], places[-1]
        if last == 0:
            value.values[0] = self.expression(value.values[0])
            return value
        stop = self.unless if isinstance(value.op, ast.And) else self.when
        name = self.fresh("value", value)
        join = self.block("then", value)
        parts = [_joined(value, value.values[:first])] if first > 0 else []
        parts += value.values[first:last]
        for part in parts:
            self.add(self.set(name, self.expression(part)))
            stop(self.read(name), join)
        end = self.expression(value.values[last])
        self.add(self.set(name, _joined(value, [end, *value.values[last + 1 :]])))
        self.goto(join)
        self.begin(join)
        return self.read(name)

    def cut_IfExp(self, value: ast.IfExp) -> ast.expr:
        value.test = self.expression(value.test)
        if not (suspends(value.body) or suspends(value.orelse)):
            return value
        name = self.fresh("value", value)
        join = self.block("then", value)
        choice = make(ast.If, value, test=value.test, body=[], orelse=[])
        self.add(choice)
        for body, part in ((choice.body, value.body), (choice.orelse, value.orelse)):
            self.into(body)
            self.add(self.set(name, self.expression(part)))
            self.goto(join)
        self.begin(join)
        return self.read(name)

    def cut_Compare(self, value: ast.Compare) -> ast.expr:
        operands = [Slot(value, "left")]
        operands += [Slot(value.comparators, i) for i in range(len(value.comparators))]
        last = max(i for i, slot in enumerate(operands) if suspends(slot.value))
        if last <= 1:
            self.operands(operands[:2])
            return value
        name = self.fresh("value", value)
        join = self.block("then", value)
        left = self.spilled(self.expression(value.left), None, operands[1:])
        for i, (op, right) in enumerate(zip(value.ops, value.comparators, strict=True), 1):
            right = self.expression(right)
            final = i == len(value.ops)
            right = right if final else self.spilled(right, None, operands[i + 1 :])
            test = make(ast.Compare, value, left=left, ops=[op], comparators=[right])
            self.add(self.set(name, test))
            if not final:
                self.unless(self.read(name), join)
            left = right
        self.goto(join)
        self.begin(join)
        return self.read(name)

    # Comprehensions.

    def cut_GeneratorExp(self, value: ast.GeneratorExp) -> ast.expr:
        value.generators[0].iter = self.expression(value.generators[0].iter)
        return value

    def cut_ListComp(self, value: ast.ListComp) -> ast.expr:
        empty = make(ast.List, value, elts=[], ctx=ast.Load())
        return self._comprehension(value, empty, "append", ["elt"])

    def cut_SetComp(self, value: ast.SetComp) -> ast.expr:
        nothing = make(ast.Tuple, value, elts=[], ctx=ast.Load())
        starred = make(ast.Starred, value, value=nothing, ctx=ast.Load())
        empty = make(ast.Set, value, elts=[starred])  # `set` may mean something else here
        return self._comprehension(value, empty, "add", ["elt"])

    def cut_DictComp(self, value: ast.DictComp) -> ast.expr:
        empty = make(ast.Dict, value, keys=[], values=[])
        return self._comprehension(value, empty, "__setitem__", ["key", "value"])

    def _comprehension(self, value: Any, empty: ast.expr, add: str, parts: list[str]) -> ast.expr:
        """A loop that fills a new collection, unless only its first iterable suspends."""
        generators: list[ast.comprehension] = value.generators
        generators[0].iter = self.expression(generators[0].iter)
        if not suspends(value):
            return value  # type: ignore[no-any-return]
        names = sorted({name for g in generators for name in target_names(g.target)})
        renamer = Renamer({name: self.fresh(name, value) for name in names})
        for place, generator in enumerate(generators):
            generator.target = renamer.visit(generator.target)
            generator.iter = renamer.visit(generator.iter) if place > 0 else generator.iter
            generator.ifs = [renamer.visit(test) for test in generator.ifs]
        elements = [renamer.visit(getattr(value, part)) for part in parts]
        found = self.keep("found", empty)

        def fill() -> None:
            self.operands([Slot(elements, i) for i in range(len(elements))])
            self.do(self.method(self.read(found.id), add, *elements))

        self._nested(generators, fill)
        return found

    def _nested(self, generators: list[ast.comprehension], fill: Callable[[], None]) -> None:
        if not generators:
            fill()
            return
        first = generators[0]

        def body(head: blocks.Block, items: str) -> None:
            for test in first.ifs:
                self.unless(self.expression(test), head)
            self._nested(generators[1:], fill)

        after = self.block("after", first.iter)
        self.each(first.target, first.iter, after, body)
        self.begin(after)

    def each(
        self,
        target: ast.expr,
        iterable: ast.expr,
        done: blocks.Block,
        body: Callable[[blocks.Block, str], None],
    ) -> None:
        """A loop over an iterator that is kept in a variable; `done` follows its last turn."""
        items = self.keep("items", make(blocks.Items, iterable, iterable=self.expression(iterable)))
        self.iterators.append(items.id)
        head = self.block("for", target)
        self.goto(head)
        self.begin(head)
        self.when(make(blocks.Exhausted, self.at, items=self.read(items.id)), done)
        self.assign(target, make(blocks.Item, self.at))
        body(head, items.id)
        self.goto(head)


def _joined(at: ast.BoolOp, values: list[ast.expr]) -> ast.expr:
    return values[0] if len(values) == 1 else make(ast.BoolOp, at, op=at.op, values=values)


def _given_names(node: ast.AST) -> Iterator[str]:
    """The names that evaluating `node` gives values to."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.NamedExpr) and isinstance(inner.target, ast.Name):
            yield inner.target.id
        elif isinstance(inner, nodes.Query):
            yield from (name.id for name in inner.witness if isinstance(name, ast.Name))

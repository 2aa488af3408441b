"""Random bodies of Python functions, with yield points in between.

The lines are the same for Python itself, which is given them without the labels. Invariant: a
body ends, reads no name before it has a value, and calls `note` and `ask` where order shows.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

NAMES = ("a", "b", "c")
START = ["xs = [3, 1, 2]", "table = {0: 1, 1: 2}", "c = 4"]
LABEL = "-- l"


class Body:
    """One body in the making; `budget` is how much may still be added to it."""

    def __init__(self, random: Random, budget: int) -> None:
        self.random = random
        self.budget = budget
        self.loops = 0  # how many are around
        self.excepts = 0
        self.count = 0
        self.readable = list(NAMES)

    def lines(self) -> list[str]:
        body = [line for _ in range(self.random.randint(2, 6)) for line in self.statement()]
        return [*START, *body, "return [a, b, c, xs, table]"]

    def fresh(self, hint: str) -> str:
        self.count += 1
        return f"{hint}{self.count}"

    def block(self) -> list[str]:
        many = self.random.randint(1, 3)
        return ["    " + line for _ in range(many) for line in self.statement()]

    # Statements.

    def statement(self) -> list[str]:
        self.budget -= 1
        simple: list[Callable[[], list[str]]] = [
            *(self.label, self.expression, self.assignment, self.assignment, self.augmented),
            *(self.part, self.unpacking, self.deletion, self.leaving, self.leaving),
        ]
        nested = [self.if_, self.for_, self.while_, self.try_, self.try_, self.with_]
        nested += [self.match, self.function]
        kinds = simple + nested if self.budget > 0 else simple
        return self.random.choice(kinds)()

    def label(self) -> list[str]:
        return [LABEL]

    def expression(self) -> list[str]:
        return [self.value()]

    def assignment(self) -> list[str]:
        name = self.random.choice(NAMES)
        other = self.random.choice(("", f"{self.random.choice(NAMES)} = "))
        return [f"{name} = {other}{self.value()}"]

    def augmented(self) -> list[str]:
        target = self.random.choice((*NAMES, f"xs[{self.index()}]", f"table[{self.value()}]"))
        return [f"{target} {self.random.choice('+-*')}= {self.value()}"]

    def part(self) -> list[str]:
        target = self.random.choice((f"xs[{self.index()}]", f"table[{self.index()}]"))
        return [f"{target} = {self.value()}"]

    def unpacking(self) -> list[str]:
        if self.random.random() < 0.5:
            return [f"xs[{self.index()}], a = {self.value()}, {self.value()}"]
        return [f"b, *xs[{self.index()}:{self.index()}] = {self.value()}, {self.value()}"]

    def deletion(self) -> list[str]:
        return [f"del table[{self.index()}]"]

    def leaving(self) -> list[str]:
        kinds = [f"return {self.value()}", f"raise ValueError({self.value()})"]
        kinds += [f"assert {self.value()}, {self.value()}", f"xs.append({self.value()})"]
        if self.loops:
            kinds += ["break", "continue"] * 2
        if self.excepts:
            kinds.append("raise")
        if self.random.random() < 0.6:
            return [f"if {self.value()}:", "    " + self.random.choice(kinds)]
        return [self.random.choice(kinds)]

    def if_(self) -> list[str]:
        lines = [f"if {self.value()}:", *self.block()]
        if self.random.random() < 0.4:
            lines += [f"elif {self.value()}:", *self.block()]
        return lines + (["else:", *self.block()] if self.random.random() < 0.5 else [])

    def for_(self) -> list[str]:
        target = self.random.choice((self.fresh("v"), "a", f"xs[{self.index()}]"))
        source = self.random.choice(
            (
                *("xs[:3]", f"range({self.index()})", f"({self.value()}, 2)"),
                *("sorted(table)[:3]", f"drawn(note, {self.index()})"),
            )
        )
        return self._loop([f"for {target} in {source}:"])

    def while_(self) -> list[str]:
        turn = self.fresh("turn")
        test = self.random.choice(("", f" and {self.value()}"))
        return self._loop([f"{turn} = 0", f"while {turn} < 2{test}:", f"    {turn} += 1"])

    def _loop(self, lines: list[str]) -> list[str]:
        self.loops += 1
        lines += self.block()
        self.loops -= 1
        return lines + (["else:", *self.block()] if self.random.random() < 0.4 else [])

    def try_(self) -> list[str]:
        lines = ["try:", *self.block()]
        handlers = self.random.randint(0, 2)
        final = handlers == 0 or self.random.random() < 0.5
        for kind in self.random.sample(("ValueError", "(KeyError, TypeError)"), handlers):
            self.excepts += 1
            name = self.fresh("e")
            shown = [f"    note(type({name}).__name__)"] if self.random.random() < 0.5 else []
            lines += [f"except {kind}{f' as {name}' if shown else ''}:", *shown, *self.block()]
            self.excepts -= 1
        if handlers and self.random.random() < 0.4:
            lines += ["else:", *self.block()]
        return lines + (["finally:", *self.block()] if final else [])

    def with_(self) -> list[str]:
        target = self.random.choice(("", " as a", " as (b, c)", f" as xs[{self.index()}]"))
        more = self.random.choice(("", f", Guard(note, {self.value()})"))
        return [f"with Guard(note, {self.value()}){target}{more}:", *self.block()]

    def match(self) -> list[str]:
        subject = self.random.choice((self.value(), f"[{self.value()}, {self.value()}]"))
        lines = [f"match {subject}:"]
        for pattern in ("0 | 1", "int(a)", "[b, 2]", "[_, c]", "x"):
            if self.random.random() < 0.5:
                guard = f" if {self.value()}" if self.random.random() < 0.5 else ""
                guard = " if note(2)" if pattern == "x" else guard
                body = ["    " + line for line in self.block()]
                lines += [f"    case {pattern}{guard}:", *body]
        return lines if len(lines) > 1 else [self.value()]

    def function(self) -> list[str]:
        name = self.fresh("f")
        was = self.loops, self.excepts, self.readable
        self.loops = self.excepts = 0
        body = self.block()
        self.loops, self.excepts, self.readable = was
        declared = "    nonlocal a, b, c, xs, table"
        return [f"def {name}():", declared, *body, f"    return {self.value()}", f"a = {name}()"]

    # Expressions, most of them small numbers.

    def index(self) -> str:
        return f"{self.value()} % 3" if self.random.random() < 0.4 else self.random.choice("012")

    def value(self) -> str:
        self.budget -= 1
        leaves = [self.name, self.name, self.number, self.read]
        kinds = [
            *(self.call, self.call, self.call, self.operation, self.comparison, self.logic),
            *(self.choice, self.walrus, self.comprehension, self.display, self.text, self.spread),
            *(self.call, self.name),
        ]
        return self.random.choice(kinds if self.budget > 0 else leaves)()

    def name(self) -> str:
        return self.random.choice(self.readable)

    def number(self) -> str:
        return str(self.random.randint(0, 3))

    def read(self) -> str:
        return self.random.choice(("xs[0]", "len(xs)", "table.get(1, 0)", "note(1)"))

    def call(self) -> str:
        return f"{self.random.choice(('ask', 'ask', 'note'))}({self.value()})"

    def operation(self) -> str:
        return f"({self.value()} {self.random.choice('+-*')} {self.value()})"

    def comparison(self) -> str:
        parts = [self.value() for _ in range(self.random.randint(2, 4))]
        return f"({self.random.choice((' < ', ' <= ', ' != ')).join(parts)})"

    def logic(self) -> str:
        parts = [self.value() for _ in range(self.random.randint(2, 4))]
        return f"({self.random.choice((' and ', ' or ')).join(parts)})"

    def choice(self) -> str:
        return f"({self.value()} if {self.value()} else {self.value()})"

    def walrus(self) -> str:
        return f"({self.random.choice(NAMES)} := {self.value()})"

    def comprehension(self) -> str:
        source = self.random.choice(("xs[:2]", "(1, 2)", "[ask(a)]", "[note(c), b]"))
        name = self.fresh("k")
        self.readable = [*self.readable, name]
        element = self.element()
        test = self.random.choice(("", f" if {self.element()}"))
        self.readable = self.readable[:-1]
        kind = self.random.choice(("sum([{}{}])", "len({{{}{}}})", "len({{k: v for k, v in []}})"))
        loop = f" for {name} in {source}{test}"
        if kind.startswith("len({{k"):
            return f"len({{{element}: note({name}){loop}}})"
        return kind.format(element, loop)

    def element(self) -> str:
        return self.random.choice(("ask({0})", "note({0}) + {0}", "{0}")).format(self.readable[-1])

    def display(self) -> str:
        return self.random.choice(
            (
                f"[{self.value()}, {self.value()}, 1][{self.index()}]",
                f"len(({self.value()}, *[{self.value()}], {self.value()}))",
                f"{{0: {self.value()}, {self.value()}: 2}}.get(1, 3)",
                f"table[{self.value()}]",
                f"xs[{self.index()}:{self.value()}][0]",
            )
        )

    def text(self) -> str:
        """Nothing with quotes in it, which Python 3.11 does not allow inside."""
        parts = [self.random.choice(("a", "ask(b)", "xs", "note(c)", "ask(a) + c")) for _ in "123"]
        return f"len(f'{{{parts[0]}}}-{{{parts[1]}!r:>4}}{{{parts[2]}}}')"

    def spread(self) -> str:
        return (
            f"most({self.value()}, *[{self.value()}], k={self.value()}, **{{'m': {self.value()}}})"
        )

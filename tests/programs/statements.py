"""Random statements of the language, for methods that may wait and for those that may not.

Invariant: loops and recursion are bounded by what they are made of, so every program ends or
waits.
"""

from __future__ import annotations

from collections.abc import Callable

from programs.making import Expressions, Scope

Lines = list[str]


def indent(lines: Lines) -> Lines:
    return [f"    {line}" for line in lines]


class Statements(Expressions):
    """Makes statements, as lists of lines."""

    def block(self, scope: Scope, size: int, depth: int) -> Lines:
        """Statements at one level; names they bind are known to those that follow."""
        lines: Lines = []
        for _ in range(size):
            lines += self.statement(scope, depth)
        return lines or ["pass"]

    def inner(self, scope: Scope, depth: int, **changes: bool) -> Lines:
        """The indented body of a statement."""
        inside = scope.copy(nested=scope.nested + 1, **changes)
        return indent(self.block(inside, self.pick(1, 1, 1, 2, 2), depth - 1))

    def statement(self, scope: Scope, depth: int) -> Lines:
        table: list[tuple[float, Callable[..., Lines]]] = [
            (8, self.assignment),
            (6, self.augmented),
            (2, self.unpacking),
            (3, self.mutation),
            (7, self.output),
            (1, self.nested_function),
            (0.3, self.tallied),
            (1, self.assertion),
        ]
        if scope.process:
            table += [(5, self.sending), (1, self.resetting), (3, self.witnessed)]
            table += [(1, self.mutating_history), (1, self.mutating_sent)]
        if scope.loop:
            table += [(3, self.leaving_loop)]
        if scope.returns and scope.nested:
            table += [(2, self.returning)]
        if depth > 0:
            table += [(3, self.if_), (3, self.for_), (2, self.while_), (3, self.try_)]
            table += [(2, self.with_), (2, self.match_)]
        if scope.suspends:
            table += [(3, self.label), (2, self.sleep), (3, self.wait), (2, self.calling)]
            table += [(1, self.waiting_function)]
            if depth > 0:
                table += [(4, self.wait_branches), (2, self.wait_loop)]
        weights, choices = zip(*table, strict=True)
        chosen: Callable[[Scope, int], Lines] = self.random.choices(choices, weights)[0]
        return chosen(scope, depth)

    # Plain ones.

    def output(self, scope: Scope, depth: int) -> Lines:
        parts = [self.number(scope, 1)]
        kind = self.pick("int", "int", "list", "set", "dict", "pairs")
        parts.append(self.value(scope, kind, 1))
        word = "output" if scope.process and self.chance(0.9) else "print"
        return [f"{word}('{self.fresh('o')}', {', '.join(parts)})"]

    def assignment(self, scope: Scope, depth: int) -> Lines:
        kind = self.pick("int", "int", "int", "list", "pairs", "set", "dict")
        value = self.value(scope, kind)
        targets = [n for n in scope.names[kind] if n.isidentifier() and n != "k"]
        if targets and self.chance(0.5):
            target = self.pick(*targets)
        else:
            target = self.fresh(kind[0] if kind != "pairs" else "r")
            scope.add(kind, target, own=True)
        if kind == "int" and self.chance(0.1):
            return [f"{target}: int = {value}"]
        if kind == "int" and self.chance(0.1):
            other = self.fresh("i")
            scope.add("int", other, own=True)
            return [f"{target} = {other} = {value}"]
        return [f"{target} = {value}"]

    def augmented(self, scope: Scope, depth: int) -> Lines:
        targets = [n for n in scope.names["int"] if n.isidentifier() and n != "k"]
        tables = scope.names["dict"]
        if tables and self.chance(0.25):
            key = self.number(scope, 1)
            table = self.pick(*tables)
            return [f"{table}.setdefault(1, 0)", f"{table}[{key} * 0 + 1] += {self.number(scope)}"]
        lists = scope.names["list"]
        if lists and self.chance(0.15):
            return [f"{self.pick(*lists)} += [{self.number(scope)}]"]
        if not targets:
            return ["pass"]
        operator = self.pick("+=", "-=", "*=", "+=", "//= 2 +", "%= 7 +", "|=", "^=", "&=")
        target = self.pick(*targets)
        dotted = "self." if target in FIELDS and self.chance(0.5) else ""
        if operator.endswith("+"):
            return [f"{dotted}{target} {operator} ({self.number(scope, 1)}) % 5"]
        return [f"{dotted}{target} {operator} {self.number(scope)}", f"{target} %= 1009"]

    def unpacking(self, scope: Scope, depth: int) -> Lines:
        one, two = self.fresh("i"), self.fresh("i")
        first, second = self.number(scope), self.number(scope)
        form = self.pick("plain", "star", "nested", "swap")
        if form == "plain":
            lines = [f"{one}, {two} = {first}, {second}"]
        elif form == "star":
            lines = [f"{one}, *{self.fresh('u')}, {two} = [{first}, 5, 6, {second}]"]
        elif form == "nested":
            lines = [f"({one}, [{two}, _]), self.total = ({first}, [{second}, 1]), 3"]
            if not scope.process:
                lines = [f"({one}, [{two}, _]) = ({first}, [{second}, 1])"]
        else:
            lines = [f"{one} = {two} = 0", f"{one}, {two} = {first}, {one}"]
        scope.add("int", one, own=True)
        scope.add("int", two, own=True)
        return lines

    def mutation(self, scope: Scope, depth: int) -> Lines:
        kind = self.pick("list", "set", "dict")
        names = [n for n in scope.names[kind] if n.isidentifier()]
        if not names:
            return ["pass"]
        name = self.pick(*names)
        value = self.number(scope)
        if kind == "list":
            return [
                self.pick(
                    f"{name}.append({value})",
                    f"{name}.extend([{value}, {self.number(scope, 0)}])",
                    f"del {name}[5:]",
                    f"{name}[:1] = [{value}]",
                )
            ]
        if kind == "set":
            return [self.pick(f"{name}.add({value})", f"{name}.discard({value})")]
        return [self.pick(f"{name}[{self.number(scope)}] = {value}", f"{name}.pop({value}, None)")]

    def assertion(self, scope: Scope, depth: int) -> Lines:
        if self.chance(0.1):
            return [f"assert {self.test(scope, 1)}, 'no'"]
        return [f"assert int({self.number(scope, 1)}) is not None, {self.number(scope, 0)}"]

    def nested_function(self, scope: Scope, depth: int) -> Lines:
        """A closure that reads, and sometimes changes, the variables around it."""
        name = self.fresh("fn")
        inside = scope.copy(suspends=False, loop=False, returns=True, nested=1, own=set())
        inside.add("int", "a")
        for kind, names in inside.names.items():  # assigned names would be locals of its own
            inside.names[kind] = [n for n in names if n in (*FIELDS, "a") or kind != "int"]
        changed = sorted(n for n in scope.own if n[0] == "i" and n in scope.names["int"])
        lines = [f"def {name}(a, b=2, *, c={self.number(scope, 0)}):"]
        if changed and self.chance(0.5):
            target = self.pick(*changed)
            lines += [f"    nonlocal {target}", f"    {target} = {target} + a"]
        lines += [f"    return {self.number(inside, 2)} + b + c"]
        return [*lines, f"output('{self.fresh('o')}', {name}({self.number(scope, 1)}))"]

    def calling(self, scope: Scope, depth: int) -> Lines:
        """A call that may wait, through a variable or a lambda."""
        if not scope.methods:
            return ["pass"]
        name, result = self.fresh("f"), self.fresh("i")
        method, arg = self.pick(*scope.methods), self.number(scope, 1)
        dotted = f"self.{method}" if method != "pausing" else method
        quiet = self.number(scope.copy(suspends=False), 1)
        made = self.pick(
            method,
            dotted,
            f"lambda v: {method}(v)",
            f"lambda v: v + {quiet}",
            f"lambda v: pausing(v) + {quiet}",
        )
        if name not in scope.own:
            scope.add("int", result, own=True)
        return [f"{name} = {made}", f"{result} = {name}({arg})"]

    def waiting_function(self, scope: Scope, depth: int) -> Lines:
        """A closure that waits; what it changes, the method around it sees."""
        name, result = self.fresh("fw"), self.fresh("i")
        inside = scope.copy(loop=False, returns=True, own=scope.own & {"total"})
        inside.names["int"] = [n for n in inside.names["int"] if n in FIELDS]
        inside.add("int", "a")
        changed = sorted(n for n in scope.own if n[0] == "i" and n in scope.names["int"])
        lines = [f"def {name}(a):"]
        if "total" in scope.own:  # in `main` these are variables, and no fields
            lines.append("    nonlocal total, items")
        if changed and self.chance(0.6):
            target = self.pick(*changed)
            lines += [f"    nonlocal {target}", f"    {target} = {target} + a"]
        lines += indent([*self.label(scope, 0), *self.block(inside, 1, 0)])
        lines += [f"    return {self.number(inside, 1)}"]
        lines.append(f"{result} = {name}({self.number(scope, 1)}) + {name}(1)")
        scope.add("int", result, own=True)
        return lines

    def tallied(self, scope: Scope, depth: int) -> Lines:
        """A closure that changes a variable of the module."""
        name = self.fresh("fg")
        lines = [f"def {name}():", "    global TALLY", f"    TALLY += {self.number(scope, 0)}"]
        return [*lines, f"{name}()", f"output('{self.fresh('o')}', TALLY)"]

    # Compound ones.

    def if_(self, scope: Scope, depth: int) -> Lines:
        lines = [f"if {self.test(scope)}:", *self.inner(scope, depth)]
        if self.chance(0.3):
            lines += [f"elif {self.test(scope)}:", *self.inner(scope, depth)]
        if self.chance(0.5):
            lines += ["else:", *self.inner(scope, depth)]
        return lines

    def for_(self, scope: Scope, depth: int) -> Lines:
        name = self.fresh("i")
        inside = scope.copy(loop=True, nested=scope.nested + 1)
        form = self.pick("list", "range", "pairs", "zip", "fields", "set")
        if form == "pairs":
            other = self.fresh("i")
            inside.add("int", other)
            header = f"for {name}, {other} in sorted({self.pairs(scope)})[:3]:"
        elif form == "zip":
            header = (
                f"for _n, {name} in enumerate([{self.number(scope, 1)}, {self.number(scope, 1)}]):"
            )
        elif form == "fields" and scope.process:
            header, name = f"for self.total in ({self.number(scope, 1)}, 2):", "total"
        elif form == "set":
            header = f"for {name} in sorted({self.members(scope)})[:3]:"
        elif form == "range":
            header = f"for {name} in range({self.number(scope)} % 4):"
        else:
            header = f"for {name} in ({self.sequence(scope)})[:3]:"
        inside.add("int", name, own=True)
        body = indent(self.block(inside, self.pick(1, 2, 2, 3), depth - 1))
        lines = [header, *body]
        if self.chance(0.25):
            lines += ["else:", *self.inner(scope, depth)]
        return lines

    def while_(self, scope: Scope, depth: int) -> Lines:
        name = self.fresh("n")
        test = self.pick(f"{name} < {self.pick(1, 2, 3)}", f"{name} < 2 and {self.test(scope, 1)}")
        lines = [f"{name} = 0", f"while {test}:", f"    {name} += 1"]
        lines += self.inner(scope, depth, loop=True)
        if self.chance(0.3):
            lines += ["else:", *self.inner(scope, depth)]
        return lines

    def leaving_loop(self, scope: Scope, depth: int) -> Lines:
        word = self.pick("break", "continue")
        return [word] if self.chance(0.3) else [f"if {self.test(scope, 1)}:", f"    {word}"]

    def returning(self, scope: Scope, depth: int) -> Lines:
        line = f"return {self.number(scope)}"
        return [line] if self.chance(0.3) else [f"if {self.test(scope, 1)}:", f"    {line}"]

    def try_(self, scope: Scope, depth: int) -> Lines:
        body = self.inner(scope, depth)
        if self.chance(0.5):
            kind = self.pick("ValueError", "KeyError", "IndexError")
            value = self.number(scope, 1)
            body += indent(
                self.pick(
                    [f"raise {kind}({value})"],
                    [f"if {self.test(scope, 1)}:", f"    raise {kind}({value})"],
                    [f"output(6 // ({value} % 2))"],
                )
            )
        lines = ["try:", *body]
        form = self.pick("except", "finally", "both", "all")
        if form != "finally":
            kind = self.pick("Exception", "(ValueError, KeyError)", "LookupError", "ValueError")
            name = self.fresh("e")
            tail = self.pick(["pass"], [f"output('{self.fresh('o')}', type({name}).__name__)"])
            if self.chance(0.15):
                again = self.pick("raise", "raise KeyError(1)", f"raise RuntimeError from {name}")
                tail = [*tail, again]
            lines += [f"except {kind} as {name}:", *self.inner(scope, depth), *indent(tail)]
            if self.chance(0.4):
                lines += ["except Exception:", *self.inner(scope, depth)]
            if form == "all":
                lines += ["else:", *self.inner(scope, depth)]
        if form != "except":
            lines += ["finally:", *self.inner(scope, depth)]
        return lines

    def with_(self, scope: Scope, depth: int) -> Lines:
        name = self.fresh("i")
        inside = scope.copy(nested=scope.nested + 1)
        inside.add("int", name)
        if self.chance(0.6):
            header = f"with Guard(self.items, {self.number(scope, 1)}) as {name}:"
            if not scope.process:
                header = f"with Guard([], {self.number(scope, 1)}) as {name}:"
        elif self.chance(0.5):
            header = f"with suppress(ValueError), Guard([], 4) as {name}:"
        else:
            header = f"with nullcontext({self.number(scope, 1)}) as {name}:"
        body = indent(self.block(inside, self.pick(1, 2, 2), depth - 1))
        if self.chance(0.25):
            body.append(f"    raise ValueError({self.number(scope, 0)})")
        return [header, *body]

    def match_(self, scope: Scope, depth: int) -> Lines:
        one, two = self.fresh("i"), self.fresh("i")
        subject = self.pick(
            f"({self.number(scope)}, {self.number(scope, 1)})",
            self.sequence(scope),
            self.mapping(scope),
            self.number(scope),
        )
        captures = scope.copy(nested=scope.nested + 1)
        captures.add("int", one, own=True)
        cases = [
            f"case ({one}, {two}) if {self.test(captures, 1)}:",
            f"case [{one}, *_]:",
            f"case {{1: {one}, **{self.fresh('u')}}}:",
            f"case 0 | 1 | 2 as {one}:",
            f"case int({one}):",
            f"case [1, {one}] | [2, {one}, _]:",
        ]
        lines = [f"match {subject}:"]
        for case in self.random.sample(cases, 2):
            body = self.block(captures.copy(), self.pick(1, 2), depth - 1)
            lines += [f"    {case}", *indent(indent(body))]
        body = self.block(scope.copy(nested=scope.nested + 1), 1, depth - 1)
        return [*lines, "    case _:", *indent(indent(body))]

    # The language's own.

    def label(self, scope: Scope, depth: int) -> Lines:
        return [f"-- {self.pick('la', 'lb')}"]

    def sleep(self, scope: Scope, depth: int) -> Lines:
        return [self.pick("time.sleep(0.5)", f"sleep({self.number(scope, 0)} % 3)")]

    def sending(self, scope: Scope, depth: int) -> Lines:
        to = self.pick("peers", "parent()", "self", *scope.ids, "set(peers)", "[p for p in peers]")
        message = self.message(scope)
        if self.chance(0.3) and scope.names["list"]:
            name = self.pick(*scope.names["list"])
            if name.isidentifier():
                return [
                    f"send(('b', {self.number(scope, 1)}, {name}), to={to})",
                    f"{name}.append(8)",
                ]
        return [f"send({message}, to={to})"]

    def resetting(self, scope: Scope, depth: int) -> Lines:
        if self.chance(0.5):
            return [f"output('{self.fresh('o')}', len(received), logical_clock())"]
        return [self.pick("reset()", "reset(received)", "reset('sent')", "incr_logical_clock()")]

    def witnessed(self, scope: Scope, depth: int) -> Lines:
        clauses, inner = self.clauses(scope, 1, tests=False)
        has = f", has={self.test(inner, 1)}" if self.chance(0.5) else ""
        if self.chance(0.3):
            more, deeper = self.clauses(inner, 1, tests=False)
            has = f", has=some({', '.join(more)}, has={self.test(deeper, 1)})"
        names = [n for n in ("x", "y", "z") if n in inner.names["int"]]
        body = [f"output('{self.fresh('o')}', {', '.join(names)})"] if names else ["pass"]
        inside = scope.copy(nested=scope.nested + 1)
        for name in names:
            if self.bound(clauses, name):
                inside.add("int", name)
        body += self.block(inside, 1, depth - 1)
        return [f"if some({', '.join(clauses)}{has}):", *indent(body)]

    @staticmethod
    def bound(clauses: list[str], name: str) -> bool:
        return any(name in clause for clause in clauses)

    def mutating_history(self, scope: Scope, depth: int) -> Lines:
        """What was received is changed: the history is not."""
        tag = self.fresh("o")
        return [
            self.pick(
                "for _m in listof(l, received(('b', _, l))): _m.append(9)",
                "if some(received(('b', _, l))): l.append(9)",
                "for _m, _p in received: _m[-1].clear() if isinstance(_m[-1], list) else 0",
            ),
            f"output('{tag}', listof(l, received(('b', _, l))))",
        ]

    def mutating_sent(self, scope: Scope, depth: int) -> Lines:
        names = [n for n in scope.names["list"] if n.isidentifier()]
        if not names:
            return ["pass"]
        name = self.pick(*names)
        return [
            f"send(('f', {name}, [1, [2]]), to=peers)",
            f"{name}.append({self.number(scope, 0)})",
            f"output('{self.fresh('o')}', listof(l, sent(('f', l, _))))",
        ]

    def hope(self, scope: Scope) -> str:
        """A condition that may well come true."""
        inner = scope.copy(suspends=False)
        return str(
            self.pick(
                self.test(inner, 2),
                "some(received(('a', _)))",
                f"lenof(p, received(_, from_=p)) >= {self.pick(1, 1, 2)}",
                "each(g in peers, has=some(received(_, from_=_g)))",
                f"total > {self.pick(0, 1, 3)}",
                "received(('a', total))",
            )
        )

    def wait(self, scope: Scope, depth: int) -> Lines:
        before = [f"-- {self.pick('la', 'lb')}"] if self.chance(0.4) else []
        if self.chance(0.35):
            return [*before, f"await({self.hope(scope)})"]
        return [*before, f"if await({self.hope(scope)}): pass", "elif timeout(1): pass"]

    def wait_branches(self, scope: Scope, depth: int) -> Lines:
        lines = [f"-- {self.pick('la', 'lb')}"] if self.chance(0.3) else []
        lines += [f"if await({self.hope(scope)}):", *self.inner(scope, depth)]
        if self.chance(0.5):
            lines += [f"elif {self.hope(scope)}:", *self.inner(scope, depth)]
        seconds = self.pick("1", "0", "0.5", f"{self.number(scope, 1)} % 4")
        if self.chance(0.75):
            lines += [f"elif timeout({seconds}):", *self.inner(scope, depth)]
        else:
            lines += ["else:", *self.inner(scope, depth)]
        return lines

    def wait_loop(self, scope: Scope, depth: int) -> Lines:
        name = self.fresh("n")
        stop = [f"    {name} += 1", f"    if {name} > {self.pick(1, 2)}:", "        break"]
        lines = [f"{name} = 0", f"while await({self.hope(scope)}):", *stop]
        lines += self.inner(scope, depth, loop=True)
        if self.chance(0.4):
            lines += [f"elif {self.hope(scope)}:", *stop, *self.inner(scope, depth, loop=True)]
        lines += ["elif timeout(1):", *self.inner(scope, depth, loop=True)]
        return [*lines, "    break"]


FIELDS = ("total", "level", "bonus")

"""Random small programs: well-formed, bounded, and together using all of the language.

`generate(seed)` is a function of the seed alone. Invariant: every process class has the fields
of CLASS_FIELDS below, so that statements may use them wherever they stand.
"""

from __future__ import annotations

from programs.making import Scope
from programs.statements import Lines, Statements, indent

GUARD = """\
class Guard:
    def __init__(self, log, value):
        self.log, self.value = log, value

    def __enter__(self):
        self.log.append(self.value)
        return self.value

    def __exit__(self, kind, error, trace):
        self.log.append(-1)
        return kind is KeyError
"""
MIXIN = """\
class Mixin:
    def mixed(self, v):
        self.total += v
        return self.total % 11
"""
HELPER = """\
def helper(v):
    return v * 2 + 1
"""


TALLY = """\
TALLY = 0
"""
NOTE = """\
def note(v):
    output('note', v)
    return v % 7
"""
PAUSING = """\
def pausing(v):
    -- la
    if await(False): pass
    elif timeout(0.25): v += 1
    return v
"""
LAYER = """\
class Layer(process):
    def m1(k):
        -- lb
        return (super().m1(k) + self.total) % 23
"""
PRELUDE = (
    (GUARD, "Guard("),
    (HELPER, "helper("),
    (MIXIN, "Mixin"),
    (TALLY, "TALLY"),
    (NOTE, "note("),
    (PAUSING, "pausing"),
    (LAYER, "(Layer,"),
)


class Generator(Statements):
    """One program."""

    def program(self) -> str:
        lines = ["import time", "from time import sleep"]
        lines.append("from contextlib import suppress, nullcontext")
        clock = self.pick("lamport", "lamport", "vector") if self.chance(0.2) else "lamport"
        if self.chance(0.5) or clock == "vector":
            lines.append(f"config(clock='{clock}')")
        if self.chance(0.15):
            lines.append(f"config(handling='{self.pick('one', 'one', 'all')}')")
        self.mixin, self.layered = self.chance(0.3), False
        self.classes = ["A", "B", "C"][: self.pick(1, 1, 1, 2, 2, 3)]
        classes: Lines = []
        for place, name in enumerate(self.classes):
            base = self.pick(None, *self.classes[:place])
            classes += self.process_class(name, base)
        body = "\n".join([*classes, *self.main()]) + "\n"
        for text, word in PRELUDE:
            if word in body:
                lines.append(text)
        return "\n".join([*lines, body])

    def scope(self, *, suspends: bool) -> Scope:
        scope = Scope(suspends=suspends, methods=["m1", "m2"], quiet=["h1", "q1", "helper", "note"])
        if self.chance(0.2):
            scope.methods.append("pausing")
        scope.names["int"] = ["total", "level", "self.total", "total"]
        scope.names["list"] = ["items", "shared"]
        scope.names["dict"] = ["table"]
        scope.names["set"] = ["seen"]
        scope.ids = ["peers[0]", "peers[-1]"]
        return scope

    # Process classes.

    def process_class(self, name: str, base: str | None) -> Lines:
        bases = [base or "process"]
        if base is not None and not self.layered and self.chance(0.25):
            bases, self.layered = ["Layer", base], True
        if self.mixin and base is None and self.chance(0.6):
            bases = self.pick([*bases, "Mixin"], ["Mixin", *bases])
        lines = [f"class {name}({', '.join(bases)}):"]
        body: Lines = []
        if self.chance(0.15):
            body.append("config(handling=one)")
        if base is None or self.chance(0.3):
            body += [f"shared = [{self.pick(1, 2)}]", f"level = {self.pick(1, 2, 3)}"]
        body += self.setup(base)
        mixed = "Mixin" in bases
        body += self.methods(base, mixed)
        for _ in range(self.pick(0, 1, 1, 2, 2, 3) if base is None else self.pick(0, 0, 1)):
            body += self.handler()
        if base is None or self.chance(0.6):
            body += self.run(base)
        return [*lines, *indent(body or ["pass"]), ""]

    def setup(self, base: str | None) -> Lines:
        if base is not None and self.chance(0.35):
            return []
        if base is None:
            return [
                f"def setup(peers, total={self.pick(0, 1, 2)}):",
                f"    self.items = [total, {self.pick(0, 1)}]",
                "    self.table = {1: total}",
                f"    self.seen = {{{self.pick(1, 2)}}}",
            ]
        if self.chance(0.5):
            return [
                "def setup(peers, total=2, bonus=5):",
                "    items.append(bonus)",
                "    self.total += bonus",
            ]
        return [
            "def setup(peers, total=4):",
            f"    output('setup', {self.pick('total', 'level')})",
            f"    super().setup({self.pick('peers, total + 1', 'peers', 'peers=peers')})",
            "    table[2] = len(items)",
        ]

    def methods(self, base: str | None, mixed: bool) -> Lines:
        lines: Lines = []
        if base is None or self.chance(0.4):
            lines += self.method("m1", base)
        if base is None or self.chance(0.4):
            lines += self.recursive("m2", base)
        if base is None or self.chance(0.2):
            lines += ["def q1(k=1):", f"    return (k * {self.pick(2, 3)} + total) % 19"]
        if base is None or self.chance(0.3):
            scope = self.scope(suspends=False)
            scope.add("int", "k")
            scope.returns, scope.quiet = True, ["helper", "q1"]
            call = "total += super().h1(k)" if base else "total += k"
            if mixed:
                call = "total += self.mixed(k)"
            body = [call, *self.block(scope, self.pick(0, 1, 2), 1), f"return {self.number(scope)}"]
            lines += ["def h1(k=1):", *indent(body)]
        return lines

    def method(self, name: str, base: str | None) -> Lines:
        """A method that waits, or not: one of a derived class may differ from its base's."""
        scope = self.scope(suspends=self.chance(0.85))
        scope.methods = []
        scope.add("int", "k")
        scope.returns = True
        body: Lines = []
        if base is not None and scope.suspends and self.chance(0.6):
            body = [f"k += super().{name}({self.number(scope, 0)})"]
        body += self.block(scope, self.pick(1, 1, 2), self.pick(0, 1))
        return [f"def {name}(k):", *indent(body), f"    return {self.number(scope)} % 23"]

    def recursive(self, name: str, base: str | None) -> Lines:
        scope = self.scope(suspends=True)
        scope.methods = ["m1"]
        scope.add("int", "k")
        scope.returns = True
        step = self.statement(scope, 0)
        again = self.pick(
            f"return {name}(k - 1) + 1",
            f"return m1(k) + self.{name}(k - 2)",
            f"return max(m1(0), {name}(k=k - 1))",
        )
        lines = [f"def {name}(k, *rest, **more):", *indent(step), "    k = min(k, 3)"]
        return [*lines, "    if k > 0:", f"        {again}", f"    return {self.number(scope)}"]

    def handler(self) -> Lines:
        scope = self.scope(suspends=self.chance(0.3))
        kind, who = self.pick(("receive", "from_"), ("receive", "from_"), ("sent", "to"))
        if kind == "sent":
            scope.suspends = self.chance(0.1)
        scope.methods = ["m1"]
        pattern, binds = self.message_pattern(scope)
        parts = [f"msg={pattern}"]
        self.bind(scope, *binds)
        if self.chance(0.5):
            parts.append(f"{who}=g")
            scope.ids = ["g"]
        if self.chance(0.1):
            parts.append("clk=t")
        if self.chance(0.2):
            parts.append(f"at={self.pick('la', '(la, lb)', '(lb,)')}")
        if self.chance(0.05) and kind == "receive":
            parts.append("to=self")
        header = f"def {kind}({', '.join(parts)}):"
        count = [f"output('{self.fresh('o')}', total)", "total = (total + 1) % 1009"]
        body = [*count, *self.handler_body(scope, kind)]
        return [header, *indent(body)]

    def handler_body(self, scope: Scope, kind: str) -> Lines:
        """Handlers send on only while `level` lasts, so that messages do not go round for ever."""
        if self.chance(0.6):
            scope.returns = False
            inside = ["level -= 1", *self.statements_with_send(scope, kind)]
            return ["if level > 0:", *indent(inside)]
        quiet = scope.copy(process=True)
        return self.block(quiet, self.pick(1, 1, 2), 1)

    def statements_with_send(self, scope: Scope, kind: str) -> Lines:
        lines = self.block(scope, 1, 1)
        if kind == "receive":
            lines += self.sending(scope, 0)
        return lines

    def run(self, base: str | None) -> Lines:
        scope = self.scope(suspends=self.chance(0.95))
        body: Lines = ["super().run()"] if base is not None and self.chance(0.3) else []
        if self.chance(0.5):
            body.append(f"send(('a', {self.number(scope, 1)}), to=peers)")
        body += self.block(scope, self.pick(1, 2, 3, 4), self.pick(1, 1, 2))
        if self.chance(0.1):
            body.append(f"exit({self.pick(0, 1, '')})")
        return ["def run():", *indent(body), f"    output('end', total, {self.number(scope, 1)})"]

    # The node's own process.

    def main(self) -> Lines:
        lines = ["def main():"]
        body: Lines = []
        if self.chance(0.1):
            body.append("config(handling='all')")
        made = []
        for name in self.classes:
            several = self.pick("", ", num=1", ", num=2", ", num=['x_', 'y_']")
            variable = f"g{name.lower()}"
            made.append(f"*{variable}" if several else variable)
            body.append(f"{variable} = new({name}{several.replace('_', name)})")
        body.append(f"peers = sorted([{', '.join(made)}])")
        for name in self.classes:
            args = self.pick("(peers,)", f"(peers, {self.pick(0, 1, 2)})", "[peers, 1]")
            body.append(f"setup(g{name.lower()}, {args})")
        body.append(self.pick("start(peers)", "start(set(peers))", "for p in peers: start(p)"))
        body.append("total, items, shared, seen, table = 0, [3], [4], {5}, {1: 6}")
        body += self.main_body()
        return [*lines, *indent(body)]

    def main_body(self) -> Lines:
        scope = Scope(suspends=True, quiet=["helper"], ids=["peers[0]", "self"])
        scope.names["int"], scope.names["list"] = ["total"], ["items"]
        scope.own = {"total"}
        body = self.block(scope, self.pick(0, 1, 2, 3), 1)
        text = "\n".join(body).replace("self.total", "total").replace("self.items", "items")
        if self.chance(0.15):
            text += "\nend(peers)"
        return text.split("\n") if text.strip() else ["pass"]


def generate(seed: int) -> str:
    """The program of `seed`."""
    return Generator(seed).program()

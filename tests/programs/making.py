"""Random expressions of the language, by kind of value.

Invariant: an expression uses only names that its `Scope` knows to have a value of that kind, so
that most programs run to their end; a few errors (a missing key, a zero divisor) are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
KINDS = ("int", "list", "pairs", "set", "dict")
# What programs send: (how it is written, given ints; a list; an id).
MESSAGES = {
    "a": "('a', {i})",
    "b": "('b', {i}, {l})",
    "c": "('c', ({i}, {j}), {d})",
    "d": "['d', {i}, {k}]",
    "e": "('e', {p}, {i}, {j})",
    "f": "('f', {l}, [{i}, [{j}]])",
}
PURE = ("helper", "q1")  # a query may call these in any order
CONSTANTS = ("None", "True", "1", "'t'", "0")


@dataclass
class Scope:
    """What an expression may use. `suspends`: calls that wait are allowed here."""

    names: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    own: set[str] = field(default_factory=set)  # of them, locals that may be assigned
    ids: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)  # of one int, which may wait
    quiet: list[str] = field(default_factory=list)  # of one int, which do not
    suspends: bool = False
    process: bool = True
    query: bool = False
    loop: bool = False
    returns: bool = False
    nested: int = 0

    def copy(self, **changes: Any) -> Scope:
        parts = dict(vars(self))
        parts["names"] = {kind: list(names) for kind, names in self.names.items()}
        parts["own"], parts["ids"] = set(self.own), list(self.ids)
        return Scope(**{**parts, **changes})

    def add(self, kind: str, name: str, *, own: bool = False) -> None:
        for names in self.names.values():
            if name in names:
                names.remove(name)
        self.names[kind].append(name)
        if own:
            self.own.add(name)


class Expressions:
    """Makes expressions; `count` gives every name and every output a number of its own."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.count = 0

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}{self.count}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, *choices: T) -> T:
        return self.random.choice(choices)

    def weighted(self, table: Iterable[tuple[int, Callable[..., str]]]) -> Callable[..., str]:
        weights, choices = zip(*table, strict=True)
        chosen: Callable[..., str] = self.random.choices(choices, weights)[0]
        return chosen

    # Numbers.

    def number(self, scope: Scope, depth: int = 2) -> str:
        names = scope.names["int"]
        if depth <= 0 or self.chance(0.3):
            return str(self.pick(*names) if names and self.chance(0.75) else self.pick(0, 1, 2, 3))
        table = [
            (6, self.arithmetic),
            (2, self.conditional),
            (2, self.length),
            (2, self.element),
            (1, self.walrus),
            (2, self.applied),
            (2, self.lookup),
            (1, self.text_length),
            (2, self.comprehended),
            (4, self.aggregate),
        ]
        if scope.methods and scope.suspends:
            table += [(9, self.method_call)]
        if scope.quiet and scope.process:
            table += [(2, self.quiet_call)]
        return self.weighted(table)(scope, depth - 1)

    def arithmetic(self, scope: Scope, depth: int) -> str:
        left, right = self.number(scope, depth), self.number(scope, depth)
        if self.chance(0.25):
            return self.pick(
                f"({left} // ({right} % 3 + 1))",
                f"({left} % 5 ** 2)",
                f"-({left})",
                f"({left} & 3 | {right} % 4 ^ 1)",
                f"~({left})",
                f"(({left}) % 4 << 1 >> 1)",
                f"int({left} / 2)",
            )
        return f"({left} {self.pick('+', '-', '*')} {right}) % 17"

    def conditional(self, scope: Scope, depth: int) -> str:
        holds, other = self.test(scope, depth), self.number(scope, 0)
        return f"({self.number(scope, depth)} if {holds} else {other})"

    def length(self, scope: Scope, depth: int) -> str:
        return f"len({self.pick(self.sequence, self.members, self.pairs)(scope, depth)})"

    def element(self, scope: Scope, depth: int) -> str:
        made = self.sequence(scope, depth)
        return self.pick(
            f"(({made}) + [{self.number(scope, 0)}])[0]",
            f"([{self.number(scope, depth)}, {self.number(scope, depth)}])[-1]",
            f"sum({made}[1:])",
            f"max({made}, default=0)",
            f"max([1, {self.number(scope, depth)}], key=lambda v: -v)",
        )

    def walrus(self, scope: Scope, depth: int) -> str:
        if scope.query:  # Python has no `:=` in what a comprehension goes over
            return self.number(scope, 0)
        name = self.fresh("w")
        value = self.number(scope, depth)
        return f"(({name} := {value}) + {name})"

    def applied(self, scope: Scope, depth: int) -> str:
        inner = scope.copy(suspends=False)
        inner.add("int", "v")
        body = self.number(inner, depth)
        return f"(lambda v, *r, s=1: {body} + s)({self.number(scope, depth)})"

    def lookup(self, scope: Scope, depth: int) -> str:
        names = scope.names["dict"]
        table = self.pick(*names) if names else "{0: 1, 1: 3}"
        if self.chance(0.1):
            return f"{table}[{self.number(scope, depth)}]"
        return f"{table}.get({self.number(scope, depth)}, {self.number(scope, 0)})"

    def text_length(self, scope: Scope, depth: int) -> str:
        return f"len(f'{{{self.number(scope, 0)}:03d}}{{{self.number(scope, 0)}!r}}')"

    def comprehended(self, scope: Scope, depth: int) -> str:
        name = self.pick("x", "y", "v")
        inner = scope.copy(suspends=False, query=True)
        inner.add("int", name)
        element, test = self.number(inner, depth), self.test(inner, depth)
        source = self.sequence(scope, 0)
        return self.pick(
            f"sum({element} for {name} in {source} if {test})",
            f"len({{{element} for {name} in {source}}})",
            f"len({{{name}: {element} for {name} in {source} if {test}}})",
            f"sum([{element} for {name} in {source} for _k in range(2) if {test}])",
        )

    def method_call(self, scope: Scope, depth: int) -> str:
        name, arg = self.pick(*scope.methods), self.number(scope, depth)
        other = self.pick(*scope.methods)
        one, two = self.number(scope, 0), self.number(scope, 0)
        if name == "pausing":
            return self.pick(f"pausing({arg})", f"[{other}, pausing][1](*[{arg}])")
        return self.pick(
            f"{name}({arg})",
            f"{name}({arg})",
            f"self.{name}({arg})",
            f"{name}(k={arg})",
            f"[{name}, {other}][{self.number(scope, 0)} % 2]({arg})",
            f"{{0: self.{name}, 1: {other}}}[{self.number(scope, 0)} % 2]({arg})",
            f"{name}(*[{arg}])",
            f"sum([{name}(v) for v in {self.sequence(scope, 0)}[:2] if v != {one}])",
            f"len({{v: {name}(v) for v in ({one}, {two})}})",
        )

    def quiet_call(self, scope: Scope, depth: int) -> str:
        name = self.pick(*scope.quiet)
        dotted = "self." if name in ("h1", "q1") and self.chance(0.5) else ""
        return f"{dotted}{name}({self.number(scope, depth)})"

    # Truth.

    def test(self, scope: Scope, depth: int = 2) -> str:
        if depth <= 0:
            operator = self.pick("<", ">", "==", "!=", "<=", ">=")
            return f"{self.number(scope, 0)} {operator} {self.number(scope, 0)}"
        table: list[tuple[int, Callable[..., str]]] = [
            (4, self.comparison),
            (2, self.joined),
            (2, self.membership),
        ]
        if scope.process:
            table += [(4, self.quantified), (2, self.plain_received)]
        return self.weighted(table)(scope, depth - 1)

    def comparison(self, scope: Scope, depth: int) -> str:
        left, right = self.number(scope, depth), self.number(scope, depth)
        return self.pick(
            f"{left} {self.pick('<', '>', '==', '!=')} {right}",
            f"{left} <= {right} < {self.number(scope, 0)} + 9",
            f"int({left}) is not None",
        )

    def joined(self, scope: Scope, depth: int) -> str:
        word = self.pick("and", "or")
        first, second = self.test(scope, depth), self.test(scope, depth)
        return f"({self.pick('', 'not ')}({first}) {word} {second})"

    def membership(self, scope: Scope, depth: int) -> str:
        within = self.pick(self.sequence, self.members)(scope, depth)
        return f"{self.number(scope, depth)} {self.pick('in', 'not in')} {within}"

    # Collections.

    def sequence(self, scope: Scope, depth: int = 1) -> str:
        names = scope.names["list"]
        if names and (depth <= 0 or self.chance(0.5)):
            return str(self.pick(*names))
        if depth <= 0:
            return f"[{self.number(scope, 0)}, {self.number(scope, 0)}]"
        choices = [
            f"[{self.number(scope, depth - 1)}, *range({self.pick(0, 1, 2, 3)})]",
            f"list(range({self.pick(0, 1, 2, 3)}))",
            f"sorted({self.members(scope, depth - 1)})",
            f"[a + b for a, b in sorted({self.pairs(scope, depth - 1)})]",
        ]
        if scope.process:
            choices.append(self.query(scope, depth - 1, "listof"))
            choices.append(f"list({self.query(scope, depth - 1, 'tupleof')})")
        return str(self.pick(*choices))

    def members(self, scope: Scope, depth: int = 1) -> str:
        names = scope.names["set"]
        if names and (depth <= 0 or self.chance(0.4)):
            return str(self.pick(*names))
        if depth <= 0 or not scope.process or self.chance(0.3):
            return f"{{{self.number(scope, 0)}, {self.number(scope, 0)}}}"
        return self.query(scope, depth - 1, "setof")

    def pairs(self, scope: Scope, depth: int = 1) -> str:
        names = scope.names["pairs"]
        if names and (depth <= 0 or self.chance(0.6)):
            return str(self.pick(*names))
        return str(
            self.pick(
                f"[({self.number(scope, 0)}, {self.number(scope, 0)}), (1, 2)]",
                f"{{(2, {self.number(scope, 0)}), (1, {self.number(scope, 0)})}}",
                f"list(enumerate({self.sequence(scope, 0)}))",
            )
        )

    def mapping(self, scope: Scope, depth: int = 1) -> str:
        names = scope.names["dict"]
        if names and self.chance(0.4):
            return str(self.pick(*names))
        if scope.process and depth > 0 and self.chance(0.4):
            return self.query(scope, depth - 1, "dictof")
        return f"{{{self.number(scope, 0)}: {self.number(scope, 0)}, **{{7: 7}}}}"

    def value(self, scope: Scope, kind: str, depth: int = 2) -> str:
        makers: dict[str, Callable[[Scope, int], str]] = {
            "int": self.number,
            "list": self.sequence,
            "pairs": self.pairs,
            "set": self.members,
            "dict": self.mapping,
        }
        return makers[kind](scope, depth)

    def message(self, scope: Scope) -> str:
        form = MESSAGES[self.pick(*MESSAGES)]
        return form.format(
            i=self.number(scope, 1),
            j=self.number(scope, 0),
            k=self.pick(*CONSTANTS),
            l=self.sequence(scope, 0),
            d=self.mapping(scope, 0),
            p=self.pick("self", *scope.ids),
        )

    # Queries.

    def aggregate(self, scope: Scope, depth: int) -> str:
        if not scope.process:
            return self.number(scope, 0)
        op = self.pick("lenof", "countof", "sumof", "prodof", "minof", "maxof", "len", "max", "sum")
        if op == "len":
            return f"len({self.query(scope, depth, 'setof')})"
        if op in ("max", "sum"):
            made = self.query(scope, depth, self.pick("setof", "listof"))
            return f"{op}({made}{', default=0' if op == 'max' else ''})"
        made = self.query(scope, depth, op)
        if op == "prodof":
            return f"{made} % 31"
        if op in ("minof", "maxof") and self.chance(0.97):
            return f"{made[:-1]}, default={self.pick(0, -1)})"
        return made

    def query(self, scope: Scope, depth: int, op: str) -> str:
        clauses, inner = self.clauses(scope, depth)
        result = self.number(inner, 1)
        if op == "dictof":
            result = f"({result}, {self.number(inner, 0)})"
        return f"{op}({result}, {', '.join(clauses)})"

    def clauses(self, scope: Scope, depth: int, tests: bool = True) -> tuple[list[str], Scope]:
        """Domains and conditions, and the scope with the variables they bind."""
        inner = scope.copy(suspends=False, query=True, own=set())
        inner.quiet = [name for name in scope.quiet if name in PURE]
        made = [self.domain(inner, depth)]
        for _ in range(self.pick(0, 0, 0, 1, 1, 2)):
            if tests and self.chance(0.5):
                made.append(self.test(inner, min(depth, 1)))
            else:
                made.append(self.domain(inner, depth))
        return made, inner

    def domain(self, scope: Scope, depth: int) -> str:
        table = [(2, self.simple_domain), (1, self.pair_domain), (5, self.history_domain)]
        return self.weighted(table)(scope, depth)

    def variable(self, scope: Scope) -> str:
        """A name for a pattern to bind: often one of a query, sometimes one the method has."""
        names = [name for name in scope.own if name[0] == "i"]
        if names and self.chance(0.12):
            return str(self.pick(*sorted(names)))
        return str(self.pick("x", "y", "z"))

    def simple_domain(self, scope: Scope, depth: int) -> str:
        source = self.pick(
            self.sequence(scope, depth),
            self.members(scope, depth),
            f"range({self.number(scope, 0)} % 4)",
        )
        name = self.variable(scope)
        scope.add("int", name)
        return f"{name} in {source}"

    def pair_domain(self, scope: Scope, depth: int) -> str:
        source = self.pairs(scope, 0)
        first, second = self.slot(scope), self.slot(scope)
        self.bind(scope, first, second)
        return f"({first}, {second}) in {source}"

    def slot(self, scope: Scope) -> str:
        """A pattern that matches some ints."""
        known = [n for n in scope.names["int"] if n.isidentifier()]
        if known and self.chance(0.2):
            return f"_{self.pick(*known)}"
        if self.chance(0.15):
            return str(self.pick("_", "1", f"{self.number(scope, 0)} + 0"))
        return self.variable(scope)

    def bind(self, scope: Scope, *patterns: str) -> None:
        for pattern in patterns:
            if pattern.isidentifier() and not pattern.startswith("_"):
                scope.add("int", pattern)

    def history_domain(self, scope: Scope, depth: int) -> str:
        kind, word = self.pick(("received", "from_"), ("received", "from_"), ("sent", "to"))
        pattern, binds = self.message_pattern(scope)
        peer, stamp = "", ""
        if self.chance(0.3):
            who = self.pick("p", "_", "q", *[f"_{name}" for name in scope.ids if name[0] == "g"])
            peer = f", {word}={who}"
        if self.chance(0.08):
            stamp = ", clk=t"
        elif self.chance(0.15):
            self.bind(scope, *binds)
            return f"({pattern}, {peer[-1] if peer else '_'}) in {kind}"
        self.bind(scope, *binds)
        return f"{kind}({pattern}{peer}{stamp})"

    def message_pattern(self, scope: Scope) -> tuple[str, list[str]]:
        """A pattern for a message, and the names it binds to ints."""
        a, b = self.slot(scope), self.slot(scope)
        tag = self.pick(*"aabcdef")
        some = self.pick(*CONSTANTS)
        if tag == "a":
            return f"('a', {a})", [a]
        if tag == "b":
            rest = self.pick("_", "[_, *_]", f"[{b}, *_]", "l")
            return f"('b', {a}, {rest})", [a, b] if b in rest else [a]
        if tag == "c":
            inner = self.pick(f"({a}, {b})", f"({a}, {a})", f"({a}, _)")
            return f"('c', {inner}, _)", [a, b] if b in inner else [a]
        if tag == "d":
            return f"['d', {a}, {self.pick('_', some, 'o')}]", [a]
        if tag == "e":
            return f"('e', {self.pick('_', 'self', 'p')}, {a}, {b})", [a, b]
        return f"('f', _, [{a}, [{b}]])", [a, b]

    def quantified(self, scope: Scope, depth: int) -> str:
        op = self.pick("some", "some", "each")
        clauses, inner = self.clauses(scope, depth, tests=False)
        has = f", has={self.test(inner, depth)}" if self.chance(0.6) else ""
        return f"{op}({', '.join(clauses)}{has})"

    def plain_received(self, scope: Scope, depth: int) -> str:
        value = self.number(scope, 0)
        return str(
            self.pick(
                f"received(('a', {value}))",
                f"received(('b', {value}, _))",
                f"received(('e', _, *_), from_={self.pick('self', *scope.ids)})",
                f"sent(('a', {value}))",
                f"(('a', {value}), _) {self.pick('in', 'not in')} received",
                "bool(received)",
            )
        )

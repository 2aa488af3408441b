"""Patterns as `case`s of Python's `match`, with guards for what a `case` cannot say.

    ('accepted', _n, [v, *_])   case ['accepted', n_1, [v, *_] as list_1]
                                    if n_1 == n and isinstance(list_1, list)

Invariant: what `match` compares, it compares by `==`, as the language does.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from quorate.compiler.names import call, load
from quorate.lang import nodes
from quorate.lang.nodes import Pattern

COMPARED = (str, int, bytes)  # constants that `match` compares by ==


@dataclass
class Matcher:
    """A pattern as a `case`: the pattern of `match`, its guards, the names it binds, and the
    values it compares with, as parameters (name -> expression still to be written)."""

    kinds: Mapping[str, ast.expr]  # how `tuple` and `list` are written
    taken: set[str] = field(default_factory=set)  # names that cannot be used for anything else
    write: Callable[[ast.expr], ast.expr] | None = None  # guards hold expressions it has written
    tuples: set[str] = field(default_factory=set)  # subjects that are known to be tuples
    bound: list[str] = field(default_factory=list)
    guards: list[ast.expr] = field(default_factory=list)
    values: dict[str, ast.expr] = field(default_factory=dict)

    def add(self, pattern: Pattern, subject: str | None = None) -> ast.pattern:
        """The `match` pattern of `pattern`; what it cannot say goes to the guards.

        `subject` is the variable that is matched as a whole, None inside a pattern. The kind of
        a sequence is a guard, since `case tuple([...])` takes Python ten times as long.
        """
        match pattern:
            case nodes.BindPattern(name=name):
                return self._bind(name)
            case nodes.SequencePattern(kind=kind, elements=elements):
                whole = subject or self.fresh(kind)
                if kind != "tuple" or whole not in self.tuples:
                    self.guards.append(call(load("isinstance"), load(whole), self.kinds[kind]))
                inner = ast.MatchSequence([self.add(element) for element in elements])
                return inner if subject else ast.MatchAs(inner, whole)
            case nodes.StarPattern(name=name, value=value):
                return self._rest(name, value)
            case nodes.ValuePattern(value=value):
                return self._value(value)
            case _:
                return ast.MatchAs()

    def _bind(self, name: str) -> ast.pattern:
        if name not in self.bound:
            self.bound.append(name)
            return ast.MatchAs(name=name)
        again = self.fresh(name)
        self.guards.append(_equal(load(again), load(name)))
        return ast.MatchAs(name=again)

    def _rest(self, name: str | None, value: ast.expr | None) -> ast.pattern:
        if name is not None and name not in self.bound:
            self.bound.append(name)
            return ast.MatchStar(name)
        if name is None and value is None:
            return ast.MatchStar()
        rest = self.fresh(name or "rest")
        compared = load(name or rest) if value is None else self.compared(value)
        as_tuple = ast.Tuple([ast.Starred(load(rest), ast.Load())], ast.Load())
        either = ast.Tuple([load(rest), as_tuple], ast.Load())
        self.guards.append(ast.Compare(compared, [ast.In()], [either]))
        return ast.MatchStar(rest)

    def _value(self, value: ast.expr) -> ast.pattern:
        if isinstance(value, ast.Constant) and type(value.value) in COMPARED:
            return ast.MatchValue(value)
        captured = self.fresh("value")
        self.guards.append(_equal(load(captured), self.compared(value)))
        return ast.MatchAs(name=captured)

    def compared(self, value: ast.expr) -> ast.expr:
        """How a guard names the value of an expression: by a parameter, unless it is constant."""
        if isinstance(value, ast.Constant):
            return value
        if self.write is not None:
            return self.write(value)
        wanted = value.name if isinstance(value, nodes.Field) else "wanted"
        wanted = value.id if isinstance(value, ast.Name) else wanted
        name = self.own(wanted)
        self.values[name] = value
        return load(name)

    def peer(self, pattern: Pattern | None, hint: str) -> str:
        """The name of the variable that is matched against `pattern` as a whole."""
        if isinstance(pattern, nodes.BindPattern) and pattern.name not in self.bound:
            self.bound.append(pattern.name)
            return pattern.name
        otherwise = self.own(hint)
        if isinstance(pattern, nodes.ValuePattern):
            self.guards.append(_equal(load(otherwise), self.compared(pattern.value)))
        elif isinstance(pattern, nodes.BindPattern):
            self.guards.append(_equal(load(otherwise), load(pattern.name)))
        return otherwise

    def fresh(self, hint: str) -> str:
        number = 1
        while (name := f"{hint}_{number}") in self.taken:
            number += 1
        self.taken.add(name)
        return name

    def own(self, hint: str) -> str:
        """`hint` itself where it is free."""
        if hint in self.taken:
            return self.fresh(hint)
        self.taken.add(hint)
        return hint

    def guard(self) -> ast.expr | None:
        if len(self.guards) < 2:
            return self.guards[0] if self.guards else None
        return ast.BoolOp(ast.And(), list(self.guards))


def _equal(left: ast.expr, right: ast.expr) -> ast.expr:
    return ast.Compare(left, [ast.Eq()], [right])


def tag_of(pattern: Pattern | None, *, whole: bool = True) -> str:
    """The constant that a message pattern begins with, as a name (or part of one); else ''."""
    if isinstance(pattern, nodes.SequencePattern) and pattern.elements:
        pattern = pattern.elements[0]
    if isinstance(pattern, nodes.ValuePattern) and isinstance(pattern.value, ast.Constant):
        text = "".join(c if c.isalnum() else "_" for c in str(pattern.value.value))
        if whole and keyword.iskeyword(text):
            return ""
        return text if (text if whole else f"_{text}").isidentifier() else ""
    return ""


def constant_at_head(message: Pattern | None) -> ast.Constant | None:
    """What every message that matches begins with: the 'tag' of `('tag', x)`."""
    match message:
        case nodes.SequencePattern(
            kind="tuple", elements=[nodes.ValuePattern(value=ast.Constant() as tag), *_]
        ):
            return tag
    return None


def is_complex(pattern: Pattern | None) -> bool:
    """Whether a pattern is more than one variable or value."""
    return isinstance(pattern, (nodes.SequencePattern, nodes.StarPattern))


def is_constant(pattern: Pattern) -> bool:
    """Whether `match` itself compares with it."""
    value = pattern.value if isinstance(pattern, nodes.ValuePattern) else None
    return isinstance(value, ast.Constant) and type(value.value) in COMPARED


def guarded(
    cases: list[tuple[ast.expr, ast.pattern]], guard: ast.expr | None, body: list[ast.stmt]
) -> list[ast.stmt]:
    """`body` inside a `match` for each case, the guard on the innermost."""
    if not cases:
        return [ast.If(guard, body, [])] if guard is not None else body
    for place, (subject, pattern) in enumerate(reversed(cases)):
        test = guard if place == 0 else None
        body = [ast.Match(subject, [ast.match_case(pattern, test, body)])]
    return body


def pack(names: list[str]) -> ast.expr:
    if len(names) == 1:
        return load(names[0])
    if not names:
        return ast.Constant(True)
    return ast.Tuple([load(name) for name in names], ast.Load())


def only_arguments(args: list[ast.arg]) -> ast.arguments:
    return ast.arguments(
        posonlyargs=[],
        args=args,
        vararg=None,
        kwonlyargs=[],
        kw_defaults=[],
        kwarg=None,
        defaults=[],
    )

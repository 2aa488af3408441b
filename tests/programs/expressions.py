"""Python's own expressions, targets and `match` patterns, in the naive interpreter.

Invariant: parts are evaluated in the order Python says, and any of them may suspend.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from programs.scopes import Env, Evaluation, now
from programs.world import World
from quorate.lang import nodes

OPERATORS: dict[str, Any] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mult": operator.mul,
    "Div": operator.truediv,
    "FloorDiv": operator.floordiv,
    "Mod": operator.mod,
    "Pow": operator.pow,
    "LShift": operator.lshift,
    "RShift": operator.rshift,
    "BitAnd": operator.and_,
    "BitOr": operator.or_,
    "BitXor": operator.xor,
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
    "Is": operator.is_,
    "IsNot": operator.is_not,
    "In": lambda a, b: a in b,
    "NotIn": lambda a, b: a not in b,
    "Not": operator.not_,
    "USub": operator.neg,
    "UAdd": operator.pos,
    "Invert": operator.invert,
}
SEQUENCES = (list, tuple, range)
Found = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """An element of a generator expression, among the stops of its evaluation."""

    value: Any


class ExpressionEvaluator:
    """Expressions; `self.value(node, env)` is a coroutine that ends with the value."""

    def __init__(self, world: World) -> None:
        self.world = world

    def value(self, node: ast.AST, env: Env) -> Evaluation:
        evaluation: Evaluation = getattr(self, f"of_{type(node).__name__}")(node, env)
        return evaluation

    def optional(self, node: ast.AST | None, env: Env) -> Evaluation:
        return None if node is None else (yield from self.value(node, env))

    def values(self, elements: list[Any], env: Env) -> Evaluation:
        made: list[Any] = []
        for element in elements:
            if isinstance(element, ast.Starred):
                made.extend((yield from self.value(element.value, env)))
            else:
                made.append((yield from self.value(element, env)))
        return made

    def call(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Evaluation:
        raise NotImplementedError

    # Names.

    def of_Constant(self, node: ast.Constant, env: Env) -> Evaluation:
        yield from ()
        return node.value

    def of_Name(self, node: ast.Name, env: Env) -> Evaluation:
        yield from ()
        return env.load(node.id)

    def of_Field(self, node: nodes.Field, env: Env) -> Evaluation:
        yield from ()
        return getattr(env.proc, node.name)

    def of_Self(self, node: nodes.Self, env: Env) -> Evaluation:
        yield from ()
        return env.proc if node.whole else env.proc.m_.id

    def is_field(self, name: str, env: Env) -> bool:
        """Whether a bare name that is not a node (`case x`, `def x`) is a field here."""
        holder = env.holder(name)
        if env.owner is None or (holder is not None and holder.kind != "module"):
            return False
        return env.proc is not None and name in env.owner.known_

    def store_name(self, name: str, value: Any, env: Env) -> Evaluation:
        yield from ()
        if env.kind != "class" and self.is_field(name, env):
            setattr(env.proc, name, value)
        else:
            env.store(name, value)

    def assign(self, target: ast.expr, value: Any, env: Env) -> Evaluation:
        match target:
            case ast.Name(id=name):
                env.store(name, value)
            case nodes.Field(name=name):
                setattr(env.proc, name, value)
            case ast.Attribute(value=owner, attr=name):
                setattr((yield from self.value(owner, env)), name, value)
            case ast.Subscript(value=owner, slice=index):
                at = yield from self.value(owner, env)
                at[(yield from self.value(index, env))] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                yield from self.unpack(targets, list(value), env)
            case _:
                raise AssertionError(target)

    def unpack(self, targets: list[ast.expr], values: list[Any], env: Env) -> Evaluation:
        stars = [i for i, target in enumerate(targets) if isinstance(target, ast.Starred)]
        if stars:
            at, after = stars[0], len(targets) - stars[0] - 1
            if len(values) < at + after:
                raise ValueError("not enough values to unpack")
            middle = values[at : len(values) - after]
            values = [*values[:at], middle, *values[len(values) - after :]]
        if len(values) != len(targets):
            raise ValueError("wrong number of values to unpack")
        for target, value in zip(targets, values, strict=True):
            plain = target.value if isinstance(target, ast.Starred) else target
            yield from self.assign(plain, value, env)

    def of_NamedExpr(self, node: ast.NamedExpr, env: Env) -> Evaluation:
        value = yield from self.value(node.value, env)
        yield from self.assign(node.target, value, env.function())
        return value

    # Operators.

    def of_BoolOp(self, node: ast.BoolOp, env: Env) -> Evaluation:
        value: Any = None
        for part in node.values:
            value = yield from self.value(part, env)
            if bool(value) is isinstance(node.op, ast.Or):
                return value
        return value

    def of_BinOp(self, node: ast.BinOp, env: Env) -> Evaluation:
        left = yield from self.value(node.left, env)
        right = yield from self.value(node.right, env)
        return OPERATORS[type(node.op).__name__](left, right)

    def of_UnaryOp(self, node: ast.UnaryOp, env: Env) -> Evaluation:
        return OPERATORS[type(node.op).__name__]((yield from self.value(node.operand, env)))

    def of_Compare(self, node: ast.Compare, env: Env) -> Evaluation:
        left = yield from self.value(node.left, env)
        answer: Any = True
        for op, part in zip(node.ops, node.comparators, strict=True):
            right = yield from self.value(part, env)
            answer = OPERATORS[type(op).__name__](left, right)
            if not answer:
                return answer
            left = right
        return answer

    def of_IfExp(self, node: ast.IfExp, env: Env) -> Evaluation:
        holds = yield from self.value(node.test, env)
        return (yield from self.value(node.body if holds else node.orelse, env))

    # Displays, parts, text.

    def of_List(self, node: ast.List, env: Env) -> Evaluation:
        return (yield from self.values(node.elts, env))

    def of_Tuple(self, node: ast.Tuple, env: Env) -> Evaluation:
        return tuple((yield from self.values(node.elts, env)))

    def of_Set(self, node: ast.Set, env: Env) -> Evaluation:
        return set((yield from self.values(node.elts, env)))

    def of_Dict(self, node: ast.Dict, env: Env) -> Evaluation:
        made: dict[Any, Any] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            if key is None:
                made.update((yield from self.value(item, env)))
            else:
                name = yield from self.value(key, env)
                made[name] = yield from self.value(item, env)
        return made

    def of_Attribute(self, node: ast.Attribute, env: Env) -> Evaluation:
        return getattr((yield from self.value(node.value, env)), node.attr)

    def of_Subscript(self, node: ast.Subscript, env: Env) -> Evaluation:
        at = yield from self.value(node.value, env)
        return at[(yield from self.value(node.slice, env))]

    def of_Slice(self, node: ast.Slice, env: Env) -> Evaluation:
        lower = yield from self.optional(node.lower, env)
        upper = yield from self.optional(node.upper, env)
        return slice(lower, upper, (yield from self.optional(node.step, env)))

    def of_JoinedStr(self, node: ast.JoinedStr, env: Env) -> Evaluation:
        parts = yield from self.values(node.values, env)
        return "".join(parts)

    def of_FormattedValue(self, node: ast.FormattedValue, env: Env) -> Evaluation:
        value = yield from self.value(node.value, env)
        form = yield from self.optional(node.format_spec, env)
        changes: dict[int, Any] = {ord("r"): repr, ord("s"): str, ord("a"): ascii}
        change = changes.get(node.conversion)
        return format(change(value) if change else value, form or "")

    # Comprehensions. Those that make a container may suspend; a generator expression, being
    # run by whoever takes from it, may not.

    def comprehend(self, node: Any, env: Env, add: Callable[[Env], Evaluation]) -> Evaluation:
        first = yield from self.value(node.generators[0].iter, env)
        yield from self.rounds(node.generators, first, env, add)

    def rounds(
        self,
        generators: list[ast.comprehension],
        values: Any,
        env: Env,
        add: Callable[[Env], Evaluation],
    ) -> Evaluation:
        own = {n.id for g in generators for n in ast.walk(g.target) if isinstance(n, ast.Name)}
        for value in values:
            inside = Env(env, own=own, kind="inner")
            yield from self.assign(generators[0].target, value, inside)
            if not (yield from self.passes(generators[0].ifs, inside)):
                continue
            if len(generators) == 1:
                yield from add(inside)
            else:
                following = yield from self.value(generators[1].iter, inside)
                yield from self.rounds(generators[1:], following, inside, add)

    def passes(self, tests: list[ast.expr], env: Env) -> Evaluation:
        for test in tests:
            if not (yield from self.value(test, env)):
                return False
        return True

    def of_ListComp(self, node: ast.ListComp, env: Env) -> Evaluation:
        made: list[Any] = []

        def add(inside: Env) -> Evaluation:
            made.append((yield from self.value(node.elt, inside)))

        yield from self.comprehend(node, env, add)
        return made

    def of_SetComp(self, node: ast.SetComp, env: Env) -> Evaluation:
        made: set[Any] = set()

        def add(inside: Env) -> Evaluation:
            made.add((yield from self.value(node.elt, inside)))

        yield from self.comprehend(node, env, add)
        return made

    def of_DictComp(self, node: ast.DictComp, env: Env) -> Evaluation:
        made: dict[Any, Any] = {}

        def add(inside: Env) -> Evaluation:
            key = yield from self.value(node.key, inside)
            made[key] = yield from self.value(node.value, inside)

        yield from self.comprehend(node, env, add)
        return made

    def of_GeneratorExp(self, node: ast.GeneratorExp, env: Env) -> Evaluation:
        first = iter((yield from self.value(node.generators[0].iter, env)))

        def add(inside: Env) -> Evaluation:
            yield Made(now(self.value(node.elt, inside)))  # type: ignore[misc]

        def elements() -> Iterator[Any]:
            for made in self.rounds(node.generators, first, env, add):
                if not isinstance(made, Made):
                    raise RuntimeError("suspended inside a generator expression")
                yield made.value

        return elements()

    # `match`.

    def match_case(self, pattern: ast.pattern, value: Any, found: Found, env: Env) -> Evaluation:
        """Whether `value` matches a pattern of Python's; names go to `found`."""
        match pattern:
            case ast.MatchValue(value=expression):
                return value == (yield from self.value(expression, env))
            case ast.MatchSingleton(value=constant):
                return value is constant
            case ast.MatchAs(pattern=inner, name=name):
                if inner and not (yield from self.match_case(inner, value, found, env)):
                    return False
                if name:
                    found[name] = value
                return True
            case ast.MatchOr(patterns=patterns):
                for each in patterns:
                    if (yield from self.match_case(each, value, found, env)):
                        return True
                return False
            case ast.MatchSequence(patterns=patterns):
                return (yield from self.match_sequence(patterns, value, found, env))
            case ast.MatchMapping():
                return (yield from self.match_mapping(pattern, value, found, env))
            case ast.MatchClass():
                return (yield from self.match_class(pattern, value, found, env))
        raise AssertionError(pattern)

    def match_sequence(self, patterns: Any, value: Any, found: Found, env: Env) -> Evaluation:
        if not isinstance(value, SEQUENCES):
            return False
        stars = [i for i, p in enumerate(patterns) if isinstance(p, ast.MatchStar)]
        values = list(value)
        if stars:
            at, after = stars[0], len(patterns) - stars[0] - 1
            if len(values) < at + after:
                return False
            if patterns[at].name:
                found[patterns[at].name] = values[at : len(values) - after]
            patterns = [*patterns[:at], *patterns[at + 1 :]]
            values = [*values[:at], *values[len(values) - after :]]
        if len(values) != len(patterns):
            return False
        for each, part in zip(patterns, values, strict=True):
            if not (yield from self.match_case(each, part, found, env)):
                return False
        return True

    def match_mapping(self, pattern: Any, value: Any, found: Found, env: Env) -> Evaluation:
        if not isinstance(value, dict):
            return False
        rest = dict(value)
        for key, inner in zip(pattern.keys, pattern.patterns, strict=True):
            name = yield from self.value(key, env)
            if name not in value:
                return False
            rest.pop(name, None)
            if not (yield from self.match_case(inner, value[name], found, env)):
                return False
        if pattern.rest:
            found[pattern.rest] = rest
        return True

    def match_class(self, pattern: Any, value: Any, found: Found, env: Env) -> Evaluation:
        kind = yield from self.value(pattern.cls, env)
        if not isinstance(value, kind):
            return False
        if pattern.patterns:
            simple = kind in (int, str, bool, float, list, tuple, dict, set, bytes, frozenset)
            names = [None] if simple else kind.__match_args__
            for inner, name in zip(pattern.patterns, names, strict=False):
                part = value if name is None else getattr(value, name)
                if not (yield from self.match_case(inner, part, found, env)):
                    return False
        for name, inner in zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True):
            if not hasattr(value, name):
                return False
            if not (yield from self.match_case(inner, getattr(value, name), found, env)):
                return False
        return True

"""Random patterns and queries over random histories: compiled, and evaluated by environments.

The evaluator here walks the query as a value; it shares nothing with the compiler. A pattern is a
tuple: ("any",), ("bind", name), ("is", value), ("marked", name), ("star", name or None), or
("tuple" or "list", patterns).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from compiled import ANN, BOB, module
from quorate.core.ambient import here
from stage import Actor

NAMES = ("x", "y", "z", "w")
"""x is a field, y a local, z and w are locals that only witnesses change."""
OUTER = {"x": 1, "y": "a", "z": 0, "w": 2}
Env = dict[str, Any]


# The language, naively ------------------------------------------------------------------------


@dataclass
class Clause:
    """`pattern in members`, or `received(pattern, from_=peer)` where `members` is None."""

    pattern: Any
    members: list[Any] | None
    peer: Any = None


@dataclass
class Query:
    """`op(clauses, has=condition)`.

    A condition is None, ("same", name, name), ("not", c), ("and", c, c) or a Query.
    """

    op: str
    clauses: list[Clause]
    condition: Any


def match(pattern: Any, value: Any, env: Env, outer: Env, marked: set[str]) -> bool:
    """Whether `value` matches; binds in `env`. `outer` is what is around the query.

    `marked` are the names that mean their values, since `_name` has occurred.
    """
    match pattern:
        case ("any",):
            return True
        case ("is", wanted):
            return bool(value == wanted)
        case ("marked", name):
            return bool(value == known(name, env, outer))
        case ("bind", name) if name in env or name in marked:
            return bool(value == known(name, env, outer))
        case ("bind", name):
            env[name] = value
            return True
        case (kind, parts):
            same_kind = type(value).__name__ == kind
            return same_kind and match_all(parts, list(value), env, outer, marked)
    raise AssertionError(pattern)


def known(name: str, env: Env, outer: Env) -> Any:
    return env[name] if name in env else outer[name]


def match_all(parts: list[Any], values: list[Any], env: Env, outer: Env, marked: set[str]) -> bool:
    if not parts:
        return not values
    first, *others = parts
    if first[0] != "star":
        good = bool(values) and match(first, values[0], env, outer, marked)
        return good and match_all(others, values[1:], env, outer, marked)
    size = len(values) - len(others)
    if size < 0:
        return False
    rest, name = values[:size], first[1]
    if name is not None and (name in env or name in marked):
        good = known(name, env, outer) in (rest, tuple(rest))
    else:
        good = name is None or match(("bind", name), rest, env, outer, marked)
    return good and match_all(others, values[size:], env, outer, marked)


def marked_in(pattern: Any) -> set[str]:
    match pattern:
        case ("marked", name):
            return {name}
        case ("tuple" | "list", parts):
            return {name for part in parts for name in marked_in(part)}
    return set()


def bound_in(pattern: Any) -> set[str]:
    match pattern:
        case ("bind" | "star", str(name)):
            return {name}
        case ("tuple" | "list", parts):
            return {name for part in parts for name in bound_in(part)}
    return set()


def solutions(
    clauses: list[Clause], env: Env, outer: Env, marked: set[str], history: Any
) -> Iterator[Env]:
    """The environments, one after the other, that satisfy all clauses."""
    if not clauses:
        yield env
        return
    clause, *others = clauses
    own = marked | marked_in(clause.pattern) - set(env)
    entries = history if clause.members is None else [(m, None) for m in clause.members]
    for value, peer in entries:
        inner = dict(env)
        good = match(clause.pattern, value, inner, outer, own)
        if good and (clause.peer is None or match(clause.peer, peer, inner, outer, own)):
            yield from solutions(others, inner, outer, own, history)


def holds(condition: Any, env: Env, history: Any, leaks: bool = False) -> tuple[bool, Env]:
    """(whether a condition holds, the witness it leaves); with `leaks`, to what follows in it."""
    match condition:
        case ("same", one, other):
            return bool(env[one] == env[other]), {}
        case ("not", inner):
            return not holds(inner, env, history)[0], {}
        case ("and", one, other):
            first, witness = holds(one, env, history, leaks)
            visible = {**env, **witness} if leaks else env
            second, more = holds(other, visible, history, leaks) if first else (False, {})
            return second, {**witness, **more}
        case Query():
            return evaluate(condition, env, history)
    return True, {}


def evaluate(query: Query, env: Env, history: Any) -> tuple[bool, Env]:
    joined = query.op == "some" and not clashes(query)
    for found in solutions(query.clauses, {}, env, set(), history):
        good, witness = holds(query.condition, {**env, **found}, history, joined)
        if query.op == "each" and not good:
            return False, {}
        if query.op == "some" and good:
            return True, {**found, **(witness if joined else {})}
    return query.op == "each", {}


def own_names(query: Query) -> set[str]:
    return bound_and_marked(query)[0]


def bound_and_marked(query: Query) -> tuple[set[str], set[str]]:
    patterns = [p for clause in query.clauses for p in (clause.pattern, clause.peer)]
    marked: set[str] = set()
    names: set[str] = set()
    for pattern in patterns:
        marked |= marked_in(pattern) - names
        names |= bound_in(pattern) - marked
    return names, marked


def conjuncts(condition: Any) -> list[Any]:
    if isinstance(condition, tuple) and condition[0] == "and":
        return [part for one in condition[1:] for part in conjuncts(one)]
    return [condition]


def somes(query: Query) -> list[Query]:
    """The `some`s that stand as conjuncts in the condition of a `some`."""
    return [q for q in conjuncts(query.condition) if isinstance(q, Query) and q.op == "some"]


def witness_names(query: Query) -> set[str]:
    own = own_names(query)
    return own if clashes(query) else own.union(*map(witness_names, somes(query)))


def clashes(query: Query) -> bool:
    """Whether two `some`s that stand together use one name each for itself: then they are apart."""
    names = set().union(*bound_and_marked(query))
    for inner in somes(query):
        if names & witness_names(inner):
            return True
        names |= witness_names(inner) | bound_and_marked(inner)[1]
    return False


# The same as text -----------------------------------------------------------------------------


def pattern_text(pattern: Any) -> str:
    match pattern:
        case ("any",):
            return "_"
        case ("is", value):
            return repr(value)
        case ("marked", name):
            return f"_{name}"
        case ("bind", name):
            return str(name)
        case ("star", name):
            return f"*{name or '_'}"
        case ("tuple", [one]):
            return f"({pattern_text(one)},)"
        case (kind, parts):
            inside = ", ".join(map(pattern_text, parts))
            return f"({inside})" if kind == "tuple" else f"[{inside}]"
    raise AssertionError(pattern)


def text(part: Any) -> str:
    match part:
        case ("same", one, other):
            return f"{one} == {other}"
        case ("not", inner):
            return f"(not ({text(inner)}))"
        case ("and", one, other):
            return f"({text(one)} and {text(other)})"
        case Clause(pattern=pattern, members=None, peer=peer):
            sender = "" if peer is None else f", from_={pattern_text(peer)}"
            return f"received({pattern_text(pattern)}{sender})"
        case Clause(pattern=pattern, members=members):
            return f"{pattern_text(pattern)} in {members!r}"
        case Query(op=op, clauses=clauses, condition=condition):
            has = "" if condition is None else f", has={text(condition)}"
            return f"{op}({', '.join(map(text, clauses))}{has})"
    raise AssertionError(part)


# Random ones ----------------------------------------------------------------------------------

names = st.sampled_from(NAMES)
few = st.sampled_from([0, 1, 2, "a"])
atoms = few | few | st.sampled_from(["b", None, True, 2.5, -1, b"k"])
values = st.recursive(
    atoms,
    lambda inner: st.lists(inner, max_size=3).flatmap(lambda v: st.sampled_from([v, tuple(v)])),
    max_leaves=5,
)
senders = st.sampled_from([ANN, BOB])
simple = st.one_of(
    st.tuples(st.just("any")),
    st.tuples(st.just("bind"), names),
    st.tuples(st.just("bind"), names),
    st.tuples(st.just("marked"), names),
    st.tuples(st.just("is"), atoms),
)


@st.composite
def sequences(draw: st.DrawFn, inner: Any) -> Any:
    parts = draw(st.lists(inner, max_size=3))
    if draw(st.booleans()):
        star = ("star", draw(st.one_of(st.none(), names)))
        parts.insert(draw(st.integers(0, len(parts))), star)
    return draw(st.sampled_from(["tuple", "tuple", "list"])), parts


patterns = st.recursive(simple, sequences, max_leaves=4)


@st.composite
def matching(draw: st.DrawFn, pattern: Any) -> Any:
    """A value of the shape of a pattern, so that some of them match."""
    match pattern:
        case ("is", value):
            return value
        case ("marked", name):
            return OUTER[name]
        case ("tuple" | "list" as kind, parts):
            made: list[Any] = []
            for part in parts:
                made += (
                    draw(st.lists(atoms, max_size=2))
                    if part[0] == "star"
                    else [draw(matching(part))]
                )
            return tuple(made) if kind == "tuple" else made
    return draw(few)


@st.composite
def clauses(draw: st.DrawFn, history: list[Any]) -> Clause:
    pattern = draw(patterns)
    some = draw(st.lists(matching(pattern) | matching(pattern) | values, min_size=1, max_size=5))
    if draw(st.booleans()):
        return Clause(pattern, some)
    history.extend((value, draw(senders)) for value in some)
    peer = draw(st.one_of(st.none(), st.tuples(st.just("bind"), names), st.tuples(st.just("any"))))
    return Clause(pattern, None, peer)


@st.composite
def queries(draw: st.DrawFn, history: list[Any], depth: int = 2) -> Query:
    parts = [draw(clauses(history)) for _ in range(draw(st.sampled_from([1, 1, 1, 2, 2, 3])))]
    op = draw(st.sampled_from(["some", "some", "some", "each"]))
    condition = draw(st.one_of(st.none(), conditions(history, depth)))
    return Query(op, parts, condition)


def conditions(history: list[Any], depth: int) -> Any:
    same = st.tuples(st.just("same"), names, names)
    same |= names.map(lambda name: ("same", name, name))
    if depth == 0:
        return same
    inner = st.deferred(lambda: conditions(history, depth - 1))
    return st.one_of(
        same,
        st.tuples(st.just("not"), inner),
        st.tuples(st.just("and"), inner, inner),
        queries(history, depth - 1),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Query, list[Any]]:
    history: list[Any] = []
    query = draw(queries(history))
    return query, history


SETTINGS = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@given(cases())
@SETTINGS
def test_queries_answer_as_the_naive_evaluator(case: tuple[Query, list[Any]]) -> None:
    query, history = case
    found, witness = evaluate(query, OUTER, history)
    changed = {**OUTER, **witness} if query.op == "some" else OUTER
    own = sorted(own_names(query))
    every = [
        tuple(env[name] for name in own)
        for env in solutions(query.clauses, {}, OUTER, set(), history)
        if holds(query.condition, {**OUTER, **env}, history)[0]
    ]
    clauses = ", ".join(map(text, query.clauses))
    filter = "" if query.condition is None else f", {text(query.condition)}"
    program = f"""
class P(process):
    def setup(x): pass
    def truth():
        y, z, w = 'a', 0, 2
        return {text(query)}
    def every():
        y, z, w = 'a', 0, 2
        return listof(({"".join(name + ", " for name in own)}), {clauses}{filter})
    def witness():
        y, z, w = 'a', 0, 2
        found = {text(query)}
        return found, dict(x=x, y=y, z=z, w=w)
"""
    event(f"{query.op} {found}, {min(len(every), 3)} solutions, inner {bool(somes(query))}")
    answers = {"truth": found, "every": every, "witness": (found, changed)}
    for views in (True, False):
        cls = module(program, views=views).P
        for method, expected in answers.items():
            actor = Actor(cls, OUTER["x"])  # a new one: the witness may be left in the field
            for message, peer in history:
                actor.process.remember_("received", message, peer, None)
            here.process = actor.process
            assert getattr(actor.process, method)() == expected, program

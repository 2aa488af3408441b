"""Views answer as going over the whole history does, after every event of random histories."""

import copy
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from compiled import ANN, BOB, ME, module, shown
from quorate.compiler.queries import QueryWriter
from quorate.core.ambient import here
from quorate.core.errors import ProgramError
from stage import Actor

EXAMPLES = int(os.environ.get("QUORATE_EXAMPLES", "200"))
"""How many programs; each has two queries, asked after each of up to a dozen events."""

SOME = {(one, two) for one in (0, 1, "a") for two in range(2)} | {3, (0, (1, 1))}
FIELDS = {"x": 1, "y": 0, "z": ANN, "s": [0, 1, "a"], "t": SOME, "u": SOME - {3}, "d": {0: 1}}
METHODS = """
    def add(v): t.add(v)
    def drop(v): t.discard(v)
    def drop_all(v): t -= {v, 0}
    def enlarge(v): t |= {(v, n) for n in range(12)}
    def begin(v): t = {(n, v) for n in range(12)}
    def begin_list(v): s, u = [v, 0], t - {v}
    def without(v): t = t - {v}
    def alias(v): u = t
    def swap(v): t, u = u, t
    def local(v):
        mine = t = set(u)
        mine.add(v)
    def append(v): s.append(v)
    def shorten(v): s[1:] = [v]
    def put(v): d[v] = v
    def take(v): d.pop(v, 0)
    def clear(v):
        d.clear()
        t.clear()
"""
ACTS = [line.split("def ")[1].split("(")[0] for line in METHODS.splitlines() if "def " in line]
Draw = st.DrawFn

# Queries as text ------------------------------------------------------------------------------

small = st.sampled_from(["0", "1", "2", "x", "y", "'a'", "True"])
numbers = st.sampled_from(["0", "1", "2", "x", "y", "x + y"])


class Names:
    """Fresh variables; those of the queries around may be used."""

    def __init__(self) -> None:
        self.count = 0
        self.known: list[str] = []

    def fresh(self) -> str:
        self.count += 1
        return f"v{self.count}"


@st.composite
def slots(draw: Draw, names: Names, own: list[str]) -> str:
    """One place of a pattern."""
    match draw(st.sampled_from(["bind"] * 5 + ["again", "value", "field", "any", "outer"])):
        case "again" if own:
            return draw(st.sampled_from(own))
        case "value":
            return draw(small)
        case "field":
            return "_" + draw(st.sampled_from(["x", "y"]))
        case "any":
            return "_"
        case "outer" if names.known:
            return "_" + draw(st.sampled_from(names.known))
    own.append(names.fresh())
    return own[-1]


@st.composite
def domains(draw: Draw, names: Names, own: list[str]) -> str:
    """A clause that binds: messages received or sent, or the members of a collection."""
    word = draw(st.sampled_from(["received"] * 4 + ["sent"] * 2 + ["in"] * 2))
    if word == "in":
        shape = draw(st.sampled_from(["{}", "({}, {})", "({}, {})", "({}, ({}, _))", "({}, *_)"]))
        pattern = shape.format(*(draw(slots(names, own)) for _ in range(shape.count("{}"))))
        return f"{pattern} in {draw(st.sampled_from(['s', 't', 't', 't', 'u', 'd', 't | u']))}"
    if draw(st.integers(0, 9)) == 0:
        message = draw(slots(names, own))
    else:
        one, two = draw(slots(names, own)), draw(slots(names, own))
        shapes = [f"('a', {one}, {two})", f"('b', ({one}, {two}))", f"('c', {one}, {two}, *_)"]
        message = draw(st.sampled_from(shapes))
    peer = draw(st.sampled_from(["", "", "bind", "_z"]))
    if peer == "bind":
        own.append(names.fresh())
        peer = own[-1]
    side = "from_" if word == "received" else "to"
    clock = ""
    if word == "received" and draw(st.integers(0, 3)) == 0:
        own.append(names.fresh())
        clock = f", clk={own[-1]}"
    return f"{word}({message}{f', {side}={peer}' if peer else ''}{clock})"


@st.composite
def conditions(draw: Draw, names: Names, own: list[str], depth: int) -> str:
    """A condition on the variables of a query."""
    variables = own or ["x"]
    variable = draw(st.sampled_from(variables))
    pair = f"({variable}, {draw(st.sampled_from(variables))})"
    compared = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
    kind = draw(
        st.sampled_from(["compare"] * 3 + ["pair", "and", "or", "not", "query", "has", "sum"])
    )
    if depth == 0 and kind in ("and", "or", "not", "query", "has", "sum"):
        kind = "compare"
    inner = conditions(names, own, depth - 1)
    match kind:
        case "compare":
            side = draw(st.sampled_from([variable, variable, f"n({variable})"]))
            sides = [side, draw(numbers)]
            return f" {compared} ".join(draw(st.permutations(sides)))
        case "pair":
            return f"{pair} {compared} ({draw(numbers)}, {draw(numbers)})"
        case "and" | "or":
            return f"({draw(inner)} {kind} {draw(inner)})"
        case "not":
            return f"(not {draw(inner)})"
        case "has":
            return f"received(('a', {variable}, {draw(st.sampled_from(variables))}))"
        case "sum":
            bound: list[str] = []
            clause = draw(domains(Inner(names, own), bound))
            result = draw(st.sampled_from(bound or ["1"]))
            return f"len(setof({result}, {clause})) {compared} {draw(numbers)}"
    return draw(queries(Inner(names, own), depth - 1, ["some", "each"]))


class Inner(Names):
    """Inside of a query: its variables are known."""

    def __init__(self, around: Names, own: list[str]) -> None:
        super().__init__()
        self.around = around
        self.known = around.known + own

    def fresh(self) -> str:
        return self.around.fresh()


OPERATIONS = [
    "some",
    "each",
    "some",
    "each",
    "maxof",
    "minof",
    "setof",
    "listof",
    "lenof",
    "countof",
    "sumof",
    "maxof",
    "minof",
]


@st.composite
def queries(draw: Draw, names: Names, depth: int, operations: list[str] = OPERATIONS) -> str:
    op = draw(st.sampled_from(operations))
    own: list[str] = []
    several = range(draw(st.sampled_from([1, 1, 1, 2])))
    depth = draw(st.integers(0, depth))
    parts = [draw(domains(Inner(names, own), own)) for _ in several]
    if op in ("some", "each"):
        has = draw(conditions(names, own, depth))
        return f"{op}({', '.join(parts)}, has={has})"
    if draw(st.booleans()):
        parts.append(draw(conditions(names, own, depth)))
    variable = draw(st.sampled_from(own or ["1"]))
    pair = f"({variable}, {draw(st.sampled_from(own or ['1']))})"
    if op == "sumof":
        result = draw(st.sampled_from([f"n({variable})", variable]))
        return f"sumof({result}, {', '.join(parts)})"
    if op in ("maxof", "minof"):
        result = draw(st.sampled_from([variable, pair]))
        asked = f"{op}({result}, {', '.join(parts)}, default=None)"
        other = f"{op[:3]}(setof({result}, {', '.join(parts)}) | {{{draw(numbers)}}})"
        return draw(st.sampled_from([asked, asked, other])) if result == variable else asked
    return f"{op}({draw(st.sampled_from([variable, pair]))}, {', '.join(parts)})"


@st.composite
def bodies(draw: Draw) -> str:
    """A method that answers a query; that of a `some` with its witness."""
    asked = st.one_of(queries(Names(), 2), over_members(), over_messages(), looked_up(), joined())
    kind = draw(st.sampled_from(["query"] * 6 + ["witness", "witness", "top"]))
    if kind == "query":
        return f"return {draw(asked)}"
    names, own = Names(), list[str]()
    if kind == "top":
        return f"return {draw(tops(names))}"
    domain = draw(domains(names, own))
    compared = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
    variable = draw(st.sampled_from(own or ["x"]))
    pair = f"({variable}, {draw(st.sampled_from(own or ['x']))})"
    tests = [f"{variable} {compared} {draw(small)}", f"{pair} {compared} ({draw(numbers)}, 1)"]
    tests.append(f"(y, {variable}) {compared} ({draw(numbers)}, {draw(numbers)})")
    has = draw(st.sampled_from(tests)) + draw(st.sampled_from(["", "", " and y < 2", " or y > 1"]))
    return f"return [{', '.join(own)}] if some({domain}, has={has}) else None"


@st.composite
def tops(draw: Draw, names: Names) -> str:
    """A query about those messages of which one part is the greatest, or the least."""
    one, two, peer, other, free = (names.fresh() for _ in range(5))
    known = draw(st.sampled_from(["", "_x", "_z"]))
    parts = [one, two] if known != "_x" else [one, "_x"]
    sender = {"": peer, "_x": peer, "_z": "_z"}[known]
    same = f"_{two}" if known != "_x" else "_x"
    inner = [other, draw(st.sampled_from(["_", same, same, "_y", free]))]
    of = draw(st.sampled_from([f"_{peer}" if sender == peer else "_z", "_", "_"]))
    if draw(st.booleans()):
        parts, inner = parts[::-1], inner[::-1]
    clause = f"received(('a', {', '.join(parts)}), from_={sender})"
    word = draw(st.sampled_from(["max", "min"]))
    within = f"received(('a', {', '.join(inner)}), from_={of})"
    extreme = draw(
        st.sampled_from([f"{word}of({other}, {within})", f"{word}(setof({other}, {within}))"])
    )
    test = " == ".join(draw(st.permutations([one, extreme])))
    test += draw(st.sampled_from(["", f" and {one} != y"]))
    bound = ", ".join(name for name in (one, *parts, sender) if not name.startswith("_"))
    op = draw(st.sampled_from(["some", "setof", "lenof", "listof"]))
    if op == "some":
        return f"[{bound}] if some({clause}, has={test}) else None"
    return f"{op}(({bound},), {clause}, {test})"


@st.composite
def over_members(draw: Draw) -> str:
    """A query over the members of a field that asks for messages about each, as awaits do."""
    names, own = Names(), []  # type: tuple[Names, list[str]]
    shape = draw(st.sampled_from(["{}", "{}", "({}, {})", "({}, *_)"]))
    own += [names.fresh() for _ in range(shape.count("{}"))]
    one, two = draw(st.sampled_from(own)), draw(st.sampled_from([*own, "x", "x", "y", "2"]))
    word = draw(st.sampled_from(["received", "received", "sent"]))
    fact = f"{word}(('a', {', '.join(draw(st.permutations([one, two])))}))"
    greater = f"some({word}(('a', _{one}, w)), has=w {draw(st.sampled_from('<>'))} {two})"
    inner = f"some((_{one}, w) in u, has={word}(('a', w, {two})))"
    parts = [
        f"{draw(st.sampled_from(['', 'not ']))}{draw(st.sampled_from([fact, greater, inner]))}"
    ]
    if draw(st.booleans()):
        parts.append(draw(conditions(names, own, 1)))
    has = f" {draw(st.sampled_from(['and', 'or']))} ".join(draw(st.permutations(parts)))
    collection = draw(st.sampled_from(["s", "t", "t", "u", "d"]))
    op = draw(st.sampled_from(["some", "each"]))
    asked = f"{op}({shape.format(*own)} in {collection}, has={has})"
    return f"[{asked}, {one}] if {asked} else 0" if op == "some" else asked


@st.composite
def over_messages(draw: Draw) -> str:
    """A query over messages that asks for others about each, as awaits do."""
    names = Names()
    one, two, peer = (names.fresh() for _ in range(3))
    facts = [f"received(('b', ({one}, {two})))", f"received(('c', {one}, _), from_={peer})"]
    facts += [f"sent(('a', {one}, {two}))", f"received(('a', {two}, {one}))"]
    facts.append(f"some(received(('a', _{one}, w)), has=w {draw(st.sampled_from('<>'))} {two})")
    parts = draw(st.lists(st.sampled_from(facts), min_size=2, max_size=3, unique=True))
    parts.append(f"{draw(st.sampled_from([one, two]))} {draw(st.sampled_from('<>'))} x")
    op = draw(st.sampled_from(["some", "each"]))
    if op == "some":
        parts = [f"not {part}" for part in parts]
    has = f" {'or' if op == 'each' else 'and'} ".join(draw(st.permutations(parts)))
    asked = f"{op}(received(('a', {one}, {two}), from_={peer}), has={has})"
    return f"[{asked}, {one}] if {asked} else 0" if op == "some" else asked


@st.composite
def looked_up(draw: Draw) -> str:
    """A query for those members of a field that have certain values."""
    values = st.sampled_from(["_x", "_x", "_y", "0", "1", "'a'"])
    shape = draw(st.sampled_from(["({}, v)", "({}, v)", "(v, {})", "({}, (v, {}))", "({}, *v)"]))
    pattern = shape.format(*(draw(values) for _ in range(shape.count("{}"))))
    clause = f"{pattern} in {draw(st.sampled_from(['t', 't', 't', 'u', 's', 'd', 't | u']))}"
    test = draw(st.sampled_from(["v != x", "True", "received(('a', v, x))", "n(v) > y"]))
    if draw(st.booleans()):
        return f"[v] if some({clause}, has={test}) else 0"
    op = draw(st.sampled_from(["setof", "listof", "countof", "sumof", "each"]))
    result = "n(v)" if op == "sumof" else "v"
    return f"each({clause}, has={test})" if op == "each" else f"{op}({result}, {clause}, {test})"


@st.composite
def joined(draw: Draw) -> str:
    """A query over several kinds of messages that have values in common."""
    names, own = Names(), list[str]()
    clauses: list[str] = []
    for _ in range(draw(st.sampled_from([1, 2, 2, 3]))):
        known = list(own)

        def part(known: list[str] = known) -> str:
            kinds = ["new", "new", "known", "known", "_x", "_"] if known else ["new", "new", "_x"]
            match draw(st.sampled_from(kinds)):
                case "new":
                    own.append(names.fresh())
                    return own[-1]
                case "known":
                    return draw(st.sampled_from(["", "_"])) + draw(st.sampled_from(known))
                case other:
                    return other

        word = draw(st.sampled_from(["received", "received", "sent"]))
        shape = draw(st.sampled_from(["('a', {}, {})", "('a', {}, {})", "('b', ({}, {}))"]))
        clauses.append(f"{word}({shape.format(part(), part())})")
    variable = st.sampled_from(own or ["y"])
    test = draw(st.sampled_from(["True", "{} < {}", "{} != x", "not {} > y", "n({}) + x > {}"]))
    test = test.format(draw(variable), draw(variable))
    op = draw(st.sampled_from(["some", "witness", "each", "setof", "lenof", "maxof", "minof"]))
    if op in ("some", "each"):
        nested = len(clauses) > 1 and draw(st.booleans())
        inner = f"{op}({clauses.pop()}, has={test})" if nested else test
        return f"{op}({', '.join(clauses)}, has={inner})"
    if op == "witness":
        bound = ", ".join(own)
        return f"[{bound}] if some({', '.join(clauses)}, has={test}) else None"
    pair = f"({draw(variable)}, {draw(variable)})"
    result = draw(st.sampled_from([draw(variable), pair, f"({draw(variable)}, x)"]))
    default = ", default=None" if op in ("maxof", "minof") else ""
    one, two = (draw(st.sampled_from([draw(variable), "_", "x"])) for _ in range(2))
    facts = [f"received(('a', {one}, {two}))"]
    facts += [f"some({word}(('b', (_{draw(variable)}, w))))" for word in ("received", "sent")]
    against = draw(st.sampled_from(["", *(f", not {fact}" for fact in facts)]))
    return f"{op}({result}, {', '.join(clauses)}, {test}{against}{default})"


# Histories ------------------------------------------------------------------------------------

few = st.sampled_from([0, 1, 2, 3])
atoms = few | few | few | st.sampled_from(["a", True, None, 2.5, ANN])
parts = few | few | atoms | st.sampled_from([(0, 1), [1], [0]])
messages = st.one_of(
    st.tuples(st.just("a"), few, few),
    st.tuples(st.just("a"), few, few),
    st.tuples(st.just("a"), parts, parts),
    st.tuples(st.just("b"), st.tuples(parts, parts)),
    st.tuples(st.just("c"), parts, parts) | st.tuples(st.just("c"), parts, parts, parts),
    atoms,
)
pairs = st.tuples(few, few | st.just("a")) | st.tuples(few, st.tuples(few, few))
peers = st.sampled_from([ANN, BOB, ME])
events = st.one_of(
    st.tuples(st.just("take"), messages, peers, st.integers(0, 3)),
    st.tuples(st.just("take"), messages, peers, st.integers(0, 3)),
    st.tuples(st.just("take"), messages, peers, st.integers(0, 3)),
    st.tuples(st.just("send"), messages, peers),
    st.tuples(st.just("set"), st.sampled_from("xy"), st.sampled_from([0, 1, 2])),
    st.tuples(st.just("set"), st.sampled_from("xy"), st.sampled_from([0, 1, 2])),
    st.tuples(st.just("act"), st.sampled_from(["add"] * 6 + ["drop"] * 4 + ACTS), few | pairs),
    st.tuples(st.just("act"), st.sampled_from(["add"] * 6 + ["drop"] * 4 + ACTS), few | pairs),
    st.tuples(st.just("reset"), st.sampled_from(["received", "sent", None])),
)


@st.composite
def programs(draw: Draw) -> str:
    methods = "\n".join(f"    def q{i}():\n        {draw(bodies())}" for i in range(2))
    return f"""
def n(v): return v if type(v) in (int, bool, float) else -1
class P(process):
    def setup(x, y, z, s, t, u, d): pass
{METHODS}
{methods}
"""


def answers(text: str, happening: list[Any], *, views: bool) -> Iterator[Any]:
    """What each query answers after each event, or the kind of its error."""
    given = copy.deepcopy(tuple(FIELDS.values()))
    process: Any = Actor(module(text, views=views).P, *given, id=ME).process
    here.process = process
    for event in happening:
        match event:
            case ("take", message, peer, stamp):
                process.remember_("received", message, peer, stamp)
            case ("send", message, peer):
                process.send(message, to=peer)
            case ("set", name, value):
                setattr(process, name, value)
            case ("act", name, value):
                getattr(process, name)(value)
            case ("reset", which):
                process.reset(which)
        for query in (process.q0, process.q1):
            try:
                yield shown(query())
            except (TypeError, ValueError, ProgramError) as error:
                yield type(error)


UNHASHABLE_KEY = """
class P(process):
    def setup(x, y, z, s, t, u, d): pass
    def q0(): return some(received(('c', _x, v)), has=received(('a', v, v)))
    def q1(): return lenof(v, received(('c', _x, v)))
"""
TAKEN = [("take", message, ANN, 0) for message in (("a", 0, 0), ("c", 1, 0), ("c", [1], 0))]

TWICE_SETTLED = """
class P(process):
    def setup(x, y, z, s, t, u, d): pass
    def q0():
        return each(received(('a', v, w)),
                    has=received(('b', (v, w))) or sent(('a', v, w)) or v > x)
    def q1(): return 0
"""
SETTLED = [("take", message, ANN, 0) for message in (("a", 2, 0), ("b", (2, 0)), ("a", 3, 0))]
SETTLED += [("send", ("a", 2, 0), ANN)]


@pytest.mark.timeout(120 + EXAMPLES)
@example(UNHASHABLE_KEY, TAKEN)
@example(TWICE_SETTLED, SETTLED)
@given(programs(), st.lists(events, min_size=6, max_size=16))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_views_answer_as_the_whole_history_does(text: str, happening: list[Any]) -> None:
    meant = list(answers(text, happening, views=False))
    agree(meant, list(answers(text, happening, views=True)), text)
    with pytest.MonkeyPatch.context() as patch:  # everything as if it stood in an await
        patch.setattr(
            QueryWriter, "testing", property(lambda _: True, lambda *_: None), raising=False
        )
        patch.setattr("quorate.core.containers.FEW", 0)
        patch.setattr("quorate.core.members.FEW", 0)
        agree(meant, list(answers(text, happening, views=True)), text)


def agree(meant: list[Any], given: list[Any], text: str) -> None:
    """Views need not compare all that the naive evaluator compares, and finds not comparable.

    Nor has the order been stated in which the members of a set are compared.
    """
    unordered = re.search(r" in [tu]\b", text) is not None
    for one, other in zip(meant, given, strict=True):
        assert one == other or one is TypeError or (unordered and other is TypeError), text

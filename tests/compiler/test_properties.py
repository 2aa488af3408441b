"""Properties are compiled to questions, and asking little again answers as asking all does."""

import ast
import os
import sys
from types import ModuleType
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cases import Case, check, each_case
from compiled import nowhere
from quorate.compiler.passes import analyse, translate
from quorate.core.errors import PropertyFailed
from quorate.core.ids import ProcessId
from quorate.lang.printer import program_text
from quorate.lang.source import Source
from quorate.worlds.base import Watch, properties_of
from stage import Actor


@each_case("properties")
def test_exact_text(case: Case) -> None:
    check(case, program_text(analyse(Source("test.da", case.source), nowhere).program), "program")
    compilation = analyse(Source("test.da", case.source), nowhere)
    python = translate(compilation, properties=True)
    check(case, ast.unparse(python) + "\n", "python")
    check(case, str(compilation.plan), "plan")


@each_case("properties")
def test_nothing_is_kept_for_properties_that_nobody_looks_at(case: Case) -> None:
    with_them = ast.parse(case.source)
    without = [s for s in with_them.body if not _is_property(s, case.source)]
    texts = [
        ast.unparse(translate(analyse(Source("test.da", ast.unparse(each)), nowhere)))
        for each in (with_them, ast.Module(without, []))
    ]
    assert texts[0] == texts[1]


def _is_property(statement: ast.stmt, source: str) -> bool:
    return bool(getattr(statement, "decorator_list", ())) and "import cache" not in source


EXAMPLES = int(os.environ.get("QUORATE_EXAMPLES", "200")) // 8
"""How many programs, each compiled twice."""

# Programs of random properties --------------------------------------------------------------------

CLASSES = """
class A(process):
    def setup(n):
        self.x, self.t, self.d, self.nested = 0, set(), {}, {0: [0]}
    def receive(msg=('x', v)): x = v
    def receive(msg=('pair', v)): x = (v, 1)
    def receive(msg=('add', v)): t.add(v)
    def receive(msg=('drop', v)): t.discard(v)
    def receive(msg=('put', k, v)): d[k] = v
    def receive(msg=('deep', v)): nested[0].append(v)
    def receive(msg=('say', v)): send(('said', v), to=parent())
    def receive(msg=('forget',)): reset()
class B(A):
    def receive(msg=('both', v)): x, t = v, {v, n}
"""
GROWING = CLASSES.replace("reset()", "pass")
"""The same where histories only grow."""
Draw = st.DrawFn
values = st.integers(0, 2)
VALUES = st.sampled_from(["0", "1", "2"])


@st.composite
def operands(draw: Draw, members: list[str], bound: list[str]) -> str:
    p = draw(st.sampled_from(members))
    fields = [f"{p}.x", f"{p}.n", f"len({p}.t)", f"{p}.d.get(1)", f"len({p}.nested[0])", p]
    inner = [f"countof(v, {p}.received(('x', v)))", "countof(y, y in B, y.x == 1)"]
    return draw(st.one_of(VALUES, st.sampled_from(fields + bound * 2), st.sampled_from(inner)))


@st.composite
def conditions(draw: Draw, members: list[str], bound: list[str]) -> str:
    p = draw(st.sampled_from(members))
    one, two = draw(operands(members, bound)), draw(operands(members, bound))
    some = [
        f"{one} == {two}",
        f"{one} != {two}",
        f"{one} in {p}.t",
        f"{p}.received(('add', {draw(VALUES)}))",
        f"some(y in A, has=y.x == {one})",
        f"some({p}.sent(('said', w)), has=w == {one})",
        f"each({p} in A, {p}.sent(('said', w)), has=w != {one})",
    ]
    first = draw(st.sampled_from(some))
    if draw(st.booleans()):
        return first
    return f"({first} {draw(st.sampled_from(['or', 'and']))} {draw(conditions(members, bound))})"


@st.composite
def queries(draw: Draw) -> str:
    """`some` or `each` over one to three processes, and messages and members of theirs."""
    members: list[str] = []
    bound: list[str] = []
    clauses: list[str] = []
    for name in ["p", "q", "r"][: draw(st.integers(1, 3))]:
        members.append(name)
        clauses.append(f"{name} in {draw(st.sampled_from('AB'))}")
        for _ in range(draw(st.integers(0, 2))):
            again = bound + ["_" + each for each in bound] + [f"{name}.n", "_"]
            place = draw(st.sampled_from([*again, f"v{len(bound)}", f"v{len(bound)}"]))
            second = draw(st.sampled_from(["1", f"w{len(bound)}", *again]))
            source = [
                f"{name}.received(('x', {place}))",
                f"{name}.received(('put', {place}, {second}))",
                f"{name}.sent(('said', {place}))",
                f"{name}.received(('add', {place}), from_={name})",
                f"{place} in {name}.t",
                f"{place} in {name}.d",
            ]
            clauses.append(draw(st.sampled_from(source)))
            names = [n for n in (place, second) if n.isidentifier() and n in clauses[-1]]
            bound += [n for n in names if n[0] in "vw" and n not in bound]
    op = draw(st.sampled_from(["each", "some"]))
    return f"{op}({', '.join(clauses)}, has={draw(conditions(members, bound))})"


@st.composite
def expressions(draw: Draw) -> str:
    one = draw(queries())
    wrapped = [one, one, f"not {one}", f"{one} and {draw(queries())}", f"{one} or {one}"]
    return draw(st.sampled_from(wrapped))


said = st.tuples(st.sampled_from(["x", "pair", "add", "drop", "say", "deep", "both"]), values)
events = st.one_of(*[said] * 8, st.tuples(st.just("put"), values, values), st.just(("forget",)))
steps = st.lists(st.tuples(st.integers(0, 3), events), min_size=1, max_size=15)


def module(text: str, name: str, *, views: bool) -> ModuleType:
    made = ModuleType(name)
    sys.modules[name] = made
    compilation = analyse(Source("test.da", text), nowhere)
    tree = translate(compilation, views=views, properties=True)
    exec(compile(tree, "test.da", "exec", dont_inherit=True), made.__dict__)
    return made


def actors(made: ModuleType) -> list[Actor]:
    ids = [ProcessId("P", (number,)) for number in (1, 2, 3, 4)]
    return [
        Actor(cls, number, id=id).begin()
        for number, (cls, id) in enumerate(zip((made.A, made.A, made.B, made.B), ids, strict=True))
    ]


class Naive:
    """All questions of a program without views, each asked of all processes every time."""

    def __init__(self, made: ModuleType) -> None:
        self.properties = properties_of(made)
        self.met: list[Any] = []

    def _processes(self, cls: Any) -> list[Any]:
        return [process for process in self.met if isinstance(process, cls)]

    def found(self, kind: str) -> bool:
        """Whether a property of this kind has an answer: a counterexample, or a witness.

        It has none before there is a process of a class that it speaks of.
        """
        for question in (
            q for each in self.properties if each.kind == kind for q in each.questions
        ):
            classes = (*question.over.values(), *(cls for cls, _ in question.inside))
            sets = map(self._processes, question.over.values())
            if any(map(self._processes, classes)) and any(
                True for _ in question.find(self._processes, *sets)
            ):
                return True
        return False


def sides(text: str, taken: list[tuple[int, Any]]) -> None:
    """What is watched step by step is what is found among all, after each step."""
    classes = CLASSES if ("forget",) in [event for _, event in taken] else GROWING
    program = f"{classes}\n@always\ndef p1(): return {text}\n@sometimes\ndef p2(): return {text}\n"
    quick, slow = module(program, "quick", views=True), module(program, "slow", views=False)
    watch, naive = Watch(properties_of(quick)), Naive(slow)
    failed = reached = False
    both = list(zip(actors(quick), actors(slow), strict=True))
    for number, event in [*((n, None) for n in range(4)), *taken]:
        one, other = both[number]
        if event is None:
            naive.met.append(other.process)
        else:
            sender = one.process.id_
            one.give(event, sender=sender)
            other.give(event, sender=sender)
        try:
            watch.after(one.process, 0.0)
        except PropertyFailed:
            failed = True
        reached = reached or naive.found("sometimes")
        assert failed == naive.found("always")
        assert bool(watch.reached) == reached or failed
        if failed:
            return


@settings(deadline=None, max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(expressions(), steps)
@example(
    "each(p in A, p.received(('x', v0)), q in A, q.received(('x', v0)), has=p == q)",
    [(0, ("x", 1)), (1, ("x", 0)), (1, ("x", 1))],
)
@example(
    "each(p in A, p.received(('put', v0, v1)), q in B, q.received(('put', v0, w1)), has=v1 == w1)",
    [(3, ("put", 0, 1)), (0, ("put", 0, 1)), (3, ("put", 0, 2))],
)
@example("each(p in A, q in A, has=p.x == q.x or p.x != 1)", [(0, ("x", 1))])
@example("each(p in A, has=len(p.nested[0]) < 2)", [(0, ("deep", 1))])
@example(
    "each(p in A, p.sent(('said', v0)), has=v0 != 1)",
    [(0, ("say", 0)), (0, ("forget",)), (0, ("say", 1))],
)
def test_after_each_step_it_is_as_asking_all(text: str, taken: list[tuple[int, Any]]) -> None:
    sides(text, taken)

"""Queries and patterns, as they are written in Python, answer what the language says."""

from cases import Case, check, each_case
from compiled import go, go_suspended, nowhere
from quorate.compiler.passes import analyse, translate
from quorate.lang.source import Source


@each_case("queries")
def test_queries(case: Case) -> None:
    check(case, go(case.source))


@each_case("queries")
def test_queries_across_yield_points(case: Case) -> None:
    check(case, go_suspended(case.source))


@each_case("plan")
def test_plan(case: Case) -> None:
    compilation = analyse(Source("test.da", case.source), nowhere)
    translate(compilation)
    check(case, str(compilation.plan))

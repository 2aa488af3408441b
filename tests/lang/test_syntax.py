"""Whatever Python refuses to parse gives a diagnostic with a place and, where known, the edit."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import Case, check, each_case
from quorate.lang.diagnostics import Diagnostic, render
from quorate.lang.refusals import refused as refused_later
from quorate.lang.source import Source, Span
from quorate.lang.syntax import syntax_diagnostics


def refused(text: str) -> list[Diagnostic]:
    source = Source("prog.da", text)
    try:
        ast.parse(source.text)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        return syntax_diagnostics(source, error)
    return []


@each_case("errors_syntax")
def test_exact_text(case: Case) -> None:
    check(case, render(refused(case.source), colour=False))


@each_case("errors_syntax")
def test_each_says_what_to_do(case: Case) -> None:
    assert all(item.help and item.message != "this is not Python" for item in refused(case.source))


@pytest.mark.parametrize("text", ["-" * 50_000 + "1", "a" + ".b" * 50_000, "(" * 201 + ")" * 201])
def test_depth_is_an_error_of_its_own(text: str) -> None:
    assert [item.code for item in refused(text)] == ["Q005"]


def test_only_a_second_argument_of_await_is_a_time_limit() -> None:
    (only,) = refused("await(x=1)\nawait(f(a, timeout=2))\ny = = 1\n")
    assert only.code == "Q003"
    found = refused("await(c, t=1)\n\nawait(f(a), timeout=2)\n")
    assert [item.span.line for item in found] == [1, 3]


@given(st.text(alphabet="awit(,=)[]'\" :\n\t#ifx-&é\\"))
def test_every_refusal_is_within_the_text(text: str) -> None:
    source = Source("prog.da", text)
    for item in refused(text):
        assert 1 <= item.span.line <= len(source.lines)
        assert item.span < Span(item.span.end_line, item.span.end_column, 0, 0)
        assert render([item], colour=False)


def test_what_only_the_language_allows_is_not_refused() -> None:
    text = """\
class P(process):
    def setup(total): pass
    def run():
        if    await(some(received(('a',)))):
            break
        elif timeout(3):
            continue
        def add():
            nonlocal total
            total = [await(c) for c in ()]
"""
    assert refused_later(Source("prog.da", text), text, {(4, 8)}) is None
    assert refused_later(Source("prog.da", text), text, set()) is not None


def test_blocks_that_may_be_cut_are_not_refused() -> None:
    text = "".join(f"{' ' * depth}for x in s:\n" for depth in range(25)) + " " * 25 + "pass"
    assert refused_later(Source("prog.da", text), text, set()) is None

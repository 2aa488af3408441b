"""Every mistake that the front end finds, with the message as the user sees it."""

import re

import pytest

from cases import Case, check, each_case
from frontend import front
from quorate.lang.codes import codes, explain
from quorate.lang.diagnostics import render

ELSEWHERE = {
    "Q020": "when it is run",
    "Q047": "by the compiler",
    "Q048": "by the compiler",
    "Q049": "by the compiler",
}
"""Codes below Q100 whose mistake is not the front end's to find."""


@each_case("errors", "errors_names", "errors_refusals")
def test_exact_text(case: Case) -> None:
    _, items = front(case.source)
    assert items
    check(case, render(items, colour=False))


@each_case("errors", "errors_names", "errors_refusals")
def test_no_code_twice_at_one_place(case: Case) -> None:
    _, items = front(case.source)
    places = [(item.span.line, item.span.column) for item in items]
    assert len(set(places)) == len(places)


def programs(code: str) -> tuple[str, str] | None:
    found = re.findall(r"```python\n(.*?)```", explain(code) or "", re.DOTALL)
    return (found[0], found[1]) if found else None


@pytest.mark.parametrize("code", [code for code in codes() if programs(code)])
def test_the_programs_that_explain_a_code(code: str) -> None:
    wrong, right = programs(code) or ("", "")
    expected = [code] if code < "Q100" and code not in ELSEWHERE else []
    assert [item.code for item in front(wrong)[1]] == expected
    assert [str(item) for item in front(right)[1]] == []

"""Lint finds what can never happen, says so once, and is silent on programs that are right."""

import ast
import re
from pathlib import Path

import pytest

from cases import Case, check, each_case
from frontend import EXAMPLES, front, resolved
from quorate.lang import nodes
from quorate.lang.codes import codes, explain
from quorate.lang.diagnostics import render
from quorate.lang.lint import lint
from quorate.lang.overview import overview
from quorate.lang.source import Source

MAIN = """
def main():
    ps = new(P, num=3)
    setup(ps, (ps,))
    start(ps)
"""


@each_case("lint")
def test_warnings(case: Case) -> None:
    text, _, rest = case.source.partition("#: ")
    name, _, module = rest.partition("\n")
    text += "" if "def main" in text or name == "no main" else MAIN
    program = resolved(text, modules={name: module} if module else {})
    warnings = lint(program)
    assert bool(warnings) != case.name.startswith("silent")
    check(case, render(warnings, colour=False))


@pytest.mark.parametrize("code", [code for code in codes() if code.startswith("Q2")])
def test_the_programs_that_explain_a_warning(code: str) -> None:
    text = explain(code) or ""
    wrong, right = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert [item.code for item in lint(resolved(wrong + MAIN))] == [code]
    assert lint(resolved(right + MAIN)) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_have_no_warnings(path: Path) -> None:
    warnings = lint(resolved(path.read_text(encoding="utf-8"), path.name))
    assert warnings == [], render(warnings, colour=False)


def tags(text: str) -> list[tuple[int, int, int]]:
    """(line, first column, end) of the tag of every message that is sent, and every pattern."""
    program = resolved(text)
    source, view = Source("", text), overview(program)
    firsts: list[ast.AST] = []
    for sending in view.sendings:
        message = sending.node.args[0]
        firsts += message.elts[:1] if isinstance(message, ast.Tuple) else []
    for looking in view.lookings:
        pattern = looking.pattern
        firsts += pattern.elements[:1] if isinstance(pattern, nodes.SequencePattern) else []
    spans = {source.span(node) for node in firsts if source.segment(node)[:1] in ("'", '"')}
    return [(span.line, span.column, span.end_column) for span in sorted(spans)]


@pytest.mark.parametrize("name", ["two_phase_commit", "suzuki_kasami", "multi_paxos_merged"])
def test_nearly_every_misspelled_tag_is_found(name: str) -> None:
    """Not every: a message may be for several patterns, and a pattern for several messages."""
    (path,) = (path for path in EXAMPLES if path.stem == name)
    text = path.read_text(encoding="utf-8")
    places = tags(text)
    found = 0
    for line, _, end in places:
        lines = text.split("\n")
        lines[line - 1] = lines[line - 1][: end - 1] + "x" + lines[line - 1][end - 1 :]
        program, items = front("\n".join(lines))
        assert program is not None
        assert items == []
        found += {item.code for item in lint(program)} <= {"Q201", "Q202"} and bool(lint(program))
    assert len(places) > 5
    assert found >= 0.9 * len(places)

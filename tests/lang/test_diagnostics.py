"""The exact text of diagnostics: places, carets, labels, clipping, colour; and their collector."""

import ast
import pickle
import re
import traceback
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases import Case, check, each_case
from quorate.lang.diagnostics import (
    Diagnostic,
    Diagnostics,
    Label,
    QuorateSyntaxError,
    render,
    to_json,
)
from quorate.lang.source import Source, Span

LOCK = Source("lock.da", "class P(process):\n    def run():\n        await(x, 2)\n")


def at(source: Source, text: str) -> Span:
    """The span of the first occurrence of `text`."""
    index = source.text.index(text)
    first, last = source.position(index), source.position(index + len(text) - 1)
    return Span(first.line, first.column, last.end_line, last.end_column)


def parsed(text: str) -> Diagnostic:
    """The diagnostic that a case of errors_render.test describes."""
    lines = text.rstrip("\n").split("\n")
    program = "\n".join(line for line in lines if not line.startswith("#: "))
    for escape in ("\t", "\x1b", "\u202e"):
        program = program.replace(repr(escape)[1:-1], escape)
    source = Source("prog.da", program + "\n")
    marks, help = [], None
    for line in (line.replace("\\n", "\n") for line in lines if line.startswith("#: ")):
        if line.startswith("#: help: "):
            help = line.removeprefix("#: help: ")
        else:
            place, _, label = line.removeprefix("#: ").partition(" => ")
            marks.append(Label(at(source, place), label))
    labels = tuple(label for label in marks if label.text or label is not marks[0])
    return Diagnostic("Q010", "message", marks[0].span, source, labels, help)


@each_case("errors_render")
def test_exact_text(case: Case) -> None:
    check(case, render([parsed(case.source)], colour=False))


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@each_case("errors_render")
def test_colour_changes_nothing_but_colour(case: Case) -> None:
    item = parsed(case.source)
    coloured = render([item], colour=True)
    assert plain(coloured) == render([item], colour=False)
    assert coloured.count("\x1b[0m") == coloured.count("\x1b[") - coloured.count("\x1b[0m")


def test_colours() -> None:
    span = at(LOCK, "await")
    item = Diagnostic("Q204", "never", span, LOCK, (Label(span, "why"),), "edit", "warning")
    assert render([item], colour=True) == (
        "\x1b[1;33mwarning[Q204]\x1b[0m\x1b[1m: never\x1b[0m\n"
        "\x1b[1;34m --> \x1b[0mlock.da:3:9\n"
        "\x1b[1;34m  |\x1b[0m\n"
        "\x1b[1;34m3 |\x1b[0m         await(x, 2)\n"
        "\x1b[1;34m  |\x1b[0m         \x1b[1;33m^^^^^ why\x1b[0m\n"
        "\x1b[1;34m  = \x1b[0m\x1b[1mhelp\x1b[0m: edit"
    )


@given(st.text(), st.integers(0, 40), st.integers(0, 40), st.text(max_size=5))
def test_rendering_never_fails_nor_steers_the_terminal(
    text: str, start: int, length: int, label: str
) -> None:
    source = Source("any.da", text)
    line = min(start, len(source.lines) - 1) + 1
    span = Span(line, start, min(line + length // 20, len(source.lines)), start + length)
    item = Diagnostic("Q010", text, span, source, (Label(span, label),), help=text)
    shown = render([item], colour=False)
    assert not {char for char in shown if char < " "} - {"\n"}
    assert shown == "\n".join(line.rstrip() for line in shown.split("\n"))


@given(st.text(alphabet="ab\té漢😀\u0301\x07\u202e ", max_size=120), st.data())
def test_carets_stand_below_what_they_mark(noise: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(noise)))
    source = Source("any.da", noise[:cut] + "M" + noise[cut:] + "\n")
    item = Diagnostic("Q010", "m", Span(1, cut, 1, cut + 1), source)
    line, carets = render([item], colour=False).split("\n")[3:5]
    wide = [unicodedata.east_asian_width(char) in "WF" for char in line[: line.index("M")]]
    assert carets.index("^") == line.index("M") + sum(wide)
    assert len(line) + sum(wide) <= 100 + 2


def test_the_collector_sorts_and_keeps_one_error_for_one_cause() -> None:
    found = Diagnostics(LOCK)
    later, earlier = at(LOCK, "await"), at(LOCK, "run")
    found.error("Q013", "second", later)
    found.error("Q013", "second, again", later)
    found.error("Q014", "another code", later)
    found.warning("Q203", "first", earlier, labels=[(later, "here"), Label(earlier, "there")])
    assert [(item.code, item.message) for item in found.items] == [
        ("Q203", "first"),
        ("Q013", "second"),
        ("Q014", "another code"),
    ]
    assert found.items[0].labels == (Label(later, "here"), Label(earlier, "there"))
    assert [item.message for item in found.errors] == ["second", "another code"]


def test_errors_of_one_cause_point_at_each_other() -> None:
    source = Source("a.da", "x\n" * 9)
    found = Diagnostics(source)
    for line in (3, 2, 3, *range(4, 9)):
        found.error("Q010", "`x` is not defined", Span(line, 0, line, 1), cause="x")
    (only,) = found.items
    assert only.span.line == 2
    assert [label.span.line for label in only.labels] == [3, 4, 5]
    assert {label.text for label in only.labels} == {"also here"}


def test_a_name_unknown_because_of_another_error_is_not_one_more() -> None:
    source = Source("a.da", "def receive(msg=m, frm=p):\n    send(m, to=p, of=pp)\n")
    found = Diagnostics(source)
    found.error("Q010", "`p` is defined nowhere", Span(2, 15, 2, 16))
    found.error("Q010", "`pp` is defined nowhere", Span(2, 21, 2, 23))
    found.warning("Q203", "only a warning", Span(2, 18, 2, 23))
    assert [item.span.column for item in found.errors] == [15, 21]
    found.error("Q030", "a handler has no parameter `frm`", Span(1, 19, 1, 22))
    assert [item.code for item in found.errors] == ["Q030", "Q010"]


def test_nodes_of_the_tree_are_places() -> None:
    source = Source("a.da", "é = 'é', wrong\n")
    names = [node for node in ast.walk(ast.parse(source.text)) if isinstance(node, ast.Name)]
    found = Diagnostics(source)
    found.error("Q010", "wrong", names[-1], labels=[(names[0], "beside this")])
    assert found.items[0].span == Span(1, 9, 1, 14)
    assert found.items[0].labels[0].span == Span(1, 0, 1, 1)


def test_a_code_that_is_not_in_the_catalogue_is_our_bug() -> None:
    with pytest.raises(AssertionError, match="Q009"):
        Diagnostics(LOCK).error("Q009", "", at(LOCK, "x"))


def test_only_errors_are_raised() -> None:
    found = Diagnostics(LOCK)
    found.warning("Q203", "w", at(LOCK, "x"))
    found.raise_if_errors()
    found.error("Q040", "`await` takes no time limit", at(LOCK, "2"), help="use `timeout`")
    found.error("Q010", "no", at(LOCK, "await"))
    with pytest.raises(QuorateSyntaxError) as caught:
        found.raise_if_errors()
    assert [item.code for item in caught.value.diagnostics] == ["Q010", "Q040"]


def test_python_shows_the_error_at_an_import() -> None:
    help = Diagnostic("Q040", "no time limit", at(LOCK, "2"), LOCK, help="use `timeout`")
    error = QuorateSyntaxError([help, help])
    assert (error.filename, error.lineno, error.offset) == ("lock.da", 3, 18)
    assert error.text == "        await(x, 2)\n"
    assert "".join(traceback.format_exception_only(error)) == (
        '  File "lock.da", line 3\n'
        "    await(x, 2)\n"
        "             ^\n"
        "quorate.lang.diagnostics.QuorateSyntaxError: no time limit [Q040]\n"
        "help: use `timeout`\n"
        "(and 1 more error)\n"
    )
    assert str(error) == render([help, help], colour=False)
    again = pickle.loads(pickle.dumps(error))
    assert (again.diagnostics, again.msg) == (error.diagnostics, error.msg)


def test_json() -> None:
    span = at(LOCK, "x, 2")
    item = Diagnostic("Q040", "m", span, LOCK, (Label(at(LOCK, "run"), "in here"),), "edit")
    assert to_json([item]) == [
        {
            "severity": "error",
            "code": "Q040",
            "title": "`await` takes no time limit",
            "message": "m",
            "file": "lock.da",
            "line": 3,
            "column": 15,
            "end_line": 3,
            "end_column": 19,
            "labels": [
                {"line": 2, "column": 9, "end_line": 2, "end_column": 12, "text": "in here"}
            ],
            "help": "edit",
        }
    ]

"""Programs as Python: what comes out reads well, and means what the program says."""

import ast
import io
import itertools
import pdb  # noqa: T100
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from cases import Case, check, each_case
from compiled import GIVEN, go, go_suspended, handled, module, process, python_text, python_tree
from quorate.core.errors import ProgramError
from stage import Actor


@each_case("python")
def test_text(case: Case) -> None:
    check(case, python_text(case.source))


@each_case("names")
def test_names(case: Case) -> None:
    check(case, go(case.source))


@each_case("names")
def test_names_across_yield_points(case: Case) -> None:
    check(case, go_suspended(case.source))


@each_case("handlers")
def test_handlers(case: Case) -> None:
    check(case, handled(case.source))


FAILING = """\
args = (0,)
history = [(('c', 1), ann)]
def boom(x=1):
    raise ValueError(x)
class Fussy:
    def __eq__(self, other):
        raise ValueError(other)
class P(process):
    def setup(k):
        if k == 1:
            boom()
    def receive(msg=('a', x), from_=p):
        y = x + (
            boom())
    def receive(msg=('b', _k)):
        output('b')
    def method():
        z = setof(y,
                  y in [1],
                  boom())
    def nested():
        def inner():
            return [boom()
                    for _ in 'x']
        return (lambda:
                inner())()
    def quantified():
        return some(received(('c', x)),
                    has=boom())
    def compared():
        return (1,
                some((_k, x) in [(Fussy(), 1)]))
    def aggregated():
        return (1,
                maxof(x,
                      x in []))
"""


def lines_of(run: Callable[[], Any]) -> list[int]:
    """The lines of test.da in the traceback of what `run` raises."""
    with pytest.raises((ValueError, ProgramError)) as raised:
        run()
    frames = traceback.extract_tb(raised.tb)
    return [frame.lineno or 0 for frame in frames if frame.filename == "test.da"]


@pytest.mark.parametrize(
    ("method", "lines"),
    [
        ("method", [20, 4]),
        ("nested", [25, 26, 23, 4]),
        ("quantified", [28, 29, 4]),
        ("compared", [32, 7]),
        ("aggregated", [35]),
    ],
)
def test_tracebacks_of_methods(method: str, lines: list[int]) -> None:
    made = process(FAILING)
    found = [line for line, _ in itertools.groupby(lines_of(getattr(made, method)))]
    assert found[-len(lines) :] == lines  # a comprehension may have a frame of its own


def test_tracebacks_of_setup_handlers_and_patterns() -> None:
    made = module(FAILING)
    assert lines_of(lambda: Actor(made.P, 1)) == [11, 4]
    actor = Actor(made.P, 0).begin()
    assert lines_of(lambda: actor.give(("a", 1))) == [14, 4]
    assert lines_of(lambda: actor.give(("b", made.Fussy()))) == [15, 7]


def test_breakpoints_stand_on_the_lines_of_the_program() -> None:
    """What pdb needs: code objects of the .da file, whose lines are those with statements."""
    text = FAILING + GIVEN
    code = compile(python_tree(text), "test.da", "exec", dont_inherit=True)
    assert {each.co_filename for each in codes(code)} == {"test.da"}
    lines = {line for each in codes(code) for *_, line in each.co_lines() if line}
    statements = {node.lineno for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)}
    assert statements <= lines
    assert max(lines) <= text.count("\n")


def codes(code: CodeType) -> Iterator[CodeType]:
    """A code object, and all in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes(constant)


def test_pdb_stops_in_a_handler(tmp_path: Path) -> None:
    text = "class P(process):\n    def receive(msg=('a', x)):\n        y = x\n        output(y)\n"
    path = tmp_path / "stop.da"
    path.write_text(text)
    made = ModuleType("stop")
    sys.modules["stop"] = made
    exec(compile(python_tree(text), str(path), "exec", dont_inherit=True), made.__dict__)
    actor = Actor(made.P).begin()
    shown = io.StringIO()
    debugger = pdb.Pdb(stdin=io.StringIO("c\np y\nc\n"), stdout=shown, nosigint=True, readrc=False)
    debugger.set_break(str(path), 4)
    debugger.runcall(actor.give, ("a", 42))
    assert "stop.da(4)" in shown.getvalue()
    assert "42" in shown.getvalue()

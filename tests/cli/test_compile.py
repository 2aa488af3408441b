"""`quorate compile` and `quorate lint` show what the compiler says, and end with its status."""

import json
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from quorate.lang.diagnostics import Diagnostic, QuorateSyntaxError
from quorate.lang.source import Source, Span

SOURCE = Source("a.da", "x = _y\n")
WARNING = Diagnostic("Q201", "nobody", Span(1, 0, 1, 1), SOURCE, severity="warning")
ERROR = Diagnostic("Q012", "no `y`", Span(1, 4, 1, 6), SOURCE)


@pytest.fixture(autouse=True)
def _compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler for which a file is as good as its name."""

    def lint_file(path: str) -> list[Diagnostic]:
        if path == "wrong.da":
            raise QuorateSyntaxError([ERROR])
        return [WARNING] if path == "doubtful.da" else []

    def stage_text(path: str, stage: str) -> str:
        lint_file(path)
        return f"{stage} of {path}"

    module = ModuleType("quorate.compiler.passes")
    module.lint_file, module.stage_text = lint_file, stage_text  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "quorate.compiler.passes", module)


@pytest.mark.parametrize("stage", ["tree", "program", "flow", "plan", "python"])
def test_prints_a_stage(quorate: Callable, stage: str) -> None:
    assert quorate("compile", "right.da", "--stage", stage) == (0, f"{stage} of right.da\n", "")


def test_prints_python_unless_asked(quorate: Callable) -> None:
    assert quorate("compile", "right.da").out == "python of right.da\n"


def test_an_unknown_stage(quorate: Callable) -> None:
    outcome = quorate("compile", "right.da", "--stage", "plane")
    assert outcome.status == 2
    assert "'plan'" in outcome.err


def test_what_does_not_compile(quorate: Callable) -> None:
    outcome = quorate("compile", "wrong.da")
    assert (outcome.status, outcome.out) == (2, "")
    assert "error[Q012]: no `y`" in outcome.err


@pytest.mark.parametrize(
    ("files", "status", "codes"),
    [
        (["right.da"], 0, []),
        (["doubtful.da", "right.da"], 1, ["Q201"]),
        (["wrong.da"], 2, ["Q012"]),
        (["doubtful.da", "wrong.da", "doubtful.da"], 2, ["Q201", "Q012"]),
    ],
)
def test_lint(quorate: Callable, files: list[str], status: int, codes: list[str]) -> None:
    outcome = quorate("lint", *files)
    assert (outcome.status, outcome.err) == (status, "")
    assert outcome.out.count("[Q") == len(codes)
    outcome = quorate("lint", "--json", *files)
    assert (outcome.status, outcome.err) == (status, "")
    assert [each["code"] for each in json.loads(outcome.out)] == codes

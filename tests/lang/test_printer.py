"""The printer gives a program back: what it prints is read as the same tree."""

from pathlib import Path

import pytest

from cases import Case, check, each_case
from compiled import nowhere
from quorate.lang.diagnostics import Diagnostics
from quorate.lang.parse import parse
from quorate.lang.printer import tree_text
from quorate.lang.source import Source

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.da"))


def printed(text: str) -> str:
    found = Diagnostics(Source("test.da", text))
    program = parse(found.source, found, nowhere)
    found.raise_if_errors()
    return tree_text(program)


@each_case("tree")
def test_tree(case: Case) -> None:
    check(case, printed(case.source))


@each_case("tree")
def test_printing_what_was_printed(case: Case) -> None:
    once = printed(case.source)
    assert printed(once) == once


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path: Path) -> None:
    once = printed(path.read_text())
    assert printed(once) == once

"""The text of each example: it is as short as promised, and its header says what it must."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from examples.headers import EXAMPLES, PROGRAMS, header, unwrapped

ROOT = Path(__file__).parent.parent.parent
WITHOUT_SOURCE = {"ping_pong.da"}


def load_sizes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sizes", ROOT / "bench" / "sizes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sizes = load_sizes()


def test_the_counting_rule() -> None:
    text = '"""A docstring."""\n\n   \n# a comment\n    # another\nx = 1  # counts\n'
    assert sizes.count_lines(text) == 2


def test_properties_are_counted_apart(tmp_path: Path) -> None:
    path = tmp_path / "program.da"
    text = "class P(process): pass\n\n@always  # so it is\ndef good():\n    return True\n"
    path.write_text(f"{text}\n@eventually(within=2)\ndef done(): return True\n\ndef main(): pass\n")
    assert sizes.sizes(path) == (2, 5)


@pytest.mark.parametrize("row", sizes.ROWS, ids=[row.file for row in sizes.ROWS])
def test_it_is_short(row: Any) -> None:
    if row.lines_max is not None:
        assert sizes.sizes(EXAMPLES / row.file)[0] <= row.lines_max


def test_every_example_is_in_the_table() -> None:
    assert {row.file for row in sizes.ROWS} == {path.name for path in PROGRAMS}
    assert all(path.name in sizes.table() for path in PROGRAMS)


@pytest.mark.parametrize("path", PROGRAMS, ids=[path.name for path in PROGRAMS])
def test_its_header_says_what_it_must(path: Path) -> None:
    text = unwrapped(header(path))
    assert f"Usage: quorate run examples/{path.name}" in text
    assert "(default: " in text
    if path.name not in WITHOUT_SOURCE:
        assert "Guarantees: " in text
        assert re.search(r"Source: .*\b(19|20)\d\d\b", text)

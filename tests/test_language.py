"""What docs/language.md shows is so.

A block `da` compiles, also as the body of `run` where it is marked so; one marked `error CODE` has
this error and no other. A `program` is run, and shows what the block `text` after it says; the
order of lines is not compared, since processes run at the same time.
"""

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from quorate.compiler.passes import analyse, translate
from quorate.lang.diagnostics import QuorateSyntaxError
from quorate.lang.source import Source
from quorate.worlds.sim import simulate

PAGE = Path(__file__).parent.parent / "docs" / "language.md"
BODY = """\
class P(process):
    def setup(peers, limit, ballot):
        self.done = set()
    def run():
{}
"""


class Block(NamedTuple):
    line: int
    kind: str
    mark: str
    text: str
    shown: str

    def __str__(self) -> str:
        return f"line {self.line}"


def blocks() -> list[Block]:
    page = PAGE.read_text(encoding="utf-8")
    pattern = r"^```(\w+) ?(.*)\n((?:.*\n)*?)```\n(?:\n```text\n((?:.*\n)*?)```$)?"
    return [
        Block(page.count("\n", 0, m.start()) + 1, m[1], m[2], m[3], m[4] or "")
        for m in re.finditer(pattern, page, re.MULTILINE)
    ]


BLOCKS = blocks()
ERRORS = [block for block in BLOCKS if block.mark.startswith("error")]
PROGRAMS = [block for block in BLOCKS if block.mark == "program"]


def compiled(text: str) -> None:
    translate(analyse(Source("prog.da", text), lambda name, level: None))


def test_every_block_is_of_a_known_kind() -> None:
    assert {block.kind for block in BLOCKS} == {"da"}
    assert {block.mark.partition(" ")[0] for block in BLOCKS} == {"", "run", "error", "program"}
    assert all(bool(block.shown) == (block.mark == "program") for block in BLOCKS)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b not in ERRORS], ids=str)
def test_it_compiles(block: Block) -> None:
    body = textwrap.indent(block.text, " " * 8)
    compiled(BODY.replace("{}", body) if block.mark == "run" else block.text)


@pytest.mark.parametrize("block", ERRORS, ids=str)
def test_it_is_an_error(block: Block) -> None:
    with pytest.raises(QuorateSyntaxError) as raised:
        compiled(block.text)
    [item] = raised.value.diagnostics
    assert f"error {item.code}" == block.mark
    assert item.help


@pytest.mark.parametrize("block", PROGRAMS, ids=str)
def test_it_shows_what_the_page_says(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "prog.da"
    path.write_text(block.text)
    run = simulate(path)
    assert (run.error, run.status) == (None, 0)
    shown = [f"{each.process}: {each.text}" for each in run.outputs]
    assert sorted(shown) == sorted(block.shown.splitlines())

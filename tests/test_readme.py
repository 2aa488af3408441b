"""What README.md and the pages of docs/ named below show is what happens.

A block marked `da NAME`, `python NAME` or `text NAME` is a file of that name; a block `console`
holds commands after `$`, each followed by what it prints. Times, decimal numbers, seeds, and white
space at the ends of lines are not compared, nor is the order of lines, since processes run at
the same time. A line `...` stands for any further lines. Blocks `sh` are only read by people.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PAGES = (
    "README.md",
    "docs/running.md",
    "docs/nodes.md",
    "docs/simulation.md",
    "docs/checking.md",
    "docs/exploring.md",
    "docs/trace.md",
    "docs/consistency.md",
    "docs/testing.md",
)
KINDS = {"da", "python", "text", "console", "sh", "yaml"}


class Block(NamedTuple):
    line: int
    kind: str
    name: str
    text: str


class Call(NamedTuple):
    line: int
    command: str
    printed: list[str]


def blocks(text: str) -> list[Block]:
    found = re.finditer(r"^```(\w*) ?(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE)
    return [Block(text.count("\n", 0, m.start()) + 1, m[1], m[2], m[3]) for m in found]


def calls(block: Block) -> list[Call]:
    found: list[Call] = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            found.append(Call(number, line[2:], []))
        else:
            found[-1].printed.append(line)
    return found


def plain(lines: list[str]) -> list[str]:
    """The lines in what is compared of them."""
    varies = r"(\d\d:\d\d:)?\d+\.\d+|(?<=, seed )\d+"
    squeezed = (re.sub(varies, "#", line).rstrip() for line in lines)
    return sorted(line for line in squeezed if line)


def differs(call: Call, output: str) -> bool:
    expected, actual = plain(call.printed), plain(output.splitlines())
    if "..." not in expected:
        return expected != actual
    expected.remove("...")
    return not set(expected) <= set(actual)


BLOCKS = {page: blocks((ROOT / page).read_text(encoding="utf-8")) for page in PAGES}
CALLS = [
    pytest.param(page, call, id=f"{page}:{call.line}")
    for page in PAGES
    for block in BLOCKS[page]
    if block.kind == "console"
    for call in calls(block)
]


# Where one of these is set, pytest shows a summary whole that it shows a reader in one line.
FOR_MACHINES = {"CI", "BUILD_NUMBER"}


@pytest.mark.parametrize(("page", "call"), CALLS)
def test_what_a_page_shows(page: str, call: Call, tmp_path: Path) -> None:
    for block in BLOCKS[page]:
        if block.kind in ("da", "python", "text") and block.name:
            (tmp_path / block.name).write_text(block.text, encoding="utf-8")
    folder = Path(sys.executable).parent
    assert shutil.which("quorate", path=str(folder)), "make install"
    inherited = {name: value for name, value in os.environ.items() if name not in FOR_MACHINES}
    environment = {
        **inherited,
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "XDG_RUNTIME_DIR": str(tmp_path),  # so that nodes of other calls are not found
    }
    with subprocess.Popen(
        call.command,
        shell=True,
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as popen:
        try:
            output, _ = popen.communicate(timeout=60)  # until nobody can write any more
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(popen.pid, signal.SIGKILL)
    place = f"{page}:{call.line}: `{call.command}` (status {popen.returncode}) printed"
    assert not differs(call, output), f"{place}\n{output}"


def test_every_block_says_what_it_is() -> None:
    for page in PAGES:
        assert not [block for block in BLOCKS[page] if block.kind not in KINDS]
        assert len([each for each in CALLS if each.values[0] == page]) >= 2


def test_the_first_program_has_twelve_lines() -> None:
    [program] = [block for block in BLOCKS["README.md"] if block.name == "hello.da"]
    assert len([line for line in program.text.splitlines() if line.strip()]) == 12


SAMPLE = "text\n```da a.da\nx = 1\n```\n\n```console\n$ one\n[0.1] a\n[0.2] b\n$ two\nc\n...\n```\n"


def test_blocks_are_read() -> None:
    program, console = blocks(SAMPLE)
    assert program == (2, "da", "a.da", "x = 1\n")
    assert calls(console) == [(7, "one", ["[0.1] a", "[0.2] b"]), (10, "two", ["c", "..."])]


def test_what_is_compared() -> None:
    one, two = calls(blocks(SAMPLE)[1])
    assert not differs(one, "[0.7] b  \n[0.33] a\n")
    assert not differs(one, "[23:01:59.7] b\n[00:00:00.33] a\n")
    assert differs(one, "[0.7] b\n")
    assert differs(one, "[0.7] b\n[0.7] a\n[0.7] c\n")
    assert not differs(two, "c\nd\n")
    assert differs(two, "d\n")

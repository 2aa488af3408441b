"""`breakpoint()` in a program, from the command to the prompt."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """\
class P(process):
    def setup(n): pass

    def run():
        x = n + 1
        breakpoint()
        send(('a', x), to=self)
        await(some(received(('a', y))))
        output('after', x, n, twice(y))

    def twice(z):
        breakpoint()
        return 2 * z

def main():
    p = new(P)
    setup(p, (4,))
    start(p)
"""


def debug(folder: Path, *commands: str) -> tuple[int, str]:
    """Give commands to pdb; the status, and what came out on stdout."""
    (folder / "program.da").write_text(PROGRAM)
    ended = subprocess.run(
        [sys.executable, "-m", "quorate", "run", "-q", "program.da"],
        cwd=folder,
        input="".join(f"{command}\n" for command in commands),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not ended.stderr or "interrupted" in ended.stderr, ended.stderr
    return ended.returncode, ended.stdout


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("x", "5"),
        ("n", "4"),
        ("n + x", "9"),
        ("self", "<process P-1>"),
    ],
)
def test_names_of_the_program(tmp_path: Path, expression: str, value: str) -> None:
    status, out = debug(tmp_path, f"p {expression}", "c", "p z", "c")
    assert status == 0
    assert f"(P-1) {value}\n" in out
    assert "(P-1) 5\n" in out


def test_assignments(tmp_path: Path) -> None:
    status, out = debug(tmp_path, "x = 7", "!n = 9", "c", "z = 50", "c")
    assert status == 0
    assert "P-1: after 7 9 100\n" in out


def test_only_the_program_is_seen(tmp_path: Path) -> None:
    status, out = debug(tmp_path, "where", "next", "next", "where", "up", "p x", "c", "c")
    assert status == 0
    assert "site-packages" not in out
    assert "quorate" not in out.replace(str(tmp_path), "")
    assert "--Call--\n> " not in out.partition("twice")[0]
    assert "PAUSE" not in out


@pytest.mark.parametrize("command", ["q", "quit", "exit", "p x"])
def test_quitting_or_the_end_of_input_ends_the_run(tmp_path: Path, command: str) -> None:
    assert debug(tmp_path, command)[0] == 130

"""What processes share that is part of no state: global variables, and what nobody knows of."""

from pathlib import Path

import pytest

from quorate.core.errors import ProgramError
from quorate.testing.checking import checked_program, told
from quorate.worlds.check.run import Checked
from quorate.worlds.check.summary import complaints_of

SHARED = "import random\nseen = []\nknown = {'limits': [1]}\n"
PROGRAM = """
import os, random, beside
from beside import seen
first, names = None, []
class P(process):
    def setup(): self.n = 0
    def run():
        {step}
@always
def fine(): return each(p in P, has={fine})
def main():
    global first
    names.extend(sorted(new(P, num=2)))
    output(random.choice('ab'))
    seen.append(1)
    beside.known['limits'].append(2)
    assert (len(names), len(beside.seen), beside.known['limits']) == (2, 1, [1, 2])
    first = min(names)
    setup(names, ())
    start(names)
"""


def checked(folder: Path, step: str, fine: str = "True") -> Checked:
    (folder / "beside.py").write_text(SHARED)
    (folder / "prog.da").write_text(PROGRAM.format(step=step, fine=fine))
    return checked_program(folder / "prog.da", (), {}, deadlocks=True, strong=False)


def test_main_finds_what_was_loaded_each_time(tmp_path: Path) -> None:
    """Whichever way it goes, and when its step is told of a violation, too."""
    found = checked(tmp_path, "self.n = 1 if self == first else 2", "p.n != 2")
    assert found.verdict == "violated"
    assert "It takes 1 step:" in told(found, tmp_path / "prog.da", ())
    assert not any("Q134" in each for each in complaints_of(found))


@pytest.mark.parametrize(
    ("step", "names"),
    [
        ("seen.append(self)", "`seen` of beside.py, `seen` of prog.da"),
        ("beside.known['limits'].append(3)", "`known` of beside.py"),
        ("global first; first = self", "`first` of prog.da"),
        ("beside.random.random()", "`random` in a module of Python"),
        ("n = len(seen) + random.choice([0, 0])", None),
    ],
)
def test_what_others_change_is_named(tmp_path: Path, step: str, names: str | None) -> None:
    found = checked(tmp_path, f"{step}\n        -- here\n        pass")
    said = [each for each in complaints_of(found) if "Q134" in each]
    head = f"warning[Q134]: steps change what is part of no state: {names}"
    assert [each.splitlines()[0] for each in said] == ([head] if names else [])


def test_a_violation_that_cannot_be_told_is_refused(tmp_path: Path) -> None:
    found = checked(tmp_path, "-- here\n        n = int.from_bytes(os.urandom(8))", "p.n == 0")
    with pytest.raises(ProgramError, match=r"a step of P-[12] went another way"):
        told(found, tmp_path / "prog.da", ())

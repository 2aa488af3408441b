"""The programs that explain the codes, run: each wrong one fails with its code."""

import re
from pathlib import Path

import pytest

from quorate.compiler.passes import analyse
from quorate.core.errors import ProgramError
from quorate.lang.codes import codes, explain
from quorate.lang.diagnostics import QuorateSyntaxError
from quorate.lang.source import Source
from quorate.worlds.sim import simulate
from running import run

PROGRAMS = {
    code: (found[0], found[1])
    for code in codes()
    if (found := re.findall(r"```python\n(.*?)```", explain(code) or "", re.DOTALL))
}
RUNNING = [code for code in PROGRAMS if "Q100" <= code < "Q200"]
WHOLE = [code for code, (_, right) in PROGRAMS.items() if "def main" in right]
FROZEN_ONLY = "Q114"


@pytest.mark.parametrize("code", [code for code in RUNNING if code != FROZEN_ONLY])
def test_the_wrong_program_fails_with_its_code(code: str, tmp_path: Path) -> None:
    done = run(tmp_path, PROGRAMS[code][0])
    assert done.status == 1
    assert re.findall(r"^error\[(Q\d+)\]", done.err, re.MULTILINE) == [code]


def test_without_main(tmp_path: Path) -> None:
    done = run(tmp_path, PROGRAMS["Q020"][0])
    assert done.status == 2
    assert done.err.startswith("error[Q020]: ")


@pytest.mark.parametrize("code", ["Q047", "Q048", "Q049"])
def test_what_cannot_wait(code: str) -> None:
    with pytest.raises(QuorateSyntaxError) as raised:
        analyse(Source("prog.da", PROGRAMS[code][0]), lambda name, level: None)
    assert [item.code for item in raised.value.diagnostics] == [code]


def test_a_state_that_cannot_be_frozen(tmp_path: Path) -> None:
    path = tmp_path / "prog.da"
    path.write_text(PROGRAMS[FROZEN_ONLY][0])
    with pytest.raises(ProgramError) as raised:
        simulate(path, refreeze=True)
    assert raised.value.code == FROZEN_ONLY


@pytest.mark.parametrize("code", WHOLE)
def test_the_right_program_runs(code: str, tmp_path: Path) -> None:
    path = tmp_path / "prog.da"
    path.write_text(PROGRAMS[code][1])
    done = simulate(path, refreeze=code == FROZEN_ONLY)
    assert (done.error, done.status) == (None, 0)

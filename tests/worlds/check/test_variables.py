"""Variables are dead where nothing can read them before they are given a value again."""

from pathlib import Path
from textwrap import indent

import pytest

from quorate.core.frames import Frame
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.run import check, load_for_checking
from quorate.worlds.check.variables import live_names

PROGRAM = """
class P(process):
    def setup():
        self.members = [1, 2]
    def run():
BODY
def main():
    start(new(P))
"""


@pytest.mark.parametrize(
    ("body", "live"),
    [
        ("n = 1\n-- here\noutput(n)", {"n"}),
        ("n = 1\n-- here\nn = 2\noutput(n)", set()),
        ("for n in members: pass\n-- here\nfor n in members: output(n)", set()),
        ("n = 1\n-- here\nif members: n = 2\noutput(n)", {"n"}),
        ("n = 1\n-- here\nif members: n = 2\nelse: n = 3\noutput(n)", set()),
        ("n = 1\n-- here\nfor m in members: n = m\noutput(n)", {"n"}),
        ("n = 1\n-- here\nn += 1", {"n"}),
        ("n = 1\n-- here\nwhile members:\n    n = 2\n    -- there\n    output(n)", set()),
        ("n = 1\nwhile members:\n    output(n)\n    -- here\n    n = 2", set()),
        ("n = 1\nwhile members:\n    -- here\n    output(n)\n    n = 2", {"n"}),
        ("n = 1\n-- here\ntry: n = len(members)\nfinally: output(n)", {"n"}),
        ("n = 1\n-- here\ntry: n = 1 / 0\nexcept ZeroDivisionError: output(n)", {"n"}),
        ("n = 1\n-- here\ntry:\n    -- there\n    n = 2\nfinally: output(n)", {"n"}),
        ("n = 1\n-- here\nm = 2\noutput([n + m for m in members])", {"n"}),
        ("n = 1\nf = lambda: n\n-- here\nn = 2\noutput(f())", {"n", "f"}),
        ("n = 1\n-- here\ndel n", {"n"}),
        ("n = 1\nif await(received(('a',))): n = 2\nelif received(('b',)): output(n)", {"n"}),
    ],
)
def test_what_is_live(tmp_path: Path, body: str, live: set[str]) -> None:
    path = tmp_path / "variables.da"
    path.write_text(PROGRAM.replace("BODY", indent(body, " " * 8)))
    routine = load_for_checking(path).P.run.routine
    names = {name for name in ("n", "m", "f") if name in live_names(routine, first_stand(routine))}
    assert names - set(routine.iterators) == live


def first_stand(routine: object) -> str:
    """The block at which the process stands first."""
    frame = Frame(routine, {})  # type: ignore[arg-type]
    process = type("Standing", (), {"members": [1, 2], "__getattr__": lambda *_: lambda *_: 1})()
    frame.advance_(process, None)  # type: ignore[arg-type]
    return frame.block_


WAITS = """
class P(process):
    def setup(): pass
    def run():
        for p in range(5):
            send(("ask", p), to=parent())
        await(some(received(("answer",))))
        LATER
def main():
    ps = new(P)
    start(ps)
    for n in range(5):
        -- take
"""


@pytest.mark.parametrize(("later", "more"), [("pass", False), ("output(p)", True)])
def test_a_state_has_what_is_live(tmp_path: Path, later: str, more: bool) -> None:
    path = tmp_path / "waits.da"
    path.write_text(WAITS.replace("LATER", later))
    found = check(path, (), Bounds(reduce=False), deadlocks=False)
    states = [each.state for each in found.tables.locals if each is not None]
    assert any("('p', 4)" in str(state) for state in states) == more

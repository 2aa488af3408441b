"""Counterexamples as traces: of programs with known bugs, and of whatever may befall one."""

from pathlib import Path
from typing import Any

import pytest

from quorate.trace import Trace, read
from quorate.trace import events as ev
from quorate.trace.course import course_of
from quorate.trace.page import page_of, sources_of
from quorate.trace.story import story_of
from quorate.worlds.check.counterexample import counterexample_of
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.retelling import Retold, retell
from quorate.worlds.check.run import check
from quorate.worlds.check.wording import steps_of

ROOT = Path(__file__).parents[3]


def retold(path: Path, *args: str, **bounds: Any) -> Retold:
    checked = check(path, args, Bounds(**bounds))
    found = counterexample_of(checked)
    assert found is not None
    return retell(checked, found, str(path), args)


def last(trace: Trace) -> ev.Event:
    """The last event before the end."""
    assert isinstance(trace.events[-1], ev.Over)
    return trace.events[-2]


MUTEX = (ROOT / "examples" / "lamport_mutex.da", "2", "1")
BUGS = [
    (MUTEX, {}),
    ((ROOT / "tests" / "zoo" / "mutex.da", "overtaking"), {}),
    ((ROOT / "tests" / "zoo" / "token.da", "doubled"), {"timeouts": 1}),
]


@pytest.mark.parametrize(("program", "bounds"), BUGS, ids=["lamport", "overtaking", "doubled"])
@pytest.mark.parametrize("reduce", [True, False])
def test_a_bug_is_retold(program: Any, bounds: dict[str, int], reduce: bool) -> None:
    path, *args = program
    told = retold(path, *args, network="bag", reduce=reduce, **bounds)
    trace = read(told.trace.lines())
    failure = last(trace)
    assert isinstance(failure, ev.Property)
    assert not failure.holds
    story = story_of(course_of(trace), rows_max=None)
    assert story.failure is not None
    page = "\n".join(page_of(story, sources_of(story, lambda _: "")))
    assert f"{failure.name} does not hold" in page
    assert [each.number for each in steps_of(told)] == [*range(1, len(told.kinds) + 1)]
    assert all(each.told for each in steps_of(told))


PAIR = """\
class P(process):
    def setup(other):
        self.n, self.tries = 0, 0
    def run():
        send(('ping', 1), to=other)
        if await(some(received(('ping', _)))): pass
        elif timeout(1):
            tries = 1
        await(False)
    def receive(msg=('ping', k)):
        n += k
@always
def right():
    return each(p in P, has=WRONG)
def main():
    ps = sorted(new(P, num=2))
    for p in ps:
        setup(p, ([q for q in ps if q != p],))
    start(ps)
"""
HAPPENED = [
    ("p.n < 2", {"duplicates": 1}, ev.Duplicate),
    ("p.tries == 0", {"timeouts": 1, "losses": 1}, ev.Step),
    ("not p.sent(('ping', 1)) or p.n < 2", {"network": "set"}, ev.Duplicate),
]


@pytest.mark.parametrize(("holds", "bounds", "kind"), HAPPENED)
def test_what_befalls_a_program(holds: str, bounds: Any, kind: type, tmp_path: Path) -> None:
    path = tmp_path / "pair.da"
    path.write_text(PAIR.replace("WRONG", holds))
    told = retold(path, **bounds)
    assert any(isinstance(each, kind) for each in told.trace.events)
    assert isinstance(last(told.trace), ev.Property)


LOST = PAIR.replace("WRONG", "p.n < 9").replace(
    "        elif timeout(1):\n            tries = 1\n", ""
)


def test_a_loss_that_leads_to_a_deadlock(tmp_path: Path) -> None:
    path = tmp_path / "pair.da"
    path.write_text(LOST)
    told = retold(path, losses=1)
    assert any(isinstance(each, ev.Drop) and each.why == "lost" for each in told.trace.events)
    over = told.trace.events[-1]
    assert isinstance(over, ev.Over)
    assert over.end == "quiet"
    assert len(over.waiting) == 1
    assert any("is lost" in line for step in steps_of(told) for line in step.lines())


def test_crashes_and_restarts(tmp_path: Path) -> None:
    path = tmp_path / "pair.da"
    again = LOST.replace("n += k", "n += k\n        assert n == 1, 'who crashed sends again'")
    path.write_text(again)
    told = retold(path, crashes=1, restarts=1)
    kinds = [type(each) for each in told.trace.events]
    assert kinds.index(ev.Crash) < kinds.index(ev.Restart)
    assert ev.Fail in kinds


def test_steps_within_a_step_are_told_after_it(tmp_path: Path) -> None:
    path = tmp_path / "pair.da"
    path.write_text(PAIR.replace("WRONG", "p.n == 0"))
    told = retold(path)
    steps = [each for each in told.trace.events if isinstance(each, ev.Step)]
    assert [each.step for each in steps] == [*range(1, len(steps) + 1)]
    assert [each.why for each in steps[:5]] == ["start", "setup", "setup", "start", "start"]
    assert {each.time for each in steps[:5]} == {1.0}
    course = course_of(told.trace)
    assert all(message.sent > 0 for message in course.messages.values())

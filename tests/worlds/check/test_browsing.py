"""States on demand: the same as the checker finds, with what has changed, and links to them."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from locks import SERVER
from quorate.core.errors import ProgramError
from quorate.lang.source import Source
from quorate.trace import events as ev
from quorate.trace.course import course_of, take
from quorate.trace.telling import value
from quorate.worlds.base import command_line, properties_of, surroundings
from quorate.worlds.check.browsing import STEPS_MAX, Browser, Position
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.observing import Observer
from quorate.worlds.check.retelling import Program
from quorate.worlds.check.run import check, load_for_checking
from quorate.worlds.check.seeking import EXPRESSION_MAX, Sought, seek, violation
from quorate.worlds.check.showing import OUTCOMES_MAX, Field, StateSeen, Viewer

ROOT = Path(__file__).parents[3]

LOCK = (
    """\
import random

"""
    + SERVER
    + """
class Client(process):
    def setup(server):
        self.inside = False
        self.mood = ''
    def run():
        send(('acquire',), to=server)
        if await(some(received(('granted',)))):
            inside = True
            -- critical_section
            inside = False
        elif timeout(1):
            mood = random.choice(['glad', 'sad'])
            assert MOOD
            -- gives_up
        send(('release',), to=server)

@always
def alone():
    return each(p in Client, q in Client, has=p == q or not (p.inside and q.inside))
@sometimes
def entered():
    return some(p in Client, has=p.inside)
@leads_to
def served():
    return (setof(c, c in Client, c.sent(('acquire',))),
            setof(c, c in Client, c.received(('granted',))))

def main():
    server = new(Server, ())
    start(server)
    start(new(Client, (server,), num=MANY))
"""
)


def lock_of(many: int, mood: str = "True") -> str:
    return LOCK.replace("MANY", str(many)).replace("MOOD", mood)


RIGHT = lock_of(2).replace("@always", "@sometimes")

Open = Callable[..., Browser]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """A browser of a program of this text, or at this path."""
    folder = tmp_path_factory.mktemp("programs")

    def call(program: str | Path, *args: str, **bounds: Any) -> Browser:
        path = program
        if isinstance(program, str):
            path = folder / f"program_{len(list(folder.iterdir()))}.da"
            path.write_text(program)
        with command_line(path, args), surroundings(0):
            return Browser(load_for_checking(path), Bounds(**bounds))

    return call


@pytest.fixture(scope="module")
def lock(opened: Open) -> Browser:
    return opened(lock_of(3), timeouts=1, duplicates=1)


def source(browser: Browser) -> Source:
    return Source.read(str(browser.module.__file__))


def sought(browser: Browser, expression: str, at: str = "") -> Sought:
    with surroundings(0):
        return seek(browser, source(browser), expression, at)


def state(browser: Browser, link: str) -> StateSeen:
    return Viewer(browser).state(browser.follow(link))


def levels(browser: Browser) -> list[int]:
    """How many states there are by depth, within bounds."""
    level, known, sizes = [browser.start], {browser.start}, []
    while level:
        new: dict[Position, None] = {}
        for at in level:
            for step in browser.steps(at):
                if step.beyond is None and not step.effect.fails:
                    new.setdefault(browser.after(at, step))
        level = [at for at in new if at not in known]
        known |= set(level)
        sizes.append(len(level))
    return sizes[:-1]


COMMIT = ROOT / "bench" / "models" / "two_phase.da"
BOUNDS = [
    (RIGHT, {"timeouts": 1}),
    (RIGHT, {"timeouts": 2, "network": "fifo"}),
    (RIGHT, {"losses": 1, "duplicates": 1}),
    (RIGHT, {"crashes": 1, "restarts": 1}),
    (COMMIT, {"network": "set"}),
]


@pytest.mark.parametrize(("program", "bounds"), BOUNDS, ids=[str(bounds) for _, bounds in BOUNDS])
def test_there_are_the_states_that_a_check_finds(
    opened: Open, program: str | Path, bounds: Any
) -> None:
    module = opened(program, "2").module
    path = str(module.__file__)
    observer = Observer(properties_of(module), {module.__name__: module})
    with command_line(path, ["2"]), surroundings(0):
        browser = Browser(module, Bounds(**bounds), observer=observer)
    checked = check(path, ("2",), Bounds(reduce=False, **bounds), deadlocks=False)
    sizes = levels(browser)
    assert sum(sizes) == checked.graph.states > 20
    assert len(sizes) in (checked.graph.depth, checked.graph.depth + 1)


FEWER = settings(max_examples=40, deadline=None)
WALKS = st.lists(st.integers(0, 30), max_size=14)


def walked(browser: Browser, choices: list[int]) -> str:
    """The link of a walk that chooses each step by a number."""
    at, names = browser.start, []
    for choice in [0, *choices]:
        steps = browser.steps(at)
        if not steps:
            break
        step = steps[choice % len(steps)]
        at = browser.after(at, step)
        names.append(step.name)
    return ".".join(names)


@FEWER
@given(walk=WALKS)
def test_what_has_changed_is_what_differs_from_before(lock: Browser, walk: list[int]) -> None:
    link = walked(lock, walk)
    now, before = state(lock, link), state(lock, link.rpartition(".")[0])
    earlier = {each.name: {f.name: f.value for f in each.fields} for each in before.processes}
    for each in now.processes:
        assert each.new == (each.name not in earlier)
        for field in each.fields if not each.new else ():
            old = earlier[each.name].get(field.name, "")
            assert field.was == (None if field.value == old else old)
    for seen, past in ((now, 0), (before, -1)):
        found: Counter[Any] = Counter()
        for channel in now.channels:
            for each in channel.messages:
                found[channel.sender, channel.to, each.text] += each.count + past * each.more
        there = {
            (channel.sender, channel.to, each.text): each.count
            for channel in seen.channels
            for each in channel.messages
            if each.count
        }
        assert +found == Counter(there)


@FEWER
@given(walk=WALKS)
def test_a_walk_is_retold_as_it_is_shown(lock: Browser, walk: list[int]) -> None:
    way = lock.follow(walked(lock, walk))
    retold, ran = Viewer(lock).retold(way, Program("program.da"))
    fields: Any = {}
    for row in course_of(retold.trace).path:
        take(fields, row)
    for each in Viewer(lock).state(way).processes:
        if each.state != "has crashed":
            shown = {field.name: field.value for field in each.fields}
            assert shown == {k: value(v) for k, v in fields.get(each.name, {}).items()}
    lines = source(lock).lines
    assert all(lines[int(place.rpartition(":")[2]) - 1].strip() for place in ran)


def test_the_lines_that_a_step_ran(lock: Browser) -> None:
    link = sought(lock, "some(s in Server, has=s.waiting)").link
    assert link is not None
    _, ran = Viewer(lock).retold(lock.follow(link), Program("program.da"))
    lines = source(lock).lines
    texts = [lines[int(place.rpartition(":")[2]) - 1].strip() for place in ran]
    assert texts[-2:] == ["if free:", "waiting.append(p)"]
    assert "free = False" not in texts


def test_steps_say_what_they_do(lock: Browser) -> None:
    [start] = state(lock, "").steps
    assert (start.process, start.what) == ("main", "starts")
    assert "Client-2 sends ('acquire',) to Server-1" in start.then
    steps = {(each.process, each.what): each for each in state(lock, start.name).steps}
    taken = steps["Server-1", "takes ('acquire',) from Client-3"]
    assert taken.then == ["free = False (was True)", "sends ('granted',) to Client-3"]
    assert (None, "('acquire',) from Client-3 to Server-1 comes twice") in steps
    out = [each for (_, what), each in steps.items() if what.endswith("timeout")]
    assert [each.choice for each in out] == ["2 of 2"] * 3  # the later one of each client's moods


def test_of_many_outcomes_some_are_shown(opened: Open) -> None:
    text = "import random\nclass P(process):\n    def setup(): self.n = 0\n"
    text += "    def run():\n        -- begin\n        n = random.randrange(100)\n"
    browser = opened(f"{text}def main(): start(new(P, ()))\n")
    shown = state(browser, state(browser, "").steps[0].name)
    assert [each.choice for each in shown.steps] == [f"{n + 1} of 100" for n in range(OUTCOMES_MAX)]
    assert shown.more == 100 - OUTCOMES_MAX
    link = sought(browser, "some(p in P, has=p.n == 77)").link
    assert link is not None
    assert link.endswith("-78")
    assert state(browser, link).processes[1].fields == [Field("n", "77", "0")]


def test_what_bounds_hold_back_can_be_taken_and_says_so(lock: Browser) -> None:
    link = state(lock, "").steps[0].name
    for beyond in (None, "timeouts"):
        step = next(s for s in state(lock, link).steps if s.what.endswith("timeout"))
        assert step.beyond == beyond
        link = f"{link}.{step.name}"
    assert state(lock, link).left["timeouts"] == -1


def test_what_is_left_is_told_by_classes(opened: Open) -> None:
    browser = opened(lock_of(2), timeouts={"Client": 1}, crashes={"Client": 1})
    first = state(browser, "").steps[0].name
    crash = next(each for each in state(browser, first).steps if each.what == "crashes")
    assert crash.process != "Server-1"
    then = state(browser, f"{first}.{crash.name}")
    assert then.left["crashes of Client"] == 0
    assert then.left["timeouts of Client"] == 1
    again = next(each for each in then.steps if each.what == "crashes")
    assert again.beyond == "crashes of Client"


def test_properties_of_a_state(lock: Browser) -> None:
    def told(link: str) -> dict[str, tuple[bool | None, str]]:
        return {each.name: (each.holds, each.says) for each in state(lock, link).properties}

    assert set(told("").values()) == {(None, "says nothing yet")}
    begun = told(state(lock, "").steps[0].name)
    assert begun["alone"] == (True, "holds")
    assert begun["entered"] == (False, "does not hold")
    assert begun["served"] == (False, "owes something")
    wrong = sought(lock, "lenof(p, p in Client, p.inside) == 2").link
    assert wrong is not None
    assert told(wrong)["alone"] == (False, "does not hold")
    assert "p.inside = True" in state(lock, wrong).properties[0].why
    [served] = [each for each in state(lock, wrong).properties if each.name == "served"]
    assert served.why == ["owed to: Client-2"]


# Links.

SHOW = """\
import msgspec, sys
from quorate.worlds.base import surroundings
from quorate.worlds.check.browsing import Browser
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.run import load_for_checking
from quorate.worlds.check.showing import Viewer
path, links = sys.argv[1], sys.argv[2:]
with surroundings(0):
    browser = Browser(load_for_checking(path), Bounds(timeouts=1, duplicates=1))
view = Viewer(browser)
states = [view.state(browser.follow(link)) for link in links]
sys.stdout.buffer.write(msgspec.json.encode(states))
"""


def test_a_link_leads_to_the_same_state_in_another_process(lock: Browser) -> None:
    walks = [[3, 1, 4, 1, 5, 9, 2, 6], [5, 3, 5, 8, 9, 7, 9], [30, 29, 28, 27, 26, 25, 24, 23]]
    links = [walked(lock, walk) for walk in walks]
    here = [state(lock, link) for link in links]
    for seed in ("1", "77"):
        shown = subprocess.run(
            [sys.executable, "-c", SHOW, str(lock.module.__file__), *reversed(links)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        assert msgspec.json.decode(shown, type=list[StateSeen]) == here[::-1]


@pytest.mark.parametrize(
    "link",
    [
        *("zzzz", ".", "BEGIN.zzzz", "BEGIN.", "BEGIN-1", "BEGIN.BEGIN", "a" * 9999, "é\x00<b>"),
        ".".join(["aaaa"] * (STEPS_MAX + 1)),
    ],
)
def test_a_link_that_leads_nowhere(lock: Browser, link: str) -> None:
    with pytest.raises(ProgramError) as raised:
        lock.follow(link.replace("BEGIN", state(lock, "").steps[0].name))
    assert raised.value.code == "Q140"
    assert raised.value.help


# Searching.


def test_what_is_sought_is_found_after_as_few_steps_as_a_check_finds(lock: Browser) -> None:
    checked = check(str(lock.module.__file__), (), replace(lock.bounds, reduce=False))
    [reached] = [way for way, found in checked.graph.reached if found.property.name == "entered"]
    link = sought(lock, "some(p in Client, has=p.inside)").link
    assert link is not None
    assert len(state(lock, link).way) == len(checked.graph.way_to(reached))
    [entered] = [each for each in state(lock, link).properties if each.name == "entered"]
    assert entered.holds


def test_what_histories_say_is_found_where_the_program_keeps_none(lock: Browser) -> None:
    expression = "some(s in Server, has=lenof(p, s.received(('acquire',), from_=p)) == 2)"
    link = sought(lock, expression).link
    assert link is not None
    way = lock.follow(link)
    taken = [Viewer(lock).step(step).what for step, _ in way if step.event.kind == "deliver"]
    assert sorted(taken) == [f"takes ('acquire',) from Client-{n}" for n in (2, 3)]
    assert len(way) == 3


@FEWER
@given(walk=WALKS)
def test_what_is_sought_from_a_state_on_is_found_beyond_it(lock: Browser, walk: list[int]) -> None:
    at = walked(lock, walk)
    expression = "some(s in Server, p in Client, s.received(('release',), from_=p))"
    found = sought(lock, expression, at)
    assert found.link is not None
    assert found.link.startswith(at)
    taken = [Viewer(lock).step(step).what for step, _ in lock.follow(found.link)]
    takers = {each.rpartition(" ")[2] for each in taken if each.startswith("takes ('release',)")}
    assert takers
    assert found.told[0].startswith(f"after {len(taken) - at.count('.') - 1} more step")


def test_what_is_in_no_state(lock: Browser) -> None:
    found = sought(lock, "each(p in Client, has=p.mood == 'sad' and p.inside)")
    assert found.link is None
    assert found.told[0].startswith("in none of ")
    assert found.stopped is None


def test_what_who_has_ended_leaves_behind_is_found_and_shown(opened: Open) -> None:
    text = "import random\nclass P(process):\n    def setup(): self.n = 0\n"
    text += "    def run(): n = random.choice([3, 4, 5])\ndef main(): start(new(P, ()))\n"
    browser = opened(text)
    link = sought(browser, "some(p in P, has=p.n == 4)").link
    assert link is not None
    [_, process] = state(browser, link).processes
    assert (process.state, process.fields[0].value) == ("has ended", "4")
    retold, _ = Viewer(browser).retold(browser.follow(link), Program("program.da"))
    assert any(isinstance(e, ev.State) and e.after == {"n": 4} for e in retold.trace.events)


def test_a_search_that_comes_to_its_bound(opened: Open) -> None:
    found = sought(opened(RIGHT, states=9), "some(p in Client, has=p.mood)")
    assert (found.link, found.stopped) == (None, "states")
    assert found.told[0].startswith("stopped by --states: in none of 9 states")


def test_an_interrupted_search(lock: Browser) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("quorate.worlds.check.explore.CHECKED_SECONDS", -1.0)
        found = seek(lock, source(lock), "some(p in Client, has=p.mood == 'bad')", "", stop)
    assert found.stopped == "interrupted"


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("some(p in Client, has=p.insid)", "has no field `insid`"),
        ("some(p in Cliant, has=p.inside)", "`Cliant` is defined nowhere"),
        ("1 == 1", "it says nothing of any process"),
        ("some(p in Client, has=", "was never closed"),
        ("a) or (b", "unmatched"),
        ("x = 1", "invalid syntax"),
        ("True)\nimport os\nx = (", "unmatched"),
        ("open('x', 'w')", "`open` is none of the program's own names"),
        ("__import__('os').getpid()", "`__import__` is none"),
        ("random.choice([1])", "cannot use `random`"),
        ("some(p in Client, has=p.inside.__class__)", "`__class__` is nothing"),
        ("some(p in Client, has=exec('1'))", "`exec` is none"),
        ("some(p in Client, has=(lambda: 1)())", "a property cannot hold a function"),
        ("some(p in Server, has=p.waiting[0])", "IndexError: list index out of range"),
        ("(" * 500 + ")" * 500, "this cannot be searched for"),
        ("\x00", "null byte"),
        ("1" * (EXPRESSION_MAX + 1), "it has more than 2,000 characters"),
    ],
)
def test_what_cannot_be_searched_for(lock: Browser, expression: str, says: str) -> None:
    with pytest.raises(ProgramError) as raised:
        sought(lock, expression)
    assert raised.value.code == "Q141"
    assert says in raised.value.message
    assert raised.value.help


def test_the_program_is_there_as_before_after_a_search(lock: Browser) -> None:
    name = lock.module.__name__
    before = sys.modules.get(name)
    sought(lock, "some(p in Client, has=p.inside)")
    assert sys.modules.get(name) is before


def found_against(browser: Browser, **how: bool) -> Sought:
    with surroundings(0):
        return violation(browser, browser.bounds, **how)


def test_a_violation_is_found_and_stands_in_its_state(lock: Browser) -> None:
    found = found_against(lock)
    assert found.link is not None
    assert found.told[0].startswith("error[Q120]: `alone` does not hold after ")
    shown = state(lock, found.link)
    assert f"after {len(shown.way)} steps" in found.told[0]
    assert [each.holds for each in shown.properties if each.name == "alone"] == [False]


def test_a_step_that_fails(opened: Open) -> None:
    browser = opened(lock_of(3, "mood != 'sad', 'too sad'"), timeouts=1)
    found = found_against(browser)
    assert found.link is not None
    shown = state(browser, found.link)
    assert shown.failed == "AssertionError: too sad"
    assert shown.steps == []
    before = state(browser, found.link.rpartition(".")[0])
    [step] = [each for each in before.steps if each.name == shown.way[-1]]
    assert step.fails
    assert step.then == ["fails: AssertionError: too sad"]
    retold, _ = Viewer(browser).retold(browser.follow(found.link), Program("program.da"))
    assert "too sad" in str(retold.trace.events[-2])
    assert sought(browser, "lenof(p, p in Client, p.inside) == 2").link is not None


def test_a_deadlock_and_steps_that_repeat(opened: Open) -> None:
    quiet = "class P(process):\n    def run(): await(received('x'))\n"
    browser = opened(f"{quiet}def main(): start(new(P))\n")
    found = found_against(browser)
    assert found.told[0].startswith("error[Q107]")
    assert state(browser, str(found.link)).steps == []
    text = "class P(process):\n    def setup(): self.n = 0\n    def run():\n        while True:\n"
    text += "            n = 1 - n\n            -- flip\n"
    text += "@eventually\ndef still(): return each(p in P, has=p.n == 1)\n"
    browser = opened(f"{text}def main(): start(new(P, ()))\n")
    found = found_against(browser)
    assert found.loop > 0
    way = browser.follow(str(found.link))
    first, last = way[-found.loop - 1][1], way[-1][1]
    assert (first.locals, first.net) == (last.locals, last.net)


def test_without_a_violation(opened: Open) -> None:
    browser = opened(RIGHT)
    found = found_against(browser, deadlocks=True)
    assert found.link is None
    assert found.told[0].startswith("holds: ")

"""`quorate check`: what it says of what it has looked at, and of what it is told wrong."""

import gc
import json
import signal
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from quorate.trace import read_file
from quorate.worlds.check.explore import Explorer

Quorate = Callable[..., Any]

WAITS = """\
class P(process):
    def setup(other): self.n = 0
    def run():
        if await(some(received(('hello',)))):
            n = 1
        elif timeout(1):
            n = 2
        BODY
def main():
    ps = new(P, num=2)
    for p in ps:
        setup(p, (ps - {p},))
    start(ps)
@always
def small():
    return each(p in P, has=p.n < 2)
@sometimes
def late():
    return some(p in P, has=p.n == 2)
"""
GREETS = """\
class P(process):
    def setup(other): self.n = 0
    def run():
        send(('hello',), to=other)
        await(some(received(('hello',))))
        n = 1
        BODY
def main():
    ps = new(P, num=2)
    for p in ps:
        setup(p, (ps - {p},))
    start(ps)
@always
def small():
    return each(p in P, has=p.n < BOUND)
@sometimes
def done():
    return each(p in P, has=p.n == 1)
"""

GROWS = """\
class P(process):
    def setup(): self.n = 0
    def run():
        while True:
            -- on
            await(n >= 0)
            n += 1
def main():
    start(new(P, num=2))
"""


def greets(body: str = "pass", bound: int = 2) -> str:
    return GREETS.replace("BODY", body).replace("BOUND", str(bound))


@pytest.fixture
def check(quorate: Quorate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Quorate:
    """Check a program of this text, with these words before it."""
    monkeypatch.chdir(tmp_path)

    def call(text: str, *options: str) -> Any:
        (tmp_path / "program.da").write_text(text)
        return quorate("check", *options, "program.da")

    return call


def test_what_holds(check: Quorate) -> None:
    ended = check(greets())
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].startswith("holds: ")
    assert lines[1] == (
        "  every interleaving, messages in any order; no timeout, crash, restart, loss or duplicate"
    )
    assert lines[3].startswith("  always small; sometimes done (reached after ")


def test_a_property_that_is_violated(check: Quorate) -> None:
    ended = check(greets(bound=1), "--no-reduction")
    assert ended.status == 1
    lines = ended.out.splitlines()
    assert lines[0].startswith("error[Q120]: `small` does not hold after 3 steps, the last of")
    assert lines[1] == '  File "program.da", line 15, in small'
    assert "It takes 3 steps:" in lines
    assert any(line.startswith("    3. P-") and "n = 1 (was 0)" in line for line in lines)


def test_what_is_never_reached(check: Quorate) -> None:
    ended = check(greets().replace("has=p.n == 1", "has=p.n == 7"))
    assert ended.status == 1
    assert ended.out.startswith("error[Q121]: `done` is to hold sometimes, and never did in ")
    assert "\nviolated: " in ended.out


def test_an_exception(check: Quorate) -> None:
    ended = check(greets("n = 1 // 0"))
    assert ended.status == 1
    assert "failed: ZeroDivisionError" in ended.out.splitlines()[0]
    assert '  File "program.da", line 7, in run' in ended.out


def test_a_deadlock_and_that_it_is_none(check: Quorate) -> None:
    text = greets("await(n == 2)")
    ended = check(text)
    assert ended.status == 1
    assert ended.out.startswith("error[Q107]: nothing can happen any more, and 2 processes have")
    assert "    program.da:7, in P.run: n == 2" in ended.out
    assert check(text, "--no-deadlock").status == 0


def test_bounds_say_what_widens_them(check: Quorate) -> None:
    ended = check(WAITS.replace("BODY", "pass").replace("has=p.n == 2", "has=p.n == 0"))
    assert ended.status == 0
    assert "  a timer could still run out: --timeouts 1" in ended.out.splitlines()
    assert check(WAITS.replace("BODY", "pass"), "--timeouts", "1").status == 1


def test_whose_timers_run_out_and_who_crashes(check: Quorate) -> None:
    text = WAITS.replace("BODY", "pass").replace("has=p.n < 2", "has=p.n >= 0")
    ended = check(text, "--timeouts", "P", "--crashes", "P:1, main_:0")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "error[Q139]: crashes of `main_`: the program has no such process class",
        "  = help: it has P",
    ]
    ended = check(text, "--timeouts", "P", "--crashes", "0,P:1")
    assert ended.status == 0
    assert "; at most 1 timeout of P and 1 crash of P; no restart, loss or" in ended.out
    found = json.loads(check(text, "--timeouts", "P", "--crashes", "2", "--json").out)
    assert [found["bounds"][name] for name in ("timeouts", "crashes")] == [{"P": 1}, 2]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("many", None),
        ("-1", "`-1` says not how often, or of which processes: write `2`, `Server:2`, or"),
        ("P:1,", "`` says not how often"),
        ("P:one", "`P:one` says not how often"),
        ("P,P:2", "`P,P:2` says twice how often: write each class once"),
        ("1" * 10, "says not how often"),
    ],
)
def test_times_that_cannot_be_understood(check: Quorate, text: str, says: str | None) -> None:
    ended = check(greets(), "--crashes", text)
    assert (ended.status, ended.out) == (2, "")
    assert (says or "error[Q139]: crashes of `many`") in ended.err


@pytest.mark.parametrize("bound", ["--states", "--depth"])
def test_a_limit_that_is_reached(check: Quorate, bound: str) -> None:
    ended = check(greets(), bound, "2")
    assert ended.status == 3
    assert ended.out.startswith(f"inconclusive, stopped by {bound}: ")
    assert "  not known: always small; sometimes done" in ended.out.splitlines()


def test_what_clients_see(check: Quorate) -> None:
    ended = check(greets() + "linearizable('register')\n")
    assert ended.status == 0
    assert "warning[Q133]: `linearizable` says nothing: there are no operations" in ended.out
    body = "invoke('read')\n        returned({})"
    right = check(greets(body.format(None)) + "linearizable('register')\n")
    assert right.status == 0
    assert right.out.endswith("sometimes done (reached after 7 steps); linearizable register\n")
    wrong = check(greets(body.format(1)) + "linearizable('register')\n")
    assert wrong.status == 1
    assert wrong.out.startswith("error[Q125]: `linearizable` does not hold after ")
    assert "violated: " in wrong.out


def test_what_is_to_come_in_the_end(check: Quorate) -> None:
    more = "@eventually\ndef ends():\n    return each(p in P, has=p.n == {})\n"
    assert "; eventually ends\n" in check(greets() + more.format(1)).out
    ended = check(greets() + more.format(7))
    assert ended.status == 1
    assert ended.out.startswith("error[Q122]: `ends` is not fulfilled: ")


def test_a_property_that_says_nothing(check: Quorate) -> None:
    more = "class Q(process):\n    def setup(): self.n = 0\n"
    more += "@always\ndef none():\n    return each(q in Q, has=q.n < 2)\n"
    ended = check(greets() + more)
    assert ended.status == 0
    assert ended.out.startswith("warning[Q133]: `none` says nothing: ")


@pytest.mark.parametrize(
    ("code", "status"), [("", 0), ("0", 0), ("None", 0), ("3", 1), ("256", 1), ("'why'", 1)]
)
def test_a_process_that_ends_with_a_status(check: Quorate, code: str, status: int) -> None:
    """As in a simulated run, it is a failure."""
    ended = check(f"class P(process):\n    def run(): exit({code})\ndef main(): start(new(P))\n")
    assert ended.status == status
    assert ended.out.startswith("error[Q136]: P-1 failed: " if status else "holds: ")


def test_channels_that_keep_order(check: Quorate) -> None:
    ordered = "config(channel='fifo')\n" + greets()
    assert "in the order of sending" in check(ordered).out
    assert "messages in any order;" in check(ordered, "--network", "bag").out


@pytest.mark.parametrize(
    ("before", "status", "said"),
    [
        ("pass", 1, "error[Q120]: `in_order` does not hold"),
        ("-- later", 0, "warning: messages of main may overtake each other, which --network bag"),
        ("config(channel='fifo')", 0, "holds: "),
    ],
)
def test_what_main_sends_where_only_classes_keep_order(
    check: Quorate, before: str, status: int, said: str
) -> None:
    ended = check(FROM_MAIN.format(before))
    assert (ended.status, ended.out.startswith(said)) == (status, True)


FROM_MAIN = """\
class P(process):
    config(channel='fifo')
    def setup():
        self.seen = []
    def receive(msg=('k', i)):
        seen.append(i)
    def run():
        await(len(seen) == 2)
@always
def in_order():
    return each(p in P, has=p.seen == sorted(p.seen))
def main():
    p = new(P, ())
    start(p)
    {}
    for i in range(2): send(('k', i), to=p)
"""


def test_json(check: Quorate) -> None:
    found = json.loads(check(greets(bound=1), "--no-reduction", "--json").out)
    assert found["verdict"] == "violated"
    assert found["violation"]["kind"] == "property"
    assert found["violation"]["property"] == "small"
    assert [each["step"] for each in found["violation"]["steps"]] == [1, 2, 3]
    assert found["violation"]["steps"][0]["happens"][0]["process"] == "main"
    assert [each["verdict"] for each in found["properties"]] == ["violated", "unknown"]
    found = json.loads(check(greets(), "--json").out)
    assert (found["verdict"], found["violation"], found["stopped"]) == ("holds", None, None)
    assert found["bounds"]["network"] == "bag"
    assert 0 < found["collision_chance"] < 1e-9


def test_a_trace_and_a_page(check: Quorate, quorate: Quorate, tmp_path: Path) -> None:
    assert check(greets(bound=1), "--trace", "t.jsonl", "--page", "p.html").status == 1
    assert read_file("t.jsonl").begin.program == "program.da"
    assert "small does not hold" in (tmp_path / "p.html").read_text()
    assert "program.da, checked" in quorate("trace", "--to", "text", "t.jsonl").out
    ended = quorate("replay", "t.jsonl")
    assert ended.status == 2
    assert "which no seed repeats" in ended.err


@pytest.mark.parametrize("option", ["--trace", "--page"])
def test_a_file_that_is_another_is_left_alone(check: Quorate, tmp_path: Path, option: str) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert check(greets(bound=1), option, "notes.txt").status == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"
    for _ in range(2):  # what such a command has written may be lost
        assert check(greets(bound=1), option, "other.txt").status == 1


def test_errors_of_the_text(check: Quorate) -> None:
    ended = check("def main(:\n")
    assert (ended.status, ended.out) == (2, "")
    assert "error[Q003]" in ended.err
    assert json.loads(check("def main(:\n", "--json").out)[0]["code"] == "Q003"
    assert check("x = 1\n").status == 2  # without a main


def test_a_step_of_too_many_ways(check: Quorate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quorate.worlds.check.steps.WAYS_MAX", 100)
    draws = "import random; n = sum(random.randrange(100) for _ in range(9)) * 0"
    ended = check(greets(draws))
    assert ended.status == 2
    assert ended.err.startswith("error[Q131]: a single step can go in more than 100 ways\n")


def test_an_interrupt_shows_what_was_covered(
    check: Quorate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explore(twin: Explorer, kernel: bool | None = None) -> None:
        twin.go_on(3)
        raise KeyboardInterrupt

    monkeypatch.setattr("quorate.worlds.check.run.explore", explore)
    ended = check(greets())
    assert ended.status == 130
    assert ended.out.startswith("interrupted: ")


@pytest.mark.parametrize("what", ["Reductions.refute", "Recorder.explore", "lassos"])
def test_an_interrupt_after_the_search_shows_what_was_covered(
    check: Quorate, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"quorate.worlds.check.run.{what}", interrupted)
    lively = "@eventually\ndef ended():\n    return each(p in P, has=p.n == 1)\n"
    ended = check(greets() + lively)
    assert (ended.status, ended.err) == (130, "")
    assert ended.out.startswith("interrupted: ")


@pytest.fixture
def callbacks() -> Iterator[None]:
    """What is told when Python looks for garbage is the same afterwards."""
    before = [*gc.callbacks]
    yield
    gc.callbacks[:] = before


def collecting(act: Callable[[], None]) -> None:
    """Act once, while Python tells that it has looked for garbage."""
    acts = [act]

    def told(phase: str, _: Any) -> None:
        if phase == "stop" and acts:
            acts.pop()()

    gc.callbacks.append(told)
    gc.collect()


def deleting(act: Callable[[], None]) -> None:
    """Act while an object is let go."""
    weakref.finalize(Weak(), act)


class Weak:
    """An object that nobody keeps."""


@pytest.mark.usefixtures("callbacks")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("drop", [collecting, deleting])
def test_an_interrupt_is_heard_where_python_drops_what_is_raised(
    check: Quorate, monkeypatch: pytest.MonkeyPatch, drop: Any, number: signal.Signals
) -> None:
    def explore(twin: Explorer, kernel: bool | None = None) -> None:
        twin.go_on(3)
        drop(lambda: signal.raise_signal(number))
        while True:  # it comes here, if at all
            pass

    monkeypatch.setattr("quorate.worlds.check.run.explore", explore)
    ended = check(greets())
    assert (ended.status, ended.err) == (130, "")
    assert ended.out.startswith("interrupted: ")


@pytest.mark.usefixtures("callbacks")
def test_what_else_python_drops_is_told_as_before(
    check: Quorate, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    def fail() -> None:
        raise ValueError

    def explore(twin: Explorer, kernel: bool | None = None) -> None:
        collecting(fail)
        twin.go_on()

    monkeypatch.setattr("quorate.worlds.check.run.explore", explore)
    monkeypatch.setattr("sys.unraisablehook", lambda what: told.append(what.exc_type))
    assert check(greets()).status == 0
    assert told == [ValueError]


def test_what_is_left_out_can_be_held_to_what_is_not(quorate: Quorate, tmp_path: Path) -> None:
    file = tmp_path / "greets.da"
    file.write_text(greets())
    outcome = quorate("check", "--self-check", "--exact", str(file))
    assert outcome.status == 0
    assert "self-check: with nothing left out 9 states: the same verdict, and the" in outcome.out
    assert "no state was missed: they were kept whole" in outcome.out


def test_a_search_stops_where_it_takes_too_much_memory(quorate: Quorate, tmp_path: Path) -> None:
    file = tmp_path / "grows.da"
    file.write_text(GROWS)
    outcome = quorate("check", "--memory", "1", str(file))
    assert outcome.status == 3
    assert "memory" in outcome.out


@pytest.mark.parametrize("search", ["walks", "pct", "new"])
def test_runs_that_find_nothing_are_inconclusive(check: Quorate, search: str) -> None:
    ended = check(greets(), "--search", search, "--runs", "20", "--seed", "7")
    assert (ended.status, ended.err) == (3, "")
    lines = ended.out.splitlines()
    assert lines[0].startswith("inconclusive, stopped by --runs: ")
    assert lines[1].startswith("  20 ")
    assert ", seed 7: " in lines[1]
    assert "  not known: always small" in lines
    assert any(line.startswith("  sometimes done (reached after ") for line in lines)
    assert ("  not so if it is deeper" in ended.out) == (search == "pct")


@pytest.mark.parametrize("search", ["depth", "walks", "pct", "new"])
def test_what_other_orders_find_is_told(check: Quorate, search: str) -> None:
    ended = check(greets(bound=1), "--search", search, "--trace", "t.jsonl")
    assert ended.status == 1
    assert ended.out.startswith("error[Q120]: `small` does not hold after 3 steps, the last of")
    assert read_file("t.jsonl").begin.program == "program.da"
    ended = check(greets("await(n == 2)"), "--search", search)
    assert ended.status == 1
    assert ended.out.startswith("error[Q107]: nothing can happen any more, and ")


def test_depth_first_holds_but_by_bits(check: Quorate) -> None:
    ended = check(greets(), "--search", "depth")
    assert ended.status == 0
    assert ended.out.startswith("holds: ")
    ended = check(greets(), "--search", "depth", "--bits", "12")
    assert ended.status == 3
    assert ended.out.startswith("inconclusive, stopped by --bits: ")
    assert "  4,096 bits, " in ended.out


def test_what_is_to_come_in_the_end_needs_all_states(check: Quorate) -> None:
    text = greets() + "@eventually\ndef ends():\n    return each(p in P, has=p.n == 7)\n"
    ended = check(text, "--search", "depth")
    assert ended.status == 1
    assert ended.out.startswith("error[Q122]: `ends` is not fulfilled: ")
    for options in (["depth", "--bits", "12"], ["walks"]):
        ended = check(text, "--search", *options)
        assert ended.status == 3
        assert "  not known: always small; eventually ends" in ended.out.splitlines()


def test_more_bits_than_there_is_memory_for(check: Quorate) -> None:
    ended = check(greets(), "--search", "depth", "--bits", "62")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("error[Q145]: there is no memory for 2^62 bits\n  = help: ")


def test_other_orders_as_json(check: Quorate) -> None:
    def searched(*options: str) -> Any:
        return json.loads(check(greets(), "--json", "--search", *options).out)

    found = searched("pct", "--runs", "10", "--bug-depth", "2")
    assert found["search"]["runs"] == 10
    assert found["search"]["chance"] == pytest.approx(
        1 / found["search"]["chains"] / found["search"]["events"]
    )
    assert found["collision_chance"] is None
    assert searched("depth", "--bits", "9")["search"]["bits"] == 9
    assert searched("breadth")["search"] == {"order": "breadth"}


@pytest.mark.parametrize(
    "options",
    [
        ["--bits", "20"],
        ["--search", "depth", "--runs", "5"],
        ["--seed", "5"],
        ["--search", "walks", "--bug-depth", "2"],
        ["--search", "new", "--strong"],
        ["--search", "walks", "--self-check"],
        ["--search", "depth", "--exact"],
        ["--search", "depth", "--bits", "20", "--strong"],
    ],
)
def test_options_of_another_order_are_wrong(check: Quorate, options: list[str]) -> None:
    ended = check(greets(), *options)
    assert (ended.status, ended.out) == (2, "")
    assert options[-2 if options[-1].isdigit() else -1] in ended.err


@pytest.mark.parametrize("search", ["depth", "walks"])
def test_an_interrupt_shows_what_another_order_covered(
    check: Quorate, monkeypatch: pytest.MonkeyPatch, search: str
) -> None:
    def look(self: Explorer, waiting: int) -> None:
        if self.graph.states > 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(Explorer, "_look_at_time", look)
    monkeypatch.setattr(Explorer, "_stop_if_full", lambda self: self._look_at_time(0))
    ended = check(greets(), "--search", search)
    assert ended.status == 130
    assert ended.out.startswith("interrupted: ")

"""Operations of clients in simulated runs: what is kept of them, and how it is judged."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quorate.compiler.loader import load
from quorate.consistency import Limits
from quorate.core.errors import ProgramError, PropertyFailed
from quorate.trace import events as ev
from quorate.trace.course import course_of
from quorate.trace.mermaid import mermaid_of
from quorate.trace.notes import notes_of
from quorate.trace.story import story_of
from quorate.trace.telling import told
from quorate.worlds.base import judging
from quorate.worlds.sim import simulate
from quorate.worlds.sim.replay import begin_of, replay
from quorate.worlds.sim.seeds import Plan, Result, run_once, run_seed
from quorate.worlds.sim.shrinking import Shrinker, recorded
from recorded import Record, Recorded
from worlds.sim.conftest import Story, Tell

MAIN = """
def main():
    start(new(Client))
"""


def client(*lines: str) -> str:
    body = "".join(f"        {line}\n" for line in lines)
    return f"import time\nclass Client(process):\n    def run():\n{body}{MAIN}"


def history(story: Story) -> list[dict[str, Any]]:
    return [json.loads(line) for line in story.run.history]


def error_of(story: Story) -> ProgramError:
    assert isinstance(story.run.error, ProgramError)
    return story.run.error


# --- What is kept


def test_operations_are_kept_with_their_times(tell: Tell) -> None:
    story = tell(
        client(
            "invoke('put', 'x', (1, {3, 2}))",
            "time.sleep(1)",
            "returned()",
            "invoke('get', 'x')",
            "returned([self, None, {'a': 0.5}])",
            "invoke('get', 'y')",
            "failed()",
            "invoke('get', 'y')",
            "unknown()",
        )
    )
    who = {"client": "Client-1"}
    get, late = {**who, "event": "invoke", "op": "get"}, {"time": 1.0}
    assert history(story) == [
        {**who, "event": "invoke", "op": "put", "args": ["x", [1, [2, 3]]], "time": 0.0},
        {**who, "event": "return", **late},
        {**get, "args": ["x"], **late},
        {**who, "event": "return", "result": ["Client-1", None, {"a": 0.5}], **late},
        {**get, "args": ["y"], **late},
        {**who, "event": "fail", **late},
        {**get, "args": ["y"], **late},
        {**who, "event": "unknown", **late},
    ]


@pytest.mark.parametrize("last", ["pass", "exit()", "1 / 0"])
def test_an_operation_is_unknown_where_its_process_ends(tell: Tell, last: str) -> None:
    story = tell(client("invoke('read')", last))
    assert [each["event"] for each in history(story)] == ["invoke", "unknown"]


def test_it_is_open_where_the_run_ends(tell: Tell) -> None:
    story = tell(client("invoke('read')", "time.sleep(9)", "returned()"), until=5.0)
    assert [each["event"] for each in history(story)] == ["invoke"]


def test_a_crash_leaves_it_unknown_and_the_next_life_begins_without(tell: Tell) -> None:
    text = client("invoke('read')", "time.sleep(1)", "returned(1)")
    story = tell(text, "at 500ms crash Client-1 for 100ms")
    events = [(each["event"], each["time"]) for each in history(story)]
    assert [event for event, _ in events] == ["invoke", "unknown", "invoke", "return"]
    assert events[1][1] == 0.5
    assert story.run.error is None


def test_processes_are_never_one_client(tell: Tell) -> None:
    text = client("invoke('read')", "returned()").replace(
        "new(Client)", "new(Client, num=['2', 'a'])"
    )
    lines = history(tell(text.replace("main():\n", "main():\n    start(new(Client))\n")))
    assert {each["client"] for each in lines} == {"Client-1", "Client-2~2", "Client-a"}


@pytest.mark.parametrize(
    ("lines", "code", "part"),
    [
        (["invoke('a')", "invoke('b')"], "Q123", "`b` is invoked, and `a` has not ended"),
        (["returned()"], "Q123", "`returned` says how an operation has ended, and none is"),
        (["invoke('a')", "failed()", "unknown()"], "Q123", "`unknown` says how"),
        (["invoke(3)"], "Q124", "`invoke` takes the name of an operation, and is given an int: 3"),
        (["invoke('a', object)"], "Q124", "`invoke` is given a type: <class 'object'>, which no"),
        (["invoke('a')", "returned(1e999)"], "Q124", "`returned` is given a float: inf"),
        (["invoke('a', {1: 2})"], "Q124", "`invoke` is given a dict: {1: 2}"),
        (["invoke('a', '\\ud800')"], "Q124", "`invoke` is given a str"),
        (["x = []", "x.append(x)", "invoke('a', x)"], "Q124", "`invoke` is given a list"),
    ],
)
def test_mistakes(tell: Tell, lines: list[str], code: str, part: str) -> None:
    error = error_of(tell(client(*lines)))
    assert error.code == code
    assert part in error.message
    assert error.help


def test_a_program_means_its_own(tell: Tell) -> None:
    """Functions, methods, fields and variables of these names are the program's."""
    story = tell(
        """
def invoke(x): return ('mine', x)
class Client(process):
    def setup():
        self.failed = 3
    def returned(x):
        return x + 1
    def run():
        unknown = lambda: 'unknown'
        output(invoke(1), returned(1), failed, unknown())
"""
        + MAIN
    )
    assert story.run.texts() == ["('mine', 1) 2 3 unknown"]
    assert story.run.history == []


def test_an_operation_outlasts_being_frozen(tell: Tell, tmp_path: Path) -> None:
    text = client("invoke('read')", "time.sleep(1)", "returned(1)", "invoke('read')", "failed()")
    story = tell(text)
    assert simulate(tmp_path / "told.da", refreeze=True).history == story.run.history


def test_functions_of_the_module_act_for_the_process(tell: Tell) -> None:
    text = "def begin(): invoke('read')\n" + client("begin()", "returned()")
    assert [each["client"] for each in history(tell(text))] == ["Client-1"] * 2


# --- What is said of it

STORE = """
import time
class Client(process):
    def setup(number): pass
    def run():
        {lines}
{said}
def main():
    for n in range(2):
        start(new(Client, (n,)))
"""
STALE = """if number == 0:
            invoke('write', 1)
            time.sleep(1)
            returned()
        else:
            time.sleep(2)
            invoke('read')
            time.sleep(1)
            returned(None)
            time.sleep(1)
            output('late')"""


def program(lines: str = STALE, said: str = "linearizable('register')") -> str:
    return STORE.format(lines=lines, said=said)


def test_a_contradiction_is_a_failure(tell: Tell) -> None:
    error = error_of(tell(program()))
    assert isinstance(error, PropertyFailed)
    head, place, line, *rest = error.message.splitlines()
    assert error.code == "Q125"
    assert head.startswith("`linearizable` does not hold at 3.000000 s, after step ")
    assert head.endswith(", which Client-2 took")
    assert place.endswith('told.da", line 17')
    assert line == "    linearizable('register')"
    assert rest[0] == "no order of the operations explains the return in line 4"
    assert any("Client-1  | 1 write(1) |" in each for each in rest)
    assert (
        "In every order of what came before, the value is 1 when Client-2 gets its answer." in rest
    )


def test_what_holds_is_no_failure(tell: Tell) -> None:
    assert tell(program(STALE.replace("None", "1"))).run.error is None
    assert tell(program(said="")).run.error is None


COUNTER = """
@{}
class Counter:
    def __init__(self): self.count = 0
    def increment(self, by=1):
        assert by > 0
        self.count += by
        return self.count
    def read(self): return self.count
"""


@pytest.mark.parametrize(("result", "holds"), [(1, False), (2, True), (3, False)])
@pytest.mark.parametrize("guarantee", ["linearizable", "sequential"])
def test_a_class_is_a_model(tell: Tell, guarantee: str, result: int, holds: bool) -> None:
    lines = f"invoke('increment', 2)\n        returned({result} + number * 2)"
    story = tell(program(lines, COUNTER.format(guarantee)))
    assert (story.run.error is None) == holds


def test_a_model_may_come_from_python(tell: Tell, tmp_path: Path) -> None:
    (tmp_path / "counters.py").write_text(COUNTER.replace("@{}", ""))
    lines = "invoke('increment', 2)\n        returned(2 + number * 2)"
    for said in ("from counters import Counter\nlinearizable(Counter)",):
        assert tell(program(lines, said)).run.error is None
    said = "import counters\nlinearizable(counters.Counter)"
    assert tell(program(lines.replace("2 +", "3 +"), said)).run.error is not None


@pytest.mark.parametrize(
    ("lines", "said", "code", "head"),
    [
        ("invoke('raed')", "linearizable('register')", "Q303", 'there is no operation "raed"'),
        ("invoke('increment', -1)\n        returned()", COUNTER, "Q125", "`linearizable` does not"),
        ("invoke('increment', 'a')\n        returned()", COUNTER, "Q305", "`Counter.increment` f"),
        ("invoke('increment', 1, 2)", COUNTER, "Q303", "`increment`: too many positional"),
        ("invoke('enqueue', 1)", "sessions('queue')", "Q304", "session guarantees say nothing of"),
        (
            "invoke('write', 1)\n        returned()\n        invoke('read')\n        returned(1)",
            "sessions('register')",
            "Q126",
            "it is not known whether `sessions` holds: ",
        ),
    ],
)
def test_what_cannot_be_judged_is_a_failure(
    tell: Tell, lines: str, said: str, code: str, head: str
) -> None:
    error = error_of(tell(program(lines, said.replace("{}", "linearizable"))))
    assert error.code == code
    assert error.message.startswith(head)
    assert f'  File "{"told.da"}' in error.message or 'told.da", line ' in error.message


def test_a_search_that_gives_up_is_a_failure(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "LIMITS", Limits(seconds=1e9, configurations=1))
    lines = "invoke('write', number)\n        time.sleep(1)\n        returned()"
    lines += "\n        invoke('read')\n        time.sleep(1)\n        returned(0)"
    error = error_of(tell(program(lines)))
    assert error.code == "Q126"
    assert "more than 1 configurations were to be remembered" in error.message


def test_each_object_is_judged_by_its_own_operations(tell: Tell) -> None:
    lines = "invoke('{}')\n        returned({})\n        invoke('dequeue')\n        returned()"
    said = "linearizable('queue')\nlinearizable('register')"
    assert tell(program(lines.format("read", None), said)).run.error is None
    assert "linearizable('register')" in str(tell(program(lines.format("read", 1), said)).run.error)
    assert error_of(tell(program(lines.format("raed", None), said))).code == "Q303"


# --- Many seeds, traces, shrinking


def planned(path: Path, **more: Any) -> tuple[Plan, Any]:
    return Plan(str(path), **more), load(str(path), properties=True)


@pytest.fixture
def stale(tmp_path: Path) -> Path:
    path = tmp_path / "stale.da"
    path.write_text(program())
    return path


def test_the_run_ends_where_it_is_seen(stale: Path) -> None:
    plan, module = planned(stale, outputs=True)
    result = run_once(plan, module, 0)
    assert (result.code, result.seconds, result.outputs) == ("Q125", 3.0, [])
    right = run_once(plan, load_right(stale), 0)
    assert [each.text for each in right.outputs] == ["late"]
    assert [json.loads(line)["event"] for line in right.history] == ["invoke", "return"] * 2


def load_right(path: Path) -> Any:
    path.write_text(program(STALE.replace("None", "1")))
    return load(str(path), properties=True, cache=False)


def test_it_is_before_another_failure(tmp_path: Path) -> None:
    path = tmp_path / "both.da"
    path.write_text(program(STALE.replace("output('late')", "1 / 0")))
    assert run_once(*planned(path), 0).code == "Q125"


def test_the_history_is_begun_again_with_the_run(stale: Path) -> None:
    plan, module = planned(stale)
    runs: list[list[bytes]] = []

    def begin() -> Any:
        runs.append([])
        return runs[-1].append

    run_once(replace(plan, history=begin), module, 0)
    assert len(runs) == 2
    assert runs[0] == runs[1]
    assert [json.loads(line)["event"] for line in runs[1]] == ["invoke", "return"] * 2


def test_each_seed_goes_the_same_way_twice(stale: Path) -> None:
    plan, module = planned(stale, checks=True)
    assert run_seed(plan, module, 3).code == "Q125"


def traced(run: Recorded) -> list[Any]:
    return [each for each in run.trace.events if isinstance(each, ev.Operation | ev.Property)]


def test_a_trace_tells_of_operations_and_of_what_fails(record: Record) -> None:
    run = record(program())
    events = traced(run)
    assert [(each.client, each.phase, each.op, each.args) for each in events[:-1]] == [
        ("Client-1", "invoke", "write", [1]),
        ("Client-1", "return", None, []),
        ("Client-2", "invoke", "read", []),
        ("Client-2", "return", None, []),
    ]
    failed = events[-1]
    assert (failed.name, failed.holds, failed.process) == ("linearizable", False, "Client-2")
    assert failed.at.endswith("told.da:17")
    assert failed.text == (
        "nothing explains read() -> null of Client-2: by then the value is 1 "
        "(after operations of Client-1, Client-2)"
    )
    assert isinstance(run.trace.events[-1], ev.Over)
    lines = [told(each) for each in events[:4]]
    assert told(ev.Operation(0.0, "P-1", "fail")) == "P-1 is refused it"
    assert told(ev.Operation(0.0, "P-1", "unknown")) == "P-1 does not learn whether it is done"
    assert lines[0] == "Client-1 invokes write(1)"
    assert lines[1:3] == ["Client-1 is answered None", "Client-2 invokes read()"]
    story = story_of(course_of(run.trace), rows_max=None)
    assert story.failure is not None
    assert story.failure.row is story.rows[-1]
    assert {"Client-1", "Client-2"} <= {*story.processes}
    notes = notes_of(story, story.rows[-1])
    assert notes[:2] == ["a timer runs out", "is answered None"]
    assert any("is answered None" in line for line in mermaid_of(story.course))
    again = replay(run.trace, run.module)
    assert (again.code, again.text) == (run.result.code, run.result.text)


def test_a_trace_tells_what_is_reached(record: Record) -> None:
    text = """
class P(process):
    def setup():
        self.count = 0
    def run():
        for i in range(4):
            count += 1
            -- there
@sometimes
def two(): return some(p in P, has=p.count == 2)
def main():
    start(new(P, ()))
"""
    run = record(text)
    [held] = traced(run)
    assert (held.name, held.holds, held.process, held.text) == ("two", True, "P-1", "")
    assert held.at.endswith("told.da:10")
    assert list(replay(run.trace, run.module).sometimes.values()) == [True]


LONG = """
import sys, time
class Store(process):
    def setup():
        self.value = None
    def receive(msg=('write', v), from_=p):
        old = value
        value = v
        send(('written', v), to=p)
    def receive(msg=('read', n), from_=p):
        send(('value', n, old if n == 3 else value), to=p)
class Client(process):
    def setup(store, rounds): pass
    def run():
        for n in range(rounds):
            invoke('write', n)
            send(('write', n), to=store)
            await(received(('written', n)))
            returned()
            invoke('read')
            send(('read', n), to=store)
            await(some(received(('value', _n, v))))
            returned(v)
            time.sleep(1)
linearizable('register')
def main():
    store = new(Store, (), daemon=True)
    start(store)
    start(new(Client, (store, int(sys.argv[1]))))
"""


def test_shrinking_keeps_the_contradiction(tmp_path: Path) -> None:
    path = tmp_path / "long.da"
    path.write_text(LONG.replace("old = value", "self.old = value"))
    plan, module = planned(path, args=("9",))
    trace, result = recorded(plan, module, begin_of(plan, 0, "0"))
    assert result.code == "Q125"
    shrinker = Shrinker(trace, result, module)
    shrinker.go()
    assert shrinker.kept.begin.arguments == ["4"]
    assert shrinker.result.way == result.way
    assert replay(shrinker.kept, module).code == "Q125"
    [failed] = [each for each in shrinker.kept.events if isinstance(each, ev.Property)]
    assert failed is shrinker.kept.events[-2]


def test_kinds_of_failures_are_told_apart(stale: Path) -> None:
    def kind(lines: str) -> str:
        stale.write_text(program(lines))
        result: Result = run_once(*planned(stale), 0)
        return result.kind

    assert kind(STALE) == kind(STALE.replace("sleep(2)", "sleep(3)"))
    assert kind(STALE) != kind("invoke('raed')")

"""What words are given that they cannot take: each has its code, and says what was given."""

import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from quorate.core.errors import NoValueYet, ProgramError
from quorate.core.frames import routine
from quorate.core.ids import ProcessId, main_id
from quorate.core.mistakes import (
    arguments_of,
    check_options,
    check_setup,
    check_start,
    described,
    ids_of,
    names_of,
    seconds_of,
)
from quorate.core.process import Process
from stage import Actor

ONE, TWO = ProcessId("P", (1,)), ProcessId("P", (2,))


class Pair(Process):
    def setup(self, low: int, high: int = 9) -> None:  # type: ignore[override]
        pass


class One(Process):
    def setup(self, values: Any) -> None:  # type: ignore[override]
        pass


class Maker(Process):
    def setup(self) -> None:
        self.made = self.new(Process)
        self.start(self.made)


@pytest.mark.parametrize("value", ["3", b"3", None, math.nan, (1,), 1j])
def test_no_time(value: Any) -> None:
    with pytest.raises(ProgramError, match=r"^\[Q112\] `timeout` takes a number of seconds"):
        seconds_of(value, "timeout")


@pytest.mark.parametrize("value", [0, 2, 0.5, -1, True, math.inf])
def test_a_time(value: Any) -> None:
    assert seconds_of(value, "timeout") == value


def test_a_mix_in_that_wants_arguments() -> None:
    class Mix:
        def __init__(self, size: int) -> None:
            self.size = size

    with pytest.raises(ProgramError, match=r"^\[Q026\] .*missing a required argument: 'size'"):
        type("P", (Mix, Process), {})


def test_a_sleep_is_not_negative_as_in_python() -> None:
    assert seconds_of(-1, "timeout") == -1
    with pytest.raises(ValueError, match="sleep length must be non-negative"):
        seconds_of(-1, "sleep")


@pytest.mark.parametrize(
    ("num", "names"),
    [(None, [""]), (0, []), (2, ["", ""]), (["b", "a"], ["b", "a"]), ({"b", "a"}, ["a", "b"])],
)
def test_names(num: Any, names: list[str]) -> None:
    assert names_of(num) == names


@pytest.mark.parametrize("num", [2.5, -1, True, "alice", b"ab", [1, 2], ["a", ""], ONE])
def test_no_names(num: Any) -> None:
    with pytest.raises(ProgramError, match=r"^\[Q088\]"):
        names_of(num)


def test_processes() -> None:
    assert ids_of(ONE, "start") == [ONE]
    assert ids_of({TWO, ONE}, "start") == [ONE, TWO]
    for wrong in (3, None, "alice", {ONE, 3}):
        with pytest.raises(ProgramError, match=r"^\[Q104\] `start` takes a process"):
            ids_of(wrong, "start")


@pytest.mark.parametrize(
    ("method", "rates", "code"),
    [
        ("fork", {}, "Q092"),
        (None, {"crash": 7}, "Q092"),
        (None, {"send": "often"}, "Q092"),
        (None, {"sned": 0.1}, "Q082"),
    ],
)
def test_options_of_new(method: Any, rates: dict[str, Any], code: str) -> None:
    with pytest.raises(ProgramError) as raised:
        check_options(method, rates)
    assert raised.value.code == code


def test_arguments_of_a_setup() -> None:
    assert arguments_of([1, 2]) == (1, 2)
    check_setup(ONE, Pair, (1,), {"high": 2})
    check_start(ONE, Process)
    with pytest.raises(ProgramError, match=r"^\[Q084\].*an int: 5"):
        arguments_of(5)
    with pytest.raises(ProgramError, match=r"^\[Q085\].*\n.*write `setup\(p, \(low, high\)\)`"):
        check_setup(ONE, Pair, (), {})
    with pytest.raises(ProgramError, match=r"takes \(\) and is given \(1,\): "):
        check_setup(ONE, Process, (1,), {})
    with pytest.raises(ProgramError, match=r"^\[Q085\].*\n.*`\(\[1, 2\],\)`"):
        check_setup(ONE, One, [1, 2], {})
    with pytest.raises(ProgramError, match=r"^\[Q101\].*takes low\n"):
        check_start(ONE, Pair)


@pytest.mark.parametrize(("word", "code"), [("set_up_processes", "Q102"), ("start", "Q103")])
def test_a_process_begins_once(word: str, code: str) -> None:
    maker = Actor(Maker).process
    again: Callable[[ProcessId], None] = getattr(maker, word)
    with pytest.raises(ProgramError) as raised:
        again(maker.made)
    assert raised.value.code == code
    again(ProcessId("P", (7, 1)))  # of another maker, which knows


def test_a_field_without_a_value_can_be_asked_for() -> None:
    process = Actor(Maker).process
    assert not hasattr(process, "best")
    assert getattr(process, "best", 3) == 3
    with pytest.raises(NoValueYet, match=r"^\[Q111\] `best`") as raised:
        assert process.best
    copied = pickle.loads(pickle.dumps(raised.value))
    assert (type(copied), copied.code, copied.help) == (NoValueYet, "Q111", raised.value.help)


def test_long_values_are_cut() -> None:
    assert described(None) == "None"
    assert described("x" * 100) == f"a str: '{'x' * 59}..."


@pytest.mark.parametrize(
    ("word", "code"),
    [
        (lambda p: p.new(Process, num=["a", "b", "a"]), "Q109"),
        (lambda p: (p.new(Process, num=["a"]), p.new(Process, num={"a"})), "Q109"),
        (lambda p: p.new(Process, num=["elsewhere"]), "Q109"),
        (lambda p: p.start(p.id_), "Q103"),
        (lambda p: p.set_up_processes(p.id_, ()), "Q102"),
        (lambda p: p.new(Process, at=[[]]), "Q089"),
        (lambda p: p.new(Process, at=[]), "Q089"),
        (lambda p: p.reset([]), "Q090"),
        (lambda p: p.output(1, sep=3), "Q091"),
        (lambda p: p.output(1, level="info"), "Q091"),
        (lambda p: p.show_((1,), " ", 5), "Q091"),
    ],
)
def test_words_refuse(word: Callable[[Any], Any], code: str) -> None:
    actor = Actor(Maker)
    actor.stage.names["elsewhere"] = ONE
    with pytest.raises(ProgramError, match=rf"^\[{code}\]"):
        word(actor.process)


def test_new_makes_processes_on_each_node_that_is_said() -> None:
    actor = Actor(Maker, id=ProcessId("Maker", (3,), "", "a"))
    process = actor.process
    actor.stage.nodes = {name: main_id(name) for name in ("a", "b", "c")}
    actor.stage.nodes["b@example.org:7"] = main_id("b")
    assert sorted(map(repr, process.new(Process, at="b"))) == ["Process-a.3.2@b"]
    assert sorted(map(repr, process.new(Process, num=2, at={main_id("c"), "b@example.org:7"}))) == [
        *("Process-a.3.3@b", "Process-a.3.4@b", "Process-a.3.5@c", "Process-a.3.6@c")
    ]
    assert repr(process.new(Process)) == "Process-3.7@a"
    assert {made.node for made in process.new(Process, at=["a", "localhost", "b", "b"])} == {
        *("a", "b")
    }
    assert repr(process.nodeof(process.id_)) == "main@a"
    assert process.resolve("c") == main_id("c")


def test_a_node_that_is_not_known() -> None:
    actor = Actor(Maker, id=ProcessId("Maker", (3,), "", "a"))
    with pytest.raises(ProgramError, match="this run has one node"):
        actor.process.new(Process, at="b")
    actor.stage.nodes = {name: main_id(name) for name in ("c", "a")}
    for place in ("b", main_id("b"), ProcessId("P", (1,), "", "c")):
        with pytest.raises(ProgramError, match=r"\[Q089\].*\n.*the nodes known here are a, c"):
            actor.process.new(Process, at=place)
    with pytest.raises(ProgramError, match=r"\[Q108\].*\n.*the nodes known here are a, c"):
        actor.process.resolve("b")


def test_a_time_limit_that_is_none_is_none() -> None:
    class Waits(Process):
        @routine
        class run:
            def call(self) -> dict[str, Any]:
                return {}

            def start(self, frame: Any) -> Any:
                return frame.await_(self, "start", seconds=None)

    with pytest.raises(ProgramError, match=r"^\[Q112\]"):
        Actor(Waits).begin()


def test_a_second_setup_before_the_start_is_right() -> None:
    process = Actor(Maker).process
    made = process.new(Pair, (1,))
    process.set_up_processes(made, (2, 3))
    process.start(made)

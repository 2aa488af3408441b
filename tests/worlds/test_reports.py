"""The traceback of a failure shows every line of the program that led to it, callers first."""

import sys

import pytest

from compiled import module
from quorate.core.ambient import here
from quorate.worlds.base import busy_at, failure_of
from quorate.worlds.sim import simulate
from stage import Actor

PROGRAM = """\
class P(process):
    def setup(how):
        pass
    def run():
        send(('go',), to=self)
        if how == 'try':
            try:
                mutex(1)
            finally:
                output('left')
        elif how == 'handler':
            await(False)
        mutex(1)
    def mutex(n):
        await(some(received(('go',))))
        if n > 5: mutex(n)
        else:
            deeper(
                n)
    def deeper(n):
        await(True)
        boom(n)
    def receive(msg=('go',)):
        if how == 'handler':
            deeper(2)
def boom(n):
    raise ValueError(n)
def main():
    start(new(P, (HOW,)))
"""


@pytest.mark.parametrize(
    ("how", "callers"),
    [
        ("run", ["13, in run", "18, in mutex"]),
        ("try", ["8, in run", "18, in mutex"]),
        ("handler", ["25, in a handler"]),
    ],
)
def test_callers_of_suspended_methods(how: str, callers: list[str]) -> None:
    made = module(PROGRAM.replace("HOW", repr(how)))
    error = simulate(made).error
    assert error is not None
    trace = failure_of(Actor(made.P, how).process.id_, error).trace
    places = [line.partition("line ")[2] for line in trace.splitlines() if "line " in line]
    assert places == [*callers, "22, in deeper", "27, in boom"]


FAMILIES = """\
class P(process):
    def setup(size): pass
    def wait():
        -- here
        1 / 0
    def run():
        error = None
        try:
            wait()
        except ZeroDivisionError as it:
            error = it
        for n in range(size):
            try:
                raise ValueError(n) from error
            except ValueError as it:
                error = it
        raise ExceptionGroup('all', [error])
def main():
    start(new(P, (SIZE,)))
"""


@pytest.mark.parametrize("size", [1, 2000])
def test_exceptions_that_tell_of_others(size: int) -> None:
    made = module(FAMILIES.replace("SIZE", str(size)))
    error = simulate(made).error
    assert error is not None
    trace = failure_of(Actor(made.P, size).process.id_, error).trace
    assert "quorate" not in trace
    assert "line 9, in run" in trace
    assert "line 5, in wait" in trace


AT_ONCE = """\
class P(process):
    def run():
        output(max([0, 1],
            key=ask))
    def ask(n):
        return (wait(n)
            if n else 0)
    def wait(n):
        if n:
            -- here
        return n
def main():
    start(new(P))
"""


def test_callers_of_what_cannot_wait() -> None:
    error = simulate(module(AT_ONCE)).error
    assert error is not None
    trace = failure_of(Actor(module(AT_ONCE).P).process, error).trace
    places = [line.partition("line ")[2] for line in trace.splitlines() if "line " in line]
    assert places == ["3, in run", "6, in ask", "10, in wait"]


BUSY = """\
class P(process):
    def setup(stop): pass
    def run():
        await(True)
        deeper()
    def deeper():
        stop(
            self)
def main(): pass
"""


def test_where_a_step_is_that_is_under_way() -> None:
    said = []

    def stop(_: object) -> None:
        assert here.process is not None
        said.append(str(busy_at(here.process, sys._getframe())))

    made = module(BUSY)
    Actor(made.P, stop).begin()
    [text] = said
    head, *places = text.splitlines()
    assert head == "P-1 is busy in a step"
    assert [place.partition(":")[2] for place in places] == ["7, in deeper", "5, in run"]

"""Random numbers, time and print of a program follow the process that is running."""

import random
import time
from typing import Any

import pytest

from quorate.core import ambient
from quorate.core import api as core_
from quorate.core.ids import ProcessId
from stage import Actor, Stage


class P(core_.Process):
    def setup(self, action: Any) -> None:
        self.result = action()


def inside(action: Any, seed: int = 0, number: int = 1) -> Any:
    """What `action` answers in a process of its own."""
    stage = Stage(seed)
    stage.time = 1_000_000_000.25
    try:
        return Actor(P, action, stage=stage, id=ProcessId("P", (number,))).process.result
    finally:
        ambient.here.process = None


@pytest.mark.parametrize(
    "draw",
    [
        core_.random.random,
        lambda: core_.random.choice(range(1000)),
        lambda: core_.random.sample(range(1000), 5),
        lambda: core_.random.Random().random(),
        lambda: core_.random.SystemRandom().random(),
        lambda: (core_.random.seed(), core_.random.random()),
    ],
)
def test_random_numbers_depend_on_the_seed_and_the_process_only(draw: Any) -> None:
    assert inside(draw) == inside(draw)
    assert len({str(inside(draw, seed, number)) for seed in (0, 1) for number in (1, 2)}) == 4


def test_a_seed_of_its_own_is_honoured() -> None:
    def draw() -> Any:
        core_.random.seed(5)
        return core_.random.random(), core_.random.Random(5).random()

    expected = random.Random(5).random()
    assert inside(draw) == inside(draw, seed=9) == (expected, expected)


def test_functions_that_were_imported_follow_too() -> None:
    randint = core_.random.randint
    assert inside(lambda: randint(0, 10**9), number=1) != inside(lambda: randint(0, 10**9), 0, 2)
    assert core_.random.randint.__name__ == "randint"


def test_what_random_does_not_have() -> None:
    with pytest.raises(AttributeError, match="no attribute 'coin'"):
        core_.random.coin


def test_time_is_that_of_the_world() -> None:
    now = 1_000_000_000.25
    assert inside(core_.time.time) == now
    assert inside(core_.time.monotonic) == now
    assert inside(core_.time.time_ns) == 1_000_000_000_250_000_000


def test_the_calendar_begins_at_the_time_of_the_world() -> None:
    twin = ambient.TimeModule(time)
    assert inside(twin.gmtime) == time.gmtime(1_000_000_000)
    assert inside(lambda: twin.strftime("%Y", twin.gmtime())) == "2001"
    assert twin.gmtime(0).tm_year == 1970
    assert inside(twin.ctime) == time.ctime(1_000_000_000)


def test_sleep_outside_of_a_process_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="only a method of a process"):
        core_.time.sleep(1)


def test_print_goes_through_output_in_a_process_only(capsys: pytest.CaptureFixture[str]) -> None:
    core_.show("outside", 1, sep="-")
    assert capsys.readouterr().out == "outside-1\n"
    actor = Actor(P, lambda: core_.show("inside", 1))
    ambient.here.process = None
    assert actor.shown == [("inside", 1)]
    assert capsys.readouterr().out == ""

"""A worker that is alone has others share its work when that pays, and nothing is lost by it."""

from __future__ import annotations

import os
import re
import signal
from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from quorate.core.ids import ProcessId
from quorate.worlds.real.growing import Load
from quorate.worlds.real.program import Growth, Placement

GROWTH = Growth(thing=0.001, window=1.0)


def queue_of(*numbers: int) -> deque[Any]:
    """Something to do for each of the processes that main has made under these numbers."""
    ids = [ProcessId("P", (number,)) for number in numbers]
    return deque((SimpleNamespace(id_=id), None, None, None) for id in ids)


def answers(per_slice: int, queue: deque[Any]) -> list[bool]:
    """What a Load says after slices of a tenth of a second."""
    load = Load(GROWTH, Placement(2), 0.0)
    return [load.is_heavy(n / 10, n / 20, n * per_slice, queue) for n in range(1, 16)]


def test_long_things_of_several_places_are_shared() -> None:
    assert answers(10, queue_of(1, 3, 2)).index(True) == 9  # at the end of the window


def test_short_things_are_not_shared() -> None:
    assert not any(answers(1000, queue_of(1, 2)))


def test_things_of_one_place_are_not_shared() -> None:
    assert not any(answers(10, queue_of(1, 3, 5)))


def test_one_that_rests_now_and_then_needs_no_help() -> None:
    load = Load(GROWTH, Placement(2), 0.0)
    queues = [queue_of(1, 2), queue_of(1, 2), queue_of()]
    assert not any(load.is_heavy(n / 3, n / 3, n, queues[n % 3]) for n in range(1, 30))


def test_one_long_slice_may_be_the_machine_s_fault() -> None:
    load = Load(GROWTH, Placement(2), 0.0)
    assert not load.is_held_up(7)
    assert not load.is_held_up(8)
    assert load.is_held_up(8)


FLOOD = """
import os, sys

def exists(name):
    return os.path.exists(f'{sys.argv[1]}/{name}')

def touch(name):
    open(f'{sys.argv[1]}/{name}', 'w').close()

class P(process):
    def setup(peers, n, number):
        self.heard = dict()
        self.here = os.getpid()
        self.moved = False

    def run():
        for i in range(n):
            send(('number', i), to=peers)
            -- go
            if number == 3 and i == n / 2:  # the others have to go on, elsewhere
                touch('busy')
                while not exists('done'):
                    pass
            if number == 4 and i == n / 2:
                while not exists('busy'):
                    -- again
                touch('done')
        if await(each(p in peers, has=heard.get(p) == n - 1)):
            pass
        output('heard', sorted(heard.values()), moved)

    def receive(msg=('number', i), from_=p):
        assert i == heard.get(p, -1) + 1, (p, i, heard)
        heard[p] = i
        moved = moved or os.getpid() != here

def main():
    ps = new(P, num=6)
    for number, p in enumerate(sorted(ps), 1):
        setup(p, (ps - {p}, 50, number))
    start(ps)
"""


@pytest.fixture
def grow(begin: Any, tmp_path: Path) -> Any:
    def run(text: str, *args: Any, **options: Any) -> Any:
        file = tmp_path / "program.da"
        file.write_text(text)
        return begin(str(file), *args, **{"workers": 3, "grows": True, **options})

    return run


LATER = {"grows": False, "growth": [1.0, 1.0]}
SOME, NONE = [False] * 2 + [True] * 4, [False] * 6


@pytest.mark.parametrize(
    ("options", "moved"),
    [(LATER, SOME), (LATER | {"stats": True}, SOME), ({}, NONE)],
    ids=["under way", "with measures", "before they begin"],
)
def test_every_message_arrives_once_and_in_order(
    grow: Any, tmp_path: Path, options: dict[str, Any], moved: list[bool]
) -> None:
    run = grow(FLOOD, tmp_path, **options).end()
    assert (run.status, run.errors) == (0, "")
    heard = [text.partition(": ")[2] for text in run.texts]
    assert sorted(heard) == [f"heard {[49] * 5} {each}" for each in moved]
    assert (run.outcome["processes"], run.outcome["messages"]) == (7, 6 * 5 * 50)
    if "stats" in options:
        rows = {row[0]: row[2:4] for row in run.outcome["stats"]}
        assert rows == {"main": [0, 0], **{f"P-{n}": [250, 250] for n in range(1, 7)}}


HELD_UP = """
import os, sys

class Long(process):
    def run():
        while not os.path.exists(sys.argv[1]):
            pass
        output('over in', os.getpid())

class Short(process):
    def run():
        if await(False):
            pass
        elif timeout(0.01):
            open(sys.argv[1], 'w').close()
            output('done in', os.getpid())

def main():
    short = new(Short)
    long = new(Long)
    start(short)
    -- there
    start(long)
"""


def test_one_long_step_does_not_hold_up_all(begin: Any, tmp_path: Path) -> None:
    file = tmp_path / "program.da"
    file.write_text(HELD_UP)
    run = begin(str(file), tmp_path / "flag", workers=2, growth=[1.0, 1.0]).end()
    assert (run.status, run.errors) == (0, "")
    pids = dict(re.findall(r"(\w+) in (\d+)", "\n".join(run.texts)))
    assert pids["over"] != pids["done"]


UNFINISHED = """
import os, sys

class P(process):
    def run():
        file = open(f'{sys.argv[1]}/{self}', 'w')
        file.write('once')
        sys.stdout.write('raw\\n')
        print('begun', end=' ')
        before = os.getpid()
        for i in range(20):
            -- go
        print('and ended')
        file.close()

def main():
    start(new(P, num=4))
"""


def test_what_is_not_finished_is_finished_once(grow: Any, tmp_path: Path) -> None:
    run = grow(UNFINISHED, tmp_path).end()
    assert (run.status, run.errors) == (0, "")
    assert sorted(text for text in run.texts if text) == [
        f"P-{n}: begun and ended" for n in (1, 2, 3, 4)
    ]
    assert sum("raw" in line for line in run.shown) == 4
    assert [(tmp_path / f"P-{n}").read_text() for n in (1, 2, 3, 4)] == ["once"] * 4


WAITERS = """
import os

class P(process):
    def run():
        for i in range(20):
            -- go
        output('ready', os.getpid())
        await(some(received(('never',))))

def main():
    start(new(P, num=4))
"""


def test_a_worker_that_came_later_is_killed(grow: Any) -> None:
    run = grow(WAITERS)
    run.read_until("ready", 4)
    pids = dict(re.findall(r"(P-\d): ready (\d+)", "\n".join(run.shown)))
    assert pids["P-1"] == pids["P-4"]
    assert len(set(pids.values())) == 3
    os.kill(int(pids["P-4"]), signal.SIGKILL)
    run.end()
    assert run.status == 1
    worker = f"worker \\d \\(process {pids['P-4']}\\)"
    assert re.match(rf"error\[Q110\]: {worker} was killed by SIGKILL\n", run.errors)
    assert "running there: P-1, P-4\n" in run.errors


def test_the_end_of_a_run_that_has_grown(grow: Any) -> None:
    run = grow(WAITERS)
    run.read_until("ready", 4)
    run.signal(signal.SIGINT)
    assert run.end().status == 130
    stuck = grow(WAITERS).end()
    assert stuck.status == 1
    assert "nothing can happen any more, and 4 processes have not ended" in stuck.errors


THREADED = "import threading\n" + WAITERS.replace(
    "await(some(received(('never',))))", "pass"
).replace(
    "def main():\n",
    "def main():\n    threading.Thread(target=threading.Event().wait, daemon=True).start()\n",
)


def test_threads_cannot_be_shared(grow: Any) -> None:
    run = grow(THREADED).end()
    assert (run.status, run.errors) == (0, "")
    assert len({text.split()[-1] for text in run.texts}) == 1


FORKLESS = """
import errno, os, sys

class Fork:
    def __init__(this, real, at):
        this.real, this.at, this.calls = real, at, 0

    def __call__(this):
        this.calls += 1
        if this.calls == this.at:
            raise OSError(errno.EAGAIN, 'no more')
        return this.real()

os.fork = Fork(os.fork, int(sys.argv[1]))
""" + WAITERS.replace("await(some(received(('never',))))", "pass")


@pytest.mark.parametrize("call", [2, 3])
def test_there_is_no_room_for_others(grow: Any, call: int) -> None:
    run = grow(FORKLESS, call).end()
    assert (run.status, run.errors) == (0, "")
    assert len({text.split()[-1] for text in run.texts}) == 1

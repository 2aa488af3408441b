"""A pool of processes answers in order, and leaves nobody behind."""

import os
import signal
import subprocess
import sys

import pytest

from quorate.worlds.sim.pool import Pool, WorkerLost

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def squared(number: int) -> int:
    if number == 13:
        raise ValueError("unlucky")
    if number == 99:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def test_answers_are_in_order() -> None:
    for size in (1, 2, 3):
        with Pool(squared, size) as pool:
            assert list(pool.results(range(14, 60))) == [n * n for n in range(14, 60)]


def test_more_processes_than_numbers() -> None:
    with Pool(squared, 3) as pool:
        assert list(pool.results([4])) == [16]


def test_what_is_raised_is_raised_in_its_place() -> None:
    with Pool(squared, 2) as pool:
        results = pool.results(range(10, 30))
        assert [next(results) for _ in range(3)] == [100, 121, 144]
        with pytest.raises(ValueError, match="unlucky"):
            next(results)


def test_a_process_that_is_killed() -> None:
    with Pool(squared, 2) as pool, pytest.raises(WorkerLost):
        list(pool.results([1, 99, 3]))


ORPHANS = """
import os, signal, time
from quorate.worlds.sim.pool import Pool

def work(number):
    os.write(1, f"{os.getpid()}\\n".encode())
    while True: pass

with Pool(work, 2) as pool:
    next(pool.results(range(10)))
"""


def test_no_process_outlives_the_one_that_made_it() -> None:
    maker = subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, text=True)
    assert maker.stdout is not None
    for _ in range(2):
        maker.stdout.readline()
    maker.kill()
    maker.wait()
    assert maker.stdout.read() == ""  # so nobody has its other end any more
    maker.stdout.close()

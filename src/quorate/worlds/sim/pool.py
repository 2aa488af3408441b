"""Forked processes that share out a list of numbers, and answer in its order.

Invariant: no process outlives the pool, whatever it is doing, nor the process that made it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any, Generic, TypeVar

T = TypeVar("T")

SLICE_SECONDS = 0.05
"""How long one order to a process is to take: small beside a second, large beside a message."""


class WorkerLost(RuntimeError):
    """A process of the pool is gone: it was killed, by the system or by hand."""


class Pool(Generic[T]):
    """Runs `work` in `size` forked processes; what it answers, or raises, has to be picklable."""

    def __init__(self, work: Callable[[int], T], size: int) -> None:
        context = multiprocessing.get_context("fork")
        self._ends: list[Any] = []  # connections, one to each process
        self._processes: list[Any] = []
        watched, self._lifeline = os.pipe()  # its closing tells them that we are gone
        try:
            for _ in range(size):
                self._add(context, work, watched)
        except BaseException:  # an interrupt may come at any time
            self.__exit__()
            raise
        finally:
            os.close(watched)

    def _add(self, context: Any, work: Callable[[int], T], watched: int) -> None:
        end, other = context.Pipe()
        self._ends.append(end)
        ours = [*(each.fileno() for each in self._ends), self._lifeline]
        process = context.Process(target=_serve, args=(work, other, watched, ours))
        self._processes.append(process)
        process.start()
        other.close()

    def __enter__(self) -> Pool[T]:
        return self

    def __exit__(self, *_: object) -> None:
        started = [process for process in self._processes if process.pid is not None]
        for process in started:
            process.kill()
        for process in started:
            process.join()
        for end in self._ends:
            end.close()
        os.close(self._lifeline)

    def results(self, numbers: Sequence[int]) -> Iterator[T]:
        """The answers for all numbers, in their order; raises in its place what one raised.

        Raises WorkerLost.
        """
        todo = deque(numbers)
        done: dict[int, T | BaseException] = {}
        for end in self._ends[: len(numbers)]:
            end.send([todo.popleft()])
        for number in numbers:
            while number not in done:
                for end in wait(self._ends):
                    self._take(end, todo, done)
            answer = done.pop(number)
            if isinstance(answer, BaseException):
                raise answer
            yield answer

    def _take(self, end: Any, todo: deque[int], done: dict[int, T | BaseException]) -> None:
        """Take what a process has done, and give it as much as fills a slice of time."""
        try:
            answers, seconds = end.recv()
        except (EOFError, OSError):
            raise WorkerLost("a process that ran seeds was lost") from None
        done.update(answers)
        fits = int(SLICE_SECONDS * len(answers) / max(seconds, 1e-6))
        size = max(1, min(fits, 2 * len(answers), len(todo) // len(self._ends)))
        if todo:
            end.send([todo.popleft() for _ in range(min(size, len(todo)))])


def _serve(work: Callable[[int], T], orders: Any, watched: int, inherited: list[int]) -> None:
    """The life of a process of the pool: it ends when it is killed, or is left alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for end in inherited:
        os.close(end)
    threading.Thread(target=_end_with, args=(watched,), daemon=True).start()
    try:
        while True:
            numbers = orders.recv()
            begun = time.monotonic()
            answers = _answers(work, numbers)
            orders.send((answers, time.monotonic() - begun))
    except (EOFError, OSError):
        os._exit(1)


def _answers(work: Callable[[int], T], numbers: list[int]) -> dict[int, T | BaseException]:
    """What `work` answers to each, up to the first for which it raises an exception."""
    answers: dict[int, T | BaseException] = {}
    for number in numbers:
        try:
            answers[number] = work(number)
        except Exception as error:
            answers[number] = error
            break
    return answers


def _end_with(watched: int) -> None:
    """End this process, whatever it is doing, when the one that made it is gone."""
    os.read(watched, 1)
    os._exit(1)

"""What a program takes from its surroundings, bound to the process that is running.

In a .da module `import random`, `import time` and `print` mean the twins here, so that a seed
reproduces a run and a world decides what time it is. Invariant: `here.process` is the process
whose step is being taken, None between steps.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quorate.core.process import Process


class Here:
    """The process whose step is being taken, and what stands for it outside of any step.

    Outside of steps a module's own statements run: they draw from `fallback`, and read the time
    from `now`, or without it from the calendar. A world that is to be reproduced sets both.
    One that explores a program sets `choose` (core/choosing.py), which counts in `turns`.
    """

    __slots__ = ("choose", "fallback", "now", "process", "turns")

    def __init__(self) -> None:
        self.process: Process | None = None
        self.fallback = Random(0)
        self.now: Callable[[str], float] | None = None
        self.choose: Callable[[int], int] | None = None  # one of so many outcomes, from 0
        self.turns = 0  # witnesses that were not the first


here = Here()


def seed_modules(seed: int) -> None:
    """Let the statements of modules draw from numbers of their own, those of the run's seed."""
    here.fallback = Random(f"{seed} modules")


def generator() -> Random:
    """The random numbers of the running process."""
    process = here.process
    return here.fallback if process is None else process.random_


class SeededRandom(Random):
    """The twin of `random.Random`: without a seed, it takes one from the running process."""

    def __init__(self, x: Any = None) -> None:
        super().__init__(generator().getrandbits(64) if x is None else x)

    def seed(self, a: Any = None, version: int = 2) -> None:
        super().seed(generator().getrandbits(64) if a is None else a, version)


class RandomModule:
    """The twin of the module `random`: its functions draw from the running process's generator."""

    Random = SystemRandom = SeededRandom

    def seed(self, a: Any = None, version: int = 2) -> None:
        """Start the process's numbers anew; without `a`, from a number drawn from themselves."""
        numbers = generator()
        numbers.seed(numbers.getrandbits(64) if a is None else a, version)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(Random, name):
            raise AttributeError(f"module 'random' has no attribute {name!r}")

        def draw(*args: Any, **kwargs: Any) -> Any:
            return getattr(generator(), name)(*args, **kwargs)

        draw.__name__ = name
        setattr(self, name, draw)
        return draw


class TimeModule:
    """The twin of the module `time`: the clocks are the world's, the calendar is Python's.

    `calendar` is the module itself, which the core does not import: who loads programs gives it.
    """

    def __init__(self, calendar: Any = None) -> None:
        self.calendar = calendar

    def time(self) -> float:
        """Seconds since the epoch, as the world of the running process has it."""
        return self._read("time")

    def monotonic(self) -> float:
        return self._read("monotonic")

    def perf_counter(self) -> float:
        return self._read("monotonic")

    def time_ns(self) -> int:
        return int(self._read("time") * 1e9)

    def monotonic_ns(self) -> int:
        return int(self._read("monotonic") * 1e9)

    def perf_counter_ns(self) -> int:
        return int(self._read("monotonic") * 1e9)

    # What Python answers for now, where it is given no time.

    def localtime(self, seconds: float | None = None) -> Any:
        return self.calendar.localtime(self.time() if seconds is None else seconds)

    def gmtime(self, seconds: float | None = None) -> Any:
        return self.calendar.gmtime(self.time() if seconds is None else seconds)

    def ctime(self, seconds: float | None = None) -> str:
        return str(self.calendar.ctime(self.time() if seconds is None else seconds))

    def asctime(self, moment: Any = None) -> str:
        return str(self.calendar.asctime(self.localtime() if moment is None else moment))

    def strftime(self, format: str, moment: Any = None) -> str:
        return str(self.calendar.strftime(format, self.localtime() if moment is None else moment))

    def sleep(self, seconds: float) -> None:
        """Reached only where no process can be suspended: at the top level of a module."""
        raise RuntimeError(f"sleep({seconds}): only a method of a process can sleep")

    def _read(self, which: str) -> float:
        now = here.now if here.process is None else here.process.world_.now
        if now is not None:
            return now(which)
        return float(getattr(self.calendar, which)()) if self.calendar else 0.0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or self.calendar is None:
            raise AttributeError(f"module 'time' has no attribute {name!r}")
        return getattr(self.calendar, name)


random = RandomModule()
time = TimeModule()


def show(
    *values: Any,
    sep: str | None = " ",
    end: str | None = "\n",
    file: Any = None,
    flush: bool = False,
) -> None:
    """The twin of `print`: in a process, to standard output, it goes through `output`."""
    process = here.process
    if process is None or file is not None:
        builtins.print(*values, sep=sep, end=end, file=file, flush=flush)
    else:
        process.show_(values, " " if sep is None else sep, "\n" if end is None else end)


show.__qualname__ = "print"  # as errors call it

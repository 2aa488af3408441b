"""What a program finds around it while it is loaded and run: its command line, fixed time, numbers.

Invariant: what stood there before stands there again afterwards.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from quorate.core.ambient import here, seed_modules

EPOCH_SECONDS = 1_600_000_000.0
"""The time at which runs begin where time is not the calendar's."""


@contextmanager
def command_line(path: str | os.PathLike[str] | ModuleType, args: Sequence[Any]) -> Iterator[None]:
    """`sys.argv` as the program is to see it."""
    name = path.__name__ if isinstance(path, ModuleType) else os.fspath(path)
    before = sys.argv
    sys.argv = [name, *map(str, args)]
    try:
        yield
    finally:
        sys.argv = before


@contextmanager
def surroundings(seed: int) -> Iterator[None]:
    """What the statements of modules, which are in no process, find: numbers and time, fixed.

    Modules of Python draw from its own `random`, which follows from the seed, too.
    """
    before, drawn = (here.fallback, here.now), random.getstate()
    here.process = None
    seed_modules(seed)
    random.seed(seed)
    here.now = lambda which: EPOCH_SECONDS if which == "time" else 0.0
    try:
        yield
    finally:
        here.fallback, here.now = before
        here.process = None
        random.setstate(drawn)

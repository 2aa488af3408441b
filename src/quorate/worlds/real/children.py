"""Children of the system's that a program makes of a worker, by `os.fork` in a step.

Such a child is none of the run's processes: its `print` is Python's, and it ends with the step, or
with the run if that comes first. Invariant: nothing that is the worker's is used or told by it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from quorate.core import effects as fx
from quorate.core.ids import ProcessId
from quorate.worlds.base import failure_of


@dataclass(frozen=True, slots=True)
class Leave:
    """The first of the effects of a step that the child has gone on with, which it leaves here."""

    effects: list[Any]


def end_child(leave: Leave, failures: Iterable[tuple[ProcessId, BaseException]]) -> NoReturn:
    """The end of the child's step is its own."""
    code = 0
    for other in leave.effects:
        if isinstance(other, fx.Ended):
            code = other.code
    for id, error in failures:
        sys.stderr.write(f"{failure_of(id, error)}\n")
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code & 0xFF)

"""The history of a run on this machine: operations of its clients, in the order of real time.

All workers add to one file, a line for each event, at the end of the step that it is of: no message
of the step has left by then. Invariant: the order of the lines is that of their times.
"""

from __future__ import annotations

import os
import time

from quorate.core import effects as fx
from quorate.core.ids import ProcessId
from quorate.worlds.base.history import line_of
from quorate.worlds.real.shared import history_lock


class HistoryFile:
    """`descriptor` is of the file, `shared` of what workers share."""

    def __init__(self, descriptor: int, shared: int) -> None:
        self._descriptor = descriptor
        self._shared = shared

    def add(self, client: ProcessId, operation: fx.Operation) -> None:
        """Write down an event as of now. Raises OSError."""
        with history_lock(self._shared):
            line = memoryview(line_of(client, operation, time.monotonic()))
            while line:
                line = line[os.write(self._descriptor, line) :]

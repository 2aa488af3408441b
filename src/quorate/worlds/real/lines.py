"""How a line of output reads: as text for people, or as an object of JSON for programs.

Invariant: an entry of JSON is one line, and has the same keys whoever says it; what is written is
so whole.
"""

from __future__ import annotations

import json
import os
import select
import time

from quorate.core.ids import ProcessId

STDOUT = "standard output"

INFO = 20
ERROR = 40

_NAMES = {10: "debug", INFO: "info", 30: "warning", ERROR: "error", 50: "critical"}


class Lines:
    """Formats lines; remembers the second that it has last made a text of."""

    def __init__(self) -> None:
        self._second = (0, "")
        time.localtime()  # finds out where on Earth it is: no line is to wait for that

    def text(self, now: float, who: ProcessId | None, text: str) -> str:
        """A line of text; `now` in seconds since 1970, `who` is None for the run as a whole."""
        second = int(now)
        if second != self._second[0]:
            self._second = (second, time.strftime("%H:%M:%S", time.localtime(second)))
        said = text if who is None else f"{who!r}: {text}"
        return f"[{self._second[1]}.{int(now % 1 * 1000):03}] {said}\n"

    def entry(self, now: float, who: ProcessId | None, text: str, level: int) -> str:
        """A line of JSON."""
        entry = {
            "time": now,
            "process": None if who is None else repr(who),
            "level": level,
            "level_name": _NAMES.get(level, str(level)),
            "text": text,
        }
        return json.dumps(entry) + "\n"


def write_whole(descriptor: int, data: bytes) -> None:
    """Write all of it, and wait for room where there is none. Raises OSError."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            room = select.poll()
            room.register(descriptor, select.POLLOUT)
            room.poll()


def unwritable(name: str, error: OSError) -> str:
    """What is said of a file that cannot be written."""
    return f"error: {name} cannot be written: {error.strerror}"

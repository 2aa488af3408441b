"""The log of a run as the node writes it: reports and the closing line, between lines of output.

Workers write to the same descriptor, by way of their consoles. Invariant: an entry is one write
to a file that is only appended to, so that no lock is needed, and the node waits for no worker.
"""

from __future__ import annotations

import contextlib
import os
import time

from quorate.worlds.real.lines import Lines


def begun(path: str) -> int:
    """The descriptor of a file that is begun anew, to be added to by all processes of a run.

    Raises OSError where it cannot be written.
    """
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)


class Journal:
    """The log, begun anew. Raises OSError where it cannot be written."""

    def __init__(self, path: str, as_json: bool) -> None:
        self.descriptor = begun(path)
        self._as_json = as_json
        self._lines = Lines()

    def add(self, text: str, level: int) -> None:
        """What the run as a whole says; where there is no room for it, it is said elsewhere too."""
        now = time.time()
        if self._as_json:
            line = self._lines.entry(now, None, text, level)
        else:
            line = self._lines.text(now, None, text)
        with contextlib.suppress(OSError):
            os.write(self.descriptor, line.encode(errors="backslashreplace"))

    def close(self) -> None:
        os.close(self.descriptor)

"""The history of a simulated run: what its clients have done so far, and in which step.

Invariant: a run whose clients do nothing that is kept costs nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quorate.core.errors import PropertyFailed
from quorate.core.operations import Event
from quorate.core.properties import Specification


class Kept:
    """What has happened so far. `write` is given each line of the history as it comes, and `said`
    is what the program says that all of it amounts to.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.write: Callable[[bytes], object] | None = None
        self.said: Sequence[Specification] = ()
        self._lines: list[bytes] = []  # of the first events

    def add(self, event: Event) -> None:
        self.events.append(event)
        if self.write is not None:
            self.write(self.lines[-1])

    @property
    def lines(self) -> list[bytes]:
        """The history as `quorate consistency` reads it, a line for each event."""
        self._lines += map(_line_of, self.events[len(self._lines) :])
        return self._lines

    def contradiction(self) -> PropertyFailed | None:
        """Why it is not as the program says, if so."""
        if not (self.events and self.said):
            return None
        from quorate.worlds.base.judging import contradiction

        return contradiction(self.lines, self.events, self.said)


def _line_of(event: Event) -> bytes:
    from quorate.worlds.base.history import line_of

    return line_of(event.client, event.operation, event.time)

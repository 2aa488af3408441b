"""What chance decides in a run that is recorded, by name, so that another run decides likewise.

A choice is known by what was asked (`delay`, `loss`), of which message or process, and how often
that had been asked before; so one that is taken away leaves the others what they were. Invariant:
what no choice says is decided as if nothing befell the run: see DEFAULT.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal

from quorate.core.ids import ProcessId
from quorate.trace import events as ev

Asked = Literal["delay", "loss", "duplicate", "reorder", "by", "retry", "resume", "timer"]
Key = tuple[str, str, int]
"""(what was asked, of which message or process, for which time)"""

DEFAULT = 0.5
"""The number that stands where none is chosen: delays are their median, and all ties are even,
so that what was asked for first comes first."""


class Choices:
    """Makes choices, or repeats them, and tells of each that differs from what is usual."""

    def __init__(
        self,
        name: Callable[[int | ProcessId], str],
        tell: Callable[[Asked, str, int, float | None], None],
        given: Iterable[ev.Choice] | None = None,
    ) -> None:
        """Without `given` they are drawn. `name` names a message, by its number, or a process."""
        self._name = name
        self._tell = tell
        self._given: dict[Key, float | None] | None = None
        if given is not None:
            self._given = {(each.what, each.of, each.nth): each.value for each in given}
        self._asked: Counter[tuple[str, str]] = Counter()

    def number(self, what: Asked, of: int | ProcessId, draw: Callable[[], float]) -> float:
        """A number from 0 to 1, and less than 1."""
        name, nth = self._next(what, of)
        if self._given is None:
            value = draw()
        else:
            found = self._given.get((what, name, nth))
            value = DEFAULT if found is None else found
        if value != DEFAULT:
            self._tell(what, name, nth, value)
        return value

    def befalls(
        self, what: Asked, of: int | ProcessId, chance: float, draw: Callable[[], float]
    ) -> bool:
        """Whether something happens that mostly does not."""
        name, nth = self._next(what, of)
        if self._given is None:
            happens = draw() < chance
        else:
            happens = (what, name, nth) in self._given
        if happens:
            self._tell(what, name, nth, None)
        return happens

    def _next(self, what: Asked, of: int | ProcessId) -> tuple[str, int]:
        name = self._name(of)
        self._asked[what, name] += 1
        return name, self._asked[what, name]

"""What is asked where the language allows several outcomes: by programs compiled for that.

Which true branch of an await is taken, and which witness a `some` leaves. Whoever explores a
program answers by `here.choose`, again and again. Invariant: without it, the first true branch is
taken and the first witness is left, as in programs that do not ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from quorate.core.ambient import here

if TYPE_CHECKING:
    from quorate.core.frames import Frame
    from quorate.core.process import Process

Row = tuple[Any, ...]


class GivenUp(BaseException):
    """The answers that were given lead nowhere: this run has no outcome, others have them all."""


def choose(count: int) -> int:
    """One of `count` outcomes, by its number from 0; the first where nobody answers."""
    if here.choose is None or count == 1:
        return 0
    answer = here.choose(count)
    assert 0 <= answer < count, f"{answer} of {count}"
    return answer


def witness(rows: Iterable[Row]) -> Row | None:
    """One of the different rows for which a `some` holds: all are asked for, none has an effect."""
    if here.choose is None:
        return next(iter(rows), None)
    found = _different(rows)
    if not found:
        return None
    chosen = choose(len(found))
    here.turns += chosen > 0
    return found[chosen]


def _different(rows: Iterable[Row]) -> list[Row]:
    every = list(rows)
    try:
        return list(dict.fromkeys(every))
    except TypeError:  # a row that cannot be hashed
        return every


class Branches:
    """One test of an await with several branches, which stand in the order of the text.

    A branch that is true may be passed over for a later one, and then leaves no witness in the
    fields and variables of these names. Passed over with another witness than the first it would
    be as with the first, so that is not asked.
    """

    __slots__ = ("known", "passed", "places", "turns")

    def __init__(
        self,
        process: Process,
        frame: Frame,
        fields: tuple[str, ...] = (),
        names: tuple[str, ...] = (),
    ) -> None:
        self.places = ((process.__dict__, fields), (frame.__dict__, names))
        self.passed = False
        self._look()

    def _look(self) -> None:
        """Note what the next condition finds."""
        self.turns = here.turns
        self.known = [
            {name: place[name] for name in names if name in place} for place, names in self.places
        ]

    def taken(self, condition: object, later: object = True) -> bool:
        """Whether a branch is taken whose condition is this; `later`: may one after it be true?"""
        if not condition:
            self._look()
            return False
        if not later or here.turns != self.turns or choose(2) == 0:
            return True
        for (place, names), known in zip(self.places, self.known, strict=True):
            for name in names:
                place.pop(name, None)
            place.update(known)
        self.passed = True
        return False

    def end(self) -> None:
        """No branch is taken; raises GivenUp where one could have been."""
        if self.passed:
            raise GivenUp

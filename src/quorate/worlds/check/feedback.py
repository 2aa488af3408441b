"""Runs that go on from where others did something new.

As fuzzers by coverage do with inputs (AFL; Bohme, Pham and Roychoudhury, "Coverage-Based Greybox
Fuzzing as Markov Chain", CCS 2016): ways are kept on which a process took an event in a local state
in which none had taken it before, and are changed: the beginning stays, the rest is drawn anew. A
state is a value, so that the beginning need not be run again. Every other run begins at the
beginning, by chance. Invariant: what is kept was reached by a way from the beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from quorate.worlds.check.effects import Effect
from quorate.worlds.check.explore import State
from quorate.worlds.check.walks import Runs

DRAWN = 3
"""Of so many that are drawn, the one with the most energy is gone on from."""


@dataclass
class Kept:
    """The end of a way, after `length` steps, whose last did something new.

    `used` is how often runs went on from there, and `news` how often these did something new.
    """

    state: State
    length: int
    used: int = 0
    news: int = 0

    @property
    def energy(self) -> float:
        """What led to news before and was not tried often is tried again first."""
        return (1 + self.news) / (1 + self.used)


class Feedback(Runs):
    """Random walks that begin where others did something new."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.kept: list[Kept] = []

    def begin(self, begins: Sequence[int]) -> None:
        super().begin(begins)
        self.kept = [Kept(state, 0) for state in self.firsts]

    def _start(self) -> tuple[State, int]:
        if self.random.randrange(2):
            self.source = Kept(*super()._start())
            self.length = 0
            return self.source.state, 0
        drawn = [self.random.choice(self.kept) for _ in range(DRAWN)]
        self.source = max(drawn, key=lambda each: each.energy)
        self.source.used += 1
        self.length = self.source.length
        return self.source.state, self.length

    def _take(self, state: State, effect: Effect, print: int) -> State:
        is_new = effect.action not in self.taken
        state = super()._take(state, effect, print)
        self.length += 1
        if is_new:
            self.source.news += 1
            self.kept.append(Kept(state, self.length))
        return state

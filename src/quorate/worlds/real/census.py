"""When is a run over? What the node knows of its places, as counts; no input or output.

A run is over when every start is settled. It is stuck when all places are idle and what was
sent between them has been taken, twice in a row with equal counts (Mattern 1987, the four
counter method). Invariant: counts only grow, but for `open`, which a place's own channel orders.
"""

from __future__ import annotations

from quorate.worlds.real.program import Place

Counts = dict[Place, tuple[int, int]]
"""peer -> (sent to it, taken from it), since the beginning"""


DAEMON = -1
"""In the place of an exit code: the run need not wait for the process, which has begun."""

PREPARATION = -2
"""In the place of an exit code: what is asked for is not a start, but to make or set up."""


class Lifetimes:
    """Starts and preparations that are not settled, by path of the process.

    A process is started by another, whose start, and end, its own place tells in order: if all
    the starts that are known are settled, none is unknown.
    """

    def __init__(self) -> None:
        self.open: dict[tuple[int, ...], int] = {(): 1}
        self.names: dict[tuple[int, ...], str] = {(): "main"}
        self.started = 1
        self.daemons = 0
        self.status = 0  # the first exit code that is not 0, as the shell will see it

    def change(self, path: tuple[int, ...], name: str, by: int, code: int) -> None:
        """A start was asked for (+1) or is settled (-1), or only an end is told (0).

        `code` is the exit code, or DAEMON or PREPARATION.
        """
        count = self.open.get(path, 0) + by
        self.started += by > 0 and code != PREPARATION
        self.daemons += code == DAEMON
        if code not in (0, DAEMON, PREPARATION) and not self.status:
            self.status = code
        if count:
            self.open[path] = count
            self.names[path] = name
        else:
            self.open.pop(path, None)
            self.names.pop(path, None)

    @property
    def over(self) -> bool:
        return not self.open


class Census:
    """Finds out that nothing can happen any more."""

    def __init__(self) -> None:
        self.round = 0
        self.places: set[Place] = set()
        self._idle: dict[Place, Counts] = {}
        self._gone: dict[Place, Counts] = {}
        self._asked: dict[Place, Counts] | None = None  # the counts of the first round
        self._answers: dict[Place, Counts] = {}

    def join(self, place: Place) -> None:
        self.places.add(place)
        self._asked = None

    def leave(self, place: Place, counts: Counts) -> None:
        """A place is no more; what it had sent still has to be taken."""
        self.places.discard(place)
        self._idle.pop(place, None)
        self._gone[place] = counts
        self._asked = None

    def idle(self, place: Place, counts: Counts) -> None:
        """A place has become idle; one that has left says so no more."""
        if place in self.places:
            self._idle[place] = counts

    def answer(self, place: Place, round: int, busy: bool, counts: Counts) -> None:
        """An answer to the second count."""
        if busy:
            self._idle.pop(place, None)
        else:
            self._idle[place] = counts
        if round == self.round and self._asked is not None:
            self._answers[place] = counts
            if busy or counts != self._asked.get(place):
                self._asked = None

    def next_round(self) -> bool:
        """Whether it is time to ask every place again; `round` is the number of the question."""
        if self._asked is not None or not self._balanced():
            return False
        self.round += 1
        self._asked, self._answers = dict(self._idle), {}
        return True

    @property
    def stuck(self) -> bool:
        """Whether nothing can happen any more."""
        return self._asked is not None and self._answers.keys() == self.places

    def _balanced(self) -> bool:
        """Whether every place is idle and has taken all that was sent to it."""
        if self.places != set(self._idle):
            return False
        everybody = {**self._gone, **self._idle}
        for place, counts in self._idle.items():
            for peer, (sent, taken) in counts.items():
                there = everybody.get(peer, {}).get(place, (0, 0))
                if there[0] != taken or (peer in self._idle and there[1] != sent):
                    return False
        return True

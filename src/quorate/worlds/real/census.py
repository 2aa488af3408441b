"""When is a run over? What the node knows of its places, as counts; no input or output.

A run is over when every start is settled. It is stuck when all places are idle and what was
sent between them has been taken, twice in a row with equal counts (Mattern 1987, the four
counter method). Invariant: counts only grow, but for `open`, which a place's own channel orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from quorate.core.ids import ProcessId
from quorate.worlds.real.program import Place

Counts = dict[Place, tuple[int, int]]
"""peer -> (sent to it, taken from it), since the beginning"""


def counted(counts: Iterable[tuple[Place, int, int]]) -> Counts:
    """Counts as a place tells them."""
    return {tuple(place): (sent, taken) for place, sent, taken in counts}


DAEMON = -1
"""In the place of an exit code: the run need not wait for the process, which has begun."""

PREPARATION = -2
"""In the place of an exit code: what is asked for is not a start, but to make or set up."""


class Change(NamedTuple):
    """Of the life of a process: a start was asked for (by +1) or is settled (-1), or only an end is
    told (0). `code` is the exit code, or DAEMON or PREPARATION.

    A start is settled when the process is over, or is a DAEMON that has begun; a preparation when
    it has been done.
    """

    path: tuple[int, ...]
    origin: str
    node: str
    name: str
    by: int
    code: int


def change(id: ProcessId, by: int, code: int) -> Change:
    return Change(id.path, id.origin, id.node, repr(id), by, code)


class Lifetimes:
    """Starts and preparations that are not settled, of the processes that come from one main.

    A process is started by another, whose start, and end, its own place tells in order: if all
    the starts that are known are settled, none is unknown. What is settled before its start is
    known may be so for ever, where the start was asked for on a node that is lost. If the run
    `goes_on` without such nodes, what was on one does not count again when it has been begun anew.
    """

    def __init__(self, main: ProcessId | None, goes_on: bool = False) -> None:
        self._counts: dict[tuple[int, ...], int] = {}
        self.open: dict[tuple[int, ...], Change] = {}  # the last change of each
        self.started = 0
        self.daemons = 0
        self.status = 0  # the first exit code that is not 0, as the shell will see it
        self._lost: set[str] = set()
        self._goes_on = goes_on
        # By node and creator, the number of the last that was made there; and before it was lost.
        self._made: dict[tuple[str, tuple[int, ...]], int] = {}
        self._gone: dict[tuple[str, tuple[int, ...]], int] = {}
        if main is not None:
            self.take(change(main, 1, 0))

    def take(self, change: Change) -> None:
        path, origin, node, _, by, code = change
        if path and node != origin:
            if self._goes_on:
                key = node, path[:-1]
                self._made[key] = max(path[-1], self._made.get(key, 0))
            if self._is_gone(node, path):
                return
        count = self._counts.get(path, 0) + by
        self.started += by > 0 and code != PREPARATION
        self.daemons += code == DAEMON
        if code not in (0, DAEMON, PREPARATION) and not self.status:
            self.status = code
        if count:
            self._counts[path] = count
        else:
            self._counts.pop(path, None)
        if count > 0:
            self.open[path] = change
        else:
            self.open.pop(path, None)

    def _is_gone(self, node: str, path: tuple[int, ...]) -> bool:
        """Whether a process was on a node that is lost; creations of one creator are in order."""
        return node in self._lost or path[-1] <= self._gone.get((node, path[:-1]), 0)

    def at(self, node: str) -> list[Change]:
        """Of each process on a node that is open the last change, in the order of their paths."""
        return [change for _, change in sorted(self.open.items()) if change.node == node]

    def lose(self, node: str) -> list[str]:
        """A node is no more: what is open there is settled. Answers the names of that."""
        self._lost.add(node)
        lost = self.at(node)
        for change in lost:
            del self.open[change.path], self._counts[change.path]
        return [change.name for change in lost]

    def meet(self, node: str) -> None:
        """A node is there, which may have been lost before."""
        if node in self._lost:
            self._lost.discard(node)
            self._gone |= {key: last for key, last in self._made.items() if key[0] == node}

    @property
    def over(self) -> bool:
        return not self.open


class Census:
    """Finds out that nothing can happen any more."""

    def __init__(self, beyond: Callable[[Place], bool] = lambda place: False) -> None:
        self.round = 0
        self.places: set[Place] = set()
        self._beyond = beyond  # whether a peer is none of those that are counted here
        self._idle: dict[Place, Counts] = {}
        self._gone: dict[Place, Counts] = {}
        self._lost: set[Place] = set()
        self._asked: dict[Place, Counts] | None = None  # the counts of the first round
        self._answers: dict[Place, Counts] = {}

    def join(self, place: Place) -> None:
        self.places.add(place)
        self._lost.discard(place)
        self._gone.pop(place, None)
        self._asked = None

    def leave(self, place: Place, counts: Counts) -> None:
        """A place is no more; what it had sent still has to be taken."""
        self.places.discard(place)
        self._idle.pop(place, None)
        self._gone[place] = counts
        self._asked = None

    def lose(self, place: Place) -> None:
        """A place is no more, and nobody knows what it had sent."""
        self.leave(place, {})
        self._lost.add(place)

    def idle(self, place: Place, counts: Counts) -> None:
        """A place has become idle; what one that has left says after that counts no more."""
        if place in self.places:
            self._idle[place] = counts
            self._asked = None

    def answer(self, place: Place, round: int, busy: bool, counts: Counts) -> None:
        """An answer to the second count."""
        if place not in self.places:
            return
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

    def again(self) -> bool:
        """Have every place asked anew, by `next_round`; whether there is a reason to."""
        self._asked = None
        return self._balanced()

    @property
    def waits(self) -> bool:
        """Whether answers are to come on which it depends whether anything can happen."""
        return self._asked is not None

    @property
    def stuck(self) -> bool:
        """Whether nothing can happen any more."""
        return self._asked is not None and self._answers.keys() == self.places

    def beyond(self) -> Counts:
        """The counts of all places with those that are not counted here."""
        return {
            peer: counts
            for place in self._idle.values()
            for peer, counts in place.items()
            if self._beyond(peer)
        }

    def unknown(self) -> set[Place]:
        """The peers of which nobody has said that they are there."""
        peers = {peer for counts in self._idle.values() for peer in counts}
        return {each for each in peers - self.places - self._gone.keys() if not self._beyond(each)}

    def _balanced(self) -> bool:
        """Whether every place is idle and has taken all that was sent to it."""
        if self.places != set(self._idle):
            return False
        everybody = {**self._gone, **self._idle}
        for place, counts in self._idle.items():
            for peer, (sent, taken) in counts.items():
                if peer in self._lost or self._beyond(peer):
                    continue
                if peer not in everybody and (sent or taken):
                    return False
                there = everybody.get(peer, {}).get(place, (0, 0))
                if there[0] != taken or (peer in self._idle and there[1] != sent):
                    return False
        return True

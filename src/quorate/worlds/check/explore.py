"""Exploring all states, breadth first, in plain Python: the twin of the kernel (kernel.py).

Visited are fingerprints of 64 bits, which are sums of shares, so that the one after a step costs a
few additions, and most steps lead to what is known. Invariant: states have the numbers of the order
in which they are found, `parents` tell a shortest way to each, and both explorers find the same.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from quorate.worlds.check.network import MASK, NETWORKS, Kind, Net, mix, share_of_message
from quorate.worlds.check.observing import Found, Observer
from quorate.worlds.check.reduction import Commuting
from quorate.worlds.check.tables import BUDGETS, FREE, NOBODY, Tables

BUDGET = len(BUDGETS)
LOSSES, DUPLICATES = BUDGETS.index("losses"), BUDGETS.index("duplicates")
LOST, TWICE = -2, -3
"""Of a message m, the action that it is lost is LOST - 2 * m, that it comes twice TWICE - 2 * m."""

SHARES = [mix(1 << 40 | place) | 1 for place in range(BUDGET)]
"""Of what is left of each budget, in a fingerprint: so much for each time."""

CHECKED_SECONDS = 0.25
"""How often the clock is looked at, and progress told."""


@dataclass(frozen=True)
class Bounds:
    """What is looked at: how often what may happen, and how much before giving up (None: all)."""

    timeouts: int = 0
    crashes: int = 0
    restarts: int = 0
    losses: int = 0
    duplicates: int = 0
    network: Kind = "bag"
    reduce: bool = True
    states: int | None = None
    depth: int | None = None
    seconds: float | None = None

    @property
    def budgets(self) -> tuple[int, ...]:
        return tuple(getattr(self, name) for name in BUDGETS)


class State(NamedTuple):
    """A state that is still to be looked at; `seen` stands for what properties can tell of it."""

    row: tuple[int, ...]
    net: Net
    print: int
    seen: int
    number: int


@dataclass
class Graph:
    """What has been found so far. `parents` and `actions` say how each state was first reached.

    `stopped` says which bound ended the search early, `short` which budgets kept something from
    happening, `stuck` is a state where nothing can happen any more and somebody waits, `failed` one
    from which an outcome fails, `wrong` one that contradicts a property; `reached` are witnesses.
    """

    parents: array[int] = field(default_factory=lambda: array("i"))
    actions: array[int] = field(default_factory=lambda: array("i"))
    transitions: int = 0
    depth: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    short: set[str] = field(default_factory=set)
    stuck: int | None = None
    failed: tuple[int, int] | None = None
    wrong: tuple[int, Found] | None = None
    reached: list[tuple[int, Found]] = field(default_factory=list)

    @property
    def states(self) -> int:
        return len(self.parents)

    @property
    def is_refuted(self) -> bool:
        return any(each is not None for each in (self.stuck, self.failed, self.wrong))

    def way_to(self, state: int) -> list[int]:
        """The actions that lead to a state from the beginning, that of the beginning first."""
        way = []
        while state >= 0:
            way.append(self.actions[state])
            state = self.parents[state]
        return way[::-1]


class Explorer:
    """Explores the states of a program whose steps are in `tables`."""

    def __init__(
        self,
        tables: Tables,
        observer: Observer,
        bounds: Bounds,
        tell: Callable[[Graph, int], None] | None = None,
        *,
        deadlocks: bool = True,
        commuting: Commuting | None = None,
    ) -> None:
        """`tell` is called now and then, with how many states are still to be looked at."""
        self.tables = tables
        self.observer = observer
        self.bounds = bounds
        self.tell = tell
        self.deadlocks = deadlocks
        self.commuting = commuting
        self.network = NETWORKS[bounds.network](tables.channel)
        self.simple = bounds.network == "bag"  # the share of a message is always the same
        self.graph = Graph()
        self.visited: set[int] = set()
        self.asked: set[int] = set()
        self.next: list[State] = []
        self._deltas: list[tuple[int, int]] = []  # of outcomes: what they add to both prints

    def run(self, begins: Sequence[int]) -> Graph:
        """Explore all that comes of the outcomes `begins`, up to what contradicts or bounds."""
        graph, begun = self.graph, time.perf_counter()
        self._looked = begun
        for outcome in begins:
            self._begin(outcome)
        while self.next and not (graph.is_refuted or graph.stopped):
            if self.bounds.depth is not None and graph.depth >= self.bounds.depth:
                graph.stopped = "depth"
                break
            graph.depth += 1
            level, self.next = self.next, []
            self._level(level, begun)
        graph.seconds = time.perf_counter() - begun
        return graph

    def _level(self, level: list[State], begun: float) -> None:
        graph = self.graph
        for place, state in enumerate(level):
            self._expand(state)
            if graph.is_refuted:
                return
            if self.bounds.states is not None and graph.states >= self.bounds.states:
                graph.stopped = "states"
                return
            if not place & 255 and (now := time.perf_counter()) > self._looked + CHECKED_SECONDS:
                self._looked = now
                graph.seconds = now - begun
                if self.tell is not None:
                    self.tell(graph, len(level) - place + len(self.next))
                if self.bounds.seconds is not None and graph.seconds > self.bounds.seconds:
                    graph.stopped = "seconds"
                    return

    # One state.

    def _begin(self, outcome: int) -> None:
        row = self.bounds.budgets
        print = sum(left * share for left, share in zip(row, SHARES, strict=True)) & MASK
        self._take(State(row, (), print, 0, -1), outcome)

    def _expand(self, state: State) -> None:
        """Find all that can happen next in a state."""
        if self.commuting is not None and self._take_first(state, self.commuting):
            return
        tables, graph = self.tables, self.graph
        moved = False
        held: set[str] = set()
        row = state.row
        for local in row[BUDGET:]:
            outcomes = tables.moves[local]
            for outcome in tables.move(local) if outcomes is None else outcomes:
                moved |= self._take(state, outcome, held)
        for message in self.network.first(state.net):
            place = BUDGET + tables.to[message]
            local = row[place] if place < len(row) else NOBODY
            outcomes = tables.deliveries.get((local, message))
            for outcome in tables.deliver(local, message) if outcomes is None else outcomes:
                moved |= self._take(state, outcome, held)
            if not tables.messages[message].is_order:
                self._meddle(state, message, held)
        graph.short |= held
        if not moved and "timeouts" not in held:
            self._rest(state)

    def _take_first(self, state: State, commuting: Commuting) -> bool:
        """Let only one thing happen, if one is there that is taken first and leads to what is new.

        So that nothing is put off for ever (the proviso of Godefroid, chapter 6, for this order).
        """
        for outcome in self._free(state, commuting):
            count, transitions = self.graph.states, self.graph.transitions
            self._take(state, outcome)
            if self.graph.states > count:
                return True
            self.graph.transitions = transitions
        return False

    def _free(self, state: State, commuting: Commuting) -> Iterator[int]:
        tables = self.tables
        for local in state.row[BUDGET:]:
            yield from filter(commuting.is_first, tables.move(local))
        for message in self.network.first(state.net):
            place = BUDGET + tables.to[message]
            local = state.row[place] if place < len(state.row) else NOBODY
            commuting.pairs.add((local, message))
            yield from filter(commuting.is_first, tables.deliver(local, message))

    def _rest(self, state: State) -> None:
        """Nothing can happen any more: somebody may wait for what can no longer come."""
        waits = self.tables.waits
        if self.deadlocks and any(waits[local] for local in state.row[BUDGET:]):
            self.graph.stuck = state.number

    def _take(self, state: State, outcome: int, held: set[str] | None = None) -> bool:
        """Let an outcome come of a state; whether something has happened that is no mischief."""
        each = self.tables.outcomes[outcome]
        left = state.row
        if each.cost != FREE and not left[each.cost]:
            assert held is not None
            held.add(BUDGETS[each.cost])
            return False
        graph = self.graph
        if each.fails:
            if graph.failed is None:
                graph.failed = state.number, outcome
            return True
        delta, seen = self._delta(outcome)
        net = None
        if not self.simple:
            net = self.network.after(state.net, each.taken, each.sent)
            delta += self.network.fingerprint(net) - self.network.fingerprint(state.net)
        print = (state.print + delta) & MASK
        if print == state.print:
            return False
        graph.transitions += 1
        if print in self.visited:
            return each.kind != "crash"
        row = list(left)
        if each.cost != FREE:
            row[each.cost] -= 1
        for local in (each.after, *each.made):
            place = BUDGET + self.tables.slot[local]
            row += [NOBODY] * (place + 1 - len(row))
            row[place] = local
        if net is None:
            net = self.network.after(state.net, each.taken, each.sent)
        self._add(tuple(row), net, print, (state.seen + seen) & MASK, state.number, outcome)
        return each.kind != "crash"

    def _meddle(self, state: State, message: int, held: set[str]) -> None:
        """Let a message be lost, or come twice."""
        for budget, action in ((LOSSES, LOST), (DUPLICATES, TWICE)):
            if not self.bounds.budgets[budget]:
                continue
            if not state.row[budget]:
                held.add(BUDGETS[budget])
                continue
            row = list(state.row)
            row[budget] -= 1
            taken, sent = (message, ()) if budget == LOSSES else (-1, (message,))
            net = self.network.after(state.net, taken, sent)
            shares = self.network.fingerprint(net) - self.network.fingerprint(state.net)
            print = (state.print + shares - SHARES[budget]) & MASK
            self.graph.transitions += 1
            if print not in self.visited:
                action -= 2 * message
                self._add(tuple(row), net, print, state.seen, state.number, action)

    def _add(
        self, row: tuple[int, ...], net: Net, print: int, seen: int, parent: int, action: int
    ) -> None:
        """A state that has not been found before."""
        graph = self.graph
        self.visited.add(print)
        number = graph.states
        graph.parents.append(parent)
        graph.actions.append(action)
        self.next.append(State(row, net, print, seen, number))
        if seen not in self.asked:
            self.asked.add(seen)
            self._ask(row, number)

    def _ask(self, row: tuple[int, ...], state: int) -> None:
        """Ask the properties about a state that they have not seen the like of."""
        numbers = [self.tables.observed[local] for local in row[BUDGET:]]
        found = self.observer.refuted(numbers)
        if found is not None and self.graph.wrong is None:
            self.graph.wrong = state, found
        if self.observer.sometimes:
            self.graph.reached += [(state, each) for each in self.observer.reached(numbers)]

    def _delta(self, outcome: int) -> tuple[int, int]:
        """What an outcome adds to the fingerprint of a state, and to that of what is seen of it."""
        deltas = self._deltas
        while len(deltas) <= outcome:
            deltas.append(self._delta_of(len(deltas)))
        return deltas[outcome]

    def _delta_of(self, outcome: int) -> tuple[int, int]:
        each, observed = self.tables.outcomes[outcome], self.tables.observed
        come = [each.after, *each.made]
        delta = sum(map(_share_of_local, come)) - _share_of_local(each.before)
        seen = sum(_share_of_seen(observed[local]) for local in come)
        seen -= _share_of_seen(observed[each.before])
        if each.cost != FREE:
            delta -= SHARES[each.cost]
        if self.simple:
            delta += sum(map(share_of_message, each.sent))
            delta -= share_of_message(each.taken) if each.taken >= 0 else 0
        return delta & MASK, seen & MASK


def _share_of_local(local: int) -> int:
    return 0 if local == NOBODY else mix(2 * local)


def _share_of_seen(number: int) -> int:
    return 0 if number == 0 else mix(1 << 41 | number)

"""Exploring with the kernel: fills in what it lacks, and asks the properties what it has found new.

Invariant: what comes of it is what the twin finds, state for state (explore.py).
"""

from __future__ import annotations

import numpy as np

from quorate.worlds.check import kernel as k
from quorate.worlds.check.arrays import (
    Mirror,
    Places,
    get_row,
    new_level,
    new_states,
    new_work,
    put_row,
    size_of,
    states_with_room,
    with_room,
    work_with_room,
)
from quorate.worlds.check.effects import BUDGET
from quorate.worlds.check.explore import Explorer, Reductions, State
from quorate.worlds.check.loop import explore
from quorate.worlds.check.tables import BUDGETS, NOBODY

STRIDE = 1 << 14
"""After how many states the kernel comes back to look at the clock."""

NETWORKS = {"bag": k.BAG, "set": k.SET, "fifo": k.FIFO}


class CompiledExplorer(Explorer):
    """Explores as Explorer does, many times as fast."""

    def __init__(self, twin: Explorer) -> None:
        """Go on from where the twin is, which has looked at all states of some level."""
        super().__init__(
            *(twin.tables, twin.observer, twin.bounds, twin.tell),
            deadlocks=twin.deadlocks,
            reductions=Reductions(twin.effects.commuting, twin.sending, twin.symmetry),
        )
        self.graph, self.effects, self.asked = twin.graph, twin.effects, twin.asked
        self.begun, self.looked = twin.begun, twin.looked
        timeouts = 1 << BUDGETS.index("timeouts")
        reduces = (
            twin.effects.commuting is not None,
            self.sending is not None,
            self.symmetry is not None,
        )
        kind = NETWORKS[self.bounds.network]
        self.rules = k.Rules(kind, BUDGET, timeouts, self.deadlocks, *reduces)
        self.places = Places(self.tables, self.symmetry)
        self.states = new_states(self.places.members)
        self.mirror = Mirror(self.tables, self.effects, self.sending)
        self.level, self.new, self.work = new_level(), new_level(), new_work()
        self.program = self.mirror.program()
        self.width = 0
        self._make_room(max(len(twin.visited), len(twin.asked)), 0)
        for print in twin.visited:
            self.counts[k.VISITED] += k.insert(self.work.visited, np.uint64(print))
        for seen in twin.asked:
            self.counts[k.ASKED] += k.insert(self.work.asked, np.uint64(seen))
        for state in twin.next:
            self._copy(state)

    @property
    def counts(self) -> k.Int64s:
        return self.work.counts

    def _width(self) -> int:
        return int(self.counts[k.STATES])

    def _copy(self, state: State) -> None:
        """Let the next level have a state that the twin has found."""
        place = self._width()
        self._make_room(1, len(state.row) + len(state.net) + 1)
        put_row(self.new, place, state.row, state.net)
        self.new.prints[place], self.new.seen[place] = state.print, state.seen
        self.counts[k.STATES] += 1

    def _level(self) -> None:
        graph, counts = self.graph, self.counts
        self.level, self.new = self.new, self.level
        width = self.width = self._width()
        counts[k.DONE] = counts[k.STATES] = 0
        counts[k.FIRST] = graph.states - width
        counts[k.TRANSITIONS] = graph.transitions
        states = self.bounds.states
        counts[k.ENOUGH] = (1 << 62) if states is None else states - graph.states
        self.places.numbers()
        while counts[k.DONE] < width:
            counts[k.UNTIL] = min(counts[k.DONE] + STRIDE, width)
            why = explore(
                *(self.rules, self._growth(), self.program, self.places.alike()),
                *(self.level, self.new, self.states, self.work),
            )
            self._settle()
            self._look_at_time(width - int(counts[k.DONE]) + self._width())
            if graph.is_refuted or graph.stopped:
                return
            if why == k.UNKNOWN:
                self._learn()
            elif why == k.ROOM:
                place = counts[k.DONE]
                length = self.level.offsets[place + 1] - self.level.offsets[place]
                self._make_room(int(counts[k.EVENTS]), int(length) + self._growth())

    def _growth(self) -> int:
        """How much longer a row may become by an effect, and by processes that change places."""
        return self.mirror.growth + (0 if self.symmetry is None else len(self.tables.slots))

    def _learn(self) -> None:
        """Fill in all that can happen in the state where the kernel is."""
        row, net = get_row(self.level, int(self.counts[k.DONE]))
        for local in row[BUDGET:]:
            self.effects.move(local)
        for message in self.network.first(net):
            place = BUDGET + self.tables.to[message]
            self.effects.deliver(row[place] if place < len(row) else NOBODY, message)
        self.program = self.mirror.program()
        self.places.numbers()

    def _make_room(self, events: int, length: int) -> None:
        """Make room for the states that so many effects make, each of at most this length."""
        width = self._width()
        words = int(self.new.offsets[width]) + events * length
        self.new = with_room(self.new, width + events + 1, words)
        self.work = work_with_room(self.work, events)
        self.states = states_with_room(self.states, events, events * length)
        self._stop_if_large()

    def _memory(self) -> int:
        graph = self.graph
        ways = graph.states * (graph.parents.itemsize + graph.actions.itemsize)
        return size_of(self.program, self.level, self.new, self.work) + ways

    def _settle(self) -> None:
        """Ask about what is new, and let the graph have what was found up to a refutation."""
        graph, counts = self.graph, self.counts
        base = int(counts[k.FIRST] + self.width)
        last = None
        for new in self.work.news[: counts[k.NEWS]].tolist():
            if graph.wrong is not None and new[k.DONE_THEN] != last:
                break  # of a state after that at which the search ends
            last = new[k.DONE_THEN]
            self._ask(get_row(self.new, new[k.STATE])[0], base + new[k.STATE])
            then = new
        counts[k.NEWS] = 0
        if graph.wrong is not None and last != counts[k.DONE]:
            counts[[k.STATES, k.TRANSITIONS, k.SHORT, k.DONE]] = then[1:]
            counts[k.STUCK], counts[k.FAILED] = 0, k.NONE
        found = slice(graph.states - base, counts[k.STATES])
        graph.parents.frombytes(self.new.parents[found].tobytes())
        graph.actions.frombytes(self.new.actions[found].tobytes())
        graph.transitions = int(counts[k.TRANSITIONS])
        graph.short |= {name for bit, name in enumerate(BUDGETS) if counts[k.SHORT] >> bit & 1}
        state = int(counts[k.FIRST] + counts[k.DONE]) - 1
        if counts[k.STUCK]:
            graph.stuck = state
        if counts[k.FAILED] != k.NONE:
            graph.failed = state, int(counts[k.FAILED])
        self._stop_if_full()

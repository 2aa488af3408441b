"""Exploring with the kernel: fills in what it lacks, and asks the properties what it has found new.

Invariant: what comes of it is what the twin finds, state for state (explore.py).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from quorate.worlds.check import kernel as k
from quorate.worlds.check.arrays import (
    Mirror,
    Places,
    emptied,
    get_row,
    level_with,
    members_of,
    new_level,
    new_share,
    new_work,
    share_with_room,
    size_of,
    waiting_in,
    with_room,
    work_with_room,
)
from quorate.worlds.check.explore import Explorer, Graph, Reductions
from quorate.worlds.check.loop import expand_ahead, settle
from quorate.worlds.check.places import Alike
from quorate.worlds.check.progress import Progress

STRIDE = 1 << 11
"""How many states are a share. After each the kernel comes back to look at the clock."""

AHEAD, HELPERS_MAX = 8, 3
"""How many shares are under way, and how many threads at most expand them ahead of their turn."""

RENEWED = 1.1
"""By how much the effects have to grow for helpers to be given them anew."""


class Ahead(NamedTuple):
    """What a helper is to do, and when it is done; cancelled where somebody else does it."""

    expand: Callable[[], None]
    done: Future[None]


class Span(NamedTuple):
    """States of a level from `first` on, expanded into a share, ahead or in their turn."""

    first: int
    until: int
    share: k.Share
    ahead: Ahead | None


class Known(NamedTuple):
    """What a helper knows: so many effects, by which a row grows at most so much."""

    effects: int
    growth: int
    program: k.Program
    alike: Alike


NETWORKS = {"bag": k.BAG, "set": k.SET, "fifo": k.FIFO}


class CompiledExplorer(Explorer):
    """Explores as Explorer does, many times as fast."""

    def __init__(self, twin: Explorer) -> None:
        """Go on from where the twin is, between two states."""
        super().__init__(
            *(twin.tables, twin.observer, twin.bounds, twin.tell),
            deadlocks=twin.deadlocks,
            reductions=Reductions(twin.effects.commuting, twin.sending, twin.symmetry),
        )
        self.graph, self.effects, self.asked = twin.graph, twin.effects, twin.asked
        self.begun, self.looked, self.keeper = twin.begun, twin.looked, twin.keeper
        timeouts = sum(1 << each for each in self.timeouts)
        reduces = (
            twin.effects.commuting is not None,
            self.sending is not None,
            self.symmetry is not None,
        )
        kind = NETWORKS[self.bounds.network]
        clients = -1 if self.clients is None else self.clients
        self.rules = k.Rules(kind, self.head, timeouts, clients, self.deadlocks, *reduces)
        self.places = Places(self.tables, self.symmetry)
        self.mirror = Mirror(self.tables, self.effects, self.sending)
        self.level, self.new, self.work = new_level(), new_level(), new_work()
        self.helping = min(processors() - 1, HELPERS_MAX)
        shares = AHEAD if self.helping else 1
        self.shares = [new_share(STRIDE, self.places.members) for _ in range(shares)]
        self.spans: deque[Span] = deque()
        self.known: Known | None = None
        self.program = self.mirror.program()
        self.width = 0
        self.restore(twin.progress())

    @property
    def counts(self) -> k.Int64s:
        return self.work.counts

    def _width(self) -> int:
        return int(self.counts[k.STATES])

    def _count(self, width: int) -> None:
        """Of the next level there are so many states, and of this one none is done."""
        counts, graph = self.counts, self.graph
        counts[k.DONE], counts[k.STATES] = 0, width
        counts[k.FIRST] = graph.states - width - self.width
        counts[k.TRANSITIONS] = graph.transitions

    def progress(self) -> Progress:
        self._record()
        counts, work = self.counts, self.work
        level = waiting_in(self.level, int(counts[k.DONE]), self.width)
        sets = members_of(work.visited), members_of(work.asked)
        return Progress(level, waiting_in(self.new, 0, self._width()), int(counts[k.ASKED]), *sets)

    def restore(self, progress: Progress) -> None:
        counts, graph = self.counts, self.graph
        self.level, self.width = level_with(self.level, progress.level), len(progress.level.lengths)
        self.new, width = level_with(self.new, progress.next), len(progress.next.lengths)
        self._count(width)
        counts[k.VISITED], counts[k.ASKED] = graph.states, progress.asked_count
        self.work = work_with_room(new_work()._replace(counts=counts), 0)
        sets = (progress.visited, self.work.visited), (progress.asked, self.work.asked)
        for parts, known in sets:
            for part in parts:
                k.rehash(np.frombuffer(part, np.uint64), known)
        self._stop_if_full()

    def go_on(self, states: int | None = None) -> Graph:
        with ThreadPoolExecutor(self.helping or 1) as self.helpers:
            return super().go_on(states)

    def _left(self) -> int:
        return self.width - int(self.counts[k.DONE])

    def _begin_level(self) -> None:
        self.level, self.new = self.new, self.level
        self.width = self._width()
        self._count(0)

    def _go_through(self) -> None:
        graph, counts, width = self.graph, self.counts, self.width
        states = self.bounds.states
        counts[k.ENOUGH] = (1 << 62) if states is None else states - graph.states + self._width()
        self.places.numbers()
        self.known = None  # or a helper would meet local states that it has not heard of
        firsts = deque(range(int(counts[k.DONE]), width, STRIDE))
        while firsts or self.spans:
            while firsts and self.shares:
                self._begin(firsts.popleft())
            self._settle(self.spans.popleft())
            self._look_at_time(width - int(counts[k.DONE]) + self._width())
            if graph.is_refuted or graph.stopped:
                return

    def _begin(self, first: int) -> None:
        """Have a share of the level expanded by a helper, unless it comes next anyway."""
        until = min(first + STRIDE, self.width)
        share, ahead = emptied(self.shares.pop(), until - first), None
        if self.spans:
            known = self.known
            if known is None or self.mirror.effects.count > RENEWED * known.effects:
                known = self.known = self._snapshot()
            where = self.rules, known.growth, first, until, known.program, known.alike
            expand = partial(expand_ahead, *where, self.level, self.work.visited, share)
            ahead = Ahead(expand, self.helpers.submit(expand))
        self.spans.append(Span(first, until, share, ahead))

    def _wait(self, ahead: Ahead) -> None:
        """Wait for a helper, and meanwhile do what comes last of all that it has not begun with."""
        if ahead.done.cancel():
            return
        for _, _, _, other in reversed(self.spans):
            if ahead.done.done() or other is None:
                break
            if not other.done.cancelled() and other.done.cancel():
                other.expand()
        ahead.done.result()

    def _snapshot(self) -> Known:
        """What is known by now, for helpers, who see nothing of what is learnt meanwhile."""
        program = k.Program._make(each.copy() for each in self.program)
        alike = Alike._make(each.copy() for each in self.places.alike())
        return Known(self.mirror.effects.count, self._growth(), program, alike)

    def _settle(self, span: Span) -> None:
        """Add what the states of a share lead to. What no helper has begun with is done here."""
        first, until, share, ahead = span
        graph, counts = self.graph, self.counts
        if ahead is not None:
            self._wait(ahead)
        counts[k.UNTIL] = until
        learnt = k.NONE
        while counts[k.DONE] < until and not (graph.is_refuted or graph.stopped):
            why = settle(
                *(self.rules, self._growth(), first, self.program, self.places.alike()),
                *(self.level, self.new, self.work, share),
            )
            if why != k.UNKNOWN or counts[k.NEWS]:
                self._record()
            if why == k.UNKNOWN and not graph.is_refuted:
                assert counts[k.DONE] != learnt, "a state lacks something that cannot be learnt"
                learnt = counts[k.DONE].item()
                self._learn()
            elif why == k.ROOM:
                place = counts[k.DONE]
                length = self.level.offsets[place + 1] - self.level.offsets[place]
                events, length = int(share.counts[k.EVENTS]), int(length) + self._growth()
                self._make_room(events, length)
                share = share_with_room(share, events, events * length)
        self.shares.append(share)

    def _growth(self) -> int:
        """How much longer a row may become by an effect, and by processes that change places."""
        return self.mirror.growth + (0 if self.symmetry is None else len(self.tables.slots))

    def _learn(self) -> None:
        """Fill in all that can happen in the state where the kernel is: it lacks nothing then."""
        self._events(*get_row(self.level, int(self.counts[k.DONE]), self.head))
        self.program = self.mirror.program()
        self.places.numbers()

    def _make_room(self, events: int, length: int) -> None:
        """Make room for the states that so many effects make, each of at most this length."""
        width = self._width()
        words = int(self.new.offsets[width]) + events * length
        self.new = with_room(self.new, width + events + 1, words)
        self.work = work_with_room(self.work, events)
        self._stop_if_large()

    def _memory(self) -> int:
        graph = self.graph
        ways = graph.states * (graph.parents.itemsize + graph.actions.itemsize)
        return size_of(self.program, self.level, self.new, self.work, *self.shares) + ways

    def _record(self) -> None:
        """Ask about what is new, and let the graph have what was found up to a refutation."""
        graph, counts = self.graph, self.counts
        base = int(counts[k.FIRST] + self.width)
        last = None
        for new in self.work.news[: counts[k.NEWS]].tolist():
            if graph.wrong is not None and new[k.DONE_THEN] != last:
                break  # of a state after that at which the search ends
            last = new[k.DONE_THEN]
            self._ask(get_row(self.new, new[k.STATE], self.head)[0], base + new[k.STATE])
            then = new
        counts[k.NEWS] = 0
        if graph.wrong is not None and last != counts[k.DONE]:
            counts[[k.STATES, k.TRANSITIONS, k.SHORT, k.DONE]] = then[1:]
            counts[k.STUCK], counts[k.FAILED] = 0, k.NONE
        found = slice(graph.states - base, counts[k.STATES])
        graph.parents.frombytes(self.new.parents[found].view(np.uint8).data)
        graph.actions.frombytes(self.new.actions[found].view(np.uint8).data)
        graph.transitions = int(counts[k.TRANSITIONS])
        graph.short |= {bit for bit in range(self.head) if counts[k.SHORT] >> bit & 1}
        state = int(counts[k.FIRST] + counts[k.DONE]) - 1
        if counts[k.STUCK]:
            graph.stuck = state
        if counts[k.FAILED] != k.NONE:
            graph.failed = state, int(counts[k.FAILED])
        self._stop_if_full()


def processors() -> int:
    """How many this process may use."""
    known = getattr(os, "sched_getaffinity", None)
    return os.cpu_count() or 1 if known is None else len(known(0))

"""Searching for a linearization of what was done to one object.

Events are passed in order, and an operation is linearized no sooner than a return needs it
(Lowe 2017, "Testing for linearizability", section 4; after Wing and Gong 1993), but a read as soon
as it fits. Invariant: a configuration is left out only if another one, with the same operations
that are to return and no more of those that never do, leads wherever it leads.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from msgspec import Struct

from quorate.consistency.history import Operation
from quorate.consistency.limits import Budget
from quorate.consistency.models import REFUSED, Model, State

Trail = tuple[Any, Operation] | None
"""The operations linearized so far, the last one first: (those before it, operation)."""


class Configuration(NamedTuple):
    """Where a search stands: which of the open operations have been linearized, and the state.

    `done` has a bit for each open operation that returns later, `lost` for each that never does.
    """

    state: State
    done: int
    lost: int
    trail: Trail


class Entry(Struct, frozen=True, eq=False, gc=False):
    """An operation that may be linearized: its bit in `done` or `lost`.

    `twins` is the bit of one that asks for the same and never returns either, and comes first.
    """

    operation: Operation
    reads: bool
    done: int = 0
    lost: int = 0
    twins: int = 0


class Event(Struct, eq=False, gc=False):
    """Something that configurations pass in the order of time.

    The invocation of a read, which is done at once if it fits; or a return, with the operations
    that are open then: those that change something, the reads, how many have been invoked of
    those that never return, and of those that change something. `read` is the index of the next
    return of a read, this one included.
    """

    entry: Entry
    returns: bool
    movers: tuple[Entry, ...] = ()
    readers: tuple[Entry, ...] = ()
    lost_count: int = 0
    mover_count: int = 0
    read: int | None = None


@dataclass
class Outcome:
    """What a search has found.

    `trail` is a linearization of all that returned, where `stuck` is None. Otherwise `stuck` is
    the return that no configuration passes, `before` those that came to it, and `states` all
    states that orders of the operations lead to there.
    """

    trail: Trail = None
    stuck: Operation | None = None
    before: list[Configuration] = field(default_factory=list)
    states: list[State] = field(default_factory=list)


def operations_of(trail: Trail) -> list[Operation]:
    """The operations of a trail in their order."""
    found = []
    while trail is not None:
        trail, operation = trail
        found.append(operation)
    return found[::-1]


_BEFORE_MAX = 1000  # configurations kept to explain a failure
_READS_MAX = 3  # reads looked ahead to
_MOVERS_MAX = 64  # operations looked at for one read


class Search:
    """A search over the operations of one object, up to and with the line `last`.

    With `foresight`, it may end before the return that nothing can explain.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        model: Model,
        budget: Budget,
        last: float,
        foresight: bool = True,
    ) -> None:
        self._step = model.step
        self._leads = model.leads if foresight else Model.leads.__get__(model)
        self._budget = budget
        self._events, self._movers, self._lost = compiled(operations, model, last)
        # (2 * event, or 1 more within it; done; state) -> the least sets of `lost` seen there
        self._seen: dict[tuple[int, int, State], int | list[int]] = {}
        self._furthest = -1
        self._before: list[Configuration] = []
        self._initial = model.initial()

    def run(self, configurations: int | None = None) -> Outcome:
        """Depth first over returns, remembering at most so many. Raises `LimitReached`."""
        self._budget.begin(configurations)
        stack: list[tuple[int, Configuration]] = []
        ways: dict[int, Iterator[Configuration]] = {}  # of the configurations at these heights
        index, now = self._pass(0, Configuration(self._initial, 0, 0, None))
        while index < len(self._events):
            if index >= self._furthest:
                self._arrive(index, now)
            following = None
            if self._is_new(2 * index, now):
                stack.append((index, now))
                following = self._directly(self._events[index], index, now)
            while following is None:
                if not stack:
                    return self._failure()
                height = len(stack)
                index, now = stack[-1]
                if height not in ways:
                    ways[height] = self._ways(index, now)
                if (following := next(ways[height], None)) is None:
                    stack.pop()
                    del ways[height]
            index, now = self._pass(index, following)
        return Outcome(now.trail)

    def _pass(self, index: int, now: Configuration) -> tuple[int, Configuration]:
        """Go on to the first return, if any, of what has not been linearized."""
        state, done, lost, trail = now
        events, step = self._events, self._step
        count = len(events)
        while index < count:
            event = events[index]
            entry = event.entry
            if event.returns:
                if not done & entry.done:
                    break
                done ^= entry.done
            elif step(state, entry.operation) is not REFUSED:
                done |= entry.done
                trail = (trail, entry.operation)
            index += 1
        return index, Configuration(state, done, lost, trail)

    def _directly(self, event: Event, index: int, now: Configuration) -> Configuration | None:
        """The configuration after the return, with nothing else before it."""
        after = self._after(now, event.entry, event)
        if after is None or not self._is_new(2 * index + 1, after):
            return None
        return after if self._may_go_on(event, after) else None

    def _ways(self, index: int, now: Configuration) -> Iterator[Configuration]:
        """The configurations after the return, those with the fewest operations before it first."""
        event = self._events[index]
        frontier = [now]
        while frontier:
            deeper = []
            for each in frontier:
                if (after := self._directly(event, index, each)) is not None:
                    yield after
            for each in frontier:
                for entry in self._others(each, event):
                    after = self._after(each, entry, event)
                    if after is None:
                        continue
                    passes = bool(after.done & event.entry.done)  # a read, which fits now
                    if self._is_new(2 * index + passes, after) and self._may_go_on(event, after):
                        if passes:
                            yield after
                        else:
                            deeper.append(after)
            frontier = deeper

    def _others(self, now: Configuration, event: Event) -> Iterator[Entry]:
        """The open operations that may come before the one that returns."""
        done, lost = now.done, now.lost
        for entry in event.movers:
            if not entry.done & done and entry is not event.entry:
                yield entry
        for entry in self._lost[: event.lost_count]:
            if not entry.lost & lost and entry.twins & lost == entry.twins:
                yield entry

    def _after(self, now: Configuration, entry: Entry, event: Event) -> Configuration | None:
        """The configuration after the operation, and after the reads that fit then."""
        step = self._step
        state = step(now.state, entry.operation)
        if state is REFUSED or (entry.lost and state == now.state):
            return None
        done, trail = now.done | entry.done, (now.trail, entry.operation)
        for reader in event.readers:
            if not reader.done & done and step(state, reader.operation) is not REFUSED:
                done |= reader.done
                trail = (trail, reader.operation)
        return Configuration(state, done, now.lost | entry.lost, trail)

    def _may_go_on(self, event: Event, now: Configuration) -> bool:
        """Whether the next read to return can get its result."""
        line = event.entry.operation.returned or 0
        index = event.read
        for _ in range(_READS_MAX):
            if index is None:
                return True
            read = self._events[index]
            if read.mover_count - event.mover_count > _MOVERS_MAX:
                return True
            operation = read.entry.operation
            if operation.invoked > line or not read.entry.done & now.done:
                return self._leads(now.state, operation, self._between(event, read, now))
            index = self._events[index + 1].read if index + 1 < len(self._events) else None
        return True

    def _between(self, event: Event, read: Event, now: Configuration) -> Iterator[Operation]:
        """The operations that may still be linearized before a read returns."""
        for entry in event.movers:
            if not entry.done & now.done:
                yield entry.operation
        yield from self._movers[event.mover_count : read.mover_count]
        for entry in self._lost[: read.lost_count]:
            if not entry.lost & now.lost:
                yield entry.operation

    def _is_new(self, place: int, now: Configuration) -> bool:
        """Whether nothing that has been at this place leads wherever this leads."""
        key = (place, now.done, now.state)
        lost = now.lost
        seen = self._seen.get(key)
        if seen is None:
            self._budget.spend()
            self._seen[key] = lost
            return True
        if isinstance(seen, int):
            if seen & lost == seen:
                return False
            self._seen[key] = [seen, lost]
            return True
        if any(each & lost == each for each in seen):
            return False
        self._budget.spend()
        seen.append(lost)
        return True

    def _arrive(self, index: int, now: Configuration) -> None:
        """Remember who has come furthest."""
        if index > self._furthest:
            self._furthest = index
            self._before = []
        if index == self._furthest and len(self._before) < _BEFORE_MAX:
            self._before.append(now)

    def _failure(self) -> Outcome:
        place = 2 * self._furthest
        states = dict.fromkeys(state for at, _, state in self._seen if at == place)
        stuck = self._events[self._furthest].entry.operation
        return Outcome(None, stuck, self._before, list(states))


def compiled(
    operations: Sequence[Operation], model: Model, last: float
) -> tuple[list[Event], list[Operation], list[Entry]]:
    """The events up to a line, all that return by then and change something, and the others.

    Bits of `done` are used again once an operation has returned.
    """
    events: list[Event] = []
    all_movers: list[Operation] = []
    lost: list[Entry] = []
    free: list[int] = []
    movers: dict[int, Entry] = {}
    readers: dict[int, Entry] = {}
    twins: dict[Hashable, int] = {}
    for _, returns, operation in _points(operations, last):
        number = operation.invoked
        if returns:
            entry = movers.get(number) or readers[number]
            now = (tuple(movers.values()), tuple(readers.values()))
            events.append(Event(entry, True, *now, len(lost), len(all_movers)))
            del (readers if entry.reads else movers)[number]
            free.append(entry.done)
        elif operation.returned is not None:
            bit = free.pop() if free else 1 << (len(movers) + len(readers))
            entry = Entry(operation, model.only_reads(operation), bit)
            if entry.reads:
                readers[number] = entry
                events.append(Event(entry, False))
            else:
                movers[number] = entry
                all_movers.append(operation)
        elif not model.only_reads(operation):
            client = operation.client if model.knows_clients else None
            kind = (operation.name, operation.args, client)
            bit = 1 << len(lost)
            lost.append(Entry(operation, False, 0, bit, twins.get(kind, 0)))
            twins[kind] = bit
    _look_ahead(events)
    return events, all_movers, lost


def _look_ahead(events: list[Event]) -> None:
    read: int | None = None
    for index in range(len(events) - 1, -1, -1):
        event = events[index]
        if event.returns and event.entry.reads:
            read = index
        event.read = read


def _points(operations: Sequence[Operation], last: float) -> list[tuple[int, bool, Operation]]:
    """Invocations (False) and returns (True) in order, and what is known at the line `last`."""
    points: list[tuple[int, bool, Operation]] = []
    for each in operations:
        if each.invoked > last:
            continue
        each = each.known_at(last)
        points.append((each.invoked, False, each))
        if each.returned is not None:
            points.append((each.returned, True, each))
    points.sort()  # lines differ
    return points

"""Runs by priorities, which find a bug that few events bring about by a chance that is known.

Probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi and Nagarakatte, ASPLOS 2010) for
messages: PCTCP (Ozkan, Majumdar, Niksic, Befrouei and Weissenbacher, OOPSLA 2018). Events fall into
chains as they appear, each chain has a priority by chance, and d - 1 events put theirs below all
others. Invariant: if the order of d events brings a bug about, the others being whatever they are,
a run with c chains and at most n events finds it by a chance of 1/(c n^(d-1)) at least, and with
events of which w at most are independent of one another, c is at most w(w+1)/2, so w^2.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from quorate.worlds.check.effects import Effect
from quorate.worlds.check.explore import State, Step
from quorate.worlds.check.tables import FREE
from quorate.worlds.check.walks import Event, Runs, own


class Chain:
    """Events each of which comes after the one before. `waiting` are those that have not happened.

    `size` is how many there are; of each event `before` it is known how many of them it follows.
    """

    def __init__(self) -> None:
        self.size = 0
        self.waiting: deque[int] = deque()


class Chains:
    """Events in chains. An event that appears comes before none that is there.

    The chains stand in groups, of which the i-th has at most i: an event goes to the first group
    where it follows the end of a chain, or there is room for one more, and that group but for this
    chain changes places with the one before. So the ends of a group are independent of one another
    (Agarwal and Garg, PODC 2005; Felsner, "On-line chain partitions of orders", TCS 1997).
    """

    def __init__(self) -> None:
        self.groups: list[list[Chain]] = []
        self.count = 0
        self.before: list[dict[Chain, int]] = []  # of each event: how many of a chain it follows

    def add(self, after: Iterable[int]) -> Chain:
        """The chain of the next event, which comes after these and what they come after."""
        past: dict[Chain, int] = {}
        for event in after:
            for chain, size in self.before[event].items():
                past[chain] = max(size, past.get(chain, 0))
        chain = self._place(past)
        chain.size += 1
        chain.waiting.append(len(self.before))
        self.before.append(past | {chain: chain.size})
        return chain

    def _place(self, past: dict[Chain, int]) -> Chain:
        for index, group in enumerate(self.groups):
            chain = next((each for each in group if past.get(each) == each.size), None)
            if chain is None and len(group) <= index:
                chain = Chain()
                self.count += 1
            if chain is not None:
                rest = [each for each in group if each is not chain]
                earlier = self.groups[index - 1] if index else []
                self.groups[index] = [chain, *earlier]
                if index:
                    self.groups[index - 1] = rest
                return chain
        self.groups.append([])
        return self._place(past)


class Priorities:
    """Which of the events that can happen is to happen next."""

    def __init__(self, random: Random, bug_depth: int, events: int) -> None:
        """Bugs of this depth are looked for, in runs of about so many events."""
        self.random = random
        self.chains = Chains()
        self.ranks: list[Chain] = []  # from the highest on
        self.low: list[Chain | None] = [None] * (bug_depth - 1)
        points = random.sample(range(max(events, bug_depth - 1)), bug_depth - 1)
        self.points = {event: place for place, event in enumerate(points)}
        self.chain_of: list[Chain] = []

    def appear(self, after: Iterable[int] = ()) -> int:
        """A new event, which comes after these: its number."""
        count = self.chains.count
        chain = self.chains.add(after)
        self.chain_of.append(chain)
        if self.chains.count > count:
            self.ranks.insert(self.random.randrange(len(self.ranks) + 1), chain)
        return len(self.chain_of) - 1

    def next(self, able: Callable[[int], bool]) -> int | None:
        """The first event of the highest chain whose first event is able to happen."""
        while True:
            chains = (chain for chain in (*self.ranks, *self.low) if chain and chain.waiting)
            first = next((c.waiting[0] for c in chains if able(c.waiting[0])), None)
            if first is None or first not in self.points:
                return first
            self._lower(self.chain_of[first], self.points.pop(first))

    def _lower(self, chain: Chain, place: int) -> None:
        """Put a chain below all others but those with a later place."""
        if chain in self.ranks:
            self.ranks.remove(chain)
        else:
            self.low[self.low.index(chain)] = None
        self.low[place] = chain

    def over(self, event: int) -> None:
        """An event has happened, or never will."""
        self.chain_of[event].waiting.remove(event)


class Prioritized(Runs):
    """Runs by priorities. What may happen only so often comes by chance, and is no event.

    An event follows the one that has made it, and with queues the one before it in its queue: these
    hold in whatever order the others happen.
    """

    def __init__(self, *given: Any, bug_depth: int, **options: Any) -> None:
        super().__init__(*given, **options)
        self.bug_depth: int = bug_depth
        self.events = self.chains = 1  # the most that a run has had
        self.sound = 0  # how many runs had no more events than were expected

    def _start(self) -> tuple[State, int]:
        self.priorities = Priorities(self.random, self.bug_depth, self.events)
        self.names: list[Event] = []  # what each that has appeared is
        self.waiting: defaultdict[Event, list[int]] = defaultdict(list)
        self.last: dict[int, int] = {}  # of each queue, the one that appeared last
        state, length = super()._start()
        self._appear(state, ())
        return state, length

    def _run(self, state: State, length: int) -> None:
        super()._run(state, length)
        events = len(self.names)
        self.sound += events <= self.events
        self.events = max(self.events, events)
        self.chains = max(self.chains, self.priorities.chains.count)

    def _choose(self, state: State) -> Step | None:
        steps: dict[int, list[Step]] = {}
        first = set(self.network.first(state.net))

        def able(event: int) -> bool:
            name = self.names[event]
            if event not in steps:
                steps[event] = self._of(state, name) if name < 0 or name in first else []
            return bool(steps[event])

        self.event = self.priorities.next(able)
        return None if self.event is None else self.random.choice(steps[self.event])

    def _take(self, state: State, effect: Effect, print: int) -> State:
        after: tuple[int, ...] = ()
        if effect.cost == FREE and self.event is not None:
            after = (self.event,)
            self._over(self.event)
        state = super()._take(state, effect, print)
        self._appear(state, after)
        return state

    def _over(self, event: int) -> None:
        self.waiting[self.names[event]].remove(event)
        self.priorities.over(event)

    def _appear(self, state: State, after: tuple[int, ...]) -> None:
        """What can happen in a state that could not before, which comes after these."""
        there = Counter(own(slot) for slot in self._movers(state))
        for name in (*there, *state.net):
            there[name] += name >= 0
            if there[name] > len(self.waiting[name]):
                self._wait(name, after)
        for name, events in self.waiting.items():
            for event in events[: len(events) - there[name]]:
                self._over(event)

    def _wait(self, name: Event, after: tuple[int, ...]) -> None:
        queue = self.tables.channel[name] if self.tables.ordered and name >= 0 else None
        if queue in self.last:
            after = (*after, self.last[queue])
        event = self.priorities.appear(after)
        self.names.append(name)
        self.waiting[name].append(event)
        if queue is not None:
            self.last[queue] = event

    def _movers(self, state: State) -> Iterator[int]:
        """Which processes can do something by themselves, as often as they like."""
        for slot, local in enumerate(state.row[self.head :]):
            if any(each.cost == FREE for each in self.effects.move(local)):
                yield slot

    @property
    def chance(self) -> float:
        """By what chance a run finds a bug, at least."""
        return 1 / (self.chains * float(self.events) ** (self.bug_depth - 1))

    @property
    def found(self) -> float:
        """By what chance all of the runs do, at least. Those with too many events do not count."""
        return 1 - (1 - self.chance) ** self.sound

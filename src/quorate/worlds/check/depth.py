"""Depth first: from each state on to one that is new, and back where there is none.

What waits is one way, not a level, so that deep states are found early and by little memory
(Holzmann, "The SPIN Model Checker", 2003, ch. 8; Tarjan's recursion is a stack here). With bits,
states are remembered by a few bits each, and no way to them is. Invariant: the ways in the graph
are those to the states on the stack, and to witnesses; without bits, to all states.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import count, repeat
from typing import Any

from quorate.core.errors import ProgramError
from quorate.worlds.check.explore import (
    FINGERPRINT_BYTES,
    STATE_BYTES,
    Explorer,
    Graph,
    State,
    Step,
)
from quorate.worlds.check.network import mix

HASHES = 3
"""By how many bits a state is remembered."""


class Bits:
    """A set of fingerprints that may take a new one for an old one, and never an old for a new.

    Bit-state hashing (Holzmann, "An Analysis of Bitstate Hashing", FMSD 13, 1998): a Bloom filter,
    whose places are derived from two hashes (Dillinger and Manolios, SPIN 2004). `missed` is how
    many states it is expected to have taken for old ones, when they were new.
    """

    def __init__(self, power: int) -> None:
        """There are 2^power bits, at least eight. Raises ProgramError (Q145)."""
        self.size = 1 << power
        try:
            self.bits = bytearray(self.size >> 3)
        except MemoryError:
            few = f"give fewer: --bits {max(3, power - 1)} takes half as much"
            raise ProgramError("Q145", f"there is no memory for 2^{power} bits", few) from None
        self.count = self.ones = 0
        self.missed = 0.0

    def places(self, print: int) -> Iterator[int]:
        place, by, last = print, mix(print) | 1, self.size - 1
        for _ in repeat(None, HASHES):
            yield place & last
            place += by

    def __contains__(self, print: int) -> bool:
        bits = self.bits
        return all(bits[place >> 3] >> (place & 7) & 1 for place in self.places(print))

    def add(self, print: int) -> None:
        """Remember one that is new, and not taken for an old one.

        The chance that it would be is that of finding all its bits set; so for each that was not,
        chance / (1 - chance) were.
        """
        chance = self.fill**HASHES
        self.missed += chance / (1 - chance)
        self.count += 1
        for place in self.places(print):
            bit = 1 << (place & 7)
            self.ones += not self.bits[place >> 3] & bit
            self.bits[place >> 3] |= bit

    @property
    def fill(self) -> float:
        """The share of the bits that are set."""
        return self.ones / self.size


class DepthFirst(Explorer):
    """Explores depth first. The stack has states, and of each the steps still to be taken."""

    def __init__(self, *given: Any, bits: int | None = None, **options: Any) -> None:
        super().__init__(*given, **options)
        self.bits = None if bits is None else Bits(bits)
        self.known: Bits | set[int] = self.visited if self.bits is None else self.bits
        self.stack: list[tuple[State, Iterator[Step]]] = []
        self.kept = 0  # states up to this number are not forgotten
        self.cut = False  # whether some way was too long
        self.taken: set[int] = set()  # actions

    def begin(self, begins: Sequence[int]) -> None:
        self.taken.update(begins)
        super().begin(begins)
        self.kept = len(self.graph.parents)
        if self.bits is not None:
            for print in self.visited:
                if print not in self.bits:
                    self.bits.add(print)

    def go_on(self, states: int | None = None) -> Graph:
        graph = self.graph
        for turn in count():
            if self.is_over or (states is not None and graph.states >= states):
                break
            if not self.stack:
                self._enter(self.next.pop(0))
            elif not self._advance(*self.stack[-1]):
                self._forget(self.stack.pop()[0].number)
            if not turn & 255:
                self._look_at_time(len(self.stack))
        if not (self._width() or graph.is_refuted or graph.stopped):
            graph.stopped = "depth" if self.cut else None if self.bits is None else "bits"
        graph.seconds = time.perf_counter() - self.begun
        return graph

    def _width(self) -> int:
        return len(self.next) + len(self.stack)

    def _enter(self, state: State) -> None:
        """Look at a state that is new, if the way to it is not too long."""
        if self.bounds.depth is not None and len(self.stack) >= self.bounds.depth:
            self.cut = True
            self._forget(state.number)
            return
        found = self._possible(state, self._events(state.row, state.net))
        self.stack.append((state, iter(found)))
        self.graph.depth = max(self.graph.depth, len(self.stack))

    def _advance(self, state: State, rest: Iterator[Step]) -> bool:
        """Go on from a state to the next that is new; whether there is one."""
        graph, known = self.graph, self.known
        for effect, print in rest:
            graph.transitions += 1
            self.taken.add(effect.action)
            if print not in known:
                known.add(print)
                found = self._add(state, effect, print)
                self._stop_if_full()
                if not self.is_over:
                    self._enter(found)
                return True
        return False

    def _ask(self, row: Sequence[int], state: int) -> None:
        reached = len(self.graph.reached)
        super()._ask(row, state)
        if len(self.graph.reached) > reached:
            self.kept = len(self.graph.parents)

    def _forget(self, number: int) -> None:
        """With bits, no way to a state is kept that is left, but to witnesses."""
        if self.bits is None:
            return
        graph, number = self.graph, max(number, self.kept)
        graph.forgotten += max(0, len(graph.parents) - number)
        del graph.parents[number:], graph.actions[number:]

    def _memory(self) -> int:
        states = FINGERPRINT_BYTES * self.graph.states
        if self.bits is not None:
            states = len(self.bits.bits)
        return states + 2 * STATE_BYTES * len(self.stack)

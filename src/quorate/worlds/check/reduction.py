"""Steps that may be taken before others: persistent sets (Godefroid, LNCS 1032, 1996, chapter 4).

Steps of different processes commute. So one step is enough where no property sees it, and it
commutes with whatever its process may do before it; and the steps of one process are, where no
other can send to it any more. Either is a guess, which is held to the tables, as far as they were
explored; what is refuted is guessed no more, and the program is explored again. Invariant: in the
end, no guess is refuted by what was explored with its help.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from quorate.worlds.check.tables import FREE, Budget, Outcome, Tables

MOVES = -1
"""The event that a process does something by itself; any other is the number of a message."""

MORE_MAX = 600
"""How many more steps are computed, beside as many as were explored, to hold guesses to them: there
may be no end to what could come before a step."""

Step = tuple[int, tuple[int, ...]]
"""An outcome, and the budgets that what is thought to come before it was taken from, in order."""

BY_ITSELF = frozenset({"go on", "wake"})


class _TooMuch(Exception):
    """Too many steps would have to be computed."""


@dataclass(frozen=True)
class Explored:
    """What was there in the states that were explored: local states, and pairs with a message."""

    locals: Collection[int]
    pairs: Collection[tuple[int, int]]

    def outcomes(self, tables: Tables) -> list[int]:
        """All that could come of them."""
        found = [each for local in self.locals for each in tables.move(local)]
        return found + [each for pair in self.pairs for each in tables.deliver(*pair)]


class Commuting:
    """Which outcomes are taken first."""

    def __init__(self, tables: Tables, budgets: Sequence[Budget], *, messages: bool) -> None:
        """Without `messages`, only what processes do by themselves is taken first."""
        self.tables = tables
        self.budgets = budgets
        self.messages = messages
        self.refuted: set[int] = set()
        self._guesses: list[bool] = []
        self._laters: dict[tuple[int, int], int | None] = {}
        self.left = 0

    def is_first(self, outcome: int) -> bool:
        """Whether an outcome is taken before all others, as far as is known."""
        return self._is_guess(outcome) and outcome not in self.refuted

    def _is_guess(self, outcome: int) -> bool:
        while len(self._guesses) <= outcome:
            self._guesses.append(self._guess(self.tables.outcomes[len(self._guesses)]))
        return self._guesses[outcome]

    def _guess(self, each: Outcome) -> bool:
        """Whether a step costs nothing, makes nobody, and is not seen; and may go in one way."""
        if each.fails or each.made or each.cost != FREE:
            return False
        if self.tables.observed[each.after] != self.tables.observed[each.before]:
            return False
        if each.kind == "deliver":
            return self.messages
        return each.kind in BY_ITSELF

    # Refuting.

    def refute(self, explored: Explored) -> bool:
        """Hold the guesses to what was explored after them; whether one has been refuted."""
        self.left = MORE_MAX + len(explored.locals) + len(explored.pairs)
        used = {each for each in explored.outcomes(self.tables) if self.is_first(each)}
        firsts = set(used)
        while True:
            failed, needed_by = self._hold(used, self._meet(explored, firsts))
            if needed_by.keys() <= firsts:
                break
            firsts |= needed_by.keys()  # before these, too, something may have waited
        gone: set[int] = set()
        while failed:
            outcome = failed.pop()
            if outcome not in gone:
                gone.add(outcome)
                failed += needed_by.get(outcome, ())
        self.refuted |= gone
        return bool(gone)

    def _hold(
        self, used: Iterable[int], met: Mapping[int, int]
    ) -> tuple[list[int], dict[int, set[int]]]:
        """Outcomes that do not commute, and of those that others need, these others.

        Sets of events are numbers here: see `_bit`.
        """
        asked: dict[Step, int] = {}  # the events that a step is to commute with
        told: dict[Step, int] = {}  # those that it was held to
        needs: dict[Step, set[Step]] = {}  # the same step after other events, taken first as well
        needed_by: dict[int, set[int]] = {}
        failed: list[int] = []
        todo: list[Step] = []
        for outcome in sorted(used):
            todo.append((outcome, ()))
            asked[outcome, ()] = _bit(MOVES) | met.get(self._after(outcome), 0)
        while todo:
            step = todo.pop()
            events = asked[step] & ~told.get(step, 0)
            if not events and step in told:
                continue
            told[step] = told.get(step, 0) | events
            later = self._all_needs(step, _events(events))
            if later is None:
                failed.append(step[0])
                continue
            for other in later:
                needed_by.setdefault(other[0], set()).add(step[0])
            for other in needs.setdefault(step, set()) | later:
                known = asked.get(other)
                if known is None:
                    known = met.get(self._after(other[0]), 0)
                asked[other] = known | asked[step]
                if other not in told or asked[other] != known:
                    todo.append(other)
            needs[step] |= later
        return failed, needed_by

    def _after(self, outcome: int) -> int:
        return self.tables.outcomes[outcome].after

    def _meet(self, explored: Explored, firsts: Iterable[int]) -> dict[int, int]:
        """The messages that each local state has met, there or after steps taken first.

        Of those that came after, it would have met some if it had waited with these steps.
        """
        met: dict[int, int] = {}
        for local, message in explored.pairs:
            met[local] = met.get(local, 0) | _bit(message)
        earlier: dict[int, set[int]] = {}
        for outcome in firsts:
            each = self.tables.outcomes[outcome]
            earlier.setdefault(each.after, set()).add(each.before)
        todo = sorted(met)
        while todo:
            local = todo.pop()
            for before in earlier.get(local, ()):
                known = met.get(before, 0)
                if met[local] & ~known:
                    met[before] = known | met[local]
                    todo.append(before)
        return met

    def _all_needs(self, step: Step, events: Iterable[int]) -> set[Step] | None:
        """The steps that are to be taken first, too, if this one is; None where it is not.

        They are the same step after each of these events, which could have come before it.
        """
        outcome, spent = step
        later: set[Step] = set()
        try:
            for before, other in self._needs(outcome, spent, events):
                if other is None or not self.is_first(other):
                    return None
                cost = self.tables.outcomes[before].cost
                later.add((other, spent if cost == FREE else tuple(sorted((*spent, cost)))))
        except _TooMuch:
            return None
        return later

    def _needs(
        self, outcome: int, spent: tuple[int, ...], events: Iterable[int]
    ) -> Iterator[tuple[int, int | None]]:
        """Outcomes of events, and after each of them that of the step, if the two come to the same.

        What events that come before the step were taken from has been `spent`.
        """
        tables = self.tables
        step = tables.outcomes[outcome]
        if not self._is_only(step):
            yield outcome, None
        for event in events:
            if event == step.taken and event != MOVES:
                continue
            for before in self._outcomes(step.before, event):
                each = tables.outcomes[before]
                if before != outcome and self._is_left(each.cost, spent):
                    yield before, self._later(outcome, before)

    def _is_left(self, cost: int, spent: tuple[int, ...]) -> bool:
        """Whether something of this cost can still happen when so much was spent."""
        return cost == FREE or spent.count(cost) < self.budgets[cost].times

    def _later(self, outcome: int, before: int) -> int | None:
        """The outcome of a step's event after `before`, if the two come to the same."""
        known = outcome, before
        if known not in self._laters:
            step, each = self.tables.outcomes[outcome], self.tables.outcomes[before]
            event = each.taken if each.kind == "deliver" else MOVES
            self._laters[known] = self._swapped(step, event, each)
        return self._laters[known]

    def _swapped(self, step: Outcome, event: int, before: Outcome) -> int | None:
        tables = self.tables
        if before.fails or not self._may_swap(step, before):
            return None
        for later in self._outcomes(before.after, step.taken):
            after = tables.outcomes[later]
            if after.kind == step.kind and after.sent == step.sent and self._is_only(after):
                for swapped in self._outcomes(step.after, event):
                    if self._is_same(tables.outcomes[swapped], before, after.after):
                        return later
        return None

    def _may_swap(self, step: Outcome, other: Outcome) -> bool:
        """Whether it makes no difference to others which of two steps comes first."""
        if not self.tables.ordered:
            return True
        channel = self.tables.channel
        return not {channel[m] for m in step.sent} & {channel[m] for m in other.sent}

    def _is_same(self, one: Outcome, other: Outcome, after: int) -> bool:
        return (
            one.after == after
            and one.kind == other.kind
            and one.sent == other.sent
            and one.made == other.made
            and not one.fails
        )

    def _is_only(self, step: Outcome) -> bool:
        """Whether the event of a step has no other outcome."""
        all_ways = [
            each
            for each in self._outcomes(step.before, step.taken)
            if self.tables.outcomes[each].kind == step.kind
        ]
        return len(all_ways) == 1

    def _outcomes(self, local: int, event: int) -> tuple[int, ...]:
        """What can come of an event. Raises _TooMuch."""
        tables = self.tables
        known = tables.moves[local] if event == MOVES else tables.deliveries.get((local, event))
        if known is not None:
            return known
        self.left -= 1
        if self.left < 0:
            raise _TooMuch
        return tables.move(local) if event == MOVES else tables.deliver(local, event)


def _bit(event: int) -> int:
    """A set of one event, as a number whose bits are events."""
    return 1 << (event - MOVES)


def _events(bits: int) -> Iterator[int]:
    """The events of a set, the least first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1 + MOVES
        bits ^= lowest


class Sending:
    """To whom processes can still send, from each local state on, as far as is known."""

    def __init__(self, tables: Tables, budgets: Sequence[Budget]) -> None:
        self.tables = tables
        self.budgets = budgets
        self.masks: list[int] = []  # of each local state: the slots of receivers, as bits

    def mask(self, local: int) -> int:
        return self.masks[local] if local < len(self.masks) else 0

    def refute(self, explored: Explored) -> bool:
        """Learn from what was explored; whether more can be sent than was known."""
        tables = self.tables
        masks = self.masks + [0] * (len(tables.locals) - len(self.masks))
        before: dict[int, set[int]] = {}
        found = explored.outcomes(tables)
        for each in map(tables.outcomes.__getitem__, found):
            if each.fails or (each.cost != FREE and not self.budgets[each.cost].times):
                continue
            for message in each.sent:
                masks[each.before] |= 1 << tables.to[message]
            for after in (each.after, *each.made):
                before.setdefault(after, set()).add(each.before)
        todo = [local for local, mask in enumerate(masks) if mask]
        while todo:
            local = todo.pop()
            for earlier in before.get(local, ()):
                if masks[local] & ~masks[earlier]:
                    masks[earlier] |= masks[local]
                    todo.append(earlier)
        grown = any(mask & ~self.mask(local) for local, mask in enumerate(masks))
        self.masks = masks
        return grown


def receivers(masks: Iterable[int]) -> tuple[int, int]:
    """The slots that one process at least can send to, and those that several can."""
    once = twice = 0
    for mask in masks:
        twice |= once & mask
        once |= mask
    return once, twice

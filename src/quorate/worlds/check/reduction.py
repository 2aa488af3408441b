"""Steps that may be taken before others: persistent sets (Godefroid, LNCS 1032, 1996, chapter 4).

Steps of different processes commute. So one step is enough where no property sees it, and it
commutes with whatever its process may do before it; and the steps of one process are, where no
other can send to it any more. Either is a guess, which is held to the tables, as far as they were
explored; what is refuted is guessed no more, and the program is explored again. Invariant: in the
end, no guess is refuted by what was explored with its help.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from quorate.worlds.check.tables import FREE, Outcome, Tables

MOVES = -1
"""The event that a process does something by itself; any other is the number of a message."""

BY_ITSELF = frozenset({"go on", "wake"})


class Commuting:
    """Which outcomes are taken first."""

    def __init__(self, tables: Tables, budgets: Sequence[int], *, messages: bool) -> None:
        """Without `messages`, only what processes do by themselves is taken first."""
        self.tables = tables
        self.budgets = budgets
        self.messages = messages
        self.refuted: set[int] = set()
        self._met: dict[int, list[int]] = {}
        self._used: set[int] = set()
        self._guesses: list[bool] = []

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

    def refute(self, pairs: Iterable[tuple[int, int]]) -> bool:
        """Hold the guesses to what was explored after them; whether one has been refuted.

        `pairs` are the (local state, message) that were there in a state that was explored.
        """
        self._met.clear()
        for local, message in pairs:
            self._met.setdefault(local, []).append(message)
            self._used |= set(self.tables.deliver(local, message))
        for moves in self.tables.moves:
            self._used |= set(moves or ())
        needed_by: dict[int, set[int]] = {}
        seen: set[int] = set()
        failed: list[int] = []
        todo = sorted(filter(self.is_first, self._used))
        while todo:
            outcome = todo.pop()
            if outcome in seen:
                continue
            seen.add(outcome)
            for other in self._needs(outcome):
                if other is None or not self.is_first(other):
                    failed.append(outcome)
                    break
                needed_by.setdefault(other, set()).add(outcome)
                todo.append(other)
        gone: set[int] = set()
        while failed:
            outcome = failed.pop()
            if outcome not in gone:
                gone.add(outcome)
                failed += needed_by.get(outcome, ())
        self.refuted |= gone
        return bool(gone)

    def _needs(self, outcome: int) -> Iterator[int | None]:
        """The outcomes that are to be taken first, too, if this one is; None where it is not.

        These are of the same event, after what else could have come before it.
        """
        tables = self.tables
        step = tables.outcomes[outcome]
        if not self._is_only(step):
            yield None
            return
        others = [MOVES, *self._met.get(step.after, ())]
        for other in others:
            if other == step.taken and other != MOVES:
                continue
            for before in self._outcomes(step.before, other):
                if before != outcome and self._may_happen(tables.outcomes[before]):
                    yield self._later(step, other, tables.outcomes[before])

    def _may_happen(self, each: Outcome) -> bool:
        return each.cost == FREE or self.budgets[each.cost] > 0

    def _later(self, step: Outcome, event: int, before: Outcome) -> int | None:
        """The outcome of the step's event after `before`, if the two come to the same."""
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
        return self.tables.move(local) if event == MOVES else self.tables.deliver(local, event)


class Sending:
    """To whom processes can still send, from each local state on, as far as is known."""

    def __init__(self, tables: Tables, budgets: Sequence[int]) -> None:
        self.tables = tables
        self.budgets = budgets
        self.masks: list[int] = []  # of each local state: the slots of receivers, as bits

    def mask(self, local: int) -> int:
        return self.masks[local] if local < len(self.masks) else 0

    def refute(self, pairs: Iterable[tuple[int, int]]) -> bool:
        """Learn from what was explored; whether more can be sent than was known."""
        tables = self.tables
        masks = self.masks + [0] * (len(tables.locals) - len(self.masks))
        before: dict[int, set[int]] = {}
        found = [each for moves in tables.moves for each in moves or ()]
        found += [each for pair in pairs for each in tables.deliver(*pair)]
        for each in map(tables.outcomes.__getitem__, found):
            if each.fails or (each.cost != FREE and not self.budgets[each.cost]):
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

"""Steps that may be taken first, since they commute with whatever their process may do before them.

Where such a step is enabled, and no property can see it, nothing else need be explored from that
state: it is a persistent set by itself (Godefroid, LNCS 1032, 1996, chapter 4), for a step of one
process commutes with those of all others. Nothing is assumed of the program: each such step is a
guess, and is held to the tables against all that was explored after it; what is refuted is a guess
no more, and the program is explored again, until no guess is refuted. Invariant: then each guess
that is left commutes with every event that its process has met after it in what was explored.
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

"""What can happen at a local state, as what it does to a state of the whole program.

Both explorers go by these. Invariant: of the same local state, and of the same message taken there,
there are the same effects in the same order, and the tables are asked once for each.
"""

from __future__ import annotations

import functools
from array import array
from collections.abc import Iterable
from typing import NamedTuple

from quorate.worlds.check.network import MASK, Kind, mix, share_of_message
from quorate.worlds.check.reduction import MOVES, Commuting
from quorate.worlds.check.symmetry import Symmetry
from quorate.worlds.check.tables import BUDGETS, FREE, NOBODY, Budget, Tables

BUDGETS_MAX = 60
"""So many budgets at most: of each there is a bit in numbers of 64 bits, with one to spare."""

LOSSES, DUPLICATES = BUDGETS.index("losses"), BUDGETS.index("duplicates")
LOST, TWICE = -2, -3
"""Of a message m, the action that it is lost is LOST - 2 * m, that it comes twice TWICE - 2 * m."""

FOLLOWED = -2
"""A question about what an action a has told of operations is FOLLOWED - a."""

SHARES = [mix(1 << 40 | place) | 1 for place in range(BUDGETS_MAX)]
"""Of what is left of each budget, in a fingerprint: so much for each time."""


class Effect(NamedTuple):
    """What an action does to a state.

    It takes one from the budget `cost`, if any; puts local states at places of the row; takes a
    message out of the network (-1: none) and sends others. `delta` and `seen` are what it adds to
    the fingerprints of the state and of what properties see; the share of the messages is left out
    where it depends on the network. `moves` tells it from mischief; `first` is taken before others;
    of what happens in `slot`, nobody else can tell where it is `quiet`. What it tells of operations
    is in the message `record` (-1: nothing), which whoever follows them takes at once.
    """

    action: int
    cost: int
    fails: bool
    moves: bool
    delta: int
    seen: int
    taken: int
    sent: tuple[int, ...]
    puts: tuple[tuple[int, int], ...]
    slot: int
    first: bool = False
    quiet: bool = False
    record: int = -1

    @property
    def is_idle(self) -> bool:
        costs = self.fails or self.cost != FREE
        return not (costs or self.sent or self.taken >= 0 or self.delta or self.record >= 0)


class Effects:
    """The effects of all that the tables of a program say, computed when first asked for.

    `questions` has what was asked, in order: a local state, and a message, MOVES or FOLLOWED - a;
    whoever asks the same again fills the tables with the same.
    """

    def __init__(
        self,
        tables: Tables,
        network: Kind,
        budgets: tuple[Budget, ...],
        commuting: Commuting | None = None,
        symmetry: Symmetry | None = None,
    ) -> None:
        self.tables = tables
        self.commuting = commuting
        self.symmetry = symmetry
        self.network = network
        self.head = len(budgets)
        self.mischief = [
            (place, action)
            for place, action in ((LOSSES, LOST), (DUPLICATES, TWICE))
            # in a set, nothing is lost for good, or comes once only
            if budgets[place].times and network != "set"
        ]
        self.moves: dict[int, tuple[Effect, ...]] = {}
        self.deliveries: dict[tuple[int, int], tuple[Effect, ...]] = {}
        self.follows: dict[tuple[int, int], Effect] = {}  # by action, and local state
        self.questions = array("q")
        if symmetry is not None:
            symmetry.close_all([tables.clients_at_first])  # no outcome has it

    def move(self, local: int) -> tuple[Effect, ...]:
        """What a process in a local state can do by itself."""
        found = self.moves.get(local)
        if found is None:
            self.questions.extend((local, MOVES))
            found = self.moves[local] = self._changing(map(self.of, self.tables.move(local)))
        return found

    def deliver(self, local: int, message: int) -> tuple[Effect, ...]:
        """What can become of a message that is first, its receiver being in a local state."""
        found = self.deliveries.get((local, message))
        if found is None:
            self.questions.extend((local, message))
            effects = [self.of(outcome) for outcome in self.tables.deliver(local, message)]
            if not self.tables.messages[message].is_spared:
                effects += [self._mischief(*each, message) for each in self.mischief]
            found = self.deliveries[local, message] = self._changing(effects)
        return found

    def followed(self, effect: Effect, clients: int) -> Effect:
        """An effect with what it does to whoever follows operations, and is in a local state."""
        found = self.follows.get((effect.action, clients))
        if found is None:
            self.questions.extend((clients, FOLLOWED - effect.action))
            (then,) = self.tables.deliver(clients, effect.record)
            each = self.tables.outcomes[then]
            if self.symmetry is not None:
                self.symmetry.close(each)
            delta = effect.delta + share_of_local(each.after) - share_of_local(clients)
            put = (self.head + self.tables.slot[clients], each.after)
            found = self.follows[effect.action, clients] = effect._replace(
                fails=each.fails, delta=delta & MASK, puts=(*effect.puts, put)
            )
        return found

    def ask(self, local: int, about: int) -> None:
        """Ask one of the `questions`."""
        if about == MOVES:
            self.move(local)
        elif about >= 0:
            self.deliver(local, about)
        else:
            self.followed(self.of(FOLLOWED - about), local)

    @property
    def followings(self) -> list[tuple[int, int]]:
        """What was recorded, with the local state of whoever follows it."""
        return [(clients, each.record) for (_, clients), each in self.follows.items()]

    def _changing(self, effects: Iterable[Effect]) -> tuple[Effect, ...]:
        return tuple(each for each in effects if not each.is_idle)

    def of(self, outcome: int) -> Effect:
        """The effect of an outcome."""
        tables = self.tables
        each, slot, observed = tables.outcomes[outcome], tables.slot, tables.observed
        if self.symmetry is not None:
            self.symmetry.close(each)
        come: tuple[int, ...] = () if each.fails else (each.after, *each.made)
        seen = -share_of_seen(observed[each.before])
        delta = -share_of_local(each.before)
        for local in come:
            seen += share_of_seen(observed[local])
            delta += share_of_local(local)
        if each.cost != FREE:
            delta -= SHARES[each.cost]
        puts = tuple([(self.head + slot[local], local) for local in come if local != each.before])
        record, sent = -1, each.sent
        if tables.clients is not None:
            record = next((m for m in sent if tables.to[m] == tables.clients), -1)
            sent = tuple([message for message in sent if message != record])
        is_first = self.commuting is not None and self.commuting.is_first(outcome)
        home = slot[each.before] if each.before else slot[each.after]
        quiet = not (each.fails or each.made or seen & MASK or each.cost != FREE or record >= 0)
        changes = self._in_network(delta, seen, each.taken, sent)
        moves, first = each.kind != "crash", is_first and record < 0
        return Effect(
            outcome, each.cost, each.fails, moves, *changes, puts, home, first, quiet, record
        )

    def _mischief(self, budget: int, action: int, message: int) -> Effect:
        taken, sent = (message, ()) if action == LOST else (-1, (message,))
        changes = self._in_network(-SHARES[budget], 0, taken, sent)
        to = self.tables.to[message]
        return Effect(action - 2 * message, budget, False, False, *changes, (), to)

    def _in_network(
        self, delta: int, seen: int, taken: int, sent: tuple[int, ...]
    ) -> tuple[int, int, int, tuple[int, ...]]:
        """The parts of an effect from `delta` to `sent`, by what the network makes of these."""
        if self.network == "set":
            taken, sent = -1, tuple(dict.fromkeys(sent))
        elif self.network == "bag":
            delta += sum(map(share_of_message, sent))
            delta -= share_of_message(taken) if taken >= 0 else 0
        return delta & MASK, seen & MASK, taken, sent


@functools.cache
def share_of_local(local: int) -> int:
    return 0 if local == NOBODY else mix(2 * local)


@functools.cache
def share_of_seen(number: int) -> int:
    return 0 if number == 0 else mix(1 << 41 | number)

"""What processes can do, as small integers: each local state, message and outcome has a number.

A state of the whole program is then a list of numbers, and to explore it is to look up tables;
the program's own code runs once for each local state and event. Invariants: numbers are given in
the order of need, so whoever asks in the same order gets the same; tables only grow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from quorate.core.freeze import Frozen
from quorate.core.ids import ProcessId, main_id
from quorate.core.process import Process
from quorate.worlds.base import kinds_of
from quorate.worlds.check.clients import CLIENTS, Clients, Record
from quorate.worlds.check.steps import Came, Sent, Steps, is_waiting

Kind = Literal["begin", "deliver", "go on", "wake", "timeout", "crash", "restart"]

BUDGETS = ("timeouts", "crashes", "restarts", "losses", "duplicates")
"""What may happen so often in a run, by the place of its number in a state."""

FREE = -1
COST: dict[Kind, int] = {"timeout": 0, "crash": 1, "restart": 2}


class Budget(NamedTuple):
    """How often something may happen: one of BUDGETS, to processes of the class `kind`.

    Without a class it is for those of which no class has one.
    """

    name: str
    times: int = 0
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.name} of {self.kind}" if self.kind else self.name


def happens(name: str, budgets: Iterable[Budget]) -> bool:
    """Whether any process may have something happen to it."""
    return any(each.times for each in budgets if each.name == name)


NONE = tuple(map(Budget, BUDGETS))
"""That nothing happens but what may happen as often as it likes."""

NOBODY = 0
"""The local state of a process that is not there yet."""


class Local(NamedTuple):
    """A local state: of the process in `slot`, which has `crashed` or not."""

    slot: int
    state: Frozen
    crashed: bool = False


class Outcome(NamedTuple):
    """What can come of an event at a local state, in numbers.

    `before` and `after` are local states, `made` those of processes that begin by it; `sent` and
    `taken` are messages (`taken` is -1 without one). `cost` is which budget it is taken from.
    `came` has the error of one that fails, and the choices that lead to it.
    """

    kind: Kind
    before: int
    after: int
    sent: tuple[int, ...]
    made: tuple[int, ...]
    taken: int
    cost: int
    came: Came

    @property
    def fails(self) -> bool:
        return self.came.error is not None


class OutOfTime(Exception):
    """A step would have to be computed after `Tables.until`."""


@dataclass
class Tables:
    """The tables of one program. `observe` says what of a local state properties can tell apart.

    Outcomes of a local state by itself are in `moves`, those of taking a message in `deliveries`.
    A move that changes nothing is in `idle`, and only where one of its kind does.
    """

    steps: Steps
    observe: Callable[[Local, Process], int]
    budgets: tuple[Budget, ...] = NONE  # those without a class stand as in BUDGETS
    ordered: bool = False  # whether it matters in which order one process sends to another
    deadlocks: bool = True  # whether it is wrong to wait for ever
    slots: dict[ProcessId, int] = field(default_factory=dict)
    locals: list[Local | None] = field(default_factory=lambda: [None])
    messages: list[Sent] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    moves: list[tuple[int, ...] | None] = field(default_factory=lambda: [()])
    deliveries: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)
    slot: list[int] = field(default_factory=lambda: [-1])  # of each local state
    observed: list[int] = field(default_factory=lambda: [0])
    to: list[int] = field(default_factory=list)  # of each message: the slot of its receiver
    channel: list[int] = field(default_factory=list)  # of each message: one number for each pair
    waits: list[bool] = field(default_factory=lambda: [False])  # whether it must not wait for ever
    idle: dict[int, tuple[int, ...]] = field(default_factory=dict)
    clients: int | None = None  # the slot of whoever follows operations, if anybody does
    clients_at_first: int = NOBODY
    until: float | None = None  # of time.perf_counter(): then nothing more is computed

    def __post_init__(self) -> None:
        self._locals: dict[tuple[int, int, bool], int] = {}
        self._messages: dict[Sent, int] = {}
        self._channels: dict[tuple[int, int], int] = {}
        self._crash = happens("crashes", self.budgets)

    # Numbers.

    def slot_of(self, id: ProcessId) -> int:
        return self.slots.setdefault(id, len(self.slots))

    def local(self, local: Local) -> int:
        key = local.slot, id(local.state), local.crashed  # a state is there once (steps.py)
        number = self._locals.get(key)
        if number is None:
            process = self.steps.look(local.state)
            number = self._locals[key] = len(self.locals)
            self.locals.append(local)
            self.moves.append(None)
            self.slot.append(local.slot)
            self.waits.append(self._waits(local, process))
            self.observed.append(0 if local.slot == self.clients else self.observe(local, process))
        return number

    @property
    def judges_ends(self) -> bool:
        """Whether a state in which nothing more can happen may be wrong for that."""
        return self.deadlocks or bool(self.steps.place.judges.in_the_end)

    def _waits(self, local: Local, process: Process) -> bool:
        """Whether it is wrong that nothing more happens, on account of this process."""
        if isinstance(process, Clients):
            return process.is_contradicted
        return self.deadlocks and not local.crashed and is_waiting(process)

    def message(self, sent: Sent) -> int:
        number = self._messages.get(sent)
        if number is None:
            number = self._messages[sent] = len(self.messages)
            to = self.slot_of(sent.to)
            pair = self.slot_of(sent.sender), to
            self.messages.append(sent)
            self.to.append(to)
            self.channel.append(self._channels.setdefault(pair, len(self._channels)))
        return number

    def _outcome(self, kind: Kind, slot: int, before: int, came: Came, taken: int = -1) -> int:
        old = self.locals[before]
        crashed = kind == "crash" or (taken >= 0 and old is not None and old.crashed)
        after = NOBODY
        if came.error is None:
            after = self.local(Local(slot, came.state, crashed))
        made = tuple(self.local(Local(self.slot_of(id), state)) for id, state in came.made)
        sent: Iterable[int] = map(self.message, came.sent)
        sent = tuple(sent if self.ordered else sorted(sent))
        cost = self._cost(kind, old)
        self.outcomes.append(Outcome(kind, before, after, sent, made, taken, cost, came))
        return len(self.outcomes) - 1

    def _cost(self, kind: Kind, local: Local | None) -> int:
        """The budget that something is taken from which happens at a local state.

        That is the one of the nearest class of its process that has one, or that of all others.
        """
        cost = COST.get(kind, FREE)
        if cost == FREE or local is None:
            return FREE
        name = BUDGETS[cost]
        places = {each.kind: i for i, each in enumerate(self.budgets) if each.name == name}
        if len(places) == 1:
            return cost
        kinds = kinds_of(type(self.steps.thaw(local.state)))
        return next(places[each] for each in (*kinds, "") if each in places)

    def recorded(self, action: int) -> tuple[Record, ...]:
        """What an action has told of operations of clients."""
        sent = self.outcomes[action].sent if action >= 0 else ()
        found = (self.messages[each].message for each in sent if self.to[each] == self.clients)
        return next(found, ())

    # Outcomes, computed when they are first asked for. Each raises OutOfTime.

    def _be_in_time(self) -> None:
        if self.until is not None and time.perf_counter() > self.until:
            raise OutOfTime

    def begin(self, main: type[Process]) -> tuple[int, ...]:
        """The outcomes of the program's beginning."""
        slot = self.slot_of(main_id())
        if self.steps.said:
            self.clients = self.slot_of(CLIENTS)
            self.clients_at_first = self.local(Local(self.clients, self.steps.clients()))
        return tuple(self._outcome("begin", slot, NOBODY, came) for came in self.steps.begin(main))

    def deliver(self, before: int, message: int) -> tuple[int, ...]:
        """The outcomes of a message that comes to its receiver, which is in this local state."""
        key = (before, message)
        found = self.deliveries.get(key)
        if found is None:
            self._be_in_time()
            local = self.locals[before]
            came = [] if local is None else self._deliver(local, self.messages[message])
            found = tuple(
                self._outcome("deliver", self.slot[before], before, each, message) for each in came
            )
            self.deliveries[key] = found
        return found

    def _deliver(self, local: Local, sent: Sent) -> list[Came]:
        return [Came(local.state)] if local.crashed else self.steps.deliver(local.state, sent)

    def move(self, before: int) -> tuple[int, ...]:
        """The outcomes of what a process in this local state can do by itself."""
        found = self.moves[before]
        if found is None:
            self._be_in_time()
            local = self.locals[before]
            assert local is not None
            same, all_moves = Came(local.state), self._moves(local)
            idle = [each for each in all_moves if each[0] != "crash" and each[1] == same]
            moves = [each for each in all_moves if each not in idle]
            found = self.moves[before] = self._outcomes(local.slot, before, moves)
            kinds = {kind for kind, _ in moves}
            if others := [each for each in idle if each[0] in kinds]:
                self.idle[before] = self._outcomes(local.slot, before, others)
        return found

    def _outcomes(
        self, slot: int, before: int, all_moves: Iterable[tuple[Kind, Came]]
    ) -> tuple[int, ...]:
        return tuple(self._outcome(kind, slot, before, came) for kind, came in all_moves)

    def _moves(self, local: Local) -> list[tuple[Kind, Came]]:
        state, steps = local.state, self.steps
        if local.crashed:
            return [("restart", came) for came in steps.restart(state)]
        found: list[tuple[Kind, Came]] = [*steps.moves(state)]
        if self._crash and self.budgets[self._cost("crash", local)].times:
            crashed = steps.crash(state)
            if crashed is not None:
                found.append(("crash", crashed))
        return found

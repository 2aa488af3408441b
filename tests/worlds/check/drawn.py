"""Tables of programs that are drawn by lot, so that steps of many kinds are explored."""

from dataclasses import dataclass
from random import Random
from typing import Any

from quorate.worlds.check.steps import Came
from quorate.worlds.check.tables import BUDGETS, COST, FREE, NOBODY, NONE, Budget, Outcome

SLOTS, MESSAGES = 3, 8


@dataclass(frozen=True)
class Local:
    """What a process of a random program knows: the messages it has taken, how often it went on."""

    slot: int
    taken: frozenset[int] = frozenset()
    phase: int = 0
    crashed: bool = False


class Programs:
    """Tables of programs that end: whoever takes a message knows it, and sends what it sends once.

    Of some messages and phases the rest depends on all that is known, of others on nothing else.
    Whoever crashes knows nothing any more, and may begin anew. The class of a process is P and its
    slot.
    """

    clients = None

    def __init__(self, seed: int, ordered: bool, budgets: tuple[Budget, ...] = NONE) -> None:
        self.seed = seed
        self.ordered = ordered
        self.budgets = budgets
        random = Random(seed)
        self.to = [random.randrange(SLOTS) for _ in range(MESSAGES)]
        self.sender = [random.randrange(SLOTS) for _ in range(MESSAGES)]
        self.channel = [3 * sender + to for sender, to in zip(self.sender, self.to, strict=True)]
        self.messages = [Quiet] * MESSAGES
        self.known: list[Any] = [None]
        self.numbers: dict[Local, int] = {}
        self.slot, self.observed, self.waits = [-1], [0], [False]
        self.outcomes: list[Outcome] = []
        self.moves: list[tuple[int, ...] | None] = [()]
        self.deliveries: dict[tuple[int, int], tuple[int, ...]] = {}

    @property
    def locals(self) -> list[Any]:
        return self.known

    def lot(self, *key: Any) -> Random:
        return Random(f"{self.seed} {key}")

    def number(self, local: Local) -> int:
        if local not in self.numbers:
            self.numbers[local] = len(self.known)
            self.known.append(local)
            self.slot.append(local.slot)
            self.moves.append(None)
            seen = self.lot("seen", local.slot).choice([0, local.phase, len(local.taken)])
            self.observed.append(10 * local.slot + seen)
            self.waits.append(True)
        return self.numbers[local]

    def outcome(self, kind: Any, before: Local, after: Local, key: Any, taken: int = -1) -> int:
        simple = self.lot("simple", before.slot, key).random() < 0.7
        of = () if simple else (sorted(before.taken), before.phase)
        lot = self.lot("sent", before.slot, key, *of)
        own = [each for each in range(MESSAGES) if self.sender[each] == before.slot]
        sent = lot.sample(own, min(lot.choice([0, 0, 1, 2]), len(own)))
        if after == before or kind == "crash":
            sent = []
        self.outcomes.append(
            Outcome(
                *(kind, self.number(before), self.number(after)),
                *(tuple(sent if self.ordered else sorted(sent)), (), taken),
                *(self.cost(kind, before.slot), Came(())),
            )
        )
        return len(self.outcomes) - 1

    def cost(self, kind: Any, slot: int) -> int:
        if kind not in COST:
            return FREE
        name = BUDGETS[COST[kind]]
        of_class = [i for i, b in enumerate(self.budgets) if b[::2] == (name, f"P{slot}")]
        return of_class[0] if of_class else COST[kind]

    def begin(self) -> list[int]:
        first = self.outcome("begin", Local(0, phase=-1), Local(0), "begin")
        made = tuple(self.number(Local(slot)) for slot in range(1, SLOTS))
        sent = tuple(range(0, MESSAGES, 2))
        self.outcomes[first] = Outcome(
            "begin", NOBODY, self.number(Local(0)), sent, made, -1, FREE, Came(())
        )
        return [first]

    def move(self, local: int) -> tuple[int, ...]:
        found = self.moves[local]
        if found is None:
            here = self.known[local]
            lot = self.lot("move", here.slot, here.phase)
            enough = lot.randrange(3)
            kinds = lot.sample(["go on", "go on", "timeout"], lot.choice([1, 1, 2]))
            found = ()
            if here.crashed:
                found = (self.outcome("restart", here, Local(here.slot), "restart"),)
            elif here.phase < 2 and len(here.taken) >= enough:
                then = Local(here.slot, here.taken, here.phase + 1)
                found = tuple(
                    self.outcome(kind, here, then, (here.phase, way))
                    for way, kind in enumerate(kinds)
                )
            if not here.crashed and self.budgets[self.cost("crash", here.slot)].times:
                gone = Local(here.slot, crashed=True)
                found += (self.outcome("crash", here, gone, "crash"),)
            self.moves[local] = found
        return found

    def deliver(self, local: int, message: int) -> tuple[int, ...]:
        if not local:
            return ()
        if (local, message) not in self.deliveries:
            here = self.known[local]
            late = self.lot("late", message).randrange(3)
            then = Local(here.slot, here.taken | {message}, here.phase)
            is_deaf = self.lot("deaf", message).random() < 0.2 and here.phase >= late
            if is_deaf or here.crashed:
                then = here
            found = (self.outcome("deliver", here, then, message, message),)
            self.deliveries[local, message] = found
        return self.deliveries[local, message]


class Quiet:
    is_spared = False


class NothingAsked:
    """Properties that see all, and say nothing."""

    properties = sometimes = ()

    def begin(self) -> None:
        pass

    def refuted(self, numbers: list[int]) -> None:
        return None

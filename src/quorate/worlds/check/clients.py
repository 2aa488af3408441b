"""What clients see: a process of the checker's own that is told of all operations, as they happen.

It takes no step of its own: what a step records it takes within that step. Of what is linearizable
it keeps what consistency/stepwise.py keeps, of anything else the operations of each client.
Invariant: what is said of clients from some state on depends on the states of processes, it
among them, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from quorate.consistency import UNKNOWN, Model, Operation
from quorate.consistency.history import Outcome
from quorate.consistency.objects import model_of
from quorate.consistency.stepwise import BEGINNING, Numbers, Standing, Stepwise
from quorate.consistency.values import frozen, thawed
from quorate.core import effects as fx
from quorate.core.errors import PropertyFailed
from quorate.core.ids import ProcessId, main_id
from quorate.core.operations import Event
from quorate.core.process import Process, World
from quorate.core.properties import Specification
from quorate.worlds.base.history import client_of, line_of
from quorate.worlds.base.judging import at_its_time, contradiction

CLIENTS = ProcessId("clients", (0,))
"""Nobody else's name: creations are counted from 1."""

Record = tuple[ProcessId, fx.Phase, str, tuple[Any, ...], Any]
"""Whose operation begins or ends, and what else is known of it."""

Sequences = frozenset[tuple[ProcessId, tuple[int, ...]]]
"""The events of each client, by their numbers."""

Takes = Callable[[str], bool]

OUTCOMES: dict[fx.Phase, Outcome] = {"return": "returned", "fail": "failed", "unknown": "unknown"}


class Judges:
    """Knows what operations are to amount to, and follows them; the same answers to the same."""

    def __init__(self, said: Sequence[Specification]) -> None:
        self.said = said
        self.follows: list[tuple[Stepwise, Takes]] = []
        self.in_the_end: list[Specification] = []
        self._taken_in_the_end: list[Takes] = []
        self._events = Numbers()
        models = [model_of(each.model) for each in said]
        known = {name for model in models for name in model.operations}
        for each, model in zip(said, models, strict=True):
            takes = partial(_takes, model, known)
            if each.guarantee == "linearizable":
                self.follows.append((Stepwise(model), takes))
            else:
                self.in_the_end.append(each)
                self._taken_in_the_end.append(takes)

    def follow(self, standings: tuple[Standing, ...], record: Record) -> tuple[Standing, ...]:
        """What is kept of each linearizable object after an event. Raises what tells against it."""
        who, phase, name, args, result = record
        after = []
        for standing, (steps, takes) in zip(standings, self.follows, strict=True):
            if phase != "invoke":
                outcome = OUTCOMES[phase]
                value = frozen(result) if phase == "return" else UNKNOWN
                standing = steps.end(standing, who, outcome, value)
            elif takes(name):
                values = tuple(map(frozen, args))
                asked = Operation(client_of(who), name, values, UNKNOWN, "unknown", 0, None)
                standing = steps.invoke(standing, who, asked)
            after.append(standing)
        return tuple(after)

    def add(self, sequences: Sequences, record: Record) -> Sequences:
        """The events of each client with one more, if it counts in the end."""
        who, phase, name, args, result = record
        known = dict(sequences)
        before = known.get(who, ())
        if phase == "invoke":
            counts = any(takes(name) for takes in self._taken_in_the_end)
        else:
            counts = bool(before) and self._events.values[before[-1]][0] == "invoke"
        if not counts:
            return sequences
        event = self._events.of((phase, name, tuple(map(frozen, args)), frozen(result)))
        return frozenset((known | {who: (*before, event)}).items())

    def contradict(self, sequences: Sequences) -> bool:
        """Whether these are not what they are to amount to, if that is all."""
        events = []
        for who, numbers in sorted(sequences):
            for number in numbers:
                phase, name, args, result = self._events.values[number]
                operation = fx.Operation(phase, name, tuple(map(thawed, args)), thawed(result))
                events.append(Event(who, operation, 0.0, 0))
        return contradicts(events, self.in_the_end) is not None


def _takes(model: Model, known: set[str], name: str) -> bool:
    """Whether a model is asked about an operation: one of its own, or none of any model's."""
    return not model.operations or name in model.operations or name not in known


class _Judged(World):
    """A world that has judges."""

    judges: Judges


class Clients(Process):
    """Knows of all operations what can still tell against what the program says of them."""

    world_: _Judged
    standings: tuple[Standing, ...]
    sequences: Sequences

    def begin_(self) -> None:
        self.open_ = True
        self.standings = (BEGINNING,) * len(self.world_.judges.follows)
        self.sequences = frozenset()

    def deliver_(self, message: Any, sender: ProcessId, stamp: Any = None) -> None:
        judges = self.world_.judges
        for record in message:
            self.standings = judges.follow(self.standings, record)
            self.sequences = judges.add(self.sequences, record)

    @property
    def is_contradicted(self) -> bool:
        """Whether what was seen is not what it is to amount to, if that is all."""
        judges = self.world_.judges
        return bool(judges.in_the_end) and judges.contradict(self.sequences)


def clients_at_first(world: Any) -> Clients:
    made = Clients(CLIENTS, main_id(), world)
    made.begin_()
    return made


def contradicts(
    events: Sequence[Event],
    said: Sequence[Specification],
    when: Callable[[Event], str] = at_its_time,
) -> PropertyFailed | None:
    """Why a history is not what the program has said, if so."""
    lines = [line_of(each.client, each.operation, each.time) for each in events]
    return contradiction(lines, events, said, when) if events else None


def record_of(client: ProcessId, operation: fx.Operation) -> Record:
    return client, operation.phase, operation.name, operation.args, operation.result


def events_of(steps: Iterable[Iterable[Record]]) -> list[Event]:
    """The history of a run whose steps have recorded this; they take place at 1 s, 2 s, ..."""
    return [
        Event(who, fx.Operation(phase, name, args, result), float(number), number)
        for number, records in enumerate(steps, 1)
        for who, phase, name, args, result in records
    ]

"""Walking through the states of a program: the steps that may happen in each, and links to states.

A link is the way from the beginning: of each step a name, which says who takes it, by which
message, and which of its outcomes it is. Invariant: the same link leads to the same state wherever
the same program is loaded, whatever was asked for before.
"""

from __future__ import annotations

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, Literal, NamedTuple

from quorate.compiler.loader import main_of
from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.worlds.base import properties_of
from quorate.worlds.check import tables as tb
from quorate.worlds.check.effects import LOST, Effect
from quorate.worlds.check.explore import Bounds, Explorer
from quorate.worlds.check.network import Net
from quorate.worlds.check.observing import Observer
from quorate.worlds.check.retelling import timer_of
from quorate.worlds.check.run import config_within, tables_of
from quorate.worlds.check.steps import Came, Reads, Sent, Steps
from quorate.worlds.check.tables import FREE, Tables

Kind = tb.Kind | Literal["lose", "double"]

STEPS_MAX = 5_000
"""How many steps a link may have."""

NAME = 4
"""How many letters the name of a step has at least."""


class Event(NamedTuple):
    """What happens: to whom, by which message or which timer, if by any."""

    kind: Kind
    process: ProcessId
    sent: Sent | None = None
    timer: int = 0


class Step(NamedTuple):
    """What may happen in a state. `name` tells it from all else that may happen there.

    Of `of` outcomes of the event it is that of number `nth`, from 0; `beyond` is the budget that it
    is taken from where that is used up.
    """

    name: str
    event: Event
    effect: Effect
    nth: int
    of: int
    beyond: str | None


class Position(NamedTuple):
    """A state of the program: what is left of each budget, the local states, and messages.

    `failed` is what the step has come to that was to lead on from here.
    """

    left: tuple[int, ...]
    locals: tuple[int, ...]
    net: Net = ()
    failed: Came | None = None

    @property
    def row(self) -> tuple[int, ...]:
        return self.left + self.locals


class Taken(NamedTuple):
    """A step as every loading of a program knows it: a digest of its event, and its choices."""

    digest: str
    choices: tuple[int, ...]


class Events:
    """The events that actions stand for, and their digests."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._known: dict[int, tuple[Event, str]] = {}

    def of(self, action: int) -> Event:
        return self._of(action)[0]

    def digest(self, action: int) -> str:
        return self._of(action)[1]

    def taken(self, action: int) -> Taken:
        choices = self.tables.outcomes[action].came.choices if action >= 0 else ()
        return Taken(self.digest(action), choices)

    def _of(self, action: int) -> tuple[Event, str]:
        if action not in self._known:
            event = self._event(action)
            self._known[action] = event, _digest(event)
        return self._known[action]

    def _event(self, action: int) -> Event:
        tables = self.tables
        if action < 0:
            number, twice = divmod(LOST - action, 2)
            sent = tables.messages[number]
            return Event("double" if twice else "lose", sent.to, sent)
        outcome = tables.outcomes[action]
        slot = tables.slot[outcome.before or outcome.after]
        if outcome.fails and not outcome.before:
            slot = 0  # the program has failed before anything was there
        id = list(tables.slots)[slot]
        if outcome.kind == "deliver":
            return Event("deliver", id, tables.messages[outcome.taken])
        is_timer = outcome.kind in ("wake", "timeout")
        return Event(outcome.kind, id, timer=timer_of(tables, outcome) if is_timer else 0)


def _digest(event: Event) -> str:
    sent = event.sent
    message = None if sent is None else (_spelled(sent.sender), _spelled(sent.key))
    text = repr((event.kind, _spelled(event.process), message, event.timer))
    return b32encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()).decode()


def _spelled(value: Any) -> Any:
    """A frozen value, with all that tells an id from others."""
    if isinstance(value, ProcessId):
        return ("id", value.kind, value.path, value.name, value.node)
    return tuple(map(_spelled, value)) if type(value) is tuple else value


class Browser(Explorer):
    """The states of a program that has been loaded with `branching`, on demand.

    They are told apart by whatever can be seen of them; with an `observer`, only by what it asks.
    """

    def __init__(
        self,
        module: ModuleType,
        bounds: Bounds,
        config: Mapping[str, Any] | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.module = module
        modules = {module.__name__: module}
        asks = observer or Observer(properties_of(module), modules)
        reads = (lambda cls: KEEP) if observer is None else observer.reads_of
        tables = tables_of(Steps(module, config_within(bounds, config), reads), asks, bounds)
        super().__init__(tables, asks, bounds, deadlocks=False)
        self.events = Events(tables)
        self.begins = tables.begin(main_of(module))
        self.start = self._position(self.before_all.row)

    # Steps.

    def steps(self, at: Position) -> list[Step]:
        """All that may happen in a state, by process: what it does itself, then its messages."""
        if at.failed is not None:
            return []
        effects = self._events(at.row, at.net)
        if at == self.start:
            effects = self._followed(at.row, [self.effects.of(each) for each in self.begins])
        by_digest: dict[str, list[Effect]] = {}
        for effect in effects:
            by_digest.setdefault(self.events.digest(effect.action), []).append(effect)
        found: list[Step] = []
        for digest, some in by_digest.items():
            event = self.events.of(some[0].action)
            name = _shortest(digest, by_digest)
            for nth, effect in enumerate(some):
                full = f"{name}-{nth + 1}" if len(some) > 1 else name
                spent = effect.cost != FREE and at.row[effect.cost] <= 0
                beyond = str(self.tables.budgets[effect.cost]) if spent else None
                found.append(Step(full, event, effect, nth, len(some), beyond))
        return sorted(found, key=_order)

    def after(self, at: Position, step: Step) -> Position:
        """The state that a step leads to."""
        row, net = self._made_of(at.row, at.net, step.effect)
        failed = self.tables.outcomes[step.effect.action].came if step.effect.fails else None
        return self._position(row, net, failed)

    def _position(self, row: Sequence[int], net: Net = (), failed: Came | None = None) -> Position:
        return Position(tuple(row[: self.head]), tuple(row[self.head :]), net, failed)

    # Links.

    def follow(self, link: str) -> list[tuple[Step, Position]]:
        """The steps of a link, and where each leads to. Raises ProgramError (Q140)."""
        names = link.split(".") if link else []
        if len(names) > STEPS_MAX:
            raise _nowhere(f"has more than {STEPS_MAX:,} steps", "begin with fewer of them")
        at = self.start
        way: list[tuple[Step, Position]] = []
        for number, name in enumerate(names, 1):
            step = next((each for each in self.steps(at) if each.name == name), None)
            if step is None:
                raise _nowhere(
                    f"leads nowhere: its step {number} of {len(names)} cannot be taken",
                    "take it with the program, the arguments and the options that it was made with",
                )
            at = self.after(at, step)
            way.append((step, at))
        return way

    def link_to(self, way: Iterable[Taken]) -> str:
        """The link of a way that was found in another loading of the program, or by a check.

        Steps that change nothing here are left out.
        """
        at = self.start
        names: list[str] = []
        for taken in way:
            step = self._same(at, taken)
            if step is not None:
                names.append(step.name)
                at = self.after(at, step)
        return ".".join(names)

    def _same(self, at: Position, taken: Taken) -> Step | None:
        """The step that comes of the same event by the same choices."""
        steps = (step for step in self.steps(at) if self.events.taken(step.effect.action) == taken)
        return next(steps, None)


class _Everything(tuple[str, ...]):
    """All fields, whatever they are called."""

    def __contains__(self, field: object) -> bool:
        return True


KEEP: Reads = (_Everything(), True)
"""That all is kept of a process that takes no more steps, for who looks at it."""


def _shortest(digest: str, others: Iterable[str]) -> str:
    """The shortest beginning of a digest that no other has, in small letters."""
    length = NAME
    while sum(other.startswith(digest[:length]) for other in others) > 1:
        length += 1
    return digest[:length].lower()


_KINDS: tuple[Kind, ...] = (
    *("begin", "go on", "wake", "deliver", "timeout"),
    *("restart", "crash", "lose", "double"),
)


def _order(step: Step) -> tuple[Any, ...]:
    event, sender = step.event, step.event.sent and step.event.sent.sender
    by = sender.path if isinstance(sender, ProcessId) else ()
    name = step.name.partition("-")[0]
    return event.process.path, _KINDS.index(event.kind), by, name, step.nth


def _nowhere(what: str, help: str) -> ProgramError:
    return ProgramError("Q140", f"this link {what}", help)

"""What is to happen in the end: `eventually` and `leads_to`, on the graph of all states.

`eventually` is to hold from some state on for ever, as it is to at the end of a run that ends;
`leads_to` counts as it does in the other worlds (worlds/base/properties.py). Time is abstract, so
`within=` is passed over. Owed is what a process can do by itself, or by a timer, and that a message
is taken; never a crash, a restart, a loss or a duplicate. All is explored again, unreduced. Where
the budget of timeouts is spent, timers fire for liveness as far as that leads to known states, and
are owed if it does not: what a bound has cut off is no run.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

from quorate.core.ordering import rank, repr_of
from quorate.core.properties import Property
from quorate.worlds.check.effects import SHARES, Effect, Effects
from quorate.worlds.check.explore import Bounds, Explorer, Graph, State
from quorate.worlds.check.lassos import NEVER_OWED, NOWHERE, Links, Run, fair_run
from quorate.worlds.check.network import MASK
from quorate.worlds.check.observing import Found, Observer
from quorate.worlds.check.tables import FREE, Outcome, Tables

LIVELY = ("eventually", "leads_to")

NUMBER_BYTES, STEP_BYTES = 120, 16
"""About what more a state takes here that is remembered, and what a step does."""

SHOWN = 3
"""So many of the things that happen in a cycle are named."""


class Debts(NamedTuple):
    """What `leads_to` says of a state: whom something is owed to, and whose is settled."""

    owed: frozenset[Any]
    settled: frozenset[Any]


Told = Found | Debts | None
"""What a property says of a state: `eventually` what is wrong with it, if it does not hold."""


@dataclass(frozen=True)
class Lasso:
    """A fair run in which a property is not fulfilled: `way` and then `loop` for ever, as actions.

    `since` is after how many actions of the way it is owed, to `member` (one, or none), or false
    for `found`; without a loop, nothing more need happen after the way. `why` says that it is fair.
    """

    property: Property
    way: Sequence[int]
    loop: Sequence[int]
    since: int
    why: str
    member: tuple[Any, ...] = ()
    found: Found | None = None

    def __str__(self) -> str:
        what = f"`{self.property.name}` is not fulfilled"
        if self.member:
            what = f"`{self.property.name}` is owed to {repr_of(self.member[0])}, and never settled"
        then = (
            f"then {_counted(len(self.loop), 'step')} again and again"
            if self.loop
            else "then nothing more"
        )
        return f"{what}: {_counted(len(self.way), 'step')}, {then}\n  {self.why}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


class _AllEffects(Effects):
    """Effects that change nothing are effects, too, as what is owed may be done by them.

    Where a process has no other, it is not owed that it goes on.
    """

    def move(self, local: int) -> tuple[Effect, ...]:
        if local not in self.moves:
            found = map(self.of, self.tables.move(local))
            idle = map(self.of, self.tables.idle.get(local, ()))
            free = (each._replace(cost=FREE, delta=0) for each in idle)
            self.moves[local] = (*found, *free)
        return self.moves[local]

    def _changing(self, effects: Iterable[Effect]) -> tuple[Effect, ...]:
        found = tuple(effects)
        return () if all(each.is_idle for each in found) else found


class Recorder(Explorer):
    """Keeps the steps between states, and what is to be told of each state: `told[kinds[s]]`."""

    def __init__(
        self,
        tables: Tables,
        observer: Observer,
        bounds: Bounds,
        tell: Callable[[Graph, int], None] | None = None,
    ) -> None:
        super().__init__(tables, observer, bounds, tell, deadlocks=False)
        self.clients = None
        self.effects = _AllEffects(tables, bounds.network, bounds.budgets)
        self.properties = [each for each in observer.properties if each.kind in LIVELY]
        self.links = Links()
        self.goals = Goals(tables)
        self.kinds = array("i")
        self.told: list[list[Told]] = []
        self._numbers: dict[int, int] = {}
        self._kinds: dict[int, int] = {}
        self._beyond = array("q")  # steps that the budget of timeouts does not allow
        self._beyond_to = array("Q")  # the fingerprints of where they lead, costing nothing

    def explore(self, begins: Sequence[int], spent: float = 0.0) -> Graph:
        """Explore all that comes of `begins`, in the seconds that are left when some are spent."""
        if self.bounds.seconds is not None:
            self.bounds = replace(self.bounds, seconds=max(0.0, self.bounds.seconds - spent))
        self.begin(begins)
        graph = self.go_on()
        for step, print in zip(self._beyond, self._beyond_to, strict=True):
            self.links.to[step] = self._numbers.get(print, NOWHERE)
        return graph

    def _expand(self, state: State) -> None:
        for effect in self._events(state.row, state.net):
            self._link(state, effect)
        self.links.close()

    def _link(self, state: State, effect: Effect) -> None:
        """Let an effect happen, and keep the step."""
        goal, to = self.goals.of(effect.action), NOWHERE
        if effect.cost != FREE and not state.row[effect.cost]:
            self.graph.short.add(effect.cost)
            if effect.cost not in self.timeouts:
                return
            if not effect.fails:
                self._beyond.append(len(self.links.to))
                self._beyond_to.append(self._print(state, effect) + SHARES[effect.cost] & MASK)
        elif effect.fails:
            self.graph.failed = self.graph.failed or (state.number, effect.action)
        else:
            print = self._print(state, effect)
            self.graph.transitions += print != state.print
            if print not in self._numbers:
                self.next.append(self._add(state, effect, print))
            to = self._numbers[print]
        if goal != NEVER_OWED or to != state.number:
            self.links.add(to, goal, effect.action)

    def _print(self, state: State, effect: Effect) -> int:
        """The fingerprint of the state in which an effect leaves another."""
        delta = effect.delta
        if self.bounds.network != "bag":
            delta += self.network.delta(state.net, effect.taken, effect.sent)
        return (state.print + delta) & MASK

    def _add(self, state: State, effect: Effect, print: int) -> State:
        self._numbers[print] = self.graph.states
        found = super()._add(state, effect, print)
        self.kinds.append(self._kinds.setdefault(found.seen, len(self._kinds)))
        return found

    def _ask(self, row: Sequence[int], state: int) -> None:
        numbers = self.observed(row)
        told = [self._tell(each, numbers) for each in self.properties]
        for found in told:
            if isinstance(found, Found) and found.error is not None:
                self.graph.wrong = self.graph.wrong or (state, found)
        self.told.append(told)

    def _tell(self, each: Property, numbers: Sequence[int]) -> Told:
        question = each.questions[0]
        try:
            if each.kind == "leads_to":
                if not any(self.observer.concerns(q, numbers) for q in each.questions):
                    return Debts(frozenset(), frozenset())
                both = [frozenset(self.observer.answers(q, numbers)) for q in each.questions]
                return Debts(*both)
            for question in each.questions:
                for answer in self.observer.answers(question, numbers):
                    return Found(each, question, tuple(answer))
        except Exception as error:
            return Found(each, question, error=error)
        return None

    def _memory(self) -> int:
        return (
            super()._memory() + self.graph.states * NUMBER_BYTES + len(self.links.to) * STEP_BYTES
        )

    def where(self, place: int, of: Callable[[Told], bool]) -> bytearray:
        """In which of the states `of` holds of what the property at this place says."""
        so = bytes(of(told[place]) for told in self.told)
        return bytearray(so[kind] for kind in self.kinds)


class Goals:
    """What is owed, by numbers: that a process goes on by itself, or its timer fires, or a message
    is taken; where messages come in order, that of a channel which is next.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._numbers: dict[tuple[str, int], int] = {}
        self._of: list[int] = []

    def of(self, action: int) -> int:
        """The goal of an action, NEVER_OWED where it has none."""
        if action < 0:
            return NEVER_OWED
        while len(self._of) <= action:
            self._of.append(self._goal(self.tables.outcomes[len(self._of)]))
        return self._of[action]

    def _goal(self, outcome: Outcome) -> int:
        tables = self.tables
        match outcome.kind:
            case "deliver":
                taken = outcome.taken
                key = ("channel", tables.channel[taken]) if tables.ordered else ("message", taken)
            case "go on" | "wake":
                key = "process", tables.slot[outcome.before]
            case "timeout":
                key = "timer", tables.slot[outcome.before]
            case _:
                return NEVER_OWED
        return self._numbers.setdefault(key, len(self._numbers))

    def told(self, goal: int) -> tuple[str, str]:
        """Who or what has a goal, and what it is."""
        what, number = next(key for key, each in self._numbers.items() if each == goal)
        tables = self.tables
        if what == "message":
            sent = tables.messages[number]
            return f"{repr_of(sent.message)} from {sent.sender!r} to {sent.to!r}", "is taken"
        if what == "channel":
            sent = tables.messages[tables.channel.index(number)]
            return f"what {sent.sender!r} has sent to {sent.to!r}", "is taken"
        id = next(id for id, slot in tables.slots.items() if slot == number)
        return (f"{id!r}", "goes on") if what == "process" else (f"the timer of {id!r}", "fires")


# Looking for lassos ---------------------------------------------------------------------------


def is_lively(properties: Iterable[Property]) -> bool:
    """Whether some property is to hold in the end."""
    return any(each.kind in LIVELY for each in properties)


def lassos(recorder: Recorder, *, strong: bool = False) -> list[Lasso]:
    """A fair run for each property that one contradicts, in what a recorder has explored."""
    found: list[Lasso] = []
    for place, each in enumerate(recorder.properties):
        search = _never_holding if each.kind == "eventually" else _never_settled
        found += search(recorder, place, each, strong)
    return found


def _never_holding(live: Recorder, place: int, each: Property, strong: bool) -> Iterator[Lasso]:
    """A run in which it is false again and again: there is no state from which on it holds."""
    marked = live.where(place, lambda told: told is not None)
    if not any(marked):
        return
    roots = [state for state, parent in enumerate(live.graph.parents) if parent < 0]
    inside = bytearray(b"\1") * len(marked)
    run = fair_run(live.links, roots, inside, marked, strong=strong)
    if run is not None:
        lasso = _lasso(live, each, run, strong)
        end = live.links.to[run.way[-1]] if run.way else run.root
        found = live.told[live.kinds[end]][place]
        assert isinstance(found, Found)
        yield replace(lasso, found=found, since=len(lasso.way))


def _never_settled(live: Recorder, place: int, each: Property, strong: bool) -> Iterator[Lasso]:
    """A run in which somebody comes to be owed, and is not settled from then on."""
    debts = [told[place] for told in live.told]
    members = {m for told in debts if isinstance(told, Debts) for m in told.owed - told.settled}
    best: Lasso | None = None
    for member in sorted(members, key=rank):
        owed = live.where(place, partial(_is_owed, member))
        inside = live.where(place, partial(_is_open, member))
        roots = live.links.arrivals(owed)
        roots |= {s for s, parent in enumerate(live.graph.parents) if parent < 0 and owed[s]}
        run = fair_run(live.links, roots, inside, strong=strong)
        if run is not None:
            lasso = _lasso(live, each, run, strong)
            if best is None or len(lasso.way) < len(best.way):
                best = replace(lasso, member=(member,))
    if best is not None:
        yield best


def _is_owed(member: Any, told: Told) -> bool:
    return isinstance(told, Debts) and member in told.owed


def _is_open(member: Any, told: Told) -> bool:
    return isinstance(told, Debts) and member not in told.settled


def _lasso(live: Recorder, each: Property, run: Run, strong: bool) -> Lasso:
    first = live.graph.way_to(run.root)
    way = [*first, *(live.links.action[step] for step in run.way)]
    loop = [live.links.action[step] for step in run.loop]
    return Lasso(each, way, loop, len(first), _why(live, run, strong))


def _why(live: Recorder, run: Run, strong: bool) -> str:
    """Why a run is fair, in one sentence."""
    if not run.loop:
        return "nothing that is owed can change anything any more"
    goals = dict.fromkeys(live.links.goal[step] for step in run.loop)
    taken = [" ".join(live.goals.told(goal)) for goal in goals if goal != NEVER_OWED]
    text = "it is fair, for each time " + _few(taken)
    free = [live.goals.told(goal)[0] for goal in sorted(run.free)]
    if free:
        text += f", and there is a state in which nothing is owed by {_few(free)}"
    return text


def _few(texts: Sequence[str]) -> str:
    more = [f"{len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    *most, last = [*texts[:SHOWN], *more]
    return f"{', '.join(most)} and {last}" if most else last

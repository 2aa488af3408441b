"""What still grew where a bound ended a search: why a program may have no end of states.

Looked at are the local states that steps have led to, in the order in which they were found, and
the messages under way on some of the longest ways. Invariant: nothing is named that had not reached
a new height again and again, the last time where the search ended. That it goes on so is a guess.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from quorate.core.frames import Frame
from quorate.core.freeze import Frozen
from quorate.core.ordering import repr_of
from quorate.worlds.check.effects import LOST
from quorate.worlds.check.explore import Graph
from quorate.worlds.check.network import Kind
from quorate.worlds.check.steps import Sent
from quorate.worlds.check.tables import FREE, NOBODY, Outcome, Tables

HEIGHTS_MIN, REMEMBERED_MIN = 6, 12
"""At so many depths something has to have been higher than ever before; where a process remembers
messages, this is what most do for a while."""

OUTCOMES_MAX, WAYS_MAX = 5_000, 50
"""How many outcomes and ways are looked at; of more, some of all."""

Measure = Literal["number", "size", "processes", "under way", "history", "remembered"]

MEASURES: tuple[Measure, ...] = ("number", "size", "processes", "under way", "history")
"""What is named in the first place; messages that are remembered mostly follow from these."""

SET_ASIDE = frozenset({"given_", "names_", "children_", "ready_", "rates_", "stack_"})
"""What the machinery keeps that does not grow alone; what else it keeps is made of messages."""

Key = tuple[Measure, str, str]


@dataclass(frozen=True)
class Growth:
    """`what` of processes of a class may grow without end, and is `largest` so far; what `by`."""

    measure: Measure
    what: str
    process: str
    largest: int
    by: str

    def __str__(self) -> str:
        head = {
            "number": f"{self.what} of {self.process}",
            "size": f"the size of {self.what} of {self.process}",
            "processes": f"the number of processes that {self.process} makes",
            "under way": f"the number of messages {self.what} under way",
            "history": "the history of operations",
            "remembered": f"what {self.process} remembers of messages",
        }[self.measure]
        return f"{head} may grow without end{f', {self.by}' if self.by else ''}"


@dataclass
class _Heights:
    """How high something was, at which depths it was higher than before, and by what."""

    largest: int = 0
    depths: list[int] = field(default_factory=list)
    by: Counter[str] = field(default_factory=Counter)

    def see(self, depth: int, value: int) -> bool:
        """Whether this is higher than before."""
        if value <= self.largest:
            return False
        self.largest = value
        if not self.depths or self.depths[-1] < depth:
            self.depths.append(depth)
        return True

    def rises(self, depth: int, least: int) -> bool:
        """Whether it still did so at this depth, as far as can be told."""
        if len(self.depths) < least:
            return False
        gaps = [after - before for before, after in pairwise(self.depths)]
        is_fresh = depth - self.depths[-1] <= max(gaps[1 - HEIGHTS_MIN :])
        return is_fresh and 2 * self.depths[-2] >= depth


def growths_of(graph: Graph, tables: Tables, network: Kind = "bag") -> list[Growth]:
    """What still grew in a graph that is not complete, that which explains most first."""
    levels = levels_of(graph)
    heights: defaultdict[Key, _Heights] = defaultdict(_Heights)
    known: dict[int, dict[Key, int]] = {NOBODY: {}}
    for depth, outcome in _outcomes(graph, tables, levels):
        for local in (outcome.before, outcome.after, *outcome.made):
            if local not in known:
                known[local] = _measured(tables, local)
        before = known[outcome.before]
        for local in (outcome.after, *outcome.made):
            for key, value in known[local].items():
                if heights[key].see(depth, value) and value > before.get(key, value):
                    heights[key].by[_by(tables, outcome)] += 1
    for way in _ways(graph, levels) if network != "set" else ():  # which has each message once
        _count_messages(tables, way, heights)
    growths = [
        Growth(*key, each.largest, next((by for by, _ in each.by.most_common(1)), ""))
        for key, each in heights.items()
        if each.rises(len(levels) - 1, HEIGHTS_MIN if key[0] in MEASURES else REMEMBERED_MIN)
    ]
    plain = [each for each in growths if each.measure in MEASURES]
    sized = {(each.what, each.process) for each in plain if each.measure == "size"}
    plain = [g for g in plain if g.measure != "number" or (g.what, g.process) not in sized]
    return sorted(plain, key=lambda each: MEASURES.index(each.measure)) or growths


# What was explored.


def levels_of(graph: Graph) -> list[int]:
    """The number of the first state of each level; states are found in the order of parents."""
    starts = [0]
    while (start := bisect_left(graph.parents, starts[-1], starts[-1] + 1)) < graph.states:
        starts.append(start)
    return starts


def _outcomes(graph: Graph, tables: Tables, levels: Sequence[int]) -> Iterator[tuple[int, Outcome]]:
    """Outcomes by which states were found, each once, and the level of the first."""
    first: dict[int, int] = {}
    for state, action in enumerate(graph.actions):
        if action >= 0 and action not in first:
            first[action] = state
    depth, some = 0, 1 + len(first) // OUTCOMES_MAX
    for action, state in list(first.items())[::some]:
        while depth + 1 < len(levels) and levels[depth + 1] <= state:
            depth += 1
        yield depth, tables.outcomes[action]


def _ways(graph: Graph, levels: Sequence[int]) -> Iterator[list[int]]:
    """The actions of some of the longest ways."""
    last = range(levels[-1], graph.states)
    for state in last[:: 1 + len(last) // WAYS_MAX]:
        yield graph.way_to(state)


# What is measured.


def _measured(tables: Tables, local: int) -> dict[Key, int]:
    """How much there is in a local state."""
    each = tables.locals[local]
    assert each is not None
    (_, (_, _, name), _, *fields), measuring = each.state[0], _Measuring(each.state)
    process = name.removesuffix("_process_")
    told = [(process, name, value) for name, value in fields]
    for module, routine, variables in measuring.frames():
        loops = tables.steps.modules.find(module, routine).routine.iterators
        told += [(routine, name, value) for name, value in variables if name not in loops]
    found: dict[Key, int] = {}
    for of, name, value in told:
        if not name.endswith("_"):
            found["number", name, of] = measuring.number(value)
            found["size", name, of] = measuring.size(value)
        elif name == "creations_":
            found["processes", "", of] = value
        elif name == "clock_":
            found["number", "the logical clock", of] = measuring.number(value)
        elif name not in SET_ASIDE:
            key: Key = ("remembered", "", of)
            found[key] = found.get(key, 0) + measuring.size(value)
    return found


LEAVES = frozenset({"bool", "float", "complex", "range", "global", "module", "member"})
"""Of what is frozen: what is a single value."""


class _Measuring:
    """Measures the parts of a frozen process."""

    def __init__(self, state: Frozen) -> None:
        self.state = state

    def frames(self) -> Iterator[tuple[str, str, list[tuple[str, Any]]]]:
        """The methods that wait, by module and name, and their variables."""
        for head, *parts in self.state:
            if head == "frame" and parts[0][0] == "routine of":
                _, (_, module, name) = parts[0]
                yield module, name, parts[2:]

    def number(self, value: Any) -> int:
        """The largest whole number in a value, be it above zero or below."""
        return max((abs(each) for each in self._leaves(value) if type(each) is int), default=0)

    def size(self, value: Any) -> int:
        """How many values there are in one, those in lists and the like together."""
        return sum(1 for _ in self._leaves(value))

    def _leaves(self, value: Any) -> Iterator[Any]:
        todo, seen = [value], set()
        while todo:
            each = todo.pop()
            if type(each) is not tuple or not each or each[0] in LEAVES:
                yield each
            elif each[0] != "@":
                todo += each[1:] if type(each[0]) is str else each
            elif each[1] not in seen:
                seen.add(each[1])
                todo.append(self.state[each[1]])


def _count_messages(
    tables: Tables, way: Sequence[int], heights: defaultdict[Key, _Heights]
) -> None:
    """Count messages of a kind that are under way, and events of clients that are kept."""
    counts: Counter[Key] = Counter()
    for depth, action in enumerate(way):
        sent, taken = _passed(tables, action)
        for message in taken:
            counts["under way", _kind(tables.messages[message]), ""] -= 1
        for message in sent:
            key: Key = ("under way", _kind(tables.messages[message]), "")
            if tables.to[message] == tables.clients:
                key = ("history", "", "")
            counts[key] += 1
            if heights[key].see(depth, counts[key]) and action >= 0:
                heights[key].by[_by(tables, tables.outcomes[action])] += 1
    if not tables.steps.place.judges.in_the_end:
        heights.pop(("history", "", ""), None)


def _passed(tables: Tables, action: int) -> tuple[Sequence[int], Sequence[int]]:
    """The messages that an action sends, and those that it takes."""
    if action < 0:
        number, twice = divmod(LOST - action, 2)
        return ([number], []) if twice else ([], [number])
    outcome = tables.outcomes[action]
    return outcome.sent, [outcome.taken] if outcome.taken >= 0 else []


# What it grew by.


def _by(tables: Tables, outcome: Outcome) -> str:
    """What a step was, in words: how often it may be taken, if that has bounds."""
    local = tables.locals[outcome.before]
    if local is None:
        return "as the program begins"
    process = tables.steps.thaw(local.state)
    who = process.id_.kind
    if outcome.cost != FREE:
        return (
            f"with each {outcome.kind} of {who}: --{tables.budgets[outcome.cost].name} bounds these"
        )
    match outcome.kind:
        case "deliver":
            return f"with each {_kind(tables.messages[outcome.taken])} that {who} takes"
        case "wake":
            return f"each time {who} wakes up"
    top = process.stack_[-1] if process.stack_ else None
    place = top.routine_.waits.get(top.block_) if isinstance(top, Frame) else None
    return f"each time {who} goes on" + (f" from line {place[0]}" if place else "")


def _kind(sent: Sent) -> str:
    """Messages like this one: `('2a', ...)`."""
    message = sent.message
    if sent.is_order:
        return type(message).__name__.lower()
    if isinstance(message, tuple) and len(message) > 1:
        return f"({repr_of(message[0])}, ...)"
    return repr_of(message)

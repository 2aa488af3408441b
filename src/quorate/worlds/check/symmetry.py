"""Processes that may change places: of states that differ by nothing else, one is explored.

Those that are made together by one step, of one class, are guessed to be alike. A state is brought
into an order by what can be said of each process without its name (Ip and Dill, Formal Methods in
System Design 9, 1996; Clarke, Emerson, Jha and Sistla, CAV 1998). The guess is held to the tables:
each step, with two processes changed about, must be the step of what is changed about. Invariant:
what is explored in place of a state is that state with processes changed about, whatever order is
found for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from itertools import pairwise
from typing import Any

from quorate.core.freeze import Frozen
from quorate.core.ids import ProcessId
from quorate.worlds.check.network import MASK, Bag, Net, mix
from quorate.worlds.check.reduction import MOVES, Explored
from quorate.worlds.check.tables import NOBODY, Local, Outcome, Tables

ALIKE_MAX = 9
"""So many processes that are alike; of more, these."""

STEPS_MAX = 20_000
"""How many outcomes are looked at with processes changed about; after that, one of SAMPLED."""
SAMPLED = 16

Order = Callable[[list[ProcessId]], list[ProcessId]]
"""Puts ids into an order."""

UNORDERED = frozenset({"set", "frozenset", "dict", "unordered"})


class Symmetry:
    """Which processes are alike; `swaps` are pairs of slots, neighbours that may change places."""

    def __init__(self, tables: Tables, begins: Iterable[int]) -> None:
        self.tables = tables
        self.ids: list[ProcessId] = []
        self.swaps: list[tuple[int, int]] = []
        self.groups: list[list[int]] = []
        self.orders = list(ORDERS)  # that dictionaries may have, the one that is guessed last
        self.checked = 0  # outcomes that were looked at with processes changed about
        self.locals: list[dict[int, int]] = []  # what they become by each swap, as far as is known
        self.messages: list[dict[int, int]] = []
        self._closed_locals: set[int] = set()
        self._closed_messages: set[int] = set()
        self._marks: dict[int, tuple[int, ...]] = {NOBODY: ()}
        self._marks_of_messages: dict[int, tuple[int, ...]] = {}
        self._group(begins)

    def _group(self, begins: Iterable[int]) -> None:
        """Guess who is alike: whoever is made by the first step, of one class."""
        kinds: dict[str, list[int]] = {}
        for begin in begins:
            for local in self.tables.outcomes[begin].made:
                slot = self.tables.slot[local]
                found = kinds.setdefault(self._id(slot).kind, [])
                if slot not in found:
                    found.append(slot)
        self._set([sorted(each, key=self._id)[:ALIKE_MAX] for each in kinds.values()])

    def _set(self, groups: Iterable[list[int]]) -> None:
        self.groups = [group for group in groups if len(group) > 1]
        pairs = [pair for group in self.groups for pair in pairwise(group)]
        self.swaps = pairs
        self.members = [slot for group in self.groups for slot in group]
        self.locals = [{NOBODY: NOBODY} for _ in self.swaps]
        self.messages = [{} for _ in self.swaps]
        self._closed_locals, self._closed_messages = set(), set()
        self._marks.clear()
        self._marks_of_messages.clear()

    def _id(self, slot: int) -> ProcessId:
        if len(self.ids) < len(self.tables.slots):
            self.ids = list(self.tables.slots)
        return self.ids[slot]

    # Changing places.

    def local(self, swap: int, local: int) -> int:
        """A local state with two processes changed about."""
        known = self.locals[swap].get(local)
        if known is None:
            known = self.locals[swap][local] = self._local(swap, local)
            self.locals[swap][known] = local
        return known

    def close(self, outcome: Outcome) -> None:
        """Know what becomes of all that is in an outcome, and of what that becomes in turn."""
        messages = [each for each in (outcome.taken, *outcome.sent) if each >= 0]
        self.close_all([outcome.before, outcome.after, *outcome.made], messages)

    def close_all(self, locals: Sequence[int], messages: Sequence[int] = ()) -> None:
        """The same of local states and messages."""
        for change, done, todo in (
            (self.local, self._closed_locals, [each for each in locals if each != NOBODY]),
            (self.message, self._closed_messages, [*messages]),
        ):
            for each in todo:
                if each not in done:
                    done.add(each)
                    todo += [change(swap, each) for swap in range(len(self.swaps))]

    def _local(self, swap: int, local: int) -> int:
        tables, names = self.tables, self._names(swap)
        old = tables.locals[local]
        assert old is not None
        process = tables.steps.thaw(renamed(old.state, names, self.orders[-1]))
        state = tables.steps.frozen(process)  # with sets in the order of the new names
        slot = tables.slot_of(names.get(self._id(old.slot), self._id(old.slot)))
        return tables.local(Local(slot, state, old.crashed))

    def message(self, swap: int, message: int) -> int:
        """A message with two processes changed about."""
        known = self.messages[swap].get(message)
        if known is None:
            sent, names = self.tables.messages[message], self._names(swap)
            value, stamp = self.tables.steps.message(renamed(sent.key, names, self.orders[-1]))
            to, sender = names.get(sent.to, sent.to), names.get(sent.sender, sent.sender)
            known = self.tables.message(self.tables.steps.sent(to, sender, value, stamp))
            self.messages[swap][message] = known
            self.messages[swap][known] = message
        return known

    def _names(self, swap: int) -> Mapping[ProcessId, ProcessId]:
        one, other = map(self._id, self.swaps[swap])
        return {one: other, other: one}

    # States.

    def arranged(self, row: list[int], net: Net, begin: int, network: Bag) -> Net:
        """Bring a state into order, its row in place; `begin` is where local states do in a row."""
        marks = [0] * len(self.members)
        for local in row[begin:]:
            for place, mark in enumerate(self.marks(local)):
                marks[place] += mark
        for message, at in network.places(net):
            for place, mark in enumerate(self.marks_of_message(message)):
                marks[place] += mark * (2 * at + 1)
        marks = [mark & MASK for mark in marks]
        swap = first = 0
        for group in self.groups:
            for last in range(len(group) - 1, 0, -1):
                for place in range(last):
                    at = first + place
                    if marks[at] > marks[at + 1]:
                        marks[at], marks[at + 1] = marks[at + 1], marks[at]
                        net = self.change(swap + place, row, net, begin, network)
            first += len(group)
            swap += len(group) - 1
        return net

    def change(self, swap: int, row: list[int], net: Net, begin: int, network: Bag) -> Net:
        """Change two processes of a state about."""
        changed = [self.local(swap, local) for local in row[begin:]]
        row[begin:] = [NOBODY] * len(changed)
        for local in changed:
            if local != NOBODY:
                place = begin + self.tables.slot[local]
                row += [NOBODY] * (place + 1 - len(row))
                row[place] = local
        return network.sorted([self.message(swap, message) for message in net])

    # What can be said of a process without its name.

    def marks(self, local: int) -> tuple[int, ...]:
        """Of each of `members`: what a local state says of it, in 64 bits."""
        known = self._marks.get(local)
        if known is None:
            old = self.tables.locals[local]
            state = () if old is None else ((old.crashed, self._id(old.slot)), old.state)
            known = self._marks[local] = tuple(self._marked(state))
        return known

    def marks_of_message(self, message: int) -> tuple[int, ...]:
        known = self._marks_of_messages.get(message)
        if known is None:
            sent = self.tables.messages[message]
            said = ((sent.to, sent.sender), sent.key)
            known = self._marks_of_messages[message] = tuple(self._marked(said))
        return known

    def _marked(self, said: Any) -> Iterator[int]:
        if not said:
            yield from (0 for _ in self.members)
            return
        head, frozen = said
        others, common = {self._id(slot) for slot in self.members}, dict[int, int]()
        for slot in self.members:
            yield _Marker(self._id(slot), others, frozen, common).number((head, ("@", 0)))

    # Holding the guess to the tables.

    def refute(self, explored: Explored, begins: Sequence[int]) -> bool:
        """Change processes about in what was explored; whether some proved not to be alike."""
        wrong = {
            swap
            for swap in range(len(self.swaps))
            if not self._begins_alike(swap, begins) or not self._steps_alike(swap, explored)
        }
        if not wrong:
            return False
        if len(self.orders) > 1 and any(map(self._has_order, explored.locals)):
            self.orders.pop()
            self._set(self.groups)
            return True
        groups = []
        for group in self.groups:
            parts = [[group[0]]]
            for pair in pairwise(group):
                if self.swaps.index(pair) in wrong:
                    parts.append([])
                parts[-1].append(pair[1])
            groups += parts
        self._set(groups)
        return True

    def _has_order(self, local: int) -> bool:
        """Whether there is a dictionary by ids in a local state, which may be in any order."""
        old = self.tables.locals[local]
        return old is not None and any(map(_keys_of, old.state))

    def _begins_alike(self, swap: int, begins: Sequence[int]) -> bool:
        all_outcomes = [self.tables.outcomes[each] for each in begins]
        known = {self._said(each) for each in all_outcomes}
        return all(self._said(self._changed(swap, each)) in known for each in all_outcomes)

    def _steps_alike(self, swap: int, explored: Explored) -> bool:
        tables = self.tables
        moves = [(local, MOVES) for local in explored.locals]
        for local, message in [*moves, *explored.pairs]:
            self.checked += 1
            if self.checked > STEPS_MAX and (local + message) % SAMPLED:
                continue
            found = tables.move(local) if message < 0 else tables.deliver(local, message)
            ways = {self._said(self._changed(swap, tables.outcomes[each])) for each in found}
            other = self.local(swap, local)
            if message < 0:
                changed = tables.move(other)
            else:
                changed = tables.deliver(other, self.message(swap, message))
            if ways != {self._said(tables.outcomes[each]) for each in changed}:
                return False
        return True

    def _changed(self, swap: int, each: Outcome) -> Outcome:
        sent: Iterable[int] = [self.message(swap, message) for message in each.sent]
        return each._replace(
            after=self.local(swap, each.after),
            made=tuple(self.local(swap, local) for local in each.made),
            sent=tuple(sent),
        )

    def _said(self, each: Outcome) -> Any:
        error = str(each.came.error) if each.fails else None
        sent = each.sent if self.tables.ordered else sorted(each.sent)
        if self.tables.ordered:  # of different channels, the order does not matter
            sent = sorted(sent, key=self.tables.channel.__getitem__)
        made = sorted(each.made)
        return (each.kind, each.after, tuple(sent), tuple(made), each.cost, error)


def renamed(frozen: Any, names: Mapping[ProcessId, ProcessId], order: Order) -> Any:
    """A frozen value with other ids; those of the children of whoever is renamed change with it.

    The entries of a dictionary by ids stand as far from `order`, of the new ids, as they did from
    that of the old ones. So to rename twice is to rename back.
    """
    if type(frozen) is ProcessId:
        return _renamed_id(frozen, names)
    if type(frozen) is not tuple:
        return frozen
    changed = tuple(renamed(part, names, order) for part in frozen)
    if changed != frozen and (keys := _keys_of(frozen)):
        places = {key: place for place, key in enumerate(order(keys))}
        values = dict(changed[1:])
        ordered = order(list(values))
        return ("dict", *((key, values[key]) for key in (ordered[places[key]] for key in keys)))
    return changed


def _as_in_sets(ids: list[ProcessId]) -> list[ProcessId]:
    members: set[ProcessId] = set()
    members.update(sorted(ids))
    return list(members)


def _as_they_came(ids: list[ProcessId]) -> list[ProcessId]:
    return ids


ORDERS: tuple[Order, ...] = (_as_they_came, sorted, _as_in_sets)
"""What the order of a dictionary by ids may come from: messages, a sorted list, or a set."""


def _keys_of(frozen: Any) -> list[ProcessId]:
    """The keys of a frozen dictionary by ids; none of anything else."""
    if type(frozen) is not tuple or len(frozen) < 3 or frozen[0] != "dict":
        return []
    keys = [pair[0] for pair in frozen[1:]]
    return keys if all(type(key) is ProcessId for key in keys) else []


def _renamed_id(id: ProcessId, names: Mapping[ProcessId, ProcessId]) -> ProcessId:
    for old, new in names.items():
        if id.path[: len(old.path)] == old.path and id.origin == old.origin:
            rest = id.path[len(old.path) :]
            name = id.name if rest else new.name
            return ProcessId(id.kind, (*new.path, *rest), name, id.node, id.origin)
    return id


class _Marker:
    """Says of a frozen state what it says of one process, whoever the others of its kind are.

    The number does not depend on the order in which sets, dictionaries and views are frozen. What
    is `common` to all processes are the numbers of definitions that say nothing of any.
    """

    def __init__(
        self, marked: ProcessId, others: set[ProcessId], frozen: Frozen, common: dict[int, int]
    ) -> None:
        self.marked = marked
        self.others = others
        self.frozen = frozen
        self.common = common
        self.known: dict[int, int] = {}
        self.open: dict[int, int] = {}  # definitions that are under way, with how many were before
        self.lowest = len(frozen)  # of those under way, the first that has been met again
        self.tells = False  # whether what has been numbered says anything of a process

    def number(self, value: Any) -> int:
        if type(value) is not tuple:
            if type(value) is ProcessId:
                if value not in self.others:
                    return _leaf("id", value.path)
                self.tells = True
                return MARKED if value == self.marked else ALIKE
            return _leaf(type(value).__name__, value)
        if len(value) == 2 and value[0] == "@" and type(value[1]) is int:
            return self.definition(value[1])
        head = value[0] if value else None
        parts = [self.number(part) for part in value]
        if head in UNORDERED:
            return _fold([parts[0], sum(parts[1:])])
        if head == "object" and value[-1] is not None:
            parts[-1] = sum(map(self.number, value[-1]))
        return _fold(parts)

    def definition(self, place: int) -> int:
        """The number of a definition; of one within itself it is 1."""
        if place in self.common:
            return self.common[place]
        if place in self.known:
            self.tells = True
            return self.known[place]
        if place in self.open:
            self.lowest = min(self.lowest, self.open[place])
            return 1
        level = self.open[place] = len(self.open)
        told, self.tells = self.tells, False
        found = self.number(self.frozen[place])
        del self.open[place]
        if self.lowest >= level:  # or it would be another where less is under way
            (self.known if self.tells else self.common)[place] = found
            self.lowest = len(self.frozen)
        self.tells |= told
        return found


MARKED, ALIKE = mix(1), mix(2)


@cache
def _leaf(kind: str, value: Any) -> int:
    return int.from_bytes(blake2b(f"{kind} {value!r}".encode(), digest_size=8).digest(), "big")


def _fold(parts: Iterable[int]) -> int:
    total = 0
    for part in parts:
        total = (total ^ part) * 0x9E3779B97F4A7C15 & MASK
        total ^= total >> 29
    return total

"""What the kernel works on: arrays that grow, filled from effects and states in plain Python.

Invariant: of each local state and delivery whose effects are here, all of them are, in order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from quorate.worlds.check import kernel
from quorate.worlds.check.effects import (
    SHARES,
    Effect,
    Effects,
    share_of_local,
    share_of_seen,
)
from quorate.worlds.check.kernel import (
    FAILS,
    FIRST_OF_ALL,
    MOVES,
    NONE,
    QUIET,
    TELLS,
    Level,
    Program,
    Share,
    Work,
)
from quorate.worlds.check.network import share_of_message
from quorate.worlds.check.places import Alike
from quorate.worlds.check.progress import PART, Waiting
from quorate.worlds.check.reduction import Sending
from quorate.worlds.check.symmetry import Symmetry
from quorate.worlds.check.tables import Tables

LARGE = 1 << 22
"""A set with so many places becomes twice as large, a smaller one four times: all members move."""

K = TypeVar("K")
V = TypeVar("V")


def grown(array: NDArray[Any], least: int) -> NDArray[Any]:
    """An array with room for at least so many rows, at least twice as long if this one is short."""
    if least <= len(array):
        return array
    new = np.empty((max(least, 2 * len(array)), *array.shape[1:]), array.dtype)
    new[: len(array)] = array
    return new


def newest(known: dict[K, V], old: int) -> list[tuple[K, V]]:
    """The items of a dictionary but for the `old` oldest, in order."""
    return list(itertools.islice(reversed(known.items()), len(known) - old))[::-1]


class Column:
    """Rows of numbers, in an array with room for more."""

    def __init__(self, kind: type, *width: int) -> None:
        self.array: NDArray[Any] = np.zeros((64, *width), kind)
        self.count = 0

    def append(self, rows: Sequence[Any]) -> None:
        if rows:
            end = self.count + len(rows)
            self.array = grown(self.array, end)
            self.array[self.count : end] = rows
            self.count = end


class Table:
    """A number of each local state and event: at most half full, so that each search has an end."""

    def __init__(self) -> None:
        self.array: NDArray[np.int64] = np.full((64, 2), -1, np.int64)
        self.count = 0

    def put(self, local: int, event: int, number: int) -> None:
        """Add one that is not there yet."""
        self.count += 1
        if 2 * self.count > len(self.array):
            old, self.array = self.array, np.full((2 * len(self.array), 2), -1, np.int64)
            kernel.copy_table(old, self.array)
        kernel.put(self.array, local, event, number)


class Mirror:
    """The effects that have been asked for, as arrays. `growth` is the most one adds to a row."""

    def __init__(self, tables: Tables, of: Effects, sending: Sending | None = None) -> None:
        self.tables = tables
        self.of = of
        self.sending = sending
        self.moved = 0
        self.growth = 0
        self.moves = Column(np.int32, 2)
        self.waits = Column(np.bool_)
        self.masks = Column(np.uint64)
        self.messages = Column(np.int32, 2)
        self.shares = Column(np.uint64)
        self.effects = Column(np.int32, 1 + kernel.SENT_END)
        self.deltas = Column(np.uint64, 2)
        self.puts = Column(np.int32, 2)
        self.sent = Column(np.int32)
        self.deliveries, self.followed = Table(), Table()

    def program(self) -> Program:
        """The arrays, with all that is known by now."""
        self._number()
        for local, effects in newest(self.of.moves, self.moved):
            self.moves.array[local] = self._append(effects), len(effects)
        self.moved = len(self.of.moves)
        for (local, message), effects in newest(self.of.deliveries, self.deliveries.count):
            where = self._append(effects) << kernel.MANY | len(effects)
            self.deliveries.put(local, message, where)
        for (action, clients), effect in newest(self.of.follows, self.followed.count):
            self.followed.put(clients, action, self._append([effect]))
        columns = self.effects, self.deltas, self.puts, self.sent
        return Program(
            *(self.moves.array, self.waits.array, self.masks.array),
            *(self.messages.array, self.shares.array),
            *(self.deliveries.array, self.followed.array, *(each.array for each in columns)),
        )

    def _number(self) -> None:
        """See to it that all local states and messages are here."""
        tables = self.tables
        locals, messages = self.moves.count, self.messages.count
        if locals == len(tables.locals) and messages == len(tables.messages):
            return
        self.moves.append([(0, -1 if local else 0) for local in range(locals, len(tables.locals))])
        self.waits.append(tables.waits[locals:])
        new = range(locals, len(tables.locals))
        self.masks.append([self.sending.mask(each) if self.sending else 0 for each in new])
        of = zip(tables.to[messages:], tables.channel[messages:], strict=True)
        self.messages.append(list(of))
        self.shares.append([share_of_message(each) for each in range(messages, len(tables.to))])

    def _append(self, effects: Sequence[Effect]) -> int:
        start = self.effects.count
        puts: list[tuple[int, int]] = []
        sent: list[int] = []
        rows = []
        for each in effects:
            flags = FAILS * each.fails | MOVES * each.moves | FIRST_OF_ALL * each.first
            flags |= QUIET * each.quiet | TELLS * (each.record >= 0)
            begins = self.puts.count + len(puts), self.sent.count + len(sent)
            puts += [(1 + place, local) for place, local in each.puts]
            sent += each.sent
            ends = self.puts.count + len(puts), self.sent.count + len(sent)
            spans = begins[0], ends[0], begins[1], ends[1]
            rows.append((each.action, each.cost, flags, each.taken, each.slot, *spans))
            wider = max((place - self.of.head + 1 for place, _ in each.puts), default=0)
            self.growth = max(self.growth, wider + len(each.sent))
        self.puts.append(puts)
        self.sent.append(sent)
        self.effects.append(rows)
        self.deltas.append([(each.delta, each.seen) for each in effects])
        return start


class Places:
    """What is known of processes that may change places, as arrays."""

    def __init__(self, tables: Tables, symmetry: Symmetry | None) -> None:
        self.tables = tables
        self.symmetry = symmetry
        self.members = 0 if symmetry is None else len(symmetry.members)
        self.swaps = 0 if symmetry is None else len(symmetry.swaps)
        sizes = [] if symmetry is None else [len(group) for group in symmetry.groups]
        self.sizes = np.array(sizes, np.int32)
        self.locals, self.messages = Column(np.int32, self.swaps), Column(np.int32, self.swaps)
        self.marks = Column(np.uint64, self.members)
        self.marks_of_messages = Column(np.uint64, self.members)
        self.slots, self.shares = Column(np.int32), Column(np.uint64)
        self.seen = Column(np.uint64)
        self.read, self.read_of_messages = [0] * self.swaps, [0] * self.swaps  # of what is known

    def numbers(self) -> None:
        """See to it that all local states and messages are here."""
        symmetry, tables = self.symmetry, self.tables
        if symmetry is None:
            return
        new = range(self.marks.count, len(tables.locals))
        self.marks.append([symmetry.marks(local) for local in new])
        self.slots.append([tables.slot[local] for local in new])
        self.shares.append([share_of_local(local) for local in new])
        self.seen.append([share_of_seen(tables.observed[local]) for local in new])
        news = range(self.marks_of_messages.count, len(tables.messages))
        self.marks_of_messages.append([symmetry.marks_of_message(each) for each in news])
        self.locals.append([[-1] * self.swaps for _ in new])
        self.messages.append([[-1] * self.swaps for _ in news])
        self._swap(self.locals, symmetry.locals, self.read)
        self._swap(self.messages, symmetry.messages, self.read_of_messages)

    def _swap(self, column: Column, changed: Sequence[dict[int, int]], read: list[int]) -> None:
        """Say what becomes of numbers where two processes are changed about, as far as is known."""
        for swap, known in enumerate(changed):
            for old, new in newest(known, read[swap]):
                column.array[old, swap] = new
            read[swap] = len(known)

    def alike(self) -> Alike:
        return Alike(
            *(self.sizes, self.locals.array, self.messages.array),
            *(self.marks.array, self.marks_of_messages.array),
            *(self.slots.array, self.shares.array, self.seen.array),
            np.array(SHARES, np.uint64),
        )


# States.


def new_level() -> Level:
    return Level(
        *(np.zeros(1 << 14, np.int32), np.zeros(1025, np.int64)),
        *(np.zeros(1024, np.uint64), np.zeros(1024, np.uint64)),
        *(np.zeros(1024, np.int32), np.zeros(1024, np.int32)),
    )


def with_room(level: Level, states: int, words: int) -> Level:
    """A level with room for so many states, and for so many numbers in their rows."""
    prints = grown(level.prints, states)
    return Level(
        grown(level.rows, words),
        grown(level.offsets, len(prints) + 1),
        prints,
        grown(level.seen, states),
        grown(level.parents, states),
        grown(level.actions, states),
    )


def set_with_room(old: NDArray[np.uint64], members: int) -> NDArray[np.uint64]:
    size = len(old)
    while 5 * members > 3 * size:
        size *= 4 if size < LARGE else 2
    if size == len(old):
        return old
    # NumPy asks for large pages for what it makes empty, not for zeros: each place that is looked
    # at lies somewhere else, and small ones would cost the machine a fault each.
    new = np.empty(size, np.uint64)
    new.fill(0)
    kernel.rehash(old, new)
    return new


def get_row(level: Level, state: int, head: int) -> tuple[list[int], tuple[int, ...]]:
    """The row of a state as the twin has it, and its network."""
    size, *numbers = level.rows[level.offsets[state] : level.offsets[state + 1]].tolist()
    return numbers[: head + size], tuple(numbers[head + size :])


def waiting_in(level: Level, first: int, end: int) -> Waiting:
    """Some of the states of a level, in place."""
    ends = level.offsets[first : end + 1]
    rows = level.rows[ends[0] : ends[-1]]
    lengths = np.diff(ends).astype(np.int32)
    return Waiting(lengths, rows, level.prints[first:end], level.seen[first:end])


def level_with(level: Level, waiting: Waiting) -> Level:
    """A level that has these states."""
    states, words = len(waiting.lengths), len(waiting.rows)
    level = with_room(level, states + 1, words)
    level.rows[:words] = waiting.rows
    np.cumsum(waiting.lengths, out=level.offsets[1 : states + 1])
    level.prints[:states], level.seen[:states] = waiting.prints, waiting.seen
    return level


def members_of(table: NDArray[np.uint64]) -> Iterator[NDArray[np.uint64]]:
    """The members of a set, a part at a time."""
    for first in range(0, len(table), PART):
        part = table[first : first + PART]
        yield part[part != 0]


def new_work() -> Work:
    counts = np.zeros(kernel.COUNTS, np.int64)
    counts[kernel.FAILED] = NONE
    return Work(
        visited=np.zeros(1 << 12, np.uint64),
        asked=np.zeros(1 << 10, np.uint64),
        news=np.zeros((1024, len(kernel.NEW)), np.int64),
        counts=counts,
    )


def work_with_room(work: Work, events: int) -> Work:
    """With room for what comes of so many effects."""
    return Work(
        visited=set_with_room(work.visited, int(work.counts[kernel.VISITED]) + events),
        asked=set_with_room(work.asked, int(work.counts[kernel.ASKED]) + events),
        news=grown(work.news, events),
        counts=work.counts,
    )


def new_share(states: int, members: int) -> Share:
    """A share of so many states, where so many processes may change places."""
    effects, rows = 256, 1 << 10 if members else 0
    return Share(
        places=np.zeros((states, kernel.PLACE_COLUMNS), np.int64),
        todo=np.zeros(effects, np.int32),
        prints=np.zeros(effects, np.uint64),
        found=np.zeros(effects, np.uint64),
        rows=np.zeros(rows, np.int32),
        starts=np.zeros(effects, np.int64),
        ends=np.zeros(effects, np.int64),
        seen=np.zeros(effects, np.uint64),
        marks=np.zeros(members, np.uint64),
        old=np.zeros(rows, np.int32),
        counts=np.zeros(kernel.EVENTS + 1, np.int64),
    )


def emptied(share: Share, states: int) -> Share:
    """A share for as many other states, of which nothing is known yet."""
    share.places[:states, kernel.FROM] = NONE
    share.counts[:] = 0
    return share


def share_with_room(share: Share, events: int, words: int) -> Share:
    """With room for so many more effects, and for so many more numbers in rows."""
    events += int(share.counts[kernel.USED])
    words = words + int(share.counts[kernel.ROWS]) if len(share.marks) else 0
    columns = "todo", "prints", "found", "starts", "ends", "seen"
    rooms = {**dict.fromkeys(columns, events), "rows": words, "old": words}
    return share._replace(**{name: grown(getattr(share, name), rooms[name]) for name in rooms})


def size_of(*groups: Iterable[Any]) -> int:
    """The bytes of all arrays of some groups."""
    return sum(array.nbytes for array in itertools.chain(*groups))

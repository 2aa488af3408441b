"""The kernel: the exploration of explore.py over arrays of integers, compiled by numba.

A state is a row of int32: how many processes it may have, what is left of each budget, the local
state of each process, and the messages of the network in its order. Invariant: a state is expanded
as a whole or not at all, so that whoever lacks something for it asks, and comes again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar
from zlib import crc32

import numba
import numpy as np
from numpy.typing import NDArray

Int32s: TypeAlias = NDArray[np.int32]
Int64s: TypeAlias = NDArray[np.int64]
Words: TypeAlias = NDArray[np.uint64]
F = TypeVar("F", bound=Callable[..., Any])

BAG, SET, FIFO = range(3)

PAUSED, UNKNOWN, ROOM, ENDED, FOUND = range(5)
"""Why the kernel comes back: so many states are done; for the next one effects are not in the
arrays, or these have no room; or the search is over, being refuted or having enough states. Of one
state: all that can happen next was found."""

ACTION, COST, FLAGS, TAKEN, SLOT, PUTS, PUTS_END, SENT, SENT_END = range(9)
"""The columns of an effect: the last are where in `puts` and in `sent` its own are."""

FAILS, MOVES, FIRST_OF_ALL, QUIET, TELLS = 1, 2, 4, 8, 16
"""The flags of an effect."""

PLACE, CHANNEL = range(2)
"""The columns of a message: the place in a row of its receiver, and its queue."""

DONE, UNTIL, FIRST, STATES, ENOUGH, TRANSITIONS, SHORT = range(7)
VISITED, ASKED, NEWS, STUCK, FAILED = range(7, 12)
COUNTS = 12
"""What is counted: states of the level that are done, and that are to be; the number of its first;
states of the next level, and how many are enough; transitions; budgets that were short, as bits.
Then members of both sets; rows of `news`; and of the last state whether it is stuck, and the action
by which it failed, or NONE."""

USED, ROWS, EVENTS = range(3)
"""What is counted of a share: effects, and numbers in rows, that have a place in it; and how many
effects the last state had, whether there was room for them or not."""

FROM, TO, HELD, MOVED, FAILED_BY, PLACE_COLUMNS = range(6)
"""Of a state in a share: where its effects are, or NONE if that is not known; budgets that were
short, as bits; whether it moves; and the action by which it fails, or NONE."""

NONE = -(1 << 40)

NEW = STATE, STATES_THEN, TRANSITIONS_THEN, SHORT_THEN, DONE_THEN = range(5)
"""The columns of a state of the next level that properties have not seen the like of: which it is,
and the counts when the state that it comes of was done."""

MANY = 24
"""The bits that say how many effects there are, in an entry of the deliveries."""

ONE, TWO = np.uint64(1), np.uint64(2)
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (Knuth, TAOCP 3, 6.4)
HALF = np.uint64(32)


class Rules(NamedTuple):
    """What is the same in all calls. `timeouts` are the bits of these budgets in what is short,
    `clients` the slot of whoever follows operations, or -1."""

    network: int
    budgets: int
    timeouts: int
    clients: int
    deadlocks: bool
    reduces: bool
    limits: bool
    symmetric: bool


class Program(NamedTuple):
    """Effects as arrays: of each local state and delivery, where its own begin and how many; and of
    whoever follows operations, for each local state and action that tells of any, where it is."""

    moves: Int32s
    waits: NDArray[np.bool_]
    masks: Words
    messages: Int32s
    shares: Words
    deliveries: Int64s
    followed: Int64s
    effects: Int32s
    deltas: Words
    puts: Int32s
    sent: Int32s


class Level(NamedTuple):
    """States of one level, one after the other; a row ends where the next begins."""

    rows: Int32s
    offsets: Int64s
    prints: Words
    seen: Words
    parents: Int32s
    actions: Int32s


class Work(NamedTuple):
    """Sets of fingerprints, and what is new to properties."""

    visited: Words
    asked: Words
    news: Int64s
    counts: Int64s


class Share(NamedTuple):
    """What the states of a level lead to, from the first of this share on: effects, fingerprints
    after them, and what was found of these. Where processes may change places, the rows in order
    too, each from `starts` to `ends`; `marks` and `old` are room for that."""

    places: Int64s
    todo: Int32s
    prints: Words
    found: Words
    rows: Int32s
    starts: Int64s
    ends: Int64s
    seen: Words
    marks: Words
    old: Int32s
    counts: Int64s


SOURCES = ("kernel.py", "places.py", "loop.py")
STAMP = crc32(b"".join(Path(__file__).with_name(each).read_bytes() for each in SOURCES))
"""Of all that is compiled into one: numba looks for changes only where a function itself is."""


OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}
"""None allocates, so that no references need be counted (`_nrt`: numba's extending guide)."""


def compiled(function: F) -> F:
    """Compile a function when it is first called, and keep that for the next time if possible."""
    function.__qualname__ += f"_{STAMP:08x}"  # what is kept is known by it
    try:
        found: F = numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # there is no folder to keep it in
        found = numba.njit(**OPTIONS)(function)
    return found


def inlined(function: F) -> F:
    """Compile a function as a part of those that call it: so many arrays are slow to pass on."""
    found: F = numba.njit(
        forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS
    )(function)
    return found


# Sets and tables, in which whoever is not in its own place is in one of the next.


@compiled
def insert(table: Words, key: np.uint64) -> bool:
    """Whether a key other than 0 is new to a set."""
    mask = np.uint64(len(table) - 1)
    at = key & mask
    while table[at]:
        if table[at] == key:
            return False
        at = (at + ONE) & mask
    table[at] = key
    return True


@compiled
def rehash(old: Words, new: Words) -> None:
    for key in old:
        if key:
            insert(new, key)


@compiled
def slot_of(table: Int64s, local: int, event: int) -> np.uint64:
    """Where a local state and an event are in a table, or would be; free places have the key -1."""
    key = (local << 32) | event
    mask = np.uint64(len(table) - 1)
    at = ((np.uint64(key) * SPREAD) >> HALF) & mask
    while table[at, 0] != key and table[at, 0] >= 0:
        at = (at + ONE) & mask
    return at


@compiled
def put(table: Int64s, local: int, event: int, effects: int) -> None:
    at = slot_of(table, local, event)
    table[at, 0] = (local << 32) | event
    table[at, 1] = effects


@compiled
def copy_table(old: Int64s, new: Int64s) -> None:
    for i in range(len(old)):
        key = old[i, 0]
        if key >= 0:
            put(new, key >> 32, key & 0xFFFFFFFF, old[i, 1])


# The network.


@inlined
def set_delta(
    rows: Int32s,
    net: int,
    end: int,
    sent: Int32s,
    start: int,
    stop: int,
    shares: Words,
) -> np.uint64:
    """What messages that are not there yet add to the fingerprint of a network."""
    total = np.uint64(0)
    for i in range(start, stop):
        at = net
        while at < end and rows[at] < sent[i]:
            at += 1
        if at == end or rows[at] != sent[i]:
            total += shares[sent[i]]
    return total


@inlined
def placed(share: np.uint64, place: int) -> np.uint64:
    """The share of a message that stands at a place of its queue: see network.py."""
    if place == 0:
        return share
    z = (share + np.uint64(place) + ONE) * SPREAD
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@inlined
def queues_delta(
    rows: Int32s,
    net: int,
    end: int,
    taken: int,
    sent: Int32s,
    start: int,
    stop: int,
    shares: Words,
    messages: Int32s,
) -> np.uint64:
    """The same where the place in its queue says how often the share of a message counts."""
    total = np.uint64(0)
    queue = messages[taken, CHANNEL] if taken >= 0 else -1
    place = 0
    if taken >= 0:
        for at in range(net, end):
            if messages[rows[at], CHANNEL] == queue:
                share = shares[rows[at]]
                total -= placed(share, place)
                if place:
                    total += placed(share, place - 1)
                place += 1
    for i in range(start, stop):
        channel = messages[sent[i], CHANNEL]
        place = -1 if channel == queue else 0
        for at in range(net, end):
            if messages[rows[at], CHANNEL] == channel:
                place += 1
        for j in range(start, i):
            if messages[sent[j], CHANNEL] == channel:
                place += 1
        total += placed(shares[sent[i]], place)
    return total


@inlined
def write_network(
    network: int,
    rows: Int32s,
    net: int,
    end: int,
    taken: int,
    sent: Int32s,
    start: int,
    stop: int,
    messages: Int32s,
    out: Int32s,
    begin: int,
) -> int:
    """Write a network without one message and with others; where it ends."""
    to = begin
    for at in range(net, end):
        if rows[at] == taken:
            taken = -1
        else:
            out[to] = rows[at]
            to += 1
    for i in range(start, stop):
        message = sent[i]
        at = to
        if network == FIFO:
            channel = messages[message, CHANNEL]
            while at > begin and messages[out[at - 1], CHANNEL] > channel:
                at -= 1
        else:
            while at > begin and out[at - 1] > message:
                at -= 1
        if network == SET and at > begin and out[at - 1] == message:
            continue
        for j in range(to, at, -1):
            out[j] = out[j - 1]
        out[at] = message
        to += 1
    return to


# One state.


@inlined
def follow(clients: int, first: int, found: int, program: Program, todo: Int32s) -> bool:
    """Let effects do also what they make of whoever follows clients; whether that is known of all.

    `clients` is the local state of whoever does. What there is no room for is left out.
    """
    effects = program.effects
    for i in range(first, min(first + found, len(todo))):
        if effects[todo[i], FLAGS] & TELLS:
            slot = slot_of(program.followed, clients, effects[todo[i], ACTION])
            if program.followed[slot, 0] < 0:
                return False
            todo[i] = program.followed[slot, 1]
    return True


@inlined
def find_events(
    rules: Rules, rows: Int32s, begin: int, net: int, end: int, program: Program, share: Share
) -> int:
    """Write the effects that a state may have to `share`; how many there are, or -1: unknown.

    Its local states are from `begin` to `net`. If there is no room for all, not all are written.
    """
    moves, messages, deliveries = program.moves, program.messages, program.deliveries
    todo, base, found = share.todo, share.counts[USED], 0
    room = len(todo) - base
    for at in range(begin, net):
        start, many = moves[rows[at], 0], moves[rows[at], 1]
        if many < 0:
            return -1
        for i in range(many):
            if found + i < room:
                todo[base + found + i] = start + i
        found += many
    last = queue = -1
    for at in range(net, end):
        message = rows[at]
        if message == last or (rules.network == FIFO and messages[message, CHANNEL] == queue):
            continue
        last, queue = message, messages[message, CHANNEL]
        place = begin + messages[message, PLACE]
        local = rows[place] if place < net else 0
        slot = slot_of(deliveries, local, message)
        if deliveries[slot, 0] < 0:
            return -1
        first, many = deliveries[slot, 1] >> MANY, deliveries[slot, 1] & ((1 << MANY) - 1)
        for i in range(many):
            if found + i < room:
                todo[base + found + i] = first + i
        found += many
    if rules.clients >= 0 and not follow(rows[begin + rules.clients], base, found, program, todo):
        return -1
    return found


@inlined
def find_prints(
    network: int,
    rows: Int32s,
    at: int,
    net: int,
    end: int,
    before: np.uint64,
    which: int,
    program: Program,
    share: Share,
) -> int:
    """Keep of the effects in `share` those that change a state, with its fingerprints after them.

    Where these end; the rest of what there is to say of the state goes to `places`.
    """
    effects, deltas, sent, shares = program.effects, program.deltas, program.sent, program.shares
    todo, prints, messages = share.todo, share.prints, program.messages
    base, failed = share.counts[USED], NONE
    kept, held, moved = base, 0, 0
    for i in range(base, base + share.counts[EVENTS]):
        effect = todo[i]
        cost, flags, taken = effects[effect, COST], effects[effect, FLAGS], effects[effect, TAKEN]
        if cost >= 0 and rows[at + 1 + cost] == 0:
            held |= 1 << cost
            continue
        if flags & FAILS:
            moved = MOVES
            if failed == NONE:
                failed = effects[effect, ACTION]
            continue
        after = before + deltas[effect, 0]
        if network != BAG:
            start, stop = effects[effect, SENT], effects[effect, SENT_END]
            if network == FIFO and (taken >= 0 or start < stop):
                after += queues_delta(rows, net, end, taken, sent, start, stop, shares, messages)
            elif start < stop:
                after += set_delta(rows, net, end, sent, start, stop, shares)
        if after != before:
            moved |= flags & MOVES
            todo[kept], prints[kept] = effect, after
            kept += 1
    places = share.places
    places[which, HELD], places[which, MOVED], places[which, FAILED_BY] = held, moved, failed
    return int(kept)


@inlined
def contains(table: Words, key: np.uint64) -> bool:
    mask = np.uint64(len(table) - 1)
    at = key & mask
    while table[at] and table[at] != key:
        at = (at + ONE) & mask
    return bool(table[at])


@inlined
def look(table: Words, first: int, end: int, keys: Words, found: Words) -> None:
    """What is found of keys: themselves, where they are in the table.

    What is in their own places is fetched for all at once, as memory is slow.
    """
    mask = np.uint64(len(table) - 1)
    for i in range(first, end):
        found[i] = table[keys[i] & mask]
    for i in range(first, end):
        if found[i] and found[i] != keys[i] and contains(table, keys[i]):
            found[i] = keys[i]


@inlined
def write_state(
    rules: Rules,
    rows: Int32s,
    at: int,
    net: int,
    end: int,
    effect: int,
    program: Program,
    out: Int32s,
    to: int,
) -> int:
    """Write the row of what an effect makes of a state; where it ends."""
    effects, puts = program.effects, program.puts
    start, stop = effects[effect, PUTS], effects[effect, PUTS_END]
    size = old = net - at
    for i in range(start, stop):
        size = max(size, puts[i, 0] + 1)
    for i in range(old):
        out[to + i] = rows[at + i]
    out[to] = size - 1 - rules.budgets
    for i in range(old, size):
        out[to + i] = 0
    cost, taken = effects[effect, COST], effects[effect, TAKEN]
    if cost >= 0:
        out[to + 1 + cost] -= 1
    for i in range(start, stop):
        out[to + puts[i, 0]] = puts[i, 1]
    start, stop = effects[effect, SENT], effects[effect, SENT_END]
    return write_network(
        rules.network,
        rows,
        net,
        end,
        taken,
        program.sent,
        start,
        stop,
        program.messages,
        out,
        to + size,
    )


@inlined
def has_room(events: int, length: int, growth: int, new: Level, work: Work) -> bool:
    """Whether there is room for the states that so many effects make of a state of this length.

    Each makes it longer by at most `growth`. Sets are at most three fifths full.
    """
    counts = work.counts
    states = counts[STATES] + events
    return bool(
        states < len(new.prints)
        and new.offsets[counts[STATES]] + events * (length + growth) <= len(new.rows)
        and 5 * (counts[VISITED] + events) <= 3 * len(work.visited)
        and 5 * (counts[ASKED] + events) <= 3 * len(work.asked)
        and counts[NEWS] + events <= len(work.news)
    )

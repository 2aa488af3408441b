"""The kernel's part of symmetry.py: states are brought into the same order, over arrays.

Invariant: whatever is not in the arrays yet is asked for, and the state is come to again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from quorate.worlds.check.kernel import (
    CHANNEL,
    FIFO,
    ROWS,
    Int32s,
    Program,
    Rules,
    Share,
    Words,
    inlined,
    placed,
    write_state,
)

LACKING = -1
"""Of a state some local state or message is not known with two processes changed about."""


class Alike(NamedTuple):
    """Who may change places: `sizes` of the groups; what becomes of local states and messages by
    each swap of neighbours; what these say of each member; slots, and shares of prints."""

    sizes: Int32s
    locals: Int32s
    messages: Int32s
    marks: Words
    marks_of_messages: Words
    slots: Int32s
    shares: Words
    seen: Words
    budgets: Words


@inlined
def place_of(rules: Rules, rows: Int32s, net: int, at: int, messages: Int32s) -> int:
    """The place in its queue of the message that stands at a place of a network."""
    if rules.network != FIFO:
        return 0
    channel, first = messages[rows[at], CHANNEL], at
    while first > net and messages[rows[first - 1], CHANNEL] == channel:
        first -= 1
    return at - first


@inlined
def add_marks(
    rules: Rules,
    rows: Int32s,
    begin: int,
    net: int,
    end: int,
    program: Program,
    alike: Alike,
    marks: Words,
) -> None:
    """Add up what a state says of each member."""
    marks[:] = 0
    for at in range(begin, net):
        for i in range(len(marks)):
            marks[i] += alike.marks[rows[at], i]
    for at in range(net, end):
        times = np.uint64(2 * place_of(rules, rows, net, at, program.messages) + 1)
        for i in range(len(marks)):
            marks[i] += alike.marks_of_messages[rows[at], i] * times


@inlined
def swap(
    rules: Rules,
    rows: Int32s,
    start: int,
    end: int,
    which: int,
    program: Program,
    alike: Alike,
    old: Int32s,
) -> int:
    """Change two processes of a row about; where it ends, or LACKING."""
    size, begin = rows[start], start + 1 + rules.budgets
    net, width = begin + size, size
    for i in range(size):
        local = alike.locals[rows[begin + i], which]
        if local < 0:
            return LACKING
        old[i] = local
        if local:
            width = max(width, alike.slots[local] + 1)
    for at in range(net, end):
        if alike.messages[rows[at], which] < 0:
            return LACKING
    wider = width - size
    for at in range(end - 1, net - 1, -1):
        rows[at + wider] = alike.messages[rows[at], which]
    rows[start] = width
    rows[begin : begin + width] = 0
    for i in range(size):
        if old[i]:
            rows[begin + alike.slots[old[i]]] = old[i]
    sort(rules, rows, net + wider, end + wider, program.messages)
    return int(end + wider)


@inlined
def sort(rules: Rules, rows: Int32s, net: int, end: int, messages: Int32s) -> None:
    """Bring the messages of a network into its order, by insertion."""
    for i in range(net + 1, end):
        message, at = rows[i], i
        if rules.network == FIFO:
            channel = messages[message, CHANNEL]
            while at > net and messages[rows[at - 1], CHANNEL] > channel:
                rows[at] = rows[at - 1]
                at -= 1
        else:
            while at > net and rows[at - 1] > message:
                rows[at] = rows[at - 1]
                at -= 1
        rows[at] = message


@inlined
def arrange(
    rules: Rules, start: int, end: int, program: Program, alike: Alike, share: Share
) -> int:
    """Bring a row of `share` into order; where it ends, or LACKING."""
    rows, marks = share.rows, share.marks
    begin = start + 1 + rules.budgets
    add_marks(rules, rows, begin, begin + rows[start], end, program, alike, marks)
    which = first = 0
    for size in alike.sizes:
        for last in range(size - 1, 0, -1):
            for i in range(last):
                at = first + i
                if marks[at] > marks[at + 1]:
                    marks[at], marks[at + 1] = marks[at + 1], marks[at]
                    end = swap(rules, rows, start, end, which + i, program, alike, share.old)
                    if end < 0:
                        return LACKING
        first += size
        which += size - 1
    return end


@inlined
def print_of(
    rules: Rules, rows: Int32s, start: int, end: int, program: Program, alike: Alike
) -> np.uint64:
    """The fingerprint of a row."""
    total = np.uint64(0)
    for i in range(rules.budgets):
        total += np.uint64(rows[start + 1 + i]) * alike.budgets[i]
    begin = start + 1 + rules.budgets
    net = begin + rows[start]
    for at in range(begin, net):
        total += alike.shares[rows[at]]
    for at in range(net, end):
        place = place_of(rules, rows, net, at, program.messages)
        total += placed(program.shares[rows[at]], place)
    return total


@inlined
def arrange_all(
    rules: Rules,
    rows: Int32s,
    at: int,
    net: int,
    end: int,
    first: int,
    last: int,
    program: Program,
    alike: Alike,
    share: Share,
) -> bool:
    """Write what effects make of a state to the rows of `share`, in order, with their prints.

    False where something is lacking for that.
    """
    to = share.counts[ROWS]
    for i in range(first, last):
        stop = write_state(rules, rows, at, net, end, share.todo[i], program, share.rows, to)
        stop = arrange(rules, to, stop, program, alike, share)
        if stop < 0:
            return False
        share.prints[i] = print_of(rules, share.rows, to, stop, program, alike)
        seen = np.uint64(0)
        for place in range(to + 1 + rules.budgets, to + 1 + rules.budgets + share.rows[to]):
            seen += alike.seen[share.rows[place]]
        share.seen[i], share.starts[i], share.ends[i] = seen, to, stop
        to = stop
    share.counts[ROWS] = to
    return True

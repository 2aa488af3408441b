"""The loop of the kernel: the states of a level are expanded one after the other.

Invariant: a state is expanded as a whole or not at all, so that whoever lacks something for it
asks, and comes again. To expand changes nothing but a share, so that threads may do it ahead, each
in its own; what comes of states is settled in their order by one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quorate.worlds.check.kernel import (
    ACTION,
    ASKED,
    DONE,
    DONE_THEN,
    ENDED,
    ENOUGH,
    EVENTS,
    FAILED,
    FAILED_BY,
    FIRST,
    FIRST_OF_ALL,
    FLAGS,
    FOUND,
    FROM,
    HELD,
    MOVED,
    NEWS,
    NONE,
    ONE,
    PAUSED,
    QUIET,
    ROOM,
    ROWS,
    SHORT,
    SHORT_THEN,
    SLOT,
    STATE,
    STATES,
    STATES_THEN,
    STUCK,
    TO,
    TRANSITIONS,
    TRANSITIONS_THEN,
    UNKNOWN,
    UNTIL,
    USED,
    VISITED,
    Int32s,
    Int64s,
    Level,
    Program,
    Rules,
    Share,
    Words,
    Work,
    compiled,
    contains,
    find_events,
    find_prints,
    has_room,
    inlined,
    insert,
    look,
    write_state,
)
from quorate.worlds.check.places import Alike, arrange_all

BLOCK = 256
"""So many states are a block, of which memory is fetched at once."""


@inlined
def keep(which: int, place: int, share: Share) -> None:
    """Move one of the effects of a state to an earlier place, or let it be where it is."""
    share.todo[place], share.prints[place] = share.todo[which], share.prints[which]
    share.found[place] = share.found[which]
    if len(share.marks):
        share.starts[place], share.ends[place] = share.starts[which], share.ends[which]
        share.seen[place] = share.seen[which]


@inlined
def without_others(
    rules: Rules,
    rows: Int32s,
    begin: int,
    net: int,
    start: int,
    stop: int,
    program: Program,
    work: Work,
    share: Share,
) -> int:
    """Keep the effects that are enough, where these lead to what is new; where these end."""
    effects, masks, todo, prints = program.effects, program.masks, share.todo, share.prints
    for i in range(start, stop):
        if effects[todo[i], FLAGS] & FIRST_OF_ALL and not contains(work.visited, prints[i]):
            keep(i, start, share)
            return start + 1
    if not rules.limits:
        return stop
    once = twice = np.uint64(0)
    for at in range(begin, net):
        twice |= once & masks[rows[at]]
        once |= masks[rows[at]]
    for at in range(begin, net):
        slot = at - begin
        others = twice | (once & ~masks[rows[at]])
        if (others >> np.uint64(slot)) & ONE:
            continue
        new = False
        quiet = True
        for i in range(start, stop):
            if effects[todo[i], SLOT] == slot:
                quiet = quiet and effects[todo[i], FLAGS] & QUIET != 0
                new = new or not contains(work.visited, prints[i])
        if new and quiet:
            end = start
            for i in range(start, stop):
                if effects[todo[i], SLOT] == slot:
                    keep(i, end, share)
                    end += 1
            return end
    return stop


@inlined
def add_states(
    rules: Rules,
    rows: Int32s,
    at: int,
    net: int,
    end: int,
    place: int,
    first: int,
    last: int,
    program: Program,
    level: Level,
    new: Level,
    work: Work,
    share: Share,
) -> None:
    """Write those states to the next level that are not visited yet."""
    prints, found, counts, visited = share.prints, share.found, work.counts, work.visited
    for i in range(first, last):
        if found[i] == prints[i] or not insert(visited, prints[i]):
            continue
        effect, state, start = share.todo[i], counts[STATES], new.offsets[counts[STATES]]
        counts[VISITED] += 1
        counts[STATES] = state + 1
        if rules.symmetric:
            begin = share.starts[i]
            stop = start + share.ends[i] - begin
            for j in range(stop - start):
                new.rows[start + j] = share.rows[begin + j]
            seen = share.seen[i]
        else:
            stop = write_state(rules, rows, at, net, end, effect, program, new.rows, start)
            seen = level.seen[place] + program.deltas[effect, 1]
        new.prints[state] = prints[i]
        new.seen[state] = seen
        new.parents[state] = counts[FIRST] + place
        new.actions[state] = program.effects[effect, ACTION]
        new.offsets[state + 1] = stop
        if seen != level.seen[place] and insert(work.asked, seen):
            counts[ASKED] += 1
            work.news[counts[NEWS], STATE] = state
            counts[NEWS] += 1


@inlined
def rest(
    rules: Rules,
    rows: Int32s,
    begin: int,
    net: int,
    waits: NDArray[np.bool_],
    which: int,
    places: Int64s,
) -> bool:
    """Whether nothing can happen any more, and somebody waits."""
    if places[which, MOVED] or places[which, HELD] & rules.timeouts or not rules.deadlocks:
        return False
    at = begin
    while at < net and not waits[rows[at]]:
        at += 1
    return at < net


@inlined
def expand(
    rules: Rules,
    growth: int,
    which: int,
    place: int,
    program: Program,
    alike: Alike,
    level: Level,
    share: Share,
) -> int:
    """Find all that can happen next in a state, new or not; FOUND, or why not."""
    rows, counts = level.rows, share.counts
    at, end = level.offsets[place], level.offsets[place + 1]
    begin = at + 1 + rules.budgets
    net = begin + rows[at]
    events = find_events(rules, rows, begin, net, end, program, share)
    if events < 0:
        return UNKNOWN
    counts[EVENTS] = events
    first, words = counts[USED], events * (end - at + growth)
    if first + events > len(share.todo):
        return ROOM
    if rules.symmetric and counts[ROWS] + words > min(len(share.rows), len(share.old)):
        return ROOM
    prints = level.prints[place]
    last = find_prints(rules.network, rows, at, net, end, prints, which, program, share)
    if rules.symmetric and not arrange_all(
        rules, rows, at, net, end, first, last, program, alike, share
    ):
        return UNKNOWN
    share.places[which, FROM], share.places[which, TO] = first, last
    counts[USED] = last
    return FOUND


@inlined
def expand_block(
    rules: Rules,
    growth: int,
    first: int,
    which: int,
    until: int,
    program: Program,
    alike: Alike,
    level: Level,
    visited: Words,
    share: Share,
) -> int:
    """Expand those states of a block that are not yet, as far as all is known of them.

    FOUND if the first of the block is, or why not. What is visited is looked up for all at once:
    each lies somewhere else, and memory is slow.
    """
    counts = share.counts
    begin, why = counts[USED], FOUND
    for each in range(which, until):
        if share.places[each, FROM] == NONE:
            now = expand(rules, growth, each, first + each, program, alike, level, share)
            if each == which:
                why = now
            if now == ROOM:
                break
    look(visited, begin, counts[USED], share.prints, share.found)
    return why


@compiled
def expand_ahead(
    rules: Rules,
    growth: int,
    first: int,
    until: int,
    program: Program,
    alike: Alike,
    level: Level,
    visited: Words,
    share: Share,
) -> None:
    """Expand states from `first` on whose turn has not come, as far as all is known of them."""
    for which in range(0, until - first, BLOCK):
        end = min(which + BLOCK, until - first)
        expand_block(rules, growth, first, which, end, program, alike, level, visited, share)


@inlined
def look_again(visited: Words, which: int, until: int, share: Share) -> None:
    """Fetch what is in the places of states that were not visited when they were found."""
    mask = np.uint64(len(visited) - 1)
    prints, found = share.prints, share.found
    for each in range(which, until):
        if share.places[each, FROM] != NONE:
            for i in range(share.places[each, FROM], share.places[each, TO]):
                if found[i] != prints[i]:
                    found[i] = visited[prints[i] & mask]


@compiled
def settle(
    rules: Rules,
    growth: int,
    first: int,
    program: Program,
    alike: Alike,
    level: Level,
    new: Level,
    work: Work,
    share: Share,
) -> int:
    """Add what the states of a share lead to, from DONE to UNTIL; why it comes back.

    `first` is the first state of the share. What has not been expanded ahead is so now.
    """
    rows, places, counts, news = level.rows, share.places, work.counts, work.news
    while counts[DONE] < counts[UNTIL]:
        place = counts[DONE]
        which = place - first
        at, end = level.offsets[place], level.offsets[place + 1]
        begin = at + 1 + rules.budgets
        net = begin + rows[at]
        is_first = which & (BLOCK - 1) == 0
        if is_first or places[which, FROM] == NONE:
            last = min((which | (BLOCK - 1)) + 1, counts[UNTIL] - first)
            if is_first:
                look_again(work.visited, which, last, share)
            why = expand_block(
                rules, growth, first, which, last, program, alike, level, work.visited, share
            )
            if why != FOUND:
                return why
        start, stop = places[which, FROM], places[which, TO]
        if not has_room(stop - start, end - at, growth, new, work):
            share.counts[EVENTS] = stop - start
            return ROOM
        if rules.reduces:
            stop = without_others(rules, rows, begin, net, start, stop, program, work, share)
        counts[TRANSITIONS] += stop - start
        asked = counts[NEWS]
        add_states(rules, rows, at, net, end, place, start, stop, program, level, new, work, share)
        counts[DONE] += 1
        counts[SHORT] |= places[which, HELD]
        for i in range(asked, counts[NEWS]):
            news[i, STATES_THEN], news[i, TRANSITIONS_THEN] = counts[STATES], counts[TRANSITIONS]
            news[i, SHORT_THEN], news[i, DONE_THEN] = counts[SHORT], counts[DONE]
        counts[STUCK] = rest(rules, rows, begin, net, program.waits, which, places)
        counts[FAILED] = places[which, FAILED_BY]
        if counts[STUCK] or counts[FAILED] != NONE or counts[STATES] >= counts[ENOUGH]:
            return ENDED
    return PAUSED

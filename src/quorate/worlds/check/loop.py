"""The loop of the kernel: the states of a level are expanded one after the other.

Invariant: a state is expanded as a whole or not at all, so that whoever lacks something for it
asks, and comes again.
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
    FIRST,
    FIRST_OF_ALL,
    FLAGS,
    HELD,
    MOVED,
    NEWS,
    NONE,
    ONE,
    PAUSED,
    QUIET,
    ROOM,
    SHORT,
    SHORT_THEN,
    SLOT,
    STATE,
    STATES,
    STATES_THEN,
    STUCK,
    TRANSITIONS,
    TRANSITIONS_THEN,
    UNKNOWN,
    UNTIL,
    VISITED,
    Int32s,
    Int64s,
    Level,
    Program,
    Rules,
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
from quorate.worlds.check.places import Alike, States, arrange_all


@inlined
def has_room_for(events: int, length: int, states: States) -> bool:
    """Whether there is room for so many states, each of at most this length."""
    rows = min(len(states.rows), len(states.old))
    return events * length <= rows and events <= len(states.ends)


@inlined
def keep(which: int, place: int, states: States, work: Work) -> None:
    """Move one of the states that come of one to an earlier place, or let it be where it is."""
    work.todo[place], work.prints[place] = work.todo[which], work.prints[which]
    if len(states.marks):
        first = states.ends[which - 1] if which else 0
        to = states.ends[place - 1] if place else 0
        size = states.ends[which] - first
        for i in range(size):
            states.rows[to + i] = states.rows[first + i]
        states.ends[place], states.seen[place] = to + size, states.seen[which]


@inlined
def without_others(
    rules: Rules,
    rows: Int32s,
    begin: int,
    net: int,
    kept: int,
    program: Program,
    states: States,
    work: Work,
) -> int:
    """Keep the effects that are enough, where these lead to what is new; how many these are."""
    effects, masks, todo, prints = program.effects, program.masks, work.todo, work.prints
    for i in range(kept):
        if effects[todo[i], FLAGS] & FIRST_OF_ALL and not contains(work.visited, prints[i]):
            keep(i, 0, states, work)
            return 1
    if not rules.limits:
        return kept
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
        for i in range(kept):
            if effects[todo[i], SLOT] == slot:
                quiet = quiet and effects[todo[i], FLAGS] & QUIET != 0
                new = new or not contains(work.visited, prints[i])
        if new and quiet:
            count = 0
            for i in range(kept):
                if effects[todo[i], SLOT] == slot:
                    keep(i, count, states, work)
                    count += 1
            return count
    return kept


@inlined
def add_states(
    rules: Rules,
    rows: Int32s,
    at: int,
    net: int,
    end: int,
    place: int,
    kept: int,
    program: Program,
    level: Level,
    new: Level,
    states: States,
    work: Work,
) -> None:
    """Write those states to the next level that are not visited yet."""
    todo, prints, homes, counts, visited = (
        work.todo,
        work.prints,
        work.homes,
        work.counts,
        work.visited,
    )
    for i in range(kept):
        if homes[i] == prints[i] or not insert(visited, prints[i]):
            continue
        effect, state, start = todo[i], counts[STATES], new.offsets[counts[STATES]]
        counts[VISITED] += 1
        counts[STATES] = state + 1
        if rules.symmetric:
            first = states.ends[i - 1] if i else 0
            stop = start + states.ends[i] - first
            for j in range(stop - start):
                new.rows[start + j] = states.rows[first + j]
            seen = states.seen[i]
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
    counts: Int64s,
) -> bool:
    """Whether nothing can happen any more, and somebody waits."""
    if counts[MOVED] or counts[HELD] & rules.timeouts or not rules.deadlocks:
        return False
    at = begin
    while at < net and not waits[rows[at]]:
        at += 1
    return at < net


@compiled
def explore(
    rules: Rules,
    growth: int,
    program: Program,
    alike: Alike,
    level: Level,
    new: Level,
    states: States,
    work: Work,
) -> int:
    """Expand the states of a level from DONE to UNTIL; why it comes back."""
    rows, counts, news = level.rows, work.counts, work.news
    while counts[DONE] < counts[UNTIL]:
        place = counts[DONE]
        at, end = level.offsets[place], level.offsets[place + 1]
        begin = at + 1 + rules.budgets
        net = begin + rows[at]
        events = find_events(
            rules.network,
            rows,
            begin,
            net,
            end,
            program.moves,
            program.messages,
            program.deliveries,
            work.todo,
        )
        if events < 0:
            return UNKNOWN
        counts[EVENTS] = events
        if not has_room(events, end - at, growth, new, work):
            return ROOM
        if rules.symmetric and not has_room_for(events, end - at + growth, states):
            return ROOM
        kept = find_prints(rules.network, rows, at, net, end, level.prints[place], program, work)
        if rules.symmetric and not arrange_all(
            rules, rows, at, net, end, kept, program, alike, states, work
        ):
            return UNKNOWN
        if rules.reduces:
            kept = without_others(rules, rows, begin, net, kept, program, states, work)
        counts[TRANSITIONS] += kept
        look(work.visited, work.prints, kept, work.homes)
        asked = counts[NEWS]
        add_states(rules, rows, at, net, end, place, kept, program, level, new, states, work)
        counts[DONE] += 1
        counts[SHORT] |= counts[HELD]
        for i in range(asked, counts[NEWS]):
            news[i, STATES_THEN], news[i, TRANSITIONS_THEN] = counts[STATES], counts[TRANSITIONS]
            news[i, SHORT_THEN], news[i, DONE_THEN] = counts[SHORT], counts[DONE]
        counts[STUCK] = rest(rules, rows, begin, net, program.waits, counts)
        if counts[STUCK] or counts[FAILED] != NONE or counts[STATES] >= counts[ENOUGH]:
            return ENDED
    return PAUSED

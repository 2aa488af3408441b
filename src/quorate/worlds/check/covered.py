"""What an order of search other than breadth first has covered, in words and as data.

Invariant: what can be said of what was not looked at is said, and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from quorate.worlds.check.depth import Bits, DepthFirst
from quorate.worlds.check.explore import Explorer
from quorate.worlds.check.feedback import Feedback
from quorate.worlds.check.orders import Order
from quorate.worlds.check.pct import Prioritized
from quorate.worlds.check.tables import NOBODY, Tables
from quorate.worlds.check.walks import Runs

KINDS = {"walks": "random walks", "pct": "runs by priorities", "new": "runs towards what is new"}


def lines_of(explorer: Explorer, order: Order) -> Iterator[str]:
    """How much was looked at; where nothing was found, what may have been missed."""
    is_refuted = explorer.graph.is_refuted
    if isinstance(explorer, DepthFirst):
        longer = ": the steps above need not be the fewest" * is_refuted
        yield f"{_locals(explorer)}, depth first{longer}"
        if explorer.bits is not None:
            yield from _bits(explorer.bits)
    if isinstance(explorer, Runs):
        late, last = explorer.late
        runs = f"{len(explorer.news):,} {KINDS[order.search]}"
        yield f"{runs}, seed {order.seed}: {_locals(explorer)}"
        if explorer.cut:
            yield f"{explorer.cut:,} of them were ended after {explorer.steps_max:,} steps: --depth"
        yield f"of the last {last:,} runs {late:,} found a new state"
        if not is_refuted:
            yield from _chances(explorer)


def _bits(bits: Bits) -> Iterator[str]:
    """What states that are remembered by a few bits each may have hidden."""
    each = bits.size / max(1, bits.count)
    yield f"{bits.size:,} bits, {each:,.1f} for each state, of which {bits.fill:.1%} are set"
    yield (
        f"{bits.missed:.1g} new states are expected to have been taken for old ones; what only "
        "these lead to was not looked at"
    )


def _chances(explorer: Runs) -> Iterator[str]:
    """What the runs of an order find, as far as it is known."""
    if isinstance(explorer, Prioritized):
        power = explorer.bug_depth - 1
        yield (
            f"a run finds a bug of depth {power + 1} with a chance of 1/(c n^{power}) at least, "
            f"here {explorer.chance:.1e}; all of these, {explorer.found:.1%}"
        )
        yield (
            f"  c = {explorer.chains} chains, w^2 at most, if w events can wait at once; "
            f"n = {explorer.events} events"
        )
        yield "  not so if it is deeper, or by longer runs, timeouts, faults or random choices"
        return
    if isinstance(explorer, Feedback):
        yield f"{len(explorer.kept):,} states are kept in which a process had done something new"
    yield "what no run came to was not looked at, and how likely it was is not known"


def data_of(explorer: Explorer, order: Order) -> dict[str, Any]:
    """The same for programs."""
    data: dict[str, Any] = {"order": order.search}
    if isinstance(explorer, DepthFirst):
        data["local_states"] = local_states(explorer.tables, explorer.taken)
        if explorer.bits is not None:
            bits = explorer.bits
            data |= {"bits": order.bits, "fill": bits.fill, "expected_missed": bits.missed}
    if isinstance(explorer, Runs):
        late, last = explorer.late
        data |= {"seed": order.seed, "runs": len(explorer.news), "cut": explorer.cut}
        data |= {"local_states": local_states(explorer.tables, explorer.taken)}
        data |= {"late_runs": last, "late_runs_with_new_states": late}
    if isinstance(explorer, Prioritized):
        data |= {"bug_depth": order.bug_depth, "chains": explorer.chains, "events": explorer.events}
        data |= {"chance": explorer.chance, "chance_of_all": explorer.found}
    return data


def _locals(explorer: DepthFirst | Runs) -> str:
    count = local_states(explorer.tables, explorer.taken)
    return f"{count:,} local state{'s' * (count != 1)}"


def local_states(tables: Tables, taken: set[int]) -> int:
    """How many local states have come of these actions."""
    found = {NOBODY}
    for action in taken:
        if action >= 0:
            outcome = tables.outcomes[action]
            found.update((outcome.after, *outcome.made))
    return len(found) - 1

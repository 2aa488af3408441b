"""What a check has found against a program, and the shortest way there.

Invariant: what is said of it is what the other worlds say of the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from quorate.core.errors import ProgramError, PropertyFailed
from quorate.core.ids import ProcessId
from quorate.worlds.base import failure_of, standing_of, stuck
from quorate.worlds.base.properties import refuted, unanswered, unfulfilled
from quorate.worlds.check.clients import contradicts, events_of
from quorate.worlds.check.explore import Explorer
from quorate.worlds.check.liveness import Lasso
from quorate.worlds.check.observing import Found
from quorate.worlds.check.tables import Tables

if TYPE_CHECKING:
    from quorate.worlds.check.run import Checked

Kind = Literal["property", "exception", "deadlock"]


@dataclass(frozen=True)
class Counterexample:
    """`way` are the actions that lead there from the beginning; `text` is the error as shown.

    `refuted` is that of a property, `waiting` are those who wait in a deadlock. The last steps
    of the way, `loop` of them, are taken again and again.
    """

    kind: Kind
    text: str
    way: tuple[int, ...]
    refuted: PropertyFailed | None = None
    waiting: tuple[ProcessId, ...] = ()
    loop: int = 0


def counterexample_of(checked: Checked) -> Counterexample | None:
    """What contradicts the program, if anything was found."""
    graph, tables, way_to = checked.graph, checked.tables, checked.explorer.way_to
    if graph.wrong is not None:
        state, found = graph.wrong
        way = tuple(way_to(state))
        error = _error_of(_found_at(checked, way) or found, _when(tables, way))
        return Counterexample("property", str(error), way, error)
    if (against := checked.contradiction) is not None:
        way = tuple(way_to(*graph.failed) if graph.failed else way_to(graph.stuck or 0))
        return Counterexample("property", str(against), way, against)
    if graph.failed is not None:
        way = tuple(way_to(*graph.failed))
        came = tables.outcomes[way[-1]].came
        assert came.error is not None
        assert came.failed is not None
        return Counterexample("exception", str(failure_of(came.failed, came.error)), way)
    if graph.stuck is not None:
        return _deadlock(tables, tuple(way_to(graph.stuck)))
    return _lasso(checked.lassos[0]) if checked.lassos else None


def contradiction_of(explorer: Explorer) -> PropertyFailed | None:
    """What operations of clients tell against, if that is what a search has ended by.

    Raises ProgramError (Q148) where a model says so that is not to be followed.
    """
    graph, tables = explorer.graph, explorer.tables
    if tables.clients is None or (graph.failed or graph.stuck) is None:
        return None
    if graph.failed is not None:
        way = explorer.way_to(*graph.failed)
        if tables.outcomes[way[-1]].fails:
            return None
    else:
        way = explorer.way_to(graph.stuck or 0)
        if any(tables.waits[local] for local in locals_after(tables, way)):
            return None
    said, when = tables.steps.said, _when(tables, tuple(way))
    found = contradicts(events_of(map(tables.recorded, way)), said, lambda event: when)
    if found is None:
        raise ProgramError(
            "Q148",
            "what clients see cannot be followed, step by step, by a model of "
            + ", ".join(str(getattr(each.model, "__name__", each.model)) for each in said),
            "let `step` without a result lead where it leads with the one that the operation gets, "
            "and `key` be None of every operation or of none",
        )
    return found


def _found_at(checked: Checked, way: tuple[int, ...]) -> Found | None:
    """What is wrong at the end of a way, where processes may have changed places."""
    observed = checked.tables.observed
    return checked.observer.refuted(
        [observed[local] for local in locals_after(checked.tables, way)]
    )


def _lasso(lasso: Lasso) -> Counterexample:
    """What is to come in the end, and does not: the steps of a cycle stand at the end, once."""
    error = unfulfilled(lasso.property, str(lasso), lasso.member)
    way = (*lasso.way, *lasso.loop)
    return Counterexample("property", str(error), way, error, loop=len(lasso.loop))


def _error_of(found: Found, when: str) -> PropertyFailed:
    if found.error is not None:
        return unanswered(found.property, found.error, when)
    return refuted(found.property, found.question, found.answer, when)


def _when(tables: Tables, way: tuple[int, ...]) -> str:
    count = f"after {len(way):,} step{'s' * (len(way) != 1)}"
    process = who(tables, way[-1])
    if process is None:
        return count
    return f"{count}, {'the last of ' * (len(way) > 1)}which {process!r} took"


def _deadlock(tables: Tables, way: tuple[int, ...]) -> Counterexample:
    standings = []
    for local in locals_after(tables, way):
        each = tables.locals[local]
        if each is not None and tables.waits[local]:
            standings.append(standing_of(tables.steps.thaw(each.state)))
    text = stuck(map(str, standings), len(standings))
    return Counterexample("deadlock", text, way, waiting=tuple(s.process for s in standings))


def who(tables: Tables, action: int) -> ProcessId | None:
    """The process that an action is a step of; None of what becomes of a message."""
    if action < 0:
        return None
    outcome = tables.outcomes[action]
    slot = tables.slot[outcome.before or outcome.after]
    return next((id for id, number in tables.slots.items() if number == slot), None)


def locals_after(tables: Tables, way: Iterable[int]) -> list[int]:
    """The local states of all processes at the end of a way, in the order of their making."""
    found: dict[int, int] = {}
    for action in way:
        if action >= 0:
            outcome = tables.outcomes[action]
            found |= {tables.slot[local]: local for local in (outcome.after, *outcome.made)}
    return [found[slot] for _, slot in sorted(tables.slots.items()) if slot in found]

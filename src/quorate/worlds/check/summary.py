"""What a check has covered, and what it says of each property: in words, and as data.

Invariant: whatever was not looked at is said, with the option that has it looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from quorate.core.properties import Property, Specification
from quorate.lang.faults import OTHERS, as_times
from quorate.worlds.base.properties import at_of, never_reached, place_of
from quorate.worlds.check import covered
from quorate.worlds.check.counterexample import Counterexample
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.growth import Growth, growths_of
from quorate.worlds.check.liveness import LIVELY
from quorate.worlds.check.orders import BY_RUNS, Order
from quorate.worlds.check.outside import warnings_of
from quorate.worlds.check.run import Checked
from quorate.worlds.check.tables import BUDGETS
from quorate.worlds.check.wording import ToldStep

KNOWN = ("holds", "reached")

NETWORKS = {
    "bag": "messages in any order",
    "fifo": "messages from one process to another in the order of sending",
    "set": "messages in any order, any number of times",
}

ONE = {
    "timeouts": "timeout",
    "crashes": "crash",
    "restarts": "restart",
    "losses": "loss",
    "duplicates": "duplicate",
}
"""Of each budget: one of what it lets happen."""

COULD = {
    "timeouts": ("a timer could still run out", "timers could run out more often"),
    "crashes": ("a process could crash", "more processes could crash"),
    "restarts": ("who has crashed could begin anew", "who has crashed could begin anew more often"),
    "losses": ("a message could be lost", "more messages could be lost"),
    "duplicates": ("a message could come twice", "more messages could come twice"),
}
"""What else could happen, with a budget of none and where it is used up."""

GROWTHS_MAX = 4
"""So many of the things that may grow without end are named."""

Holds = Literal["holds", "violated", "reached", "never reached", "unknown"]


@dataclass(frozen=True)
class Answer:
    """What is known of a property, or of a specification of what clients see.

    `after` is how many steps lead to where it was reached. It is `vacuous` if there was nothing of
    what it speaks of in any state.
    """

    property: Property | Specification
    verdict: Holds
    after: int | None = None
    vacuous: bool = False


def words_of(known: Property | Specification) -> tuple[str, str]:
    """What kind it is of, and what it is called."""
    if isinstance(known, Property):
        return known.kind, known.name
    return known.guarantee, str(getattr(known.model, "__name__", known.model))


def answers_of(checked: Checked) -> list[Answer]:
    """What is known of each property, in the order of the text."""
    graph, observer = checked.graph, checked.observer
    steps = {
        found.property: len(graph.way_to(state))
        for state, found in graph.reached
        if found.error is None
    }
    wrong = [each.property for each in checked.lassos]
    wrong += [graph.wrong[1].property] if graph.wrong is not None else []
    complete = graph.stopped is None and not graph.is_refuted
    in_the_end = complete and checked.live is not None and checked.live.graph.stopped is None
    answers = []
    for each in observer.properties:
        if each in wrong:
            answers.append(Answer(each, "violated"))
        elif each.kind == "sometimes" and each in steps:
            answers.append(Answer(each, "reached", steps[each]))
        elif not (in_the_end if each.kind in LIVELY else complete):
            answers.append(Answer(each, "unknown"))
        elif each.kind == "sometimes":
            answers.append(Answer(each, "never reached"))
        else:
            vacuous = each.kind == "always" and _is_vacuous(checked, each)
            answers.append(Answer(each, "holds", vacuous=vacuous))
    return answers + [_seen_by_clients(checked, each) for each in checked.tables.steps.said]


def _seen_by_clients(checked: Checked, each: Specification) -> Answer:
    """What is known of what clients see."""
    graph, against, tables = checked.graph, checked.contradiction, checked.tables
    if against is not None and against.at == at_of(each):
        return Answer(each, "violated")
    if graph.stopped is not None or graph.is_refuted:
        return Answer(each, "unknown")
    return Answer(each, "holds", vacuous=tables.clients not in tables.to)


def _is_vacuous(checked: Checked, each: Property) -> bool:
    """Whether no state has had a process of some class that each of its questions goes over."""
    classes = checked.observer.classes()
    return all(
        any(not any(issubclass(cls, known) for cls in classes) for known in question.over.values())
        for question in each.questions
    )


def collision_chance(states: int) -> float:
    """At most how likely it is that some state was missed, since its fingerprint was another's.

    Of n fingerprints of 64 bits, n(n-1)/2 pairs may be equal, each with 1 in 2^64.
    """
    return min(1.0, states * states / 2**65)


# In words.


def _certainty(checked: Checked) -> str:
    if checked.bounds.exact:
        return "no state was missed: they were kept whole"
    return f"chance that a state was missed: {_collisions(checked):.0e}"


def _collisions(checked: Checked) -> float | None:
    """The chance that a state was missed; None where others were not looked at."""
    if not checked.order.is_complete:
        return None
    return 0.0 if checked.bounds.exact else collision_chance(checked.graph.states)


def lines_of(checked: Checked) -> Iterator[str]:
    """How much was looked at, and what is known of the properties."""
    graph, bounds = checked.graph, checked.bounds
    order = checked.order
    taken = several(graph.transitions, "step" if order.search in BY_RUNS else "transition")
    size = f"{several(graph.states, 'state')}, {taken}"
    yield f"{_verdict(checked)}: {size}, depth {graph.depth:,}, {graph.seconds:.1f} s"
    yield from (f"  {line}" for line in covered.lines_of(checked.explorer, order))
    if not (graph.is_refuted or checked.lassos):
        yield f"  {_scope(bounds, order)}"
        if order.is_complete:
            yield f"  {_certainty(checked)}"
    answers = answers_of(checked)
    if told := [_told(each) for each in answers if each.verdict in KNOWN and not each.vacuous]:
        yield f"  {'; '.join(told)}"
    unknown = [_named(each) for each in answers if each.verdict == "unknown"]
    if unknown and checked.verdict != "violated":
        yield f"  not known: {'; '.join(unknown)}"
    for each in _growths(checked)[:GROWTHS_MAX]:
        yield f"  {each}"
    if checked.verdict != "violated" and graph.stopped is None:
        yield from (f"  {line}" for line in _more(bounds, graph.short))
    if checked.tables.steps.place.was_asked:
        yield "  not checked: what depends on the time, which stands still"


def _growths(checked: Checked) -> list[Growth]:
    """What may have no end, where a bound has ended the search."""
    live, network = checked.live, checked.bounds.network
    if checked.verdict != "inconclusive" or checked.order.search != "breadth":
        return []
    stopped = live.graph if live is not None and checked.graph.stopped is None else checked.graph
    return growths_of(stopped, checked.tables, network)


def _verdict(checked: Checked) -> str:
    stopped = stopped_by(checked)
    if stopped is None or checked.verdict == "violated":
        return checked.verdict
    if stopped == "interrupted":
        return "interrupted"
    return f"inconclusive, stopped by --{stopped}"


def stopped_by(checked: Checked) -> str | None:
    """The bound that ended the search, of states or for what is to come in the end."""
    live = checked.live
    return checked.graph.stopped or (None if live is None else live.graph.stopped)


def _scope(bounds: Bounds, order: Order) -> str:
    """What may happen in the states that were looked at."""
    some, none = [], []
    for name in BUDGETS:
        budgets = [each for each in bounds.budgets if each.name == name]
        if not any(each.times for each in budgets):
            none.append(ONE[name])
            continue
        classes = [each for each in budgets if each.kind]
        for each in budgets:
            of = f" of {each.kind}" if each.kind else " of others" if classes else ""
            if each.times:
                some.append(several(each.times, ONE[name], name) + of)
            elif each.kind:
                none.append(ONE[name] + of)
    which = "some interleavings" if order.search in BY_RUNS else "every interleaving"
    parts = [f"{which}, {NETWORKS[bounds.network]}"]
    if some:
        parts.append(f"at most {_listed(some, 'and')}")
    if none:
        parts.append(f"no {_listed(none, 'or')}")
    return "; ".join(parts)


def _more(bounds: Bounds, short: Collection[int]) -> Iterator[str]:
    """What could have happened more often, and the options for that."""
    for name in BUDGETS:
        budgets = {i: each for i, each in enumerate(bounds.budgets) if each.name == name}
        lacking = [each for i, each in budgets.items() if i in short]
        if lacking:
            more = [each._replace(times=each.times + (i in short)) for i, each in budgets.items()]
            times = as_times({each.kind or OTHERS: each.times for each in more})
            again = any(each.times for each in lacking)
            yield f"{COULD[name][again]}: --{name} {times}"


def _listed(words: list[str], last: str) -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else words[0]


def _named(each: Answer) -> str:
    return " ".join(words_of(each.property))


def _told(each: Answer) -> str:
    after = "" if each.after is None else f" (reached after {several(each.after, 'step')})"
    return _named(each) + after


def several(count: int, noun: str, nouns: str | None = None) -> str:
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def complaints_of(checked: Checked) -> Iterator[str]:
    """What makes a check say less than it seems to, and properties that never came true."""
    yield from warnings_of(checked.tables.steps.outside)
    where = several(checked.graph.states, "state")
    for each in answers_of(checked):
        known = each.property
        if isinstance(known, Specification):
            if each.vacuous:
                head = f"warning[Q133]: `{known.guarantee}` says nothing: there are no operations"
                yield "\n".join([head, *place_of(known.file, known.line)])
        elif each.verdict == "never reached":
            yield never_reached(known, where)
        elif each.vacuous:
            head = f"warning[Q133]: `{known.name}` says nothing: no state has what it speaks of"
            yield "\n".join([head, *place_of(known.file, known.line, known.name)])


def story_of(found: Counterexample, steps: list[ToldStep]) -> Iterator[str]:
    """The lines of a counterexample: what is wrong, and how it comes about."""
    yield found.text
    yield ""
    yield f"It takes {several(len(steps), 'step')}:"
    for place, each in enumerate(steps):
        if found.loop and place == len(steps) - found.loop:
            yield "  and again and again:"
        yield from each.lines()


# As data.


def data_of(
    checked: Checked, found: Counterexample | None, steps: list[ToldStep]
) -> dict[str, Any]:
    """The same for programs."""
    graph = checked.graph
    return {
        "verdict": checked.verdict,
        "states": graph.states,
        "transitions": graph.transitions,
        "depth": graph.depth,
        "seconds": round(graph.seconds, 3),
        "loading": round(graph.loading, 3),
        "bounds": asdict(checked.bounds),
        "search": covered.data_of(checked.explorer, checked.order),
        "stopped": stopped_by(checked),
        "short": sorted(str(checked.bounds.budgets[place]) for place in graph.short),
        "grows": [asdict(each) | {"text": str(each)} for each in _growths(checked)],
        "properties": [
            {
                **dict(zip(("kind", "name"), words_of(each.property), strict=True)),
                "at": at_of(each.property),
                "verdict": each.verdict,
                "reached_after": each.after,
                "vacuous": each.vacuous,
            }
            for each in answers_of(checked)
        ],
        "collision_chance": _collisions(checked),
        "outside": checked.tables.steps.outside.changed,
        "violation": None if found is None else _violation(found, steps),
    }


def _violation(found: Counterexample, steps: list[ToldStep]) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "property": None if found.refuted is None else found.refuted.name,
        "message": found.text,
        "loop": found.loop,
        "steps": [
            {
                "step": each.number,
                "happens": [asdict(told) for told in each.told],
                "choices": [list(choice) for choice in each.choices],
            }
            for each in steps
        ],
    }

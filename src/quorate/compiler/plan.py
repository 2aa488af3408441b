"""The plan: every query of a program, where it stands, and what answers it at what cost.

The writers of queries add to it while they write. Invariant: a query inside of another is told
with that one, in the order in which they are come to.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from quorate.compiler.views import (
    DISTINCT,
    EVERY,
    FALLING,
    GREATEST,
    HIGHEST,
    LEAST,
    LOWEST,
    PENDING,
    RELATION,
    RISING,
    SORTED,
    TOTAL,
    UNLIKE,
    View,
)
from quorate.lang.printer import expression_text

ONE, AWAKE, MATCHES, MEMBERS = "O(1)", "O(changed rows)", "O(rows of the key)", "O(members)"
BISECTED, TOPS = "O(log n)", "O(answers)"
BISECTED_AND_ANSWERS = "O(log n + answers)"
CHANGED = "O(changed members)"
ROWS, HISTORY = "O(rows)", "O(history)"
NEW_ROWS, PROCESSES = "O(new rows)", "O(processes)"
NEW_AND_ANSWERS = "O(new rows + answers)"
"""What an evaluation costs; keeping a view costs O(1) for each message that matches."""

WHICH = {
    DISTINCT: "each different {rows}",
    EVERY: "every {rows}",
    GREATEST: "the greatest {rows}",
    LEAST: "the least {rows}",
    RISING: "each {rows}, its {of} greater than all before",
    FALLING: "each {rows}, its {of} less than all before",
    UNLIKE: "the first {rows}, and the first of another {of}",
    HIGHEST: "each different {rows}, its {of} the greatest{each}",
    LOWEST: "each different {rows}, its {of} the least{each}",
    SORTED: "each different {rows}, sorted by {of}",
    TOTAL: "the sum of {rows}",
    PENDING: "each different {rows}",
    RELATION: "each different {rows}",
}
"""What is kept, by the kind of a view."""

UNTIL = {
    GREATEST: "until there is a greater",
    LEAST: "until there is a lesser",
    HIGHEST: "until there is a greater",
    LOWEST: "until there is a lesser",
    PENDING: "until it cannot decide any more",
}
"""For how long a row is kept; others for good."""

GROWING = {ROWS, HISTORY}
"""What costs more the longer the history is."""

ADVICE = {
    ROWS: "grows with what is different in the history: compare a part of the pattern with `_x`, "
    "ask for no more than the greatest or the least, or put the query into an await",
    HISTORY: "grows with the history, which is kept: give a pattern without `*_x`, and ask "
    "`received(pattern)` in place of going through `received`",
    MATCHES: "goes over all there is for one key: compare more of the pattern with `_x`, or ask "
    "for no more than how many there are, the sum, the greatest or the least",
    MEMBERS: "goes over the collection: compare a part of the pattern with `_x` where it is a set "
    "in a field, or put the query into an await, which asks again only for what has changed",
    TOPS: "goes over the answers, which are all of one value",
    BISECTED_AND_ANSWERS: "goes over the answers: ask for the greatest or the least if one is "
    "enough",
    NEW_AND_ANSWERS: "goes over what has come since, and the answers: ask how many there are, or "
    "whether there is one, if that is enough",
}
"""Why a query costs more than O(1) or O(log n), and how to write it otherwise.

What has changed, or is new, since a query was evaluated last is no more than messages have come.
"""


@dataclass
class Answer:
    """What one clause is answered from: a view, or None and `otherwise`."""

    view: View | None
    cost: str
    otherwise: str = ""

    @property
    def kept(self) -> str:
        """What is kept for it."""
        if self.view is None:
            return self.otherwise
        hints = self.view.split.hints
        keys = ", ".join(hints[slot] for slot in self.view.keys)
        rows = [hints[slot] for slot in self.view.rows]
        counts = self.view.kind in (EVERY, TOTAL)
        which = WHICH[self.view.kind] if rows or counts else "{rows}"
        details = () if self.view.kind in (PENDING, RELATION) else self.view.details
        of, by = (*details, None, None)[:2]
        said = which.format(
            rows=", ".join(rows) or "whether there is one",
            of=", ".join(rows if of is None else (rows[place] for place in of)),
            each=f" of each {', '.join(rows[place] for place in by)}" if by else "",
        )
        return f"{said}{f' by {keys}' if keys else ''}"

    @property
    def until(self) -> str:
        """For how long it is kept, "" where there is no view; `reset` empties every view."""
        if self.view is None:
            return ""
        if self.view.settled is not None:
            return f"until {self.view.settled[1]} has grown"
        if self.view.dropped:
            return "until what it settles is dropped with it"
        return UNTIL.get(self.view.kind, "for good")

    def __str__(self) -> str:
        if self.view is None:
            return f"{self.kept}: {self.cost}"
        return f"{self.view.name.rstrip('_')}: {self.kept}, {self.until}: {self.cost}"


@dataclass
class Planned:
    """A query of the program: its line, its text, where a witness goes, and its answers.

    A property is given no advice: it goes over processes, and is asked anew by what has changed.
    """

    line: int
    text: str
    witness: list[str]
    answers: list[Answer] = field(default_factory=list)
    is_property: bool = False

    def advice(self, answer: Answer) -> str | None:
        """How to write it otherwise for one of its answers to cost less."""
        return None if self.is_property else ADVICE.get(answer.cost)

    def __str__(self) -> str:
        lines = [f"line {self.line}: {self.text}"]
        if self.witness:
            lines.append(f"    leaves its witness in: {', '.join(self.witness)}")
        advised: set[str | None] = {None}
        for answer in self.answers:
            lines.append(f"    {answer}")
            advice = self.advice(answer)
            lines += [f"        {advice}"] if advice not in advised else []
            advised.add(advice)
        return "\n".join(lines)


class Plan:
    """The queries of one program, in the order in which they are written."""

    def __init__(self) -> None:
        self.queries: list[Planned] = []
        self._open: Planned | None = None

    @contextmanager
    def query(self, node: ast.expr, *, is_property: bool = False) -> Iterator[None]:
        """While `node` is written, answers are its own, or those of the query around it."""
        if self._open is not None:
            yield
            return
        witness = [expression_text(name) for name in getattr(node, "witness", ())]
        text = expression_text(node)
        self._open = Planned(node.lineno, text, witness, is_property=is_property)
        self.queries.append(self._open)
        try:
            yield
        finally:
            self._open = None

    @contextmanager
    def unsaid(self) -> Iterator[None]:
        """What is written meanwhile is asked only once, and costs nothing."""
        around, self._open = self._open, Planned(0, "", [])
        yield
        self._open = around

    def answer(self, view: View | None, cost: str, otherwise: str = "") -> Answer:
        """Note what a clause is answered from."""
        made = Answer(view, cost, otherwise)
        if self._open is not None:
            self._open.answers.append(made)
        return made

    def count(self) -> None:
        """The rows that were answered last are only counted."""
        if self._open is not None:
            self._open.answers[-1].cost = ONE

    def growing(self) -> bool:
        """Whether the cost of some query grows with the history."""
        return any(answer.cost in GROWING for query in self.queries for answer in query.answers)

    def as_data(self) -> list[dict[str, Any]]:
        """The same for JSON: line, query, witness; of an answer view, kept, until, cost, advice."""
        return [
            {
                "line": query.line,
                "query": query.text,
                "witness": query.witness,
                "answers": [
                    {
                        "view": None if answer.view is None else answer.view.name.rstrip("_"),
                        "kept": answer.kept,
                        "until": answer.until,
                        "cost": answer.cost,
                        "advice": query.advice(answer),
                    }
                    for answer in query.answers
                ],
            }
            for query in self.queries
        ]

    def __str__(self) -> str:
        return "".join(f"{query}\n" for query in sorted(self.queries, key=lambda q: q.line))

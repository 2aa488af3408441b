"""Which views answer the queries of a process class: the plan that the writers fill and follow.

    received(('accepted', _n, v), from_=a)    shape  ('accepted', slot 1, slot 2) from slot 3
                                              keys   slot 1, compared with n
                                              rows   slots 2 and 3, bound to v and a

Patterns of one shape are matched once for each message. Invariant: no two views of a class are
equal in shape, keys, rows and kind.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from quorate.lang import nodes
from quorate.lang.nodes import HistoryKind, Pattern, make

DISTINCT, EVERY, GREATEST, LEAST = "Distinct", "Every", "Greatest", "Least"
RISING, FALLING, UNLIKE = "Rising", "Falling", "Unlike"
HIGHEST, LOWEST, SORTED, TOTAL = "Highest", "Lowest", "Sorted", "Total"
PENDING, RELATION = "Pending", "Relation"
"""How the rows of a view are kept: names of classes in core/views.py, extremes.py, pending.py and
joins.py."""

Shape = tuple[Any, ...]
"""A pattern without names: ("slot", n), ("star", n), ("is", constant), ("tuple", *shapes) ..."""


@dataclass
class Split:
    """A pattern of messages, taken apart: what every message shows, and what a query asks of it."""

    kind: HistoryKind
    shape: Shape
    hints: dict[int, str]  # slot -> a name for it
    keys: list[tuple[int, ast.expr]]  # slot -> what it is compared with
    rows: dict[str, int]  # variable -> its slot


@dataclass
class View:
    """One view: `name` is the attribute of the process; `slots` those of its keys and rows."""

    name: str
    split: Split
    keys: tuple[int, ...]
    rows: tuple[int, ...]
    kind: str
    title: str = ""  # what its messages are called
    details: tuple[Any, ...] = ()  # of the kind: which places in a row matter
    wakes: bool = False  # whether an await reads it
    checked: bool = False  # whether a property reads it, and nothing else
    asked: list[list[ast.expr]] = field(default_factory=list)  # for what keys, by which query
    settled: tuple[int, str] | None = None  # the place in a key where less is never asked again
    dropped: bool = False  # together with the rows that it drops, over channels that keep order

    @property
    def of_facts(self) -> bool:
        """Whether it holds keys alone."""
        return bool(self.keys) and not self.rows and self.kind == DISTINCT


def split(node: nodes.Messages, used: set[str]) -> Split | None:
    """`node` taken apart for a query that uses the variables `used`; None where it cannot be."""
    return _Splitter(node, used).split()


class _Splitter:
    def __init__(self, node: nodes.Messages, used: set[str]) -> None:
        self.node = node
        self.used = used
        self.found = Split(node.kind, (), {}, [], {})
        self.places: dict[str, int] = {}  # of what is bound, used or not
        self.slots = 0
        self.fits = True

    def split(self) -> Split | None:
        parts = (self.node.message, self.node.peer, self.node.stamp)
        self.found.shape = tuple(self.shape(part) for part in parts)
        return self.found if self.fits else None

    def slot(self, hint: str = "") -> int:
        self.slots += 1
        if hint:
            self.found.hints[self.slots] = hint
        return self.slots

    def shape(self, pattern: Pattern | None) -> Shape:
        match pattern:
            case nodes.BindPattern(name=name):
                return self.bound("slot", name)
            case nodes.SequencePattern(kind=kind, elements=elements):
                return (kind, *map(self.shape, elements))
            case nodes.StarPattern(name=name, value=None):
                return self.bound("star", name) if name else ("star", self.slot())
            case nodes.ValuePattern(value=ast.Constant(value=value)):
                return ("is", type(value).__name__, value)
            case nodes.ValuePattern(value=value):
                slot = self.slot(_hint(value))
                self.found.keys.append((slot, value))
                return ("slot", slot)
            case nodes.AnyPattern() | None:
                return ("slot", self.slot())
        self.fits = False
        return ()

    def bound(self, what: str, name: str) -> Shape:
        """A variable: where it stands again, it is to agree."""
        if name in self.places:
            if what == "star":
                self.fits = False
            return ("again", self.places[name])
        slot = self.places[name] = self.slot(name)
        if name in self.used:
            self.found.rows[name] = slot
        return (what, slot)


def _hint(value: ast.expr) -> str:
    match value:
        case nodes.Field(name=name) | ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case nodes.Self():
            return "me"
    return "value"


def pattern_of(shape: Shape, names: dict[int, str], at: ast.AST) -> Pattern:
    """The pattern of a shape that binds the slots that have names."""
    match shape:
        case ("slot" | "again", slot) if slot in names:
            return make(nodes.BindPattern, at, name=names[slot])
        case ("star", slot):
            return make(nodes.StarPattern, at, name=names.get(slot), value=None, marked=False)
        case ("is", _, value):
            constant = make(ast.Constant, at, value=value, kind=None)
            return make(nodes.ValuePattern, at, value=constant, marked=False)
        case ("tuple" | "list" as kind, *elements):
            parts = [pattern_of(element, names, at) for element in elements]
            return make(nodes.SequencePattern, at, kind=kind, elements=parts)
    return make(nodes.AnyPattern, at)


def repeated(shape: Shape) -> set[int]:
    """The slots that occur more than once, which have to be bound to be compared."""
    if shape[:1] == ("again",):
        return {shape[1]}
    return {slot for part in shape if isinstance(part, tuple) for slot in repeated(part)}


@dataclass
class Views:
    """The views of one process class, in the order in which its queries ask for them."""

    prefix: str = ""
    free: Callable[[str], str] = str  # a name that nothing else has
    views: list[View] = field(default_factory=list)
    histories: set[str] = field(default_factory=set)  # kept whole, for what no view answers
    checked: bool = False  # whether they are those that properties read

    def view(
        self,
        asked: Split,
        rows: Sequence[int],
        kind: str,
        title: str,
        details: tuple[Any, ...] = (),
    ) -> View:
        """The view of these rows, found or made; `title` is what the messages are called."""
        keys = tuple(slot for slot, _ in asked.keys)
        for known in self.views:
            if (known.split.kind, known.split.shape) == (asked.kind, asked.shape):
                like = (keys, tuple(rows), kind, details)
                if (known.keys, known.rows, known.kind, known.details) == like:
                    if kind != PENDING:  # which is that of one query
                        return known
        name = self.name(asked, keys, rows, kind, title)
        made = View(name, asked, keys, tuple(rows), kind, title, details, checked=self.checked)
        self.views.append(made)
        return self.views[-1]

    def add(self, more: Views) -> None:
        """Keep the views of `more` too."""
        self.views += more.views
        self.histories |= more.histories

    def named(self, attribute: ast.expr) -> View:
        """The view that is read as `self.name`, or `self.name[key]`."""
        inner = attribute.value if isinstance(attribute, ast.Subscript) else attribute
        assert isinstance(inner, ast.Attribute)
        return next(view for view in self.views if view.name == inner.attr)

    def name(
        self, asked: Split, keys: Sequence[int], rows: Sequence[int], kind: str, title: str
    ) -> str:
        """`accepted_by_n_`, and where that is taken `accepted_v_a_by_n_`, or with a number."""
        of = "".join(f"_{asked.hints[slot]}" for slot in rows)
        by = "_by" + "".join(f"_{asked.hints[slot]}" for slot in keys) if keys else ""
        extreme = "" if kind in (DISTINCT, EVERY) else f"{kind.lower()}_"
        short, long = f"{extreme}{title}{by or of}", f"{extreme}{title}{of}{by}"
        if extreme:
            short = long
        taken = Counter(view.name for view in self.views)
        number = 1
        for name in (short, long):
            if not taken[wanted := f"{self.prefix}{name}_"]:
                return self.free(wanted)
        while taken[wanted := f"{self.prefix}{long}_{number + 1}_"]:
            number += 1
        return self.free(wanted)

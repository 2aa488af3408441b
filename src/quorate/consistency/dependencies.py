"""Which transactions have to precede which: the direct serialization graph of Adya 1999.

ww: the second appended next after the first. wr: the second read a list that ends with what the
first appended. rw: the first read a list before the second appended to it. Invariant: only what
follows from committed reads is said, so every dependency gives its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from quorate.consistency.transactions import Elements, Key, Lists, Step, Transaction
from quorate.consistency.values import Value, shown


@dataclass(frozen=True, eq=False)
class Dependency:
    """`before` precedes `after`, because of the list `key`.

    `value` is what the writer among them appended (of ww: the second); `seen` is the list that was
    read, by the other, or by whoever has shown the order; None where nobody read what is last.
    """

    kind: Literal["ww", "wr", "rw"]
    before: Transaction
    after: Transaction
    key: Key
    value: Value
    seen: Elements | None = None
    by: Transaction | None = None

    @property
    def text(self) -> str:
        """The reason, as a sentence without its point."""
        key, value = shown(self.key), shown(self.value)
        one, other = self.before.name, self.after.name
        if self.kind == "wr":
            return f"{other} read {key} as {shown(self.seen)}, last {value}, which {one} appended"
        if self.kind == "rw":
            return f"{one} read {key} as {shown(self.seen)}, before {other} appended {value}"
        if self.by is None:
            return f"{other} appended {value} to {key} after {one}: no list that was read has it"
        read = f"{self.by.name} read {shown(self.seen)}"
        return f"{other} appended {value} to {key} next after {one}, as {read}"


def outside(reader: Transaction, step: Step) -> Elements:
    """What a read has seen, without what its own transaction appended at the end."""
    elements = step.elements or ()
    own = reader.appended(step.key)
    while elements and elements[-1] in own:
        elements = elements[:-1]
    return elements


def dependencies(transactions: Sequence[Transaction], lists: Lists) -> list[Dependency]:
    """All of them. Lists that were read in two orders are left out."""
    found: list[Dependency] = []
    for key in dict.fromkeys([*lists.orders, *lists.unseen]):
        if key not in lists.split:
            found += _of_writes(key, lists)
    for each in transactions:
        for step in each.steps if each.is_committed else ():
            if step.elements is not None and step.key not in lists.split:
                found += _of_read(each, step, lists)
    return [each for each in found if each.before is not each.after]


def _live(key: Key, values: Elements, lists: Lists) -> Iterator[tuple[Transaction, Value]]:
    """The elements whose writers are known, and have not aborted."""
    for value in values:
        writer = lists.writers.get((key, value))
        if writer is not None and not writer.is_aborted:
            yield writer, value


def _of_writes(key: Key, lists: Lists) -> Iterator[Dependency]:
    """The writers of neighbours, and after the last one those of what no list has."""
    seen = lists.orders.get(key, ())
    order = list(_live(key, seen, lists))
    for (before, _), (after, value) in pairwise(order):
        yield Dependency("ww", before, after, key, value, seen, lists.readers[key])
    for after, value in lists.unseen.get(key, ()) if order else ():
        yield Dependency("ww", order[-1][0], after, key, value)


def _of_read(reader: Transaction, step: Step, lists: Lists) -> Iterator[Dependency]:
    """Whom it has read, and who appended next, which is anyone of those whom nobody has read."""
    elements, key = outside(reader, step), step.key
    writer = lists.writers.get((key, elements[-1])) if elements else None
    if writer is not None and not writer.is_aborted:
        yield Dependency("wr", writer, reader, key, elements[-1], elements)
    for after, value in _live(key, lists.orders.get(key, ())[len(elements) :], lists):
        if after is not writer:
            yield Dependency("rw", reader, after, key, value, elements)
            return
    for after, value in lists.unseen.get(key, ()):
        if after is not writer:
            yield Dependency("rw", reader, after, key, value, elements)

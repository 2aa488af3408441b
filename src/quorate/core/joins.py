"""Queries over several kinds of messages, answered from what is new since they were asked last.

From each new row it is only a look into an index to the rows of the other kinds that agree with it
(semi-naive evaluation: Bancilhon and Ramakrishnan 1986, section 4; as a view: Gupta, Mumick and
Subrahmanian 1993), on demand. Invariant: what is known of a query is what going over all rows
would find, in the same order; it can be forgotten at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Protocol

from quorate.core.extremes import Ranked, greater, is_ordered, less, ordered_alike
from quorate.core.kept import Kept
from quorate.core.messages import is_fixed
from quorate.core.pending import Unhashable

if TYPE_CHECKING:
    from quorate.core.process import Process

Numbers = tuple[int, ...]
"""Of each kind of messages the number of a row: one way in which rows come together."""
Test = Callable[..., bool]

MOST = 64
"""Of how many questions a process knows the answers so far; the one asked longest ago goes."""

# Rows -----------------------------------------------------------------------------------------


class Relation(Kept):
    """Different rows of `width` columns, numbered as they come; a kind of rows for core/views.py,
    where a row of one column is the value in it. Here it is a tuple, as all others.

    An index is begun when it is first asked for, and brought up to date whenever it is asked.
    """

    __slots__ = ("indexes", "known", "rows", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows: list[tuple[Any, ...]] = []
        self.known: set[tuple[Any, ...]] = set()
        self.indexes: dict[Numbers, _Index] = {}

    def add(self, row: Any) -> bool:
        row = row if self.width > 1 else (row,) if self.width else ()
        try:
            if row in self.known:
                return False
            self.known.add(row)
        except TypeError:  # it cannot be hashed: that it is there twice does no harm
            pass
        self.rows.append(row)
        return True

    def __iter__(self) -> Iterator[Any]:
        return (row[0] if len(row) == 1 else row for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def matching(self, columns: Numbers, key: tuple[Any, ...]) -> Sequence[int]:
        """The numbers of the rows that have the values `key` in these columns, in order."""
        if not columns:
            return range(len(self.rows))
        index = self.indexes.get(columns)
        if index is None:
            index = self.indexes[columns] = _Index(columns)
        try:
            index.catch_up(self.rows)
            return index.numbers.get(key, ())
        except TypeError:  # something cannot be hashed
            return [n for n, row in enumerate(self.rows) if index.key(row) == key]


class _Index:
    """The numbers of rows by what they have in some columns, of the first `reached` rows."""

    __slots__ = ("columns", "numbers", "reached")

    def __init__(self, columns: Numbers) -> None:
        self.columns = columns
        self.numbers: dict[tuple[Any, ...], list[int]] = {}
        self.reached = 0

    def key(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple([row[column] for column in self.columns])

    def catch_up(self, rows: list[tuple[Any, ...]]) -> None:
        """Raises TypeError where a key cannot be hashed."""
        while self.reached < len(rows):
            self.numbers.setdefault(self.key(rows[self.reached]), []).append(self.reached)
            self.reached += 1


# What is kept of those that have come together ------------------------------------------------


class Together(Protocol):
    """What is to be known of the rows that have come together, and passed the test."""

    def wants(self, numbers: Numbers) -> bool:
        """Whether what is known may change with these."""

    def take(self, numbers: Numbers, row: Any) -> None: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __len__(self) -> int: ...


class First:
    """The one that going over all rows would come to first, if there is one."""

    __slots__ = ("found", "numbers")

    def __init__(self) -> None:
        self.numbers: Numbers | None = None
        self.found: tuple[Any, ...] = ()

    def wants(self, numbers: Numbers) -> bool:
        return self.numbers is None or numbers < self.numbers

    def take(self, numbers: Numbers, row: Any) -> None:
        self.numbers, self.found = numbers, (row,)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


class Different:
    """Each different one, in the order in which going over all rows would come to them."""

    __slots__ = ("found", "sorted")

    def __init__(self) -> None:
        self.found: dict[Any, tuple[Numbers, Any]] = {}
        self.sorted = True

    def wants(self, _: Numbers) -> bool:
        return True

    def take(self, numbers: Numbers, row: Any) -> None:
        try:
            known = self.found.get(row)
        except TypeError:
            known, key = None, Unhashable()
        else:
            key = row
        if known is None or numbers < known[0]:
            self.found[key] = numbers, row
            self.sorted = False

    def __iter__(self) -> Iterator[Any]:
        if not self.sorted:
            self.found = dict(sorted(self.found.items(), key=lambda item: item[1][0]))
            self.sorted = True
        return (row for _, row in self.found.values())

    def __len__(self) -> int:
        return len(self.found)


class Lasting:
    """Each different one that comes together in some way that nothing tells against, in order."""

    __slots__ = ("ways",)

    def __init__(self) -> None:
        self.ways: dict[Any, dict[Numbers, Any]] = {}

    def wants(self, _: Numbers) -> bool:
        return True

    def take(self, numbers: Numbers, row: Any) -> None:
        self.ways.setdefault(self._key(numbers, row), {})[numbers] = row

    def drop(self, numbers: Numbers, row: Any) -> None:
        """These do not count any more."""
        key = self._key(numbers, row)
        ways = self.ways.get(key, {})
        ways.pop(numbers, None)
        if not ways:
            self.ways.pop(key, None)

    @staticmethod
    def _key(numbers: Numbers, row: Any) -> Any:
        try:
            hash(row)
        except TypeError:
            return Unhashable, numbers
        return row

    def __iter__(self) -> Iterator[Any]:
        first = [min(ways.items(), key=itemgetter(0)) for ways in self.ways.values()]
        return (row for _, row in sorted(first, key=itemgetter(0)))

    def __len__(self) -> int:
        return len(self.ways)


class _Best(Different, Ranked):
    """Of those that are totally ordered the best, and all others beside it."""

    __slots__ = ("best",)

    def __init__(self) -> None:
        super().__init__()
        self.best: Any = None

    def take(self, numbers: Numbers, row: Any) -> None:
        if self.best is None:
            self.best = row if is_ordered(row) else None
        elif ordered_alike(row, self.best):
            if self.better(row, self.best):
                del self.found[self.best]
                self.best = row
            elif row != self.best:
                return
        super().take(numbers, row)


class Top(_Best):
    """What is enough for the greatest."""

    __slots__ = ()
    better = staticmethod(greater)


class Bottom(_Best):
    """What is enough for the least."""

    __slots__ = ()
    better = staticmethod(less)


# Queries --------------------------------------------------------------------------------------

Step = tuple[int, Numbers, tuple[tuple[int, int], ...]]
"""A kind of messages, which of its columns are known, and from where: (kind, column) each."""


class Joined:
    """One such query, as a place in the program; what a process knows of it is kept there.

    `kinds` are the columns of each kind of messages, by the variables they are bound to; a
    variable that is named again has to be equal. `wanted` are those that make up a row of the
    answer, of which `kept` is kept. A message of a kind of `denied` tells against what agrees with
    it in all its columns.
    """

    def __init__(
        self,
        kinds: tuple[tuple[str, ...], ...],
        wanted: tuple[str, ...],
        kept: Callable[[], Together] = Different,
        denied: tuple[tuple[str, ...], ...] = (),
    ) -> None:
        self.kinds = (*kinds, *denied)
        self.count = len(kinds)
        self.kept = kept
        homes: dict[str, tuple[int, int]] = {}
        for kind, columns in enumerate(kinds):
            for column, name in enumerate(columns):
                homes.setdefault(name, (kind, column))
        self.homes = tuple(homes.values())
        self.places = tuple(list(homes).index(name) for name in wanted)
        self.denials = [
            (kind, tuple(range(len(columns))), tuple(map(homes.__getitem__, columns)))
            for kind, columns in enumerate(denied, self.count)
        ]
        self.ways = [self._way(start) for start in range(len(self.kinds))]
        self.plainly = self._way(0, in_order=True)

    def _way(self, start: int, *, in_order: bool = False) -> list[Step]:
        """In which order to go on from a row of the kind `start`: to what is known most of."""
        known = {name: (start, column) for column, name in enumerate(self.kinds[start])}
        left = [kind for kind in range(self.count) if kind != start]
        way: list[Step] = []
        while left:
            shared = [sum(name in known for name in self.kinds[kind]) for kind in left]
            kind = left.pop(0 if in_order else shared.index(max(shared)))
            columns = self.kinds[kind]
            matched = tuple(c for c, name in enumerate(columns) if name in known)
            way.append((kind, matched, tuple(known[columns[c]] for c in matched)))
            for column, name in enumerate(columns):
                known.setdefault(name, (kind, column))
        return way

    def open(
        self,
        process: Process,
        relations: tuple[Relation, ...],
        test: Test | None = None,
        params: Callable[[], tuple[Any, ...]] | None = None,
    ) -> Together:
        """What is kept of the rows of `relations` that come together and pass the test.

        The test is given the values of all variables, and reads those from outside in `params`.
        """
        known = self._known(process, relations, params)
        reached, known.reached = known.reached, [len(relation) for relation in relations]
        try:
            for kind in range(len(relations)):
                for numbers in self._new(relations, reached, kind):
                    self._see(known.kept, relations, numbers, test, against=kind >= self.count)
        except Exception:  # going over all rows may end before, and does not if not
            process.joins_.pop(known.key, None)
            return self._afresh(relations, test)
        return known.kept

    def _known(
        self,
        process: Process,
        relations: tuple[Relation, ...],
        params: Callable[[], tuple[Any, ...]] | None,
    ) -> Known:
        """What is known with these values from outside, if they cannot change from inside."""
        known = process.joins_
        try:
            given = () if params is None else params()
            key = (self, *map(id, relations), *map(type, given), *given)
            found: Known | None = known.pop(key, None)
            if found is None:
                found = Known(key, relations, self.kept())
            if is_fixed(given):
                known[key] = found
        except Exception:  # the test may never come to it
            return Known(None, relations, self.kept())
        if len(known) > MOST:
            del known[next(iter(known))]
        return found

    def _new(
        self, relations: tuple[Relation, ...], reached: list[int], start: int
    ) -> Iterator[Numbers]:
        """The ways in which rows come together with one of the kind `start` that is new.

        Those in which one of a kind before it is new have been seen.
        """
        ends = [
            reached[kind] if kind < start < self.count else len(relation)
            for kind, relation in enumerate(relations)
        ]
        chosen = [0] * len(relations)
        for number in range(reached[start], len(relations[start])):
            chosen[start] = number
            yield from _together(relations, self.ways[start], ends, chosen)

    def _afresh(self, relations: tuple[Relation, ...], test: Test | None) -> Together:
        """The same by going over all rows in order, which raises what that raises."""
        kept = self.kept()
        ends = [len(relation) for relation in relations]
        chosen = [0] * len(relations)
        for number in range(len(relations[0])):
            chosen[0] = number
            for numbers in _together(relations, self.plainly, ends, chosen):
                self._see(kept, relations, numbers, test)
        return kept

    def _see(
        self,
        kept: Together,
        relations: tuple[Relation, ...],
        numbers: Numbers,
        test: Test | None,
        *,
        against: bool = False,
    ) -> None:
        """Keep the rows of these numbers if they count; or drop them, if something is `against`."""
        numbers = numbers[: self.count]
        if not kept.wants(numbers):
            return
        values = [relations[kind].rows[numbers[kind]][column] for kind, column in self.homes]
        row: Any = tuple([values[place] for place in self.places])
        row = row[0] if len(row) == 1 else row
        if against:
            assert isinstance(kept, Lasting)
            kept.drop(numbers, row)
        elif not self._is_denied(relations, numbers) and (test is None or test(*values)):
            kept.take(numbers, row)

    def _is_denied(self, relations: tuple[Relation, ...], numbers: Numbers) -> bool:
        for kind, columns, sources in self.denials:
            key = tuple([relations[k].rows[numbers[k]][column] for k, column in sources])
            if len(relations[kind].matching(columns, key)):
                return True
        return False


def _together(
    relations: tuple[Relation, ...], way: list[Step], ends: list[int], chosen: list[int]
) -> Iterator[Numbers]:
    """The ways to go on from the rows chosen so far, each number below its end."""
    if not way:
        yield tuple(chosen)
        return
    (kind, columns, sources), *rest = way
    key = tuple([relations[source].rows[chosen[source]][column] for source, column in sources])
    for number in relations[kind].matching(columns, key):
        if number >= ends[kind]:
            return
        chosen[kind] = number
        yield from _together(relations, rest, ends, chosen)


class Known:
    """What a process knows of one question; `relations` stay alive, so that `key` stays theirs."""

    __slots__ = ("kept", "key", "reached", "relations")

    def __init__(self, key: Any, relations: tuple[Relation, ...], kept: Together) -> None:
        self.key = key
        self.relations = relations
        self.kept = kept
        self.reached = [0] * len(relations)

"""Histories of transactions that append to lists and read them: what each did, and saw.

A transaction is an operation `txn` with a list of `["append", key, value]` and `["r", key, null]`;
its result has the lists that were read. Invariant: nothing is appended twice to a key, so every
element of a list tells its writer (Kingsbury and Alvaro 2020, section 4).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from quorate.consistency.history import History, HistoryError, Operation, client_name
from quorate.consistency.values import Value, clipped, is_list, shown

Key = Hashable
Elements = tuple[Value, ...]


@dataclass(frozen=True)
class Step:
    """An append of `value` to a list, or a read, which has seen `elements` (None: not known)."""

    key: Key
    appends: bool
    value: Value = None
    elements: Elements | None = None


@dataclass(frozen=True, eq=False)
class Transaction:
    """A transaction; `name` is T and its number in the order of invocations, from 1."""

    name: str
    operation: Operation
    steps: tuple[Step, ...]

    @property
    def is_committed(self) -> bool:
        return self.operation.outcome == "returned"

    @property
    def is_aborted(self) -> bool:
        return self.operation.outcome == "failed"

    def appended(self, key: Key) -> list[Value]:
        """What it has appended to a list, in its order."""
        return [each.value for each in self.steps if each.appends and each.key == key]

    def __str__(self) -> str:
        """What it did, on one line: `T1 (client 1, line 3): append x 1, r y [2]`."""
        steps = ", ".join(_shown(each) for each in self.steps)
        place = f"{client_name(self.operation.client)}, line {self.operation.invoked}"
        end = "" if self.is_committed else ", aborted" if self.is_aborted else ", unknown"
        return f"{self.name} ({place}{end}): {clipped(steps, 100)}"


def _shown(step: Step) -> str:
    if step.appends:
        return f"append {shown(step.key, 20)} {shown(step.value, 20)}"
    seen = "?" if step.elements is None else shown(step.elements, 40)
    return f"r {shown(step.key, 20)} {seen}"


@dataclass
class Lists:
    """Who has appended what, and what is known of the order of the elements of each list.

    `orders` has the longest list that a committed transaction has read, `readers` says which one;
    `split` has the keys that were read as two lists of which neither begins with the other, and by
    whom; `unseen` what committed transactions appended that is in no order.
    """

    writers: dict[tuple[Key, Value], Transaction] = field(default_factory=dict)
    orders: dict[Key, Elements] = field(default_factory=dict)
    readers: dict[Key, Transaction] = field(default_factory=dict)
    split: dict[Key, tuple[Transaction, Elements]] = field(default_factory=dict)
    unseen: dict[Key, list[tuple[Transaction, Value]]] = field(default_factory=dict)


def transactions_of(history: History) -> list[Transaction]:
    """All transactions, aborted ones among them. Raises `HistoryError` for anything else."""
    found = []
    for number, operation in enumerate(history.operations, 1):
        found.append(Transaction(f"T{number}", operation, tuple(_steps(operation))))
    return found


def lists_of(transactions: Sequence[Transaction]) -> Lists:
    """What is known of the lists. Raises `HistoryError` if a value is appended twice to a key."""
    lists = Lists()
    appends = [(each, step) for each in transactions for step in each.steps if step.appends]
    for writer, step in appends:
        place = (step.key, step.value)
        if place in lists.writers:
            what = f"{shown(step.value)} is appended to {shown(step.key)} a second time"
            message = f"{what}, after line {lists.writers[place].operation.invoked}"
            raise HistoryError("Q304", message, _ONCE, writer.operation.invoked)
        lists.writers[place] = writer
    reads = list(_committed_reads(transactions))
    for reader, key, elements in reads:
        if len(elements) > len(lists.orders.get(key, ())):
            lists.orders[key] = elements
            lists.readers[key] = reader
    for reader, key, elements in reads:
        if lists.orders.get(key, ())[: len(elements)] != elements:
            lists.split.setdefault(key, (reader, elements))
    seen = {key: set(order) for key, order in lists.orders.items()}
    for writer, step in appends:
        if writer.is_committed and step.value not in seen.get(step.key, ()):
            lists.unseen.setdefault(step.key, []).append((writer, step.value))
    return lists


def _committed_reads(
    transactions: Sequence[Transaction],
) -> Iterator[tuple[Transaction, Key, Elements]]:
    for each in transactions:
        for step in each.steps if each.is_committed else ():
            if step.elements is not None:
                yield each, step.key, step.elements


def _steps(operation: Operation) -> Iterator[Step]:
    line = operation.invoked
    if operation.name != "txn" or len(operation.args) != 1:
        raise _wrong(f"this is no transaction, but {clipped(operation.call, 60)}", line)
    asked = operation.args[0]
    if not (isinstance(asked, tuple) and is_list(asked)):
        raise _wrong(f"a transaction is a list of steps, not {shown(asked)}", line)
    answered: Sequence[Value | None] = [None] * len(asked)
    if operation.outcome == "returned":
        result = operation.result
        if not (isinstance(result, tuple) and is_list(result) and len(result) == len(asked)):
            message = f"the result has to have the {len(asked)} steps that were asked for"
            raise _wrong(message, operation.returned)
        answered = result
    for one, other in zip(asked, answered, strict=True):
        yield _step(one, other, operation)


def _step(asked: Value, answered: Value | None, operation: Operation) -> Step:
    if not (isinstance(asked, tuple) and is_list(asked) and len(asked) == 3):
        raise _wrong(f"{shown(asked)} is no step of a transaction", operation.invoked)
    name, key, value = asked
    if name == "append":
        if answered is not None and answered != asked:
            raise _changed(asked, answered, operation)
        return Step(key, True, value)
    if name != "r" or value is not None:
        raise _wrong(f"{shown(asked)} is no step of a transaction", operation.invoked)
    if answered is None:
        return Step(key, False)
    if not (isinstance(answered, tuple) and is_list(answered) and answered[:2] == ("r", key)):
        raise _changed(asked, answered, operation)
    elements = answered[2] if len(answered) == 3 else False
    if elements is None:
        return Step(key, False, elements=())
    if not (isinstance(elements, tuple) and is_list(elements)):
        raise _wrong(f"a read gives a list or null, not {shown(answered)}", operation.returned)
    return Step(key, False, elements=elements)


def _changed(asked: Value, answered: Value, operation: Operation) -> HistoryError:
    return _wrong(f"the step {shown(asked)} has become {shown(answered)}", operation.returned)


def _wrong(message: str, line: int | None) -> HistoryError:
    return HistoryError("Q303", message, _EXAMPLE, line)


_ONCE = "append each value once to a key, so that a read tells whom it has read"
_EXAMPLE = (
    'invoke txn with "args": [[["append", "x", 1], ["r", "y", null]]], '
    'and return "result": [["append", "x", 1], ["r", "y", [2, 3]]]'
)

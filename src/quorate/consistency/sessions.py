"""The session guarantees of Terry et al. 1994, of histories of registers and key-value stores.

A guarantee holds if the writes to each key have one order, the same for all, in which each read
and write stands to those before it in its session, a client's operations, as the guarantee says.
Invariant: a violation is a cycle of writes, each of which has to precede the next for a reason.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from quorate.consistency.cycles import shortest_cycle
from quorate.consistency.history import History, HistoryError, Operation, Session, client_name
from quorate.consistency.limits import Verdict
from quorate.consistency.models import Model, Register, suited
from quorate.consistency.values import TRUE, Value, shown

READ_YOUR_WRITES: Final = "read your writes"
MONOTONIC_READS: Final = "monotonic reads"
MONOTONIC_WRITES: Final = "monotonic writes"
WRITES_FOLLOW_READS: Final = "writes follow reads"
ALL: Final = "all four together"
GUARANTEES: Final = (READ_YOUR_WRITES, MONOTONIC_READS, MONOTONIC_WRITES, WRITES_FOLLOW_READS)

Key = Hashable
_SUITED = "judge a register, or a key-value store without `append`"


@dataclass(frozen=True, eq=False)
class Write:
    """A write to a key. The first one, of null, is nobody's: `operation` is None."""

    key: Key
    value: Value
    operation: Operation | None

    def __str__(self) -> str:
        if self.operation is None:
            return "the initial null"
        return f"{client_name(self.operation.client)}'s {self.operation.call}"


@dataclass(frozen=True)
class Reason:
    """Why one write has to precede another."""

    before: Write
    after: Write
    text: str


@dataclass(frozen=True)
class Guarantee:
    """The verdict on a guarantee; where it is violated, `cycle` shows why, or `impossible` says."""

    name: str
    verdict: Verdict
    cycle: tuple[Reason, ...] = ()
    impossible: str = ""


@dataclass(frozen=True)
class Sessions:
    """The verdicts on the guarantees, each alone, and on all of them with one order of writes.

    `verdict` is that on all; it is UNKNOWN, for a `reason`, where it is not known who was read.
    """

    verdict: Verdict
    history: History
    guarantees: tuple[Guarantee, ...] = ()
    reason: str = ""


def check_sessions(history: History, model: Model) -> Sessions:
    """Judge a history of `read`, `write` and `cas`, or of `get`, `put`, `cas` and `delete`.

    Raises `HistoryError` for other operations. The time is linear in what a client does with a key.
    """
    operations = suited(history, model)
    if not isinstance(model, Register):
        raise HistoryError(
            "Q304", f"session guarantees say nothing of the model {model.name}", _SUITED
        )
    for each in operations:
        if each.name == "append":
            message = "session guarantees say nothing of `append`"
            raise HistoryError("Q304", message, _SUITED, each.invoked)
    sources = _Sources(history, operations, model)
    if sources.ambiguous is not None:
        return Sessions(Verdict.UNKNOWN, history, reason=sources.ambiguous)
    if sources.impossible is not None:
        verdict, why = Verdict.VIOLATED, sources.impossible
        found = tuple(Guarantee(name, verdict, impossible=why) for name in (*GUARANTEES, ALL))
        return Sessions(verdict, history, found)
    graphs = {name: _Graph(sources) for name in GUARANTEES}
    together = _Graph(sources)
    for name, graph in graphs.items():
        _require(name, operations, sources, graph)
        _require(name, operations, sources, together)
    guarantees = tuple(graph.judged(name) for name, graph in {**graphs, ALL: together}.items())
    return Sessions(guarantees[-1].verdict, history, guarantees)


class _Graph:
    """Which writes have to precede which.

    Between writes stand joints, numbers without a meaning of their own: what precedes a joint
    precedes all that follows it, so that `n` writes before `n` others take 2n edges.
    """

    def __init__(self, sources: _Sources) -> None:
        self._edges: dict[Write | int, dict[Write | int, int]] = {}
        self._texts: dict[tuple[Write | int, Write | int], str] = {}
        self._joints = 0
        first = {each.key: each for each in sources.initial()}
        for write in sources.all():
            self.add(first[write.key], write, "null is there before anything is written")

    def add(self, before: Write | int, after: Write | int, text: str = "") -> None:
        """A write, or all before a joint, precedes another; the text is that of its end."""
        self._edges.setdefault(before, {})[after] = 0 if isinstance(after, int) else 1
        self._edges.setdefault(after, {})
        self._texts.setdefault((before, after), text)

    def joint(self, before: int | None) -> int:
        """A new joint; what precedes the one before precedes it too."""
        self._joints += 1
        if before is not None:
            self.add(before, self._joints)
        return self._joints

    def judged(self, name: str) -> Guarantee:
        cycle = shortest_cycle(self._edges)
        if cycle is None:
            return Guarantee(name, Verdict.HOLDS)
        start = next(index for index, node in enumerate(cycle) if isinstance(node, Write))
        cycle = [*cycle[start:], *cycle[: start + 1]]
        reasons, before, text = [], cycle[0], ""
        for one, other in pairwise(cycle):
            text += self._texts[one, other]
            if isinstance(other, Write):
                assert isinstance(before, Write)
                reasons.append(Reason(before, other, text))
                before, text = other, ""
        return Guarantee(name, Verdict.VIOLATED, tuple(reasons))


class _Sources:
    """The writes of a history, and which of them each read has read.

    `ambiguous` says why that cannot be known, `impossible` that a read has read what is no write's.
    """

    def __init__(self, history: History, operations: Sequence[Operation], model: Model) -> None:
        key = self.key = model.key
        self.ambiguous: str | None = None
        self.impossible: str | None = None
        self._writes: dict[tuple[Key, Value], list[Write]] = {}
        self._of: dict[int, Write] = {}
        for each in operations:
            if (value := _written(each)) is not None:
                write = Write(key(each), value[0], each)
                self._of[each.invoked] = write
                self._writes.setdefault((write.key, write.value), []).append(write)
        for one in dict.fromkeys(key(each) for each in operations):
            self._writes.setdefault((one, None), []).insert(0, Write(one, None, None))
        failed = {
            (key(each), value[0])
            for each in history.operations
            if each.outcome == "failed" and (value := _written(each)) is not None
        }
        for each in operations:
            if (read := _read(each)) is not None:
                self._look_up(each, read[0], failed)

    def initial(self) -> Iterator[Write]:
        """The first write of each key."""
        yield from (own[0] for (_, value), own in self._writes.items() if value is None)

    def of(self, operation: Operation) -> Write | None:
        """The write that the operation is."""
        return self._of.get(operation.invoked)

    def read_by(self, operation: Operation) -> Write | None:
        """The write that the operation has read."""
        if (value := _read(operation)) is None:
            return None
        return self._writes[self.key(operation), value[0]][0]

    def all(self) -> Iterator[Write]:
        """Every write but the initial ones."""
        yield from self._of.values()

    def _look_up(self, read: Operation, value: Value, failed: set[tuple[Key, Value]]) -> None:
        found = self._writes.get((self.key(read), value), [])
        who = f"{client_name(read.client)}'s {read} in line {read.returned}"
        if not found and self.impossible is None:
            whose = "a write that has failed" if (self.key(read), value) in failed else "nobody"
            self.impossible = f"{who} has read what was written by {whose}"
        if len(found) > 1 and self.ambiguous is None:
            self.ambiguous = (
                f"{who} has read what was written more than once: "
                "write each value once, and not null, so that it is known what was read"
            )


def _require(name: str, operations: Sequence[Operation], sources: _Sources, graph: _Graph) -> None:
    """Add what the guarantee asks of each session, key by key."""
    key = sources.key
    sessions: dict[tuple[Session, Key], _Session] = {}
    for each in operations:
        who = (each.session, key(each))
        session = sessions.setdefault(who, _SESSIONS[name](graph, client_name(each.client)))
        if (source := sources.read_by(each)) is not None:
            session.read(source, each.returned or each.invoked)
        if (write := sources.of(each)) is not None:
            session.write(write, each.returned is not None)


class _Session:
    """What a client does with a key, in its order; adds what has to precede what."""

    def __init__(self, graph: _Graph, client: str) -> None:
        self.graph = graph
        self.client = client
        self.before: tuple[Write, str] | None = None

    def read(self, source: Write, line: int) -> None:
        """It has read what this write had written."""

    def write(self, write: Write, is_done: bool) -> None:
        """It has written; unless that is done, it may take effect later, or never."""


class _ReadYourWrites(_Session):
    def __init__(self, graph: _Graph, client: str) -> None:
        super().__init__(graph, client)
        self.own: list[tuple[Write, int]] = []  # with the joint that follows it

    def read(self, source: Write, line: int) -> None:
        place = next((i for i, (own, _) in enumerate(self.own) if own is source), len(self.own))
        text = f" before it read {shown(source.value)} in line {line}"
        if place:
            self.graph.add(self.own[place - 1][1], source, text)
        for write, _ in self.own[place + 1 :]:
            self.graph.add(write, source, f"{self._wrote(write)}{text}")

    def write(self, write: Write, is_done: bool) -> None:
        if is_done:
            joint = self.graph.joint(self.own[-1][1] if self.own else None)
            self.graph.add(write, joint, self._wrote(write))
            self.own.append((write, joint))

    def _wrote(self, write: Write) -> str:
        return f"{self.client} wrote {shown(write.value)}"


class _MonotonicReads(_Session):
    def read(self, source: Write, line: int) -> None:
        said = f"{shown(source.value)} in line {line}"
        if self.before is not None and self.before[0] is not source:
            text = f"{self.client} read {self.before[1]}, and then {said}"
            self.graph.add(self.before[0], source, text)
        self.before = source, said


class _MonotonicWrites(_Session):
    def write(self, write: Write, is_done: bool) -> None:
        said = shown(write.value)
        if self.before is not None:
            text = f"{self.client} wrote {self.before[1]}, and then {said}"
            self.graph.add(self.before[0], write, text)
        if is_done:
            self.before = write, said


class _WritesFollowReads(_Session):
    joint: int | None = None

    def read(self, source: Write, line: int) -> None:
        self.joint = self.graph.joint(self.joint)
        text = f"{self.client} read {shown(source.value)} in line {line}"
        self.graph.add(source, self.joint, text)

    def write(self, write: Write, is_done: bool) -> None:
        if self.joint is not None:
            self.graph.add(self.joint, write, f" before it wrote {shown(write.value)}")


_SESSIONS: Final[dict[str, type[_Session]]] = {
    READ_YOUR_WRITES: _ReadYourWrites,
    MONOTONIC_READS: _MonotonicReads,
    MONOTONIC_WRITES: _MonotonicWrites,
    WRITES_FOLLOW_READS: _WritesFollowReads,
}


def _written(operation: Operation) -> tuple[Value] | None:
    """The value that an operation has written, or may have."""
    if operation.name in ("write", "put"):
        return (operation.args[-1],)
    if operation.name == "delete":
        return (None,)
    if operation.name == "cas" and bool(operation.result):
        return (operation.args[-1],)
    return None


def _read(operation: Operation) -> tuple[Value] | None:
    """The value that an operation has read."""
    if operation.name in ("read", "get"):
        return (operation.result,)
    if operation.name == "cas" and operation.result is TRUE:
        return (operation.args[-2],)
    return None

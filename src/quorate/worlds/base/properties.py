"""Watching a run: which properties of the program hold, after each step of a process.

A process counts from when it is set up, and in its last state for ever: one that has ended, or
crashed, as it was, one that was restarted as it is. Invariant: a property is looked at again only
when something has changed that it reads, and then only with the process that has changed.
"""

from __future__ import annotations

import linecache
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from quorate.core.errors import PropertyFailed
from quorate.core.frames import Read
from quorate.core.ids import ProcessId
from quorate.core.ordering import repr_of
from quorate.core.process import Process
from quorate.core.properties import Property, Question, Reading, Specification, newest, read_of
from quorate.worlds.base.reports import seen_from_here, told


class _Use(NamedTuple):
    """What a question asks of the processes of one class; of any of them without a variable."""

    of: Property
    question: Question
    variable: str | None
    fields: frozenset[str]
    histories: bool
    news: Sequence[Any]


class _Known:
    """A process as it was when it was last looked at."""

    __slots__ = ("process", "reads", "rows")

    def __init__(self, process: Process, uses: Iterable[_Use]) -> None:
        self.process = process
        self.reads: dict[str, list[Read] | None] = {}
        self.rows: dict[str, tuple[Any, int]] = {}
        for use in uses:
            self.reads |= {name: read_of(process, name) for name in use.fields}
            for news in use.news:
                view = getattr(process, news.view)
                self.rows[news.view] = view, len(view)

    def changed(self) -> set[str]:
        """The fields that may have changed since, which are looked at anew."""
        found = set()
        for name, reads in self.reads.items():
            if reads is None or any(home.get(key) is not value for home, key, value in reads):
                found.add(name)
                self.reads[name] = read_of(self.process, name)
        return found

    def new_rows(self) -> dict[str, list[Any]]:
        """By view: the rows that have come since."""
        found = {}
        for name, (view, count) in self.rows.items():
            now = getattr(self.process, name)
            size = len(now)
            before = count if now is view else 0
            if size != before or now is not view:
                found[name] = newest(now, size - before)
                self.rows[name] = now, size
        return found


class Watch:
    """Looks at processes after their steps. `reached` are those of `sometimes`, as they come.

    Times are in seconds; bounds are counted from `begin`. `due` is when something is to be so,
    `idle` are classes of which no property asks anything.
    """

    def __init__(self, properties: Iterable[Property], begin: float = 0.0) -> None:
        self.properties = list(properties)
        self.begin = begin
        self.reached: list[Property] = []
        self.idle: set[type] = set()
        self._processes: dict[ProcessId, Process] = {}
        self._members: dict[Any, list[Process]] = {}
        self._known: dict[ProcessId, _Known] = {}
        self._uses: dict[type, list[_Use]] = {}
        self._owed: dict[Property, dict[Any, float]] = {}  # since when
        self._asked: dict[Property, set[Any]] = {}
        self._timed = [p for p in self.properties if p.kind == "eventually" and p.within]
        self.due = math.inf
        self._set_due()

    def processes(self, cls: Any) -> list[Process]:
        """All processes of a class, in the order in which they were made."""
        found = self._members.get(cls)
        if found is None:
            found = [p for p in self._processes.values() if isinstance(p, cls)]
            found.sort(key=lambda process: process.id_)
            self._members[cls] = found
        return found

    # After a step.

    def after(self, process: Process, now: float, step: int = 0) -> None:
        """Look at what a step of `process` has changed. Raises PropertyFailed."""
        uses = self._uses.get(type(process))
        if uses is None:
            uses = self._uses[type(process)] = list(self._uses_of(type(process)))
        if not uses:
            self.idle.add(type(process))
            return
        known = self._known.get(process.id_)
        changed: set[str] | None
        rows: dict[str, list[Any]]
        if known is None or known.process is not process:
            if not process.set_up_:
                return
            self._processes[process.id_] = process
            self._members.clear()
            self._known[process.id_] = _Known(process, uses)
            changed, rows = None, {}
        else:
            changed = known.changed()
            if not (changed or process.unseen_):
                return
            rows = known.new_rows() if process.unseen_ else {}
        seen, process.unseen_ = process.unseen_, False
        self._look(process, uses, changed, seen, rows, (now, step))

    def _look(
        self,
        process: Process,
        uses: list[_Use],
        changed: set[str] | None,
        seen: bool,
        rows: dict[str, list[Any]],
        at: tuple[float, int],
    ) -> None:
        again = []
        for use in uses:
            each = use.of
            if each.kind == "eventually":
                continue
            anew = changed is None or use.fields & changed or (use.histories and seen)
            if anew and each.kind == "leads_to":
                again.append(each)
                continue
            try:
                asked = self._answers(use, process) if anew else self._newly(use, process, rows)
                answer = next(iter(asked), None)
            except Exception as error:
                raise unanswered(each, error, _when(at, process)) from error
            if answer is not None and each.kind == "always":
                raise refuted(each, use.question, answer, _when(at, process))
            if answer is not None and each not in self.reached:
                self.reached.append(each)
                self._uses.clear()
        for each in dict.fromkeys(again):
            try:
                self._note(each, at[0])
            except Exception as error:
                raise unanswered(each, error, _when(at, process)) from error

    def _answers(self, use: _Use, process: Process) -> Iterable[tuple[Any, ...]]:
        sets = self._sets(use.question, use.variable, process)
        return use.question.find(self.processes, *sets)

    def _newly(
        self, use: _Use, process: Process, rows: dict[str, list[Any]]
    ) -> Iterator[tuple[Any, ...]]:
        for news in use.news:
            if new := rows.get(news.view):
                sets = self._sets(use.question, use.variable, process)
                yield from news.find(self.processes, *sets, new)

    def _sets(
        self, question: Question, variable: str | None, process: Process | None = None
    ) -> list[Any]:
        """The processes that each variable goes over: `variable` the one alone."""
        return [
            (process,) if name == variable else self.processes(cls)
            for name, cls in question.over.items()
        ]

    def _uses_of(self, cls: type) -> Iterator[_Use]:
        """What is asked of a class; of `eventually`, only that its processes are known."""
        for each in self.properties:
            for question in () if each in self.reached else each.questions:
                of: list[tuple[str | None, Any, Reading]]
                of = [(None, known, reading) for known, reading in question.inside]
                for variable, known in question.over.items():
                    of.append((variable, known, question.reads.get(variable, Reading())))
                for name, known, (fields, histories) in of:
                    news = [news for news in question.news if news.variable == name]
                    if issubclass(cls, known) and each.kind == "eventually":
                        yield _Use(each, question, name, frozenset(), False, ())
                    elif issubclass(cls, known):
                        yield _Use(each, question, name, frozenset(fields), histories, news)

    # What is to come.

    def _note(self, each: Property, now: float) -> None:
        """What `leads_to` owes, and since when: what has come to be asked, and is not settled."""
        owed, settled = (set(q.find(self.processes)) for q in each.questions)
        since = self._owed.setdefault(each, {})
        new = owed - self._asked.get(each, set())
        self._asked[each] = owed
        since |= dict.fromkeys(new - since.keys(), now)
        for member in settled & since.keys():
            del since[member]
        self._set_due()

    def _set_due(self) -> None:
        times = [self.begin + (each.within or 0.0) for each in self._timed]
        for each in self.properties:
            if each.kind == "leads_to" and each.within is not None:
                within = each.within
                since = self._owed.get(each, {}).values()
                times += [max(time, self.begin) + within for time in since]
        self.due = min(times, default=math.inf)

    def by(self, now: float) -> None:
        """Look at what is due at a time at which nothing happens. Raises PropertyFailed."""
        for each in list(self._timed):
            if self.begin + (each.within or 0.0) <= now:
                self._timed.remove(each)
                self._finally(each, now)
        for each in self.properties:
            for member, since in self._owed.get(each, {}).items():
                if each.within is not None and max(since, self.begin) + each.within <= now:
                    raise self._unsettled(each, member, since, now)
        self._set_due()

    def end(self, now: float) -> None:
        """The run is over, and nothing is to come any more. Raises PropertyFailed."""
        for each in self.properties:
            if each.kind == "eventually":
                self._finally(each, now)
            for member, since in self._owed.get(each, {}).items():
                raise self._unsettled(each, member, since, now)

    def _finally(self, each: Property, now: float) -> None:
        for question in each.questions:
            sets = self._sets(question, None)
            try:
                answer = next(iter(question.find(self.processes, *sets)), None)
            except Exception as error:
                raise unanswered(each, error, _when((now, 0), None)) from error
            if answer is not None:
                raise refuted(each, question, answer, _when((now, 0), None))

    # What is said.

    def _unsettled(self, each: Property, member: Any, since: float, now: float) -> PropertyFailed:
        what = f"`{each.name}` is owed since {since:.6f} s, and not settled at {now:.6f} s"
        owed = f"owed to: {repr_of(member)}"
        return _failed("Q122", each, what, [owed], f"{owed}, since {since:.6f} s")


def refuted(
    each: Property, question: Question, answer: tuple[Any, ...], when: str
) -> PropertyFailed:
    """What is said of a property whose question has found what it must not find."""
    code = "Q120" if each.kind == "always" else "Q122"
    variables = ", ".join(
        f"{name} = {value.id_ if isinstance(value, Process) else repr_of(value)}"
        for name, value in zip(question.names, answer, strict=True)
    )
    what = f"`{each.name}` does not hold {when}"
    return _failed(code, each, what, list(witness_of(question, answer)), variables)


def unfulfilled(each: Property, what: str, member: tuple[Any, ...]) -> PropertyFailed:
    """What is said of a property of what is to come, which never does; it is owed to `member`."""
    head, *details = what.splitlines()
    why = f"owed to: {repr_of(member[0])}" if member else details[0].strip()
    return _failed("Q122", each, head, [line.strip() for line in details], why)


def unanswered(each: Property, error: Exception, when: str) -> PropertyFailed:
    """What is said of a property that has failed itself."""
    text, trace = told(error)
    what = f"`{each.name}` cannot be answered {when}: {text}\n{trace}"
    return PropertyFailed("Q127", what, each.name, at_of(each), text)


def at_of(each: Property | Specification) -> str:
    """FILE:LINE of a property, or of a specification."""
    return f"{seen_from_here(each.file)}:{each.line}"


def _when(at: tuple[float, int], process: Process | None) -> str:
    """The time, and whose step it was, if it was one's."""
    now, step = at
    return f"at {now:.6f} s{'' if process is None else after_step(step, process.id_)}"


def after_step(step: int, process: ProcessId) -> str:
    return f", after step {step}, which {process!r} took"


def never_reached(each: Property, where: str) -> str:
    """What is said of a property of `sometimes` that held nowhere; `where` says in how much."""
    head = f"error[Q121]: `{each.name}` is to hold sometimes, and never did in {where}"
    return "\n".join([head, *place_of(each.file, each.line, each.name)])


def _failed(code: str, each: Property, what: str, details: list[str], why: str) -> PropertyFailed:
    lines = [what, *place_of(each.file, each.line, each.name), *(f"  {line}" for line in details)]
    return PropertyFailed(code, "\n".join(lines), each.name, at_of(each), why)


def place_of(file: str, line: int, name: str = "") -> list[str]:
    """A line of the program, as a traceback has it."""
    text = linecache.getline(file, line).strip()
    inside = f", in {name}" if name else ""
    return [f'  File "{seen_from_here(file)}", line {line}{inside}', f"    {text}"]


def witness_of(question: Question, answer: tuple[Any, ...]) -> Iterator[str]:
    """What the variables of a question are that makes it true, with the fields it reads."""
    for name, value in zip(question.names, answer, strict=True):
        if not isinstance(value, Process):
            yield f"{name} = {repr_of(value)}"
            continue
        yield f"{name} = {value.id_!r}"
        for field in question.reads.get(name, Reading()).fields:
            if field in value.__dict__:
                yield f"{name}.{field} = {repr_of(value.__dict__[field])}"

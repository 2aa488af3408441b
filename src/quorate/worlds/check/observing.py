"""What properties can tell apart: local states by what they read, and states by these.

Two local states that agree in all that any property reads have the same number here, so that a
property is asked once for each combination of them, and not for each state. Invariant: a process
counts from when it is set up, and in its last state for ever, as in the other worlds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quorate.core.freeze import RAW, Freezer
from quorate.core.naming import Modules
from quorate.core.ordering import creation
from quorate.core.process import Process
from quorate.core.properties import Property, Question
from quorate.worlds.check.steps import Reads

UNSEEN = 0
"""Of a process that is not there yet, or of which no property asks anything."""


@dataclass(frozen=True)
class Found:
    """What a question of a property has found: a contradiction, or a witness.

    `error` is what the property itself has failed by.
    """

    property: Property
    question: Question
    answer: tuple[Any, ...] = ()
    error: Exception | None = None


class Observer:
    """Asks the properties of a program about its states."""

    def __init__(self, properties: Iterable[Property], modules: Mapping[str, Any]) -> None:
        self.properties = list(properties)
        self.always = [each for each in self.properties if each.kind == "always"]
        self.begin()
        self.modules = Modules(modules)
        self._processes: list[Process | None] = [None]
        self._numbers: dict[Any, int] = {}
        self._reads: dict[type, Reads | None] = {}

    def begin(self) -> None:
        """Nothing has been reached yet."""
        self.sometimes = [each for each in self.properties if each.kind == "sometimes"]

    def classes(self) -> set[type[Process]]:
        """Those of the processes that properties have been asked about."""
        return {type(each) for each in self._processes if each is not None}

    def number(self, slot: int, state: Any, process: Process) -> int:
        """What properties can tell of the process in `slot`, whose state is `state`."""
        reads = self.reads_of(type(process))
        if reads is None or not process.set_up_:
            return UNSEEN
        fields, histories = reads
        if histories:
            key: Any = (slot, state)
        else:
            own = vars(process)
            values = tuple([(name, own[name]) for name in fields if name in own])
            if not RAW.issuperset([type(value) for _, value in values]):
                values = Freezer(process, self.modules).frozen(values)
            key = (slot, values)
        number = self._numbers.setdefault(key, len(self._processes))
        if number == len(self._processes):
            self._processes.append(process)
        return number

    def reads_of(self, cls: type) -> Reads | None:
        """What properties read of the processes of a class, if anything."""
        if cls not in self._reads:
            fields: set[str] = set()
            histories = asked = False
            for question in (q for each in self.properties for q in each.questions):
                of = [(known, reading) for known, reading in question.inside]
                for name, known in question.over.items():
                    asked |= issubclass(cls, known)
                    histories |= issubclass(cls, known) and any(
                        news.variable == name for news in question.news
                    )
                    if name in question.reads:
                        of.append((known, question.reads[name]))
                for known, reading in of:
                    if issubclass(cls, known):
                        asked = True
                        fields |= set(reading.fields)
                        histories |= reading.histories
            self._reads[cls] = (tuple(sorted(fields)), histories) if asked else None
        return self._reads[cls]

    def refuted(self, numbers: Sequence[int]) -> Found | None:
        """The first property of `always` that does not hold of processes as numbered."""
        return next(self._ask(self.always, numbers), None)

    def reached(self, numbers: Sequence[int]) -> list[Found]:
        """The properties of `sometimes` that hold of them; these are asked no more."""
        found = list(self._ask(self.sometimes, numbers))
        gone = {each.property for each in found}
        self.sometimes = [each for each in self.sometimes if each not in gone]
        return found

    def found(self, each: Property, numbers: Sequence[int]) -> Found | None:
        """What the questions of one property find of processes as numbered, if anything."""
        return next(self._ask([each], numbers), None)

    def _ask(self, properties: Iterable[Property], numbers: Sequence[int]) -> Iterator[Found]:
        for each in properties:
            for question in each.questions:
                if not self.concerns(question, numbers):
                    continue
                try:
                    answer = next(iter(self.answers(question, numbers)), None)
                except Exception as error:
                    yield Found(each, question, error=error)
                else:
                    if answer is not None:
                        yield Found(each, question, tuple(answer))

    def concerns(self, question: Question, numbers: Sequence[int]) -> bool:
        """Whether a process of the classes that a question names is there yet."""
        named = (*question.over.values(), *(cls for cls, _ in question.inside))
        return any(isinstance(self._processes[number], named) for number in numbers)

    def answers(self, question: Question, numbers: Sequence[int]) -> Iterable[Any]:
        """What a question finds of processes as numbered. Raises whatever the property raises."""
        there = [self._processes[number] for number in numbers if number != UNSEEN]
        processes = sorted((each for each in there if each is not None), key=_creation)

        def members(cls: Any) -> list[Process]:
            return [each for each in processes if isinstance(each, cls)]

        return question.find(members, *map(members, question.over.values()))


def _creation(process: Process) -> Any:
    return creation(process.id_)

"""Telling of a run, event by event: what is the same of all worlds whose runs can be told.

Invariant: what is told follows from the run alone, and an event tells of what was told before.
"""

from __future__ import annotations

import sys
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import msgspec

from quorate.core import effects as fx
from quorate.core.errors import PropertyFailed
from quorate.core.frames import Frame
from quorate.core.ids import ProcessId, main_id
from quorate.core.messages import ATOMS
from quorate.core.ordering import text_of
from quorate.core.process import Process
from quorate.core.properties import Property
from quorate.trace import events as ev
from quorate.trace.values import encode
from quorate.worlds.base.properties import at_of
from quorate.worlds.base.reports import failure_of, seen_from_here, standing_of

Tell = Callable[[ev.Event], None]
Path = tuple[int, ...]
End = Literal["over", "quiet", "late", "held", "failed"]
Why = Literal["setup", "start", "message", "timer", "resume", "end"]

WHY: dict[type, Why] = {fx.Setup: "setup", fx.Start: "start", fx.End: "end"}
"""Of a step that another process has ordered."""


class Effects(list[Any]):
    """The effects of a step, each with the line of the program that had it."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str | None] = []
        self.place: str | None = None  # of the one that is carried out

    def append(self, effect: Any) -> None:
        self.places.append(_place())
        super().append(effect)

    def __iter__(self) -> Iterator[Any]:
        for effect, place in zip(super().__iter__(), self.places, strict=True):
            self.place = place
            yield effect


def _place() -> str | None:
    """FILE:LINE of the innermost line of a program that is being executed."""
    frame = sys._getframe(2)
    while frame is not None and not frame.f_code.co_filename.endswith(".da"):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return f"{seen_from_here(frame.f_code.co_filename)}:{frame.f_lineno}"


def given_of(order: fx.Setup) -> dict[str, Any]:
    """The fields of a step in which a process is set up."""
    kwargs = {key: encode(value) for key, value in order.kwargs.items()}
    return {"args": list(map(encode, order.args)), "kwargs": kwargs}


class Teller:
    """Tells what processes do in a run, by `tell`; `time` is in seconds."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.forget()

    def forget(self) -> None:
        """A run begins of which nothing is known yet."""
        self.paths: dict[str, Path] = {}  # by name
        self.steps = 0
        self._names: dict[ProcessId, str] = {}
        self._sent: Counter[tuple[str, str]] = Counter()  # messages, by sender and receiver
        self._copies: Counter[str] = Counter()  # of a message, and of its copies
        self._clocks: defaultdict[str, ev.Clock] = defaultdict(dict)
        self._clocks_of: dict[str, ev.Clock] = {}  # by message: that of the step that sent it
        self._now: tuple[str, Effects] | None = None  # the step that is taken
        self._fields: defaultdict[str, dict[str, tuple[Any, bytes]]] = defaultdict(dict)
        self._places: dict[str, tuple[str | None, str | None]] = {}  # where each stands

    @property
    def time(self) -> float:
        raise NotImplementedError

    def name(self, id: ProcessId) -> str:
        """What a process is called: as in output, and otherwise than all others."""
        name = self._names.get(id)
        if name is None:
            name = repr(id)
            if name in self.paths:
                name += "~" + ".".join(map(str, id.path))
            self._names[id] = name
            self.paths[name] = id.path
        return name

    def groups(self, groups: Iterable[Iterable[Path]]) -> list[list[str]]:
        """The names of processes, by their paths."""
        names = {path: name for name, path in self.paths.items()}
        return [[names[path] for path in group] for group in groups]

    # Steps.

    def main_created(self) -> None:
        self.tell(ev.Create(0.0, self.name(main_id()), "main", []))

    def step_begins(
        self, process: Process, why: Why, clock: ev.Clock | None = None, **more: Any
    ) -> None:
        """A process begins a step, by what another did at the time `clock`, if any.

        `more` are fields of the event.
        """
        name = self.name(process.id_)
        self.steps += 1
        known = self._clocks[name]
        for other, count in (clock or {}).items():
            known[other] = max(count, known.get(other, 0))
        known[name] = known.get(name, 0) + 1
        self.tell(ev.Step(self.time, name, self.steps, why, dict(known), **more))
        process.effects_ = effects = Effects()
        self._now = name, effects

    def takes_message(self, process: Process, message: str) -> None:
        """A process begins a step by taking the message of this name."""
        self.step_begins(process, "message", self._clocks_of[message], message=message)

    def step_ends(self, process: Process) -> None:
        self._now = None
        name = self.name(process.id_)
        before, after = self._changes(process, self._fields[name])
        at, label = standing = _standing(process)
        if standing == self._places.get(name, (None, None)):
            at = label = None
        self._places[name] = standing
        if after or at:
            self.tell(ev.State(self.time, name, after, before, at, label))

    def timer_set(self, process: Process, timer: int, seconds: float) -> None:
        self.tell(ev.SetTimer(self.time, self.name(process.id_), timer, seconds, self._place()))

    def shown(self, process: Process, output: fx.Output) -> None:
        text = output.sep.join(map(text_of, output.values))
        place = self._place()
        self.tell(ev.Output(self.time, self.name(process.id_), text, output.level, place))

    def failed(self, process: Process, error: BaseException) -> None:
        failure = failure_of(process.id_, error)
        places = _lines_of(error)
        self.tell(
            ev.Fail(
                *(self.time, self.name(process.id_), failure.code, failure.text),
                at=places[-1] if places else None,
            )
        )

    def reached(self, each: Property, process: Process) -> None:
        """What is to hold sometimes does, by a step of a process."""
        self.tell(ev.Property(self.time, each.name, True, "", self.name(process.id_), at_of(each)))

    def refuted(self, error: PropertyFailed, process: Process | None) -> None:
        id = error.process if process is None else process.id_
        name = None if id is None else self.name(id)
        self.tell(ev.Property(self.time, error.name, False, error.why, name, error.at))

    def over(self, end: End, status: int, waiting: Iterable[ProcessId]) -> None:
        """The run is at its end."""
        left = list(map(self.name, waiting))
        self.tell(ev.Over(self.time, end, status, self.steps, left))

    def clock(self) -> ev.Clock:
        """The time of the step that is taken, if any is."""
        return {} if self._now is None else dict(self._clocks[self._now[0]])

    def _place(self) -> str | None:
        return None if self._now is None else self._now[1].place

    # What happens to processes and messages.

    def created(self, id: ProcessId, parent: ProcessId, **clock: float | None) -> None:
        """A process is made; `clock` says how much its own is wrong (`ahead`, `gain`)."""
        name, maker = self.name(id), self.name(parent)
        self._clocks[name] = dict(self._clocks[maker])
        self.tell(ev.Create(self.time, name, id.kind, list(id.path), maker, id.name, **clock))

    def sent(self, sender: ProcessId, to: ProcessId, value: Any) -> str:
        """A message is sent; what it is called."""
        source, target = self.name(sender), self.name(to)
        self._sent[source, target] += 1
        message = f"{source}>{target}#{self._sent[source, target]}"
        self._clocks_of[message] = dict(self._clocks[source])
        tree = encode(value)
        self.tell(ev.Send(self.time, source, target, message, tree, self._place()))
        return message

    def duplicated(self, message: str) -> str:
        """A message comes once more; what the copy is called."""
        first = message.rstrip("+")
        self._copies[first] += 1
        copy = first + "+" * self._copies[first]
        self._clocks_of[copy] = self._clocks_of[message]
        self.tell(ev.Duplicate(self.time, message, copy))
        return copy

    def operated(self, client: ProcessId, it: fx.Operation) -> None:
        values = (it.name or None, list(map(encode, it.args)), encode(it.result))
        self.tell(ev.Operation(self.time, self.name(client), it.phase, *values))

    def crashed(self, id: ProcessId) -> None:
        name = self.name(id)
        self._fields.pop(name, None)
        self._places.pop(name, None)
        self.tell(ev.Crash(self.time, name))

    # State.

    def _changes(
        self, process: Process, known: dict[str, tuple[Any, bytes]]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The fields that have another value than is known, before and after."""
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for name, value in vars(process).items():
            if name.endswith("_"):  # as the machinery's own do
                continue
            old = known.get(name)
            if old is not None and old[0] is value and type(value) in ATOMS:
                continue
            text = msgspec.json.encode(encode(value))
            if old is None or old[1] != text:
                after[name] = msgspec.Raw(text)
                if old is not None:
                    before[name] = msgspec.Raw(old[1])
            known[name] = value, text
        return before, after


def _standing(process: Process) -> tuple[str | None, str | None]:
    """FILE:LINE where a process stands, and the label there."""
    places = standing_of(process).places
    frames = [frame for frame in process.stack_ if isinstance(frame, Frame)]
    label = frames[-1].label_ if frames else None
    if not places:
        return None, label
    _, file, line, _ = places[-1]
    return f"{file}:{line}", label


def _lines_of(error: BaseException) -> list[str]:
    """FILE:LINE of each line of the program that an exception has come through."""
    frames = traceback.extract_tb(error.__traceback__)
    return [
        f"{seen_from_here(each.filename)}:{each.lineno}"
        for each in frames
        if each.filename.endswith(".da")
    ]

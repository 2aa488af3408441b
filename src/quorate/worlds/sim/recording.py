"""A run that is recorded: the host that takes its steps, and the recorder that tells of them.

Invariant: a recorded run is the same as one that is not; only it is slower. Whatever is told
follows from the run alone, so equal runs have equal traces, byte for byte.
"""

from __future__ import annotations

import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from quorate.core import effects as fx
from quorate.core import events as core_ev
from quorate.core.errors import PropertyFailed
from quorate.core.frames import Frame
from quorate.core.ids import ProcessId, main_id
from quorate.core.messages import ATOMS
from quorate.core.ordering import text_of
from quorate.core.process import Process
from quorate.core.properties import Property
from quorate.lang.faults import Fault
from quorate.trace import events as ev
from quorate.trace.values import encode
from quorate.worlds.base.host import Order
from quorate.worlds.base.properties import at_of
from quorate.worlds.base.reports import failure_of, seen_from_here, standing_of
from quorate.worlds.sim.choices import Asked, Choices
from quorate.worlds.sim.happenings import Happening
from quorate.worlds.sim.host import End, SimulatedHost
from quorate.worlds.sim.partitions import Path
from quorate.worlds.sim.strikes import Strike

Tell = Callable[[ev.Event], None]


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


class RecordedHost(SimulatedHost):
    """A host whose recorder is told more than happenings say."""

    def __init__(
        self, seed: int, config: Mapping[str, Any], show: Any, recorder: Recorder, **options: Any
    ) -> None:
        self.recorder = recorder
        recorder.meet(self)
        super().__init__(
            *(seed, config, show), observer=recorder, choices=recorder.choices, **options
        )

    def turn(self, limit: int) -> None:
        process, what, sender, _ = self.queue[0]
        self.recorder.step_begins(process, what, sender)
        super().turn(limit)
        self.recorder.step_ends(process)

    def set_timer(self, process: Process, timer: int, seconds: float) -> None:
        self.recorder.timer_set(process, timer, seconds)
        super().set_timer(process, timer, seconds)

    def order(self, to: ProcessId, what: Order) -> None:
        self.recorder.ordered(what)
        super().order(to, what)

    def show(self, process: Process, output: fx.Output) -> None:
        self.recorder.shown(process, output)
        super().show(process, output)

    def failed(self, process: Process, error: BaseException) -> None:
        self.recorder.failed(process, error)
        super().failed(process, error)

    def refuted(self, error: Exception, process: Process | None) -> None:
        super().refuted(error, process)
        if isinstance(error, PropertyFailed):
            self.recorder.refuted(error, process)
        elif self.at_fault is not None:
            self.recorder.failed(self.at_fault, error)

    def _look(self, process: Process) -> None:
        assert self.watch is not None
        before = len(self.watch.reached)
        super()._look(process)
        for each in self.watch.reached[before:]:
            self.recorder.reached(each, process)

    def struck(self, strike: Strike) -> None:
        self.recorder.struck(strike)


class Otherwise(Exception):
    """A run has gone another way than the trace that it was to follow.

    `line` is that of the trace; `expected` stands there, None at its end, and `found` is what has
    happened.
    """

    def __init__(self, line: int, expected: ev.Event | None, found: ev.Event) -> None:
        super().__init__(f"line {line}")
        self.line = line
        self.expected = expected
        self.found = found


class Events(list[ev.Event]):
    """What is told of a run, the last time that it is made."""

    def tell(self, event: ev.Event) -> None:
        if isinstance(event, ev.Begin):
            self.clear()
        self.append(event)


class Recorder:
    """Tells of a run, event by event, whose choices it makes or repeats.

    The same run may be made again: then it is told anew, from its `run` on.
    """

    host: RecordedHost | None = None

    def __init__(
        self, begin: ev.Begin, tell: Tell, given: Iterable[ev.Choice] | None = None
    ) -> None:
        """`begin` says what is known of the run before it begins; what it follows from is added.

        With `given` these choices are repeated; see worlds/sim/choices.py.
        """
        self.begin = begin
        self.tell = tell
        self._given = None if given is None else list(given)

    def meet(self, host: RecordedHost) -> None:
        """A host is made, for a run of which nothing is known yet."""
        self.host = host
        self.choices = Choices(self._named, self._chosen, self._given)
        self.paths: dict[str, Path] = {}  # by name
        self.steps = 0
        self._names: dict[ProcessId, str] = {}
        self._messages: dict[int, str] = {}  # names, by number
        self._sent: Counter[tuple[str, str]] = Counter()  # messages, by sender and receiver
        self._copies: Counter[str] = Counter()  # of a message, and of its copies
        self._clocks: defaultdict[str, ev.Clock] = defaultdict(dict)
        self._clocks_of: dict[str, ev.Clock] = {}  # by message: that of the step that sent it
        self._orders: dict[int, tuple[Order, int, ev.Clock]] = {}  # by identity
        self._number = 0  # of the message that is delivered next
        self._now: tuple[str, Effects] | None = None  # the step that is taken
        self._fields: defaultdict[str, dict[str, tuple[Any, bytes]]] = defaultdict(dict)
        self._places: dict[str, tuple[str | None, str | None]] = {}  # where each stands

    # Names.

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

    def message(self, number: int) -> str:
        """What a message is called."""
        return self._messages[number]

    def _named(self, of: int | ProcessId) -> str:
        return self.message(of) if isinstance(of, int) else self.name(of)

    def _chosen(self, what: Asked, of: str, nth: int, value: float | None) -> None:
        self.tell(ev.Choice(self.time, what, of, nth, value))

    @property
    def time(self) -> float:
        return 0.0 if self.host is None else self.host.agenda.now

    # What a host tells.

    def begins(self, faults: Iterable[Fault], restarts: bool) -> None:
        """The run is about to begin, with `main`."""
        self.begin.faults = [(fault.name, fault.text) for fault in faults]
        self.begin.restarts = restarts
        self.tell(self.begin)
        self.tell(ev.Create(0.0, self.name(main_id()), "main", []))

    def step_begins(self, process: Process, what: Any, sender: ProcessId | None) -> None:
        name = self.name(process.id_)
        self.steps += 1
        clock = self._clocks[name]
        step = ev.Step(self.time, name, self.steps, "resume", clock)
        if sender is not None:
            step.why, step.message = "message", self._messages[self._number]
            _merge(clock, self._clocks_of[step.message])
        elif type(what) is core_ev.TimerFired:
            step.why, step.timer = "timer", what.timer
        elif what is not fx.RESUME:
            step.why = _WHY[type(what)]
            _, step.by, before = self._orders.pop(id(what), (None, None, {}))
            _merge(clock, before)
        if type(what) is fx.Setup:
            step.args = list(map(encode, what.args))
            step.kwargs = {key: encode(value) for key, value in what.kwargs.items()}
        clock[name] = clock.get(name, 0) + 1
        step.clock = dict(clock)
        self.tell(step)
        process.effects_ = effects = Effects()
        self._now = name, effects

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

    def ordered(self, what: Order) -> None:
        if self._now is not None:
            clock = dict(self._clocks[self._now[0]])
            self._orders[id(what)] = what, self.steps, clock

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

    def struck(self, strike: Strike) -> None:
        seconds = None if strike.seconds == math.inf else strike.seconds
        names = self._groups(strike.groups)
        more = (seconds, strike.oneway, strike.counts, list(strike.faults))
        self.tell(ev.Fault(self.time, strike.what, names, *more))

    def over(self, end: End, status: int, waiting: Iterable[ProcessId]) -> None:
        """The run is at its end."""
        left = list(map(self.name, waiting))
        self.tell(ev.Over(self.time, end, status, self.steps, left))

    def _groups(self, groups: Iterable[Iterable[Path]]) -> list[list[str]]:
        names = {path: name for name, path in self.paths.items()}
        return [[names[path] for path in group] for group in groups]

    def _place(self) -> str | None:
        return None if self._now is None else self._now[1].place

    # What happens.

    def __call__(self, happening: Happening) -> None:
        told = getattr(self, f"_{happening.kind}", None)
        if told is not None:
            told(happening)

    def _create(self, happening: Happening) -> None:
        id, parent = happening.process, happening.peer
        assert id is not None and parent is not None and self.host is not None
        name, maker = self.name(id), self.name(parent)
        self._clocks[name] = dict(self._clocks[maker])
        ahead, gain = self.host.clocks.of(id)
        more = (list(id.path), maker, id.name, ahead or None, gain or None)
        self.tell(ev.Create(happening.time, name, id.kind, *more))

    def _send(self, happening: Happening) -> None:
        assert happening.process is not None and happening.peer is not None
        sender, to = self.name(happening.process), self.name(happening.peer)
        self._sent[sender, to] += 1
        message = f"{sender}>{to}#{self._sent[sender, to]}"
        self._messages[happening.number] = message
        self._clocks_of[message] = dict(self._clocks[sender])
        value = encode(happening.value)
        self.tell(ev.Send(happening.time, sender, to, message, value, self._place()))

    def _duplicate(self, happening: Happening) -> None:
        message = self._messages[happening.value]
        first = message.rstrip("+")
        self._copies[first] += 1
        copy = self._messages[happening.number] = first + "+" * self._copies[first]
        self._clocks_of[copy] = self._clocks_of[message]
        self.tell(ev.Duplicate(happening.time, message, copy))

    def _deliver(self, happening: Happening) -> None:
        self._number = happening.number

    def _drop(self, happening: Happening) -> None:
        message = self._messages[happening.number]
        self.tell(ev.Drop(happening.time, message, happening.value))

    def _retry(self, happening: Happening) -> None:
        self.tell(ev.Retry(happening.time, self._messages[happening.number]))

    def _operation(self, happening: Happening) -> None:
        assert happening.process is not None
        it: fx.Operation = happening.value
        values = (it.name or None, list(map(encode, it.args)), encode(it.result))
        self.tell(ev.Operation(happening.time, self.name(happening.process), it.phase, *values))

    def _end(self, happening: Happening) -> None:
        assert happening.process is not None
        self.tell(ev.End(happening.time, self.name(happening.process), happening.value))

    def _crash(self, happening: Happening) -> None:
        assert happening.process is not None
        name = self.name(happening.process)
        self._fields.pop(name, None)
        self._places.pop(name, None)
        self.tell(ev.Crash(happening.time, name))

    def _restart(self, happening: Happening) -> None:
        assert happening.process is not None
        self.tell(ev.Restart(happening.time, self.name(happening.process)))

    def _heal(self, happening: Happening) -> None:
        self.tell(ev.Heal(happening.time, self._groups(happening.value or ())))

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


_WHY: dict[type, Any] = {fx.Setup: "setup", fx.Start: "start", fx.End: "end"}


def _merge(clock: ev.Clock, other: ev.Clock) -> None:
    for process, count in other.items():
        clock[process] = max(count, clock.get(process, 0))


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
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    return [
        f"{seen_from_here(each.filename)}:{each.lineno}"
        for each in frames
        if each.filename.endswith(".da")
    ]

"""A run that is recorded: the host that takes its steps, and the recorder that tells of them.

Invariant: a recorded run is the same as one that is not; only it is slower. Whatever is told
follows from the run alone, so equal runs have equal traces, byte for byte.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from quorate.core import effects as fx
from quorate.core import events as core_ev
from quorate.core.errors import PropertyFailed
from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.lang.faults import Fault
from quorate.trace import events as ev
from quorate.worlds.base.host import Order
from quorate.worlds.base.recording import WHY, Tell, Teller, given_of
from quorate.worlds.sim.choices import Asked, Choices
from quorate.worlds.sim.happenings import Happening
from quorate.worlds.sim.host import SimulatedHost
from quorate.worlds.sim.strikes import Strike


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
        self.recorder.takes_step(process, what, sender)
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


class Recorder(Teller):
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
        super().__init__(tell)
        self.begin = begin
        self._given = None if given is None else list(given)

    def meet(self, host: RecordedHost) -> None:
        """A host is made, for a run of which nothing is known yet."""
        self.host = host
        self.choices = Choices(self._named, self._chosen, self._given)
        self.forget()
        self._messages: dict[int, str] = {}  # names, by number
        self._orders: dict[int, tuple[Order, int, ev.Clock]] = {}  # by identity
        self._number = 0  # of the message that is delivered next

    # Names.

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
        self.main_created()

    def takes_step(self, process: Process, what: Any, sender: ProcessId | None) -> None:
        """A process begins a step, which takes `what`."""
        if sender is not None:
            self.takes_message(process, self._messages[self._number])
        elif type(what) is core_ev.TimerFired:
            self.step_begins(process, "timer", timer=what.timer)
        elif what is fx.RESUME:
            self.step_begins(process, "resume")
        else:
            _, by, clock = self._orders.pop(id(what), (None, None, {}))
            given = given_of(what) if type(what) is fx.Setup else {}
            self.step_begins(process, WHY[type(what)], clock, by=by, **given)

    def ordered(self, what: Order) -> None:
        if self._now is not None:
            self._orders[id(what)] = what, self.steps, self.clock()

    def struck(self, strike: Strike) -> None:
        seconds = None if strike.seconds == math.inf else strike.seconds
        names = self.groups(strike.groups)
        more = (seconds, strike.oneway, strike.counts, list(strike.faults))
        self.tell(ev.Fault(self.time, strike.what, names, *more))

    # What happens.

    def __call__(self, happening: Happening) -> None:
        told = getattr(self, f"_{happening.kind}", None)
        if told is not None:
            told(happening)

    def _create(self, happening: Happening) -> None:
        id, parent = happening.process, happening.peer
        assert id is not None and parent is not None and self.host is not None
        ahead, gain = self.host.clocks.of(id)
        self.created(id, parent, ahead=ahead or None, gain=gain or None)

    def _send(self, happening: Happening) -> None:
        assert happening.process is not None and happening.peer is not None
        message = self.sent(happening.process, happening.peer, happening.value)
        self._messages[happening.number] = message

    def _duplicate(self, happening: Happening) -> None:
        self._messages[happening.number] = self.duplicated(self._messages[happening.value])

    def _deliver(self, happening: Happening) -> None:
        self._number = happening.number

    def _drop(self, happening: Happening) -> None:
        message = self._messages[happening.number]
        self.tell(ev.Drop(happening.time, message, happening.value))

    def _retry(self, happening: Happening) -> None:
        self.tell(ev.Retry(happening.time, self._messages[happening.number]))

    def _operation(self, happening: Happening) -> None:
        assert happening.process is not None
        self.operated(happening.process, happening.value)

    def _end(self, happening: Happening) -> None:
        assert happening.process is not None
        self.tell(ev.End(happening.time, self.name(happening.process), happening.value))

    def _crash(self, happening: Happening) -> None:
        assert happening.process is not None
        self.crashed(happening.process)

    def _restart(self, happening: Happening) -> None:
        assert happening.process is not None
        self.tell(ev.Restart(happening.time, self.name(happening.process)))

    def _heal(self, happening: Happening) -> None:
        self.tell(ev.Heal(happening.time, self.groups(happening.value or ())))

"""The simulated place: all processes of a run, which take their steps as the agenda says.

Invariant: what happens next is the first of the agenda (see there), and nothing else decides;
every step is that of one process, and nothing else happens within it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import heappop, heappush
from random import Random
from typing import Any, Literal

from quorate.core import effects as fx
from quorate.core import events as ev
from quorate.core.ambient import here
from quorate.core.freeze import freeze
from quorate.core.ids import ProcessId, main_id
from quorate.core.operations import Event
from quorate.core.process import Process
from quorate.core.thaw import thaw
from quorate.lang.faults import Fault
from quorate.worlds.base import Host, Watch
from quorate.worlds.base.host import Order
from quorate.worlds.sim.agenda import AT_ONCE, Agenda, Item
from quorate.worlds.sim.choices import Choices
from quorate.worlds.sim.clocks import Clocks
from quorate.worlds.sim.happenings import Observer
from quorate.worlds.sim.history import Kept
from quorate.worlds.sim.lives import Lives
from quorate.worlds.sim.network import Network, Parcel
from quorate.worlds.sim.routes import Routes
from quorate.worlds.sim.strikes import Strike

PAUSE_SECONDS_MIN = 0.000_005
PAUSE_SECONDS_MAX = 0.000_015
"""How long a yield point lasts: a program that polls must not keep time from passing."""

End = Literal["over", "quiet", "late", "held", "failed"]
"""Why a run is at its end: all have ended, nothing can happen any more, its time is up, the
caller's condition holds, or something went wrong."""


class StepsExceeded(RuntimeError):
    """The run took more steps than the caller allowed."""


class SimulatedHost(Host):
    """A host whose queue never holds more than what happens now; the rest is on the agenda.

    It has 30 attributes: with more of them, CPython looks each up in a slower way.
    """

    def __init__(
        self,
        seed: int,
        config: Mapping[str, Any],
        show: Callable[[float, Process, fx.Output], None],
        refreeze: Mapping[str, Any] | None = None,
        *,
        faults: Iterable[Fault] = (),
        observer: Observer | None = None,
        restarts: bool = False,
        choices: Choices | None = None,
    ) -> None:
        """With `refreeze` (modules by name) every process is frozen and thawed at every step.

        With `restarts`, what processes are set up with is kept, so that they can be restarted.
        """
        super().__init__(seed, {**config, "restarts": True} if restarts else config)
        faults = list(faults)
        self.near = {}  # every message goes through `forward`
        self._named: dict[str, ProcessId] = {}
        self.names = self._named
        self.steps = 0
        self.agenda = Agenda(Random(f"{seed} world"), observer, choices)
        routes = Routes(self.config, faults)
        routes.processes = self.processes
        self.network = Network(self.agenda, routes)
        self.clocks = Clocks(seed, _most(faults, "skew"), _most(faults, "drift"))
        self.lives = Lives(self, restarts)
        self._paused = self.lives.paused
        self.watch: Watch | None = None
        self.history = Kept()
        self.error: BaseException | None = None
        self.at_fault: Process | None = None
        self.codes: list[int] = []
        self.begun = False
        self.starting = 0  # orders to start, on the agenda
        self.active = 0  # processes that have started, are no daemons, and have not ended
        self._show = show
        self._modules = refreeze
        self._timers: set[tuple[ProcessId, int]] = set()
        self._unmade: dict[ProcessId, list[Item]] = {}  # for processes that are still to be made

    # What a host is asked.

    def now(self, which: str) -> float:
        process = here.process
        id = None if process is None else process.id_
        return self.clocks.read(id, self.agenda.now, which)

    def set_timer(self, process: Process, timer: int, seconds: float) -> None:
        agenda = self.agenda
        self._timers.add((process.id_, timer))
        at = agenda.now + max(self.clocks.wait(process.id_, seconds), 0.0)
        agenda.put(at, agenda.number("timer", process.id_), process.id_, ev.TimerFired(timer))

    def cancel_timer(self, process: Process, timer: int) -> None:
        self._timers.discard((process.id_, timer))

    def show(self, process: Process, output: fx.Output) -> None:
        self.agenda.note("output", process.id_, value=output.values)
        self._show(self.agenda.now, process, output)

    def failed(self, process: Process, error: BaseException) -> None:
        self.agenda.note("fail", process.id_, value=f"{type(error).__name__}: {error}")
        if self.error is None:
            self.error, self.at_fault = error, process

    def operate(self, process: Process, operation: fx.Operation) -> None:
        self.agenda.note("operation", process.id_, value=operation)
        self.history.add(Event(process.id_, operation, self.agenda.now, self.steps))

    def make(self, creation: fx.Create, parent: ProcessId) -> None:
        super().make(creation, parent)
        if creation.id.name:
            self._named[creation.id.name] = creation.id
        self.agenda.note("create", creation.id, parent)
        for _, _, number, to, *rest in self._unmade.pop(creation.id, ()):
            heappush(self.agenda.items, (self.agenda.now, AT_ONCE, number, to, *rest))

    @property
    def made(self) -> int:
        """How many processes have been made, `main` not among them."""
        return sum(self._made.values())

    def obey(self, process: Process, order: Order) -> None:
        if type(order) is fx.Setup:
            self.agenda.note("setup", process.id_)
        super().obey(process, order)

    def order(self, to: ProcessId, what: Order) -> None:
        if type(what) is fx.Setup:
            self.lives.set_up(what)
        super().order(to, what)

    def started(self, process: Process) -> None:
        self.begun = True
        self.active += process.id_ not in self.daemons
        self.agenda.note("start", process.id_)

    def ended(self, process: Process, code: int) -> None:
        self.lost(process)
        self.lives.forget(process)
        self.codes.append(code)
        self.agenda.note("end", process.id_, value=code)

    def lost(self, process: Process) -> None:
        """A process is there no longer, be it that it has ended or that it has crashed."""
        self.active -= process.started_ and process.id_ not in self.daemons

    def struck(self, strike: Strike) -> None:
        """Something is about to befall the run."""

    def forward(self, to: ProcessId, what: Any, sender: ProcessId | None, stamp: Any) -> None:
        """A message goes on its way; at its end, or for an order, the process may be unmade."""
        if sender is None:
            self._put(self.agenda.now, to, what)
            return
        source = here.process  # whose effects are carried out
        if source is None or source.id_ is not sender:
            source = self.processes[sender]
        self.network.send(source, to, what, stamp)

    # The agenda.

    def _put(self, at: float, process: ProcessId, what: Any) -> None:
        self.starting += type(what) is fx.Start
        self.agenda.put(at, AT_ONCE, process, what)

    def over(self) -> bool:
        """Whether all processes that started, and are no daemons, have ended, or are down for good.

        A scenario may still restart one that is down.
        """
        if not self.begun or self.active or self.starting or self.lives.returning:
            return False
        return not (self.lives.down and self.agenda.acts_count())

    def go(self, until: float, steps_max: float, holds: Callable[[], bool] | None = None) -> End:
        """Let things happen until the end of the run, at most until a time, and say why it is."""
        agenda = self.agenda
        items = agenda.items
        while self.error is None:
            if not items or items[0][0] >= agenda.next_act:
                if not items and not agenda.acts_count():
                    return "quiet"
                if agenda.next_act > until:
                    return "late"
                agenda.act()
            else:
                item = heappop(items)
                if self.steps >= steps_max:
                    why = f"more than {steps_max} steps, at {agenda.now:.6f} s"
                    self.error = StepsExceeded(why)
                    break
                if item[0] > until:
                    heappush(items, item)
                    return "late"
                if self.watch is not None and item[0] > self.watch.due:
                    heappush(items, item)
                    self.look_at_time(self.watch.due)
                    continue
                if not self.step(item) and self.active:
                    continue
            if holds is not None and self.error is None and holds():
                return "held"
            if not self.active and self.over():
                break
        return "over" if self.error is None else "failed"

    def look_at_time(self, time: float, *, over: bool = False) -> None:
        """See whether all is so that is to be so by `time`, or in the end."""
        assert self.watch is not None
        try:
            (self.watch.end if over else self.watch.by)(time)
        except Exception as error:
            self.agenda.now = time
            self.refuted(error, None)

    def look_at_history(self) -> None:
        """See whether operations were as they should be; if not, that was so before all else."""
        found = None if isinstance(self.error, KeyboardInterrupt) else self.history.contradiction()
        if found is not None:
            self.refuted(found, None)

    def step(self, item: Item) -> bool:
        """Let an item of the agenda happen, with all that it brings about; whether it mattered."""
        at, _, number, to, what, sender, stamp = item
        agenda = self.agenda
        if self._paused and to in self._paused and type(what) is not Parcel:
            again = (self._paused[to], at, number, to, what, sender, stamp)
            heappush(agenda.items, again)
            return False
        if sender is None and not self._is_due(at, to, what):
            return False
        process = self.processes.get(to)
        if process is None:
            return self._step_nobody(item)
        agenda.now = at
        self.steps += 1
        if agenda.observer is not None:
            self._note_step(item)
        if self._modules is not None:
            process = self._refrozen(process)
        if sender is None and type(what) is ev.TimerFired:
            self._timers.remove((to, what.timer))
        self.queue.append((process, what, sender, stamp))
        self.turn(1)
        watch = self.watch
        if watch is not None and type(process) not in watch.idle and self.error is None:
            self._look(process)
        if self.queue:
            self.plan()
        return True

    def _look(self, process: Process) -> None:
        """See whether what a step has changed is as the properties of the program say."""
        assert self.watch is not None
        try:
            self.watch.after(process, self.agenda.now, self.steps)
        except Exception as error:
            self.refuted(error, process)

    def refuted(self, error: Exception, process: Process | None) -> None:
        """A property does not hold, or fails itself, after a step of `process` or of none."""
        self.error, self.at_fault = error, process or self.processes.get(main_id())

    def _is_due(self, at: float, to: ProcessId, what: Any) -> bool:
        """Of what is no message: false for a timer that was cancelled, and where no process is."""
        self.starting -= type(what) is fx.Start
        if type(what) is Parcel:
            self.agenda.now = at
            self.network.again(what)
            return False
        return type(what) is not ev.TimerFired or (to, what.timer) in self._timers

    def _step_nobody(self, item: Item) -> bool:
        """What is for a process that is not there: to be kept, until it is made, or dropped."""
        at, _, number, to, what, sender, _ = item
        down = to in self.lives.down
        if not self.was_made(to):
            self.agenda.now = at
            self.steps += 1
            self._unmade.setdefault(to, []).append(item)
            return True
        elif sender is None:
            if down and type(what) is fx.End:
                self.lives.dismiss(to)
        elif down:
            self.agenda.now = at
            self.network.drop(to, sender, number, "receiver crashed")
        else:
            self.agenda.note("drop", to, sender, number, "receiver has ended")
        return False

    def _note_step(self, item: Item) -> None:
        _, _, number, to, what, sender, _ = item
        if sender is not None:
            self.agenda.note("deliver", to, sender, number, what)
        elif type(what) is ev.TimerFired:
            self.agenda.note("timer", to, value=what.timer)

    def plan(self) -> None:
        """Put on the agenda what a step has brought about: orders now, a RESUME a little later."""
        while self.queue:
            process, what, _, _ = self.queue.popleft()
            at = self.agenda.now
            if what is fx.RESUME:
                spread = PAUSE_SECONDS_MAX - PAUSE_SECONDS_MIN
                at += PAUSE_SECONDS_MIN + spread * self.agenda.number("resume", process.id_)
            self._put(at, process.id_, what)

    def _refrozen(self, process: Process) -> Process:
        """The same process, from its frozen state; the effects of a failed step stay with it."""
        thawed = thaw(freeze(process, self._modules), self, self._modules)
        self.processes[process.id_] = thawed
        return thawed


def _most(faults: Iterable[Fault], name: str) -> float:
    """How much clocks are wrong, at most."""
    return max((fault["by"] for fault in faults if fault.name == name), default=0.0)

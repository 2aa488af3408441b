"""Processes of the naive world, and its one deterministic schedule.

A message goes to the end of a single queue; so does the resumption of a process that comes to a
yield point; when the queue is empty, the earliest timer fires. Invariant: only `World.run`
takes from the queue, and a step never runs inside another one.
"""

from __future__ import annotations

import copy
import heapq
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from programs.values import Id, Run, name_of_error, plain, snapshot

STEPS_MAX = 1000
ABSENT = object()


@dataclass(frozen=True)
class Pause:
    """A process has come to a yield point."""

    label: str | None


@dataclass(frozen=True)
class Wait:
    """No branch of the await at `line` holds; a process that only serves has line 0."""

    line: int


@dataclass(frozen=True)
class Asleep:
    timer: Timer


Stop = Pause | Wait | Asleep
Steps = Generator[Stop, None, Any]


@dataclass(eq=False)
class Timer:
    owner: Proc
    expired: bool = False
    cancelled: bool = False


class ProgramError(Exception):
    """A mistake of the program that the language itself reports."""


class ProcessExit(SystemExit):
    """`exit(code)`."""


@dataclass
class Activity:
    """`run`, or handlers that were suspended: a coroutine, and the label where it stands."""

    steps: Steps
    label: Any = ABSENT
    line: int = 0


@dataclass(frozen=True)
class Handling:
    """One `receive` or `sent` definition, ready to be tried on a message."""

    kind: str
    labels: tuple[str, ...] | None
    run: Callable[[Proc, Any, Id, Any], Steps]


class Proc:
    """A process: the fields of the program are its attributes, all else is in `m_`."""

    handlers_: list[Handling] = []
    options_: dict[str, Any] = {}
    initial_: dict[str, Any] = {}

    def __init__(self, id: Id, parent: Id, world: World) -> None:
        self.m_ = Machine(self, id, parent, world)
        for name, value in self.initial_.items():
            setattr(self, name, copy.deepcopy(value))

    def setup(self) -> None:
        """Takes nothing where the program defines none."""

    # Words of the language.

    def send(self, message: Any, to: Any = None) -> None:
        m = self.m_
        stamp = m.clock.tick() if m.clock else None
        ids = [to] if isinstance(to, (Id, str)) else None
        if ids is None:
            try:
                ids = sorted(to) if isinstance(to, (set, frozenset)) else list(to)
            except TypeError:
                raise ProgramError("nobody to send to") from None
        for each in ids:
            if isinstance(each, str):
                each = m.world.names.get(each, each)
            if not isinstance(each, Id):
                raise ProgramError("not a process")
            m.sent.append(copy.deepcopy((message, each, stamp)))
            if any(h.kind == "sent" for h in self.handlers_):
                m.outbox.append(copy.deepcopy((message, each, stamp)))
            m.world.post(each, copy.deepcopy(message), m.id, stamp)

    def output(self, *values: Any, sep: str = " ", level: int = 20, end: str = "\n") -> None:
        shown = tuple(plain(snapshot(value)) for value in values)
        self.m_.world.ran.trace.append(("output", repr(self.m_.id), level, shown))

    def invoke(self, operation: Any, *args: Any) -> None:
        """What a client tells of its operations changes nothing."""

    def returned(self, value: Any = None) -> None:
        """Nor does this."""

    def debug(self, *values: Any, sep: str = " ") -> None:
        self.output(*values, level=10)

    def error(self, *values: Any, sep: str = " ") -> None:
        self.output(*values, level=40)

    def new(self, cls: Any, args: Any = None, num: Any = None, at: Any = None, **other: Any) -> Any:
        if not (isinstance(cls, type) and issubclass(cls, Proc)):
            raise ProgramError("new of what is not a process class")
        names = [""] if num is None else [""] * num if isinstance(num, int) else list(num)
        made = [self.m_.make(cls, name) for name in names]
        if args is not None:
            self.set_up_processes(made, args)
        return made[0] if num is None and at is None else set(made)

    def set_up_processes(self, processes: Any, args: Any = (), **kwargs: Any) -> None:
        if isinstance(args, dict) and not kwargs:
            args, kwargs = (), args
        for id in _ids(processes):
            own = copy.deepcopy((args, kwargs))
            self.m_.world.order(id, lambda p, own=own: p.set_up(*own))  # type: ignore[misc]

    def start(self, processes: Any, args: Any = None) -> None:
        ids = list(_ids(processes))
        if args is not None:
            self.set_up_processes(ids, args)
        for id in ids:
            self.m_.world.order(id, Machine.begin)

    def end(self, processes: Any) -> None:
        for id in _ids(processes):
            self.m_.world.order(id, lambda p: p.finish(0))

    def exit(self, code: Any = 0) -> None:
        raise ProcessExit(code if isinstance(code, int) else 0)

    def parent(self) -> Id:
        return self.m_.parent

    def nodeof(self, id: Id) -> Id:
        return Id((), "main")

    def nameof(self, id: Id) -> str | None:
        return id.name or None

    def resolve(self, name: Any) -> Id:
        return name if isinstance(name, Id) else self.m_.world.names[name]

    def logical_clock(self) -> Any:
        return self.m_.clock.time if self.m_.clock else None

    logical_time = logical_clock

    def incr_logical_clock(self) -> None:
        if self.m_.clock:
            self.m_.clock.tick()

    def reset(self, which: str = "both") -> None:
        if which in ("received", "both"):
            self.m_.received.clear()
        if which in ("sent", "both"):
            self.m_.sent.clear()


def _ids(processes: Any) -> list[Id]:
    if isinstance(processes, Id):
        return [processes]
    found = sorted(processes) if isinstance(processes, (set, frozenset)) else list(processes)
    if not all(isinstance(each, Id) for each in found):
        raise ProgramError("not processes")
    return found


class Lamport:
    """A logical clock by the rules of Lamport (1978)."""

    def __init__(self, owner: Id) -> None:
        self.time: Any = 0

    def tick(self) -> Any:
        self.time += 1
        return self.time

    def take(self, stamp: Any) -> None:
        self.time = max(self.time, stamp or 0) + 1


class Vector:
    """A vector clock; `time` is the sorted tuple of (process, count)."""

    def __init__(self, owner: Id) -> None:
        self.owner = owner
        self.time: Any = ()

    def tick(self) -> Any:
        self.take(())
        return self.time

    def take(self, stamp: Any) -> None:
        counts = dict(self.time)
        for id, count in stamp or ():
            counts[id] = max(counts.get(id, 0), count)
        counts[self.owner] = counts.get(self.owner, 0) + 1
        self.time = tuple(sorted(counts.items()))


class Machine:
    """Where a process stands, and what it has taken and sent."""

    def __init__(self, proc: Proc, id: Id, parent: Id, world: World) -> None:
        self.proc, self.id, self.parent, self.world = proc, id, parent, world
        self.stack: list[Activity] = []
        self.inbox: deque[Any] = deque()
        self.outbox: deque[Any] = deque()
        self.put_off: list[Any] = []
        self.received: list[Any] = []
        self.sent: list[Any] = []
        self.made = 0
        self.resumptions = 0
        self.setups: set[Any] = set()  # those that have begun
        self.open = self.waiting = self.ended = self.is_set_up = False
        self.sleep: Timer | None = None
        self.random = Random(f"{world.seed} {id!r}")
        options = {**proc.options_, **world.options}
        kind = options.get("clock") or ("lamport" if world.uses_clock else None)
        self.clock = {None: lambda _: None, "lamport": Lamport, "vector": Vector}[kind](id)
        self.one = options.get("handling") == "one"

    def make(self, cls: type[Proc], name: str) -> Id:
        self.made += 1
        id = Id((*self.id.path, self.made), cls.__name__, name)
        if name:
            self.world.names[name] = id
        self.world.add(cls, id, self.id)
        return id

    # What the world tells it.

    def set_up(self, args: Any, kwargs: Any) -> None:
        self.guarded(lambda: self.proc.setup(*args, **kwargs))
        self.is_set_up = True

    def begin(self) -> None:
        if not self.is_set_up:
            self.set_up((), {})
        if self.ended:
            return
        run = getattr(type(self.proc), "run", None)
        if run is None and not any(h.kind == "received" for h in self.proc.handlers_):
            self.finish(0)
            return
        steps = _serve() if run is None else self.proc.run.steps()  # type: ignore[attr-defined]
        self.stack.append(Activity(steps))
        self.guarded(self.advance)

    def deliver(self, message: Any, sender: Id, stamp: Any) -> None:
        if self.open:
            self.take("received", (message, sender, stamp))
        elif not self.ended:
            self.inbox.append((message, sender, stamp))
        if self.waiting:
            self.resume()

    def resume(self) -> None:
        if self.resumptions:
            self.resumptions -= 1
            if self.resumptions:
                return
        if self.sleep is not None or not self.stack:
            return
        if not self.take_what_is_there():
            return
        self.guarded(self.advance)
        if (self.inbox or self.outbox) and self.waiting:
            self.ask_to_resume()

    def fire(self, timer: Timer) -> None:
        timer.expired = True
        if self.sleep is timer:
            self.sleep = None
            self.guarded(self.advance)
        elif self.waiting and not timer.cancelled:
            self.guarded(self.advance)

    def finish(self, code: int) -> None:
        if not self.ended:
            self.ended = True
            self.open = self.waiting = False
            self.sleep = None
            for each in (self.stack, self.inbox, self.outbox, self.put_off):
                each.clear()
            self.world.ran.trace.append(("ended", repr(self.id), code))

    # Taking messages.

    def take(self, kind: str, entry: Any) -> None:
        stamp = entry[2]
        if kind == "received":
            if self.clock:
                self.clock.take(stamp)
            self.received.append(copy.deepcopy(entry))
        self.handle([h for h in self.proc.handlers_ if h.kind == kind], entry)

    def handle(self, handlers: list[Handling], entry: Any) -> None:
        """Run handlers as an activity of their own, which goes if they are not suspended."""
        activity = Activity(iter(()))  # type: ignore[arg-type]
        activity.steps = self.handling(handlers, entry, activity)
        self.stack.append(activity)
        self.guarded(lambda: self.advance(first=True))

    def handling(self, handlers: list[Handling], entry: Any, activity: Activity) -> Steps:
        for handler in handlers:
            activity.label = ABSENT
            if handler.labels is not None and self.label() not in handler.labels:
                self.put_off.append((handler, entry))
            else:
                yield from handler.run(self.proc, *copy.deepcopy(entry))

    def take_what_is_there(self) -> bool:
        """False if the process then stands elsewhere, in a handler that is suspended."""
        here = self.stack[-1]
        put_off, self.put_off = self.put_off, []
        for handler, entry in put_off:
            if self.sleep is None:
                self.handle([handler], entry)
            else:  # the one before sleeps
                self.put_off.append((handler, entry))
        taken = False
        while self.stack and self.stack[-1] is here and self.sleep is None:
            if self.outbox:
                self.take("sent", self.outbox.popleft())
            elif self.inbox and not (taken and self.one):
                taken = True
                self.take("received", self.inbox.popleft())
            else:
                return True
        return False

    def label(self) -> str | None:
        """The label of the yield point where the process stands."""
        return next((a.label for a in reversed(self.stack) if a.label is not ABSENT), None)

    # Going on.

    def guarded(self, go: Callable[[], None]) -> None:
        try:
            go()
        except SystemExit as exit:
            self.finish(exit.code if isinstance(exit.code, int) else 1 if exit.code else 0)

    def advance(self, first: bool = False) -> None:
        """Run the innermost activity until it stops; the one below then stands where it stood."""
        self.world.running = self
        activity = self.stack[-1]
        try:
            stop = next(activity.steps)
        except StopIteration:
            self.stack.pop()
            if not self.stack:
                self.finish(0)
            elif not first:
                self.stand()
            return
        if isinstance(stop, Pause):
            activity.label = stop.label
            self.stand()
        elif isinstance(stop, Wait):
            activity.line = stop.line
            serves = stop.line == 0 and not self.one
            senders = any(h.kind == "sent" for h in self.proc.handlers_)
            self.waiting = not serves or senders
            self.open = not self.inbox
        else:
            self.sleep = stop.timer
            self.open = self.waiting = False

    def stand(self) -> None:
        self.ask_to_resume()
        self.open = not (self.one or self.inbox or self.put_off)

    def ask_to_resume(self) -> None:
        self.resumptions += 1
        self.waiting = False
        self.world.queue.append((self, Machine.resume))


def _serve() -> Steps:
    yield Pause(None)
    while True:
        yield Wait(0)


class World:
    """All processes, the queue, and virtual time. `options` are those that hold for everyone."""

    def __init__(self, options: dict[str, Any], uses_clock: bool, seed: int = 0) -> None:
        self.options, self.uses_clock, self.seed = options, uses_clock, seed
        self.queue: deque[tuple[Machine, Callable[[Machine], None]]] = deque()
        self.timers: list[tuple[float, int, Timer]] = []
        self.machines: dict[Id, Machine] = {}
        self.names: dict[str, Id] = {}
        self.early: dict[Id, list[Callable[[Machine], None]]] = {}
        self.running: Machine | None = None
        self.ran = Run()
        self.count = 0

    def add(self, cls: type[Proc], id: Id, parent: Id) -> None:
        self.machines[id] = machine = cls(id, parent, self).m_
        for thing in self.early.pop(id, []):
            self.queue.append((machine, thing))

    def order(self, to: Id, thing: Callable[[Machine], None]) -> None:
        machine = self.machines.get(to)
        if machine is None:
            self.early.setdefault(to, []).append(thing)
        elif not machine.ended:
            self.queue.append((machine, thing))

    def post(self, to: Id, message: Any, sender: Id, stamp: Any) -> None:
        self.order(to, lambda machine: machine.deliver(message, sender, stamp))

    def set_timer(self, machine: Machine, seconds: float) -> Timer:
        timer = Timer(machine.proc)
        self.count += 1
        heapq.heappush(self.timers, (self.ran.now + seconds, self.count, timer))
        return timer

    def run(self, main: type[Proc]) -> Run:
        """Run to the end, to an error, or for STEPS_MAX steps."""
        first = Id((), "main")
        self.add(main, first, first)
        self.order(first, Machine.begin)
        while self.ran.steps < STEPS_MAX and self.step():
            pass
        for id, machine in self.machines.items():
            fields = vars(machine.proc).items()
            named = {name: plain(value) for name, value in sorted(fields) if not name.endswith("_")}
            self.ran.fields[repr(id)] = named
            if machine.stack and self.is_quiet():
                self.ran.waiting[repr(id)] = machine.stack[-1].line
        return self.ran

    def is_quiet(self) -> bool:
        """Whether the run has ended because nothing can happen any more."""
        return not (self.queue or self.timers or self.ran.failed)

    def step(self) -> bool:
        while not self.queue and self.timers:
            when, _, timer = heapq.heappop(self.timers)
            if not timer.cancelled and not timer.owner.m_.ended:
                self.ran.now = max(self.ran.now, when)
                self.queue.append((timer.owner.m_, partial(_fire, timer)))
        if not self.queue:
            return False
        machine, thing = self.queue.popleft()
        if machine.ended:
            return True
        self.ran.steps += 1
        self.running = machine
        try:
            thing(machine)
        except Exception as error:
            line = getattr(error, "da_line", 0)
            self.ran.trace.append(("error", repr(machine.id), name_of_error(error), line))
            return False
        finally:
            self.running = None
        return True


def _fire(timer: Timer, machine: Machine) -> None:
    machine.fire(timer)


class Twin:
    """`random` and `time`, as the process that is running has them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Any:
        if name in ("time", "monotonic", "perf_counter"):
            return lambda: self._world.ran.now

        def draw(*args: Any) -> Any:
            assert self._world.running is not None
            return getattr(self._world.running.random, name)(*args)

        return draw

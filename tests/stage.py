"""A stage for processes in tests: one queue, time by hand, every effect kept to be looked at.

Programs here are written in the shape that the compiler emits. Invariant: what happens next is
the test's decision, or the order of the queue.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from quorate.core import effects as fx
from quorate.core.frames import begin
from quorate.core.ids import ProcessId, main_id
from quorate.core.process import Handler, Process

PEER = ProcessId("Peer", (9,))
OTHER = ProcessId("Other", (8,))


def waiting(routine: Any, labels: frozenset[str] | None = None) -> Handler:
    """A `receive` whose body is a routine."""
    return Handler("received", lambda process, *entry: begin(routine, (process, *entry)), labels)


class Stage:
    """A world of the processes that a test makes with `make`."""

    def __init__(self, seed: int = 0, config: Mapping[str, Any] | None = None) -> None:
        self.seed = seed
        self.config: Mapping[str, Any] = config or {}
        self.names: dict[str, ProcessId] = {}
        self.nodes: dict[str, ProcessId] = {}
        self.shows = 0
        self.time = 0.0

    def now(self, which: str) -> float:
        return self.time


class Actor:
    """A process on a stage, driven as worlds do, and what it has done so far."""

    def __init__(self, cls: type[Process], *args: Any, **options: Any) -> None:
        self.stage = options.pop("stage", None) or Stage(config=options.pop("config", None))
        id = options.pop("id", None) or ProcessId(cls.__name__, (1,))
        self.process = cls(id, main_id(), self.stage, options)
        self.queue: deque[Any] = deque()  # messages on their way, and RESUME
        self.sent: list[tuple[Any, ProcessId]] = []
        self.stamps: list[Any] = []
        self.shown: list[Any] = []
        self.timers: dict[int, float] = {}
        self.code: int | None = None
        self.other: list[Any] = []
        self.process.prepare_(args, {})
        self._carry_out()

    def begin(self) -> "Actor":
        self.process.begin_()
        self._carry_out()
        return self.run()

    def put(self, *messages: Any, sender: ProcessId = PEER, stamp: Any = None) -> "Actor":
        """Messages are on their way."""
        self.queue.extend((message, sender, stamp) for message in messages)
        return self

    def give(self, *messages: Any, sender: ProcessId = PEER, stamp: Any = None) -> "Actor":
        """Messages come, each after what happens because of the one before."""
        for message in messages:
            self.put(message, sender=sender, stamp=stamp).run()
        return self

    def fire(self, timer: int | None = None) -> "Actor":
        """A timer runs out: the one of least time left, or the one said."""
        if timer is None:
            timer = min(self.timers, key=lambda each: (self.timers[each], each))
        self.timers.pop(timer, None)
        self.process.fire_(timer)
        self._carry_out()
        return self.run()

    def run(self) -> "Actor":
        """Go on until nothing is left in the queue."""
        while self.queue:
            self.step()
        return self

    def step(self) -> None:
        what = self.queue.popleft()
        if what is fx.RESUME:
            self.process.resume_()
        else:
            self.process.deliver_(*what)
            if self.process.waiting_ and self.process.is_stale_():
                self.process.resume_()
        self._carry_out()

    def _carry_out(self) -> None:
        for effect in self.process.take_effects_():
            match effect:
                case tuple():
                    self.sent.append((effect[1], effect[0]))
                    self.stamps.append(effect[2])
                case fx.Resume():
                    self.queue.append(effect)
                case fx.SetTimer(timer, seconds):
                    self.timers[timer] = seconds
                case fx.CancelTimer(timer):
                    self.timers.pop(timer, None)
                case fx.Output(values):
                    self.shown.append(values[0] if len(values) == 1 else values)
                case fx.Ended(code):
                    assert self.code is None, "ended twice"
                    self.code = code
                case _:
                    self.other.append(effect)

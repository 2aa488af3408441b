"""Drives compiled processes by the one schedule that the naive world has too (programs.world).

Invariant: what a step asks for is carried out, in order, before the next step begins.
"""

from __future__ import annotations

import heapq
import traceback
from collections import deque
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from programs.values import Run, name_of_error, plain
from programs.world import STEPS_MAX
from quorate.core import effects as fx
from quorate.core.frames import Frame
from quorate.core.freeze import freeze
from quorate.core.ids import ProcessId, main_id
from quorate.core.process import Process
from quorate.core.thaw import thaw
from quorate.worlds.base import config_of
from quorate.worlds.check.variables import live_names


class Driver:
    """All processes of one run, its queue and its virtual time.

    With `frozen`, each process is frozen after each of its steps, and another one made of that,
    without the variables that are dead.
    """

    def __init__(self, module: ModuleType, *, frozen: bool = False) -> None:
        self.module, self.seed, self.frozen = module, 0, frozen
        self.config: Mapping[str, Any] = config_of(module)
        self.names: Mapping[str, ProcessId] = {}
        self.nodes: Mapping[str, ProcessId] = {}
        self.shows = 0
        self.ran = Run()
        self.everyone: dict[ProcessId, Process] = {}
        self.early: dict[ProcessId, list[Any]] = {}
        self.queue: deque[tuple[ProcessId, Any]] = deque()
        self.timers: list[tuple[float, int, ProcessId, int]] = []
        self.cancelled: set[tuple[ProcessId, int]] = set()
        self.count = 0

    def now(self, which: str) -> float:
        return self.ran.now

    def run(self) -> Run:
        first = main_id()
        self.create(self.module.main_process_, first, first)
        self.put(first, fx.Start(first))
        while self.ran.steps < STEPS_MAX and self.step():
            pass
        for id, process in self.everyone.items():
            fields = {k: plain(v) for k, v in vars(process).items() if not k.endswith("_")}
            self.ran.fields[repr(id)] = dict(sorted(fields.items()))
            if process.stack_ and not (self.queue or self.timers or self.ran.failed):
                self.ran.waiting[repr(id)] = process.where_()[-1][1]
        return self.ran

    def create(self, cls: type[Process], id: ProcessId, parent: ProcessId) -> None:
        self.everyone[id] = cls(id, parent, self)
        if id.name:
            self.names = {**self.names, id.name: id}
        self.queue.extend((id, thing) for thing in self.early.pop(id, []))

    def put(self, to: ProcessId, thing: Any) -> None:
        process = self.everyone.get(to)
        if process is None:
            self.early.setdefault(to, []).append(thing)
        elif not process.ended_:
            self.queue.append((to, thing))

    def step(self) -> bool:
        while not self.queue and self.timers:
            when, _, id, timer = heapq.heappop(self.timers)
            if (id, timer) not in self.cancelled and not self.everyone[id].ended_:
                self.ran.now = max(self.ran.now, when)
                self.queue.append((id, timer))
        if not self.queue:
            return False
        id, thing = self.queue.popleft()
        process = self.everyone[id]
        if process.ended_:
            return True
        self.ran.steps += 1
        error: Exception | None = None
        try:
            self.tell(process, thing)
        except Exception as raised:
            error = raised
        for effect in process.take_effects_():
            self.carry_out(process, effect)
        if error is not None:
            line = line_of(error, str(self.module.__file__))
            self.ran.trace.append(("error", repr(process.id_), name_of_error(error), line))
        elif self.frozen:
            modules = {self.module.__name__: self.module}
            self.everyone[id] = forgetful(thaw(freeze(process, modules), self, modules))
        return error is None

    def tell(self, process: Process, thing: Any) -> None:
        match thing:
            case fx.Resume():
                process.resume_()
            case fx.Setup(_, args, kwargs):
                process.prepare_(args, kwargs)
            case fx.Start():
                process.begin_()
            case fx.End():
                process.finish_(0)
            case int(timer):
                process.fire_(timer)
            case (sender, message, stamp):
                process.deliver_(message, sender, stamp)
                if process.waiting_ and process.is_stale_():
                    process.resume_()

    def carry_out(self, process: Process, effect: Any) -> None:
        me = repr(process.id_)
        match effect:
            case (to, message, stamp):
                self.put(to, (process.id_, message, stamp))
            case fx.Resume():
                self.queue.append((process.id_, effect))
            case fx.Setup(id) | fx.Start(id) | fx.End(id):
                self.put(id, effect)
            case fx.Create(id, cls):
                self.create(cls, id, process.id_)
            case fx.SetTimer(timer, seconds):
                self.count += 1
                when = self.ran.now + seconds
                heapq.heappush(self.timers, (when, self.count, process.id_, timer))
            case fx.CancelTimer(timer):
                self.cancelled.add((process.id_, timer))
            case fx.Output(values, _, level):
                self.ran.trace.append(("output", me, level, tuple(map(plain, values))))
            case fx.Ended(code):
                self.ran.trace.append(("ended", me, code))


def forgetful(process: Process) -> Process:
    """The process without the variables of its frames that nothing can read any more."""
    for frame in process.stack_:
        if isinstance(frame, Frame):
            live = live_names(frame.routine_, frame.block_, frame.next_)
            frame.__dict__ = {name: frame.__dict__[name] for name in frame.__dict__.keys() & live}
    return process


def line_of(error: BaseException, path: str) -> int:
    """The innermost line of the program in the traceback of `error`."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    return int(lines[-1] or 0) if lines else 0

"""The processes of one place, and the trampoline that runs them over one queue.

A world is a subclass: it says what time is, how messages travel to what is not near, and what
becomes of output and failures. Invariant: a step runs only from `turn`, never inside another
step, and the effects of a step are carried out, in order, before the next step begins.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from random import Random
from types import FrameType, MappingProxyType
from typing import Any

from quorate.core import effects as fx
from quorate.core import events as ev
from quorate.core.ambient import here
from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId, main_id
from quorate.core.process import Process

Order = fx.Resume | fx.Setup | fx.Start | fx.End | ev.TimerFired
Task = tuple[Process, Any, ProcessId | None, Any]
"""(process, message, sender, stamp), or (process, order, None, None)"""

Creator = tuple[tuple[int, ...], str]
"""(path, origin) of a process, which may live anywhere"""

MIXED_MAX = 256
"""Tasks in a queue that is still short enough to be put in another order between slices."""

ROOM_FRAMES = 60
"""Calls within one another that a world may need where it interrupts a step."""

_OURS = ("quorate.worlds.", "quorate.net.")


class Host:
    """The processes of one place. Is the `World` that its processes ask in the middle of a step.

    `processes` are those that live here; `near` those that a message reaches by way of the queue
    alone. They are one table, unless a world gives `near` less: all else goes through `forward`.
    """

    nodes: Mapping[str, ProcessId] = MappingProxyType({})  # those of a run of several

    def __init__(self, seed: int, config: Mapping[str, Any] | None = None) -> None:
        self.seed = seed
        self.config: Mapping[str, Any] = config or {}
        self.names: Mapping[str, ProcessId] = {}
        self.shows = 0
        self.processes: dict[ProcessId, Process] = {}
        self.near: dict[ProcessId, Process] = self.processes
        self.daemons: set[ProcessId] = set()
        self.queue: deque[Task] = deque()
        self.early: dict[ProcessId, list[tuple[Any, ProcessId | None, Any]]] = {}
        self.delivered = 0  # messages, since the beginning
        self._made: dict[Creator, int] = {}  # the last number that each has made here

    # What a world says.

    def now(self, which: str) -> float:
        """Seconds: `which` is 'time' (since the epoch) or 'monotonic'."""
        raise NotImplementedError

    def set_timer(self, process: Process, timer: int, seconds: float) -> None:
        """Call `fire(process, timer)` after `seconds`."""
        raise NotImplementedError

    def cancel_timer(self, process: Process, timer: int) -> None:
        raise NotImplementedError

    def show(self, process: Process, output: fx.Output) -> None:
        """The process shows values."""
        raise NotImplementedError

    def failed(self, process: Process, error: BaseException) -> None:
        """An exception has come out of a step of the process, which is over by that."""
        raise NotImplementedError

    def operate(self, process: Process, operation: fx.Operation) -> None:
        """An operation of a client begins or ends. Here: nobody keeps that."""

    def forward(self, to: ProcessId, what: Any, sender: ProcessId | None, stamp: Any) -> None:
        """Pass on a message, or an order (no sender), for a process that is not near.

        Here: keep it for a process that is still to be made, which a third process may know
        already; drop it for one that has ended.
        """
        if not self.was_made(to):
            self.early.setdefault(to, []).append((what, sender, stamp))

    def make(self, creation: fx.Create, parent: ProcessId) -> None:
        """Make a process, here; a world with several places overrides it to choose the place."""
        self.add(creation.cls, creation.id, parent, creation.daemon, creation.rates)

    def started(self, process: Process) -> None:
        """The process is about to begin."""

    def ended(self, process: Process, code: int) -> None:
        """The process is over, and no longer among `processes`."""

    # Processes.

    def add(
        self,
        cls: type[Process],
        id: ProcessId,
        parent: ProcessId,
        daemon: bool = False,
        rates: Iterable[tuple[str, float]] = (),
    ) -> Process:
        """Make a process here, and give it what has come for it before."""
        process = cls(id, parent, self, dict(rates))
        self.processes[id] = process
        if daemon:
            self.daemons.add(id)
        if id.path:  # a process that is restarted has a number that is not the last
            creator = id.path[:-1], id.origin
            self._made[creator] = max(self._made.get(creator, 0), id.path[-1])
        for what, sender, stamp in self.early.pop(id, ()):
            self.queue.append((process, what, sender, stamp))
        return process

    def adopt(self, creation: fx.Create, parent: ProcessId) -> bool:
        """Make a process that another place asks for, unless its id has been given; whether it is.

        Nobody is replaced so, whoever says to be its creator.
        """
        if self.was_made(creation.id):
            return False
        Host.make(self, creation, parent)
        return True

    def add_main(self, cls: type[Process], node: str = "") -> Process:
        """Make the process that runs `main`, its own parent, and have it begin."""
        id = main_id(node)
        process = self.add(cls, id, id)
        self.queue.append((process, fx.Start(id), None, None))
        return process

    def was_made(self, id: ProcessId) -> bool:
        """Whether a process that belongs here has been made already, even if it has ended.

        Creations of one creator arrive in order, so their numbers tell.
        """
        path = id.path
        return not path or path[-1] <= self._made.get((path[:-1], id.origin), 0)

    def remove(self, process: Process, code: int) -> None:
        """Forget a process that is over."""
        if self.processes.pop(process.id_, None) is not None:
            self.near.pop(process.id_, None)
            self.ended(process, code)
            self.daemons.discard(process.id_)

    def forget(self, keeps: Callable[[ProcessId], bool]) -> list[Process]:
        """Let go of processes, and of all that is of them, unless `keeps` holds for their ids."""
        forgotten = [self.processes.pop(id) for id in [*self.processes] if not keeps(id)]
        for process in forgotten:
            self.near.pop(process.id_, None)
        self.daemons = set(filter(keeps, self.daemons))
        self.early = {id: what for id, what in self.early.items() if keeps(id)}
        tasks = [task for task in self.queue if keeps(task[0].id_)]
        self.queue.clear()
        self.queue.extend(tasks)
        return forgotten

    def fire(self, process: Process, timer: int) -> None:
        """A timer has run out: tell the process, after what it has been sent before."""
        self.queue.append((process, ev.TimerFired(timer), None, None))

    # The trampoline.

    def turn(self, limit: int) -> None:
        """Do the next things in the queue, until they and their effects are `limit` or more.

        One loop without inner functions: this is what a message costs.
        """
        queue, near = self.queue, self.near
        take, put, resume = queue.popleft, queue.append, fx.RESUME
        delivered = 0
        while queue and limit > 0:
            limit -= 1
            process, what, sender, stamp = take()
            try:
                if sender is not None:
                    delivered += 1
                    if process.open_:
                        process.take_(what, sender, stamp)
                    else:
                        process.deliver_(what, sender, stamp)
                    if process.waiting_ and (process.stale_ or process.is_stale_()):
                        process.resume_()
                elif what is resume:
                    process.resume_()
                else:
                    self.obey(process, what)
            except BaseException as error:
                self.stumbled(process, error)
            effects = process.effects_
            if not effects:
                continue
            process.effects_ = []
            limit -= len(effects)
            try:
                for effect in effects:
                    if type(effect) is tuple:
                        to, message, stamp = effect
                        receiver = near.get(to)
                        if receiver is not None:
                            put((receiver, message, process.id_, stamp))
                        else:
                            self.forward(to, message, process.id_, stamp)
                    elif effect is resume:
                        put((process, resume, None, None))
                    else:
                        self.carry_out(process, effect)
            except ProgramError as error:  # a value that cannot go where it is sent
                self.end_by(process, error)
        self.delivered += delivered
        here.process = None

    def mix(self, chance: Random) -> None:
        """Let another process go first; each keeps the order of what it is to do.

        Nothing is promised about the order among processes. Those that do the same would else
        go on in step with each other, and the proposers of Paxos would duel for ever.
        """
        queue = self.queue
        if 1 < len(queue) <= MIXED_MAX:
            turn: dict[Process, float] = {}
            for task in queue:
                turn.setdefault(task[0], chance.random())
            tasks = sorted(queue, key=lambda task: turn[task[0]])
            queue.clear()
            queue.extend(tasks)

    def obey(self, process: Process, order: Order) -> None:
        """Take the step that an order asks for; a process that is over obeys none."""
        if process.ended_:
            return
        match order:
            case fx.Setup(_, args, kwargs):
                process.prepare_(args, kwargs)
            case fx.Start() if not process.started_:
                self.started(process)
                process.begin_()
            case ev.TimerFired(timer):
                process.fire_(timer)
            case fx.End():
                process.finish_(0)

    def stumbled(self, process: Process, error: BaseException) -> None:
        """A step has ended by an exception: what it did before counts, and the process is over."""
        if isinstance(error, SystemExit):
            process.exit_(error)
            return
        if not process.ended_:
            process.finish_(1)
        self.failed(process, error)

    def end_by(self, process: Process, error: BaseException) -> None:
        """End a process by an exception that comes out of what its step has led to."""
        self.stumbled(process, error)
        self.queue.append((process, fx.RESUME, None, None))  # so that its end is carried out

    def carry_out(self, process: Process, effect: Any) -> None:
        """Carry out any effect that is not a message."""
        match effect:
            case fx.Output():
                try:
                    self.show(process, effect)
                except BaseException as error:  # raised by the `__str__` of a class of the program
                    self.end_by(process, error)
            case fx.SetTimer(timer, seconds):
                self.set_timer(process, timer, seconds)
            case fx.CancelTimer(timer):
                self.cancel_timer(process, timer)
            case fx.Create():
                self.make(effect, process.id_)
            case fx.Setup() | fx.Start() | fx.End():
                self.order(effect.id, effect)
            case fx.Operation():
                self.operate(process, effect)
            case fx.Ended(code):
                self.remove(process, code)
            case _:
                self.carry_out_other(process, effect)

    def carry_out_other(self, process: Process, effect: Any) -> None:
        """Carry out an effect that only this world knows."""
        raise AssertionError(f"no effect: {effect!r}")

    def order(self, to: ProcessId, what: Order) -> None:
        """Have the process `to` do something, after what it has been sent before."""
        process = self.processes.get(to)
        if process is not None:
            self.queue.append((process, what, None, None))
        else:
            self.forward(to, what, None, None)


def is_in_step(frame: FrameType | None) -> bool:
    """Whether code of the program is interrupted: what worlds and connections hold is whole then.

    And whether there is room on Python's stack for what is to be done about it.
    """
    depth = 0
    is_ours = in_step = False
    while frame is not None:
        depth += 1
        if frame.f_code is Host.turn.__code__:
            in_step = depth > 1 and not is_ours
        elif frame.f_code.co_name != "obey":  # which holds nothing while it calls the program
            is_ours |= frame.f_globals.get("__name__", "").startswith(_OURS)
        frame = frame.f_back
    return in_step and depth + ROOM_FRAMES < sys.getrecursionlimit()

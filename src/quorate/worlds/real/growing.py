"""A worker that begins alone, and has others share what there is to do once that pays.

It forks them, so they have all that it has, and each goes on with the processes that live in its
own place from then on. Invariant: what a process has been sent, in its order, goes with it.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from random import Random
from types import FrameType

from quorate.core.ambient import here
from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.worlds.base import is_in_step
from quorate.worlds.base.host import Task
from quorate.worlds.real import control as ct
from quorate.worlds.real.birth import Birth, live_and_exit
from quorate.worlds.real.console import Console
from quorate.worlds.real.lifeline import tie
from quorate.worlds.real.loops import Vigil, new_loop
from quorate.worlds.real.program import Growth, Options, Placement, Program
from quorate.worlds.real.worker import Worker

SAMPLE_MAX = 64
"""How many of the things to do are looked at, to see whether others could do some of them."""


class Load:
    """How hard a worker works that is alone; `placement` is how it would be shared."""

    def __init__(self, growth: Growth, placement: Placement, now: float) -> None:
        self._growth = growth
        self._placement = placement
        self._since = now  # when it was last without anything to do, or was last judged
        self._cpu = 0.0  # what it had used by then
        self._done = 0  # by then
        self._looks = self._shareable = 0  # since then
        self._held_up = -1

    def is_heavy(self, now: float, cpu: float, done: int, queue: deque[Task]) -> bool:
        """To be asked after every slice: the time, and what CPU time has gone for `done` things."""
        if queue:
            self._looks += 1
            self._shareable += self._spans_places(queue)
            if now - self._since < self._growth.window:
                return False
            took = (cpu - self._cpu) / (done - self._done or 1)  # not while others had the core
            if took > self._growth.thing and 2 * self._shareable >= self._looks:
                return True
        self._since, self._cpu, self._done = now, cpu, done
        self._looks = self._shareable = 0
        return False

    def is_held_up(self, slice: int) -> bool:
        """To be asked while slice number `slice` takes longer than it should: once is no sign."""
        before, self._held_up = self._held_up, slice
        return before == slice

    def _spans_places(self, queue: deque[Task]) -> bool:
        place = self._placement.of
        first = place(queue[0][0].id_)
        return any(place(process.id_) != first for process, *_ in islice(queue, SAMPLE_MAX))


class GrowingWorker(Worker):
    """A worker that may be alone in the beginning."""

    def __init__(
        self, program: Program, options: Options, birth: Birth, others: Sequence[Birth]
    ) -> None:
        super().__init__(program, options, birth)
        self._others = others
        self._load: Load | None = None
        self._elsewhere: list[Process] = []  # never let go of: what they have open is not theirs
        self._forking = False  # it is not a process that forks
        if options.growth is not None:
            now = time.monotonic()
            spread = replace(options.placement, workers=options.workers)
            self._load = Load(options.growth, spread, now)

    def work(self) -> None:
        super().work()
        if self._load is None:
            return
        now, cpu = time.monotonic(), time.process_time()
        if self._load.is_heavy(now, cpu, self._done, self.queue):
            self._share()

    def _late(self, number: int, frame: FrameType | None) -> None:
        super()._late(number, frame)
        others_wait = self._in_slice and (self.queue or self._timers)
        busy = self._console.busy or self._names.busy or self._telling
        if self._load is None or not others_wait or busy:
            return
        if is_in_step(frame) and self._load.is_held_up(self._active):
            self._share()

    def _share(self) -> None:
        """Fork the other workers. A step may be under way, which stays here."""
        try:  # what is buffered would be written by everybody
            self._write_output(Console.finish)
            if sys.stderr is not None and not sys.stderr.closed:
                sys.stderr.flush()
        except (RuntimeError, OSError):  # a write is interrupted: there will be another alarm
            return
        self._load = None
        if self._stopped or threading.active_count() > 1:  # threads are not forked
            return
        running = here.process
        shift = 0 if running is None else -sum(running.id_.path) % self.options.workers
        self._tell_lives()
        gc.freeze()  # so that the pages stay shared
        self.placement = replace(self.placement, workers=self.options.workers, shift=shift)
        others, self._others = self._others, ()
        held, release = os.pipe()
        pids = []
        try:
            for birth in others:
                pids.append(self._fork())
                if not pids[-1]:
                    os.close(release)
                    live_and_exit(birth, partial(self._begin_anew, birth, others, held))
        except OSError:  # the system has no room: nobody else begins, and all stays here
            self.placement = self.options.placement
        else:
            self.tell(ct.Spread(shift, pids))
            self._keep_own()
            os.write(release, bytes(len(pids)))
        for descriptor in (held, release):
            os.close(descriptor)
        for birth in others:
            birth.close()

    def _fork(self) -> int:
        """Fork a child of the node's, which adopts what has no parent: its pid, 0 in it."""
        told, tell = os.pipe()
        self._forking = True
        between = os.fork()
        if not between:
            pid = -1
            try:
                pid = os.fork()
                os.write(tell, pid.to_bytes(8, "little") if pid else b"")
            finally:
                if pid:
                    os._exit(0)
        self._forking = False
        os.close(tell)
        told_pid = os.read(told, 8) if between else bytes(8)
        os.close(told)
        if between:
            os.waitpid(between, 0)
        if not told_pid:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return int.from_bytes(told_pid, "little")

    def _begin_anew(self, birth: Birth, others: Sequence[Birth], held: int) -> None:
        """In a new process: be the worker of another place, above what the old one was doing."""
        signal.set_wakeup_fd(-1)
        asyncio._set_running_loop(None)
        self._control.close()
        os.close(self._lifeline)
        for other in others:
            if other is not birth:
                other.close()
        if not tie(birth.lifeline) or not os.read(held, 1):
            return
        os.close(held)
        sys.setrecursionlimit(sys.getrecursionlimit() + _depth())
        self.place, self._lifeline = birth.place, birth.lifeline
        self._control = ct.Channel(birth.control)
        self._parents_loop, self.loop = self.loop, new_loop()
        self._chance = Random(f"{self.seed} {self.place!r}")
        self._forget()
        self._keep_own()
        for (id, timer), (_, due) in list(self._timers.items()):
            self._wake(self.processes[id], timer, due)
        self._go()

    def _forget(self) -> None:
        """What the worker that has forked this one is about to do, or tells itself."""
        here.process = None
        self._in_slice = self._alarmed = self._scheduled = False
        self._vigil = Vigil(self.loop, self._has_work)
        if self._gateway is not None:
            self._gateway.abandon()
            self._gateway = None
        for links in (self._ways, self._unflushed, self.blocked):
            links.clear()
        self._idle_timer = None
        self._unanswered.clear()
        self._made_count = self.delivered = 0

    def _keep_own(self) -> None:
        """Let go of all processes that live elsewhere now."""
        self._elsewhere += self.forget(self._is_own)

    def _is_own(self, id: ProcessId) -> bool:
        return self.placement.of(id) == self.place

    def _become_child(self) -> None:
        if not self._forking:
            super()._become_child()


def _depth() -> int:
    """How many calls within one another there are."""
    frame: FrameType | None = sys._getframe()
    depth = 0
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    return depth

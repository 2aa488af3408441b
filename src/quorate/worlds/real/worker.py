"""A worker: one operating-system process that runs many processes of the program.

It lives in one event loop: what arrives is put in the queue, the queue is worked off in slices,
and what leaves is flushed at the end of each slice. Invariant: it ends with the node, whatever
it is doing: the kernel kills it when the node's end of its lifeline closes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from random import Random
from types import FrameType
from typing import TYPE_CHECKING, Any

from quorate.core import effects as fx
from quorate.core.ambient import here
from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.net.codec import Arrival
from quorate.net.registry import Registry
from quorate.worlds.base import Host, busy_at, failure_of, is_in_step, standing_of
from quorate.worlds.real import control as ct
from quorate.worlds.real.birth import Birth
from quorate.worlds.real.census import DAEMON, PREPARATION, Change, change
from quorate.worlds.real.children import Leave, end_child
from quorate.worlds.real.console import Console, OutputClosed
from quorate.worlds.real.control import until_ready
from quorate.worlds.real.lifeline import tie_child
from quorate.worlds.real.lines import unwritable
from quorate.worlds.real.links import Link
from quorate.worlds.real.loops import Vigil, new_loop
from quorate.worlds.real.program import Options, Place, Program, Row, is_from, is_node
from quorate.worlds.real.shared import Names

if TYPE_CHECKING:
    from quorate.worlds.real.gateway import Gateway
    from quorate.worlds.real.history import HistoryFile
    from quorate.worlds.real.roads import Road

SLICE_SECONDS = 0.004
"""How long processes run between two looks at sockets and timers."""

CHUNK_MAX = 64
"""Things done between two looks at the clock, where steps are short."""

LATE_SECONDS = 0.05
"""How long what a process shows may wait for the end of its step."""

IDLE_SECONDS = 0.02
"""How long nothing happens before a worker says that it is idle."""

WAYS_MAX = 1 << 16


class Worker(Host):
    """The processes of one place of a run."""

    def __init__(self, program: Program, options: Options, birth: Birth) -> None:
        super().__init__(options.seed, program.config)
        self.place = birth.place
        self.placement = options.placement
        self.options = options
        self.loop = new_loop()
        self.blocked: set[Any] = set()  # links that are waiting for a slower place, or node
        self.names = self._names = Names(birth.shared)
        self._control = ct.Channel(birth.control)
        self._console = Console(birth.shared, options, birth.log)
        self.shows = options.level if birth.log is None else 0
        self._history: HistoryFile | None = None
        if birth.history is not None:
            from quorate.worlds.real.history import HistoryFile

            self._history = HistoryFile(birth.history, birth.shared)
        self._lifeline = birth.lifeline
        self._registry = Registry(program.modules)
        self._gateway: Gateway | None = None
        if options.membership is not None:
            from quorate.worlds.real.gateway import Gateway
            from quorate.worlds.real.known import KnownNodes

            self.nodes = known = KnownNodes(options.membership, self._names)
            if self.place == options.main_place:
                self._gateway = Gateway(self, known, self._registry, program.goes_on)
        self._links: dict[Place, Link] = {}
        self._ways: dict[ProcessId, Link | Road] = {}  # to processes that live elsewhere
        self._unflushed: set[Link | Road] = set()
        self._refused: list[tuple[ProcessId, ProgramError]] = []
        self._unanswered: list[ct.Message] = []  # by the node, and taken in the middle of a step
        self._timers: dict[tuple[ProcessId, int], tuple[asyncio.TimerHandle, float]] = {}
        self._running: set[ProcessId] = set()  # started, and the run waits for their end
        self._lives: list[Change] = []
        self._failures: list[tuple[ProcessId, BaseException]] = []
        self._scheduled = self._stopped = self._finished = False
        self._in_slice = self._telling = False
        self._alarmed = False  # whether the alarm is set
        self._lived = False  # whether a process has ever been here
        self._made_count = 0  # by processes that live here
        self._has_core = options.has_core_each
        self._vigil = Vigil(self.loop, self._has_work)
        self._chunk = 1
        self._done = 0  # how many things, roughly
        self._chance = Random(f"{self.seed} {self.place!r}")
        self._active = 0  # grows with everything that happens
        self._reported = -1  # what _active was at the last report of being idle
        self._idle_timer: asyncio.TimerHandle | None = None

    # The loop.

    def serve(self) -> None:
        """Run until the node says stop."""
        os.register_at_fork(after_in_child=self._become_child)
        signal.signal(signal.SIGALRM, self._late)
        signal.signal(signal.SIGQUIT, self._say_busy)
        self._go()

    def _go(self) -> None:
        self.loop.set_exception_handler(lambda _, context: self._broken(context))
        self.loop.add_reader(self._control.fileno(), self._listen)
        if self._gateway is not None:
            self.loop.call_soon(self._gateway.open)
        self.schedule()
        self.loop.run_forever()

    def schedule(self) -> None:
        """Have `work` called in the next turn of the loop."""
        if not self._scheduled:
            self._scheduled = True
            self.loop.call_soon(self._work_again)

    def _has_work(self) -> bool:
        return self._scheduled

    def _work_again(self) -> None:
        self._scheduled = False
        self.work()

    def work(self) -> None:
        """Do a slice of the queue, and send and show what came of it."""
        if self._stopped or self.blocked:
            return
        self._active += 1
        self._slice()
        self.flush()
        if self.queue:
            self.schedule()
            return
        if self._links and self._has_core:
            self._vigil.begin()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(IDLE_SECONDS, self._maybe_idle, self._active)

    def _slice(self) -> None:
        """Work off the queue for a while; where steps are long, one by one."""
        self._in_slice = True  # before the alarm is set: it may go off at once
        if not self._alarmed:
            self._set_alarm()
        self.mix(self._chance)
        begin = now = time.monotonic()
        while self.queue and now - begin < SLICE_SECONDS:
            before = now
            self.turn(self._chunk)
            self._done += self._chunk
            now = time.monotonic()
            quick = now - before < SLICE_SECONDS / 8
            self._chunk = min(2 * self._chunk, CHUNK_MAX) if quick else 1
        self._in_slice = False

    def _set_alarm(self) -> None:
        self._alarmed = True
        signal.setitimer(signal.ITIMER_REAL, LATE_SECONDS)

    def _late(self, _: int, frame: FrameType | None) -> None:
        """A slice takes long, or was over long ago: let go of what there is in mid-step."""
        self._alarmed = False
        if not self._in_slice:
            return
        if not (self._console.busy or self._names.busy or self._telling):
            self._show_unfinished()
            self._write_output()
            if is_in_step(frame):
                self._hear()  # of a connection that what was sent waits for
                self.loop.call_soon(self._answer)
                self._tell_lives()
                for link in self._links.values():
                    link.push()
                if self._gateway is not None:
                    self._gateway.push()
        self._set_alarm()

    def _show_unfinished(self) -> None:
        """Show what the step under way has shown so far, and take it from the step's effects.

        The step may be anywhere, but it does nothing with its effects except to add to them.
        """
        process = here.process
        if process is None:
            return
        effects = process.effects_
        kept: list[Any] = []
        count = 0
        for effect in effects:
            if type(effect) is fx.Output:
                try:
                    self._console.show(process.id_, effect)
                except BaseException:  # a value without a text: the step's end tells
                    break
            else:
                kept.append(effect)
            count += 1
        effects[:count] = kept

    def flush(self) -> None:
        """Show output, tell the node of starts and ends, send what has been added to links."""
        self._write_output()  # before any message that what is shown has led to
        if self._refused:
            self._end_refused()
        self._tell_lives()  # before what they lead to is told by another place
        if self._gateway is not None:
            self._gateway.flush()
        if self._unflushed:
            for link in self._unflushed:
                link.flush()
            self._unflushed.clear()
        if self.options.isolate and not self.processes and self._lived and self._gateway is None:
            self._farewell()

    def refuse(self, refused: list[tuple[ProcessId, ProgramError]]) -> None:
        """What a link could not send will end its senders, once no step is under way."""
        self._refused += refused
        refused.clear()
        self.schedule()

    def _end_refused(self) -> None:
        refused, self._refused = self._refused, []
        for id, error in refused:
            process = self.processes.get(id)
            if process is not None:
                self.end_by(process, error)
            else:
                self._failures.append((id, error))

    def _write_output(self, write: Callable[[Console], None] = Console.flush) -> None:
        try:
            write(self._console)
        except OutputClosed as closed:
            self._unable(closed.reason)

    def _unable(self, reason: str) -> None:
        """What the run is for cannot be written; an empty reason is that nobody reads it."""
        self.tell(ct.Unable(reason))
        self._stopped = True

    def _tell_lives(self) -> None:
        """Tell the node of failures, and then of the ends that they lead to."""
        failures, self._failures = self._failures, []
        for id, error in failures:
            if isinstance(error, BrokenPipeError) and until_ready(1, 0, 0):
                self.tell(ct.Unable(""))  # it is of a write to `sys.stdout` that nobody reads
                continue
            failure = failure_of(id, error)
            self.tell(ct.Failed(str(failure), failure.ours, id.origin))
            self._stopped |= self._stops_at(id)
        if self._lives:
            changes, self._lives = self._lives, []
            self.tell(ct.Lives(changes))

    def accept(self, arrivals: list[Arrival]) -> None:
        """Put what has come from another place in the queue."""
        near, put = self.near, self.queue.append
        for to, what, sender, stamp in arrivals:
            process = near.get(to)
            if type(what) is fx.Create and self.placement.of(to) == self.place:
                assert sender is not None
                if self.adopt(what, sender):
                    self._lives.append(change(to, -1, 0))
            elif process is not None:
                put((process, what, sender, stamp))
            else:
                self.forward(to, what, sender, stamp)

    # What a world says.

    def now(self, which: str) -> float:
        return time.time() if which == "time" else time.monotonic()

    def set_timer(self, process: Process, timer: int, seconds: float) -> None:
        due = time.monotonic() + max(seconds, 0)
        self._wake(process, timer, due)

    def cancel_timer(self, process: Process, timer: int) -> None:
        handle, _ = self._timers.pop((process.id_, timer), (None, 0.0))
        if handle is not None:
            handle.cancel()

    def _wake(self, process: Process, timer: int, due: float) -> None:
        seconds = due - time.monotonic()
        handle = self.loop.call_later(seconds, self._due, process, timer, due)
        self._timers[process.id_, timer] = handle, due

    def _due(self, process: Process, timer: int, due: float) -> None:
        if time.monotonic() < due:  # a loop counts milliseconds, from the beginning of its turn
            self._wake(process, timer, due)
        elif self._timers.pop((process.id_, timer), None) is not None:
            self.fire(process, timer)
            self.work()

    def show(self, process: Process, output: fx.Output) -> None:
        self._console.show(process.id_, output)

    def operate(self, process: Process, operation: fx.Operation) -> None:
        if self._history is not None:
            try:
                self._history.add(process.id_, operation)
            except OSError as error:
                self._unable(unwritable(self.options.history or "", error))

    def failed(self, process: Process, error: BaseException) -> None:
        self._failures.append((process.id_, error))
        if self._stops_at(process.id_):
            self.queue.clear()

    def _stops_at(self, failed: ProcessId) -> bool:
        """Whether its failure ends what is done here; of another's processes, the other decides."""
        return self.options.stop_on_error and failed.origin == self.options.node

    def make(self, creation: fx.Create, parent: ProcessId) -> None:
        self._made_count += 1
        if creation.id.name:
            self._names.claim(creation.id)
        link = self._way_to(creation.id)
        if link is None:
            super().make(creation, parent)
        else:
            id = creation.id
            link.add_order(id, creation, parent)
            self._lives.append(change(id, 1, PREPARATION))
            self._unflushed.add(link)

    def add(self, cls: type[Process], id: ProcessId, *rest: Any) -> Process:
        self._lived = True
        return super().add(cls, id, *rest)

    def order(self, to: ProcessId, what: Any) -> None:
        if type(what) is fx.Start:
            self._lives.append(change(to, 1, 0))
        elif type(what) is fx.Setup:
            self._lives.append(change(to, 1, PREPARATION))
        super().order(to, what)

    def forward(self, to: ProcessId, what: Any, sender: ProcessId | None, stamp: Any) -> None:
        link = self._ways.get(to) or self._way_to(to)
        if link is not None:
            if sender is None or type(what) is fx.Create:
                link.add_order(to, what, sender)
            else:
                link.add(to, what, sender, stamp)
            self._unflushed.add(link)
        elif type(what) in (fx.Start, fx.Setup) and self.was_made(to):
            self._settle(to, 0)
        else:
            super().forward(to, what, sender, stamp)

    def obey(self, process: Process, order: Any) -> None:
        if type(order) is fx.Start and (process.ended_ or process.started_):
            self._settle(process.id_, 0)
        try:
            super().obey(process, order)
        finally:
            if type(order) is fx.Setup:
                self._settle(process.id_, 0)

    def started(self, process: Process) -> None:
        if process.id_ in self.daemons:
            self._settle(process.id_, DAEMON)
            self._tell_lives()  # now, as it may never come out of its first step
        else:
            self._running.add(process.id_)

    def ended(self, process: Process, code: int) -> None:
        id = process.id_
        self._console.end(id)
        if id in self._running:
            self._running.discard(id)
            self._settle(id, code)
        elif code:  # nobody waits for the end of a daemon, or of one that was not started
            self._lives.append(change(id, 0, code))
        for timer in range(1, process.timers_ + 1) if self._timers else ():
            self.cancel_timer(process, timer)

    def _settle(self, id: ProcessId, code: int) -> None:
        self._lives.append(change(id, -1, code))

    def clear(self, origin: str) -> None:
        """End all that comes from the main of another node; nobody is to hear of it."""
        self._names.read()  # its names are free
        self.forget(lambda id: id.origin != origin)
        self._made = {creator: last for creator, last in self._made.items() if creator[1] != origin}
        for place in [place for place in self._links if is_from(place, origin)]:
            self._links.pop(place).close()
        self._ways.clear()
        self.schedule()

    def forget(self, keeps: Callable[[ProcessId], bool]) -> list[Process]:
        self._running = set(filter(keeps, self._running))
        for key in [key for key in self._timers if not keeps(key[0])]:
            self._timers.pop(key)[0].cancel()
        self._console.keep(keeps)
        return super().forget(keeps)

    # Other places.

    def _way_to(self, id: ProcessId) -> Link | Road | None:
        if len(self._ways) >= WAYS_MAX:
            self._ways.clear()
        place = self.placement.of(id)
        if place == self.place:
            return None
        if not is_node(place):
            way: Link | Road = self._link(place)
        elif self._gateway is not None:
            way = self._gateway.road(id.node)
        else:
            way = self._link(self.options.main_place)
        self._ways[id] = way
        return way

    def _link(self, place: Place) -> Link:
        link = self._links.get(place)
        if link is None:
            link = self._links[place] = Link(self, place, self._registry)
            self.tell(ct.Wants(place))
        return link

    def _connect(self, place: Place, end: socket.socket) -> None:
        link = self._links.get(place)
        if link is None:
            link = self._links[place] = Link(self, place, self._registry)
        end.setblocking(False)
        link.socket = end
        connecting = self.loop.create_unix_connection(lambda: link, sock=end)
        self.loop.create_task(connecting).add_done_callback(lambda task: task.exception())

    # The node.

    def tell(self, message: ct.Message) -> None:
        self._telling = True
        self._control.send(message)
        self._control.flush_all()
        self._telling = False

    def _listen(self) -> None:
        self._hear()
        self._answer()

    def _hear(self) -> None:
        """Take what the node says: connections at once, whatever is under way."""
        messages = self._control.receive()
        if messages is None:
            os._exit(1)  # the node is no more
        for message in messages:
            match message:
                case ct.Granted(place):
                    self._connect(place, self._control.sockets.popleft())
                case ct.Gone(place):
                    self._link(place).close()
                case _:
                    self._unanswered.append(message)

    def _answer(self) -> None:
        """Do what the node asks for, between two slices."""
        messages, self._unanswered = self._unanswered, []
        for message in messages:
            match message:
                case ct.Count(round):
                    self.tell(self._tally(round))
                case ct.Where(round):
                    self.tell(ct.Stands(round, self._stands()))
                case ct.Stop(status, reason):
                    self._stop(status, reason)
                case ct.Clear(origin) if is_from(self.place, origin):
                    self._stop()  # which answers
                case ct.Clear(origin):
                    self.clear(origin)
                    self.tell(message)
                case ct.Cleared(origin) if self._gateway is not None:
                    self._gateway.cleared(origin)
                case ct.Note() if self._gateway is not None:
                    self._gateway.tell(message)

    def _say_busy(self, _: int, frame: FrameType | None) -> None:
        """Say what step is under way, and where it is: the node asks while nobody listens."""
        process = here.process
        if self._in_slice and process is not None and not self._telling:
            self.tell(ct.Busy(str(busy_at(process, frame))))

    def _maybe_idle(self, active: int) -> None:
        self._idle_timer = None
        if self._is_busy or self._finished or self._reported == self._active:
            return
        if active == self._active:
            self._reported = active
            self.tell(self._tally(0))
        else:
            self._idle_timer = self.loop.call_later(IDLE_SECONDS, self._maybe_idle, self._active)

    @property
    def _is_busy(self) -> bool:
        return bool(self.queue or self._timers or self.blocked or self._scheduled)

    def _tally(self, round: int) -> ct.Tally:
        return ct.Tally(round, self._is_busy, self._counts())

    def _counts(self) -> list[tuple[Place, int, int]]:
        others = [] if self._gateway is None else self._gateway.counts
        return [link.counts for link in self._links.values()] + others

    def _stands(self) -> list[tuple[ct.Path, str, bool]]:
        return [
            (id.path, str(standing_of(process)), process.started_)
            for id, process in self.processes.items()
        ]

    def stats(self) -> list[Row]:
        """What the processes have done; nothing where it is not measured."""
        return []

    def unreached(self) -> list[str]:
        """The properties of `@sometimes` that never held; none where they are not checked."""
        return []

    def _summary(self) -> ct.Summary:
        unstarted = [repr(id) for id, process in self.processes.items() if not process.started_]
        counts = self._counts()
        nodes = self._gateway.stats() if self._gateway is not None and self.options.stats else []
        more = (unstarted, self.stats(), nodes, self.unreached())
        return ct.Summary(self._made_count, self.delivered, counts, *more)

    def _stop(self, status: int = 0, reason: str = "") -> None:
        if self._finished:
            return
        self._stopped = self._finished = True
        for id in self.processes:
            self._console.end(id)
        self._write_output(Console.finish)
        self.tell(self._summary())
        if self._gateway is None:
            self.loop.stop()
        else:
            self._gateway.leave(status, reason)

    def _farewell(self) -> None:
        """An isolated process is over: exit once all that it has sent has been taken."""
        taken = [link.part() for link in self._links.values()]
        if all(taken):
            self._stop()
        else:
            self.loop.call_later(IDLE_SECONDS, self.flush)

    # Children of the system's that the program makes.

    def _become_child(self) -> None:
        """After an `os.fork` of the program, in its child: let go of all that is the worker's."""
        self._stopped = True
        process, here.process = here.process, None
        if process is not None:
            own: list[Any] = []
            own.append(Leave(own))
            process.effects_ = own
        self.queue.clear()
        self._failures.clear()
        self._control.close()
        if self._gateway is not None:
            self._gateway.abandon()
        for link in self._links.values():
            if link.socket is not None:
                os.close(link.socket.detach())
        if not tie_child(self._lifeline):
            os._exit(1)

    def carry_out_other(self, process: Process, effect: Any) -> None:
        if not isinstance(effect, Leave):
            super().carry_out_other(process, effect)
        end_child(effect, self._failures)

    # Faults of our own.

    def fault(self, error: BaseException) -> None:
        """Something is wrong that comes out of no step of the program."""
        self._stopped = True
        self.tell(ct.trouble(self.place, error))

    def _broken(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.fault(error if isinstance(error, BaseException) else RuntimeError(str(context)))

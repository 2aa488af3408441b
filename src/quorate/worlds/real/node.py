"""The node: forks the workers of a run, watches them, connects them, and finds its end.

It is the process of the command line. Small on purpose: one selector, no event loop, and it
runs nothing of the program. Invariant: however `run` is left, no worker is left behind.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from quorate.core.ids import ProcessId, main_id
from quorate.worlds.base import collect_seldom, stuck
from quorate.worlds.real import control as ct
from quorate.worlds.real import notes
from quorate.worlds.real.birth import Birth, Seat, live_and_exit, raise_limit
from quorate.worlds.real.census import Census, Change, Lifetimes, counted
from quorate.worlds.real.checked import CheckedWorker
from quorate.worlds.real.growing import GrowingWorker
from quorate.worlds.real.journal import Journal, begun
from quorate.worlds.real.lifeline import adopt_orphans, tie
from quorate.worlds.real.lines import ERROR, INFO
from quorate.worlds.real.others import Others
from quorate.worlds.real.program import Options, Outcome, Place, Program, is_from, is_node
from quorate.worlds.real.shared import shared_file
from quorate.worlds.real.stats import MeasuredWorker

GRACE_SECONDS = 0.5
"""How long workers have to say their last words when the run has failed."""

WHERE_SECONDS = 1.0
"""How long workers have to say where their processes stand."""

Report = Callable[[str], None]
Closing = Callable[[Outcome], str]


class Interrupted(BaseException):
    """Somebody has asked for the end: Ctrl-C, or a signal to terminate."""


class Crew:
    """A worker as the node sees it."""

    def __init__(self, seat: Seat, pid: int) -> None:
        self.place = seat.place
        self.pid = pid
        self.channel = ct.Channel(seat.end)
        self.met: set[Place] = set()
        self.summary: ct.Summary | None = None
        self.close = seat.close


class Node:
    """One run of a program on this machine."""

    def __init__(
        self, program: Program, options: Options, report: Report, closing: Closing | None = None
    ) -> None:
        self._program = program
        can_grow = options.growth is not None and adopt_orphans()
        self._options = options if can_grow else replace(options, growth=None)
        self._placement = self._options.placement
        self._tell_user = report
        self._closing = closing
        self._outcome = Outcome(options.seed)
        self._crew: dict[Place, Crew] = {}
        self._seats: list[Seat] = []  # for workers that may come
        self._gone: set[Place] = set()
        census = self._census = Census(is_node)
        self._me = me = options.membership
        main = None if me is not None and me.idle else main_id(options.node)
        lives = self._lifetimes = Lifetimes(main, program.goes_on)
        self._others = None if me is None else Others(me, lives, census, program.goes_on, self)
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._deadline: float | None = None
        self._stands: dict[Place, ct.Stands] | None = None
        self._clearing: dict[str, set[Place]] = {}  # by origin: who has not done so yet
        self._busy: dict[Place, str] = {}  # what workers that do not answer are busy with
        self._stands_round = 0
        self._stands_then: Callable[[], None] = lambda: None
        self._stands_by = 0.0
        self._asked_where = False
        self._deaf = self._mute = False  # to signals, at the end; to nodes, without a gateway
        self._is_engaged = self._is_interrupted = False  # with a worker; meanwhile
        self._shared = shared_file()
        as_json = options.log_format == "json"
        self._log = None if options.log is None else Journal(options.log, as_json)
        self._history = None if options.history is None else begun(options.history)

    def run(self) -> Outcome:
        """Run the program to its end."""
        begin = time.monotonic()
        try:
            with self._signals():
                try:
                    self._start()
                    while self._crew:
                        self._wait()
                except Interrupted:
                    self._take_leave()
                    raise
        except OSError as error:
            self.report(f"error: the system refuses what the run needs: {error}")
            self._outcome.status = 1
        except Interrupted:
            self._outcome.interrupted = True
            self._outcome.status = 130
        if self._mute and self._me is not None and self._options.listener is not None:
            from quorate.worlds.real.parting import part  # few need it

            part(self._me, self._options.listener)
        self._outcome.status = self._outcome.status or self._lifetimes.status
        self._outcome.seconds = time.monotonic() - begin
        mains = 1 if self._me is None or not self._me.idle else 0
        self._outcome.processes = max(mains + self._outcome.processes, self._lifetimes.started)
        if self._history is not None:
            os.close(self._history)
        if self._log is not None:
            if self._closing is not None:
                self._log.add(self._closing(self._outcome), INFO)
            self._log.close()
        return self._outcome

    def report(self, text: str, level: int = ERROR) -> None:
        """Tell the user, and the log."""
        if self._log is not None:
            self._log.add(text, level)
        self._tell_user(text)

    # Workers.

    def _start(self) -> None:
        raise_limit()
        gc.freeze()  # so that workers share the pages of what is loaded
        if self._options.launched is not None:
            self._selector.register(self._options.launched, selectors.EVENT_READ)
        if self._options.isolate:
            self._fork(self._seat(self._options.main_place))
            return
        now = self._placement.workers
        self._seats = [self._seat((number,)) for number in range(now, self._options.workers)]
        for number in range(now):
            self._fork(self._seat((number,)))

    def _seat(self, place: Place) -> Seat:
        log = None if self._log is None else self._log.descriptor
        return Seat(place, self._shared, log, self._history)

    def _fork(self, seat: Seat) -> Crew:
        signals = {signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        pid = os.fork()
        if pid == 0:
            self._be_worker(seat, before)
        try:
            return self._join(seat, pid)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _join(self, seat: Seat, pid: int) -> Crew:
        """A worker is there, and is listened to."""
        seat.birth.close()
        crew = self._crew[seat.place] = Crew(seat, pid)
        self._census.join(seat.place)
        self._selector.register(crew.channel, selectors.EVENT_READ, crew)
        return crew

    def _be_worker(self, seat: Seat, mask: Iterable[Any]) -> None:
        """In the new process: let go of what is the node's, and never return."""

        def begin() -> None:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            for crew in self._crew.values():
                crew.close()
            for other in (*self._seats, seat):
                other.close()
            is_gateway = self._me is not None and seat.place == self._options.main_place
            if self._options.listener is not None and not is_gateway:
                self._options.listener.close()
            # Who stops a service tells all of its processes, but other nodes are to hear of it.
            signal.signal(signal.SIGTERM, signal.SIG_IGN if is_gateway else signal.SIG_DFL)
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):  # the node decides
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            if tie(seat.birth.lifeline):
                self._live(seat.birth)

        live_and_exit(seat.birth, begin)

    def _live(self, birth: Birth) -> None:
        """The life of a worker; nothing if the node has gone before it could be noticed."""
        collect_seldom()
        kind = MeasuredWorker if self._options.stats else GrowingWorker
        kind = CheckedWorker if self._program.properties else kind
        others = [seat.birth for seat in self._seats]
        worker = kind(self._program, self._options, birth, others)
        if birth.place == self._options.main_place and not (self._me and self._me.idle):
            worker.add_main(self._program.main, self._options.node)
        worker.serve()

    def _spread(self, shift: int, pids: list[int]) -> None:
        """The one worker that there was has forked the others."""
        self._placement = replace(self._placement, workers=self._options.workers, shift=shift)
        seats, self._seats = self._seats, []
        for seat, pid in zip(seats, pids, strict=True):
            crew = self._join(seat, pid)
            if self._stopping:
                self._tell(crew, ct.Stop())

    # Waiting.

    def _wait(self) -> None:
        for key, mask in self._selector.select(self._timeout()):
            if key.data is None:
                self._wake(key.fileobj)
            else:
                self._hear(key.data, mask)
        self._on_time()

    def _wake(self, source: Any) -> None:
        """A signal has come, or what launched nodes say can be shown no more."""
        launched = self._options.launched
        if launched is None or source is not launched:
            source.recv(64)
            return
        self._selector.unregister(launched)
        reason = launched.trouble()
        if reason is not None:
            self._unable(reason)

    def _timeout(self) -> float | None:
        ends = [self._deadline] if self._deadline is not None else []
        ends += [self._stands_by] if self._stands is not None else []
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _on_time(self) -> None:
        now = time.monotonic()
        if self._asked_where and self._stands is None:
            self._asked_where = False
            self._ask_where(self._show_stands)
            for crew in self._crew.values():
                os.kill(crew.pid, signal.SIGQUIT)
        if self._stands is not None:
            others_stand = self._others is None or self._others.all_stand
            here_stand = self._stands.keys() >= self._crew.keys()
            if now >= self._stands_by or (here_stand and others_stand):
                then, self._stands_then = self._stands_then, lambda: None
                then()
                self._stands = None
        if self._deadline is not None and now >= self._deadline:
            for crew in list(self._crew.values()):
                os.kill(crew.pid, signal.SIGKILL)
            self._deadline = None

    def _hear(self, crew: Crew, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            with self._undisturbed():
                is_flushed = crew.channel.flush()
            if is_flushed:
                self._selector.modify(crew.channel, selectors.EVENT_READ, crew)
        if mask & selectors.EVENT_READ:
            with self._undisturbed():
                messages = crew.channel.receive()
            for message in messages or ():
                self._take(crew, message)
            if messages is None:
                self._lost(crew)
        if not self._stopping:
            if self._others is not None:
                self._others.look()
            if self._lifetimes.over if self._others is None else self._others.over:
                # A daemon may never come out of its step; anyone else is done, or is being read.
                self._stop(GRACE_SECONDS if self._lifetimes.daemons else None)
            else:
                self.count()

    def count(self) -> None:
        """Begin the next round of the census, if it is time."""
        if self._census.next_round():
            self._tell_all(ct.Count(self._census.round))

    def _take(self, crew: Crew, message: ct.Message) -> None:
        match message:
            case ct.Lives(changes):
                self._take_lives(changes)
            case ct.Tally(0, _, counts):
                self._census.idle(crew.place, counted(counts))
            case ct.Tally(round, busy, counts):
                self._census.answer(crew.place, round, busy, counted(counts))
                if self._census.stuck and not self._stopping:
                    (self.stuck if self._others is None else self._others.quiet)()
            case ct.Wants(place):
                self._connect(crew, place)
            case ct.Failed(text, ours, origin):
                self._failed(text, ours, origin)
            case ct.Stands(round) if self._stands is not None and round == self._stands_round:
                self._stands[crew.place] = message
            case ct.Busy(report):
                self._busy[crew.place] = report
            case ct.Unable(reason):
                self._unable(reason)
            case ct.Summary():
                self._last_words(crew, message)
            case ct.Spread(shift, pids):
                self._spread(shift, pids)
            case ct.Said(text, level):
                self.report(text, level)
            case ct.Clear(origin) if crew.place == self._options.main_place:
                self._clear(origin)
            case ct.Clear(origin):
                self._cleared(crew.place, origin)
            case ct.Met() | ct.Left() | ct.Lost() | ct.Note():
                if self._others is not None and not self._stopping:
                    self._others.take(message)

    def _take_lives(self, changes: list[Change]) -> None:
        for each in changes:
            if each.origin == self._options.node:
                self._lifetimes.take(each)
        if self._others is not None:
            self._others.pass_on([each for each in changes if each.origin != self._options.node])

    def _tell(self, crew: Crew, message: ct.Message, along: socket.socket | None = None) -> None:
        with self._undisturbed():
            crew.channel.send(message, along)
            is_flushed = crew.channel.flush()
        if not is_flushed:
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(crew.channel, both, crew)

    def _tell_all(self, message: ct.Message) -> None:
        for crew in self._crew.values():
            self._tell(crew, message)

    def _connect(self, crew: Crew, place: Place) -> None:
        """Give two places a connection, unless they have it already."""
        if place in self._gone:
            self._tell(crew, ct.Gone(place))
        elif place not in crew.met:
            other = self._crew.get(place) or self._fork(self._seat(place))
            crew.met.add(place)
            other.met.add(crew.place)
            one, two = ct.pair()
            self._tell(crew, ct.Granted(place), one)
            self._tell(other, ct.Granted(crew.place), two)

    # Other nodes.

    def tell_node(self, node: str, note: notes.Note) -> None:
        """Tell another node something, by way of the worker that is connected with it."""
        self._tell_gateway(ct.Note(node, notes.encoded(note)))

    def _tell_gateway(self, message: ct.Message) -> None:
        crew = self._crew.get(self._options.main_place)
        if crew is not None:
            self._tell(crew, message)

    def stands_for(self, node: str) -> None:
        """Tell another node where processes stand, as soon as all workers have said so."""

        def tell() -> None:
            text, count = self._stands_text(only_started=True), len(self._lifetimes.open)
            self.tell_node(node, notes.Stands(text, count))

        self._ask_where(tell)

    def failed_there(self, text: str) -> None:
        """A process of this run has failed on another node."""
        self._failed(text, origin=self._options.node)

    def _clear(self, origin: str) -> None:
        """Have all workers end what comes from another main; the one that asks has done so."""
        self._clearing[origin] = {*self._crew} - {self._options.main_place}
        for place in self._clearing[origin]:
            self._tell(self._crew[place], ct.Clear(origin))
        self._cleared(self._options.main_place, origin)

    def _cleared(self, place: Place, origin: str) -> None:
        left = self._clearing.get(origin, {place, ""})
        left.discard(place)
        if not left:
            del self._clearing[origin]
            for gone in [gone for gone in self._gone if is_from(gone, origin)]:
                self._gone.discard(gone)
                self._census.lose(gone)
                for crew in self._crew.values():
                    crew.met.discard(gone)
            self._tell_gateway(ct.Cleared(origin))

    def _take_leave(self) -> None:
        """Say good-bye to other nodes, before all is ended."""
        if self._others is not None and not self._stopping:
            self._stopping = True
            self._deadline = time.monotonic() + GRACE_SECONDS
            self._tell_gateway(ct.Stop(130, "it was interrupted"))
            while self._options.main_place in self._crew:
                self._wait()

    # Ends.

    def fail(self, text: str, reason: str = "") -> None:
        """Report an error, and end the run; other nodes hear the reason."""
        self.report(text)
        self._outcome.status = self._outcome.status or 1
        self._stop(GRACE_SECONDS, reason or text.partition("\n")[0])

    def _stop(self, grace: float | None, reason: str = "") -> None:
        """Ask all workers for their last words; after `grace` seconds they are killed."""
        if not self._stopping:
            self._stopping = True
            status = self._outcome.status or self._lifetimes.status
            self._tell_all(ct.Stop(status, reason))
        if grace is not None and self._deadline is None:
            self._deadline = time.monotonic() + grace

    def _unable(self, reason: str) -> None:
        """The run cannot go on; an empty reason is that nobody reads its output."""
        if not (self._stopping and self._outcome.status):
            self._outcome.closed = not reason
            self._outcome.status = self._outcome.status or 1
            if reason:
                self.report(reason)
            self._stop(GRACE_SECONDS, reason.partition("\n")[0] or "nobody reads its output")

    def _failed(self, text: str, ours: bool = False, origin: str = "") -> None:
        if not self._stopping:
            self.report(text)
            if self._others is not None and origin != self._options.node and not ours:
                self._others.failed(origin, text)
                return
            self._outcome.status = 70 if ours else self._outcome.status or 1
        if ours or self._options.stop_on_error:
            self._stop(GRACE_SECONDS, text.partition("\n")[0])

    def _last_words(self, crew: Crew, summary: ct.Summary) -> None:
        crew.summary = summary
        outcome = self._outcome
        outcome.processes += summary.processes
        outcome.messages += summary.messages
        outcome.unstarted += summary.unstarted
        outcome.stats += summary.stats
        outcome.nodes += summary.nodes
        outcome.unreached += summary.unreached
        if self._options.isolate:
            self._gone.add(crew.place)
            self._census.leave(crew.place, counted(summary.counts))

    def _lost(self, crew: Crew) -> None:
        """A worker's end of the channel is closed: it has exited, or was killed."""
        self._forget(crew)
        _, status = os.waitpid(crew.pid, 0)
        if crew.summary is None and not self._stopping:
            self._mute = crew.place == self._options.main_place
            self.fail(self._obituary(crew, os.waitstatus_to_exitcode(status)))

    def _obituary(self, crew: Crew, code: int) -> str:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        node = self._options.node
        lived = [
            change.name
            for change in self._lifetimes.at(node)
            if self._placement.of(ProcessId("", change.path, "", node)) == crew.place
        ]
        if self._others is not None and self._others.are_there:
            lived.append("what other nodes have made")
        shown = ", ".join(lived[:20]) + (f" and {len(lived) - 20} more" if len(lived) > 20 else "")
        what = "the worker" if self._options.isolate else f"worker {crew.place[0]}"
        return (
            f"error[Q110]: {what} (process {crew.pid}) {how}\n"
            f"  = running there: {shown or 'no process'}"
        )

    def _forget(self, crew: Crew) -> None:
        del self._crew[crew.place]
        for origin in list(self._clearing):
            self._cleared(crew.place, origin)
        self._selector.unregister(crew.channel)
        crew.close()

    # Where everything stands.

    def _ask_where(self, then: Callable[[], None]) -> None:
        self._stands, self._stands_then = {}, then
        self._busy.clear()
        self._stands_round += 1
        self._stands_by = time.monotonic() + WHERE_SECONDS
        self._tell_all(ct.Where(self._stands_round))

    def _show_stands(self) -> None:
        self.report(self._stands_text(), INFO)

    def _stands_text(self, only_started: bool = False) -> str:
        """Where processes stand, in the order of their names."""
        stands = self._stands or {}
        reports = sorted(report for answer in stands.values() for report in answer.reports)
        lines = [text for _, text, started in reports if started or not only_started]
        lines += [
            self._busy.get(place, f"{ct.worker_name(place)} is busy in a step")
            for place in self._crew
            if place not in stands
        ]
        return "\n".join(lines)

    def stuck(self) -> None:
        """Nothing can happen any more: end the run once all have said where they stand."""
        self._ask_where(self._stuck)

    def _stuck(self) -> None:
        if self._stopping:
            return
        here, count = self._stands_text(only_started=True), len(self._lifetimes.open)
        texts = [here] if here else []
        for each in self._others.stands.values() if self._others is not None else ():
            texts += [each.text] if each.text else []
            count += each.open
        self.report(stuck(texts, count))
        self._outcome.status = self._lifetimes.status or 1
        self._stop(None, ct.STUCK)

    # Signals, and the end of everything.

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C, SIGTERM and SIGHUP raise Interrupted; SIGQUIT wakes the selector."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self._selector.register(ours, selectors.EVENT_READ, None)
        wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        before = {signal.SIGQUIT: signal.signal(signal.SIGQUIT, self._where)}
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup and shells ask for
                before[number] = signal.signal(number, self._interrupt)
        try:
            yield
        finally:
            was_deaf, self._deaf = self._deaf, True
            self._end_all()
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                # Once deaf, the end is near, and nothing may come in between: Python itself, at its
                # end, would let a signal that has a handler end it another way.
                signal.signal(number, signal.SIG_IGN if was_deaf else handler)
            ours.close()
            theirs.close()

    def _interrupt(self, *_: Any) -> None:
        if not self._deaf:
            self._deaf = True
            if not self._is_engaged:
                raise Interrupted
            self._is_interrupted = True

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """What is told and heard meanwhile is so once, though an interrupt comes in between."""
        self._is_engaged = True
        yield
        self._is_engaged = False
        if self._is_interrupted:
            self._is_interrupted = False
            raise Interrupted

    def _where(self, *_: Any) -> None:
        self._asked_where = True

    def _end_all(self) -> None:
        """Kill what still lives, and wait until it is gone."""
        for crew in self._crew.values():
            os.kill(crew.pid, signal.SIGKILL)
        for crew in self._crew.values():
            os.waitpid(crew.pid, 0)
            crew.close()
        for seat in self._seats:
            seat.close()
            seat.birth.close()
        self._crew.clear()
        self._selector.close()
        os.close(self._shared)


def run(
    program: Program, options: Options, report: Report, closing: Closing | None = None
) -> Outcome:
    """Run a program on this machine; `report` takes what is to be said on standard error.

    The log, if there is one, has that too, and at its end what `closing` says of the outcome.
    """
    return Node(program, options, report, closing).run()

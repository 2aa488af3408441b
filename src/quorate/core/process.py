"""A process as data: its fields, its histories, and the stack of frames where it stands.

`step` maps (process, event) to effects, atomically, from one yield point to the next. Invariant:
between steps the top frame, if any, stands at a yield point, an await or a sleep. What the
machinery keeps has a name that ends in an underscore or begins with two, and the words of the
language are called by way of the class; every other attribute is the program's.
"""

from __future__ import annotations

import copy
import functools
import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from random import Random
from sys import getrecursionlimit
from typing import Any, Protocol

from quorate.core import effects as fx
from quorate.core import events as ev
from quorate.core.actions import Actions
from quorate.core.ambient import here
from quorate.core.classes import CompiledClass, Handler
from quorate.core.clocks import CLOCKS, Clock
from quorate.core.configuration import clock_of
from quorate.core.containers import observed_copy
from quorate.core.errors import NoValueYet
from quorate.core.frames import (
    PAUSE,
    RETURN,
    SERVE,
    SLEEP,
    WAIT,
    Frame,
    Read,
    Signal,
    begin,
    routine,
)
from quorate.core.history import Entry
from quorate.core.ids import ProcessId
from quorate.core.joins import Known
from quorate.core.members import Members, Standing
from quorate.core.messages import own_copy
from quorate.core.mistakes import seconds_of


class World(Protocol):
    """What a process may ask of the world in the middle of a step."""

    seed: int
    names: Mapping[str, ProcessId]
    nodes: Mapping[str, ProcessId]  # NAME or NAME@HOST:PORT -> its own process; none if alone
    config: Mapping[str, Any]
    shows: int  # the least level of output that goes anywhere

    def now(self, which: str) -> float:
        """Seconds: `which` is 'time' (since the epoch) or 'monotonic'."""


class Dispatch:
    """On the stack under a suspended handler: the message, and the handlers still to run."""

    __slots__ = ("entry", "following", "kind", "result_")

    def __init__(self, kind: str, entry: Entry, following: int) -> None:
        self.kind = kind
        self.entry = entry
        self.following = following
        self.result_: Any = None

    def advance_(self, process: Process, error: BaseException | None) -> Frame | Signal:
        handlers = process.handlers_of_(self.kind)
        while self.following < len(handlers):
            handler = handlers[self.following]
            self.following += 1
            frame = process.handle_(handler, self.entry)
            if type(frame) is Frame:
                return frame
        return RETURN


class Process(Actions, CompiledClass):
    """The base of every compiled process class."""

    setups_done_: set[Callable[..., None]] = set()  # of bases; in the midst of setting up only

    def __init__(self, *made_of: Any) -> None:
        """Given nothing, it is the end of a line of mix-ins that call `super().__init__()`."""
        if made_of:
            self.__create(*made_of)

    def __create(
        self, id: ProcessId, parent: ProcessId, world: World, rates: Mapping[str, float] = {}
    ) -> None:
        self.id_ = id
        self.parent_ = parent
        self.world_ = world
        self.rates_ = dict(rates)
        # Whether a send is nothing but its effect, or that and what views keep of it.
        self.sends_simply_ = not (self.rates_ or self.senders_)
        self.sends_plainly_ = self.sends_simply_ and not self.remembers_sent_
        config = {**self.config_, **world.config}
        kind = clock_of(config)
        # Whether of messages from one process a later one always bears a later time. One that is
        # restarted after a crash begins its time anew.
        ordered = "fifo" in config.get("channel", ()) and not config.get("channels")
        self.in_order_ = ordered and kind == "lamport" and not config.get("restarts")
        self.effects_: list[Any] = []
        self.stack_: list[Frame | Dispatch] = []
        self.inbox_: deque[Entry] = deque()
        self.outbox_: deque[Entry] = deque()  # own sends that a `sent` handler is still to see
        self.deferred_: list[tuple[Handler, Entry]] = []
        self.received_: list[Entry] = []
        self.sent_: list[Entry] = []
        self.joins_: dict[
            Any, Known
        ] = {}  # what is known of queries over several kinds of messages
        self.begin_views_("received")
        self.begin_views_("sent")
        self.members_: dict[Members, Standing] = {}  # what awaits know of the members of fields
        self.children_: dict[ProcessId, type[Process]] = {}  # made here, not yet started
        self.ready_: set[ProcessId] = set()  # those of them that are set up
        self.names_: dict[str, ProcessId] = {}  # of those made here that have a name
        self.creations_ = 0
        self.timers_ = 0
        self.sleep_: int | None = None
        self.open_ = False  # takes each message as it comes
        self.arrived_ = False  # at a yield point where deferred messages are still to be looked at
        self.resumes_ = 0  # RESUME effects that have not come back; only the last one counts
        self.waiting_ = False  # at an await that has been tested
        self.stale_ = True  # what it reads may have changed
        self.unseen_ = True  # what properties read of its histories may have changed
        self.read_: list[Read] = []  # what else can have changed, if that is false
        self.worth_ = 32  # how often more to note what spares no test
        self.started_ = False
        self.set_up_ = False
        self.ended_ = False
        self.one_at_a_time_ = config.get("handling") == "one"
        self.clock_: Clock | None = CLOCKS[kind](id) if kind else None
        # Whether to take a message is nothing but to run what its class has for it.
        self.takes_plainly_ = not (self.rates_ or self.takes_apart_ or kind)
        for name in self.class_fields_:
            value = getattr(type(self), name)
            if not hasattr(type(value), "__set__"):  # as a property has it, which is no value
                own = _copy_of_field(value)
                shared = own is value or name not in self.observed_fields_
                setattr(self, name, own if shared else observed_copy(own))

    def __repr__(self) -> str:
        return f"<process {self.id_!r}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what Python itself asks for
            raise AttributeError(name)
        if name.endswith("__"):  # a name like one of the machinery's
            name = name[:-1]
        raise NoValueYet(
            "Q111",
            f"`{name}` has no value: nothing has been assigned to it before this is reached",
            f"give it a first value in `setup`: `self.{name} = ...`",
        )

    # What the program defines.

    def setup(self) -> None:
        """A process class that has no setup takes no arguments."""

    @routine
    class _serve:
        """A process class that has no run does nothing but handle messages until it is ended."""

        @staticmethod
        def call(process: Process) -> dict[str, Any]:
            return {}

        @staticmethod
        def start(process: Process, frame: Frame) -> Signal:
            return frame.pause_(None, "serve")

        @staticmethod
        def serve(process: Process, frame: Frame) -> Signal:
            return SERVE

    run: Callable[..., Any] = _serve

    # Events. Each runs to the next yield point and leaves its effects in `effects_`.

    def prepare_(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        here.process = self
        self.setups_done_ = set()

        def go() -> None:
            if self.mixed_in_ is not None and not self.set_up_:
                self.mixed_in_()
            if self.observed_fields_:  # it is given copies, which nobody else has
                named = {name: observed_copy(value) for name, value in kwargs.items()}
                self.setup(*map(observed_copy, args), **named)
            else:
                self.setup(*args, **kwargs)

        self.__guarded(go)
        del self.setups_done_
        self.set_up_ = True

    def begin_(self) -> None:
        """Start: set up without arguments where nobody did, and run."""
        if not self.set_up_:
            self.prepare_((), {})
        if not self.ended_:
            here.process = self
            self.started_ = True
            self.__guarded(self.__begin)

    def deliver_(self, message: Any, sender: ProcessId, stamp: Any = None) -> None:
        """Take a message, or keep it where the process takes none now."""
        if self.open_:
            self.take_(message, sender, stamp)
        elif not self.ended_:
            self.inbox_.append((message, sender, stamp))
            self.stale_ = True

    def take_(self, message: Any, peer: ProcessId, stamp: Any) -> None:
        """Take a message now: what `deliver_` does where `open_` is set.

        This is what most messages cost: no inner calls but what keeps and handles it.
        """
        here.process = self
        if not self.takes_plainly_:
            if self.rates_ and self.__fails():
                return
            if self.clock_ is not None:
                self.clock_.take(stamp)
            if self.takes_apart_:
                self.remember_("received", message, peer, stamp)
                self.stale_ |= self.dispatches_
                self.__dispatch(Dispatch("received", (message, peer, stamp), 0))
                return
        routes = self.taking_
        runs = routes.others
        if isinstance(message, tuple) and message:
            try:  # noqa: SIM105 - `suppress` is a call more
                runs = routes.by_tag.get(message[0], runs)
            except TypeError:  # it cannot be hashed
                pass
        try:
            for run in runs:
                frame = run(self, message, peer, stamp)
                if frame is not None and type(frame) is Frame:
                    following = [handler.run for handler in self.receivers_].index(run) + 1
                    self.__run_under(Dispatch("received", (message, peer, stamp), following), frame)
                    return
        except SystemExit as exit:
            self.exit_(exit)

    def __show(self, message: Any, to: ProcessId, stamp: Any) -> None:
        """Show the process a message of its own."""
        here.process = self
        self.stale_ |= self.dispatches_
        self.__dispatch(Dispatch("sent", (message, to, stamp), 0))

    def resume_(self) -> None:
        """Take what is there, then go on if the process can.

        The world calls it exactly once for each RESUME effect, which are counted, and after a
        delivery that leaves `waiting_` set and `is_stale_` true.
        """
        if self.waiting_ and self.open_ and not (self.resumes_ or self.outbox_):
            self.__test()
            return
        if self.resumes_:
            self.resumes_ -= 1
            if self.resumes_:
                return  # it was asked for at an earlier yield point, of a frame further down
        if self.sleep_ is not None or not self.stack_:
            return
        here.process = self
        arrived, self.arrived_ = self.arrived_, False
        frame = self.stack_[-1]
        if arrived and self.deferred_ and not self.__take_deferred(frame):
            return
        if (self.inbox_ or self.outbox_) and not self.__take_what_is_there(frame):
            return
        try:
            self.__run()
        except SystemExit as exit:
            self.exit_(exit)
        if (self.inbox_ or self.outbox_) and self.waiting_:
            self.__ask_to_resume()

    def fire_(self, timer: int) -> None:
        """A timer has run out; one that nobody waits for any more is of no effect."""
        here.process = self
        if self.sleep_ == timer:
            self.sleep_ = None
            self.__guarded(self.__run)
            return
        for frame in reversed(self.stack_):
            if isinstance(frame, Frame) and frame.timer_ == timer:
                frame.expired_ = True
                if frame is self.stack_[-1] and self.waiting_:
                    self.__guarded(self.__run)
                return

    def finish_(self, code: int = 0) -> None:
        """End the process where it stands; of no effect on one that has ended."""
        if not self.ended_:
            self.__end(code)

    @functools.cached_property
    def random_(self) -> Random:  # type: ignore[override]
        """The process's random numbers; made when first drawn from, since most never do."""
        return Random(f"{self.world_.seed} {self.id_!r}")

    def take_effects_(self) -> list[Any]:
        """The effects since the last call, in order."""
        taken, self.effects_ = self.effects_, []
        return taken

    # What is kept of messages.

    def begin_views_(self, kind: str) -> None:
        """Begin the views of `kind` of history, or empty them."""
        self.joins_.clear()
        for empty in self.beginnings_[kind]:
            empty(self)

    def remember_(self, kind: str, message: Any, peer: ProcessId, stamp: Any) -> None:
        """Keep of a message what queries can ask for."""
        for keep in self.keeping_[kind].of(message):
            keep(self, message, peer, stamp)

    def keep_whole_received_(self, message: Any, peer: ProcessId, stamp: Any) -> None:
        self.received_.append((message, peer, stamp))
        self.stale_ = self.unseen_ = True

    def keep_whole_sent_(self, message: Any, peer: ProcessId, stamp: Any) -> None:
        self.sent_.append((message, peer, stamp))
        self.stale_ = self.unseen_ = True

    # Taking messages.

    def handlers_of_(self, kind: str) -> tuple[Handler, ...]:
        return self.receivers_ if kind == "received" else self.senders_

    def handle_(self, handler: Handler, entry: Entry) -> Any:
        """Run one handler on a message now, or put it off until a yield point with its label."""
        if handler.labels is not None and self.__label() not in handler.labels:
            self.deferred_.append((handler, entry))
            return None
        message, peer, stamp = entry
        if handler.tag is not None and not isinstance(message, tuple):
            return None
        return handler.run(self, own_copy(message), peer, stamp)

    def __dispatch(self, dispatch: Dispatch) -> None:
        """Run handlers from `dispatch` on; only if one is suspended does it stay on the stack."""

        def go() -> None:
            frame = dispatch.advance_(self, None)
            if type(frame) is Frame:
                self.__run_under(dispatch, frame)

        self.__guarded(go)

    def __take_deferred(self, frame: Frame | Dispatch) -> bool:
        """Handle what waits for this label; false if the process then stands elsewhere."""
        deferred, self.deferred_ = self.deferred_, []
        for handler, entry in deferred:
            self.__dispatch_deferred(handler, entry)
        return self.__stands_at(frame)

    def __take_what_is_there(self, frame: Frame | Dispatch) -> bool:
        """Take waiting messages, one or all; false if the process then stands elsewhere."""
        taken = False
        while self.__stands_at(frame):
            if self.outbox_:
                self.__show(*self.outbox_.popleft())
            elif self.inbox_ and not (taken and self.one_at_a_time_):
                self.take_(*self.inbox_.popleft())
                taken = True
            else:
                return True
        return False

    def __dispatch_deferred(self, handler: Handler, entry: Entry) -> None:
        handlers = self.handlers_of_(handler.kind)

        def go() -> None:
            frame = self.handle_(handler, entry)
            if type(frame) is Frame:
                self.__run_under(Dispatch(handler.kind, entry, len(handlers)), frame)

        self.__guarded(go)

    def __stands_at(self, frame: Frame | Dispatch) -> bool:
        return bool(self.stack_) and self.stack_[-1] is frame and self.sleep_ is None

    def __label(self) -> str | None:
        """The label of the yield point where the process stands."""
        for frame in reversed(self.stack_):
            if isinstance(frame, Frame):
                return frame.label_
        return None

    def __fails(self) -> bool:
        """Whether an injected fault keeps a message from being taken."""
        if self.random_.random() < self.rates_.get("crash", 0.0):
            self.__end(1)
            return True
        if self.random_.random() < self.rates_.get("hang", 0.0):
            self.sleep_ = 0  # the number of no timer
            self.open_ = self.waiting_ = False
            return True
        return self.random_.random() < self.rates_.get("receive", 0.0)

    # Running frames.

    def __begin(self) -> None:
        serves = type(self).run is not Process.run or self.receivers_
        called = begin(self.run, ()) if serves else None
        if type(called) is Frame:
            self.stack_.append(called)
            self.__run()
        else:
            self.__end(0)

    def __test(self) -> None:
        """Test the await again; the commonest end of a delivery is that nothing has changed."""
        here.process = self
        frame = self.stack_[-1]
        assert isinstance(frame, Frame)
        try:
            answer = frame.routine_.blocks[frame.block_](self, frame)
        except BaseException as raised:
            error = raised
        else:
            if type(answer) is str:
                frame.block_ = answer
                self.__guarded(self.__run)
            elif answer is WAIT:
                self.__note_what_was_read(frame)
            else:
                self.__suspend(answer)
            return
        self.__guarded(lambda: self.__run(error=error))

    def __guarded(self, go: Callable[[], None]) -> None:
        try:
            go()
        except SystemExit as exit:
            self.exit_(exit)

    def __run_under(self, dispatch: Dispatch, frame: Frame) -> None:
        """Run the frame of a handler; if all of the message's end at once, nothing has changed."""
        self.stale_ = True
        self.stack_ += [dispatch, frame]
        self.__run(dispatch)

    def __run(self, beginning: Dispatch | None = None, error: BaseException | None = None) -> None:
        """Advance the top frame until the process is suspended or over, or `beginning` is.

        `error` is an exception that the top frame's block has ended with.
        """
        stack = self.stack_
        while stack:
            top = stack[-1]
            try:
                answer = top.advance_(self, error)
            except BaseException as raised:
                stack.pop()
                if not stack or isinstance(stack[-1], Dispatch):
                    raise
                error = raised
                continue
            if answer is WAIT:  # by far the commonest answer: a message has changed nothing
                self.waiting_, self.open_ = True, not self.inbox_
                assert isinstance(top, Frame)
                self.__note_what_was_read(top)
                return
            error = None
            if type(answer) is Frame:
                if len(stack) < getrecursionlimit():
                    stack.append(answer)
                else:
                    error = RecursionError("maximum recursion depth exceeded")
            elif answer is RETURN:
                stack.pop()
                if isinstance(top, Dispatch):
                    if top is not beginning:
                        self.__suspend(PAUSE)
                    return
                self.__return_to(top.result_)
            else:
                self.__suspend(answer)
                return
        self.__end(0)

    def __note_what_was_read(self, frame: Frame) -> None:
        """After an await was tested in vain; for a while not, where it spares too few tests."""
        self.worth_ = self.worth_ - 1 if self.worth_ > -256 else 32
        self.stale_ = True
        if self.worth_ >= 0 and (read := frame.read_(self)) is not None:
            self.stale_, self.read_ = False, read

    def is_stale_(self) -> bool:
        """Whether an await that has been tested may answer otherwise now."""
        if self.stale_:
            return True
        for home, name, value in self.read_:
            if home.get(name) is not value:
                return True
        self.worth_ = min(self.worth_ + 4, 32)
        return False

    def __return_to(self, value: Any) -> None:
        """Give the value of a call to the frame that made it."""
        if self.stack_ and isinstance(caller := self.stack_[-1], Frame):
            caller.result_ = value
            caller.block_ = caller.next_

    def __suspend(self, signal: str | Frame | Signal) -> None:
        if signal is PAUSE:
            self.arrived_ = True
            self.__ask_to_resume()
            self.open_ = not (self.one_at_a_time_ or self.inbox_ or self.deferred_)
        elif signal is SLEEP:
            top = self.stack_[-1]
            assert isinstance(top, Frame)
            self.sleep_, top.timer_ = top.timer_, None
            self.waiting_ = self.open_ = False
        else:
            assert signal is SERVE, signal
            self.waiting_ = bool(self.senders_) or self.one_at_a_time_
            self.open_ = not self.inbox_

    def __ask_to_resume(self) -> None:
        self.effects_.append(fx.RESUME)
        self.resumes_ += 1
        self.waiting_ = False

    def exit_(self, exit: SystemExit) -> None:
        """End with the code of a SystemExit; as in Python, what is no number is shown.

        Of a number, the shell sees the last eight bits, but never that an error is none.
        """
        code = exit.code
        if code is not None and not isinstance(code, int):
            Actions.error(self, code)
            code = 1
        self.finish_(code & 0xFF or 1 if code else 0)

    def __end(self, code: int) -> None:
        self.ended_ = True
        self.open_ = self.waiting_ = False
        self.sleep_ = None
        for waiting in (self.stack_, self.inbox_, self.outbox_, self.deferred_):
            waiting.clear()
        self.give_up_()
        self.effects_.append(fx.Ended(code))

    def set_timer_(self, seconds: Any, word: str = "timeout") -> int:
        seconds = seconds_of(seconds, word)
        self.timers_ += 1
        if seconds != math.inf:  # which no clock comes to: nothing is going to happen
            self.effects_.append(fx.SetTimer(self.timers_, seconds))
        return self.timers_

    def cancel_timer_(self, timer: int) -> None:
        self.effects_.append(fx.CancelTimer(timer))

    def where_(self) -> list[tuple[str, int, str]]:
        """Where it waits, innermost last: (method, line, source text of what it waits for)."""
        frames = [frame for frame in self.stack_ if isinstance(frame, Frame)]
        return [(frame.routine_.qualname, *frame.place_()) for frame in frames]


def _copy_of_field(value: Any) -> Any:
    """What the body of the class gives each process; what cannot be copied is shared."""
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def step(process: Process, event: ev.Event) -> Iterable[Any]:
    """The process after `event`, and what it asks of the world (shapes in core/effects.py)."""
    match event:
        case ev.Delivered(message, sender, stamp):
            process.deliver_(message, sender, stamp)
        case ev.Resumed():
            process.resume_()
        case ev.TimerFired(timer):
            process.fire_(timer)
        case ev.Started():
            process.begin_()
        case ev.SetUp(args, kwargs):
            process.prepare_(args, kwargs)
    return process.take_effects_()

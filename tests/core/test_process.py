"""Processes by hand, in the shape that the compiler emits: await, labels, handlers, exit."""

import math
import sys
from typing import Any, ClassVar

import pytest

from quorate.core import api as core_
from quorate.core import effects as fx
from quorate.core.frames import FOR_EVER
from stage import PEER, Actor, waiting


class Collector(core_.Process):
    """await(len(got) >= n) or a timeout; keeps what its handler was given."""

    seconds: Any = FOR_EVER

    def setup(self, n: int) -> None:
        self.n = n
        self.got: list[Any] = []

    @core_.routine
    class run:
        waits = {"await_5": (5, "len(got) >= n")}
        on_error: dict[str, str] = {}

        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            return frame.await_(self, "await_5", seconds=self.seconds)

        def await_5(self, frame: Any) -> Any:
            self.output("test")
            if len(self.got) >= self.n:
                return frame.leave_(self, "then")
            if frame.expired_:
                return frame.leave_(self, "late")
            return core_.WAIT

        def then(self, frame: Any) -> Any:
            self.output(tuple(self.got))
            return frame.return_()

        def late(self, frame: Any) -> Any:
            self.output("late")
            return frame.return_()

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> Any:
        self.got.append(message)

    own_handlers_ = (core_.Handler("received", receive_1),)


class TimedCollector(Collector):
    seconds = 2.5


def test_messages_already_there_are_taken_before_an_await_is_tested() -> None:
    actor = Actor(Collector, 3)
    actor.put(1, 2, 3)
    actor.process.begin_()
    actor._carry_out()  # the RESUME goes behind the three messages
    actor.run()
    assert actor.shown == ["test", (1, 2, 3)]


def test_messages_before_start_are_kept_and_come_first() -> None:
    actor = Actor(Collector, 3).give(1, 2)
    assert list(actor.process.inbox_) == [(1, PEER, None), (2, PEER, None)]
    actor.put(3)
    assert actor.begin().shown[-1] == (1, 2, 3)
    assert actor.code == 0


def test_an_await_is_tested_again_after_each_message() -> None:
    actor = Actor(Collector, 3).begin().give(1, 2, 3)
    assert actor.shown == ["test", "test", "test", "test", (1, 2, 3)]


def test_where_says_line_and_source_text() -> None:
    actor = Actor(Collector, 1).begin()
    assert actor.process.where_() == [("Collector.run", 5, "len(got) >= n")]


def test_a_timeout_takes_its_branch() -> None:
    actor = Actor(TimedCollector, 1).begin()
    assert actor.timers == {1: 2.5}
    assert actor.fire().shown == ["test", "test", "late"]


def test_leaving_an_await_cancels_its_timer() -> None:
    actor = Actor(TimedCollector, 1).begin().give("m")
    assert actor.timers == {}
    assert actor.code == 0


def test_a_timer_that_runs_out_late_is_of_no_effect() -> None:
    actor = Actor(TimedCollector, 1).begin().give("m")
    actor.process.fire_(1)
    assert actor.process.take_effects_() == []


def test_messages_to_a_process_that_has_ended_are_dropped() -> None:
    actor = Actor(Collector, 0).begin().give("m")
    assert not actor.process.inbox_
    assert actor.code == 0


def test_finish_ends_once() -> None:
    actor = Actor(Collector, 9).begin()
    actor.process.finish_(3)
    actor.process.finish_(4)
    actor.process.resume_()
    assert actor.process.take_effects_() == [fx.Ended(3)]


# Processes without a `run`.


class Server(core_.Process):
    def setup(self) -> None:
        self.seen: list[Any] = []

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> Any:
        self.seen.append(message)
        self.send(("ack", message), to=sender)

    @core_.routine
    class receive_2:
        def call(self, message: Any, sender: Any, stamp: Any) -> Any:
            return {"message": message}

        def start(self, frame: Any) -> Any:
            if frame.message != "slow":
                return frame.return_()
            return frame.await_(self, "wait")

        def wait(self, frame: Any) -> Any:
            if "go" not in self.seen:
                return core_.WAIT
            return frame.leave_(self, "then")

        def then(self, frame: Any) -> Any:
            core_.Process.output(self, "slow is done")
            return frame.return_()

    own_handlers_ = (core_.Handler("received", receive_1), waiting(receive_2))


def test_a_process_without_run_handles_what_came_before_its_start() -> None:
    actor = Actor(Server).give(1, 2).begin().give(3)
    assert actor.process.seen == [1, 2, 3]
    assert actor.code is None


def test_its_handlers_may_wait_while_others_run() -> None:
    actor = Actor(Server).begin().give("slow", 1, "slow", 2)
    assert actor.process.seen == ["slow", 1, "slow", 2]
    actor.give("go")
    assert actor.shown == ["slow is done", "slow is done"]
    actor.give(3)
    assert actor.process.seen[-1] == 3


def test_with_handling_one_they_wait_too() -> None:
    actor = Actor(Server, config={"handling": "one"}).begin().put("slow", 1, "go", 2).run()
    assert actor.process.seen == ["slow", 1, "go", 2]
    assert actor.shown == ["slow is done"]


def test_a_process_with_neither_run_nor_handlers_ends() -> None:
    class Nothing(core_.Process):
        pass

    assert Actor(Nothing).begin().code == 0


# `sent` handlers.


class Counting(core_.Process):
    """Its `sent` handler makes true what the await waits for."""

    def setup(self) -> None:
        self.count = 0

    @core_.routine
    class run:
        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            return frame.await_(self, "test")

        def test(self, frame: Any) -> Any:
            return core_.WAIT if self.count < 2 else frame.leave_(self, "then")

        def then(self, frame: Any) -> Any:
            return frame.return_()

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> Any:
        self.send(message, to=sender)

    def sent_2(self, message: Any, to: Any, stamp: Any) -> Any:
        self.count += 1

    own_handlers_ = (core_.Handler("received", receive_1), core_.Handler("sent", sent_2))


@pytest.mark.parametrize("handling", ["one", "all"])
def test_a_sent_handler_runs_before_the_await_is_tested(handling: str) -> None:
    actor = Actor(Counting, config={"handling": handling}).begin()
    assert actor.put("a", "b").run().code == 0


# Exceptions and exits.


class Careful(core_.Process):
    """try: inner() except ValueError: ... finally: ..., with the await in `inner`."""

    def setup(self) -> None:
        self.seen: list[Any] = []

    @core_.routine
    class run:
        on_error = {"start": "caught", "then": "caught", "caught": "finally_"}

        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            return frame.call_(self.inner, "then", "arg")

        def then(self, frame: Any) -> Any:
            self.output("value", frame.result_)
            return "finally_"

        def caught(self, frame: Any) -> Any:
            if not isinstance(frame.error_, ValueError):
                raise frame.error_
            self.output("caught", str(frame.error_))
            frame.error_ = None
            return "finally_"

        def finally_(self, frame: Any) -> Any:
            self.output("finally")
            if frame.error_ is not None:
                raise frame.error_
            return frame.return_()

    @core_.routine
    class inner:
        def call(self, what: Any) -> Any:
            return {"what": what}

        def start(self, frame: Any) -> Any:
            return frame.await_(self, "test")

        def test(self, frame: Any) -> Any:
            match self.seen:
                case []:
                    return core_.WAIT
                case ["raise"]:
                    raise ValueError(frame.what)
                case ["key"]:
                    raise KeyError(frame.what)
                case ["exit"]:
                    self.exit(7)
                case ["sys.exit"]:
                    raise SystemExit("farewell")
            return frame.leave_(self, "then")

        def then(self, frame: Any) -> Any:
            return frame.return_(frame.what)

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> Any:
        self.seen.append(message)
        if message == "exit in handler":
            self.exit()
        if message == "raise in handler":
            raise ZeroDivisionError

    own_handlers_ = (core_.Handler("received", receive_1),)


def test_values_come_back_through_frames() -> None:
    assert Actor(Careful).begin().give("m").shown == [("value", "arg"), "finally"]


def test_exceptions_go_through_frames_to_where_they_are_handled() -> None:
    actor = Actor(Careful).begin().give("raise")
    assert actor.shown == [("caught", "arg"), "finally"]
    assert actor.code == 0


def test_exceptions_that_nobody_handles_reach_the_world_after_finally() -> None:
    actor = Actor(Careful).begin()
    with pytest.raises(KeyError):
        actor.give("key")
    assert actor.process.take_effects_() == [fx.Output(("finally",), " ", 20)]


def test_an_exception_in_a_handler_reaches_the_world() -> None:
    with pytest.raises(ZeroDivisionError):
        Actor(Careful).begin().give("raise in handler")


class Endless(core_.Process):
    @core_.routine
    class run:
        on_error = {"start": "caught"}

        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            return frame.call_(self.deeper, "after", 1)

        def after(self, frame: Any) -> Any:
            raise AssertionError("nothing returns")

        def caught(self, frame: Any) -> Any:
            self.output(repr(frame.error_), self.depth)
            return frame.return_()

    @core_.routine
    class deeper:
        def call(self, depth: int) -> Any:
            self.depth = depth
            return {"depth": depth}

        def start(self, frame: Any) -> Any:
            return frame.call_(self.deeper, "after", frame.depth + 1)

        def after(self, frame: Any) -> Any:
            raise AssertionError("nothing returns")


def test_calls_go_as_deep_as_python_s_own() -> None:
    error = RecursionError("maximum recursion depth exceeded")
    assert Actor(Endless).begin().shown == [(repr(error), sys.getrecursionlimit())]


def test_exit_inside_nested_frames_runs_finally_and_ends() -> None:
    actor = Actor(Careful).begin().give("exit")
    assert (actor.shown, actor.code) == (["finally"], 7)


def test_sys_exit_is_exit_and_shows_a_text() -> None:
    actor = Actor(Careful).begin().give("sys.exit")
    assert (actor.shown, actor.code) == (["finally", "farewell"], 1)


def test_exit_in_a_handler_ends() -> None:
    assert Actor(Careful).begin().put("exit in handler", "raise").run().code == 0


class Leaves(core_.Process):
    def setup(self, code: Any) -> None:
        self.exit(code)


def test_exit_in_setup_ends() -> None:
    assert Actor(Leaves, 4).begin().code == 4


@pytest.mark.parametrize(
    ("given", "code"),
    [(None, 0), (0, 0), (False, 0), (True, 1), (-1, 255), (256, 1), (10**20 + 3, 3), ("why", 1)],
)
def test_a_code_is_what_the_shell_sees_of_it_and_no_error_is_none(given: Any, code: int) -> None:
    assert Actor(Leaves, given).begin().code == code


class Hangs(core_.Process):
    @core_.routine
    class run:
        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            return frame.await_(self, "test", seconds=math.inf)

        def test(self, frame: Any) -> Any:
            return frame.leave_(self, "then") if self.keeps else core_.WAIT

        def then(self, frame: Any) -> Any:
            return frame.sleep_(self, math.inf, "start")

    keeps = False

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> Any:
        self.keeps = True
        self.stale_ = True

    own_handlers_ = (core_.Handler("received", receive_1),)


def test_what_is_never_to_end_sets_no_timer() -> None:
    actor = Actor(Hangs).begin()
    assert actor.process.waiting_
    actor.give("go")
    assert (actor.timers, actor.other, actor.process.sleep_) == ({}, [], 2)


# Classes that are no process classes.


class Seen:
    def __init__(self) -> None:
        super().__init__()
        self.seen = ["seen"]


class Named:
    def __init__(self, name: str = "nobody") -> None:
        super().__init__()
        self.name = name


class Mixed(Seen, core_.Process):
    class_fields_ = ("lock", "parts")
    lock = (number for number in ())
    parts: ClassVar[list[int]] = []

    def setup(self, *more: Any) -> None:
        self.seen += ["set up", *more]


class Other(Named, core_.Process):
    pass


class Both(Mixed, Other):
    pass


@pytest.mark.parametrize("cls", [Mixed, Both])
def test_the_init_of_mix_ins_is_called_once_and_before_setup(cls: Any) -> None:
    process: Any = Actor(cls, "more").process
    assert process.seen == ["seen", "set up", "more"]
    assert cls is Mixed or process.name == "nobody"
    process.prepare_(("again",), {})
    assert process.seen == ["seen", "set up", "more", "set up", "again"]


def test_what_cannot_be_copied_belongs_to_the_class() -> None:
    one, other = Actor(Mixed).process, Actor(Mixed).process
    assert one.lock is other.lock is Mixed.lock
    assert one.parts is not other.parts


# One at a time, and order.


def test_handling_one_takes_one_message_a_yield_point() -> None:
    class Steps(Collector):
        @core_.routine
        class run:
            def call(self) -> Any:
                return {}

            def start(self, frame: Any) -> Any:
                self.output(len(self.got))
                return frame.pause_(None, "start") if len(self.got) < 3 else frame.return_()

    actor = Actor(Steps, 0, config={"handling": "one"}).put(1, 2, 3)
    assert actor.run().begin().shown == [0, 1, 2, 3]
    assert Actor(Steps, 0).give(1, 2, 3).begin().shown == [0, 3]


# Faults that `new` asks for.


def test_a_process_that_hangs_does_nothing_any_more() -> None:
    actor = Actor(Collector, 1, hang=1.0).give(1, 2).begin()
    assert actor.shown == []
    assert actor.code is None
    assert actor.give(3).shown == []


def test_a_process_that_crashes_ends() -> None:
    assert Actor(Collector, 1, crash=1.0).give(1, 2).begin().code == 1


def test_messages_are_lost_on_the_way_in() -> None:
    actor = Actor(Collector, 1, receive=1.0).begin().give(1, 2)
    assert actor.process.got == []


# Names.


class Greedy(core_.Process):
    """Uses for itself every name that is not the machinery's."""

    def setup(self) -> None:
        for name in dir(core_.Process):
            if not name.endswith("_") and not name.startswith("_Process__"):
                if not name.startswith("_Actions__") and name not in ("setup", "run"):
                    setattr(self, name, None)
        self.seen: list[Any] = []

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> Any:
        self.seen.append(message)
        core_.Process.send(self, ("ack", message), to=[sender])
        core_.Process.debug(self, "debug")
        if message == "exit":
            raise SystemExit("text")

    own_handlers_ = (
        core_.Handler("received", receive_1),
        waiting(Server.receive_2),
    )


def test_a_program_may_use_any_name_that_does_not_end_in_an_underscore() -> None:
    actor = Actor(Greedy).give(1).begin().give("slow", "go")
    assert actor.process.send is None
    assert [message for message, _ in actor.sent] == [("ack", 1), ("ack", "slow"), ("ack", "go")]
    assert actor.give("exit").code == 1
    assert actor.shown[-1] == "text"

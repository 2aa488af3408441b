"""Small mains, one for each way a run can go; the first argument says which."""

import os
import signal
import sys
from typing import Any

from quorate.core import api as core_

ARGS = sys.argv[1:]


class Waiter(core_.Process):
    """Waits for a message that says go."""

    @core_.routine
    class run:
        waits = {"test": (20, "received(('go',))")}

        def call(self) -> dict[str, Any]:
            return {}

        def start(self, frame: Any) -> Any:
            self.went = False
            self.output("ready", os.getpid())
            return frame.await_(self, "test")

        def test(self, frame: Any) -> Any:
            return frame.leave_(self, "then") if self.went else core_.WAIT

        def then(self, frame: Any) -> Any:
            self.output("went")
            return frame.return_()

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> None:
        match message:
            case ["go"]:
                self.went = True
            case ["fail", value]:
                self.output("about to fail")
                self.output(1 / value)
            case ["exit", code]:
                self.exit(code)
            case ["print", text]:
                self.output(text)

    own_handlers_ = (core_.Handler("received", receive_1, None),)


class FailsInSetup(core_.Process):
    def setup(self, value: Any) -> None:
        self.value = value.nothing

    def run(self) -> None:
        self.output("not reached")


class Chatter(core_.Process):
    """Never ends, and never stops talking."""

    @core_.routine
    class run:
        def call(self) -> dict[str, Any]:
            return {}

        def start(self, frame: Any) -> Any:
            self.output("x" * 100)
            return frame.pause_(None, "start")


class Spinner(core_.Process):
    """Never comes out of its step."""

    def run(self) -> None:
        print("spins", flush=True)
        while True:
            pass


class Sleeper(core_.Process):
    @core_.routine
    class run:
        waits = {"then": (71, "sleep(1000)")}

        def call(self) -> dict[str, Any]:
            return {}

        def start(self, frame: Any) -> Any:
            self.output("ready")
            return frame.sleep_(self, 1000, "then")

        def then(self, frame: Any) -> Any:
            return frame.return_()


class Timed(core_.Process):
    @core_.routine
    class run:
        def call(self) -> dict[str, Any]:
            return {}

        def start(self, frame: Any) -> Any:
            self.begin_time = core_.time.monotonic()
            return frame.await_(self, "test", seconds=0.01)

        def test(self, frame: Any) -> Any:
            return frame.leave_(self, "nap") if frame.expired_ else core_.WAIT

        def nap(self, frame: Any) -> Any:
            return frame.sleep_(self, 0.01, "then")

        def then(self, frame: Any) -> Any:
            self.output("slept", core_.time.monotonic() - self.begin_time >= 0.02)
            return frame.return_()


class Relay(core_.Process):
    """Sends what it is told to a process it knows by name only."""

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> None:
        match message:
            case ["relay", name, inner]:
                self.send(inner, to=name)

    own_handlers_ = (core_.Handler("received", receive_1, None),)


class Unsendable:
    def __init__(self) -> None:
        self.file = sys.stdout

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class Shy:
    asked = False

    def __str__(self) -> str:
        Shy.asked = True
        raise ValueError("no text")


class Late:
    """Knows when its text has been asked for."""

    shown = False

    def __deepcopy__(self, memo: Any) -> Any:
        return self

    def __str__(self) -> str:
        Late.shown = True
        return "late"


class Main(core_.Process):
    def run(self) -> Any:
        return getattr(self, f"run_{ARGS[0]}")()

    def run_waiters(self) -> None:
        self.start(self.new(Waiter, (), num=int(ARGS[1])))

    def run_go(self) -> None:
        waiters = self.new(Waiter, (), num=int(ARGS[1]))
        self.start(waiters)
        self.send(("go",), to=waiters)

    def run_fail(self) -> None:
        waiters = self.new(Waiter, (), num=3)
        self.start(waiters)
        self.send(("fail", 0), to=max(waiters))
        self.send(("go",), to=waiters)

    def run_setup_fails(self) -> None:
        self.start(self.new(FailsInSetup, (1,), num=2))

    def run_main_fails(self) -> None:
        self.output("main begins")
        raise RuntimeError("no main")

    def run_exit(self) -> None:
        waiters = sorted(self.new(Waiter, (), num=2))
        self.start(waiters)
        self.send(("exit", 0), to=waiters[0])
        self.send(("exit", 7), to=waiters[1])

    def run_chatter(self) -> None:
        self.start(self.new(Chatter, (), num=2))

    def run_spinner(self) -> None:
        self.start(self.new(Spinner, (), num=2))

    def run_daemon(self) -> None:
        self.start(self.new(Sleeper, (), num=2, daemon=True))
        self.start(self.new(Waiter, (), num=2, daemon=True))

    def run_busy_daemon(self) -> None:
        self.start(self.new(Spinner, (), num=1, daemon=True))

    def run_told_before_a_long_step(self) -> None:
        for number in range(3):
            self.output("told", number)
        self.start(self.new(Waiter, (), num=3))
        self.start(self.new(Spinner, (), num=1))

    def run_shows_in_a_long_step(self) -> None:
        self.output("one")
        self.start(self.new(Waiter, (), num=1))
        self.output("be", end="")
        self.output("gun", Late())
        while not Late.shown:
            pass
        self.output("three")
        self.output(Shy())
        while not Shy.asked:
            pass

    def run_chatter_in_one_step(self) -> None:
        while True:
            self.output("x")

    def run_no_text(self) -> None:
        self.output("before")
        self.output(Shy())

    def run_sleepers(self) -> None:
        self.start(self.new(Sleeper, (), num=2))

    def run_timers(self) -> None:
        self.start(self.new(Timed, (), num=3))

    def run_unstarted(self) -> None:
        self.new(Waiter, (), num=3)

    def run_ended(self) -> None:
        waiters = self.new(Waiter, (), num=4)
        self.start(waiters)
        self.end(waiters)
        self.send(("go",), to=waiters)

    def run_names(self) -> None:
        alice, bob = sorted(self.new(Waiter, (), num=["alice", "bob"]))
        relay = self.new(Relay, (), daemon=True)
        self.start([relay, alice, bob])
        self.send(("relay", "bob", ("go",)), to=relay)
        self.send(("go",), to="alice")
        self.output(alice, bob)

    def run_same_name(self) -> None:
        self.start(self.new(Waiter, (), num=["alice", "bob"]))
        self.start(self.new(Waiter, (), num=["alice"]))

    def run_lines(self) -> None:
        self.output("one\ntwo", 3, sep="\n")
        self.output("a", end="")
        self.output("b")
        self.debug("hidden")
        self.error("shown")
        self.output("rest", end="")

    def run_unsendable(self) -> None:
        waiters = self.new(Waiter, (), num=2)
        self.start(waiters)
        self.send(("print", Unsendable()), to=waiters)

    def run_long(self) -> None:
        waiters = self.new(Waiter, (), num=2)
        self.start(waiters)
        self.send(("print", "y" * 300_000), to=waiters)
        self.send(("go",), to=waiters)

    def run_kill(self) -> None:
        """Waiters in all places, then the end of one place."""
        waiters = self.new(Waiter, (), num=2)
        self.start(waiters)
        self.start(self.new(Killer, (), num=1))


class Killer(core_.Process):
    def run(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


main_process_ = Main

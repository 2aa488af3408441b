"""The trampoline that all worlds share, in a world whose clock moves when nothing else can."""

from __future__ import annotations

from typing import Any

import pytest

from quorate.core import api as core_
from quorate.core import effects as fx
from quorate.core.process import Process
from quorate.worlds.base import Host, failure_of, standing_of


class SmallWorld(Host):
    """One place; timers fire in order of time once the queue is empty."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.time = 0.0
        self.timers: dict[tuple[Process, int], float] = {}
        self.shown: list[str] = []
        self.failures: list[str] = []
        self.codes: dict[str, int] = {}

    def now(self, which: str) -> float:
        return self.time

    def set_timer(self, process: Process, timer: int, seconds: float) -> None:
        self.timers[process, timer] = self.time + seconds

    def cancel_timer(self, process: Process, timer: int) -> None:
        self.timers.pop((process, timer), None)

    def show(self, process: Process, output: fx.Output) -> None:
        self.shown.append(f"{process.id_}: {output.sep.join(map(str, output.values))}")

    def failed(self, process: Process, error: BaseException) -> None:
        self.failures.append(str(failure_of(process.id_, error)))

    def ended(self, process: Process, code: int) -> None:
        self.codes[repr(process.id_)] = code

    def run(self, main: type[Process]) -> SmallWorld:
        self.add_main(main)
        while self.queue or self.timers:
            self.turn(3)
            if not self.queue and self.timers:
                (process, timer), self.time = min(self.timers.items(), key=lambda item: item[1])
                del self.timers[process, timer]
                self.fire(process, timer)
        return self


class Echo(core_.Process):
    def receive_1(self, message: Any, sender: Any, stamp: Any) -> None:
        match message:
            case ("stop",):
                self.exit(3)
            case _:
                self.send(("echo", *message), to=sender)

    own_handlers_ = (core_.Handler("received", receive_1, None),)


class Main(core_.Process):
    @core_.routine
    class run:
        waits = {"test": (30, "len(got) ==\n  3")}

        def call(self) -> dict[str, Any]:
            return {"got": []}

        def start(self, frame: Any) -> Any:
            self.got = []
            self.echo = self.new(Echo, (), num=["e"]).pop()
            self.start(self.echo)
            for number in range(3):
                self.send((number,), to=self.echo)
            return frame.await_(self, "test", seconds=5)

        def test(self, frame: Any) -> Any:
            if len(self.got) == 3 or frame.expired_:
                return frame.leave_(self, "then")
            return core_.WAIT

        def then(self, frame: Any) -> Any:
            self.output("got", self.got)
            self.send(("stop",), to=self.echo)
            return frame.sleep_(self, 2, "last")

        def last(self, frame: Any) -> Any:
            self.output(self.world_.now("time"))
            return frame.return_()

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> None:
        self.got.append(message)

    own_handlers_ = (core_.Handler("received", receive_1, None),)


def test_messages_timers_and_ends() -> None:
    world = SmallWorld().run(Main)
    assert world.shown == [
        "main: got [('echo', 0), ('echo', 1), ('echo', 2)]",
        "main: 2.0",
    ]
    assert world.codes == {"Echo-e": 3, "main": 0}
    assert world.delivered == 7
    assert not world.processes
    assert not world.failures


def test_what_comes_before_a_process_is_made_is_kept_and_after_its_end_dropped() -> None:
    world = SmallWorld()
    main = world.add(Main, core_.ProcessId("main", ()), core_.ProcessId("main", ()))
    early = main.id_.child(1, "Echo")
    world.forward(early, ("x",), main.id_, None)
    assert early in world.early
    world.make(fx.Create(early, Echo), main.id_)
    world.order(early, fx.Start(early))
    world.order(early, fx.End(early))
    while world.queue:
        world.turn(100)
    assert world.codes == {"Echo-1": 0}
    world.forward(early, ("x",), main.id_, None)
    assert not world.early
    assert not world.queue


class Faulty(core_.Process):
    def run(self) -> None:
        self.output("before")
        self.send(("x",), to=None)


def test_a_failure_ends_the_process_and_shows_lines_of_the_program_only() -> None:
    world = SmallWorld().run(Faulty)
    assert world.shown == ["main: before"]
    assert world.codes == {"main": 1}
    [text] = world.failures
    assert "test_base.py" in text
    assert 'self.send(("x",), to=None)' in text
    assert "quorate/core" not in text
    assert "help: " in text


@pytest.mark.parametrize(("code", "status"), [(None, 0), (4, 4), ("text", 1)])
def test_an_exit_is_no_failure(code: Any, status: int) -> None:
    class Exits(core_.Process):
        def run(self) -> None:
            raise SystemExit(code)

    world = SmallWorld().run(Exits)
    assert (world.codes, world.failures) == ({"main": status}, [])


def test_a_report_says_where_a_process_waits_and_for_what() -> None:
    world = SmallWorld()
    main = world.add_main(Main)
    world.turn(1)
    first, second = str(standing_of(main)).splitlines()
    assert first == "main waits"
    assert "test_base.py:30, in Main.run: len(got) == 3" in second

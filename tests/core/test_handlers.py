"""Labels and suspended handlers: when a message is handled, and what waits for what."""

from typing import Any

import pytest

from quorate.core import api as core_
from quorate.core import effects as fx
from stage import OTHER, PEER, Actor, waiting

# Labels.


class Labelled(core_.Process):
    """Goes from `a` to `b` by ("go",); the handler of ("at_b", x) wants label b."""

    has_run = True

    def setup(self) -> None:
        self.seen: list[Any] = []

    @core_.routine
    class run:
        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            return frame.await_(self, "at_a", label="a")

        def at_a(self, frame: Any) -> Any:
            return frame.leave_(self, "next") if "go" in self.seen else core_.WAIT

        def next(self, frame: Any) -> Any:
            return frame.await_(self, "at_b", label="b")

        def at_b(self, frame: Any) -> Any:
            return core_.WAIT if "end" not in self.seen else frame.leave_(self, "over")

        def over(self, frame: Any) -> Any:
            return frame.return_()

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> Any:
        if message in ("go", "end"):
            self.seen.append(message)

    def receive_2(self, message: Any, sender: Any, stamp: Any) -> Any:
        if message not in ("go", "end"):
            self.seen.append(message)

    own_handlers_ = (
        core_.Handler("received", receive_1),
        core_.Handler("received", receive_2, frozenset({"b"})),
    )
    keeps_received_ = True


def test_a_handler_with_at_waits_for_its_label_and_keeps_the_order() -> None:
    actor = Actor(Labelled).begin().give(1, 2)
    assert actor.process.seen == []
    assert [message for message, _ in actor.process.history_("received")] == [1, 2]
    actor.put("go", 3, 4).run()
    assert actor.process.seen == ["go", 1, 2, 3, 4]


def test_a_message_that_comes_before_the_resume_stays_behind_the_deferred() -> None:
    actor = Actor(Labelled).begin().give(1).put("go")
    actor.step()  # at b now; its RESUME is in the queue, and a message overtakes it
    actor.queue.appendleft((2, PEER, None))
    assert actor.run().process.seen == ["go", 1, 2]


class Labels(frozenset[str]):
    """Counts how often a label is looked for in it."""

    looks = 0

    def __contains__(self, label: object) -> bool:
        Labels.looks += 1
        return super().__contains__(label)


@pytest.mark.parametrize("handling", ["all", "one"])
def test_deferred_messages_are_looked_at_when_a_label_is_reached_and_not_again(
    handling: str,
) -> None:
    class Counted(core_.Process):
        setup, run = Labelled.setup, Labelled.run
        own_handlers_ = (
            core_.Handler("received", Labelled.receive_1),
            core_.Handler("received", Labelled.receive_2, Labels({"b"})),
        )

    counted = Actor(Counted, config={"handling": handling}).begin()
    Labels.looks = 0
    counted.put(*range(30)).run().give(*range(30, 60))
    assert Labels.looks == 60, "once each, when they came"
    assert counted.give("go", 60).process.seen == ["go", *range(61)]
    assert Labels.looks == 61 + 61 + 1, "and once each at the label"


# Handlers that are suspended.


class Nested(core_.Process):
    """Handler 1 sleeps or awaits in the middle, handler 2 follows for the same message."""

    def setup(self) -> None:
        self.seen: list[Any] = []

    @core_.routine
    class run:
        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            return frame.await_(self, "test", label="main")

        def test(self, frame: Any) -> Any:
            self.seen.append("test")
            return frame.leave_(self, "then") if "end" in self.seen else core_.WAIT

        def then(self, frame: Any) -> Any:
            return frame.return_()

    @core_.routine
    class receive_1:
        def call(self, message: Any, sender: Any, stamp: Any) -> Any:
            return {"message": message}

        def start(self, frame: Any) -> Any:
            self.seen.append(("first", frame.message))
            match frame.message:
                case "sleep":
                    return frame.sleep_(self, 1.5, "then")
                case "wait":
                    return frame.await_(self, "test")
            return frame.return_()

        def test(self, frame: Any) -> Any:
            return frame.leave_(self, "then") if ("second", "go") in self.seen else core_.WAIT

        def then(self, frame: Any) -> Any:
            self.seen.append(("first goes on", frame.message))
            return frame.return_()

    def receive_2(self, message: Any, sender: Any, stamp: Any) -> Any:
        self.seen.append(("second", message))

    def receive_3(self, message: Any, sender: Any, stamp: Any) -> Any:
        if message == "end":
            self.seen.append("end")

    own_handlers_ = (
        waiting(receive_1),
        core_.Handler("received", receive_2),
        core_.Handler("received", receive_3, frozenset({"main"})),
    )


def test_further_handlers_of_a_message_run_after_the_suspended_one() -> None:
    actor = Actor(Nested).begin().give("wait", "go")
    assert actor.process.seen == [
        *("test", ("first", "wait"), ("first", "go"), ("second", "go")),
        *(("first goes on", "wait"), ("second", "wait"), "test"),
    ]


def test_sleep_takes_no_messages() -> None:
    actor = Actor(Nested).begin().give("sleep", 1)
    assert actor.process.seen == ["test", ("first", "sleep")]
    assert actor.timers == {1: 1.5}
    actor.fire()
    assert actor.process.seen[2:] == [
        *(("first goes on", "sleep"), ("second", "sleep")),
        *(("first", 1), ("second", 1), "test"),
    ]


def test_an_at_handler_behind_a_suspended_one_still_gets_its_message() -> None:
    actor = Actor(Nested).begin().give("wait", "end")
    assert actor.code is None  # "end" came while the handler's own await, which has no label, stood
    actor.give("go")
    assert actor.code == 0


def test_a_resume_of_an_earlier_yield_point_does_not_count() -> None:
    actor = Actor(Nested)
    actor.process.begin_()
    actor._carry_out()
    actor.queue.appendleft(("wait", PEER, None))
    actor.step()  # the handler awaits: its RESUME is behind that of `run`
    actor.queue.insert(1, ("go", PEER, None))
    actor.step()  # the RESUME of `run`
    assert actor.process.resumes_ == 1
    assert ("first goes on", "wait") not in actor.process.seen
    actor.run()
    assert actor.process.seen[-1] == "test"


def test_a_timer_after_the_end_of_a_sleeping_process_is_of_no_effect() -> None:
    actor = Actor(Nested).begin().give("sleep")
    actor.process.finish_(0)
    actor.process.fire_(1)
    assert actor.process.take_effects_() == [fx.Ended(0)]


def test_messages_that_come_while_the_inbox_is_taken_stay_in_order() -> None:
    actor = Actor(Nested).begin().give("sleep").put(1, 2)
    actor.run()
    actor.process.fire_(1)
    actor._carry_out()
    actor.queue.appendleft((3, OTHER, None))
    actor.run()
    taken = [what[1] for what in actor.process.seen if what[0] == "second"]
    assert taken == ["sleep", 1, 2, 3]

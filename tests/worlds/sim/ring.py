"""A program in the shape that the compiler emits: a ring of counters, and a server of clients.

Uses what a run may depend on: random numbers, time, timers, sets, handlers that wait, labels.
"""

import sys
from typing import Any

from quorate.core import api as core_


class Server(core_.Process):
    """Has no `run`; answers after a pause, in a handler that waits."""

    def setup(self) -> None:
        self.served: set[Any] = set()

    @core_.routine
    class receive_1:
        def call(self, message: Any, sender: Any, stamp: Any) -> Any:
            return {"message": message, "sender": sender}

        def start(self, frame: Any) -> Any:
            return frame.sleep_(self, core_.random.uniform(0.01, 0.05), "then")

        def then(self, frame: Any) -> Any:
            self.served.add(frame.message)
            self.send(("answer", frame.message[1], sorted(self.served)), to=frame.sender)
            return frame.return_()

    def receive_2(self, *entry: Any) -> Any:
        return core_.begin(self.receive_1, entry)

    own_handlers_ = (core_.Handler("received", receive_2),)


class Client(core_.Process):
    keeps_received_ = True

    def setup(self, server: Any, rounds: int) -> None:
        self.server = server
        self.rounds = rounds
        self.names = {"zebra", "apple", f"mark {rounds}"}

    @core_.routine
    class run:
        waits = {"test": (50, "received(('answer', i, _)) or timeout(0.02)")}

        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            frame.numbers = iter(range(self.rounds))
            frame.late = 0
            return "loop"

        def loop(self, frame: Any) -> Any:
            for frame.i in frame.numbers:  # noqa: B020
                self.send(("ask", frame.i, repr(self.id_)), to=self.server)
                return frame.await_(self, "test", seconds=0.02)
            self.output(self.names, frame.late, self.logical_clock())
            return frame.return_()

        def test(self, frame: Any) -> Any:
            if any(message[1] == frame.i for message, _, _ in self.received_):
                return frame.leave_(self, "answered")
            if frame.expired_:
                frame.late += 1
                frame.expired_ = False
            return core_.WAIT

        def answered(self, frame: Any) -> Any:
            self.output("answer", frame.i, len(self.received_), round(core_.time.time(), 6))
            return frame.pause_(None, "loop")


class Main(core_.Process):
    @core_.routine
    class run:
        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            clients, rounds = map(int, sys.argv[1:])
            frame.server = self.new(Server, (), daemon=True)
            frame.clients = self.new(Client, (frame.server, rounds), num=clients)
            self.start({frame.server})
            self.start(frame.clients)
            return frame.sleep_(self, 0.001, "end")

        def end(self, frame: Any) -> Any:
            self.output("main ends")
            return frame.return_()


main_process_ = Main
main_config_: dict[str, Any] = {}
uses_clock_ = True

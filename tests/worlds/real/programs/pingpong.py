"""Pairs that send each other numbers; arguments: pairs, rounds."""

import sys
from typing import Any

from quorate.core import api as core_


class Ponger(core_.Process):
    def receive_1(self, message: Any, sender: Any, stamp: Any) -> None:
        match message:
            case tuple(["ping", i]):
                self.send(("pong", i), to=sender)
            case tuple(["done"]):
                self.exit()

    own_handlers_ = (core_.Handler("received", receive_1, None),)


class Pinger(core_.Process):
    def setup(self, ponger: Any, rounds: int) -> None:
        self.ponger = ponger
        self.rounds = rounds

    @core_.routine
    class run:
        waits = {"test": (30, "self.last == self.rounds")}

        def call(self) -> dict[str, Any]:
            return {}

        def start(self, frame: Any) -> Any:
            self.last = 0
            self.send(("ping", 1), to=self.ponger)
            return frame.await_(self, "test")

        def test(self, frame: Any) -> Any:
            if self.last == self.rounds:
                return frame.leave_(self, "then")
            return core_.WAIT

        def then(self, frame: Any) -> Any:
            self.output("pong", self.last)
            self.send(("done",), to=self.ponger)
            return frame.return_()

    def receive_1(self, message: Any, sender: Any, stamp: Any) -> None:
        match message:
            case tuple(["pong", i]):
                self.last = i
                if i < self.rounds:
                    self.send(("ping", i + 1), to=sender)

    own_handlers_ = (core_.Handler("received", receive_1, None),)


class Main(core_.Process):
    def run(self) -> None:
        pairs, rounds = map(int, sys.argv[1:])
        for _ in range(pairs):
            ponger = self.new(Ponger)
            pinger = self.new(Pinger, (ponger, rounds))
            self.start({ponger, pinger})


main_process_ = Main

"""Counting a quorum: what the compiler makes of a query, beside the same written by hand.

    python bench/quorum.py [--slots 20000] [--repetitions 9] [--fill docs/performance.md]

A learner takes ('2b', b, s) from each of five acceptors, slot after slot, and sends its decision at
the third. By hand that is a dictionary of sets. All are measured in turn, in this one process.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from report import fill_page, progress, progress_done, table

from quorate.compiler.loader import load
from quorate.core import events as ev
from quorate.core.ids import ProcessId, main_id
from quorate.core.process import step
from quorate.worlds.base import Host

PROGRAM = Path(__file__).resolve().parent / "programs" / "quorum.da"
ACCEPTORS = [ProcessId("Acceptor", (number,)) for number in range(1, 6)]
REPLICAS = {ProcessId("Replica", (number,)) for number in (11, 12)}
BALLOT = (1, ProcessId("Leader", (13,)))
LEARNER = ProcessId("Learner", (14,))
HISTORY = 10_000
HAND = "by hand"
HAND_SEND = "by hand, sending by the word of the language"
HANDLER = "generated handler and view"
WHOLE = "the whole step, from queue to queue"
LATE = f"handler and view, first votes after {HISTORY:,} messages"
NAIVE = "the same, going over the whole history"
HEADINGS = ("from a message to its decision", "a message", "beside", "ratio", "goal", "")

Entry = tuple[Any, ProcessId]


class ByHand:
    """The learner with dictionaries and counters, given by what it sends."""

    def __init__(self, send: Callable[..., None]) -> None:
        self.acceptors = set(ACCEPTORS)
        self.replicas = set(REPLICAS)
        self.votes: dict[Any, set[ProcessId]] = {}
        self.decided: set[Any] = set()
        self.send = send

    def receive(self, message: Any, sender: ProcessId) -> None:
        if message[0] == "2b":
            _, b, s = message
            votes = self.votes.get((b, s))
            if votes is None:
                votes = self.votes[b, s] = set()
            votes.add(sender)
            if len(votes) > len(self.acceptors) / 2 and s not in self.decided:
                self.decided.add(s)
                self.send(("decision", s), to=self.replicas)


def collected() -> Callable[..., None]:
    """A way to send that does no more than to collect."""
    effects: list[Any] = []

    def send(message: Any, to: set[ProcessId]) -> None:
        for destination in to:
            effects.append((destination, message, None))  # noqa: PERF401 - as effects are made

    return send


class Sink(Host):
    """A world whose messages to others are dropped."""

    def forward(self, to: ProcessId, what: Any, sender: ProcessId | None, stamp: Any) -> None:
        pass


def learner(module: ModuleType) -> tuple[Host, Any]:
    host = Sink(0)
    process = host.add(module.Learner, LEARNER, main_id())
    process.prepare_((set(ACCEPTORS), set(REPLICAS)), {})
    process.begin_()
    step(process, ev.Resumed())
    return host, process


def by_hand(entries: list[Entry], send: Callable[..., None]) -> float:
    """Seconds, as of the others."""
    receive = ByHand(send).receive
    begin = time.perf_counter()
    for message, sender in entries:
        receive(message, sender)
    return time.perf_counter() - begin


def handler(module: ModuleType, entries: list[Entry]) -> float:
    """The functions of the class alone: keeping the view, and the handler with its query."""
    return taken(learner(module)[1], entries)


def taken(process: Any, entries: list[Entry]) -> float:
    runs = process.taking_.of(entries[0][0])
    begin = time.perf_counter()
    for message, sender in entries:
        for run in runs:
            run(process, message, sender, None)
    return time.perf_counter() - begin


def whole(module: ModuleType, entries: list[Entry]) -> float:
    """From the queue of a world, and with the effects carried out."""
    host, process = learner(module)
    host.queue.extend((process, message, sender, None) for message, sender in entries)
    begin = time.perf_counter()
    host.turn(len(entries) * 10)
    return time.perf_counter() - begin


def late(module: ModuleType, votes: int) -> float:
    """Seconds for so many votes that decide nothing yet, after a history of HISTORY."""
    _, process = learner(module)
    for message, sender in messages(HISTORY // len(ACCEPTORS)):
        process.remember_("received", message, sender, None)
        if sender == ACCEPTORS[0]:
            for replica in REPLICAS:
                process.remember_("sent", ("decision", message[2]), replica, None)
    slots = range(1, votes // 2 + 1)
    entries = [(("2b", BALLOT, -slot), acceptor) for slot in slots for acceptor in ACCEPTORS[:2]]
    return taken(process, entries)


def messages(slots: int) -> list[Entry]:
    return [(("2b", BALLOT, slot), acceptor) for slot in range(slots) for acceptor in ACCEPTORS]


def medians(
    measured: dict[str, tuple[Callable[[], float], int]], repetitions: int
) -> dict[str, float]:
    """Seconds a message, each the median of its repetitions, which go round."""
    found: dict[str, list[float]] = {name: [] for name in measured}
    for number in range(repetitions):
        for name, (measure, count) in measured.items():
            progress(number + 1, repetitions, name)
            gc.collect()
            gc.freeze()  # or each collection would go over the messages that are still to come
            found[name].append(measure() / count)
    progress_done()
    return {name: statistics.median(times) for name, times in found.items()}


def rows(found: dict[str, float]) -> list[tuple[str, ...]]:
    def row(name: str, beside: str, goal: str = "", most: float = 0.0) -> tuple[str, ...]:
        ratio = found[name] / found[beside]
        reached = ("yes" if ratio <= most else "no") if most else ""
        return name, f"{found[name] * 1e6:,.3f} us", beside, f"{ratio:,.2f}", goal, reached

    gain = found[NAIVE] / found[LATE]
    return [
        (HAND, f"{found[HAND] * 1e6:,.3f} us", "", "", "", ""),
        row(HAND_SEND, HAND),
        row(HANDLER, HAND_SEND, "at most 1.5 times", 1.5),
        row(WHOLE, HAND, "at most 3 times", 3.0),
        row(LATE, HANDLER),
        (
            *(NAIVE, f"{found[NAIVE] * 1e6:,.1f} us", LATE, f"{gain:,.0f}"),
            *("at least 1,000 times", "yes" if gain >= 1000 else "no"),
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Counting a quorum, beside the same by hand.")
    parser.add_argument("--slots", type=int, default=20_000)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--fill", type=Path, metavar="PAGE", help="put the table into PAGE")
    options = parser.parse_args()
    views, naive = (load(str(PROGRAM), cache=False, views=each) for each in (True, False))
    entries = messages(options.slots)
    measured: dict[str, tuple[Callable[[], float], int]] = {
        HAND: (lambda: by_hand(entries, collected()), len(entries)),
        HAND_SEND: (lambda: by_hand(entries, learner(views)[1].send), len(entries)),
        HANDLER: (lambda: handler(views, entries), len(entries)),
        WHOLE: (lambda: whole(views, entries), len(entries)),
        LATE: (lambda: late(views, 1000), 1000),
        NAIVE: (lambda: late(naive, 6), 6),
    }
    found = medians(measured, options.repetitions)
    text = table(HEADINGS, rows(found)) + "\n"
    fill_page(options.fill, "quorum", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

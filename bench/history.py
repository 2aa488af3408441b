"""What a message costs as the history grows: with views, and going over the whole history.

    python bench/history.py [--messages 200000] [--naive 1000] [--fill docs/performance.md]

Every algorithm runs in the simulated world until it has taken so many messages; the CPU time of
each tenth of them is taken. A ratio of 1 between the last tenth and the second is a flat cost.
Each measurement is a process of its own, which this script starts as `--one NAME`.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from measure import MeasureError, results
from report import fill_page, progress, progress_done, table

ROOT = Path(__file__).resolve().parent.parent
HEADINGS = (
    *("algorithm", "views: last tenth", "last / second", "memory"),
    *("whole history: last tenth", "last / second"),
)
MEMORY_HEADINGS = ("settled messages", "memory", "time: last / second tenth")
ENDLESS = 1_000_000

EXAMPLES: dict[str, tuple[str, list[int]]] = {
    "Lamport mutual exclusion": ("lamport_mutex", [5, ENDLESS]),
    "Ricart-Agrawala": ("ricart_agrawala", [5, ENDLESS]),
    "two-phase commit": ("two_phase_commit", [3, ENDLESS]),
    "multi-Paxos": ("multi_paxos", [3, 2, 2, 2, ENDLESS]),
    "multi-Paxos, merged": ("multi_paxos_merged", [3, 2, 2, 2, ENDLESS]),
    "Raft": ("raft", [3, 2, ENDLESS]),
}
"""What is run whole, with more rounds or requests than it gets to."""

Message = Callable[[int], Any]
FED: dict[str, tuple[str, str, tuple[Any, ...], Message]] = {
    "basic Paxos acceptor": (
        *("examples/basic_paxos", "Acceptor", ({0},)),
        lambda n: ("prepare", n),
    ),
    "basic Paxos learner": (
        *("examples/basic_paxos", "Learner", ({0}, {0, 1, 2})),
        lambda n: ("accepted", n, "value"),
    ),
    "Byzantine Paxos learner": (
        *("examples/byzantine_paxos", "Learner", (1, {0})),
        lambda n: ("2b", (n, 0), "value"),
    ),
    "two kinds of messages, joined": (
        *("bench/programs/joins", "Desk", ()),
        lambda n: ("paid", n // 2, 1) if n % 2 else ("ordered", n // 2, "goods", 1),
    ),
}
"""Single processes, which are sent ever new ballots that nobody else votes in, or orders."""

SETTLED: dict[str, tuple[str, str, tuple[Any, ...], Message]] = {
    "multi-Paxos acceptor, 100 slots": (
        *("bench/programs/acceptor", "Acceptor", ()),
        lambda n: ("2a", (n // 100, 0), n % 100, n) if n % 10_000 else ("1a", (n // 100, 0)),
    ),
    "Raft follower, heartbeats": (
        *("examples/raft", "Server", ({0},)),
        lambda n: ("append", 1 + n // 10_000, 0, 0, [], 0),
    ),
}
SETTLED_EXAMPLES = ("Ricart-Agrawala", "Lamport mutual exclusion")
"""What is measured for its memory: messages whose slots, rounds and terms are settled."""


class Tenths:
    """Takes the CPU time after each tenth of the messages."""

    def __init__(self, messages: int) -> None:
        self.size = max(1, messages // 10)
        self.marks = [time.process_time()]
        self.memory: list[int] = []

    def done(self, taken: int, outputs: list[Any] | None = None) -> bool:
        """Whether all are taken; to be asked after every message. What was shown is forgotten."""
        if outputs:
            outputs.clear()
        if taken >= len(self.marks) * self.size:
            self.marks.append(time.process_time())
            self.memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return len(self.marks) > 10

    def show(self) -> None:
        spans = [end - begin for begin, end in zip(self.marks, self.marks[1:], strict=False)]
        assert len(spans) == 10, f"only {len(spans)} tenths: the program ended before"
        print("RESULT second_s", spans[1] / self.size)
        print("RESULT last_s", spans[-1] / self.size)
        print("RESULT grown_mb", (self.memory[-1] - self.memory[1]) / 1024)


def run_example(name: str, args: list[int], messages: int, *, views: bool) -> None:
    """The whole program, in the simulated world, without the properties that are checked there."""
    from quorate.compiler.loader import load
    from quorate.worlds.base import collect_seldom
    from quorate.worlds.sim import simulate

    collect_seldom()
    module = load(str(ROOT / "examples" / f"{name}.da"), cache=False, views=views)
    tenths = Tenths(messages)
    simulate(
        *(module, args, 1),
        max_steps=100 * messages,
        until=lambda run: tenths.done(run.messages, run.outputs),
    )
    tenths.show()


def feed(
    file: str, kind: str, args: tuple[Any, ...], message: Message, messages: int, *, views: bool
) -> None:
    """One process, which takes one message after the other."""
    from quorate.compiler.loader import load
    from quorate.core import events as ev
    from quorate.core.ids import ProcessId, main_id
    from quorate.core.process import step
    from quorate.worlds.base import Host, collect_seldom

    collect_seldom()
    module = load(str(ROOT / f"{file}.da"), cache=False, views=views)
    sender = ProcessId("Sender", (2,))
    process = Host(0).add(getattr(module, kind), ProcessId(kind, (1,)), main_id())
    process.prepare_(args, {})
    process.begin_()
    step(process, ev.Resumed())
    tenths = Tenths(messages)
    for number in count(1):
        step(process, ev.Delivered(message(number), sender, None))
        if process.waiting_ and process.is_stale_():
            step(process, ev.Resumed())
        if tenths.done(number):
            break
    tenths.show()


def one(name: str, messages: int, *, views: bool) -> None:
    """The measurement called `name`, in this process."""
    if name in EXAMPLES:
        run_example(*EXAMPLES[name], messages, views=views)
    else:
        feed(*(FED | SETTLED)[name], messages, views=views)


def measured(name: str, messages: int, limit_s: float, *words: str) -> dict[str, float]:
    """The figures of a measurement, in a process of its own; none where it was too slow."""
    command = [sys.executable, __file__, "--one", name, "--messages", str(messages), *words]
    try:
        return results(command, {}, limit_s)
    except MeasureError as error:
        print(error, file=sys.stderr)
        return {}


def row(name: str, views: dict[str, float], naive: dict[str, float]) -> tuple[str, ...]:
    def microseconds(found: dict[str, float]) -> str:
        return f"{found['last_s'] * 1e6:,.1f} us" if found else "-"

    def ratio(found: dict[str, float]) -> str:
        return f"{found['last_s'] / found['second_s']:.2f}" if found else "-"

    grown = f"{views['grown_mb']:+.0f} MB" if views else "-"
    return name, microseconds(views), ratio(views), grown, microseconds(naive), ratio(naive)


def memory_row(name: str, found: dict[str, float]) -> tuple[str, ...]:
    if not found:
        return name, "-", "-"
    return name, f"{found['grown_mb']:+.1f} MB", f"{found['last_s'] / found['second_s']:.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description="What a message costs as the history grows.")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--naive", type=int, default=1_000, help="messages without views")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for a measurement")
    parser.add_argument("--fill", type=Path, metavar="PAGE", help="put the table into PAGE")
    parser.add_argument("--settled", type=int, default=1_000_000, help="messages for memory")
    parser.add_argument("--one", choices=[*EXAMPLES, *FED, *SETTLED], help=argparse.SUPPRESS)
    parser.add_argument("--no-views", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one, options.messages, views=not options.no_views)
        return 0
    rows = []
    names = [*EXAMPLES, *FED]
    for number, name in enumerate(names, 1):
        progress(number, len(names), name)
        views = measured(name, options.messages, options.limit)
        naive = measured(name, options.naive, options.limit, "--no-views")
        rows.append(row(name, views, naive))
    progress_done()
    settled = []
    for number, name in enumerate((*SETTLED, *SETTLED_EXAMPLES), 1):
        progress(number, len(SETTLED) + len(SETTLED_EXAMPLES), name)
        settled.append(memory_row(name, measured(name, options.settled, options.limit)))
    progress_done()
    sizes = f"Views: {options.messages:,} messages; the whole history: {options.naive:,}."
    text = f"{table(HEADINGS, rows)}\n{sizes}\n\n{table(MEMORY_HEADINGS, settled)}\n"
    text += f"After {options.settled:,} messages, beside the first fifth of them.\n"
    fill_page(options.fill, "history", text)
    sys.stdout.write(text)
    return 0 if all("-" not in (cells[1], cells[4]) for cells in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

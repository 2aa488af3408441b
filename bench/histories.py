"""Judging histories: how long it takes, by the number of operations, clients and keys.

    python bench/histories.py [--repetitions 5] [--fill docs/performance.md]

Histories of an atomic key-value store are made by a seeded generator: each client invokes, its
operation takes effect at some moment, and returns; reads, writes and `cas` in equal shares.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from report import fill_page, progress, progress_done, table

from quorate.consistency import (
    MODELS,
    History,
    Model,
    Recorder,
    Verdict,
    check_linearizability,
    lines_of,
    read,
)

HEADINGS = ("judged", "least of the repetitions", "an operation", "goal", "")


class Work(NamedTuple):
    title: str
    history: History
    verdict: Verdict
    goal: float = 0.0


def recorded(operations: int, clients: int, keys: int, seed: int, lost: float = 0.0) -> History:
    """A history of an atomic key-value store: what is in `pending` has been invoked.

    A share `lost` of the operations has taken effect, or not, and nobody knows.
    """
    chance = random.Random(seed)
    recorder = Recorder()
    store: dict[int, int] = {}
    pending: dict[int, list[object]] = {}  # client -> [name, key, args, has taken effect, result]
    begun = 0
    client_of = list(range(clients))
    while begun < operations or pending:
        place = chance.randrange(clients)
        client = client_of[place]
        if client not in pending:
            if begun < operations:
                begun += 1
                key, name = chance.randrange(keys), chance.choice(("get", "put", "cas"))
                args = {
                    "get": (),
                    "put": (begun,),
                    "cas": (store.get(key), begun),
                }[name]
                recorder.invoke(client, name, key, *args)
                pending[client] = [name, key, args, False, None]
            continue
        entry = pending[client]
        if not entry[3]:
            entry[3:] = [True, applied(store, *entry[:3])]  # type: ignore[arg-type]
        elif chance.random() < lost:
            recorder.loses(client)
            del pending[client]
        else:
            recorder.returns(client, entry[4])
            del pending[client]
    return recorder.history()


def applied(store: dict[int, int], name: str, key: int, args: tuple[int, ...]) -> object:
    """The result of an operation, which takes effect now."""
    if name == "get":
        return store.get(key)
    if name == "cas":
        if store.get(key) != args[0]:
            return False
        store[key] = args[1]
        return True
    store[key] = args[0]
    return None


def stale(history: History) -> History:
    """The same history, in which a read near the end has got what one near the beginning got."""
    reads = [each for each in history.operations if each.name == "get" and each.result is not None]
    late = reads[-len(reads) // 20]
    lines = []
    for line, text in enumerate(lines_of(history), 1):
        if line == late.returned:
            old = next(each for each in reads if each.args == late.args and each is not late)
            text = f'{{"client": {late.client}, "event": "return", "result": {old.result}}}'
        lines.append(text.encode())
    return read(lines)


def works() -> list[Work]:
    small, large = recorded(1_000, 10, 10, 1), recorded(100_000, 10, 100, 2)
    one_key = recorded(1_000, 10, 1, 3)
    lost = recorded(1_000, 10, 10, 4, lost=0.02)
    holds, violated = Verdict.HOLDS, Verdict.VIOLATED
    return [
        Work("1,000 operations, 10 clients, 10 keys", small, holds, 0.05),
        Work("the same, with one stale read", stale(small), violated),
        Work("the same, with 2 in 100 unknown", lost, holds),
        Work("1,000 operations, 10 clients, one key", one_key, holds, 0.05),
        Work("the same, with one stale read", stale(one_key), violated),
        Work("100,000 operations, 10 clients, 100 keys", large, holds, 10.0),
        Work("the same, with one stale read", stale(large), violated),
    ]


def judged(history: History, model: Model) -> Verdict:
    return check_linearizability(history, model).verdict


def least(measure: Callable[[], Verdict], work: Work, repetitions: int) -> float:
    times = []
    for number in range(repetitions):
        progress(number + 1, repetitions, work.title)
        begin = time.perf_counter()
        verdict = measure()
        times.append(time.perf_counter() - begin)
        assert verdict is work.verdict, (work.title, verdict)
    progress_done()
    return min(times)


def row(work: Work, seconds: float) -> tuple[str, ...]:
    count = len(work.history.operations)
    goal, met = "", ""
    if work.goal:
        goal, met = f"at most {work.goal:g} s", "yes" if seconds <= work.goal else "no"
    return work.title, f"{seconds:.3f} s", f"{seconds / count * 1e6:.1f} us", goal, met


def main() -> int:
    parser = argparse.ArgumentParser(description="Judging histories of a key-value store.")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--fill", type=Path, metavar="PAGE", help="put the table into PAGE")
    options = parser.parse_args()
    model = MODELS["kv"]()
    found = []
    for work in works():
        seconds = least(partial(judged, work.history, model), work, options.repetitions)
        found.append(row(work, seconds))
    text = table(HEADINGS, found) + "\n"
    fill_page(options.fill, "histories", text)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

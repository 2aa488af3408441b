"""Verdicts on the histories of a checkout of porcupine, beside those that its tests state.

    python bench/porcupine.py DIR [--seconds 60]

DIR has test_data/jepsen (histories of etcd, recorded by Jepsen: a register with read, write and
cas), test_data/kv (a key-value store) and porcupine_test.go, which states what is expected. Nothing
of it is part of this project. Ends with 1 if a verdict differs, or none was reached.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from quorate.consistency import (
    MODELS,
    History,
    Limits,
    Recorder,
    Verdict,
    check_linearizability,
)

ETCD = re.compile(r"INFO\s+jepsen\.util - (\d+)\s+:(\w+)\s+:(\w+)\s+(.*)")
KV = re.compile(r'\{:process (\d+), :type :(\w+), :f :(\w+), :key "(.*)", :value (nil|"(.*)")\}')


class Expected(NamedTuple):
    path: Path
    model: str
    holds: bool


def expected(folder: Path) -> Iterator[Expected]:
    """The histories with what porcupine's tests say of them."""
    tests = (folder / "porcupine_test.go").read_text()
    for number, holds in re.findall(r"checkJepsen\(t, (\d+), (true|false)\)", tests):
        path = folder / "test_data" / "jepsen" / f"etcd_{int(number):03}.log"
        yield Expected(path, "register", holds == "true")
    for name, holds in re.findall(r'checkKv\(t, "([\w-]+)", (true|false), true\)', tests):
        yield Expected(folder / "test_data" / "kv" / f"{name}.txt", "kv", holds == "true")


def etcd(text: str) -> History:
    recorder = Recorder()
    for client, kind, name, value in ETCD.findall(text):
        numbers = [int(each) for each in re.findall(r"\d+", value)]
        if kind == "invoke":
            recorder.invoke(client, name, *numbers)
        elif kind == "info" or "timed-out" in value:
            recorder.loses(client)
        elif name == "cas":
            recorder.returns(client, kind == "ok")
        else:
            recorder.returns(client, numbers[0] if name == "read" and numbers else None)
    return recorder.history()


def kv(text: str) -> History:
    recorder = Recorder()
    for client, kind, name, key, value, string in KV.findall(text):
        if kind == "invoke":
            recorder.invoke(client, name, *((key,) if value == "nil" else (key, string)))
        else:
            recorder.returns(client, (string or None) if name == "get" else None)
    return recorder.history()


def main() -> int:
    parser = argparse.ArgumentParser(description="Verdicts beside porcupine's.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each history")
    options = parser.parse_args()
    cases = list(expected(options.folder))
    agreed, slowest, total = 0, (0.0, ""), 0.0
    for case in cases:
        history = (etcd if case.model == "register" else kv)(case.path.read_text())
        begin = time.perf_counter()
        found = check_linearizability(history, MODELS[case.model](), Limits(options.seconds))
        seconds = time.perf_counter() - begin
        total += seconds
        slowest = max(slowest, (seconds, case.path.name))
        if found.verdict is (Verdict.HOLDS if case.holds else Verdict.VIOLATED):
            agreed += 1
        else:
            sys.stdout.write(f"{case.path.name}: {found.verdict.value}, not {case.holds}\n")
    sys.stdout.write(f"{agreed} of {len(cases)} verdicts agree, in {total:.2f} s; ")
    sys.stdout.write(f"the slowest, {slowest[1]}, took {slowest[0]:.2f} s\n")
    return 0 if agreed == len(cases) and cases else 1


if __name__ == "__main__":
    sys.exit(main())

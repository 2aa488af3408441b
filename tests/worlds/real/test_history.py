"""Histories of real runs: in order, whole, and there however the run ends."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from quorate.consistency import MODELS, Verdict, check_linearizability, read_file

PLACES = [
    *({"workers": 1}, {"workers": 3}, {"workers": 2, "grows": True}),
    {"isolate": True},
]
IDS = ["1", "3", "grown", "isolated"]
STORE = """
import sys, time
class Store(process):
    def setup(): self.value = None
    def receive(msg=('write', v), from_=p):
        value = v
        send(('written', v), to=p)
    def receive(msg=('read', n), from_=p):
        send(('value', n, value), to=p)
class Client(process):
    def setup(store, number): pass
    def run():
        for n in range(20):
            invoke('write', (number, n))
            send(('write', (number, n)), to=store)
            await(received(('written', (number, n))))
            returned()
            invoke('read')
            send(('read', n), to=store)
            await(some(received(('value', _n, v))))
            returned(v)
        {}
def main():
    store = new(Store, (), daemon=True)
    start(store)
    for number in range(3):
        start(new(Client, (store, number)))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "store.da"
    path.write_text(STORE.format("pass"))
    return path


@pytest.mark.parametrize("places", PLACES, ids=IDS)
def test_what_one_store_does_is_linearizable(
    begin: Any, program: Path, places: dict[str, Any]
) -> None:
    file = program.with_name("history.jsonl")
    run = begin(str(program), history=str(file), **places).end()
    assert (run.status, run.errors) == (0, "")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    times = [each["time"] for each in lines]
    assert times == sorted(times)
    assert len(lines) == 3 * 80
    assert {each["client"] for each in lines} == {"Client-2", "Client-3", "Client-4"}
    found = check_linearizability(read_file(str(file)), MODELS["register"]())
    assert found.verdict is Verdict.HOLDS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_is_lost_where_a_run_is_cut_short(begin: Any, program: Path, number: int) -> None:
    last = "invoke('read')\n        -- here\n        output('done')\n        time.sleep(1000)"
    program.write_text(STORE.format(last))
    file = program.with_name("history.jsonl")
    run = begin(str(program), history=str(file))
    run.read_until("done", 3)
    run.signal(number)
    run.end()
    history = read_file(str(file))
    outcomes = [each.outcome for each in history.operations]
    assert outcomes.count("returned") == 3 * 40
    assert outcomes.count("unknown") == 3


def test_a_failure_leaves_what_happened_before(begin: Any, program: Path) -> None:
    program.write_text(STORE.format("assert number"))
    file = program.with_name("history.jsonl")
    run = begin(str(program), history=str(file), workers=1).end()
    assert run.status == 1
    assert sum(each.outcome == "returned" for each in read_file(str(file)).operations) >= 40


def test_a_file_without_room_ends_the_run(begin: Any, program: Path) -> None:
    run = begin(str(program), history="/dev/full").end()
    assert run.status == 1
    assert "error: /dev/full cannot be written: No space left on device" in run.errors


def test_without_a_file_nothing_is_written(begin: Any, program: Path) -> None:
    assert begin(str(program)).end().status == 0
    assert [each.name for each in program.parent.iterdir() if each.suffix == ".jsonl"] == []

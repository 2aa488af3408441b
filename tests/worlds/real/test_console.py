"""What processes print, as lines."""

from __future__ import annotations

import os
import time

import pytest

from quorate.core import effects as fx
from quorate.core.ids import ProcessId
from quorate.worlds.real.console import Console
from quorate.worlds.real.program import Options
from quorate.worlds.real.shared import shared_file

P, Q = ProcessId("P", (1,)), ProcessId("Q", (2,))


def test_a_line_in_many_parts_costs_what_it_is_long(capfd: pytest.CaptureFixture[str]) -> None:
    lock = shared_file()
    console = Console(lock, Options(workers=1, seed=1), None)
    begin = time.process_time()
    for _ in range(30_000):
        console.show(P, fx.Output(("x" * 99,), " ", 20, ","))
    console.show(Q, fx.Output(("between",), " ", 20, ""))
    console.show(P, fx.Output(("end", "\na"), " ", 20, ""))
    console.end(P)
    console.end(Q)
    console.flush()
    os.close(lock)
    assert time.process_time() - begin < 3
    lines = [line.partition("] ")[2] for line in capfd.readouterr().out.splitlines()]
    assert lines == ["P-1: " + ("x" * 99 + ",") * 30_000 + "end ", "P-1: a", "Q-2: between"]

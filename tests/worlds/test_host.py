"""The queue of a place: who goes first changes, what one process is to do keeps its order."""

from __future__ import annotations

from random import Random
from typing import Any, cast

from quorate.core import effects as fx
from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.worlds.base import Host
from quorate.worlds.base.host import MIXED_MAX, Task

ANN = ProcessId("P", (1,))


def queued(host: Host, *tasks: tuple[str, int]) -> None:
    """Tasks of processes, which are only compared here: (process, message)."""
    host.queue.extend(cast("list[Task]", [(who, what, ANN, None) for who, what in tasks]))


def order(host: Host) -> list[Any]:
    return [(who, what) for who, what, _, _ in host.queue]


def test_mixing_changes_who_goes_first_and_nothing_else() -> None:
    firsts = set()
    for seed in range(30):
        host = Host(0)
        queued(host, ("P", 1), ("Q", 1), ("P", 2), ("R", 1), ("Q", 2), ("P", 3))
        host.mix(Random(seed))
        mixed = order(host)
        firsts.add(mixed[0][0])
        assert [what for who, what in mixed if who == "P"] == [1, 2, 3]
        assert [what for who, what in mixed if who == "Q"] == [1, 2]
        assert len(mixed) == 6
    assert firsts == {"P", "Q", "R"}


def test_a_long_queue_stays_as_it_is() -> None:
    host = Host(0)
    queued(host, *((f"P{number}", 0) for number in range(MIXED_MAX + 1)))
    before = order(host)
    host.mix(Random(1))
    assert order(host) == before


def test_who_is_there_is_replaced_by_nobody() -> None:
    """A creator may be said to live elsewhere, by who would like to have its children."""
    host, child = Host(0), ANN.child(2, "P")
    first = host.add(Process, child, ANN)
    elsewhere = ProcessId("P", (1,), "", "b", ANN.origin)
    for number in (1, 2):
        assert not host.adopt(fx.Create(ANN.child(number, "P"), Process), elsewhere)
    assert host.processes == {child: first}
    assert host.adopt(fx.Create(ANN.child(3, "P"), Process), elsewhere)
    host.remove(first, 0)
    assert not host.adopt(fx.Create(child, Process), elsewhere), "nor once it is over"

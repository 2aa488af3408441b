"""A connection tells whatever goes wrong below it."""

from __future__ import annotations

from typing import Any

from quorate.net.registry import Registry
from quorate.worlds.real.links import Link


class Failing:
    """In the place of a worker: fails as the system may."""

    def __init__(self) -> None:
        self.faults: list[BaseException] = []

    def accept(self, arrivals: list[Any]) -> None:
        raise PermissionError(arrivals)

    def fault(self, error: BaseException) -> None:
        self.faults.append(error)


def test_errors_of_the_system_are_told() -> None:
    worker: Any = Failing()
    Link(worker, (1,), Registry({}.get)).data_received(b"")
    assert [type(fault) for fault in worker.faults] == [PermissionError]

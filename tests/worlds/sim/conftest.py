"""Programs that are given as texts, run in the simulated world, and what happened in them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from quorate.worlds.sim import Adversity, Run, simulate
from quorate.worlds.sim.happenings import Happening
from quorate.worlds.sim.scenario import read_scenario


class Story(NamedTuple):
    """A run, and all that happened in it."""

    run: Run
    happenings: list[Happening]

    def of(self, kind: str) -> list[Happening]:
        return [each for each in self.happenings if each.kind == kind]

    def arrivals(self, to: str) -> list[tuple[float, Any]]:
        """(time, message) of what a process was delivered, in order."""
        return [(each.time, each.value) for each in self.of("deliver") if repr(each.process) == to]


Tell = Callable[..., Story]


@pytest.fixture
def tell(tmp_path: Path) -> Tell:
    """Run the program of a text under faults, by name, or under a scenario."""

    def call(
        text: str,
        scenario: str = "",
        *,
        seed: int = 0,
        until: float = 60.0,
        channel: str = "reliable",
        faults_until: float = float("inf"),
        **faults: Any,
    ) -> Story:
        path = tmp_path / "told.da"
        path.write_text(text)
        happenings: list[Happening] = []
        adversity = Adversity(faults, read_scenario(scenario), until=faults_until)
        config = {"channel": frozenset(channel.split(","))}
        run = simulate(
            *(path, (), seed),
            until=until,
            config=config,
            adversity=adversity,
            observer=happenings.append,
        )
        return Story(run, happenings)

    return call

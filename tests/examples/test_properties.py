"""The properties that examples state of themselves hold, also under the faults of their headers."""

import re
from pathlib import Path
from typing import Any

import pytest

from examples.test_text import PROGRAMS, header
from quorate.compiler.loader import load
from quorate.core.errors import PropertyFailed
from quorate.worlds.sim import Adversity, simulate

STATED = [path for path in PROGRAMS if "\n@always\n" in path.read_text(encoding="utf-8")]
SEEDS = range(12)
FAULTS: dict[str, dict[str, Any]] = {"lost": {"loss": "10%"}, "repeated": {"duplicate": "10%"}}
"""By the word of a header: `hold also if messages are lost or repeated`."""


BROKEN = [
    ("basic_paxos", "has=m <= n", "has=True", "agreement"),
    ("multi_paxos", "if b >= ballot_num:", "if True:", "agreement"),
    ("raft", "voted_for in (None, candidate)", "True", "election_safety"),
    (
        "two_phase_commit",
        "await(each(p in sites, has=received(('vote'",
        "await(some(p in sites, has=received(('vote'",
        "validity",
    ),
    ("reliable_broadcast", "broadcast(origin, seq)  ", "pass  ", "agreement"),
]
"""(example, one step of it, the same broken, the property that finds it)"""


@pytest.mark.parametrize("path", STATED, ids=[path.name for path in STATED])
def test_they_hold_and_what_is_to_be_reached_is(path: Any) -> None:
    runs = [simulate(path, seed=seed, until=60.0) for seed in SEEDS]
    assert [run.error for run in runs if run.error is not None] == []
    reached = {name for run in runs for name, held in run.reached.items() if held}
    assert reached
    assert reached == set(runs[0].reached)


def survived(path: Any) -> dict[str, Any]:
    """The faults under which, as the header says, what is always so still is."""
    found = re.search(r"hold also if messages are (\w+)(?: or (\w+))?", header(path))
    words = [] if found is None else [word for word in found.groups() if word]
    return {name: value for word in words for name, value in FAULTS[word].items()}


@pytest.mark.parametrize(
    "path", [p for p in STATED if survived(p)], ids=[p.name for p in STATED if survived(p)]
)
def test_they_hold_under_the_faults_that_the_header_names(path: Any) -> None:
    lost = 0
    for seed in SEEDS:
        adversity = Adversity(survived(path))
        config = {"channel": frozenset({"unreliable"})}
        run = simulate(path, seed=seed, until=5.0, adversity=adversity, config=config)
        assert not isinstance(run.error, PropertyFailed), run.error
        lost += run.lost
    assert lost


def test_two_headers_name_faults() -> None:
    assert {path.name: sorted(survived(path)) for path in STATED if survived(path)} == {
        "basic_paxos.da": ["loss"],
        "raft.da": ["duplicate", "loss"],
    }


@pytest.mark.parametrize(("name", "old", "new", "property"), BROKEN)
def test_they_find_what_is_broken(
    name: str, old: str, new: str, property: str, tmp_path: Path
) -> None:
    text = (PROGRAMS[0].parent / f"{name}.da").read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = tmp_path / f"{name}_broken.da"
    path.write_text(text.replace(old, new), encoding="utf-8")
    module = load(str(path), cache=False, properties=True)
    errors = (simulate(module, seed=seed, until=20.0).error for seed in range(60))
    assert f"`{property}` does not hold" in str(next(error for error in errors if error))

"""Why a program has no end of states, where a bound ended the search; nothing where it has one."""

from pathlib import Path
from typing import Any

import pytest

from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.growth import growths_of
from quorate.worlds.check.run import check
from quorate.worlds.check.summary import data_of, lines_of

ROOT = Path(__file__).parents[3]

TWO = """
import time
class P(process):
    def setup(other):
        self.n, self.pair, self.log = 0, (0, self), []
    def run():
        BODY
MORE
def main():
    ps = new(P, num=2)
    for p in ps:
        setup(p, (ps - {p},))
    start(ps)
"""
LOOP = "while True:\n    time.sleep(1)\n    "
ASK = "send(('ask', 0), to=other)\nawait(False)"
ANSWER = """
    def receive(msg=('ask', k), from_=p):
        n = max(n, k) + 1
        send(('ask', SENT), to=p)
"""


def grown(tmp_path: Path, body: str, more: str = "", **bounds: Any) -> list[str]:
    path = tmp_path / "grows.da"
    lines = body.replace("\n", "\n        ")
    path.write_text(TWO.replace("BODY", lines).replace("MORE", more))
    all_bounds: dict[str, Any] = {"states": 400, "reduce": False} | bounds
    found = check(path, (), Bounds(**all_bounds), deadlocks=False)
    assert found.graph.stopped is not None
    growths = growths_of(found.graph, found.tables, found.bounds.network)
    assert all(f"  {each}" in lines_of(found) for each in growths[:4])
    assert [each["text"] for each in data_of(found, None, [])["grows"]] == list(map(str, growths))
    return [str(each) for each in growths]


WAKES = "may grow without end, each time P wakes up"
TAKES = "may grow without end, with each ('ask', ...) that P takes"
TIMER = "while True:\n    if await(False): pass\n    elif timeout(1): n += 1"


@pytest.mark.parametrize(
    ("body", "more", "says"),
    [
        (f"{LOOP}n += 1", "", f"n of P {WAKES}"),
        (f"{LOOP}n -= 1", "", f"n of P {WAKES}"),
        (f"{LOOP}pair = (pair[0] + 1, self)", "", f"pair of P {WAKES}"),
        (f"{LOOP}log.append('x')", "", f"the size of log of P {WAKES}"),
        (f"k = 0\n{LOOP}k += 1", "", f"k of P.run {WAKES}"),
        (
            f"{LOOP}send(('beat',), to=other)",
            "",
            f"the number of messages ('beat',) under way {WAKES}",
        ),
        (
            f"{LOOP}start(new(Q))",
            "class Q(process):\n    def run(): pass",
            f"the number of processes that P makes {WAKES}",
        ),
        (ASK, ANSWER.replace("SENT", "n"), f"n of P {TAKES}"),
        (
            ASK,
            ANSWER.replace("max(n, k) + 1", "0").replace("SENT", "logical_clock()"),
            f"the logical clock of P {TAKES}",
        ),
        (
            "while True:\n    invoke('read')\n    -- l\n    returned()",
            "sequential('register')",
            "the history of operations may grow without end, each time P goes on from line 9",
        ),
    ],
)
@pytest.mark.parametrize("network", ["bag", "fifo"])
def test_what_grows_is_named_with_what_it_grows_by(
    tmp_path: Path, body: str, more: str, says: str, network: str
) -> None:
    assert grown(tmp_path, body, more, network=network) == [says]


def test_what_a_budget_bounds_is_said(tmp_path: Path) -> None:
    says = "n of P may grow without end, with each timeout of P: --timeouts bounds these"
    assert grown(tmp_path, TIMER, timeouts=1000) == [says]


def test_a_bound_of_any_kind_will_do(tmp_path: Path) -> None:
    for bounds in ({"depth": 12}, {"states": None, "memory": 1}, {"states": 30_000}):
        assert grown(tmp_path, f"{LOOP}n += 1", **bounds) == [f"n of P {WAKES}"]


def test_loops_that_end_are_not_told_from_those_that_do_not(tmp_path: Path) -> None:
    """So it is said that they may."""
    body = "for k in range(99):\n    n = k\n    -- l\n    output(k)"
    n, k = grown(tmp_path, body)
    assert (n.split(" may ")[0], k.split(" may ")[0]) == ("n of P", "k of P.run")


@pytest.mark.parametrize("states", [30, 300, 1000])
@pytest.mark.parametrize(
    ("example", "args"),
    [
        ("basic_paxos", (1, 3, 1)),
        ("two_phase_commit", (3, 4)),
        ("ricart_agrawala", (2, 3)),
        ("atomic_register", (3, 1, 1)),
        ("multi_paxos", (3, 1, 1, 1, 1)),
        ("gossip", (2,)),
    ],
)
def test_nothing_is_said_of_what_has_an_end(
    example: str, args: tuple[int, ...], states: int
) -> None:
    found = check(ROOT / "examples" / f"{example}.da", args, Bounds(states=states, reduce=False))
    assert found.graph.stopped == "states"
    assert growths_of(found.graph, found.tables) == []

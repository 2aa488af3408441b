"""`quorate plan` says how each query is answered, and whether its cost grows with the history."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

FLAT = """\
class P(process):
    def setup(n): pass
    def run():
        await(some(received(('vote', _n, v)), has=v > 2))
        output(lenof(p, received(('vote', _n, _), from_=p)))
"""
GROWING = """\
class P(process):
    def run():
        output(setof(v, received(('vote', v))))
        output(received(('vote', *_all)) for _all in [[]])
"""


@pytest.fixture
def flat(tmp_path: Path) -> str:
    path = tmp_path / "flat.da"
    path.write_text(FLAT)
    return str(path)


def test_names_the_views_and_their_costs(quorate: Callable, flat: str) -> None:
    said = quorate("plan", flat)
    assert (said.status, said.err) == (0, "")
    assert said.out == (
        "line 4: some(received(('vote', _n, v)), has=v > 2)\n"
        "    greatest_vote_v_by_n: the greatest v by n, until there is a greater: O(1)\n"
        "line 5: lenof(p, received(('vote', _n, _), from_=p))\n"
        "    vote_by_n: each different p by n, for good: O(1)\n"
    )


def test_as_json(quorate: Callable, flat: str) -> None:
    first, _ = json.loads(quorate("plan", flat, "--json").out)
    assert first == {
        "line": 4,
        "query": "some(received(('vote', _n, v)), has=v > 2)",
        "witness": [],
        "answers": [
            {
                "view": "greatest_vote_v_by_n",
                "kept": "the greatest v by n",
                "until": "until there is a greater",
                "cost": "O(1)",
                "advice": None,
            }
        ],
    }


def test_strict_fails_where_a_cost_grows(quorate: Callable, flat: str, tmp_path: Path) -> None:
    assert quorate("plan", flat, "--strict").status == 0
    path = tmp_path / "growing.da"
    path.write_text(GROWING)
    said = quorate("plan", str(path))
    assert said.status == 0
    assert "vote_v: each different v, for good: O(rows)\n        grows with what is" in said.out
    assert "all that was received: O(history)\n        grows with the history" in said.out
    assert quorate("plan", str(path), "--strict").status == 1


def test_a_program_that_does_not_compile(quorate: Callable, tmp_path: Path) -> None:
    path = tmp_path / "wrong.da"
    path.write_text("class P(process):\n    def run(): output(x)\n")
    said = quorate("plan", str(path))
    assert said.status == 2
    assert "Q010" in said.err

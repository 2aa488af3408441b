"""What properties are asked, and when."""

from pathlib import Path

import pytest

from quorate.worlds.check.run import check
from quorate.worlds.check.summary import lines_of

LATER = """
class P(process):
    def setup():
        self.x = 1

    def run():
        await(x > 1)

class Q(process):
    def run():
        -- later
        start(new(P, ()))

def main():
    start(new(Q, ()))

@KIND
def asked():
    return HERE
"""


@pytest.mark.parametrize(
    ("kind", "says", "verdict"),
    [
        ("always", "some(p in P, has=p.x == 1)", "holds"),
        ("sometimes", "each(p in P, has=p.x == 2)", "violated"),
        ("sometimes", "not some(p in P, has=p.x == 1)", "violated"),
        ("always", "lenof(p, p in P) == 1", "holds"),
        ("leads_to", "({1}, setof(p.x, p in P))", "holds"),
        ("eventually", "some(p in P, has=p.x == 1)", "holds"),
    ],
)
def test_nothing_is_asked_of_processes_that_are_not_there_yet(
    tmp_path: Path, kind: str, says: str, verdict: str
) -> None:
    path = tmp_path / "later.da"
    path.write_text(LATER.replace("KIND", kind).replace("HERE", says))
    assert check(path, deadlocks=False).verdict == verdict


SAYING = """
import random

class P(process):
    def setup():
        self.done = False

    def run():
        -- first
        if SAYS:
            send(('said',), to=parent())
        done = True
        LAST

def main():
    start(new(P, ()))

@always
def says_before_it_is_done():
    return each(p in P, has=not p.done or some(q in P, has=q.sent(('said',))))
"""


@pytest.mark.parametrize("last", ["pass", "await(False)"])
@pytest.mark.parametrize(
    ("says", "verdict"), [("True", "holds"), ("random.choice([True, False])", "violated")]
)
def test_what_messages_can_only_make_true_is_asked_of_each_history(
    tmp_path: Path, last: str, says: str, verdict: str
) -> None:
    path = tmp_path / "saying.da"
    path.write_text(SAYING.replace("SAYS", says).replace("LAST", last))
    assert check(path, deadlocks=False).verdict == verdict


@pytest.mark.parametrize("clock", ["time.monotonic()", "time.time()", "0"])
def test_it_is_said_that_time_stands_still_where_it_matters(tmp_path: Path, clock: str) -> None:
    path = tmp_path / "late.da"
    path.write_text(f"import time\n\ndef main():\n    if {clock} > 1e10:\n        exit(1)\n")
    said = "  not checked: what depends on the time, which stands still"
    assert (said in lines_of(check(path))) == (clock != "0")

"""What properties are asked, and when."""

from pathlib import Path

import pytest

from quorate.worlds.check.run import check

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

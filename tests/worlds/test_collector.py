"""Garbage is looked for among all objects when as many have come as are there."""

import subprocess
import sys
from itertools import pairwise

import pytest

GROWING = """
import gc, weakref
from quorate.worlds.base import collector

collector.YOUNG, collector.FEWEST = (100, 10), 2_000
collector.collect_seldom()
collector.collect_seldom()
kept, found = [], []

def note(phase, info):
    if phase == "stop" and info["generation"] == 2:
        found.append(len(kept))

gc.callbacks.append(note)
gc.collect()
class Loop: pass
loop = Loop()
loop.itself, gone = loop, weakref.ref(loop)
while len(kept) < 200_000:
    kept.append([])
    if len(kept) == 50_000:  # old by now
        del loop
print(gone() is None)
print(*found)
"""


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="looks a little at a time by itself")
def test_what_is_kept_is_gone_over_again_only_when_it_has_doubled() -> None:
    done = subprocess.run(
        [sys.executable, "-c", GROWING], capture_output=True, text=True, timeout=60, check=True
    )
    collected, sizes = done.stdout.splitlines()
    grown = [int(size) for size in sizes.split()][1:]
    assert collected == "True"
    assert 3 <= len(grown) <= 8
    assert all(after >= 1.8 * before for before, after in pairwise(grown[1:]))

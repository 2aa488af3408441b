"""Marks of what a run reaches, and modules that are loaded as if for the first time."""

import sys
from pathlib import Path

import pytest

from quorate.compiler.loader import load, load_anew
from quorate.worlds.sim import simulate

TEXT = '''\
"""A program."""
from __future__ import annotations
import random

class P(process):
    def setup(n): pass

    def run():
        -- begin
        while n > 0:
            --  again
            if await(some(received(('a', _)))):
                output('a')
            elif timeout(0.1):
                -- later
                break
            else:
                n -= 1
        -- end
        await(some(received(('b',))))
        helper()

    def receive(msg=('b',), from_=p): output('b')
    def sent(msg=('c',)):
        while await(False):
            pass
        elif timeout(0.1):
            return

def helper():
    -- out
    if False:
        -- never

def main():
    p = new(P, (2,))
    start(p)
    send(('b',), to=p)
'''
POINTS = [
    ("label", "P", 9, "-- begin", True),
    ("label", "P", 11, "-- again", True),
    ("branch", "P", 12, "if await(some(received(('a', _))))", False),
    ("branch", "P", 14, "elif timeout(0.1)", False),
    ("label", "P", 15, "-- later", False),
    ("branch", "P", 18, "else", True),
    ("label", "P", 19, "-- end", True),
    ("handler", "P", 23, "def receive(msg=('b',), from_=p): output('b')", True),
    ("handler", "P", 24, "def sent(msg=('c',))", False),
    ("branch", "P", 25, "while await(False)", False),
    ("branch", "P", 27, "elif timeout(0.1)", False),
    ("label", "", 31, "-- out", True),
    ("label", "", 33, "-- never", False),
]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    path = tmp_path / "marked.da"
    path.write_text(TEXT)
    return path


def test_what_is_reached(path: Path) -> None:
    module = load(str(path), marks=True)
    run = simulate(module)
    assert (run.status, run.error, run.texts()) == (0, None, ["b"])
    marks = zip(module._points_, module._covered_, strict=True)
    assert [(*point, reached) for point, reached in marks] == POINTS


def test_without_marks_there_are_none_and_the_run_is_the_same(path: Path) -> None:
    marked = simulate(load(str(path), marks=True))
    module = load(str(path))
    assert not hasattr(module, "_points_")
    plain = simulate(module)
    assert (plain.outputs, plain.steps, plain.time) == (marked.outputs, marked.steps, marked.time)


def test_each_has_a_cache_of_its_own(path: Path) -> None:
    for marks in (False, True, False, True):
        assert hasattr(load(str(path), marks=marks), "_points_") is marks
    assert len(list((path.parent / "__pycache__").iterdir())) == 2


def test_a_program_is_loaded_anew_with_what_it_imports(path: Path) -> None:
    for name in ("anew_one.da", "anew_two.py"):
        (path.parent / name).write_text("seen = []\n")
    imports = "import random, anew_one, anew_two\nfrom anew_one import seen\n"
    path.write_text(TEXT.replace("import random\n", imports))
    module = load(str(path), marks=True)
    module.seen.append(1)
    module.anew_two.seen.append(1)
    module._covered_[0] = True
    path.unlink()  # nothing is read again
    fresh = load_anew(module)
    assert fresh is sys.modules[module.__name__]
    assert fresh is not module
    assert (fresh.seen, fresh.anew_one.seen, fresh.anew_two.seen) == ([], [], [])
    assert not any(fresh._covered_)
    assert fresh._points_ == module._points_

"""Programs with known bugs: each is found as its header says, and what is right survives."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
SEEDS = int(os.environ.get("QUORATE_SEEDS", "60"))
"""How many the right programs are to survive; `QUORATE_SEEDS=10000` is what their headers say."""


def load_zoo() -> ModuleType:
    path = ROOT / "bench" / "zoo.py"
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location("zoo", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(path.parent))


zoo = load_zoo()
BUGS = [bug for path in zoo.PROGRAMS for bug in zoo.bugs(path)]


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_a_bug_is_found_within_its_seeds(bug: Any) -> None:
    answer = zoo.simulated(bug.path, bug.name, "--seeds", str(bug.seeds))
    [failure] = answer["failures"]
    assert failure["text"].startswith(f"error[{bug.code}]: `{bug.property}` ")


@pytest.mark.timeout(max(120, SEEDS))
@pytest.mark.parametrize("path", zoo.PROGRAMS, ids=[path.name for path in zoo.PROGRAMS])
def test_what_is_right_survives(path: Path) -> None:
    answer = zoo.simulated(path, "", "--seeds", str(SEEDS))
    assert answer["failures"] == []
    assert all(each["reached"] for each in answer["sometimes"])


@pytest.mark.parametrize("path", zoo.PROGRAMS, ids=[path.name for path in zoo.PROGRAMS])
def test_a_header_says_what_it_must(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    header = text.partition("\n\n")[0]
    assert "# Source: " in header
    assert "# Right:  survives 10,000 seeds\n" in header
    assert header.count("# Broken: ") == len(zoo.bugs(path)) > 0
    assert len(text.splitlines()) <= 180

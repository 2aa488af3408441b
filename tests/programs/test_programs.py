"""Programs do what the interpreter of the tree says: random ones, corners, examples.

More of them: PYTHONPATH=tests python -m programs.many --seeds 10000
"""

from __future__ import annotations

from pathlib import Path

import pytest

from programs.compare import differs, report, shrunk
from programs.interpreter import interpret
from programs.many import disagreement
from quorate.lang.source import Source

ROOT = Path(__file__).parents[2]
CORNERS = sorted(Path(__file__).parent.glob("corners/*.da"))
UNFROZEN = {"generator_functions", "loops_over_no_value"}  # a generator is no value
EXAMPLES = sorted(ROOT.glob("examples/*.da"))
SEEDS, SHARE = 160, 10


@pytest.mark.parametrize("first", range(0, SEEDS, SHARE))
def test_random_programs_do_what_the_tree_says(first: int) -> None:
    found = [disagreement(seed) for seed in range(first, first + SHARE)]
    assert not any(found), "\n".join(found)


@pytest.mark.parametrize("frozen", [False, True], ids=["", "frozen"])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_do_what_the_tree_says(
    path: Path, frozen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [path.name])
    text = path.read_text(encoding="utf-8")
    found = differs(text, frozen=frozen, path=str(path))
    assert found is None, report(text, *found)


@pytest.mark.parametrize("path", CORNERS, ids=lambda path: path.stem)
def test_corners_do_what_the_tree_says(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for frozen in (False, True)[: 1 + (path.stem not in UNFROZEN)]:
        found = differs(text, frozen=frozen, path=str(path))
        assert found is None, report(text, *found)


@pytest.mark.parametrize("path", CORNERS, ids=lambda path: path.stem)
def test_corners_end_without_an_error(path: Path) -> None:
    assert interpret(Source.read(path)).failed == ""


def test_shrinking_keeps_what_is_wanted_and_little_else() -> None:
    text = "a\nif b:\n    c\n    for d in e:\n        f\n    g\nh\n"
    assert shrunk(text, lambda smaller: "f" in smaller.split()) == "f\n"

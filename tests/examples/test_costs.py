"""The examples' queries cost what docs/performance.md says."""

import re
from pathlib import Path

import pytest

from quorate.compiler.passes import plan_of

ROOT = Path(__file__).parent.parent.parent
CHEAP = {"O(1)", "O(log n)", "O(changed rows)", "O(changed members)", "O(new rows)"}
HEADING = "## Queries that are not O(1) or O(log n)"


def listed() -> set[tuple[str, int]]:
    """(example, line) of each query that the page tells of."""
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    table = page.split(HEADING)[1].split("\n## ")[0]
    places = re.findall(r"`(\w+)`([^`|:;]*)", table)
    return {(name, int(line)) for name, lines in places for line in re.findall(r"\d+", lines)}


def dear(path: Path) -> set[tuple[str, int]]:
    """Those of a program that cost more than what is new, before its properties and `main`."""
    text = path.read_text(encoding="utf-8").splitlines()
    end = next(n for n, line in enumerate(text, 1) if re.match(r"@\w+|def main\b", line))
    return {
        (path.stem, query.line)
        for query in plan_of(str(path)).queries
        if query.line < end and any(answer.cost not in CHEAP for answer in query.answers)
    }


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/*.da")), ids=lambda path: path.stem)
def test_what_costs_more_is_listed_with_its_reason(path: Path) -> None:
    assert dear(path) == {(name, line) for name, line in listed() if name == path.stem}

"""Programs with known bugs: each is found as its header says, and what is right survives."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zoo.headers import ROOT, SEEDS, zoo

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
    bugs = [bug.name for bug in zoo.bugs(path)]
    assert header.count("# Broken: ") == len(bugs) > 0
    checked = [check.bug.name for check in zoo.checks(path)]
    assert sorted([*checked, *zoo.unchecked(path)]) == sorted(bugs)
    assert len(text.splitlines()) <= 190


STORIES = {
    "overtaking": [
        r"\('ack',\) \(of step \d+, before \('request', 0\) of step (\d+)\); inside = True",
        r"under way: \('request', 0\) from Overtaking-1 to Overtaking-2, sent at",
    ],
    "conflict": [
        r"log\[6\] = \(4, \(Client-4, 1\)\) \(was \(3, \(Client-4, 1\)\)\)",
        r"\('append', 4, 5, 3, \[\(4, None\)\], 5\) .* is gone: cut off by a partition",
        r"log\[6:\] Conflict-1: \[\(4, None\)\]; Conflict-2: \[\(4, \(Client-4, 1\)\)\]",
    ],
    "decision-once": [
        r"\('decision', \d, .*\) to Replica-4 \(of step \d+\) is gone: lost by chance",
        r"\d+ rows like those above, until 1.49",
        r"decisions Replica-4: \{.*\}; Replica-5: \{.*\}",
    ],
}
"""What tells what went wrong, on lines of a story that are joined."""


@pytest.mark.parametrize("name", STORIES)
def test_the_story_of_a_shrunk_run_says_what_went_wrong(name: str, tmp_path: Path) -> None:
    [bug] = [each for each in BUGS if each.name == name]
    trace = str(tmp_path / "shrunk.jsonl")
    options = ["--seeds", str(bug.seeds), *zoo.faults(bug.path), "--trace", trace]
    quorate("simulate", "--shrink", "-j", "1", *options, str(bug.path), name)
    text = re.sub(r"[│┊├┤┼─▶◀●×╳○\s]+", " ", quorate("trace", trace, "--to", "text"))
    assert [part for part in STORIES[name] if not re.search(part, text)] == [], text


def quorate(*words: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "quorate", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stdout

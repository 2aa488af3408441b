"""`quorate trace`: what it writes where, and what it is told wrong."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """\
class P(process):
    def run():
        for i in range(60):
            send('long ' * 20, to=self)
            -- next
def main():
    start(new(P, ()))
"""


@pytest.fixture
def file(tmp_path: Path, quorate: Callable) -> str:
    """A trace."""
    (tmp_path / "p.da").write_text(PROGRAM)
    trace = tmp_path / "t.jsonl"
    words = ("simulate", "-q", "--seed", "1", "--trace", str(trace), str(tmp_path / "p.da"))
    assert quorate(*words).status == 0
    return str(trace)


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("text", "/"),
        ("html", "<!doctype html>"),
        ("shiviz", "(?<host>"),
        ("mermaid", "sequenceDiagram\n    participant p1 as P-1\n"),
        ("itf", '{"#meta":{"format":"ITF"'),
        ("perfetto", '{"traceEvents":['),
    ],
)
def test_what_is_written(
    quorate: Callable, file: str, form: str, begins: str, tmp_path: Path
) -> None:
    printed = quorate("trace", file, "--to", form)
    assert (printed.status, printed.err) == (0, "")
    assert printed.out.startswith(begins)
    out = tmp_path / "out"
    assert quorate("trace", file, "--to", form, "-o", str(out)) == (0, "", "")
    assert out.read_text(encoding="utf-8") == printed.out


def test_some_steps_alone(quorate: Callable, file: str) -> None:
    for steps, expected in (("..3", [1, 2, 3]), ("2..3", [2, 3]), ("5..5", [5])):
        said = quorate("trace", file, "--to", "itf", "--steps", steps)
        states = json.loads(said.out)["states"]
        assert [state["#meta"]["step"] for state in states] == expected


def test_what_mermaid_does_not_draw(
    quorate: Callable, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quorate.trace.mermaid.TEXT_MAX", 1000)
    said = quorate("trace", file, "--to", "mermaid")
    assert said.status == 0
    assert said.err.startswith("quorate: note: Mermaid draws at most 1,000 characters, and these")
    assert quorate("trace", file, "--to", "mermaid", "--steps", "..5").err == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Missing option '--to'"),
        (("--to", "dot"), "'dot' is not one of"),
        (("--to", "itf", "--steps", "3"), "'3' says no steps: write 10..50, ..50 or 10.."),
        (("--to", "itf", "--steps", "5..3"), "'5..3' says no steps"),
        (("--to", "shiviz", "--steps", "5.."), "count from 1: give --steps no beginning"),
        (("--to", "itf", "--all"), "--all is of stories: --to text or html"),
        (("--to", "itf", "-o", "no/such/file"), "No such file or directory"),
    ],
)
def test_wrong_usage(quorate: Callable, file: str, words: tuple[str, ...], message: str) -> None:
    said = quorate("trace", file, *words)
    assert said.status == 2
    assert message in said.err


def test_what_is_no_trace(quorate: Callable, tmp_path: Path) -> None:
    path = tmp_path / "none"
    path.write_text("{}\n")
    said = quorate("trace", str(path), "--to", "itf")
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("error[Q401]: the object has no `event`\n --> ")

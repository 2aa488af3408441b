"""`quorate consistency`: its verdicts, what it shows of them, and its errors, as text cases.

The source of a case is the command's options on one line, and then the history.
"""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cases import Case, check, each_case

STALE = """\
{"client": "a", "event": "invoke", "op": "put", "args": ["x", 1]}
{"client": "a", "event": "return"}
{"client": "b", "event": "invoke", "op": "get", "args": ["x"]}
{"client": "b", "event": "return", "result": null}
"""


@each_case("consistency", "consistency_errors")
def test_what_it_says(
    case: Case, quorate: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, _, text = case.source.partition("\n")
    monkeypatch.chdir(tmp_path)
    Path("history.jsonl").write_text(text, encoding="utf-8")
    said = quorate("consistency", "history.jsonl", *options.split())
    check(case, f"status {said.status}\n{said.out}{said.err}")


@pytest.fixture
def stale(tmp_path: Path) -> str:
    path = tmp_path / "stale.jsonl"
    path.write_text(STALE)
    return str(path)


def test_as_json(quorate: Callable, stale: str) -> None:
    said = quorate("consistency", stale, "--model", "kv", "--json")
    assert said.status == 1
    found = json.loads(said.out)
    assert found["verdict"] == "violated"
    assert found["failure"]["line"] == 4
    assert (found["failure"]["order"], found["failure"]["stuck"]) == ([1], 3)
    assert [each["op"] for each in found["failure"]["prefix"]] == ["put", "get"]


SKEW = """\
{"client": 1, "event": "invoke", "op": "txn", "args": [[["r", "x", null], ["append", "y", 1]]]}
{"client": 2, "event": "invoke", "op": "txn", "args": [[["r", "y", null], ["append", "x", 2]]]}
{"client": 1, "event": "return", "result": [["r", "x", []], ["append", "y", 1]]}
{"client": 2, "event": "return", "result": [["r", "y", []], ["append", "x", 2]]}
"""
OWN = STALE.replace('"b"', '"a"')  # who has not read what it wrote


@pytest.mark.parametrize(
    ("text", "options", "part"),
    [
        (OWN, ("--model", "kv", "--guarantee", "sequential"), "stuck"),
        (OWN, ("--model", "kv", "--guarantee", "sessions"), "guarantees"),
        (SKEW, ("--model", "transactions"), "anomalies"),
    ],
)
def test_every_judgement_is_json(
    quorate: Callable, tmp_path: Path, text: str, options: tuple[str, ...], part: str
) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(text)
    said = quorate("consistency", str(path), *options, "--json")
    assert said.status == 1
    found = json.loads(said.out)
    assert found["verdict"] == "violated"
    assert found[part]


def test_from_stdin(quorate: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(STALE.encode())))
    assert quorate("consistency", "-", "--model", "kv").status == 1


def test_a_page(quorate: Callable, stale: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    said = quorate("consistency", stale, "--model", "kv", "--html", str(page))
    assert said.status == 1
    assert "no order of the operations explains the return in line 4" in page.read_text()
    assert quorate("consistency", stale, "--model", "kv", "--html", stale).status == 2
    said = quorate("consistency", stale, "--model", "kv", "--html", str(tmp_path / "no" / "x"))
    assert said.status == 2
    assert "No such file or directory" in said.err


MODEL = """\
from quorate.consistency import REFUSED, Model

class Counter(Model):
    name = "counter"
    operations = {"increment": ()}

    def initial(self):
        return 0

    def step(self, state, operation):
        return state + 1 if operation.result == state + 1 else REFUSED

class Other: pass
"""


def counted(path: Path, *results: int) -> None:
    lines = []
    for result in results:
        lines.append('{"client": 1, "event": "invoke", "op": "increment"}')
        lines.append(f'{{"client": 1, "event": "return", "result": {result}}}')
    path.write_text("\n".join(lines))


def test_a_model_of_the_user(quorate: Callable, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODEL)
    history = tmp_path / "history.jsonl"
    counted(history, 1, 2, 3)
    model = f"{tmp_path}/mine.py:Counter"
    assert quorate("consistency", str(history), "--model", model).status == 0
    counted(history, 1, 2, 2)
    said = quorate("consistency", str(history), "--model", model)
    assert said.status == 1
    assert "the state is 2 when client 1 gets its answer" in said.out


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("qeue", "there is no model 'qeue'; did you mean 'queue'?"),
        ("tree", "there is no model 'tree'; models are register, kv,"),
        ("mine.py:Other", "`Other` has no method that could be an operation"),
        ("mine.py:REFUSED", "mine.py:REFUSED is no class"),
        ("mine.py:Missing", "cannot be loaded: AttributeError"),
        ("none.py:Model", "cannot be loaded: FileNotFoundError"),
    ],
)
def test_what_is_no_model(
    quorate: Callable,
    stale: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MODEL)
    said = quorate("consistency", stale, "--model", model)
    assert said.status == 2
    assert message in said.err


def test_a_file_that_is_not_there(quorate: Callable, tmp_path: Path) -> None:
    said = quorate("consistency", str(tmp_path / "none.jsonl"), "--model", "kv")
    assert said.status == 2
    assert "error[Q301]: cannot be read: No such file or directory" in said.err

"""`quorate new` writes a program that reads well, and overwrites nothing."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ["hello", "hello.da"])
def test_writes_a_commented_program(quorate: Callable, name: str) -> None:
    outcome = quorate("new", name)
    assert outcome == (0, "hello.da is written; to run it: quorate run hello.da\n", "")
    lines = Path("hello.da").read_text().splitlines()
    assert "class Guest(process):" in lines
    assert sum(line.lstrip().startswith("#") for line in lines) >= 10


def test_the_program_has_no_mistakes(quorate: Callable) -> None:
    quorate("new", "hello")
    assert quorate("lint", "hello.da") == (0, "", "")


def test_overwrites_nothing(quorate: Callable) -> None:
    Path("hello.da").write_text("mine")
    outcome = quorate("new", "hello")
    assert outcome.status == 2
    assert "hello.da is there already" in outcome.err
    assert Path("hello.da").read_text() == "mine"


def test_writes_through_no_link(quorate: Callable) -> None:
    os.symlink("elsewhere", "hello.da")
    assert quorate("new", "hello").status == 2
    assert not Path("elsewhere").exists()


def test_into_a_folder(quorate: Callable) -> None:
    Path("programs").mkdir()
    assert quorate("new", "programs/hello").status == 0
    assert Path("programs/hello.da").exists()


@pytest.mark.parametrize("name", ["3-hello", "two words", "class", "", ".da", "no/such/hello", "/"])
def test_refuses_what_cannot_be_a_module(quorate: Callable, name: str) -> None:
    outcome = quorate("new", name)
    assert outcome.status == 2, outcome
    assert os.listdir() == []

"""Completion: the script of each shell, and what it is answered."""

from collections.abc import Callable

import pytest

from quorate.cli.group import COMMANDS


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_prints_a_script(quorate: Callable, shell: str) -> None:
    outcome = quorate("completion", shell)
    assert outcome.status == 0
    assert f"_QUORATE_COMPLETE={shell}_complete" in outcome.out


def test_an_unknown_shell(quorate: Callable) -> None:
    assert quorate("completion", "csh").status == 2


@pytest.mark.parametrize(
    ("words", "answers"),
    [
        ("quorate ", list(COMMANDS)),
        ("quorate ex", ["explore", "explain"]),
        ("quorate --ver", ["--version", "--verbose"]),
        ("quorate compile --st", ["--stage"]),
        ("quorate compile --stage p", ["program", "plan", "python"]),
        ("quorate run ring", ["ring"]),  # of the type `file`, which the shell goes on with
        ("quorate explain Q00", ["Q001", "Q002", "Q003", "Q004", "Q005"]),
    ],
)
def test_completes(
    quorate: Callable, monkeypatch: pytest.MonkeyPatch, words: str, answers: list[str]
) -> None:
    monkeypatch.setenv("_QUORATE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    outcome = quorate()
    assert outcome.status == 0
    assert [line.split(",")[1] for line in outcome.out.splitlines()] == answers

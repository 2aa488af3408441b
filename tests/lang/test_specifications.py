"""Specifications: how they are read, what they are not, and what is wrong with one."""

import pytest

from cases import Case, check, each_case
from compiled import nowhere
from frontend import front
from quorate.compiler.passes import analyse
from quorate.consistency import judgement
from quorate.lang.diagnostics import render
from quorate.lang.printer import tree_text
from quorate.lang.source import Source
from quorate.lang.specifications import GUARANTEES


@each_case("errors_specifications")
def test_exact_text(case: Case) -> None:
    _, items = front(case.source)
    assert items
    check(case, render(items, colour=False))


def test_guarantees_are_those_that_can_be_judged() -> None:
    assert GUARANTEES == judgement.GUARANTEES


def said(text: str) -> list[str]:
    program = analyse(Source("prog.da", text), nowhere).program
    return [each.guarantee for each in program.specifications]


CLASS = "\n@sequential\nclass C:\n    def read(self): return 1\n"


@pytest.mark.parametrize("word", GUARANTEES)
def test_words_count_only_where_the_module_has_none_of_its_own(word: str) -> None:
    assert said(f"{word}('kv')") == [word]
    assert said(f"def {word}(x): return x\n{word}('kv')") == []
    assert said(f"from somewhere import {word}\n{word}('kv')") == []
    assert said(f"from somewhere import *\n{word}('kv')") == []


def test_a_class_below_the_word_is_the_model() -> None:
    assert said(CLASS) == ["sequential"]
    assert said("def sequential(c): return c\n" + CLASS) == []
    program = analyse(Source("prog.da", CLASS + "linearizable('set')"), nowhere).program
    assert "C" in program.plain
    assert tree_text(program).endswith("\nsequential(C)\nlinearizable('set')\n")


def test_other_decorators_stay() -> None:
    text = f"def kept(c): return c\n@kept{CLASS}"
    assert said(text) == ["sequential"]
    assert "@kept\nclass C" in tree_text(analyse(Source("prog.da", text), nowhere).program)

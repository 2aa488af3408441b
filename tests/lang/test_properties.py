"""Properties with mistakes, and what is no property."""

from cases import Case, check, each_case
from compiled import nowhere
from frontend import front
from quorate.compiler.passes import analyse
from quorate.lang.diagnostics import render
from quorate.lang.source import Source


@each_case("errors_properties")
def test_exact_text(case: Case) -> None:
    _, items = front(case.source)
    assert items
    check(case, render(items, colour=False))


def names(text: str) -> list[str]:
    program = analyse(Source("prog.da", text), nowhere).program
    return [each.name for each in program.properties]


def test_words_count_only_where_the_module_has_none_of_its_own() -> None:
    property = "\n@always\ndef p(): return 1\n"
    assert names(property) == ["p"]
    assert names("def always(f): return f" + property) == []
    assert names("from somewhere import always" + property) == []
    assert names("always = print" + property) == []
    assert names("from somewhere import *" + property) == []
    over = property.replace("1", "each(q in P, has=q.n)")
    assert names("from somewhere import *\nclass P(process):\n    n = 1\n" + over) == ["p"]
    assert names("from random import *" + property) == ["p"]
    assert names("def seen(): return globals()" + property) == ["p"]


def test_nothing_inside_of_classes_and_functions_is_a_property() -> None:
    inside = "class C:\n    always = print\n    @always\n    def p(self): return 1\n"
    assert names(inside) == []

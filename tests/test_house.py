"""The project keeps the house rules, and each rule can fail: it is tried on small bad files."""

from collections.abc import Callable

import pytest

import house
from house import Complaint, Source

SOURCES = house.project_sources()
EXAMPLES = [each for each in SOURCES if each.path.startswith("examples/")]
LONG = "\n".join(["def f():"] + ["    x = 1"] * 70)


def report(complaints: list[Complaint]) -> str:
    return "\n".join(["", *map(str, complaints)])


@pytest.mark.parametrize("rule", house.RULES)
def test_the_project_keeps(rule: str) -> None:
    found = [each for source in SOURCES for each in house.RULES[rule](source)]
    complaints = house.without_exceptions(rule, found)
    assert not complaints, report(complaints)


def test_no_module_is_dead() -> None:
    pyproject = (house.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    complaints = list(house.dead_modules(SOURCES, pyproject))
    assert not complaints, report(complaints)


@pytest.mark.parametrize("program", EXAMPLES, ids=[each.path for each in EXAMPLES])
def test_generated_code_imports_only_the_core(program: Source) -> None:
    from quorate.compiler.passes import stage_text

    text = stage_text(str(house.ROOT / program.path), "python")
    complaints = list(house.generated_code_imports(Source(program.path, text)))
    assert not complaints, report(complaints)


def test_functions_are_annotated() -> None:
    share, missing = house.annotated_share(SOURCES)
    assert share >= house.ANNOTATED_MIN, f"{share:.1%} annotated" + report(missing)


@pytest.mark.parametrize(("rule", "path"), house.EXCEPTIONS)
def test_each_exception_is_still_needed(rule: str, path: str) -> None:
    [source] = [each for each in SOURCES if each.path == path]
    assert list(house.RULES[rule](source)), "remove it from EXCEPTIONS"


def test_the_files_were_found() -> None:
    paths = {source.path for source in SOURCES}
    assert {"src/quorate/__init__.py", "tests/test_house.py"} <= paths


# --- Each rule can fail

BAD = [
    ("layers", "core/a.py", "from quorate.lang import nodes", "core may not import quorate.lang"),
    ("layers", "core/a.py", "from ..lang.nodes import Send", "core may not import quorate.lang"),
    ("layers", "core/__init__.py", "from ..net import tcp", "core may not import quorate.net"),
    ("layers", "core/a.py", "import quorate", "core may not import quorate"),
    ("layers", "core/a.py", "def f():\n  from quorate import run", "core may not import"),
    ("layers", "lang/a.py", "import quorate.compiler.passes", "lang may not import"),
    ("layers", "compiler/a.py", "from quorate.worlds import base", "compiler may not import"),
    ("layers", "net/a.py", "import quorate.store", "net may not import quorate.store"),
    ("layers", "worlds/real/a.py", "from quorate.worlds.sim import x", "may not import"),
    ("layers", "worlds/real/a.py", "from quorate.worlds import sim", "may not import"),
    ("layers", "worlds/sim/a.py", "from ..check import kernel", "may not import"),
    ("layers", "web/a.py", "from quorate.cli import main", "web may not import quorate.cli"),
    ("layers", "__init__.py", "from quorate.cli import main", "may not import quorate.cli"),
    ("layers", "unheard/a.py", "", "has no place in LAYERS"),
    ("core is pure", "core/a.py", "import time", "core may not import time"),
    ("core is pure", "core/a.py", "from os import path", "core may not import os.path"),
    ("core is pure", "core/a.py", "import asyncio.events as e", "core may not import asyncio"),
    ("core is pure", "core/a.py", "from random import Random", "core may not import random"),
    ("core is pure", "core/ambient.py", "import random", "core may not import random"),
    ("core is pure", "core/ambient.py", "from random import choice", "core may not import random"),
    ("core is pure", "core/a.py", "x = open('f')", "core may not call open"),
    ("line width", "core/a.py", "x = 1\n" + "#" * 101, "101 columns"),
    ("line width", "protocols/a.da", "#" * 101, "101 columns"),
    ("file length", "core/a.py", "x = 1\n" * 601, "601 lines in one file"),
    ("function length", "core/a.py", LONG, "f has 71 lines"),
    ("function length", "core/a.py", "class A:\n async def f(): (\n" + "\n" * 70 + " )", "f has"),
    ("function length", "protocols/a.da", LONG.replace("x = 1", "-- l"), "f has 71 lines"),
    ("prints", "core/a.py", "print('x')", "print() outside cli/"),
    ("module docstring", "core/a.py", "x = 1", "no docstring"),
    ("module docstring", "core/a.py", '"""' + "a\n" * 9 + '"""', "has 9 lines"),
    ("words", "core/a.py", "x = 1  # TODO: more", "'TODO'"),
    ("words", "protocols/a.da", "# see /home/me/notes", "one machine only"),
]


@pytest.mark.parametrize(("rule", "path", "text", "message"), BAD)
def test_a_rule_complains(rule: str, path: str, text: str, message: str) -> None:
    complaints = list(house.RULES[rule](Source(f"src/quorate/{path}", text)))
    assert len(complaints) == 1, report(complaints)
    assert message in str(complaints[0])


GOOD = [
    ("layers", "core/a.py", "from . import ids\nfrom quorate.core.ids import Id\nimport re"),
    ("layers", "compiler/a.py", "from quorate.lang import nodes\nfrom . import flow"),
    ("layers", "worlds/real/a.py", "from quorate.worlds.base import World\nfrom .b import x"),
    ("layers", "cli/a.py", "import quorate\nfrom quorate import __version__"),
    ("core is pure", "core/ambient.py", "from random import Random"),
    ("core is pure", "worlds/real/a.py", "import time, socket"),
    ("line width", "core/a.py", "#" * 100),
    ("file length", "core/a.py", "x = 1\n" * 600),
    ("function length", "core/a.py", LONG.rsplit("\n", 1)[0]),
    ("function length", "protocols/a.da", LONG.rsplit("\n", 1)[0] + "\n\n\nx = 1\n"),
    ("prints", "cli/a.py", "print('x')"),
    ("prints", "core/a.py", "'print(1)'"),
    ("words", "core/a.py", "todo = '~/work/x, and https://a.org/work/y'"),
]


@pytest.mark.parametrize(("rule", "path", "text"), GOOD)
def test_a_rule_is_content(rule: str, path: str, text: str) -> None:
    complaints = list(house.RULES[rule](Source(f"src/quorate/{path}", text)))
    assert not complaints, report(complaints)


def test_every_rule_is_tried_both_ways() -> None:
    assert {rule for rule, *_ in BAD} == set(house.RULES)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("from quorate.core.api import Process\nimport random, other", True),
        ("from quorate.core import api", True),
        ("from quorate.lang import nodes", False),
        ("import quorate", False),
        ("def f():\n  import quorate.worlds.real", False),
    ],
)
def test_the_rule_for_generated_code(text: str, allowed: bool) -> None:
    assert bool(list(house.generated_code_imports(Source("a.da", text)))) is not allowed


def modules(**texts: str) -> list[Source]:
    return [Source(f"src/quorate/{name}.py", text) for name, text in texts.items()]


def test_a_dead_module_is_found() -> None:
    sources = modules(a="import quorate.b", b="", c="import quorate.c", d='"""quorate.d"""')
    assert [each.path for each in house.dead_modules(sources)] == [
        *("src/quorate/a.py", "src/quorate/c.py", "src/quorate/d.py")
    ]


@pytest.mark.parametrize(
    "user", ["from quorate import b", "from . import b", "from .b import f", "T = 'quorate.b:run'"]
)
def test_a_used_module_is_not_dead(user: str) -> None:
    assert not list(house.dead_modules(modules(a=user, b=""), "quorate.a:main"))


@pytest.mark.parametrize(
    ("text", "annotated"),
    [
        ("def f(a: int, *b: int, c: int = 1, **d: int) -> None: ...", True),
        ("class A:\n  def f(self) -> None: ...\n  @classmethod\n  def g(cls) -> int: ...", True),
        ("def f(): ...", False),
        ("def f(a) -> None: ...", False),
        ("def f(*, a) -> None: ...", False),
        ("def f(*a) -> None: ...", False),
        ("class A:\n  async def f(self): ...", False),
    ],
)
def test_annotations_are_counted(text: str, annotated: bool) -> None:
    share, missing = house.annotated_share([Source("src/quorate/a.py", text)])
    assert (share == 1, not missing) == (annotated, annotated)


def test_a_complaint_names_file_and_line() -> None:
    rule: Callable[[Source], object] = house.RULES["line width"]
    [complaint] = rule(Source("src/quorate/a.py", "\n\n" + "x" * 200))  # type: ignore[misc]
    assert str(complaint).startswith("src/quorate/a.py:3: ")

"""Programs of several modules: what a class inherits, through every way to import it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from quorate.compiler.loader import load, load_anew
from quorate.compiler.passes import lint_file
from quorate.core.ambient import here
from quorate.lang.diagnostics import QuorateSyntaxError
from stage import Actor

BASE = """
STEP = 10
class Controllee(process):
    def setup(limit, extra=2):
        self.count = limit * extra
    def receive(msg=('more', n)):
        count += n
    def double(x): return 2 * x
"""
DERIVED = """
{imports}
class P({base}):
    def setup(limit, own): pass
    def receive(msg=('more', n)):
        output(n, count, own)
    def go():
        count += 1
        return count, limit, double(own), {step}
"""
STYLES = [
    ("import m", "m.Controllee", "m.STEP"),
    ("import m as n", "n.Controllee", "n.STEP"),
    ("from m import Controllee, STEP", "Controllee", "STEP"),
    ("from m import Controllee as C, STEP as S", "process, C", "S"),
    ("from m import *", "Controllee", "STEP"),
    ("m = import_da('m')", "process, m.Controllee", "m.STEP"),
    ("import pkg.inner", "pkg.inner.Controllee", "pkg.inner.STEP"),
    ("import pkg.inner as i", "i.Controllee", "i.STEP"),
    ("from pkg import inner", "inner.Controllee", "inner.STEP"),
    ("from pkg import inner as i", "i.Controllee", "i.STEP"),
    ("from pkg.inner import Controllee, STEP", "Controllee", "STEP"),
    ("import full", "full.Controllee", "full.STEP"),
    ("import full", "full.inner.Controllee", "full.inner.STEP"),
    ("from full import Controllee, STEP", "Controllee", "STEP"),
    ("from full import other", "other.Controllee", "other.STEP"),
    ("import full.other", "full.other.Controllee", "full.STEP"),
    ("from full import *", "Controllee", "STEP"),
    ("import plain.inner", "plain.inner.Controllee", "plain.inner.STEP"),
    ("from plain import inner", "inner.Controllee", "inner.STEP"),
    ("import passing", "passing.m.Controllee", "passing.m.STEP"),
    ("from passing import m", "m.Controllee", "m.STEP"),
    ("from passing import *", "m.Controllee", "m.STEP"),
]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    path, modules = sys.path[:], set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if not name.startswith("quorate"):
            del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Modules, a package without `__init__`, one with, a plain Python one around a .da module."""
    files = {
        "m.da": BASE,
        "pkg/inner.da": BASE,
        "full/__init__.da": "from . import inner\nfrom .inner import *\n",
        "full/inner.da": BASE,
        "full/other.da": "from .inner import Controllee, STEP\n",
        "plain/__init__.py": "",
        "plain/inner.da": BASE,
        "passing.da": "import m\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(folder: Path, text: str) -> Any:
    (folder / "prog.da").write_text(text)
    return load(str(folder / "prog.da"))


@pytest.mark.parametrize(("imports", "base", "step"), STYLES)
def test_inheriting_by_any_import(folder: Path, imports: str, base: str, step: str) -> None:
    first = run(folder, DERIVED.format(imports=imports, base=base, step=step))
    for program in (first, load_anew(first)):
        actor = Actor(program.P, 4, "x").begin()
        here.process = actor.process
        assert actor.process.go() == (9, 4, "xx", 10)
        actor.give(("more", 5))
        assert actor.shown == [(5, 14, "x")]  # the base's handler came first


def test_each_program_has_modules_of_its_own(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        for inner in ("", "part"):
            (tmp_path / folder / inner).mkdir()
        (tmp_path / folder / "other.py").write_text(f"x = '{folder}'")
        (tmp_path / folder / "part" / "shared.da").write_text(f"x = '{folder}'")
        text = "import other, part.shared\nboth = other.x + part.shared.x\n"
        (tmp_path / folder / "prog.da").write_text(text)
    programs = [load(str(tmp_path / folder / "prog.da")) for folder in ("a", "b", "a")]
    assert [each.both for each in programs] == ["aa", "bb", "aa"]


@pytest.mark.parametrize(
    "imports", ["from pkg import inner", "from plain import inner", "import pkg.inner as inner"]
)
def test_modules_in_packages_are_loaded_anew(folder: Path, imports: str) -> None:
    first = run(folder, imports)
    assert load_anew(first).inner is not first.inner


def test_setups_of_bases(folder: Path) -> None:
    text = """
from m import Controllee
class Q(process):
    def setup(own, other=7): self.q = own + other
class Both(Controllee, Q):
    def setup(own, limit, *rest, more=1): pass
class None_(Controllee): pass
class Called(Controllee):
    def setup(limit):
        super().setup(limit, extra=limit)
"""
    program = run(folder, text)
    both = Actor(program.Both, 1, 5, 8).process
    assert (both.count, both.q, both.rest, both.more, both.own) == (10, 8, (8,), 1, 1)
    assert Actor(program.None_, 3).process.count == 6
    assert Actor(program.Called, 3).process.count == 9


def test_a_class_without_setup_has_those_of_all_its_bases(folder: Path) -> None:
    text = """
from m import Controllee
LEAST = 1
class Q(process):
    def setup(own, limit, *, least=LEAST + 1): self.q = own + limit
class Both(Controllee, Q): pass
class Third(process):
    def setup(c): self.third = c
class All(Both, Third): pass
class Left(Controllee): pass
class Right(Controllee): pass
class Diamond(Left, Right): pass
class Last(Third, Controllee): pass
"""
    program = run(folder, text)
    both = Actor(program.Both, 3, 2, 5).process
    assert (both.limit, both.own, both.extra, both.least) == (3, 5, 2, 2)
    assert (both.count, both.q) == (6, 8)
    every = Actor(program.All, 3, 4, 5, 7).process
    assert (every.count, every.q, every.third, every.extra) == (12, 8, 7, 4)
    assert Actor(program.Last, 1, 3).process.extra == 2
    assert Actor(program.Diamond, 3).process.count == 6


def test_what_a_class_without_setup_is_given_is_checked(folder: Path) -> None:
    text = """
class A(process):
    def setup(a): pass
class B(process):
    def setup(b): pass
class C(A, B):
    def run(): output(a, b)
def main():
    start(new(C, (1,)))
"""
    with pytest.raises(QuorateSyntaxError, match=r"takes \(a, b\), and is given 1 argument"):
        run(folder, text)


def test_star_imports_leave_matchers_alone(folder: Path) -> None:
    """Both modules make a function for a pattern of the same tag on the same line."""
    (folder / "n.da").write_text(
        "class N(process):\n"
        "    def f():\n"
        "        return setof(x, x in [1], ('a', x) in {('a', 1)})\n"
    )
    text = (
        "from n import *\n"
        "class P(N):\n"
        "    def go(): return f(), setof(y, ('a', 2, y) in [('a', 2, 3)])\n"
    )
    program = run(folder, text)
    actor = Actor(program.P)
    here.process = actor.process
    assert actor.process.go() == ({1}, {3})


def test_star_imports_and_main(folder: Path) -> None:
    """The main of an imported module is this one's only where it has none itself."""
    (folder / "n.da").write_text("def main():\n    config(channel='fifo')\n")
    assert run(folder, "from n import *\n").main_config_ == {"channel": {"fifo"}}
    own = run(folder, "from n import *\ndef main():\n    output('own')\n")
    assert own.main_config_ == {}
    assert own.main_process_.__module__ == own.__name__


def test_suspended_handlers_of_one_line_and_tag(folder: Path) -> None:
    """A base's handler is its own, though a derived one has the same tag and line."""
    handler = "    def receive(msg=('a', x)):\n        -- here\n        log.append(({!r}, x))\n"
    base = "class P(process):\n    log = []\n"
    (folder / "base.da").write_text(base + handler.format("base"))
    program = run(folder, "import base\nclass P(base.P):\n" + handler.format("derived"))
    actor = Actor(program.P).begin().give(("a", 1))
    assert actor.process.log == [("base", 1), ("derived", 1)]


def test_a_circle_of_imports(folder: Path) -> None:
    (folder / "one.da").write_text("import two\nclass A(process):\n    def setup(x): pass\n")
    (folder / "two.da").write_text(
        "import one\nclass B(process):\n    def setup(x): pass\n    def make(): return one.A\n"
    )
    program = run(folder, "from one import A\nimport two\nclass P(two.B, A): pass\n")
    assert program.P.__mro__[1:3] == (program.two.B, program.A)


def test_da_modules_come_before_python_ones_but_not_before_the_standard_library(
    folder: Path,
) -> None:
    (folder / "m.py").write_text("raise AssertionError('made by another compiler')\n")
    (folder / "string.da").write_text("raise AssertionError\n")
    program = run(folder, "import m, string\nclass P(m.Controllee): pass\nx = string.digits\n")
    assert program.x == "0123456789"
    assert "count" in Actor(program.P, 1).process.__dict__


def test_absolute_imports_of_a_package_begin_at_the_program(folder: Path) -> None:
    (folder / "pkg" / "m.da").write_text("raise AssertionError('an absolute import')\n")
    (folder / "pkg" / "user.da").write_text("import m\nclass U(m.Controllee): pass\n")
    program = run(folder, "from pkg.user import U\nclass P(U):\n    def go(): return count\n")
    actor = Actor(program.P, 4)
    here.process = actor.process
    assert actor.process.go() == 8


def errors(folder: Path, text: str, **others: str) -> list[str]:
    """What is wrong with a program, beside which there are other modules."""
    for name, other in others.items():
        (folder / f"{name}.da").write_text(other)
    try:
        run(folder, text)
    except QuorateSyntaxError as error:
        found = error.diagnostics
        return [f"{it.code}:{Path(it.source.path).stem}:{it.span.line}: {it.help}" for it in found]
    return []


PROPERTIES = "properties are not imported: they count in whatever module of the program they are"
PLACES = "modules are looked for beside the program, then along `sys.path`"


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("m = import_da('nowhere')", PLACES),
        ("import nowhere", PLACES),
        ("import nowhere.at_all", PLACES),
        ("from nowhere import something, other", PLACES),
        ("import randm", "did you mean `random`?"),
    ],
)
def test_a_module_that_is_not_there(folder: Path, text: str, help: str) -> None:
    assert errors(folder, text) == [f"Q015:prog:1: {help}"]


def test_modules_that_may_be_there_when_they_are_asked_for(folder: Path) -> None:
    tried = "try: import nowhere\nexcept ImportError: nowhere = None\n"
    later = "def f():\n    import nowhere\n    return nowhere\n"
    assert errors(folder, tried + later + "if False: import nowhere2\n") == []
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "found_late.py").write_text("x = 1\n")
    path = "import sys, os\nsys.path.append(os.path.join(os.path.dirname(__file__), 'elsewhere'))\n"
    assert errors(folder, path + "import found_late\n") == []
    sys.path.pop()
    del sys.modules["found_late"]
    (folder / "paths.py").write_text(path.replace("__file__", repr(str(folder / "x"))))
    assert errors(folder, "import paths, found_late\n") == []


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("from m import Controller", "did you mean `Controllee`?"),
        ("import m\ndef main(): new(m.Controlee)", "did you mean `Controllee`?"),
        ("import m as n\nclass P(n.Controlee): pass", "did you mean `Controllee`?"),
        ("import pkg.inner\nx = pkg.inner.nothing", "it defines `Controllee`, `STEP`"),
        ("from whole import fine", PROPERTIES),
        ("from whole import main", "`main` is run by itself, and is not imported"),
        ("from empty import nothing", "it defines nothing"),
    ],
)
def test_a_name_that_a_module_does_not_define(folder: Path, text: str, help: str) -> None:
    line = text.count("\n") + 1
    whole = {"whole": "def main(): pass\nx = 1\n@always\ndef fine(): return True\n", "empty": ""}
    assert errors(folder, text + "\n", **whole) == [f"Q016:prog:{line}: {help}"]


def test_names_that_a_module_may_have(folder: Path) -> None:
    """Submodules, what is assigned from outside, and what comes from where nobody can see."""
    text = """
import m, full, star, dynamic, lazy
from full import other
from star import sqrt
from dynamic import made
from lazy import anything
try: from m import Missing
except ImportError: Missing = None
m.extra = 3
x = m.extra, m.__name__, full.inner, full.other, star.pi, dynamic.made, lazy.whatever
def f(m): return m.something
"""
    lazy = "def __getattr__(name): return name\n"
    others = {"star": "from math import *\n", "dynamic": "exec('made = 1')\n", "lazy": lazy}
    assert errors(folder, text, **others) == []


CIRCLE = "move what both need into a third module, which imports neither"


@pytest.mark.parametrize(
    ("one", "two", "where"),
    [
        ("import two\nclass A(process): pass\n", "from one import A\n", ["two:1"]),
        ("from two import B\nA = 1\n", "from one import A\nB = 2\n", ["two:1"]),
        ("import two\nclass A(process): pass\n", "import one\nclass B(one.A): pass\n", ["two:2"]),
        (
            "class A(process): pass\nclass C(A): pass\nimport two\n",
            "from one import C as D\nclass B(D): pass\n",
            ["two:2"],
        ),
        ("A = 1\nimport two\n", "from one import A\n", []),
        ("class A: pass\nimport two\n", "from one import A\nclass B(A): pass\n", []),
        ("import two\nA = 1\n", "import one\ndef f():\n    from one import A\n", []),
        ("import two\nA = 1\n", "try: from one import A\nexcept ImportError: A = 2\n", []),
        ("two = import_da('two')\nA = 1\n", "from one import A\n", ["two:1"]),
    ],
)
def test_circles_that_cannot_work(folder: Path, one: str, two: str, where: list[str]) -> None:
    expected = [f"Q017:{place}: {CIRCLE}" for place in where]
    assert errors(folder, "import one\n", one=one, two=two) == expected


@pytest.mark.parametrize(
    ("imports", "draw", "now"),
    [
        ("import random, time", "random.random()", "time.time()"),
        ("import random as r, time as t", "r.random()", "t.time()"),
        ("from random import random\nfrom time import time", "random()", "time()"),
        ("from random import random as r\nfrom time import time as t", "r()", "t()"),
        ("from random import *\nfrom time import *", "random()", "time()"),
    ],
)
def test_random_and_time_are_the_worlds(folder: Path, imports: str, draw: str, now: str) -> None:
    inside = imports.replace("\n", "\n        ")
    methods = f"    def go(): return {draw}, {now}\n"
    if "*" not in imports:
        methods += f"    def inside():\n        {inside}\n        return {draw}, {now}\n"
    program = run(folder, f"{imports}\nclass P(process):\n{methods}")
    answers = []
    for _ in range(2):
        process = Actor(program.P).process
        process.world_.time = 77.5
        here.process = process
        answers.append([process.go(), process.inside() if "*" not in imports else 0])
    assert answers[0] == answers[1]
    assert answers[0][0][1] == 77.5


@pytest.mark.parametrize("kind", ["da", "py"])
@pytest.mark.parametrize("asks", ["", "pkg.inner.base", "pkg.alone"])
def test_a_package_is_there_before_what_is_in_it(tmp_path: Path, kind: str, asks: str) -> None:
    """It imports, in a circle, a module that asks for another one in it."""
    base = "from .. import kinds\nfrom ..kinds import A\nboth = A, kinds.A\n"
    files = {
        "pkg/__init__.da": "from .inner.base import both\n",
        "pkg/inner/base.da": base,
        "pkg/alone.da": "import pkg.inner.base, pkg.kinds\nfrom pkg import kinds, both\n",
        f"pkg/kinds.{kind}": "A = 1\n",
        "prog.da": "import pkg.inner.base\nfrom pkg import both, kinds\nimport pkg.kinds as same\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    path = tmp_path / f"{asks.replace('.', '/') or 'prog'}.da"
    program = load(str(path), asks or None)
    assert (program.both, program.kinds.A) == ((1, 1), 1)
    again = load_anew(program)
    assert again.both == (1, 1) and again.kinds is not program.kinds
    assert lint_file(str(path)) == []


def test_a_circle_that_works_from_one_side(folder: Path) -> None:
    """Each module is compiled by itself, when the others are being imported or are there."""
    (folder / "one.da").write_text("import two\nA = 1\ndef f(): return two.B\n")
    (folder / "two.da").write_text("from one import A, f\nB = A + 1\n")
    program = run(folder, "import two\nx = two.f()\n")
    assert program.x == 2

"""What the resolver makes of names, and what it reports."""

import sys

import pytest

from cases import Case, check, each_case
from compiled import nowhere, resolved
from quorate.compiler.passes import analyse
from quorate.lang import nodes
from quorate.lang.diagnostics import QuorateSyntaxError
from quorate.lang.printer import program_text
from quorate.lang.source import Source


@each_case("program")
def test_program(case: Case) -> None:
    check(case, program_text(resolved(case.source)))


def errors(text: str) -> list[str]:
    """The errors of a program, as code:line."""
    with pytest.raises(QuorateSyntaxError) as raised:
        analyse(Source("test.da", text), nowhere)
    return [f"{found.code}:{found.span.line}" for found in raised.value.diagnostics]


@pytest.mark.parametrize(
    "body",
    [
        "x = unknown",
        "x = [unknown for y in s]",
        "x = setof(y, y in s, unknown)",
        "f = lambda q: unknown",
        "def f():\n            return unknown",
        "x = f'{unknown}'",
        "x = s[unknown:]",
        "unknown.x = 1",
        "send(unknown, to=s)",
        "x = received(('a', unknown))",
        "del s[unknown]",
    ],
)
def test_a_name_that_nothing_defines(body: str) -> None:
    program = f"class P(process):\n    def setup(s): pass\n    def run():\n        {body}\n"
    assert [error[:4] for error in errors(program)] == ["Q010"]


@pytest.mark.parametrize(
    "body",
    [
        "x: Unknown = 1",
        "def f(x: Unknown) -> Unknown: pass",
        "import os.path as q; q.x",
        "class C:\n            x = 1\n            y = x",
        "for a, (b, *c) in s: a, b, c",
        "with s as (a, [b]): a, b",
        "try: pass\n        except ValueError as e: e",
        "match s:\n            case {'k': a, **b} | [a, *b] if a: a, b",
        "match s:\n            case C(q=c) as d: c, d",
        "if (n := 1) and [k := n for _ in s]: k",
        "global g; g = 1",
        "__name__, __file__, print, NotImplemented",
        "def f(*a, k=1, **b): return a, k, b, f",
        "[lambda q=x: (q, x) for x in s]",
        "if some((a, [b, *c]) in s, has=a): a, b, c",
        "def f():\n            nonlocal s\n            s = 1",
        "x = received",
        "f = send, output",
    ],
)
def test_names_that_are_defined(body: str) -> None:
    process = f"class P(process):\n    def setup(s): pass\n    def run():\n        {body}\n"
    assert resolved("class C: pass\n" + process)


MODULES = [
    "from m import *\nx = anything",
    "exec('y = 1')\nx = y",
    "globals()['y'] = 1\nx = y",
    "try:\n    unicode\nexcept NameError:\n    unicode = str",
    "try: input = raw_input\nexcept: pass",
    "def f():\n    try: return raw_input\n    except (NameError, OSError): return input",
    "import sys\nif sys.version_info < (3,): input = raw_input\nelse: xrange = range",
    "def main(): pass\nif __name__ == '__main__':\n    main()",
    "def f():\n    global y\n    y = 1\nf()\nx = y",
    "def f(): return later\nlater = 3",
    "def f(x: Later, *y: Later) -> Later: pass\nx: Later = 3",
    "class A:\n    x = 1\n    y = [z for z in range(x)]\n    def f(self, n=x): return __class__, A",
    "class A:\n    print(__module__, __qualname__)\n    def f(other): return somewhere",
    "from enum import Enum\nclass C(Enum):\n    A = generated\n    def f(self): return self.A",
    "class P(process):\n    n = 1\n    m = [k for k in range(n)][0]\n    def f(k=m): return k, m",
    "class P(process):\n    n: int = 1\n    if n: m = 2\n    @property\n    def f(): return m",
    "class P(process, object):\n    def f(): return self",
    "def wrap(f): return f\nclass P(process):\n    @wrap\n    def run(): pass",
    "print(__file__, __name__, __doc__, __builtins__, __spec__)",
    "for i in range(3): pass\nwith open('f') as g: print(i, g)",
    "import os.path as p, sys\nfrom re import sub as s\nprint(p, sys, s)",
    "print([(k := n) for n in (lambda q: q)('x')], k)",
    "match 3:\n    case [n, *r] | {'n': n, **r}: print(n, r)",
    "def f(n):\n    n += 1\n    def g():\n        nonlocal n\n        n += 1",
    "def f():\n    for i in 'x': i += 1\n    if some(j in [1]): j += 1\n    with f() as k: k += 1",
    "n = 0\nn += 1\ndel n\nclass A:\n    n = 0\n    n += 1",
    "def f():\n    def g():\n        nonlocal n\n        n = 1\n    g()\n    n += 1",
    "def f():\n    x: int = 1\n    x += 1\n    (y := 2)\n    y += 1",
]
if sys.version_info >= (3, 12):
    MODULES += [
        "class A[T](list[T]):\n    def f[U](self, x: U, n=3) -> T: return T, U",
        "type X[T] = list[T] | Later\nx = X",
    ]


@pytest.mark.parametrize("text", MODULES)
def test_modules_in_which_no_name_is_unknown(text: str) -> None:
    assert resolved(text)


def function(text: str) -> nodes.Scope:
    (cls,) = [s for s in resolved(text).tree.body if isinstance(s, nodes.ProcessClass)]
    found: nodes.Scope = cls.body[-1].scope  # type: ignore[attr-defined]
    return found


def test_scopes() -> None:
    scope = function(
        """
        class P(process):
            def setup(f): pass
            def go(a, *b):
                global g
                f = g = 1
                c = [d for d in b]
                if some((e, q) in b): pass
                setof(h, h in b)
                for i, f in a: pass
                import os.path, x as y
                def inner(z):
                    nonlocal c
                    c = k = 1
        """
    )
    assert scope.locals == {"a", "b", "c", "e", "q", "i", "os", "y", "inner"}
    assert scope.globals == {"g"}


def test_fields() -> None:
    info = resolved(
        """
        class Q(process):
            shared = 0
            def setup(own, *rest, key=1, **more): pass
        class P(Q):
            typed: int
            def go(parameter):
                self.made = local = 1
                self.one, (self.two, *self.three) = 1
                for self.four in (): pass
                self.entry[1] = self.read
                class Inner:
                    def __init__(self): self.not_ours = 1
                def nested(self): self.nor_this = 1
                f = lambda: [self.five for self.five in ()]
            def receive(msg=m): self.six = m
        """
    ).classes["P"]
    made = {"made", "one", "two", "three", "four", "five", "six", "typed"}
    assert info.fields == made | {"shared", "own", "rest", "key", "more"}
    assert info.methods == {"setup", "go"}


def test_witnesses_that_nothing_reads_are_dropped() -> None:
    tree = resolved(
        """
        class P(process):
            def setup(kept): pass
            def run():
                if some((a, b, c, kept) in [], has=a > b): return c
        """
    ).tree
    (query,) = [node for node in nodes.ast.walk(tree) if isinstance(node, nodes.Query)]
    assert [getattr(w, "id", getattr(w, "name", "")) for w in query.witness] == ["c", "kept"]

"""What is wrong with a whole program: what is reported, and what is not since it may be right."""

import pytest

from frontend import front
from quorate.lang.checks import no_main
from quorate.lang.source import Source, Span

MADE = """\
import os
class Base(process):
    def setup(low, high=2): pass
    def run(): output(low, high)
class P(Base): pass
class Silent(process):
    def helper(): pass
class Server(Silent):
    def receive(msg=m): output(m)
class Odd(os.PathLike, process):
    def setup(x): pass
def pick(): return P
class Late: pass
def rebind():
    global Late
    Late = P
def main():
    flag = len(os.environ) > 3
    {}
"""
RIGHT = [
    "ps = new(P, num=3); setup(ps, (1,))",
    "ps = new(P, num=3); args = (1,); setup(ps, args)",
    "ps = new(P, num=3); setup(ps, (1,) + (2,)); setup(ps, (3,) * 2); setup(ps, [1] * 2)",
    "ps = new(P, num=3); setup(ps, (*args(),)) if flag else None\ndef args(): return (1, 2)",
    "p = new(P); setup(p, low=1); setup(p, (1,), high=3); setup(p, {'low': 1})",
    "p = new(P, (1,)) if flag else new(Server); setup(p, ())",
    "p = new(P)\n    p = new(Server)\n    setup(p, ())",
    "p = new(P)\n    for p in new(Server, num=2): setup(p, ())",
    "ps = new(P, num=2)\n    for ps in [new(Server)]: setup(ps, ())",
    "ps = new(P, num=2)\n    for p in ps: setup(p, (1, 2))",
    "p = new(P)\n    [setup(p, ()) for p in new(Server, num=2)]",
    "p = new(P)\n    def other(p): setup(p, ())\n    other(new(Server))",
    "p = new(P)\n    def other():\n        nonlocal p; p = new(Server)\n    other(); setup(p, ())",
    "p = new(P)\n    with open(os.devnull) as p: setup(p, ())",
    "p = new(P)\n    try: pass\n    except OSError as p: setup(p, ())",
    "p = new(P)\n    match flag:\n        case p: setup(p, ())",
    "p = new(P)\n    if some(p in new(Server, num=2)): setup(p, ())",
    "p = new(P)\n    if (p := new(Server)): setup(p, ())",
    "new(Server); new(Odd); new(Odd, (1, 2)); new(pick()); new(Late)",
    "new(P, None, 3); new(P, args=(1,), num=flag); new(P, (1,), at='there')",
    "new(P, (1,), num=['a', 'b']); new(P, num=0); new(P, (1,), num=range(3))",
    "new(P, (1,), method='thread', daemon=True, send=0, receive=0.1, hang=1, crash=1 / 3)",
    "P = Server\n    new(P, ())",
]
WRONG = [
    ("Q084", "p = new(P); setup(p, (p))", "p"),
    ("Q084", "setup(new(P), (self))", "self"),
    ("Q084", "ps = new(P, None, 3); setup(ps, ps)", "ps"),
    ("Q085", "new(P, args=(1, 2, 3))", "(1, 2, 3)"),
    ("Q085", "setup(new(P), [])", "[]"),
    ("Q085", "p = new(P); setup(p, (1,), low=1)", "low=1"),
    ("Q085", "p = new(Server); setup(p, x=1)", "x=1"),
    ("Q021", "new(Silent)", "Silent"),
    ("Q086", "new(pick, ())", "pick"),
    ("Q086", "new(3)", "3"),
    ("Q088", "new(P, num=None or 3); new(P, num=b'ab')", "b'ab'"),
    ("Q092", "new(P, crash=True)", "True"),
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_may_be_right_is_no_error(text: str) -> None:
    assert [str(item) for item in front(MADE.format(text))[1]] == []


@pytest.mark.parametrize(("code", "text", "place"), WRONG)
def test_what_is_plainly_wrong(code: str, text: str, place: str) -> None:
    [item] = front(MADE.format(text))[1]
    assert (item.code, item.source.segment(item.span)) == (code, place)
    assert item.help


def test_a_class_of_another_module_is_known() -> None:
    modules = {"m": "class Q(process):\n    def setup(a, b): pass\n    def work(): pass\n"}
    program = "import m\nfrom m import Q\ndef main():\n    new(m.Q, (1, 2))\n    new(Q, (1,))\n"
    items = front(program, modules=modules)[1]
    assert [(item.code, item.span.line) for item in items] == [("Q021", 4), ("Q085", 5)]


def test_no_main_and_none_like_it() -> None:
    item = no_main(Source("x.da", "class Ping(process):\n    def run(): pass\n\n"))
    assert (item.code, item.span) == ("Q020", Span(2, 0, 2, 19))
    assert "p = new(Ping)" in str(item.help)
    assert no_main(Source("x.da", "")).span.line == 1


def test_a_misspelled_main() -> None:
    item = no_main(Source("x.da", "def helper(): pass\ndef mian():\n    pass\n"))
    assert (item.span, item.help) == (Span(2, 4, 2, 8), "write `def main():`")

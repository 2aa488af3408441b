"""An await is tested again when what it reads may have changed, and only then."""

import sys
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compiled import module, python_text
from quorate.core.freeze import freeze
from quorate.core.thaw import thaw
from quorate.worlds.sim import simulate
from stage import Actor

WAYS = {
    "assignment": "done = True",
    "through self": "self.done = True",
    "augmented": "done += 1",
    "annotated": "done: bool = True",
    "unpacking": "(other, *rest), done = (1, 2), True",
    "chained": "other = done = True",
    "walrus": "output(done := True)",
    "in a condition": "if (done := x): pass",
    "loop target": "for done in (False, True): pass",
    "with": "with Thing() as done: pass",
    "import": "import sys as done",
    "from import": "from sys import path as done",
    "function": "def done(): pass",
    "class": "class done: pass",
    "match": "match (x, 1):\n    case (done, _): pass",
    "match guard": "match (x, 1):\n    case (done, _) if False: pass",
    "witness": "if some(done in [0, x], has=done > 0): pass",
    "in a lambda": "(lambda: [done := x])()",
    "nested function": "def inner():\n    done = True\ninner()",
    "called later": "kept()",
    "another method": "finish()",
    "recursion": "down(3)",
    "comprehension": "[finish() for _ in range(2)]",
    "before an exception": "try:\n    done, y = x, 1 // 0\nexcept ZeroDivisionError:\n    done = x",
    "nested in compound": "while not done:\n    with Thing():\n        if x: done = True",
    "deleted and given": "del done\nself.done = x",
    "after a yield point": "-- here\ndone = True",
    "setattr": "setattr(self, 'done', True)",
    "update": "vars(self).update(done=True)",
    "setup again": "self.setup(True)",
    "by a decorator": "decorated()",
    "a witness after one": "-- here\nif some(done in [x]): pass",
}

PROGRAM = """
class Thing:
    def __enter__(self): return 7
    def __exit__(self, *why): pass
def sets(function):
    def wrapped(self):
        self.done = True
        return function(self)
    return wrapped
class P(process):
    def setup(done=False):
        def later():
            done = True
        self.kept = later
    def run():
        await(done)
        output('done')
    @sets
    def decorated():
        pass
    def finish():
        done = True
    def down(n):
        if n > 0:
            down(n - 1)
        else:
            done = True
    def receive(msg=('go', x)):
{way}
"""


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_change_a_field_wakes(way: str) -> None:
    made = module(PROGRAM.format(way=indent(WAYS[way], "        ")))
    actor = Actor(made.P).begin()
    assert actor.shown == []
    actor.give(("go", 1))
    assert actor.shown[-1] == "done"
    assert actor.code == 0


def asleep(text: str, *messages: tuple[str, int], args: tuple[Any, ...] = ()) -> bool:
    """Whether P of a program need not be tested again after it has taken the messages."""
    actor = Actor(module(dedent(text)).P, *args).begin().give(*messages)
    assert actor.process.waiting_
    return not actor.process.is_stale_()


CHANGES = {
    "add": "ps.add(x)",
    "in place": "ps |= {x, 2}",
    "assigned anew": "ps = ps | {x}",
    "assigned from a function": "ps = made(x)",
    "in a tuple": "ps, y = {x}, 1",
    "chained": "y = ps = {x}",
    "through another name": "alias.add(x)",
    "through a variable": "mine = ps; mine.update([x])",
    "a field for another": "ps = other; other.add(x)",
    "from outside": "setattr(self, 'ps', {x})",
    "by a function": "change(ps, x)",
    "from behind": "set.add(ps, x)",
    "a witness after one": "-- here\nps.add(x)",
    "the other of a union": "qs.add(x)",
    "a list": "ls.append(x)",
    "a list at its end": "ls += [x]",
    "a list in the middle": "ls[1] = x",
    "a heap": "heapq.heappush(ls, x)",
    "a heap of the same size": "heapq.heapreplace(ls, x)",
    "a dictionary": "ds[x] = 1",
    "a value in a dictionary": "ds[0] = x",
    "a field of the class": "cs.add(x)",
    "what is in it": "things[0].n = x",
}


@pytest.mark.parametrize("way", CHANGES)
def test_every_way_to_change_what_a_query_goes_over_wakes(way: str) -> None:
    heap = "import heapq" if "heapq" in CHANGES[way] else ""
    or_things = " or some(p in things, has=p.n > 5)" if heap or "things" in CHANGES[way] else ""
    text = f"""
{heap}
class Thing:
    def __init__(self): self.n = 0
def change(of, x): of.add(x)
def made(x): return {{x}}
class P(process):
    cs = set()
    def setup(ps):
        self.qs, self.ls, self.ds, self.things = set(), [0, 1], {{0: 1}}, [Thing()]
        self.alias, self.other = ps, set()
    def run():
        await(some(p in ps | qs, has=p > 5) or some(p in ls, has=p > 5) or some(p in cs, has=p > 5)
              or some(p in ds, has=p > 5 or ds[p] > 5){or_things})
        output('done')
    def receive(msg=('go', x)):
{indent(CHANGES[way], " " * 8)}
    def receive(msg=('none', _)):
        pass
"""
    actor = Actor(module(text).P, {1, 2}).begin().give(("none", 0))
    assert actor.process.is_stale_() == bool(or_things)
    actor.give(("go", 9))
    assert actor.shown == ["done"]


FIELD_TEXT = """
    class P(process):
        def setup(ps):
            self.qs, self.ls, self.ds = {(1, 2)}, [1], dict(a=(1, 2))
        def run():
            await(each(p in ps, has=received(('reply', p))) and some((1, q) in qs, has=q > 5)
                  and some(v in ls, has=v > 1) and some(k in ds, has=ds[k][0] > 1))
            output('done')
        def receive(msg=('add', x)):
            qs.add((1, x))
            ps.discard(x)
        def receive(msg=('same', x)):
            qs.add((1, 2))
            ps.discard(7)
            ds.pop(7, None)
    """


def test_what_a_query_goes_over_wakes_only_when_it_changes() -> None:
    assert asleep(FIELD_TEXT, ("other", 1), args=({1, 2},))
    assert asleep(FIELD_TEXT, ("reply", 3), ("same", 1), args=({1, 2},))
    actor = Actor(module(dedent(FIELD_TEXT)).P, {1, 2}).begin()
    for message in (("reply", 1), ("add", 9), ("add", 2)):
        actor.give(message)
    assert actor.shown == []
    for change in ("actor.process.ls.append(3)", "actor.process.ds['b'] = (3, 4)"):
        assert not actor.process.is_stale_()
        exec(change)
        assert actor.process.is_stale_()
        actor.give(("other", 1))
    assert actor.shown == ["done"]


def test_thawed_it_still_wakes() -> None:
    made = module(dedent(FIELD_TEXT))
    actor = Actor(made.P, {1, 2}).begin().give(("reply", 1))
    modules = {made.__name__: made}
    frozen = freeze(actor.process, modules)
    actor.process = thaw(frozen, actor.process.world_, modules)
    assert freeze(actor.process, modules) == frozen
    actor.give(("other", 1))
    assert actor.process.waiting_ and not actor.process.is_stale_()
    actor.process.ps.clear()
    assert actor.process.is_stale_()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["ask", "ask", "tell", "next"]), st.integers(0, 3)),
            st.just(("forget",)),
        ),
        max_size=14,
    )
)
@example([("ask", 1), ("tell", 1), ("next", 0), ("forget",), ("next", 1), ("tell", 1)])
@settings(max_examples=50, deadline=None)
def test_thawed_before_each_message_it_says_the_same(messages: list[Any]) -> None:
    """What has been told may be forgotten while nobody asks for it."""
    made = module(
        dedent("""
        class P(process):
            def run():
                for n in range(4):
                    await(each(received(('ask', c)), has=some(sent(('told', _c)))))
                    output(n, countof(c, received(('ask', c)), c > 0))
                    await(some(received(('next', _n))))
            def receive(msg=('tell', c), from_=p):
                send(('told', c), to=p)
            def receive(msg=('forget',)):
                reset(sent)
        """)
    )
    modules = {made.__name__: made}
    straight, thawed = Actor(made.P).begin(), Actor(made.P).begin()
    for message in messages:
        frozen = freeze(thawed.process, modules)
        thawed.process = thaw(frozen, thawed.process.world_, modules)
        assert freeze(thawed.process, modules) == frozen
        straight.give(message)
        thawed.give(message)
        assert thawed.shown == straight.shown


def test_what_is_observed_is_frozen_as_pythons_own() -> None:
    text = """
        class P(process):
            cs = {3}
            def setup(ps):
                self.qs, self.ls, self.ds = {(1, 2)}, [1], dict(a=(1, 2))
                self.same = self.qs
            def run():
                await(some(p in ps | qs | cs, has=p == 3 and some(p in ls) and some(p in ds)))
        """
    frozen = []
    for views in (True, False):
        made = module(dedent(text), views=views)
        frozen.append(freeze(Actor(made.P, {1, 2}).begin().process, {made.__name__: made}))
    assert frozen[0] == frozen[1]


def test_nothing_else_wakes() -> None:
    counted = """
        class P(process):
            def setup():
                self.count = self.limit = 0
                self.last = None
            def run():
                await(limit > 0)
            def receive(msg=('item', n)):
                count += n
                last = ('item', n)
        """
    assert asleep(counted, ("item", 1), ("item", 2), ("other", 0))


@pytest.mark.parametrize(
    "condition",
    ["len(things) > 3", "things", "things[:1]", "1 in things", "f()", "LIMIT", "(lambda: n)()"],
)
def test_what_may_change_from_inside_is_tested_each_time(condition: str) -> None:
    program = f"""
        LIMIT = 0
        class P(process):
            def setup():
                self.things = []
                self.n = 0
            def f(): return n
            def run():
                await({condition} if things or not things else True)
            def receive(msg=('item', _)):
                pass
        """
    assert not asleep(program, ("item", 1))


def test_a_list_wakes_by_being_added_to() -> None:
    made = module(
        dedent("""
        class P(process):
            def setup():
                self.things = []
            def run():
                mine = things
                await(mine)
                output(things)
            def receive(msg=('item', n)):
                things.append(n)
        """)
    )
    assert Actor(made.P).begin().give(("item", 4)).shown == [[4]]


def test_a_variable_that_only_the_method_changes_is_read_with_the_fields() -> None:
    text = """
        class P(process):
            def setup():
                self.count = 0
            def run():
                for goal in (2, 4):
                    await(count >= goal)
                    output(goal)
            def receive(msg=('item', _)):
                count += 1
        """
    assert "'await_7': (('count',), ('goal',))" in python_text(text)
    actor = Actor(module(dedent(text)).P).begin()
    assert actor.give(*[("item", n) for n in range(4)]).shown == [2, 4]


def test_a_handler_that_awaits_sleeps_on_its_own_await() -> None:
    text = """
        class P(process):
            def setup():
                self.inner = self.outer = False
            def run():
                await(outer)
                output('outer')
            def receive(msg=('begin',)):
                outer = True
                await(inner)
                output('inner')
            def receive(msg=('end',)):
                inner = True
        """
    actor = Actor(module(dedent(text)).P).begin()
    assert actor.give(("begin",), ("none",)).shown == []
    assert actor.give(("end",)).shown == ["inner", "outer"]


BASE = """
class Base(process):
    def setup():
        self.flag = False
    def receive(msg=('flag',)):
        flag = True
    def run():
        {run}
"""
DERIVED = """
{imports}
class Derived({bases}):
    def run():
        {run}
    {more}
def main():
    p = new(Derived)
    setup(p, ())
    start(p)
    send(('flag',), to=p)
    send(('mine',), to=p)
"""
SIBLING = """
class Sibling(process):
    def setup():
        self.other = False
    def receive(msg=('mine',)):
        other = True
    def run():
        pass
"""
MIXIN = """
class Mixin:
    def raise_flag(self):
        self.flag = True
"""


@pytest.mark.parametrize(
    ("base_run", "parts"),
    {
        "the derived class waits, the base assigns": (
            "pass",
            {"run": "await(flag); output('up')"},
        ),
        "both wait": ("await(flag)", {"run": "await(flag); output('up')"}),
        "the base waits, the derived class assigns": (
            "await(other)\n        output('up')",
            {"run": "super().run()", "more": "def receive(msg=('mine',)): other = True"},
        ),
        "a sibling assigns": (
            "await(flag and other)\n        output('up')",
            {
                "run": "super().run()",
                "bases": "wakes_base.Base, wakes_sibling.Sibling",
                "imports": "import wakes_base, wakes_sibling",
            },
        ),
        "a mix-in assigns": (
            "await(flag and other)\n        output('up')",
            {
                "run": "super().run()",
                "bases": "Mixin, wakes_base.Base",
                "imports": "import wakes_base\nfrom wakes_mixin import Mixin",
                "more": "def receive(msg=('mine',)): other = self.raise_flag() is None",
            },
        ),
    }.values(),
)
def test_classes_of_several_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base_run: str, parts: dict[str, str]
) -> None:
    whole = {"imports": "import wakes_base", "bases": "wakes_base.Base", "more": "pass", **parts}
    base = BASE.format(run=base_run).replace("self.flag", "self.other = self.flag")
    if "Mixin" in whole["bases"]:
        base = base.replace("        flag = True", "        pass")
    (tmp_path / "wakes_base.da").write_text(base)
    (tmp_path / "wakes_mixin.py").write_text(MIXIN)
    (tmp_path / "wakes_sibling.da").write_text(SIBLING)
    (tmp_path / "wakes_main.da").write_text(DERIVED.format(**whole))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    run = simulate(tmp_path / "wakes_main.da", seed=1)
    assert (run.status, run.texts()) == (0, ["up"]), run.waiting


def test_a_row_is_evaluated_again_where_its_condition_goes_over_the_history() -> None:
    text = """
        class P(process):
            def setup():
                self.rest = (5,)
            def run():
                await(each(received(('a', x)), has=not received(('b', x, *_rest)))
                      and received(('go',)))
                output('done')
        """
    actor = Actor(module(dedent(text)).P).begin().give(("a", 1))
    assert actor.give(("b", 1, 5), ("go",)).shown == []

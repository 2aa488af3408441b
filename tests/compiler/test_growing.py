"""Fields that only grow, and what views drop by them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiled import ANN, BOB, ME, module, python_text, shown
from quorate.core import settled
from stage import Actor

PROGRAM = """
class P(process):
    def setup(): self.x, self.y, self.z = 0, 0, (0, 0)
    def run(): await(False)
    def receive(msg=('a', n, k)): pass
    def receive(msg=('grow', n, k)):
        {grow}
    def receive(msg=('ask', n, k), from_=p):
        output(lenof(k2, received(('a', _x, k2))), some(received(('a', _x, k2)), has=k2 > 1),
               received(('a', _x, _k)), maxof(k2, received(('a', _x, k2)), default=0))
"""

GROWING = [
    "x += 1",
    "x = x + 2",
    "x = max(x, n)",
    "x = max(n, k, x)",
    "if n > x: x = n",
    "if x < n and k: x, y = n, 0",
    "if n >= x:\n            y = 3; x = n",
    "x = y = y + 1",
    "y += 1; x = max(x, y)",
    "x += 1; helper(self)",
]
OTHER = [
    "x = n",
    "x -= 1",
    "x += n",
    "x += -1",
    "x = x + n",
    "x = max(y, n)",
    "x = min(x, n)",
    "if n > x: n = 0; x = n",
    "if n > x: x += 9; x = n",
    "if n > x: self.other(); x = n",
    "if n < x: x = n",
    "if n > x or k: x = n",
    "if n > x: pass\n        else: x = n",
    "x += 1\n        if k: x = 0",
    "x = y + 1\n        if k: y = 0",
    "x = y + 1\n        if k: y += 1; x = y",
    "x, y = y, x",
    "[x, *y] = [1, 2, 3]",
    "for x in range(3): pass",
    "x += 1; del x",
    "x += 1; setattr(helper(self), 'x', 0)",
    "x += 1; output((x := 0))",
    "x += 1; self.setup()",
    "x += 1\n        some(received(('a', x, _)))",
]
HELPERS = "\ndef helper(p): return p\n"


def text_of(grow: str) -> str:
    return HELPERS + PROGRAM.format(grow=grow) + "    def other(): x += 5\n"


@pytest.mark.parametrize("grow", GROWING)
def test_what_only_grows_settles_views(grow: str) -> None:
    assert "Settled" in python_text(HELPERS + PROGRAM.format(grow=grow))


@pytest.mark.parametrize("grow", OTHER)
def test_what_may_become_less_does_not(grow: str) -> None:
    assert "Settled" not in python_text(text_of(grow))


def test_a_view_that_others_ask_too_is_kept() -> None:
    asked = PROGRAM.format(grow="x += 1") + "        output(received(('a', _n, _k)))\n"
    assert "SettledFacts" not in python_text(HELPERS + asked)


numbers = st.integers(0, 6)
events = st.lists(
    st.tuples(st.sampled_from(["a", "a", "a", "grow", "ask"]), numbers | st.just("s"), numbers),
    max_size=40,
)


@pytest.mark.parametrize("grow", GROWING)
@given(events)
@settings(deadline=None, max_examples=30)
def test_what_is_dropped_is_never_missed(grow: str, happening: list[Any]) -> None:
    def behaviour(*, views: bool) -> str:
        actor = Actor(module(HELPERS + PROGRAM.format(grow=grow), views=views).P, id=ME).begin()
        for kind, n, k in happening:
            number = n if isinstance(n, int) or kind == "a" else 0
            actor.give((kind, number, k), sender=ANN if k else BOB)
        return shown(actor.shown)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settled, "LEAST_KEPT", 1)
        assert behaviour(views=True) == behaviour(views=False)


DERIVED = """
class P(process):
    def setup(): self.x = 0
    def run(): await(False)
    def receive(msg=('grow',)): x += 1
    def receive(msg=('ask',)): output(received(('a', _x)))

class Q(P):
    def receive(msg=('shrink',)): x = 0
"""


def test_in_a_derived_class_nothing_is_dropped() -> None:
    made = module(DERIVED)
    assert type(Actor(made.P, id=ME).process.a_by_x_) is settled.SettledFacts
    assert type(Actor(made.Q, id=ME).process.a_by_x_) is not settled.SettledFacts


def test_about_as_many_are_kept_as_can_be_asked_for() -> None:
    actor = Actor(module(HELPERS + PROGRAM.format(grow="x += 1")).P, id=ME).begin()
    for number in range(2000):
        actor.give(("a", number, 1), ("grow", 0, 0), ("ask", 0, 0))
    kept = [
        view for view in vars(actor.process).values() if isinstance(view, settled.SettledGroups)
    ]
    assert kept
    assert all(len(view.groups) <= settled.LEAST_KEPT for view in kept)

"""Handlers where views are kept: what they see, what they keep, and what is fused with them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiled import ANN, BOB, ME, module, python_text, shown
from stage import Actor

QUORUM = """
class P(process):
    def setup(acceptors): self.decided = []
    def run(): await(False)
    def receive(msg=('2b', b, s), from_=a):
        votes = lenof(q, received(('2b', _b, _s), from_=q))
        if votes > len(acceptors) / 2 and not sent(('decision', _s)):
            send(('decision', s), to=a)
            decided.append((b, s))
        output(votes, sorted(setof(q, received(('2b', _b, _s), from_=q))))
    def receive(msg=('count', b, s)):
        output(lenof(q, received(('2b', _b, _s), from_=q)))
"""

REBINDS = """
class P(process):
    def setup(acceptors): pass
    def run(): await(False)
    def receive(msg=('2b', b, s), from_=a):
        output(lenof(q, received(('2b', _b, _s), from_=q)))
        b = 1
        output(lenof(q, received(('2b', _b, _s), from_=q)))
    def receive(msg=('count', b, s)): pass
"""

RESETS = """
class P(process):
    def setup(acceptors): pass
    def run(): await(False)
    def receive(msg=('2b', b, s), from_=a):
        if b == 2: reset('received')
        output(lenof(q, received(('2b', _b, _s), from_=q)))
    def receive(msg=('count', b, s)): pass
"""

AWAITED = """
class P(process):
    def setup(acceptors): pass
    def run():
        await(some(received(('2b', b, s)), has=lenof(q, received(('2b', _b, _s), from_=q)) > 1))
        output('over', b, s)
        await(False)
    def receive(msg=('2b', b, s), from_=a):
        output(lenof(q, received(('2b', _b, _s), from_=q)))
    def receive(msg=('count', b, s)): pass
"""

parts = st.sampled_from([0, 1, 2, True, [1], (1, [2]), {1}, "x"])
messages = st.tuples(st.sampled_from(["2b", "2b", "2b", "count"]), parts, st.sampled_from([0, [0]]))
taken = st.lists(
    st.tuples(
        messages | st.lists(parts, max_size=3) | st.tuples(parts, parts),
        st.sampled_from([ANN, BOB, ME]),
    ),
    max_size=12,
)


def behaviour(text: str, events: list[Any], *, views: bool) -> Any:
    actor = Actor(module(text, views=views).P, {ANN, BOB, ME}, id=ME).begin()
    for message, sender in events:
        actor.give(message, sender=sender)
    return shown(actor.shown), shown(actor.sent)


@pytest.mark.parametrize("text", [QUORUM, REBINDS, RESETS, AWAITED])
@given(taken)
@settings(deadline=None)
def test_a_handler_does_the_same_with_and_without_views(text: str, events: list[Any]) -> None:
    assert behaviour(text, events, views=True) == behaviour(text, events, views=False)


def test_a_handler_is_fused_with_the_view_of_its_own_message() -> None:
    assert "own_fused_" in python_text(QUORUM)


@pytest.mark.parametrize("text", [REBINDS, RESETS, AWAITED])
def test_it_is_not_fused_where_the_view_may_be_another_by_then(text: str) -> None:
    assert "own_fused_" not in python_text(text)


DERIVED = """
class Base(process):
    def setup(acceptors): pass
    def run(): await(False)
    def receive(msg=('2b', b, s), from_=a):
        output('base', lenof(q, received(('2b', _b, _s), from_=q)))
    def receive(msg=('count', b, s)): pass

class P(Base):
    def receive(msg=('2b', b, *_)):
        output('derived', lenof(q, received(('2b', _b, _), from_=q)))
"""


@given(taken)
@settings(deadline=None)
def test_a_derived_class_may_handle_the_same_messages(events: list[Any]) -> None:
    assert behaviour(DERIVED, events, views=True) == behaviour(DERIVED, events, views=False)


KEPT = """
class P(process):
    def setup(): self.mine, self.log = [], []
    def run(): await(False)
    def receive(msg=('a', x)):
        {body}
    def receive(msg=('ask',)):
        output(listof(x, received(('a', x))))
    def keep(x): mine.append(x)
    def change(x): x.append(0)
"""


@pytest.mark.parametrize(
    "body",
    [
        "x.append(0)",
        "x[0] = 0",
        "del x[0]",
        "x += [0]",
        "mine = x; mine.append(0)",
        "mine.append(x); mine[0].append(0)",
        "keep(x); mine[0].append(0)",
        "change(x)",
        "y = (x, 1); y[0].append(0)",
        "y = x if x else None; y.append(0)",
        "y = x or []; y.append(0)",
        "for y in [x]: y.append(0)",
        "(lambda: x.append(0))()",
        "[y.append(0) for y in [x]]",
        "output(len(x), change(x))",
        "send(('b', x), to=self); x.append(0)",
        "if change(x) is None: pass",
        "log.append({1: x}); log[0][1].append(0)",
        "mine = listof(x, received(('a', _))); mine[0].append(0)",
        "assert x.append(0) is None",
        "print(x.pop())",
    ],
)
def test_what_a_handler_keeps_or_changes_is_its_own(body: str) -> None:
    actor = Actor(module(KEPT.format(body=body)).P, id=ME).begin()
    actor.give(("a", [1, 2])).give(("ask",))
    assert actor.shown[-1] == [[1, 2]]

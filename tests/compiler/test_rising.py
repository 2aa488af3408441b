"""Where the fact that settles a row is dropped with it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiled import ANN, BOB, ME, module, python_text, shown
from stage import Actor

PROGRAM = """
config(channel='fifo', clock='lamport')
class P(process):
    def setup(ps): pass
    def run(): await(False)
    def begin():
        c = logical_clock()
        send(('request', c), to=ps)
    def receive(msg=('ask', c)):
        output(each(received(('request', c2), from_=p),
                    has=received(('release', c2), from_=p) or (c, self) < (c2, p)))
"""
ASKS = "    def receive(msg=('other', c), from_=p): output(received(('release', c), from_=p))\n"
NOT = [
    PROGRAM.replace("        c = logical_clock()\n", "        c = 3\n"),
    PROGRAM.replace("        send((", "        ps.add(self)\n        send(("),
    PROGRAM + "    def again(): send(('request', 1), to=ps)\n",
    PROGRAM + "    def forward(m): send(m, to=ps)\n",
    PROGRAM + ASKS,
    PROGRAM.replace("('release', c2), from_=p)", "('release', c2))"),
    PROGRAM.replace("('request', c2), from_=p)", "('request', c2), from_=_)").replace(
        "('release', c2), from_=p) or (c, self) < (c2, p)", "('release', c2)) or c < c2"
    ),
]

numbers = st.integers(0, 5)
events = st.lists(
    st.tuples(
        st.sampled_from(["request", "request", "again", "release", "release", "ask"]),
        st.sampled_from([ANN, BOB]),
        numbers,
    ),
    max_size=40,
)


def told(happening: list[Any]) -> list[Any]:
    """Messages as the processes would send them: times that rise, releases of what was asked."""
    sent: dict[Any, list[int]] = {ANN: [], BOB: []}
    messages: list[Any] = []
    for time, (kind, sender, number) in enumerate(happening):
        mine = sent[sender]
        if kind == "request":
            mine.append(time)
            messages.append((("request", time), sender))
        elif kind == "again" and mine:
            messages.append((("request", mine[-1]), sender))  # the last goes to somebody twice
        elif kind == "release" and mine:
            messages.append((("release", mine[number % len(mine)]), sender))
        elif kind == "ask":
            messages.append((("ask", number * 4), sender))
    return messages


@given(events)
@settings(deadline=None)
def test_what_is_dropped_is_never_missed(happening: list[Any]) -> None:
    def behaviour(*, views: bool) -> str:
        actor = Actor(module(PROGRAM, views=views).P, {ANN}, id=ME).begin()
        assert not views or actor.process.pending_request_c2_p_.places == (0, 1)
        for message, sender in told(happening):
            actor.give(message, sender=sender, stamp=1)
        return shown(actor.shown)

    assert behaviour(views=True) == behaviour(views=False)


def test_nothing_is_left_of_what_is_settled() -> None:
    actor = Actor(module(PROGRAM).P, {ANN}, id=ME, config=None).begin()
    for time in range(100):
        for message in (("request", time), ("release", time), ("ask", 0)):
            actor.give(message, sender=ANN, stamp=time)
    assert actor.shown == [True] * 100
    assert not actor.process.pending_request_c2_p_.rows
    assert not actor.process.release_by_c2_p_.keys


@pytest.mark.parametrize("text", NOT)
def test_it_is_kept_where_somebody_may_ask_for_it_again(text: str) -> None:
    assert "settles=" not in python_text(text)


@pytest.mark.parametrize("config", ["channel='reliable', clock='lamport'", "channel='fifo'"])
def test_it_is_kept_where_messages_may_overtake_one_another(config: str) -> None:
    text = PROGRAM.replace("channel='fifo', clock='lamport'", config)
    if "clock" not in config:
        text = text.replace("channel='fifo'", "channel='fifo', clock='vector'")
    actor = Actor(module(text).P, {ANN}, id=ME).begin()
    assert actor.process.pending_request_c2_p_.places is None

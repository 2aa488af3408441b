"""Several nodes together find their end, no sooner and no later than it is there."""

from __future__ import annotations

from collections import deque
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.core.ids import ProcessId, main_id
from quorate.worlds.real import control as ct
from quorate.worlds.real import notes
from quorate.worlds.real.census import Census, Lifetimes, change
from quorate.worlds.real.membership import Address, Fingerprint, Membership
from quorate.worlds.real.others import Others
from quorate.worlds.real.program import is_node

NAMES = "abc"
WORKER = (0,)


class Home:
    """A node of one worker, and what is under way between them: the worker's words, and notes."""

    def __init__(self, name: str, net: Net, idle: bool, goes_on: bool = False) -> None:
        me = Membership(name, Address("h", 1), 1, Fingerprint("", {}), idle=idle)
        self.name, self.net = name, net
        self.workers = Census(is_node)
        self.workers.join(WORKER)
        self.lives = Lifetimes(None if idle else main_id(name))
        self.others = Others(me, self.lives, self.workers, goes_on, self)
        self.words: deque[Any] = deque()
        self.awake = not idle
        self.is_news = True
        self.asked = 0  # the round that the worker is still to answer
        self.counts = {other: [0, 0] for other in NAMES if other != name}
        self.reports: list[str] = []
        self.failures: list[str] = []
        self.is_stuck = False

    # What `Others` asks of its node.

    def tell_node(self, node: str, note: notes.Note) -> None:
        self.net.under_way[self.name, node].append(notes.encoded(note))

    def report(self, text: str, level: int = 0) -> None:
        self.reports.append(text)

    def fail(self, text: str, reason: str) -> None:
        self.failures.append(text)

    def failed_there(self, text: str) -> None:
        self.failures.append(text)

    def count(self) -> None:
        if self.workers.next_round():
            self.asked = self.workers.round

    def stands_for(self, node: str) -> None:
        self.tell_node(node, notes.Stands("", 0))

    def stuck(self) -> None:
        self.is_stuck = True

    # What happens.

    def told(self) -> dict[Any, tuple[int, int]]:
        return {(other,): (sent, taken) for other, (sent, taken) in self.counts.items()}

    def idle(self) -> None:
        """The worker says that it is idle, once after it has been awake."""
        if not self.awake and self.is_news:
            self.is_news = False
            self.workers.idle(WORKER, self.told())
            self.look()

    def answer(self) -> None:
        if self.asked:
            round, self.asked = self.asked, 0
            self.workers.answer(WORKER, round, self.awake, self.told())
            if self.workers.stuck:
                self.others.quiet()
            self.look()

    def look(self) -> None:
        self.others.look()
        self.count()

    def send(self, other: str) -> None:
        if self.awake and other != self.name:
            self.counts[other][0] += 1
            self.net.under_way[self.name, other].append(None)

    def live(self) -> None:
        """The node hears what its worker has said."""
        if self.words:
            each = self.words.popleft()
            if each.origin == self.name:
                self.lives.take(each)
            else:
                self.others.pass_on([each])
            self.look()


class Net:
    """The nodes, and what is on its way from one to another."""

    def __init__(self, idle: str = "c") -> None:
        pairs = [(one, two) for one in NAMES for two in NAMES if one != two]
        self.under_way: dict[tuple[str, str], deque[Any]] = {pair: deque() for pair in pairs}
        self.nodes = {name: Home(name, self, name in idle) for name in NAMES}
        self.alive = {main_id(name) for name in NAMES if name not in idle}
        self.made = 0
        for one, two in pairs:
            self.nodes[one].others.take(ct.Met(two, two in idle))

    def deliver(self, source: str, target: str) -> None:
        if source == target or not self.under_way[source, target]:
            return
        come, node = self.under_way[source, target].popleft(), self.nodes[target]
        if come is None:
            node.counts[source][1] += 1
            node.awake = node.is_news = True
        elif isinstance(come, ProcessId):
            self.alive.add(come)
        else:
            node.others.take(ct.Note(source, come))
            node.look()

    @property
    def quiet(self) -> bool:
        moving = any(None in queue for queue in self.under_way.values())
        return not moving and not any(node.awake for node in self.nodes.values())

    def start(self, choice: int, target: str) -> None:
        """One of those that are alive makes another, which is to live on a node."""
        parent = sorted(self.alive)[choice % len(self.alive)] if self.alive else None
        if parent is not None:
            self.made += 1
            child = parent.child(self.made, "P", node=target)
            self.nodes[parent.node].words.append(change(child, 1, 0))
            if target == parent.node:
                self.alive.add(child)
            else:
                self.under_way[parent.node, target].append(child)

    def end(self, choice: int) -> None:
        if self.alive:
            one = sorted(self.alive)[choice % len(self.alive)]
            self.alive.discard(one)
            self.nodes[one.node].words.append(change(one, -1, 0))

    def lives_of(self, name: str) -> list[ProcessId]:
        """What comes from a main and is alive, or will be."""
        coming = (id for queue in self.under_way.values() for id in queue)
        found = [*self.alive, *(id for id in coming if isinstance(id, ProcessId))]
        return [id for id in found if id.origin == name]

    def settle(self) -> None:
        """Let all happen that must happen, whatever is chosen."""
        for _ in range(12):
            for pair in self.under_way:
                while self.under_way[pair]:
                    self.deliver(*pair)
            for node in self.nodes.values():
                while node.words:
                    node.live()
                node.awake = False
                node.idle()
                node.answer()


names = st.sampled_from(NAMES)


@given(st.lists(st.tuples(st.integers(0, 4), names, names), max_size=120))
@settings(deadline=None, max_examples=300)
def test_that_nothing_can_happen_is_found_by_one_and_never_too_early(
    steps: list[tuple[int, str, str]],
) -> None:
    net = Net()
    for choice, name, other in steps:
        node = net.nodes[name]
        match choice:
            case 0:
                node.send(other)
            case 1:
                net.deliver(name, other)
            case 2:
                node.awake = False
            case 3:
                node.idle()
            case 4:
                node.answer()
        assert net.quiet or not any(node.is_stuck for node in net.nodes.values())
    net.settle()
    assert [name for name, node in net.nodes.items() if node.is_stuck] == ["a"]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), names, names), max_size=120))
@settings(deadline=None, max_examples=300)
def test_a_run_is_over_with_the_last_of_all_mains(
    steps: list[tuple[int, int, str, str]],
) -> None:
    net = Net()
    for choice, which, name, other in steps:
        match choice:
            case 0:
                net.start(which, name)
            case 1:
                net.end(which)
            case 2:
                net.deliver(name, other)
            case 3:
                net.nodes[name].live()
        for node in net.nodes.values():
            assert not node.others.over or not any(map(net.lives_of, NAMES))
    net.settle()
    while net.alive:
        net.end(0)
    net.settle()
    assert [name for name, node in net.nodes.items() if node.others.over] == ["a", "b"]


def test_a_lost_node_is_named_with_what_was_there() -> None:
    net = Net()
    a = net.nodes["a"]
    for number, node in ((1, "c"), (2, "b"), (3, "c")):
        a.lives.take(change(main_id("a").child(number, "P", node=node), 1, 0))
    a.others.take(ct.Lost("c", "it is far away"))
    assert a.failures[0].startswith(
        "error[Q149]: node c is lost: it is far away\n  = running there: P-a.1@c, P-a.3@c\n"
    )
    a.others.take(ct.Left("b", 3, ""))
    assert a.failures[1].startswith(
        "error[Q149]: node b has left: its status is 3\n  = running there: main@b, P-a.2@b\n"
    )
    a.lives.take(change(main_id("a"), -1, 0))
    assert a.others.over


def test_a_node_that_has_nothing_of_this_run_may_leave() -> None:
    net = Net()
    a = net.nodes["a"]
    a.others.take(ct.Left("c", 130, "it was interrupted"))
    a.others.take(ct.Note("b", notes.encoded(notes.Over(0))))
    a.others.take(ct.Left("b", 0, ""))
    assert (a.failures, a.reports) == ([], [])
    c = net.nodes["c"]
    c.others.take(ct.Lost("a", "it cannot be reached"))
    assert c.failures == []
    assert c.reports == ["quorate: node a is lost: it cannot be reached"]

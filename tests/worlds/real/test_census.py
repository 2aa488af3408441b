"""When a run is over, and when nothing can happen any more: no more and no less."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.core.ids import main_id
from quorate.worlds.real.census import DAEMON, PREPARATION, Census, Change, Lifetimes
from quorate.worlds.real.program import Place

A, B, C = (0,), (1,), (2,)


def tell(lives: Lifetimes, path: tuple[int, ...], name: str, by: int, code: int) -> None:
    _, several, node = name.partition("@")
    lives.take(Change(path, "a" if several else "", node, name, by, code))


def test_a_run_is_over_when_all_that_was_started_is_settled() -> None:
    lives = Lifetimes(main_id())
    tell(lives, (1,), "P-1", -1, 0)  # its end is heard of before its start
    assert not lives.over
    tell(lives, (1,), "P-1", 1, 0)
    tell(lives, (2,), "P-2", 1, 0)
    tell(lives, (), "main", -1, 0)
    assert not lives.over
    assert [change.name for change in lives.at("")] == ["P-2"]
    tell(lives, (2,), "P-2", -1, DAEMON)
    assert lives.over
    assert (lives.started, lives.daemons, lives.status) == (3, 1, 0)


def test_a_preparation_is_waited_for_and_is_no_start() -> None:
    lives = Lifetimes(main_id())
    tell(lives, (1,), "P-1", 1, PREPARATION)
    tell(lives, (), "main", -1, 0)
    assert (lives.over, lives.started, lives.status) == (False, 1, 0)
    tell(lives, (1,), "P-1", -1, 0)
    assert lives.over


def test_the_status_is_the_first_code_that_is_not_0() -> None:
    lives = Lifetimes(main_id())
    for code in (0, 3, 4):
        tell(lives, (), "main", -1, code)
    assert lives.status == 3
    lives = Lifetimes(main_id())
    tell(lives, (1,), "D-1", 0, 5)  # of a daemon, whose start is settled
    assert (lives.status, lives.over, list(lives.open)) == (5, False, [()])


def test_what_was_on_a_node_that_is_lost_is_settled() -> None:
    lives = Lifetimes(main_id("a"))
    for number, name in enumerate(("P-1@b", "P-2@a", "P-3@b"), 1):
        tell(lives, (number,), name, 1, 0)
    tell(lives, (), "main@a", -1, 0)
    assert lives.lose("b") == ["P-1@b", "P-3@b"]
    tell(lives, (4,), "P-4@b", 1, 0)  # of what is started there after that, nothing comes
    tell(lives, (5,), "P-5@c", -1, 0)  # one on b has started it, and that was never told
    assert not lives.over
    tell(lives, (2,), "P-2@a", -1, 0)
    assert lives.over
    lives.meet("b")
    tell(lives, (6,), "P-6@b", 1, 0)
    assert not lives.over


def test_what_was_on_a_node_before_it_was_lost_does_not_count_again() -> None:
    lives = Lifetimes(main_id("a"), goes_on=True)
    tell(lives, (), "main@a", -1, 0)
    tell(lives, (1,), "P-1@b", 1, PREPARATION)
    tell(lives, (1,), "P-1@b", -1, 0)
    lives.lose("b")
    tell(lives, (2,), "P-2@b", 1, PREPARATION)
    lives.meet("b")
    for number, name in enumerate(("P-1@b", "P-2@b"), 1):
        tell(lives, (number,), name, 1, 0)
    assert lives.over
    tell(lives, (3,), "P-3@b", 1, 0)
    tell(lives, (1, 1), "P-1.1@b", 1, 0)
    assert [change.path for change in lives.at("b")] == [(1, 1), (3,)]


def census(*places: Place) -> Census:
    made = Census()
    for place in places:
        made.join(place)
    return made


def test_two_idle_places_with_nothing_between_them() -> None:
    found = census(A, B)
    found.idle(A, {B: (3, 1)})
    assert not found.next_round()
    found.idle(B, {A: (1, 3)})
    assert found.next_round()
    assert not found.next_round()
    found.answer(A, 1, False, {B: (3, 1)})
    assert not found.stuck
    found.answer(B, 1, False, {A: (1, 3)})
    assert found.stuck


def test_a_message_under_way() -> None:
    found = census(A, B)
    found.idle(A, {B: (3, 1)})
    found.idle(B, {A: (1, 2)})
    assert not found.next_round()


def test_a_place_that_has_woken_between_the_rounds() -> None:
    found = census(A, B)
    found.idle(A, {B: (1, 0)})
    found.idle(B, {A: (0, 1)})
    assert found.next_round()
    found.answer(A, 1, False, {B: (1, 0)})
    found.answer(B, 1, True, {A: (0, 1)})
    assert not found.stuck
    assert not found.next_round()
    found.idle(B, {A: (0, 1)})
    assert found.next_round()
    found.answer(A, 1, False, {B: (1, 0)})  # of the first question: of no use now
    found.answer(B, 2, False, {A: (0, 1)})
    assert not found.stuck
    found.answer(A, 2, False, {B: (1, 0)})
    assert found.stuck


def test_a_place_that_is_no_more() -> None:
    found = census(A, B, C)
    found.idle(B, {A: (5, 2), C: (1, 0)})
    found.idle(C, {B: (0, 1)})
    found.leave(A, {B: (2, 4)})  # one of the messages from B came too late
    assert found.next_round()
    found.answer(B, 1, False, {A: (5, 2), C: (1, 0)})
    found.answer(C, 1, False, {B: (0, 1)})
    assert found.stuck


def test_what_a_place_that_is_no_more_had_sent_must_have_come() -> None:
    found = census(A, B)
    found.leave(A, {B: (2, 0)})
    found.idle(B, {A: (0, 1)})
    assert not found.next_round()
    found.idle(B, {A: (0, 2)})
    assert found.next_round()


def test_what_a_place_says_after_it_has_left_does_not_count() -> None:
    found = census(A, B)
    found.idle(A, {B: (1, 0)})
    found.idle(B, {A: (0, 1)})
    assert found.next_round()
    found.leave(A, {B: (1, 0)})
    found.answer(A, 1, False, {B: (1, 0)})  # it was asked before
    assert found.next_round()
    found.answer(B, 2, False, {A: (0, 1)})
    assert found.stuck


class Network:
    """Three places that send, take and say what they are, in any order; C does not leave."""

    def __init__(self) -> None:
        self.census = census(A, B, C)
        self.under_way: list[tuple[Place, Place]] = []
        self.awake = {A: True, B: False, C: False}
        self.counts = {p: {q: [0, 0] for q in (A, B, C) if q != p} for p in (A, B, C)}
        self.asked: set[Place] = set()
        self.gone: set[Place] = set()

    def told(self, place: Place) -> dict[Place, tuple[int, int]]:
        return {peer: (sent, taken) for peer, (sent, taken) in self.counts[place].items()}

    def do(self, choice: int, place: Place, peer: Place) -> None:
        if choice == 0 and self.awake[place] and place != peer:
            self.counts[place][peer][0] += 1
            self.under_way.append((place, peer))
        elif choice == 1 and self.under_way:
            sender, receiver = self.under_way.pop(0)
            if receiver not in self.gone:
                self.counts[receiver][sender][1] += 1
                self.awake[receiver] = True
        elif choice == 2:
            self.awake[place] = False
        elif choice == 3 and not self.awake[place]:
            self.census.idle(place, self.told(place))
        elif choice == 4 and place in self.asked:
            self.asked.discard(place)
            answer = self.told(place)
            self.census.answer(place, self.census.round, self.awake[place], answer)
        elif choice == 5 and place not in {C, *self.gone}:
            self.gone.add(place)
            self.awake[place] = False
            self.census.leave(place, self.told(place))
        if self.census.next_round():
            self.asked = {A, B, C} - self.gone

    @property
    def quiet(self) -> bool:
        under_way = any(receiver not in self.gone for _, receiver in self.under_way)
        return not under_way and not any(self.awake.values())


places = st.sampled_from([A, B, C])


@given(st.lists(st.tuples(st.integers(0, 5), places, places), max_size=80))
@settings(deadline=None, max_examples=300)
def test_never_too_early_and_never_missed(steps: list[tuple[int, Place, Place]]) -> None:
    network = Network()
    for step in steps:
        network.do(*step)
        assert network.quiet or not network.census.stuck
    while network.under_way:
        network.do(1, A, A)
    for choice in (2, 4, 3, 4, 3, 4):
        for place in (A, B, C):
            network.do(choice, place, place)
    assert network.census.stuck

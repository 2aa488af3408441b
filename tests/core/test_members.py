"""Of the members that an await goes over, only those are evaluated that may decide it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from quorate.core.containers import ObservedList, ObservedSet
from quorate.core.members import FEW, Members
from quorate.core.views import Facts, Groups

MANY = range(3 * FEW)


class Asking:
    """`each(p in ps, has=test(p))`, or `some` where it is `ordered`, asked again and again."""

    def __init__(self, ps: Any, test: Callable[[Any], bool], *, ordered: bool = False) -> None:
        self.query = Members(ordered)
        self.process: Any = SimpleNamespace(members_={})
        self.ps, self.test, self.ordered = ps, test, ordered
        self.params: Callable[[], tuple[Any, ...]] = lambda: ()
        self.views: tuple[Any, ...] = ()

    def evaluated(self) -> list[Any]:
        """The members whose condition is evaluated when the query is asked."""
        seen: list[Any] = []

        def test(member: Any) -> bool:
            seen.append(member)
            return self.test(member)

        rows = self.query.awake(self.process, self.ps, self.params, self.views)
        (any if self.ordered else all)(test(p) for p in rows)
        return seen


def test_one_message_costs_one_evaluation_more() -> None:
    facts = Facts()
    asking = Asking(ObservedSet(MANY), lambda p: p in facts)
    assert asking.evaluated() == asking.evaluated() == [0]
    for p in MANY[:-1]:
        facts.add(p)
        assert asking.evaluated() == [p, p + 1]
    facts.add(MANY[-1])
    assert asking.evaluated() == [MANY[-1]]
    assert asking.evaluated() == []


def test_a_fact_that_nobody_waits_for_changes_nothing() -> None:
    facts = Facts()
    asking = Asking(ObservedSet(MANY), lambda p: p in facts)
    assert asking.evaluated() == [0]
    assert not facts.add(2)
    assert facts.add(0), "which decides"
    assert asking.evaluated() == [0, 1]
    assert not facts.add(0), "again"
    assert 3 not in facts, "asked by somebody who does not wait for it by name"
    assert facts.add(4)


def test_a_fact_read_for_a_member_that_cannot_be_watched_changes_answers() -> None:
    facts, odd = Facts(), Facts()
    asking = Asking(ObservedSet(MANY), lambda p: [p] in odd or p in facts)
    assert asking.evaluated() == [0]
    assert facts.add(0)
    assert odd.add(1), "which may be equal to a list"


def test_a_member_is_evaluated_again_when_a_view_has_changed_that_it_read() -> None:
    failed: Groups = Groups()
    asking = Asking(ObservedSet(MANY), lambda p: len(failed[p]) < 2)
    assert asking.evaluated() == [*MANY]
    failed.add(7, "a")
    failed.add(5, "a")
    failed.add(100, "a")
    assert asking.evaluated() == [5, 7]
    failed.add(5, "b")
    assert asking.evaluated() == [5]
    assert asking.evaluated() == [5], "which decides"


def test_all_are_evaluated_again_when_what_else_is_read_has_changed() -> None:
    members, other, equal = ObservedSet(MANY), ObservedList([1]), ObservedList([1, 2])
    asking = Asking(members, lambda p: True)
    asking.views, asking.params = (Facts(),), lambda: (5, equal)
    for change in (
        lambda: members.add(1000),
        lambda: members.discard(1000),
        lambda: setattr(asking, "params", lambda: (5, other)),
        lambda: setattr(asking, "params", lambda: (5.0, other)),
        lambda: other.append(2),
        lambda: setattr(asking, "params", lambda: (5.0, equal)),
        lambda: setattr(asking, "params", lambda: (5.0, other)),
        lambda: setattr(asking, "views", (Facts(),)),
        lambda: setattr(asking, "views", (Facts(),)),
        lambda: setattr(asking, "ps", ObservedSet(members)),
    ):
        assert asking.evaluated() == [*asking.ps]
        assert asking.evaluated() == []
        change()
    assert asking.evaluated() == [*asking.ps]


def test_nothing_is_remembered_where_it_cannot_be_or_does_not_pay() -> None:
    def unknown() -> tuple[Any, ...]:
        raise KeyError

    many = [*MANY]
    for ps, params in (
        (ObservedSet(many[:FEW]), lambda: ()),
        (set(many), lambda: ()),
        (tuple(many), lambda: ()),
        (ObservedList([[n] for n in many]), lambda: ()),
        (ObservedSet(many), lambda: ([],)),
        (ObservedSet(many), lambda: (ObservedList([[]]),)),
        (ObservedSet(many), unknown),
    ):
        asking = Asking(ps, lambda p: True)
        asking.params = params
        assert asking.evaluated() == asking.evaluated() == [*ps]
        assert asking.process.members_ == {}


def test_the_first_in_order_that_may_decide_comes_first() -> None:
    facts = Facts()
    texts = sorted(map(str, MANY))
    asking = Asking(ObservedSet(texts), lambda p: p in facts, ordered=True)
    assert asking.evaluated() == texts
    facts.add("9")
    facts.add("3")
    assert asking.evaluated() == ["3"]
    asking = Asking(ObservedList([3, 1, 2] * FEW), lambda p: p in facts, ordered=True)
    assert asking.evaluated() == [3, 1, 2] * FEW
    facts.add(2)
    assert asking.evaluated() == [2]


def watching(facts: Facts) -> int:
    return sum(map(len, facts.watchers.values()))


def test_what_is_no_longer_asked_is_watched_no_longer() -> None:
    facts = Facts()
    asking = Asking(ObservedSet(MANY), lambda p: (p, asking.params()) not in facts)
    asking.params = lambda: (1,)
    asking.evaluated()
    assert watching(facts) == len(MANY)
    asking.params = lambda: (2,)
    asking.evaluated()
    assert watching(facts) == len(MANY)
    assert len(asking.process.members_) == 1


def test_an_error_leaves_a_member_awake() -> None:
    facts, divisor = Facts(), [0]
    asking = Asking(ObservedSet(MANY), lambda p: p not in facts and 1 // (divisor[0] or p) >= 0)
    with pytest.raises(ZeroDivisionError):
        asking.evaluated()
    divisor[0] = 1
    assert asking.evaluated() == [*MANY]

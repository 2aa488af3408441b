"""A frozen process is a plain value, equal for equal states, and thawed it goes on unchanged."""

import collections
import dataclasses
import decimal
import enum
import functools
import itertools
import math
import operator
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.core import api as core_
from quorate.core.errors import ProgramError
from quorate.core.freeze import freeze
from quorate.core.thaw import thaw
from stage import PEER, Actor, Stage, waiting


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: Any
    y: Any


class Plain:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def method(self) -> str:
        return "method"


class Key:
    """Its hash needs its fields."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self.value == other.value

    def __hash__(self) -> int:
        return hash(self.value)


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a: Any) -> None:
        self.a = a


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: Any


class OwnList(list[Any]):
    pass


class OwnSet(set[Any]):
    pass


class Complaint(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} {two}")
        self.one = one


NOTHING = object()
TABLE = [lambda x: x + 1, lambda x: x * 2]


class P(core_.Process):
    def setup(self, **fields: Any) -> None:
        self.set_(**fields)

    def plain(self, x: int = 2) -> Any:
        return x + 1

    @core_.routine
    class waiting:
        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            return frame.await_(self, "test")

        def test(self, frame: Any) -> Any:
            return core_.WAIT


def process(**fields: Any) -> P:
    made = P(core_.ProcessId("P", (1,)), PEER, Stage())
    made.prepare_((), fields)
    return made


def again(made: P) -> Any:
    frozen = freeze(made)
    hash(frozen)
    thawed = thaw(frozen, made.world_)
    assert freeze(thawed) == frozen
    return thawed


def round_trip(value: Any) -> Any:
    return again(process(value=value)).value


EQUAL = [
    *(None, True, False, 0, 1, -1, 1.5, math.inf, 2 + 3j, "text", b"bytes", range(1, 9, 2), ...),
    *((), (1, (2, [3])), [1, [2]], {1, "a"}, frozenset({1, (2,)}), {"a": [1], 2: {}}),
    *(bytearray(b"ab"), collections.deque([1, 2], 5), collections.Counter("abca")),
    *(collections.OrderedDict([(2, 1), (1, 2)]), collections.defaultdict(list, {1: [2]})),
    *(Colour.RED, Permission.READ | Permission.WRITE, Point(1, [2]), Frozen((1, [2]))),
    *(decimal.Decimal("1.5"), Fraction(1, 3), re.compile("a+"), PEER, {Key(1): Key((2,))}),
    *({Key(1), Key("a")}, frozenset({Key(frozenset({Key(1)}))}), OwnList([1]), OwnSet({1, "a"})),
    *(int, Colour, Plain, P, dict, type(None), len, math.sqrt, operator, NOTHING, P.plain),
    *(type, TABLE, Plain.method, core_.random, core_.time, NotImplemented, slice(1, 2)),
]


@pytest.mark.parametrize("value", EQUAL, ids=lambda value: type(value).__name__)
def test_values_come_back_equal_and_of_their_type(value: Any) -> None:
    back = round_trip(value)
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("value", [NOTHING, Colour.RED, P, len, core_.random, TABLE])
def test_what_a_module_holds_stays_the_same_object(value: Any) -> None:
    assert round_trip(value) is value


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(max_size=2), inner, max_size=3)
        | st.builds(Plain, a=inner).map(lambda plain: [plain.a])
    ),
)


@given(VALUES)
def test_any_nest_of_containers_comes_back(value: Any) -> None:
    assert repr(round_trip(value)) == repr(value)


@given(st.sets(st.text(max_size=2) | st.integers() | st.frozensets(st.integers(), max_size=3)))
def test_sets_freeze_alike_however_they_were_made(value: set[Any]) -> None:
    other: set[Any] = set()
    for member in sorted(value, key=repr, reverse=True):
        other |= {member, 99}
    other = {*other, 99} if 99 in value else other - {99}
    assert freeze(process(value=value)) == freeze(process(value=other))


def test_kinds_of_numbers_are_told_apart() -> None:
    states = {freeze(process(value=value)) for value in (1, True, 1.0, -0.0, 0.0, 0, math.nan)}
    assert len(states) == 7


def test_the_order_in_which_fields_were_set_does_not_matter() -> None:
    assert freeze(process(a=1, b=[2])) == freeze(process(b=[2], a=1))


def test_the_order_of_a_dictionary_matters() -> None:
    assert freeze(process(d={1: 1, 2: 2})) != freeze(process(d={2: 2, 1: 1}))


def test_sharing_is_kept() -> None:
    shared: list[Any] = [1]
    plain = Plain(inner=shared)
    back = again(process(a=shared, b=(shared,), c=plain, d={1: plain}))
    assert back.a is back.b[0] is back.c.inner
    assert back.c is back.d[1]
    assert back.a is not shared
    assert freeze(process(a=shared, b=shared)) != freeze(process(a=[1], b=[1]))


def test_circles_are_kept() -> None:
    around: list[Any] = []
    around.append(around)
    plain = Plain(friends=around)
    plain.self = plain
    back = again(process(a=around, b=plain))
    assert back.a[0] is back.a is back.b.friends
    assert back.b.self is back.b


def test_instances_with_slots() -> None:
    back = round_trip(Slotted([1]))
    assert back.a == [1]
    assert not hasattr(back, "b")


def test_functions_nested_in_functions_share_their_cells() -> None:
    def make() -> tuple[Callable[[], int], Callable[[], int], Callable[[int], Any]]:
        count = 0

        def step(by: int = 2, *, more: int = 1) -> int:
            nonlocal count
            count += by + more
            return count

        def factorial(n: int) -> int:
            return n * factorial(n - 1) if n else 1

        return step, lambda: count, factorial

    made = process(value=make())
    made.value[0]()
    step, count, factorial = again(made).value
    assert (step(), step(1), count(), factorial(5)) == (6, 8, 8, 120)
    assert made.value[1]() == 3


def test_lambdas_of_one_line_are_told_apart() -> None:
    first, second = round_trip((lambda x: (x, 1), lambda x: (x, 2)))
    assert (first(0), second(0)) == ((0, 1), (0, 2))


def test_lambdas_of_module_level_containers_are_found_in_the_code_of_the_module() -> None:
    with pytest.raises(ProgramError, match="Q114"):
        freeze(process(value=list(TABLE)))
    module = ModuleType("quorate_test_lambdas")
    text = "table = {1: [lambda x: x + 1, lambda x: x * 2]}"
    code = compile(text, "lambdas.py", "exec")
    module.__dict__["_code_"] = code
    exec(code, module.__dict__)
    made = process(value=list(module.table[1]))
    modules = {module.__name__: module}
    back = thaw(freeze(made, modules), made.world_, modules)
    assert [function(5) for function in back.value] == [6, 10]


def test_bound_methods_of_the_process_are_its_own() -> None:
    back = again(process(value={}, call=None))
    made = process()
    made.call = made.plain
    back = again(made)
    assert back.call.__self__ is back
    assert back.call(3) == 4


def test_methods_of_values() -> None:
    items: list[int] = []
    back = again(process(items=items, put=items.append, plain=Plain().method))
    back.put(1)
    assert back.items == [1]
    assert back.plain() == "method"


def test_partial_and_operator() -> None:
    partial, getter = round_trip((functools.partial(int, base=2), operator.itemgetter(1)))
    assert (partial("10"), getter("ab")) == (2, "b")


def after_one(iterator: Any) -> Any:
    next(iterator)
    return iterator


@pytest.mark.parametrize(
    ("make", "rest"),
    [
        (lambda: iter([1, 2, 3]), [2, 3]),
        (lambda: iter((1, 2)), [2]),
        (lambda: iter("ab"), ["b"]),
        (lambda: iter(range(3)), [1, 2]),
        (lambda: iter({1: 2, 3: 4}), [3]),
        (lambda: iter({1: 2, 3: 4}.items()), [(3, 4)]),
        (lambda: iter({7}), []),
        (lambda: reversed([1, 2, 3]), [2, 1]),
        (lambda: enumerate("abc"), [(1, "b"), (2, "c")]),
        (lambda: zip([1, 2], "ab", strict=True), [(2, "b")]),
        (lambda: map(str, map(abs, [1, -2])), ["2"]),
        (lambda: filter(None, [1, 0, 2]), [2]),
        (lambda: itertools.chain([1], [2, 3]), [2, 3]),
    ],
)
def test_iterators_go_on_where_they_were(make: Callable[[], Any], rest: list[Any]) -> None:
    made = process(value=after_one(make()))
    assert list(again(made).value) == rest
    assert list(made.value) == rest


def test_an_iterator_shares_its_list() -> None:
    items = [1, 2]
    back = again(process(items=items, place=after_one(iter(items))))
    back.items.append(3)
    assert list(back.place) == [2, 3]


def test_views_of_dictionaries_follow_them() -> None:
    table = {1: "a"}
    back = again(process(table=table, keys=table.keys(), values=table.values()))
    back.table[2] = "b"
    assert (list(back.keys), list(back.values)) == ([1, 2], ["a", "b"])


@pytest.mark.parametrize(
    "error",
    [
        *(ValueError("a", 1), KeyError("k"), Complaint(1, 2), StopIteration(3), OSError(2, "no")),
        *(ProgramError("Q106", "m", "h"), SystemExit(3), UnicodeDecodeError("u", b"b", 0, 1, "r")),
        ExceptionGroup("g", [ValueError(1)]),
    ],
    ids=repr,
)
def test_exceptions(error: BaseException) -> None:
    error.__cause__ = TypeError("cause")
    back = round_trip(error)
    assert type(back) is type(error)
    assert (repr(back.args), str(back)) == (repr(error.args), str(error))
    assert vars(back) == vars(error)
    assert str(back.__cause__) == "cause"
    assert getattr(back, "code", None) == getattr(error, "code", None)


def test_random_numbers_go_on() -> None:
    made = process(own=core_.random.Random(3))
    made.random_.gauss(0, 1)
    back = again(made)
    assert [back.random_.gauss(0, 1) for _ in range(3)] == [
        made.random_.gauss(0, 1) for _ in range(3)
    ]
    assert back.own.random() == made.own.random()


def test_clocks_go_on() -> None:
    for kind in ("lamport", "vector"):
        made = P(core_.ProcessId("P", (1,)), PEER, Stage(config={"clock": kind}))
        made.clock_.tick()
        assert again(made).clock_.tick() == made.clock_.tick()


class Local:
    """Makes what cannot be frozen."""

    @staticmethod
    def instance() -> Any:
        class Inner:
            pass

        return Inner()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((x for x in [1]), "holds a generator"),
        (threading.Lock(), "holds a lock"),
        ([{1: (x for x in [1])}], "list"),
        (Local.instance(), "at the top level"),
    ],
    ids=["generator", "lock", "inside", "local class"],
)
def test_what_cannot_be_frozen_is_an_error_that_names_the_field(value: Any, text: str) -> None:
    with pytest.raises(ProgramError) as raised:
        freeze(process(good=1, faulty=value))
    assert raised.value.code == "Q114"
    assert "the field `faulty` of P-1 holds" in str(raised.value)
    assert text in str(raised.value)
    assert raised.value.help


# At every yield point.


class Walker(core_.Process):
    """Nested calls, a loop over an iterator, a handler that waits, deferred messages, timers."""

    def setup(self, n: int) -> None:
        self.n = n
        self.log: list[Any] = []

    @core_.routine
    class run:
        on_error = {"loop": "caught"}

        def call(self) -> Any:
            return {}

        def start(self, frame: Any) -> Any:
            frame.items = iter(range(self.n))
            frame.count = {"steps": 0}

            @core_.routine
            class step:
                def call(item: Any) -> Any:
                    return {"item": item}

                def start(self, inner: Any) -> Any:
                    frame.count["steps"] += 1
                    return inner.await_(self, "test", label="step", seconds=5.0)

                def test(self, inner: Any) -> Any:
                    if ("token", inner.item) in self.log:
                        return inner.leave_(self, "then")
                    if inner.expired_:
                        return inner.leave_(self, "late")
                    return core_.WAIT

                def then(self, inner: Any) -> Any:
                    self.output("step", inner.item, core_.random.random())
                    return inner.return_(inner.item)

                def late(self, inner: Any) -> Any:
                    raise TimeoutError(inner.item)

            frame.step = step
            return "loop"

        def loop(self, frame: Any) -> Any:
            for frame.item in frame.items:  # noqa: B020
                return frame.call_(frame.step, "after", frame.item)
            return "end"

        def after(self, frame: Any) -> Any:
            self.log.append(("done", frame.result_))
            return frame.pause_("between", "loop")

        def caught(self, frame: Any) -> Any:
            self.output("late", frame.error_.args[0])
            frame.error_ = None
            return "loop"

        def end(self, frame: Any) -> Any:
            self.output(frame.count, self.log, len(self.received_))
            return frame.return_()

    @core_.routine
    class receive_1:
        def call(self, message: Any, sender: Any, stamp: Any) -> Any:
            return {"message": message}

        def start(self, frame: Any) -> Any:
            if frame.message[0] == "slow":
                return frame.sleep_(self, 1.0, "then")
            return "then"

        def then(self, frame: Any) -> Any:
            self.log.append(frame.message)
            return frame.return_()

    def receive_2(self, message: Any, sender: Any, stamp: Any) -> Any:
        self.log.append(("between", message))

    own_handlers_ = (
        waiting(receive_1),
        core_.Handler("received", receive_2, frozenset({"between"})),
    )
    keeps_received_ = True


class FrozenActor(Actor):
    """Freezes and thaws before every step."""

    def step(self) -> None:
        self.refreeze()
        super().step()

    def fire(self, timer: int | None = None) -> Actor:
        self.refreeze()
        return super().fire(timer)

    def refreeze(self) -> None:
        frozen = freeze(self.process)
        self.process = thaw(frozen, self.stage)
        assert freeze(self.process) == frozen


def play(kind: type[Actor]) -> Actor:
    actor = kind(Walker, 4)
    actor.begin().give(("token", 0), stamp=3).give(("slow", 1)).give(("token", 1))
    actor.fire(3)  # the sleep of the handler
    actor.fire()  # item 2 is late
    return actor.put(("token", 2), ("token", 3)).run()


def test_frozen_at_every_yield_point_a_process_goes_on_as_if_nothing_had_happened() -> None:
    straight, frozen = play(Actor), play(FrozenActor)
    assert straight.code == 0
    assert frozen.shown == straight.shown
    assert [what for what in straight.shown if what[0] == "late"] == [("late", 2)]
    assert straight.shown[-1][0] == {"steps": 4}
    assert frozen.timers == straight.timers


EVENTS = st.sampled_from(
    [*((kind, n) for kind in ("token", "slow", "other") for n in range(3)), "fire", "run"]
)


def improvise(kind: type[Actor], handling: str, events: list[Any]) -> Actor:
    """Messages come, timers run out and the queue is worked off as the events say."""
    actor = kind(Walker, 3, config={"handling": handling, "clock": "lamport"})
    actor.begin()
    for event in events:
        if event == "run":
            actor.run()
        elif event != "fire":
            actor.put(event)
        elif actor.timers:
            actor.fire()
    return actor.run()


@given(st.sampled_from(["one", "all"]), st.lists(EVENTS, max_size=12))
def test_so_it_does_whatever_happens(handling: str, events: list[Any]) -> None:
    straight, frozen = (improvise(kind, handling, events) for kind in (Actor, FrozenActor))
    assert frozen.shown == straight.shown
    assert (frozen.code, frozen.timers) == (straight.code, straight.timers)
    assert straight.code == 0 or freeze(frozen.process) == freeze(straight.process)
    taken = [message for message, _, _ in straight.process.received_]
    put = [event for event in events if not isinstance(event, str)]
    assert taken == put[: len(taken)]


HERE = os.path.dirname(__file__)
CANONICAL = """
from quorate.core.freeze import freeze
import test_freeze as t
names = {"a", "b", "c", ("d", 1), frozenset({"e", "f"}), t.Colour.RED, t.Key("g"), None, 2.5}
print(freeze(t.process(names=names, own=t.OwnSet(names))))
"""


def test_a_frozen_state_is_the_same_in_every_run() -> None:
    texts = {
        subprocess.run(
            [sys.executable, "-c", CANONICAL],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([HERE, *sys.path])},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1

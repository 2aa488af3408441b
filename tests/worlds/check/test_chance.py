"""Random numbers as choices: all that can be drawn is, and nothing that cannot."""

import copy
import math
import operator
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiled import module
from exploring import outcomes
from quorate.core.ambient import here
from quorate.core.errors import ProgramError
from quorate.core.freeze import freeze
from quorate.core.thaw import thaw
from quorate.worlds.check.chance import Chance
from quorate.worlds.check.undecided import Undecided
from stage import Actor


def drawn(draw: Callable[[Chance], Any]) -> list[Any]:
    """What `draw` gives of a new generator in each outcome."""
    return outcomes(lambda: draw(Chance()))


# Of finitely many.


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda r: r.randrange(3), [0, 1, 2]),
        (lambda r: r.randrange(10, 20, 5), [10, 15]),
        (lambda r: r.randint(1, 3), [1, 2, 3]),
        (lambda r: r.choice("ab"), ["a", "b"]),
        (lambda r: r.getrandbits(2), [0, 1, 2, 3]),
        (lambda r: r.getrandbits(0), [0]),
        (lambda r: len(r.randbytes(1)), [1] * 256),
        (lambda r: r.choices("ab", k=2), [["a", "a"], ["a", "b"], ["b", "a"], ["b", "b"]]),
        (lambda r: r.choices("abc", weights=[1, 0, 2]), [["a"], ["c"]]),
        (lambda r: r.choices("abc", cum_weights=[0, 1, 1]), [["b"]]),
        (lambda r: r.sample([1, 2, 3], 2), [[1, 2], [1, 3], [2, 1], [2, 3], [3, 1], [3, 2]]),
        (lambda r: r.sample([1, 2], 2, counts=[1, 1]), [[1, 2], [2, 1]]),
        (lambda r: r.sample(range(9), 0), [[]]),
        (lambda r: r.binomialvariate(2, 0.5), [0, 1, 2]),
        (lambda r: r.binomialvariate(2, 1.0), [2]),
    ],
)
def test_each_of_finitely_many_is_an_outcome(
    draw: Callable[[Chance], Any], expected: list[Any]
) -> None:
    assert drawn(draw) == expected


def test_a_shuffle_comes_to_every_order() -> None:
    def shuffled(chance: Chance) -> list[int]:
        items = [1, 2, 3]
        chance.shuffle(items)
        return items

    found = drawn(shuffled)
    assert len(found) == 6 == len({tuple(each) for each in found})


@pytest.mark.parametrize(
    "draw",
    [
        lambda r: r.choice([]),
        lambda r: r.choices([1], weights=[0]),
        lambda r: r.choices([1], weights=[1, 2]),
        lambda r: r.sample([1], 2),
        lambda r: r.sample({1}, 1),
        lambda r: r.randrange(0),
        lambda r: r.getrandbits(-1),
    ],
)
def test_what_python_refuses_is_refused(draw: Callable[[Any], Any]) -> None:
    with pytest.raises((IndexError, ValueError, TypeError)) as theirs:
        draw(random.Random(0))
    with pytest.raises(theirs.type):
        draw(Chance())


@pytest.mark.parametrize(
    "draw",
    [
        lambda r: r.randrange(1001),
        lambda r: r.getrandbits(64),
        lambda r: int(r.random() * 1e6),
    ],
)
def test_too_many_outcomes(draw: Callable[[Chance], Any]) -> None:
    with pytest.raises(ProgramError, match="Q128"):
        draw(Chance())


def test_a_generator_has_one_state() -> None:
    chance = Chance(1)
    before = chance.getstate()
    chance.randrange(5)
    chance.seed(7)
    assert chance.getstate() == before == Chance(2).getstate()


# Of the real line.


@pytest.mark.parametrize(
    ("draw", "expected"),
    [
        (lambda r: r.random() < 0.5, [True, False]),
        (lambda r: r.random() >= 0.5, [False, True]),
        (lambda r: max(0.5, r.random()) != 0.5, [False, True]),
        (lambda r: r.random() < 1, [True]),
        (lambda r: r.random() <= 0.0, [False]),
        (lambda r: r.random() == 0.5, [False]),
        (lambda r: r.random() < r.uniform(math.nan, 1), [False]),
        (lambda r: bool(r.random()), [True]),
        (lambda r: r.uniform(1, 2) < 1.5, [True, False]),
        (lambda r: r.uniform(2, 1) < 1, [False]),
        (lambda r: r.uniform(3, 3) == 3, [True]),
        (lambda r: 1 - r.random() / -2 > 1.25, [False, True]),
        (lambda r: abs(r.random() - 0.5) < 0.25, [True, False, True, False]),
        (lambda r: int(r.random() * 3), [0, 1, 2]),
        (lambda r: int(-1.5 + 3 * r.random()), [0, -1, 0, 1]),
        (lambda r: math.floor(r.uniform(-1, 1)), [-1, 0]),
        (lambda r: math.ceil(r.uniform(0.5, 1.5)), [2, 1]),
        (lambda r: r.gauss(0, 1) < 5, [True, False]),
        (lambda r: r.expovariate(2) < 0, [False]),
        (lambda r: r.expovariate(2) < 9, [True, False]),
        (lambda r: r.triangular(1, 3) < 2, [True, False]),
        (lambda r: r.lognormvariate(0, 1) > 1, [False, True]),
        (lambda r: r.paretovariate(3) < 1, [False]),
        (lambda r: r.betavariate(1, 2) < 1, [True]),
        (lambda r: r.gammavariate(1, 2) < 1, [True, False]),
        (lambda r: r.weibullvariate(1, 2) < 1, [True, False]),
        (lambda r: r.vonmisesvariate(1, 2) < 0, [False]),
        (lambda r: r.normalvariate() < 0, [True, False]),
    ],
)
def test_both_sides_of_a_bound_are_outcomes(
    draw: Callable[[Chance], Any], expected: list[Any]
) -> None:
    assert drawn(draw) == expected


def test_the_interval_narrows() -> None:
    def asked(chance: Chance) -> tuple[bool, ...]:
        x = chance.random()
        y = 10 * x - 3
        return x < 0.5, x < 0.7, y < -1, y >= 2, not x >= 0.5

    assert drawn(asked) == [
        (True, True, True, False, True),
        (True, True, False, False, True),
        (False, True, False, True, False),
        (False, False, False, True, False),
    ]


QUESTIONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "int": lambda x, _: int(x),
    "floor": lambda x, _: math.floor(x),
}


@given(
    st.lists(st.tuples(st.sampled_from([*QUESTIONS, "+", "*"]), st.integers(-12, 12)), max_size=9),
    st.randoms(use_true_random=False),
)
def test_answers_are_those_of_one_number(asked: list[tuple[str, int]], answers: Any) -> None:
    x: Any = Chance().uniform(-2, 2)
    told: list[tuple[Any, str, float, Any]] = []
    here.choose = answers.randrange
    try:
        for what, fourths in asked:
            number = fourths / 4
            if what in QUESTIONS:
                told.append((x, what, number, QUESTIONS[what](x, number)))
            else:
                x = x + number if what == "+" else x * (number or -1)
    finally:
        here.choose = None
    again = [QUESTIONS[what](x, number) for x, what, number, _ in told]
    decided = [QUESTIONS[what](float(x), number) for x, what, number, _ in told]
    assert [answer for *_, answer in told] == again == decided


def test_what_needs_the_value_decides_it() -> None:
    x = Chance().random()
    y = x + 1
    assert (str(x), f"{y:.2f}", {x: 1}[0.5], y == 1.5, x == 0.5) == ("0.5", "1.50", 1, True, True)
    assert drawn(lambda r: math.sqrt(4 * r.random() * 2)) == [2.0]
    assert drawn(lambda r: r.random() ** 2) == [0.25]
    assert drawn(lambda r: 1 / r.random()) == [2.0]
    assert drawn(lambda r: round(r.random() * 3, 1)) == [1.5]
    assert drawn(lambda r: r.random() + r.random()) == [1.0]
    assert drawn(lambda r: 7 % r.random()) == [0.0]
    assert drawn(lambda r: r.expovariate(1) * 2 // 1) == [2.0]
    assert drawn(lambda r: r.random().is_integer()) == [False]


def test_it_passes_for_a_float() -> None:
    x = Chance().random()
    assert isinstance(x, float)
    assert type(copy.deepcopy([x])[0]) is float
    with pytest.raises(TypeError):
        assert x < "a"
    with pytest.raises(ZeroDivisionError):
        assert x / 0


# In programs.


def shown(body: str) -> list[Any]:
    """What a P whose run has this body shows in each outcome."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    made = module(f"import random\nclass P(process):\n    def run():\n{lines}")

    def run() -> list[Any]:
        actor = Actor(made.P)
        actor.process.random_ = Chance()
        return actor.begin().shown

    return outcomes(run)


def test_a_program_draws_by_the_functions_of_the_module() -> None:
    assert shown("output('low' if random.random() < 0.5 else 'high')") == [["low"], ["high"]]
    assert shown("output(random.choice(['a', 'b']), random.randint(1, 2))") == [
        [("a", 1)],
        [("a", 2)],
        [("b", 1)],
        [("b", 2)],
    ]


def test_a_time_limit_and_a_message_may_be_undecided() -> None:
    made = module(
        "import random\nclass P(process):\n    def run():\n        t = random.uniform(1, 2)\n"
        "        send(('t', t), to=self)\n        await(timeout(t))\n        self.t = t\n"
    )
    actor = Actor(made.P)
    actor.process.random_ = Chance()
    actor.begin()
    assert actor.timers == {1: 1.5}
    assert actor.sent[0][0] == ("t", 1.5)
    assert type(actor.sent[0][0][1]) is float


def test_a_frozen_process_has_a_plain_number() -> None:
    made = module(
        "import random\nclass P(process):\n    def setup(x): pass\n    def run():\n"
        "        if x: self.x = random.random()\n        -- here\n        await(False)\n"
    )
    actor = Actor(made.P, True)
    actor.process.random_ = Chance()
    actor.begin()
    assert type(actor.process.x) is Undecided
    again = thaw(freeze(actor.process), actor.stage)
    assert (type(again.x), again.x, type(again.random_)) == (float, 0.5, Chance)
    assert freeze(again) == freeze(actor.process)

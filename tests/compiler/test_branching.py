"""Programs that ask where the language allows several outcomes, and all that they can do."""

import sys
from pathlib import Path
from typing import Any

import pytest

from cases import Case, check, each_case
from compiled import module, python_text
from exploring import outcomes, scripts
from programs.compare import differs, report
from programs.generator import generate
from quorate.compiler.loader import load
from quorate.core.ambient import here
from stage import Actor


@each_case("branching")
def test_text(case: Case) -> None:
    check(case, python_text(case.source, branching=True))


def shown(body: str, *messages: Any, fire: bool = False, args: tuple[Any, ...] = ()) -> Any:
    """What a P with this text shows under each sequence of answers, and then under none.

    The messages are there when it first tests an await; with `fire`, its timer runs out as well.
    """
    made = module(f"class P(process):\n{body}", branching=True)

    def run() -> list[Any]:
        actor = Actor(made.P, *args).put(*messages)
        actor.process.begin_()
        actor._carry_out()
        if fire:
            actor.process.fire_(1)
        return actor.run().shown

    return outcomes(run), run()


BRANCHES = """
    def setup(): pass
    def run():
        if await(received(('a',))): output('a')
        elif received(('b',)): output('b')
        elif received(('c',)): output('c')
"""


def test_any_true_branch_is_taken() -> None:
    assert shown(BRANCHES, ("c",), ("a",), ("b",)) == ([["a"], ["b"], ["c"]], ["a"])
    assert shown(BRANCHES, ("c",), ("a",)) == ([["a"], ["c"]], ["a"])
    assert shown(BRANCHES, ("b",)) == ([["b"]], ["b"])
    assert shown(BRANCHES) == ([[]], [])


def test_the_last_branch_is_not_asked_for() -> None:
    made = module(f"class P(process):\n{BRANCHES}", branching=True)
    run = scripts(lambda: Actor(made.P).begin().give(("c",)).shown)
    assert run == [([], ["c"])]


ELSE = BRANCHES + "        else: output('none')\n"


def test_else_is_for_where_no_branch_is_true() -> None:
    assert shown(ELSE, ("a",), ("b",)) == ([["a"], ["b"]], ["a"])
    assert shown(ELSE) == ([["none"]], ["none"])


LIMITED = """
    def setup(): pass
    def run():
        if await(received(('a',))): output('a')
        elif timeout(3): output('late')
        elif received(('b',)): output('b')
"""


def test_a_time_limit_is_a_branch_like_any_other() -> None:
    everything = [["a"], ["late"], ["b"]]
    assert shown(LIMITED, ("a",), ("b",), fire=True) == (everything, ["a"])
    assert shown(LIMITED, ("a",), ("b",)) == ([["a"], ["b"]], ["a"])
    assert shown(LIMITED, fire=True) == ([["late"]], ["late"])


def test_a_loop_asks_each_time() -> None:
    body = """
    def setup(): pass
    def run():
        seen = []
        while await(some(received(('a', n)), has=n not in seen)): seen.append(n)
        elif some(received(('end', n))): break
        output(seen, n)
    """
    found, first = shown(body, ("a", 1), ("a", 2), ("end", 9))
    assert sorted(found) == [
        [([], 9)],
        [([1], 9)],
        [([1, 2], 9)],
        [([2], 9)],
        [([2, 1], 9)],
    ]
    assert first == [([1, 2], 9)]


def test_a_branch_passed_over_leaves_no_witness() -> None:
    body = """
    def setup(): self.f = 'f'
    def run():
        n = 'n'
        if await(some(received(('a', n, f)))): output('a', n, f)
        elif received(('b',)): output('b', n, f)
    """
    messages = [("a", 1, 2), ("a", 3, 4), ("b",)]
    passed = ("b", "n", "f")
    found, _ = shown(body, *messages)
    assert sorted(found) == [[("a", 1, 2)], [("a", 3, 4)], [passed]]


def test_each_witness_is_left() -> None:
    body = """
    def setup(xs): self.w = 0
    def run():
        if some(x in xs, y in xs, has=x < y): output(x, y)
        if some(w in xs, has=w > 2): output(self.w)
        if some(w in xs, has=w > 9): output('never')
        if not some(z in xs, has=z > 1): output('never')
        output(z)
    """
    found, first = shown(body, args=([1, 2, 3, 2],))
    pairs = [(1, 2), (1, 3), (2, 3)]
    assert found == [[pair, 3, z] for pair in pairs for z in (2, 3)]
    assert first == [(1, 2), 3, 2]


@pytest.mark.parametrize(
    "condition",
    [
        "some(received(('a', n)), has=n > 1)",  # where views keep the best alone
        "some(received(('a', n)), received(('b', n)), has=n > 1)",  # a join
        "some(received(('a', n)), has=not received(('c', n)) and n > 1)",  # rows that may sleep
        "some(n in ns, has=received(('a', n)) and n > 1)",  # members that may sleep
        "some(received(('a', n)), has=n > 1 and n == n)",
    ],
)
def test_witnesses_that_views_need_not_keep(condition: str) -> None:
    body = f"""
    def setup(): self.ns = set(range(40))
    def run():
        await({condition})
        output(n)
        await({condition})
        output(n)
    """
    messages = [(tag, n) for n in (3, 2, 1) for tag in "ab"]
    found, first = shown(body, *messages)
    assert sorted(found) == [[2, 2], [2, 3], [3, 2], [3, 3]]
    assert first in found


def test_a_witness_that_makes_the_rest_false_is_one() -> None:
    body = """
    def setup(xs): pass
    def run():
        await(some(x in xs) and x > 1)
        output(x)
    """
    assert shown(body, args=((1, 2, 3),)) == ([[], [2], [3]], [])


def test_witnesses_that_cannot_be_hashed_are_all_asked_for() -> None:
    body = """
    def setup(xs): pass
    def run():
        if some(x in xs): output(x)
    """
    assert shown(body, args=([[1], [2]],))[0] == [[[1]], [[2]]]


def test_nothing_catches_a_run_that_is_given_up() -> None:
    body = """
    def setup(): pass
    def run():
        try:
            inner()
        except:
            output('caught')
        finally:
            output('left')
    def inner():
        try:
            if await(received(('a',))): output('a')
            elif received(('b',)): output('b')
        except BaseException:
            output('caught inside')
    """
    assert shown(body, ("a",)) == ([["a", "left"]], ["a", "left"])


@pytest.mark.parametrize("seed", range(12))
def test_where_nobody_answers_random_programs_do_what_they_do(seed: int) -> None:
    text = generate(seed)
    found = differs(text, branching=True)
    assert found is None, report(text, *found)


def test_files_are_kept_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    path = tmp_path / "choosing.da"
    path.write_text(
        "class P(process):\n    def run():\n        if some(x in (1, 2)): output(x)\n"
        "def main(): pass\n"
    )
    for branching in (False, True, False, True):
        made = load(str(path), branching=branching)
        found = outcomes(lambda made=made: Actor(made.P).begin().shown)
        assert found == ([[1], [2]] if branching else [[1]])
    assert len(list((tmp_path / "__pycache__").iterdir())) == 2
    assert here.choose is None

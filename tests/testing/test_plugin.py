"""The plugin of pytest, in runs of pytest of its own."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from quorate.compiler.loader import load
from quorate.testing.stories import LINES_MAX, story_text
from quorate.worlds.sim.seeds import Plan

LATE = """
class Peer(process):
    def setup(other): pass
    def run():
        invoke('read')
        send(('hello',), to=parent())
        returned()

def main():
    ps = new(Peer, num=2)
    for p in ps:
        setup(p, (ps - {p},))
    start(ps)
    await(some(received(('hello',), from_=p)))
    output(p)
    assert p == min(ps), 'the second was first'
    await(each(p in ps, has=received(('hello',), from_=p)))
"""
PROPERTY = "\n@always\ndef fine():\n    return True\n"


@pytest.fixture
def files(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider\n")
    (pytester.path / "late.da").write_text(LATE)
    return pytester


def test_simulate_fails_with_the_command_that_repeats_the_failure(files: pytest.Pytester) -> None:
    files.makepyfile(
        """
        def test_all(simulate):
            simulate("late.da", seeds=50, faults={"pause": "Peer:1,for=1s"}, until=60)
        """
    )
    done = files.runpytest("-q")
    done.assert_outcomes(failed=1)
    command = next(line for line in done.outlines if line.startswith("to repeat it: "))
    assert "the second was first" in done.stdout.str()
    words = command.removeprefix("to repeat it: ").split()
    again = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert again.returncode == 1
    assert "the second was first" in again.stderr


def test_a_failure_shows_the_story_of_a_shorter_run(files: pytest.Pytester) -> None:
    files.makepyfile("def test_all(simulate):\n    simulate('late.da', seeds=50, until=60)\n")
    told = files.runpytest("-q").outlines
    story = told[told.index(next(line for line in told if line.startswith("late.da, seed "))) :]
    length = next(n for n, line in enumerate(story) if line.startswith("to repeat it: "))
    assert 10 < length <= 62
    assert any("early by chance" in line or "late by chance" in line for line in story)
    assert sum("✗" in line for line in story[:length]) == 2
    silent = files.runpytest("-q", "-o", "quorate_story=false").outlines
    assert not any("✗" in line for line in silent)
    assert any(line.startswith("to repeat it: ") for line in silent)


LONG = """
class P(process):
    def setup(to): self.n = 0
    def run():
        for i in range(300):
            send(('add', i), to=to)
            if await(False): pass
            elif timeout(0.01): pass
    def receive(msg=('add', i)): n += i
def main():
    ps = new(P, num=3)
    for p in ps: setup(p, (ps - {p},))
    start(ps)
@always
def few(): return each(p in P, has=p.n < 40000)
"""


def test_a_story_takes_no_longer_and_is_no_longer_than_is_said(files: pytest.Pytester) -> None:
    path = files.path / "long.da"
    path.write_text(LONG)
    plan = Plan(str(path))
    module = load(str(path), properties=True)
    begun = time.monotonic()
    text = story_text(plan, module, 0, seconds_max=0.5)
    assert time.monotonic() - begun < 10
    assert text.count("\n") < LINES_MAX
    assert "few does not hold" in text


def test_what_does_not_fail_has_no_story(files: pytest.Pytester) -> None:
    path = files.path / "fine.da"
    path.write_text(LONG.replace("40000", "10 ** 9"))
    assert story_text(Plan(str(path)), load(str(path), properties=True), 0) == ""


def test_simulate_answers_what_came_of_each_seed(files: pytest.Pytester) -> None:
    (files.path / "late.da").write_text(LATE.replace("p == min(ps)", "True"))
    files.makepyfile(
        """
        def test_all(simulate):
            results = simulate("late.da", seeds=range(5, 25))
            assert [each.seed for each in results] == [*range(5, 25)]
            assert {each.outputs[0].text for each in results} == {"Peer-1", "Peer-2"}
        """
    )
    files.runpytest("-q").assert_outcomes(passed=1)


def test_the_function_leaves_the_failure_to_the_caller(files: pytest.Pytester) -> None:
    files.makepyfile(
        """
        from quorate.testing import search
        def test_some():
            *held, last = search("late.da", seeds=50)
            assert last.failed and not any(each.failed for each in held)
        """
    )
    files.runpytest("-q").assert_outcomes(passed=1)


def test_a_cluster_is_closed_with_its_test(files: pytest.Pytester) -> None:
    files.makepyfile(
        """
        import sys
        before = sys.argv
        def test_one(cluster):
            first = cluster("late.da")
            second = cluster("late.da", "argument")
            second.deliver("Peer-1>main")
            assert second.outputs == [("main", "Peer-1")]
        def test_two():
            assert sys.argv is before
        """
    )
    files.runpytest("-q").assert_outcomes(passed=2)


def test_a_transcript_is_a_test_that_can_be_rewritten(files: pytest.Pytester) -> None:
    path = files.path / "late.transcript"
    path.write_text("> start late.da\n> deliver Peer-1>main\n  nothing\n")
    done = files.runpytest("-q")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["late.transcript", "-  nothing", "+  main prints Peer-1"])
    files.runpytest("-q", "--quorate-update").assert_outcomes(passed=1)
    assert "  main prints Peer-1\n" in path.read_text()
    files.runpytest("-q").assert_outcomes(passed=1)


def test_a_transcript_that_cannot_be_played_is_left_alone(files: pytest.Pytester) -> None:
    path = files.path / "late.transcript"
    path.write_text("> begin late.da\n")
    done = files.runpytest("-q", "--quorate-update")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*late.transcript:1: nothing has been started"])
    assert path.read_text() == "> begin late.da\n"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("@always\ndef f(): return each(p in Peer, has=p.other is not None)", None),
        (
            "@always\ndef f(): return each(p in Peer, has=not p.sent(('hello',)))",
            "error[[]Q120[]]*",
        ),
        ("@sometimes\ndef f(): return some(p in Peer, has=p.other is None)", "error[[]Q121[]]*"),
        ("linearizable('register')", None),
        ("@sequential\nclass Never:\n    def read(self): return 1", "error[[]Q125[]]*"),
    ],
)
def test_a_program_with_properties_is_a_test(
    said: str, told: str | None, files: pytest.Pytester
) -> None:
    text = LATE.replace("p == min(ps)", "True")
    (files.path / "with.da").write_text(f"{text}\n{said}\n")
    done = files.runpytest("-q", "--quorate-seeds", "5")
    done.assert_outcomes(passed=told is None, failed=told is not None)
    if told is not None:
        done.stdout.fnmatch_lines([told])


def test_programs_with_properties_are_collected_by_pattern(files: pytest.Pytester) -> None:
    (files.path / "with.da").write_text(LATE + PROPERTY)
    (files.path / "parts.da").write_text(LATE.partition("def main")[0] + PROPERTY)
    done = files.runpytest("-q", "--collect-only")
    done.stdout.fnmatch_lines(["with.da::seeds"])
    assert "late.da" not in done.stdout.str() and "parts.da" not in done.stdout.str()
    files.makeini("[pytest]\nquorate_files = check_*.da\n")
    assert "with.da" not in files.runpytest("-q", "--collect-only").stdout.str()


def test_the_plugin_loads_nothing_of_quorate_by_itself(tmp_path: Path) -> None:
    code = "import sys, quorate.testing.plugin; print('quorate.compiler' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"


CHECKS = """
import pytest
from quorate.testing import Violated, check as look

def test_the_fixture(check):
    assert check("late.da") > 0

def test_the_function():
    with pytest.raises(Violated, match="It takes [0-9]+ steps:"):
        look("late.da")
"""


def test_all_that_a_program_may_do(files: pytest.Pytester) -> None:
    """The second may be first: a seed is lucky or not, a check finds it."""
    files.makepyfile(test_it=CHECKS)
    result = files.runpytest_subprocess("-q", "-n", "0", "test_it.py")
    result.assert_outcomes(passed=1, failed=1)
    text = result.stdout.str()
    assert "AssertionError: the second was first" in text
    assert "It takes " in text
    assert "checking.py" not in text


BRANCHES = """
class P(process):
    def setup():
        self.way = 0
    def run():
        send(('a',), to=self)
        send(('b',), to=self)
        await(received(('a',)) and received(('b',)))
        if await(received(('a',))): way = 1
        elif received(('b',)): way = 2
        assert way == 1
"""


def test_all_that_a_program_of_several_modules_may_do_after_it_was_simulated(
    files: pytest.Pytester,
) -> None:
    """What a simulated run has compiled tries no other branch: it is compiled anew."""
    (files.path / "parts.da").write_text(BRANCHES)
    (files.path / "whole.da").write_text("from parts import P\ndef main(): start(new(P, ()))\n")
    files.makepyfile(
        """
        import pytest
        from quorate.testing import Violated, check, search
        def test_it():
            assert not search("whole.da", seeds=1)[-1].failed
            with pytest.raises(Violated):
                check("whole.da")
        """
    )
    files.runpytest("-q").assert_outcomes(passed=1)

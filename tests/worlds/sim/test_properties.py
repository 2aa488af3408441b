"""Properties in simulated runs: what holds after each step, sometimes, in the end, and in time."""

from pathlib import Path
from typing import Any

import pytest

from quorate.compiler.loader import load, load_anew
from quorate.core.errors import ProgramError, PropertyFailed
from quorate.worlds.base.reports import told as told_of
from quorate.worlds.sim import simulate
from quorate.worlds.sim.run import load_for
from worlds.sim.conftest import Story, Tell

PROGRAM = """
import time
class P(process):
    def setup(others, waits):
        self.value = None
        self.busy = False
    def run():
        await(some(received(('go', v))))
        value = v
        busy = True
        time.sleep(waits)
        busy = False
        send(('done', v), to=parent())
def main():
    ps = sorted(new(P, num=2))
    for p in ps: setup(p, ([q for q in ps if q != p], 0.5))
    start(ps)
    send(('go', 1), to=ps[0])
    time.sleep(1)
    send(('go', 2), to=ps[1])
    await(each(p in ps, has=received(('done', _), from_=p)))
"""


def told(tell: Tell, property: str, kind: str = "always", **options: Any) -> Story:
    return tell(f"{PROGRAM}\n@{kind}\ndef holds(): return {property}\n", **options)


@pytest.mark.parametrize(
    "property",
    [
        "each(p in P, q in P, has=p == q or not (p.busy and q.busy))",
        "not some(p in P, p.received(('go', v)), has=v > 2)",
        "each(p in P, has=p.value in (None, 1, 2))",
        "each(p in P, p.sent(('done', v)), has=p.value == v and not p.busy)",
        "countof(p, p in P, p.busy) < 2",
        "each(p in P, p.sent(('done', v), to=m), has=not some(q in P, has=q == m))",
    ],
)
def test_what_always_holds(tell: Tell, property: str) -> None:
    assert told(tell, property).run.error is None
    error = told(tell, f"not ({property})").run.error
    assert isinstance(error, PropertyFailed)


def test_a_failure_tells_when_who_and_why(tell: Tell) -> None:
    story = told(tell, "each(p in P, q in P, has=None in (p.value, q.value) or p.value == q.value)")
    run = story.run
    assert (run.status, run.end, repr(run.failed)) == (1, "failed", "P-2")
    text = str(run.error).splitlines()
    assert text[0].startswith("error[Q120]: `holds` does not hold at 1.00")
    assert text[0].endswith(f", after step {run.steps}, which P-2 took")
    assert text[1].endswith('told.da", line 24, in holds')
    assert text[2].startswith("    def holds(): return each(p in P, q in P,")
    assert text[3:] == ["  p = P-2", "  p.value = 2", "  q = P-1", "  q.value = 1"]


def test_a_process_that_has_ended_counts_as_it_was(tell: Tell) -> None:
    """P-1 has long ended when P-2 takes the other value: the failure above says so too."""
    story = told(tell, "each(p in P, q in P, has=p.value != 1 or q.value != 2)")
    ended = [each.time for each in story.of("end") if repr(each.process) == "P-1"]
    assert story.run.error is not None
    assert ended[0] < story.run.time


def test_one_that_crashed_counts_as_it_was_until_it_begins_anew(tell: Tell) -> None:
    crash = "at 600ms crash P-1"
    assert (
        told(
            tell,
            "some(p in P, has=p.value == 1) or some(p in P, has=p.value is None)",
            scenario=crash,
        ).run.error
        is None
    )
    seen = "not some(p in P, q in P, has=p.value == 1 and q.value == 2)"
    assert told(tell, seen, scenario="at 200ms crash P-1", until=3.0).run.error is not None
    again = "at 200ms crash P-1 for 100ms"
    assert told(tell, seen, scenario=again, until=3.0).run.error is None


def test_sometimes(tell: Tell) -> None:
    for value, held in ((2, True), (3, False)):
        run = told(tell, f"some(p in P, has=p.value == {value})", "sometimes").run
        assert [*run.reached.values()] == [held]
        assert run.error is None


NOT_INDEXED = "'NoneType' object is not subscriptable"
DONE = "each(p in P, has=p.sent(('done', _)))"


@pytest.mark.parametrize(
    ("kind", "property", "when"),
    [
        ("eventually", DONE, None),
        ("eventually(within=2)", DONE, None),
        ("eventually(within=1.2)", DONE, "1.200000"),
        ("eventually", "each(p in P, has=p.value == 1)", "1.5"),
        ("eventually(within=1.2)", "each(p in P, has=p.busy)", "1.200000"),
        ("leads_to", "setof(p, p in P, p.busy), setof(p, p in P, p.sent(('done', _)))", None),
        ("leads_to(within=0.6)", "setof(p, p in P, p.busy), setof(p, p in P, not p.busy)", None),
        ("leads_to(within=0.4)", "setof(p, p in P, p.busy), setof(p, p in P, not p.busy)", "0.4"),
        ("leads_to", "setof(p, p in P, p.value == 2), setof(p, p in P, p.value == 1)", "1.5"),
    ],
)
def test_what_is_to_come(tell: Tell, kind: str, property: str, when: str | None) -> None:
    error = told(tell, property, kind).run.error
    if when is None:
        assert error is None
    else:
        assert isinstance(error, PropertyFailed)
        assert error.code == "Q122"
        assert f" at {when}" in str(error).splitlines()[0]


def test_time_is_counted_from_the_end_of_faults(tell: Tell) -> None:
    late = told(tell, DONE, "eventually(within=1.2)", faults_until=0.5, loss=0.0)
    assert late.run.error is None
    error = told(tell, DONE, "eventually(within=0.5)", faults_until=0.5, loss=0.0).run.error
    assert str(error).startswith("error[Q122]: `holds` does not hold at 1.000000 s")


def test_at_the_end_of_its_time_a_run_has_not_failed_by_what_was_to_come(tell: Tell) -> None:
    assert told(tell, DONE, "eventually", until=1.2).run.error is None
    assert told(tell, DONE, "eventually(within=1.1)", until=1.2).run.error is not None
    assert told(tell, DONE, "eventually(within=1.3)", until=1.2).run.error is None


def test_a_property_that_cannot_be_evaluated_is_a_failure_in_its_line(tell: Tell) -> None:
    run = told(tell, "each(p in P, has=1 / (p.value or 1) > 0 and\n p.value[0])").run
    error = run.error
    assert isinstance(error, PropertyFailed)
    head, *trace = str(error).splitlines()
    assert head.startswith("error[Q127]: `holds` cannot be answered at 0.0")
    assert head.endswith(f"after step {run.steps}, which P-1 took: TypeError: {NOT_INDEXED}")
    assert [line.partition(", ")[2] for line in trace if "File" in line] == ["line 25, in holds"]
    assert "    p.value[0])" in trace


@pytest.mark.parametrize(
    ("kind", "property"),
    [
        ("eventually", "each(p in P, has=p.value[0])"),
        ("leads_to", "(setof(p, p in P), setof(p, p in P, p.value[0]))"),
        ("sometimes", "some(p in P, has=p.value[0])"),
        ("always", "each(p in P, has=broken(p))"),
    ],
)
def test_whatever_its_kind_it_is_named_where_it_cannot_be_answered(
    tell: Tell, kind: str, property: str
) -> None:
    helper = "def broken(p): return [][0]\n"
    text = f"{PROGRAM}\n{helper}@{kind}\ndef holds(): return {property}\n"
    error = tell(text).run.error
    assert isinstance(error, PropertyFailed)
    assert str(error).startswith("error[Q127]: `holds` cannot be answered at ")
    assert ", in holds\n" in str(error)


@pytest.mark.parametrize("seed", range(3))
def test_a_program_does_the_same_with_its_properties(tmp_path: Path, seed: int) -> None:
    texts = (PROGRAM, f"{PROGRAM}\n@always\ndef holds(): return {DONE} or True\n")
    runs = []
    for number, text in enumerate(texts):
        path = tmp_path / f"program{number}.da"
        path.write_text(text)
        run = simulate(path, seed=seed)
        again = simulate(path, seed=seed, refreeze=True)
        assert (run.status, run.time, run.steps) == (again.status, again.time, again.steps)
        runs.append((run.status, run.time, run.steps, run.messages, run.outputs))
    assert runs[0] == runs[1]


def test_a_failure_is_the_same_where_processes_are_frozen_at_every_step(tmp_path: Path) -> None:
    path = tmp_path / "program.da"
    broken = "each(p in P, p.received(('go', v)), q in P, q.received(('go', w)), has=v == w)"
    path.write_text(f"{PROGRAM}\n@always\ndef holds(): return {broken}\n")
    one, other = (simulate(path, refreeze=refreeze).error for refreeze in (False, True))
    assert isinstance(one, PropertyFailed)
    assert str(one).splitlines()[0] == str(other).splitlines()[0]


@pytest.mark.parametrize(
    "imports",
    [
        "import of_it",
        "from of_it import *",
        "from of_it import P as Q",
        "import folder_of_it.inner",
        "from folder_of_it import inner",
        "import python_of_it",
    ],
)
def test_properties_of_all_imported_modules_count(tmp_path: Path, imports: str) -> None:
    body, main = PROGRAM.split("def main")
    says = "from parts_of_it import P\n@always\ndef f(): return each(p in P, has=not p.busy)\n"
    files = {
        "parts_of_it.da": body,
        "of_it.da": says,
        "folder_of_it/inner.da": says,
        "python_of_it.py": "import of_it",
        "whole.da": f"import time\n{imports}\nfrom parts_of_it import P\ndef main{main}",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    module = load_for(tmp_path / "whole.da", views=True)
    for each in (module, load_anew(module)):
        assert isinstance(simulate(each).error, PropertyFailed)


def test_properties_that_come_too_late_are_refused(tmp_path: Path) -> None:
    (tmp_path / "late_of_it.da").write_text("@always\ndef f(): return True\n")
    (tmp_path / "whole.da").write_text("def main():\n    import late_of_it\n")
    error = simulate(tmp_path / "whole.da").error
    assert isinstance(error, ProgramError) and error.code == "Q135"
    assert told_of(error)[1].count("File ") == 1  # nothing of how Python imports
    assert simulate(load(str(tmp_path / "whole.da"))).error is None  # where none are looked at

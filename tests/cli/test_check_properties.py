"""`quorate run --check-properties`: properties in the real world, in one worker."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.conftest import Outcome, Run
from examples.headers import EXAMPLES

SHOP = """\
class Shop(process):
    def setup(stock): pass
    def receive(msg=('buy', n)):
        stock -= n
        output('sold', n)
@{kind}
def right(): return {property}
def main():
    shop = new(Shop, (2,), daemon=True)
    start(shop)
    send(('buy', 1), to=shop)
    send(('buy', 2), to=shop)
    await(timeout({seconds}))
"""


def shop(kind: str, property: str, seconds: float = 0.1) -> str:
    return SHOP.format(kind=kind, property=property, seconds=seconds)


NEGATIVE = shop("always", "each(s in Shop, has=s.stock >= 0)", 60)
CHECK = "--check-properties"


@pytest.mark.parametrize("more", [(), ("--workers", "1"), ("--no-views",), ("--stats",)])
def test_what_does_not_hold_ends_the_run(run: Run, more: tuple[str, ...]) -> None:
    ended = run(NEGATIVE, CHECK, *more, "program.da")
    assert ended.status == 1
    assert ended.texts[-2:] == ["Shop-1: sold 1", "Shop-1: sold 2"]
    head, *lines = ended.err.splitlines()
    assert head.startswith("error[Q120]: `right` does not hold at 0.")
    assert head.endswith(", which Shop-1 took")
    assert lines[:4] == [
        '  File "program.da", line 7, in right',
        "    def right(): return each(s in Shop, has=s.stock >= 0)",
        "  s = Shop-1",
        "  s.stock = -1",
    ]


def test_nobody_looks_unless_asked(run: Run) -> None:
    ended = run(shop("always", "each(s in Shop, has=s.stock >= 0)"), "-q", "program.da")
    assert (ended.status, ended.err) == (0, "")


@pytest.mark.parametrize(
    ("kind", "property", "code"),
    [
        ("eventually", "each(s in Shop, has=s.stock == 0)", "Q122"),
        ("leads_to", "setof(s, s in Shop, s.stock < 0), setof(s, s in Shop, s.stock == 0)", "Q122"),
        ("always", "each(s in Shop, has=s.stock / (s.stock - 1))", "Q127"),
    ],
)
def test_errors_are_those_of_the_simulated_world(
    run: Run, kind: str, property: str, code: str
) -> None:
    ended = run(shop(kind, property), CHECK, "program.da")
    assert ended.status == 1
    assert ended.err.startswith(f"error[{code}]: `right` ")
    assert 'File "program.da", line 7, in right' in ended.err


@pytest.mark.parametrize(
    ("kind", "property"),
    [
        ("eventually(within=0.05)", "each(s in Shop, has=s.stock == 0)"),
        (
            "leads_to(within=0.05)",
            "setof(s, s in Shop, s.stock < 0), setof(s, s in Shop, s.stock == 0)",
        ),
    ],
)
def test_a_bound_counts_while_nothing_happens(run: Run, kind: str, property: str) -> None:
    ended = run(shop(kind, property, 60), CHECK, "program.da")
    assert ended.status == 1
    assert ended.err.startswith("error[Q122]: `right` ")


def test_what_was_not_reached_is_no_failure(run: Run) -> None:
    note = "quorate: note: `right` did not hold in this run\n"
    text = shop("sometimes", "some(s in Shop, has=s.stock == {})")
    for value, notes in ((0, 1), (-1, 0)):
        ended = run(text.format(value), CHECK, "program.da")
        assert (ended.status, ended.err.count(note)) == (0, notes)
    assert run(text.format(0), CHECK, "-q", "program.da").err == ""


def test_a_program_without_properties_is_told_so(run: Run) -> None:
    text = shop("always", "True").replace("@always\ndef right(): return True\n", "")
    ended = run(text, CHECK, "program.da")
    assert ended.status == 0
    assert "note: the program says nothing by @always" in ended.err


@pytest.mark.parametrize("more", [("--workers", "2"), ("--isolate",)])
def test_it_needs_one_worker(run: Run, more: tuple[str, ...]) -> None:
    ended = run(NEGATIVE, CHECK, *more, "program.da")
    assert (ended.status, ended.out) == (2, [])
    assert f"leave {' '.join(more)} out" in ended.err


def test_a_step_that_fails_is_what_is_told(run: Run) -> None:
    ended = run(NEGATIVE.replace("output(", "assert stock >= 0; output("), CHECK, "program.da")
    assert ended.status == 1
    assert ended.err.startswith("error[Q100]: Shop-1 failed: AssertionError")
    assert "Q120" not in ended.err


def test_the_log_has_it(run: Run, tmp_path: Path) -> None:
    run(NEGATIVE, CHECK, "--log", "log", "--log-format", "json", "program.da")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert any(line["text"].startswith("error[Q120]: `right`") for line in lines)


@pytest.mark.parametrize("name", ["lamport_mutex", "reliable_broadcast"])
def test_examples_keep_their_properties(run: Run, name: str) -> None:
    text = (EXAMPLES / f"{name}.da").read_text(encoding="utf-8")
    ended = run(text, CHECK, "-q", "program.da")
    assert (ended.status, ended.err) == (0, "")


STANDS = """\
class P(process):
    def setup():
        self.asks, self.served = False, False
    def run():
        asks = True
        await(served)
@leads_to
def serves(): return (setof(p, p in P, p.asks), setof(p, p in P, p.served))
def main():
    start(new(P))
"""


def test_a_standstill_names_what_is_owed_and_who_waits(
    run: Run, quorate: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = run(STANDS, "-q", CHECK, "program.da")
    monkeypatch.chdir(tmp_path)
    seen = quorate("simulate", "-q", "--seed", "0", "program.da")
    for each in (ended, seen):
        assert each.status == 1
        assert "error[Q122]: `serves` is owed since " in each.err
        assert "  owed to: P-1\n" in each.err
        waits = "P-1 waits\n    program.da:6, in P.run: served\n"
        assert f"nothing can happen any more, and 1 process has not ended\n{waits}" in each.err

"""Each guarantee holds of a good trace, and fails on every bad one made from it by one edit."""

from collections.abc import Callable
from typing import Any

import pytest

from examples import guarantees as g
from examples.guarantees import Output, Trace, Violation


def trace(*lines: str) -> list[Output]:
    """Outputs from lines like "P-2 enter 0": numbers are read as numbers."""
    made = []
    for line in lines:
        process, *words = line.split()
        made.append(Output(process, tuple(int(w) if w.isdigit() else w for w in words)))
    return made


Check = Callable[[Trace], None]


def check(guarantee: Callable[..., None], *args: Any) -> Check:
    return lambda outputs: guarantee(outputs, *args)


PING_PONG = ("Q ping 0", "A pong 0", "Q ping 1", "A pong 1")
MUTEX = ("P-2 enter 0 1", "P-2 leave 0 1", "P-10 enter 0 1", "P-10 leave 0 1")
RING = ("P-2 leader 7 3", "P-3 leader 7 7")
COMMIT = (
    *("S-3 vote 0 yes", "S-4 vote 0 yes", "C-2 decide 0 commit"),
    *("S-3 decide 0 commit", "S-4 decide 0 commit"),
)
ABORT = (
    *("S-3 vote 0 no", "S-4 vote 0 yes", "C-2 decide 0 abort"),
    *("S-3 decide 0 abort", "S-4 decide 0 abort"),
)
CONSENSUS = ("A propose a", "B propose b", "L-1 learned a", "L-2 learned a")
CHOSEN = ("A accept 1 a", "B accept 1 a", "C accept 1 b", "B accept 2 b", "L-1 learned a")
REPLICAS = ("R-1 perform 1 C-1 0 5", "R-1 perform 3 C-2 0 6", "R-2 perform 1 C-1 0 5")
REQUESTS = [("C-1", 0, 5), ("C-2", 0, 6)]
ANSWERS = ("C-1 answer 1 4", "C-2 answer 1 6", "C-1 answer 2 9", "C-2 answer 2 12")
TERMS = ("S-1 leader 1", "S-2 leader 2", "S-1 leader 3")
BROADCAST = (
    *("P-1 broadcast 0", "P-2 stop 0", "P-1 deliver P-1 0", "P-1 deliver P-2 0"),
    *("P-3 broadcast 0", "P-3 deliver P-1 0", "P-3 deliver P-2 0"),
    *("P-1 deliver P-3 0", "P-3 deliver P-3 0", "P-2 deliver P-1 0"),
)
READS = ("R-2 read 1", "W-1 wrote 1", "W-1 wrote 2", "R-2 read 2")
LOG = [(0, None), (1, ("C", 1, 1)), (2, ("C", 2, 2))]

# A guarantee, a trace of which it holds, and the same with one thing wrong:
# what is replaced (None: the trace gets the new lines at its end), and by what.
CASES: list[tuple[str, Check, tuple[str, ...], list[tuple[str | None, list[str]]]]] = [
    (
        "ping_pong",
        check(g.ping_pong, 1, 2),
        PING_PONG,
        [
            ("Q ping 0", []),
            ("A pong 1", []),
            ("A pong 1", ["A pong 0"]),
            ("Q ping 1", []),
            ("Q ping 0", ["A pong 0", "Q ping 0"]),
            (None, ["Q ping 1"]),
            (None, ["B pong 0", "B pong 1"]),
        ],
    ),
    (
        "mutual_exclusion",
        check(g.mutual_exclusion, 2, 1),
        MUTEX,
        [
            ("P-2 leave 0 1", []),
            ("P-2 enter 0 1", []),
            ("P-2 leave 0 1", ["P-10 leave 0 1"]),
            ("P-10 leave 0 1", []),
            (None, ["P-2 enter 1 9", "P-2 leave 1 9"]),
            (None, ["P-3 enter 0 9", "P-3 leave 0 9"]),
        ],
    ),
    ("granted_in_order", check(g.granted_in_order), MUTEX, [("P-2 enter 0 1", ["P-2 enter 0 2"])]),
    (
        "one_leader",
        check(g.one_leader, 2),
        RING,
        [
            ("P-2 leader 7 3", ["P-2 leader 3 3"]),
            ("P-2 leader 7 3", []),
            (None, ["P-2 leader 7 3"]),
        ],
    ),
    ("largest_wins", check(g.largest_wins), RING, [("P-2 leader 7 3", ["P-2 leader 7 8"])]),
    (
        "atomic_commitment, commit",
        check(g.atomic_commitment, 2, 1),
        COMMIT,
        [
            ("S-3 decide 0 commit", ["S-3 decide 0 abort"]),
            ("S-3 decide 0 commit", []),
            ("S-3 vote 0 yes", ["S-3 vote 0 no"]),
            ("S-3 vote 0 yes", []),
            (None, ["S-3 decide 0 commit"]),
            (None, ["S-3 decide 1 commit"]),
        ],
    ),
    (
        "atomic_commitment, abort",
        check(g.atomic_commitment, 2, 1),
        ABORT,
        [("S-3 vote 0 no", ["S-3 vote 0 yes"])],
    ),
    (
        "agreement",
        check(g.agreement, 2),
        CONSENSUS,
        [("L-2 learned a", ["L-2 learned b"]), ("L-2 learned a", []), (None, ["L-1 learned a"])],
    ),
    (
        "one_value_chosen",
        check(g.one_value_chosen, 2),
        CHOSEN,
        [
            ("C accept 1 b", ["C accept 2 b", "A accept 2 b"]),
            ("B accept 1 a", []),
            ("L-1 learned a", ["L-1 learned b"]),
        ],
    ),
    ("validity", check(g.validity), CONSENSUS, [("A propose a", ["A propose c"])]),
    (
        "same_order",
        check(g.same_order, "perform"),
        REPLICAS,
        [
            ("R-2 perform 1 C-1 0 5", ["R-2 perform 1 C-2 0 6"]),
            ("R-2 perform 1 C-1 0 5", ["R-2 perform 2 C-1 0 5"]),
            ("R-1 perform 3 C-2 0 6", ["R-1 perform 1 C-2 0 6"]),
        ],
    ),
    (
        "exactly_the_requests",
        check(g.exactly_the_requests, "perform", REQUESTS),
        REPLICAS,
        [
            (None, ["R-1 perform 4 C-1 0 5"]),
            (None, ["R-2 perform 4 C-1 1 5"]),
            ("R-1 perform 3 C-2 0 6", []),
        ],
    ),
    (
        "all_answered",
        check(g.all_answered, "answer", 2, [1, 2]),
        ANSWERS,
        [
            ("C-1 answer 2 9", []),
            ("C-1 answer 2 9", ["C-1 answer 2 3"]),
            (None, ["C-1 answer 2 9"]),
            (None, ["C-3 answer 1 1", "C-3 answer 2 2"]),
        ],
    ),
    (
        "one_leader_a_term",
        check(g.one_leader_a_term),
        TERMS,
        [("S-2 leader 2", ["S-2 leader 1"])],
    ),
    (
        "reliable_broadcast",
        check(g.reliable_broadcast, 3, 1, 1),
        BROADCAST,
        [
            ("P-1 deliver P-2 0", []),
            ("P-3 deliver P-1 0", []),
            ("P-3 broadcast 0", []),
            ("P-2 stop 0", []),
            (None, ["P-1 deliver P-2 0"]),
            (None, ["P-1 deliver P-2 1"]),
            ("P-2 deliver P-1 0", ["P-2 deliver P-9 0"]),
        ],
    ),
    (
        "read_in_order",
        check(g.read_in_order, 3, 1, 2),
        READS,
        [
            ("W-1 wrote 2", []),
            ("W-1 wrote 2", ["W-1 wrote 3"]),
            ("R-2 read 1", []),
            ("R-2 read 2", ["R-2 read 3"]),
            ("R-2 read 2", ["R-2 read 0"]),
            (None, ["R-2 read 2"]),
            (None, ["R-3 read 1", "R-3 read 2"]),
        ],
    ),
]


@pytest.mark.parametrize(("check", "lines"), [c[1:3] for c in CASES], ids=[c[0] for c in CASES])
def test_holds_of_a_good_trace(check: Check, lines: tuple[str, ...]) -> None:
    check(trace(*lines))


@pytest.mark.parametrize(
    ("check", "lines", "old", "new"),
    [
        pytest.param(check, lines, old, new, id=f"{name}: {old or 'more'} -> {new}")
        for name, check, lines, edits in CASES
        for old, new in edits
    ],
)
def test_fails_on_a_bad_trace(
    check: Check, lines: tuple[str, ...], old: str | None, new: list[str]
) -> None:
    assert old is None or old in lines
    edited = [text for line in lines for text in (new if line == old else [line])]
    with pytest.raises(Violation):
        check(trace(*edited, *(new if old is None else [])))


def test_a_commit_may_be_missed_only_when_late() -> None:
    late = trace(*(line.replace("commit", "abort") for line in COMMIT))
    g.atomic_commitment(late, 2, 1, in_time=False)
    with pytest.raises(Violation):
        g.atomic_commitment(late, 2, 1)


def test_a_term_without_any_leader_is_a_violation() -> None:
    with pytest.raises(Violation):
        g.one_leader_a_term([])


def logs(**of: list[Any]) -> list[Output]:
    return [Output(process, ("log", log)) for process, log in of.items()]


def test_logs_match() -> None:
    g.logs_match(logs(a=LOG, b=LOG[:2], c=[*LOG[:2], (3, ("C", 3, 3))]), 3)
    g.logs_match(logs(a=[*LOG[:1], (1, "x")], b=[*LOG[:1], (2, "y")]), 2)


@pytest.mark.parametrize(
    "bad",
    [
        logs(a=LOG),
        logs(a=LOG, b=[*LOG[:2], (2, ("C", 9, 9))]),
        logs(a=LOG, b=[LOG[0], (1, ("C", 9, 9)), LOG[2]]),
        logs(a=LOG, b=[LOG[0], LOG[2], LOG[1]]),
    ],
    ids=["one is missing", "an entry differs", "an earlier entry differs", "terms fall"],
)
def test_logs_that_do_not_match(bad: Trace) -> None:
    with pytest.raises(Violation):
        g.logs_match(bad, 2)


def test_applied_from_the_log() -> None:
    good = [Output("S", ("apply", 1, "C", 1, 1)), *logs(S=LOG)]
    g.applied_from_the_log(good)
    with pytest.raises(Violation):
        g.applied_from_the_log([Output("S", ("apply", 2, "C", 1, 1)), *good])


def test_all_know_all() -> None:
    starts = trace("P-1 start a", "P-2 start b")
    everything = [Output(p, ("complete", 3, ["a", "b"])) for p in ("P-1", "P-2")]
    g.all_know_all([*starts, *everything], 2)
    bad = [
        [*starts, everything[0]],
        [*starts[:1], *everything],
        [*starts, everything[0], Output("P-2", ("complete", 3, ["a", "c"]))],
        [*starts, *everything, everything[0]],
    ]
    for each in bad:
        with pytest.raises(Violation):
            g.all_know_all(each, 2)


def test_names_sort_by_number() -> None:
    assert g.name_key("P-2") < g.name_key("P-10")
    assert g.name_key("Scout-10.2") < g.name_key("Scout-10.11")

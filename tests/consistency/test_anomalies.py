"""Anomalies of transactions: each by a history from the literature, and all as a naive finder."""

import json
from collections.abc import Iterator
from itertools import pairwise, permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.consistency import History, HistoryError, Limits, Verdict, check_transactions, read

Steps = list[list[Any]]


def told(*transactions: str) -> History:
    """Transactions at the same time: `r y 2 3` has read [2, 3]; `!` has aborted, `?` is lost."""
    events = []
    for client, text in enumerate(transactions):
        outcome = {"!": "fail", "?": "unknown"}.get(text[:1], "return")
        steps = [each.split() for each in text.lstrip("!?").split(",")]
        asked = [[n, key, int(rest[0]) if n == "append" else None] for n, key, *rest in steps]
        answered = [
            [n, key, int(rest[0]) if n == "append" else [int(each) for each in rest]]
            for n, key, *rest in steps
        ]
        events.append({"client": client, "event": "invoke", "op": "txn", "args": [asked]})
        end: dict[str, Any] = {"client": client, "event": outcome}
        events.append({**end, "result": answered} if outcome == "return" else end)
    ordered = [*events[::2], *events[1::2]]
    return read([json.dumps(each).encode() for each in ordered])


CASES = [
    ("G0", ["append x 1, append y 1", "append x 2, append y 2", "r x 1 2, r y 2 1"]),
    ("G1a", ["!append x 1", "r x 1"]),
    ("G1b", ["append x 1, append x 2", "r x 1", "r x 1 2"]),
    ("G1c", ["append x 1, r y 1", "append y 1, r x 1"]),
    ("G-single", ["append x 1, append y 1", "r x, r y 1"]),  # read skew
    ("G-single", ["r x, append x 1", "r x, append x 2", "r x 1 2"]),  # lost update
    ("G2", ["r x, append y 1", "r y, append x 1"]),  # write skew
    ("G2", ["r x, append y 1", "r y, append z 1", "r z, append x 1"]),
    ("internal", ["append x 1, r x"]),
    ("unwritten read", ["r x 7"]),
    ("duplicate", ["append x 1", "r x 1 1"]),
    ("incompatible order", ["append x 1", "append x 2", "r x 1 2", "r x 2 1"]),
]


@pytest.mark.parametrize(("name", "transactions"), CASES)
def test_each_anomaly_is_found(name: str, transactions: list[str]) -> None:
    found = check_transactions(told(*transactions))
    assert found.verdict is Verdict.VIOLATED
    assert name in {each.name for each in found.anomalies}


@pytest.mark.parametrize(
    "transactions",
    [
        ["append x 1", "append x 2, r x 1 2", "r x 1 2"],
        ["append x 1, append x 2", "r x 1 2, append x 3", "r x 1 2 3"],
        ["?append x 1, r y", "r x 1"],  # it has committed, as it was read
        ["?append x 1", "r x"],
        ["append x 1, r x 1, append x 2, r x 1 2", "r x"],
        ["!r x 5"],
    ],
)
def test_what_is_serializable_has_none(transactions: list[str]) -> None:
    assert check_transactions(told(*transactions)).verdict is Verdict.HOLDS


def test_every_dependency_gives_its_reason() -> None:
    found = check_transactions(told("append x 1, append y 1", "r x, r y 1"))
    [skew] = found.anomalies
    assert [(each.kind, each.before.name, each.after.name) for each in skew.cycle] == [
        ("rw", "T2", "T1"),
        ("wr", "T1", "T2"),
    ]
    assert [each.text for each in skew.cycle] == [
        'T2 read "x" as [], before T1 appended 1',
        'T2 read "y" as [1], last 1, which T1 appended',
    ]
    assert found.ruled_out == ["snapshot isolation", "serializability"]


def test_what_nobody_has_read_comes_last() -> None:
    found = check_transactions(told("r x 1, r y", "append x 1", "append x 2, append y 1, r y 1"))
    assert found.verdict is Verdict.HOLDS
    found = check_transactions(told("r x 1, append y 1", "append x 1", "append x 2, r y 1"))
    assert found.verdict is Verdict.HOLDS
    found = check_transactions(told("r x 1, r y 1", "append x 1", "append x 2, append y 1"))
    assert [each.name for each in found.anomalies] == ["G-single"]


def test_a_limit_gives_the_third_verdict() -> None:
    cycle = told("r x, append y 1", "r y, append x 1")
    found = check_transactions(cycle, Limits(seconds=-1))
    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, "-1 s have passed")


def test_a_value_appended_twice() -> None:
    with pytest.raises(HistoryError, match=r"\[Q304\] line 2: 1 is appended to \"x\" a second"):
        check_transactions(told("append x 1", "append x 1"))


# --- The naive finder


def random_history(seed: int) -> History:
    """Transactions on two lists, whose reads are prefixes of the lists as they end up."""
    chance = Random(seed)
    count = chance.randint(2, 5)
    plans = [
        [(chance.random() < 0.5, chance.choice("xy")) for _ in range(chance.randint(1, 3))]
        for _ in range(count)
    ]
    final: dict[str, list[int]] = {"x": [], "y": []}
    values: dict[tuple[int, int], int] = {}
    places = [(t, s) for t, plan in enumerate(plans) for s, step in enumerate(plan) if step[0]]
    chance.shuffle(places)
    for number, (t, s) in enumerate(sorted(places) if chance.random() < 0.5 else places, 1):
        values[t, s] = number
        final[plans[t][s][1]].append(number)
    texts = []
    for t, plan in enumerate(plans):
        steps = []
        for s, (appends, key) in enumerate(plan):
            if appends:
                steps.append(f"append {key} {values[t, s]}")
            else:
                size = chance.randint(0, len(final[key]))
                steps.append(" ".join(["r", key, *map(str, final[key][:size])]))
        mark = chance.choice(["", "", "", "", "!", "?"])
        texts.append(mark + ", ".join(steps))
    return told(*texts)


def naive_dependencies(history: History) -> set[tuple[str, int, int]]:
    """(kind, before, after) by the positions in the longest lists, for committed transactions."""
    operations = list(enumerate(history.operations))
    longest: dict[Any, tuple[Any, ...]] = {}
    for _, each in operations:
        for name, key, value in each.result if each.outcome == "returned" else ():
            if name == "r" and len(value) > len(longest.get(key, ())):
                longest[key] = value
    appended = {
        (key, value): (number, each)
        for number, each in operations
        for name, key, value in each.args[0]
        if name == "append"
    }
    found = set()
    for key in "xy":
        order = [appended[key, v] for v in longest.get(key, ())]
        order = [(n, each) for n, each in order if each.outcome != "failed"]
        unseen = [
            (n, each)
            for (k, v), (n, each) in appended.items()
            if k == key and v not in longest.get(key, ()) and each.outcome == "returned"
        ]
        found |= {("ww", a[0], b[0]) for a, b in pairwise(order)}
        found |= {("ww", a[0], b[0]) for a in order[-1:] for b in unseen}
        for number, each in operations:
            for name, k, value in each.result if each.outcome == "returned" else ():
                if name != "r" or k != key:
                    continue
                seen = list(value)
                while seen and appended[key, seen[-1]][0] == number:
                    seen.pop()
                last = appended[key, seen[-1]] if seen else None
                if last is not None and last[1].outcome != "failed":
                    found.add(("wr", last[0], number))
                later = [appended[key, v] for v in longest.get(key, ())[len(seen) :]]
                later = [pair for pair in later if pair[1].outcome != "failed" and pair != last]
                following = later[:1] or [pair for pair in unseen if pair != last]
                found |= {("rw", number, pair[0]) for pair in following}
    return {edge for edge in found if edge[1] != edge[2]}


def naive_cycles(edges: set[tuple[str, int, int]]) -> Iterator[list[set[str]]]:
    """The kinds of dependencies along every simple cycle."""
    kinds: dict[tuple[int, int], set[str]] = {}
    for kind, before, after in edges:
        kinds.setdefault((before, after), set()).add(kind)
    nodes = sorted({node for _, *pair in edges for node in pair})
    for size in range(2, len(nodes) + 1):
        for order in permutations(nodes, size):
            pairs = list(zip(order, [*order[1:], order[0]], strict=True))
            if order[0] == min(order) and all(pair in kinds for pair in pairs):
                yield [kinds[pair] for pair in pairs]


def naive_classes(edges: set[tuple[str, int, int]]) -> dict[str, int]:
    """The classes of all simple cycles, with the length of the shortest."""
    found: dict[str, int] = {}
    for cycle in naive_cycles(edges):
        must = sum(1 for kinds in cycle if kinds == {"rw"})
        may = sum(1 for kinds in cycle if "rw" in kinds)
        names = []
        if all("ww" in kinds for kinds in cycle):
            names.append("G0")
        if must == 0 and any("wr" in kinds for kinds in cycle):
            names.append("G1c")
        if must <= 1 <= may:
            names.append("G-single")
        if may >= 2:
            names.append("G2")
        for name in names:
            found[name] = min(found.get(name, len(cycle)), len(cycle))
    return found


@settings(max_examples=500)
@given(st.integers(0, 1 << 32))
def test_cycles_are_those_of_a_naive_finder(seed: int) -> None:
    history = random_history(seed)
    expected = naive_classes(naive_dependencies(history))
    found = {each.name: each for each in check_transactions(history).anomalies if each.cycle}
    for name in ("G0", "G1c", "G-single"):
        assert (name in found) is (name in expected)
        if name in found:
            assert len(found[name].cycle) == expected[name]
    assert "G2" not in found or "G2" in expected
    assert bool(found) is bool(expected)
    if "G2" in expected and not expected.keys() & {"G-single"}:
        assert len(found["G2"].cycle) == expected["G2"]
    for each in found.values():
        afters = [edge.after for edge in each.cycle]
        assert [edge.before for edge in each.cycle] == [afters[-1], *afters[:-1]]

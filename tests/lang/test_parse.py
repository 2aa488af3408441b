"""Reading programs: every spelling of the language's own constructs."""

import ast
from textwrap import dedent
from typing import Any

import pytest

from compiled import nowhere
from quorate.lang import nodes
from quorate.lang.diagnostics import Diagnostics
from quorate.lang.nodes import Program
from quorate.lang.parse import parse
from quorate.lang.source import Source


def read(text: str) -> Program:
    found = Diagnostics(Source("test.da", dedent(text)))
    program = parse(found.source, found, nowhere)
    found.raise_if_errors()
    return program


def first(program: Program, kind: type[Any]) -> Any:
    return next(node for node in ast.walk(program.tree) if isinstance(node, kind))


FIFO, LOSSY = frozenset({"fifo"}), frozenset({"fifo", "unreliable"})


@pytest.mark.parametrize(
    ("call", "options"),
    [
        ("channel='fifo'", {"channel": FIFO}),
        ("channel=fifo", {"channel": FIFO}),
        ("channel is Fifo", {"channel": FIFO}),
        ("channel is fifo, handling='one'", {"channel": FIFO, "handling": "one"}),
        ("channel={'fifo', 'unreliable'}", {"channel": LOSSY}),
        ("channel={fifo, Unreliable}", {"channel": LOSSY}),
        ("channel=('fifo', 'unreliable')", {"channel": LOSSY}),
        ("channel=['fifo', unreliable]", {"channel": LOSSY}),
        ("clock='Lamport'", {"clock": "lamport"}),
        ("clock is lamport", {"clock": "lamport"}),
        ("clock=vector, unmatched=drop", {"clock": "vector", "unmatched": "drop"}),
        ("handling=all", {"handling": "all"}),
        ("channel='fifo', from_=P", {"channels": [(["P"], None, FIFO)]}),
        ("channel=fifo, from_={P, Q}, to=(m.R,)", {"channels": [(["P", "Q"], ["m.R"], FIFO)]}),
    ],
)
@pytest.mark.parametrize("place", ["{}", "class P(process):\n    {}", "def main():\n    {}"])
def test_config(call: str, options: dict[str, Any], place: str) -> None:
    read_options = first(read(place.format(f"config({call})\n")), nodes.Config).options
    ordered = {key: value for key, value in read_options.items() if key != "channels"}
    assert ordered == {key: value for key, value in options.items() if key != "channels"}
    for (f, t, w), (from_, to, words) in zip(
        read_options.get("channels", []), options.get("channels", []), strict=True
    ):
        assert (sorted(f or []), t, w) == (from_ or [], to, words)


AWAITS = """
    class P(process):
        def run():
            -- first
            await(a)
            -- second
            {}
    """


@pytest.mark.parametrize(
    ("text", "loop", "kinds", "orelse"),
    [
        ("if await(c): pass", False, ["when"], None),
        ("if await (c) : pass", False, ["when"], None),
        ("if await(c): pass\n            elif d: pass", False, ["when", "when"], None),
        ("if await(c): pass\n            elif await(d): pass", False, ["when", "when"], None),
        ("if await(c): pass\n            elif timeout(1): pass", False, ["when", "timeout"], None),
        ("if await(c): pass\n            else: pass", False, ["when"], 1),
        ("while await(c): pass", True, ["when"], None),
        ("while  await  (c): pass", True, ["when"], None),
        ("while await c: pass", True, ["when"], None),
        (
            "while await(c): pass\n            elif timeout(1): break",
            True,
            ["when", "timeout"],
            None,
        ),
    ],
)
def test_awaits(text: str, loop: bool, kinds: list[str], orelse: int | None) -> None:
    program = read(AWAITS.format(text))
    one, two = (node for node in ast.walk(program.tree) if isinstance(node, nodes.Await))
    assert (one.simple, one.label, one.loop) == (True, "first", False)
    assert (two.simple, two.label, two.loop) == (False, "second", loop)
    assert [branch.kind for branch in two.branches] == kinds
    assert (None if two.orelse is None else len(two.orelse)) == orelse
    assert two.lineno == 7
    assert not any(isinstance(node, nodes.Label) for node in ast.walk(program.tree))


def test_labels() -> None:
    body = first(
        read("class P(process):\n    def run():\n        -- a\n        -- b\n"), ast.FunctionDef
    ).body
    assert [(type(node), node.name) for node in body] == [(nodes.Label, "a"), (nodes.Label, "b")]


@pytest.mark.parametrize(
    ("header", "kind", "labels"),
    [
        ("receive(msg=m)", "received", None),
        ("receive(msg=m, at=one)", "received", ("one",)),
        ("receive(msg=m, at=(one, 'two'))", "received", ("one", "two")),
        ("receive(msg=m, at=[one])", "received", ("one",)),
        ("receive(*, msg=m, from_=p)", "received", None),
        ("sent(msg=m, to=p)", "sent", None),
    ],
)
def test_handlers(header: str, kind: str, labels: tuple[str, ...] | None) -> None:
    handler = first(read(f"class P(process):\n    def {header}: pass\n"), nodes.Handler)
    assert (handler.kind, handler.labels) == (kind, labels)
    assert isinstance(handler.message, nodes.BindPattern)


@pytest.mark.parametrize(
    ("import_", "call", "sleeps"),
    [
        ("import time", "time.sleep(1)", True),
        ("import time as t", "t.sleep(1)", True),
        ("from time import sleep", "sleep(1)", True),
        ("from time import sleep as s", "s(1)", True),
        ("from time import *", "sleep(1)", True),
        ("import other as time", "time.sleep(1)", False),
        ("from other import sleep", "sleep(1)", False),
        ("import time", "other.sleep(1)", False),
    ],
)
def test_sleep(import_: str, call: str, sleeps: bool) -> None:
    program = read(f"{import_}\nclass P(process):\n    def run():\n        {call}\n")
    assert any(isinstance(node, nodes.Sleep) for node in ast.walk(program.tree)) == sleeps


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("class P(process): pass", {"P"}),
        ("class P(process, Mixin): pass", {"P"}),
        ("class P(Mixin, process): pass", {"P"}),
        ("class P(process): pass\nclass Q(P): pass\nclass R(Q, Mixin): pass", {"P", "Q", "R"}),
        ("class P(Mixin): pass", set()),
        ("def f():\n    class P(process): pass", {"P"}),
    ],
)
def test_process_classes(text: str, names: set[str]) -> None:
    assert set(read(text).classes) == names


def test_annotations_are_kept_outside_of_processes_only() -> None:
    program = read(
        "def f(a: A, *b: B) -> C: pass\nclass P(process):\n    def f(a: A, *b: B) -> C: pass\n"
    )
    annotated = [node.annotation for node in ast.walk(program.tree) if isinstance(node, ast.arg)]
    assert [annotation is not None for annotation in annotated] == [True, True, False, False]


def test_queries_where_the_program_has_a_function_of_the_name() -> None:
    program = read(
        "def sumof(x): pass\n"
        "class P(process):\n    def run():\n        sumof(1); setof(x, x in y)\n"
    )
    assert [n.op for n in ast.walk(program.tree) if isinstance(n, nodes.Query)] == ["setof"]

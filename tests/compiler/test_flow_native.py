"""A method cut into blocks does what Python does with the same lines and no yield points."""

from __future__ import annotations

import textwrap
from random import Random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compiler.bodies import LABEL, Body
from quorate.compiler.loader import compile_module
from quorate.compiler.passes import analyse, translate
from quorate.lang.source import Source
from stage import Actor

HELPERS = """
class Guard:
    def __init__(self, note, value):
        self.note, self.value = note, value

    def __enter__(self):
        self.note(('enter', self.value))
        return [self.value, 1] if isinstance(self.value, bool) else self.value

    def __exit__(self, kind, error, trace):
        self.note(('exit', kind and kind.__name__, str(error)))
        return self.value == 2


def drawn(note, count):
    try:
        yield from range(count)
    finally:
        note(('closed', count))


def ended(error):
    return type(error).__name__ if isinstance(error, NameError) else repr(error)


def most(*args, **options):
    return max(*args, *options.values())
"""

PROGRAM = """
class P(process):
    def setup(log): pass

    def note(value):
        log.append(repr(value))
        return value

    def ask(value):
        -- asked
        log.append(f'ask {{value!r}}')
        return value

    def body(a, b):
{body}

    def run():
        try:
            self.outcome = repr(body(1, 2))
        except Exception as error:
            self.outcome = ended(error)
"""


def by_python(lines: list[str]) -> tuple[list[str], str]:
    """What the lines do without their labels: (what they note, how they end)."""
    log: list[str] = []

    def note(value: Any) -> Any:
        log.append(repr(value))
        return value

    def ask(value: Any) -> Any:
        log.append(f"ask {value!r}")
        return value

    plain = [line.replace(LABEL, "pass") for line in lines]
    namespace: dict[str, Any] = {"note": note, "ask": ask}
    exec(HELPERS + "\ndef body(a, b):\n" + textwrap.indent("\n".join(plain), "    "), namespace)
    try:
        outcome = repr(namespace["body"](1, 2))
    except Exception as error:
        outcome = namespace["ended"](error)
    return log, outcome


def by_blocks(lines: list[str]) -> tuple[list[str], str]:
    """What the lines do in a method of a process that is suspended at each label."""
    body = textwrap.indent("\n".join(lines), " " * 8)
    source = Source("body.da", HELPERS + PROGRAM.format(body=body))
    tree = translate(analyse(source, lambda name, level: None))
    module = ModuleType("body")
    exec(compile_module(tree, source.path), module.__dict__)
    log: list[str] = []
    process = Actor(module.P, log).begin().process
    assert process.ended_
    return log, process.outcome


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.integers(5, 60))
def test_blocks_do_what_python_does(random: Random, budget: int) -> None:
    lines = Body(random, budget).lines()
    assert by_blocks(lines) == by_python(lines), "\n".join(lines)


@pytest.mark.parametrize("first", range(0, 60, 15))
def test_large_bodies_do_what_python_does(first: int) -> None:
    for seed in range(first, first + 15):
        lines = Body(Random(seed), 200).lines()
        assert by_blocks(lines) == by_python(lines), "\n".join(lines)


def test_a_generator_is_closed_where_an_exception_leaves_its_loop() -> None:
    lines = [
        "try:",
        "    for x in drawn(note, 2):",
        "        for y in drawn(note, 3):",
        "            -- l",
        "            if b: {}[y]",
        "except KeyError: note('caught')",
        "for x in drawn(note, 4):",
        "    for y in drawn(note, 5):",
        "        -- l",
        "        {}[x]",
    ]
    assert by_blocks(lines) == by_python(lines)

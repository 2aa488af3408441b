"""The interpreter of the tree, on programs whose outcome was worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from programs.interpreter import interpret
from programs.values import Run
from quorate.lang.source import Source


def run(text: str) -> Run:
    return interpret(Source("by_hand.da", text))


def outputs(ran: Run) -> list[Any]:
    return [
        (who, *values) for kind, who, *rest in ran.trace if kind == "output" for values in rest[1:]
    ]


def in_run(*statements: str, before: str = "") -> list[Any]:
    """The last values output by a process whose `run` is `statements`."""
    body = "\n".join(f"        {line}" for line in statements)
    head = f"import time\nclass P(process):\n    def setup(f=7): pass\n{before}    def run():\n"
    ran = run(f"{head}{body}\ndef main():\n    start(new(P))\n")
    assert not [entry for entry in ran.trace if entry[0] == "error"], ran.trace
    return [strip(values) for _, *values in outputs(ran)]


def strip(value: Any) -> Any:
    """The numbers and texts alone."""
    if isinstance(value, (list, tuple)) and value and value[0] in ("int", "bool"):
        return value[1]
    if isinstance(value, (list, tuple)):
        return tuple(strip(part) for part in value if part not in ("tuple", "list", "set"))
    return value


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (["output(f, self.f, self.id == self)"], (7, 7, True)),
        (["for f in (1, 2): pass", "output(self.f)"], (2,)),
        (["(a, *b), f = [1, 2, 3], 4", "output(a, b, self.f)"], (1, (2, 3), 4)),
        (["def g(): return f + a", "a = 1", "output(g())"], (8,)),
        (["x = 5", "output(lenof(x, x in [1, 2, 2]), x)"], (2, 5)),
        (["x = 2", "output(listof(y, (_x, y) in [(1, 2), (2, 3), (2, 4)]))"], ((3, 4),)),
        (["output(sumof(x * y, x in {1, 2}, y in [3, 3], x + y > 4))"], (12,)),
        (["if some(x in {3, 1, 2}, has=x > 1): output(x)"], (2,)),
        (["x = 9", "if not some(x in [1], has=x > 1): output(x)"], (9,)),
        (["output(some(x in [1, 2], has=some(y in [x], has=y > 1)), x, y)"], (True, 2, 2)),
        (["output(each(x in [], has=False), maxof(x, x in [], default=4))"], (True, 4)),
        (["send(('a', [1]), to=self)", "-- l", "output(received(('a', _)))"], (True,)),
        (["l = [1]", "send(('a', l), to=self)", "l.append(2)", "-- l", "output(*received)"],
         ((("a", (1,)), ("id", "P-1")),)),
        (["try:", "    try: raise KeyError", "    finally: -- l", "except LookupError: output(1)"],
         (1,)),
        (["if await(False): pass", "elif timeout(2): output(time.time() == 2)"], (True,)),
        (["if await(False): pass", "else: output(3)"], (3,)),
        (["match (f, [1, 2]):", "    case (7, [a, *b]): output(a, b)"], (1, (2,))),
    ],
)  # fmt: skip
def test_statements(statements: list[str], expected: tuple[Any, ...]) -> None:
    assert in_run(*statements) == [expected]


def test_a_value_awaited_in_a_call_in_an_expression() -> None:
    method = "    def m(k):\n        -- l\n        return m(k - 1) + k if k else 0\n"
    assert in_run("output(1 + m(3) * 2, {0: m}[0](2))", before=method) == [(13, 3)]


def test_handlers_run_at_yield_points_only() -> None:
    handler = "    def receive(msg=('a', x)): self.f = x\n"
    body = ["send(('a', 1), to=self)", "output(f)", "-- l", "output(f)"]
    assert in_run(*body, before=handler) == [(7,), (1,)]


def test_a_handler_with_a_label_waits_for_it() -> None:
    handler = "    def receive(msg=('a', x), at=b): self.f = x\n"
    body = ["send(('a', 1), to=self)", "-- a", "output(f, received(('a', 1)))", "-- b", "output(f)"]
    assert in_run(*body, before=handler) == [(7, True), (1,)]


def test_an_error_has_its_line() -> None:
    run_of_p = "class P(process):\n    def run():\n        x = 1\n        x //= 0\n"
    ran = run(run_of_p + "def main(): start(new(P))\n")
    assert ran.trace[-1] == ("error", "P-1", "ZeroDivisionError", 4)


def test_a_base_is_set_up_by_itself_and_by_super() -> None:
    text = """
class A(process):
    def setup(a): self.b = a + 1
class B(A):
    def setup(a, c): self.d = b
class C(A):
    def setup(a):
        super().setup(a + 10)
        self.d = b
def main():
    setup(new(B), (1, 2))
    setup(new(C), (1,))
"""
    fields = run(text).fields
    number = {name: {k: v[1] for k, v in found.items()} for name, found in fields.items()}
    assert number["B-1"] == {"a": 1, "b": 2, "c": 2, "d": 2}
    assert number["C-2"] == {"a": 11, "b": 12, "d": 12}

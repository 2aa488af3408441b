"""What can be suspended, which calls may suspend, and where waiting is an error."""

import ast
import textwrap

import pytest

from cases import Case, check, each_case
from quorate.compiler.passes import analyse
from quorate.compiler.suspend import find_suspendable
from quorate.lang.diagnostics import Diagnostics, render
from quorate.lang.nodes import Program
from quorate.lang.parse import parse
from quorate.lang.resolve import resolve
from quorate.lang.source import Source


def analysed(text: str, modules: dict[str, str] | None = None) -> tuple[Program, str]:
    """The program after the analysis, and what is wrong with it as the user sees it."""
    text = textwrap.dedent(text)
    source = Source("prog.da", text)
    found = Diagnostics(source)
    known = {
        name: analyse(Source(f"{name}.da", module), lambda name, level: None).program
        for name, module in (modules or {}).items()
    }
    program = parse(source, found, lambda name, level: known.get(name))
    resolve(program, found)
    assert not found.items, "\n".join(map(str, found.items))
    find_suspendable(program, found)
    return program, render(found.items, colour=False)


def suspendable(text: str, modules: dict[str, str] | None = None) -> set[str]:
    """The names of the functions that can be suspended; there must be nothing wrong."""
    program, errors = analysed(text, modules)
    assert not errors, errors
    return {
        getattr(node, "name", "lambda" if isinstance(node, ast.Lambda) else "handler")
        for node in ast.walk(program.tree)
        if getattr(node, "suspendable", False)
    }


def waiting_calls(text: str) -> set[str]:
    """The calls that may suspend, as text."""
    program, errors = analysed(text)
    assert not errors, errors
    source = Source("prog.da", program.text)
    return {
        source.segment(node)
        for node in ast.walk(program.tree)
        if getattr(node, "may_suspend", False)
    }


def test_a_method_waits_through_those_it_calls() -> None:
    text = """
        class P(process):
            def a(): await(True)
            def b(): a()
            def c(): return self.b()
            def d(): return e()
            def e(): return 1
            def run(): d()
    """
    assert suspendable(text) == {"a", "b", "c"}


@pytest.mark.parametrize("body", ["await(True)", "-- l", "time.sleep(1)", "work()", "hanged()"])
def test_each_yield_point_counts(body: str) -> None:
    text = f"import time\nclass P(process):\n    def run():\n        {body}\n"
    assert suspendable(text) == {"run"}


def test_recursion_alone_does_not_wait() -> None:
    text = """
        class P(process):
            def even(n): return n == 0 or odd(n - 1)
            def odd(n): return n != 0 and even(n - 1)
            def run(): even(4)
    """
    assert suspendable(text) == set()


def test_overriding_below_and_mixins() -> None:
    text = """
        class A(process):
            def step(): pass
            def run(): step()
        class Waits(process):
            def pause(): -- l
        class B(A, Waits):
            def step(): self.pause()
    """
    assert suspendable(text) == {"pause", "step", "run"}


def test_a_class_that_is_no_relative_does_not_count() -> None:
    text = """
        class A(process):
            def step(): -- l
        class B(process):
            def step(): pass
            def run(): step()
    """
    assert suspendable(text) == {"step"}
    assert waiting_calls(text) == set()


def test_super_nested_and_module_functions() -> None:
    text = """
        def pause(p):
            p.step()
        class A(process):
            def step(): -- l
        class B(A):
            def step():
                def inner(): return super_step()
                def super_step(): -- k
                inner()
                super().step()
            def run(): pause(self)
    """
    assert suspendable(text) == {"pause", "step", "inner", "super_step", "run"}


def test_handlers_wait() -> None:
    text = """
        class P(process):
            def receive(msg=('a',)): await(True)
            def receive(msg=('b',)): pass
            def run(): pass
    """
    assert suspendable(text) == {"handler"}


def test_nothing_escapes_nothing_waits() -> None:
    text = """
        class P(process):
            def pause(): -- l
            def apply(f, x): return f(x)
            def run(): apply(len, [])
        def main(): pass
    """
    assert suspendable(text) == {"pause"}


def test_what_is_imported_may_be_given_what_waits() -> None:
    text = """
        def apply(f, x): return [f(x)]
        def chosen(table, k):
            f = table[k]
            return f(k)
        class A(process):
            def setup(op): pass
            def visit(f): f(1)
            def step(): op(1)
    """
    assert suspendable(text) == {"apply", "visit"}
    decorator = """
        def logged(f):
            def call(*args): return f(*args)
            return call
    """
    assert suspendable(decorator) == {"call"}


@pytest.mark.parametrize(
    "use",
    [
        "f = pause",
        "f = {'a': pause}",
        "f = lambda: pause()",
        "f = partial(self.pause)",
        "apply(pause)",
        "f = getattr(self, 'pa' + 'use')",
        "f = self.__dict__",
    ],
)
def test_what_escapes_may_be_called_through_any_variable(use: str) -> None:
    text = f"""
        from functools import partial
        class P(process):
            def pause(): -- l
            def apply(f, x=1): return f(x)
            def run():
                {use}
    """
    assert suspendable(text) >= {"pause", "apply"}
    assert "f(x)" in waiting_calls(text)


def test_methods_of_objects_stay_plain() -> None:
    text = """
        class P(process):
            def setup(xs): pass
            def pause(): -- l
            def run():
                f = pause
                xs.append(f())
                len(xs)
    """
    assert waiting_calls(text) == {"f()"}


def test_a_function_kept_in_an_attribute() -> None:
    text = """
        class Job:
            def __init__(self, act): self.act = act
        class P(process):
            def pause(): -- l
            def run():
                job = Job(pause)
                job.act()
    """
    assert waiting_calls(text) == {"job.act()"}


def test_what_a_condition_calls_may_wait_elsewhere() -> None:
    text = """
        class P(process):
            def pause(): -- l
            def rank(f, x): return f(x)
            def run():
                f = pause
                await(some(x in {1}, has=rank(len, 'a') == x))
                rank(f, 1)
    """
    assert suspendable(text) == {"pause", "rank", "run"}
    assert waiting_calls(text) == {"f(x)", "rank(f, 1)"}


def test_a_lambda_that_waits_becomes_a_function() -> None:
    text = """
        class P(process):
            def pause(): -- l
            def run():
                f = lambda: pause()
                g = lambda h=f: [h()]
                some(x in [1], has=(lambda: f())())
    """
    assert suspendable(text) == {"pause", "lambda", "run"}
    assert waiting_calls(text) == {"pause()", "h()"}


def test_modules() -> None:
    modules = {
        "m": "class A(process):\n    def step(): -- l\n    def k(): pass\n"
        "def pause(p): p.step()\ndef plain(): pass\ndef apply(f): f()\n"
    }
    text = """
        import m
        from m import A, pause as wait_for
        class B(A):
            def one(): step()
            def two(): k()
            def three(): wait_for(self)
            def four(): m.pause(self)
            def five(): m.plain()
            def six():
                from m import pause
                pause(self)
            def run(): some(x in [1], has=m.apply(len))
    """
    assert suspendable(text, modules) == {"one", "three", "four", "six"}


def test_a_base_of_another_module_that_calls_a_plain_method() -> None:
    modules = {
        "m": "class A(process):\n    def step(): pass\n    def rest(): pass\n"
        "    def run(): step()\n"
    }
    text = """
        from m import A
        class B(A):
            def step(): -- l
        class C(A):
            def rest(): -- l
            def run(): rest()
    """
    _, errors = analysed(text, modules)
    assert errors.count("error[") == 1
    assert "`step` waits, and `A`, of another module" in errors


def test_what_a_module_tells_those_that_import_it() -> None:
    text = """
        def pause(p): p.step()
        def plain(): pass
        class A(process):
            def step(): -- l
        class B(A):
            def other(f): f()
    """
    program, _ = analysed(text)
    assert program.suspendable == {"pause": False}
    assert program.classes["A"].suspendable == {"step": True}
    assert program.classes["B"].suspendable == {"step": True, "other": False}


@each_case("suspend")
def test_where_nothing_can_wait(case: Case) -> None:
    check(case, analysed(case.source)[1])

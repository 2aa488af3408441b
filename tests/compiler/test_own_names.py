"""A program may use the names that the machinery keeps in processes and frames."""

from typing import Any

import pytest

from compiled import module
from quorate.compiler.names import OWN
from quorate.lang.diagnostics import QuorateSyntaxError
from quorate.lang.resolve import TAKEN
from quorate.worlds.sim import simulate

AS_FIELD = """\
class Base(process):
    NAME = [1]
    def get():
        return NAME
class P(Base):
    def setup(NAME):
        self.NAME.append(0)
    def receive(msg=('m', x)):
        NAME.append(x)
    def get():
        return super().get() + [self.NAME is NAME]
    def run():
        send(('m', 4), to=self)
        await(len(NAME) == 3)
        if (NAME := NAME + [5]) and some(NAME in [[6], [7]], has=NAME == [7]):
            for NAME in [NAME]:
                await(True)
        def inner():
            NAME.append(8)
        inner()
        output(get())
def main():
    p = new(P)
    setup(p, ([2],))
    start(p)
"""

AS_METHOD = """\
class P(process):
    def NAME(x=1):
        return x
    def get():
        return NAME(), self.NAME(2)
    def run():
        output(get(), (lambda f: f(3))(NAME))
class Q(P):
    def NAME(x=1):
        await(True)
        return super().NAME(x * 10)
    def get():
        return NAME(), self.NAME(2)
def main():
    for cls in (P, Q):
        p = new(cls, ())
        start(p)
        await(True)
"""

AS_LOCAL = """\
class P(process):
    def receive(msg=('m', NAME), from_=p):
        NAME += 1
        await(NAME)
        output(NAME)
    def local(NAME):
        f = lambda NAME: NAME + 1
        NAME = f(NAME)
        return [NAME for NAME in [NAME]]
    def across(NAME, *, k=0):
        NAME += k
        await(some(NAME in [NAME + 1, 7], has=NAME == 7))
        output(NAME, (NAME := 8), NAME, setof(NAME, NAME in [9]))
        try:
            del NAME
            NAME
        except UnboundLocalError:
            output('gone')
        for NAME in range(2):
            await(True)
        with open('/dev/null') as NAME:
            await(True)
        return NAME.closed
    def run():
        send(('m', 1), to=self)
        output(local(1), across(2, k=3))
        await(False)
def main():
    p = new(P, ())
    start(p)
    await(timeout(1))
""".replace("await(timeout(1))", "if await(False): pass\n    elif timeout(1): end(p)")


def shown(text: str) -> list[str]:
    run = simulate(module(text))
    assert (run.status, run.error) == (0, None), text
    return run.texts()


@pytest.mark.parametrize("text", [AS_FIELD, AS_METHOD, AS_LOCAL], ids=["field", "method", "local"])
def test_names_of_the_machinery_are_free(text: str) -> None:
    expected = shown(text.replace("NAME", "plain"))
    assert len(expected) > 0
    for name in sorted(OWN - TAKEN):
        assert shown(text.replace("NAME", name)) == expected, name


def test_so_are_those_that_stand_for_them() -> None:
    text = "class P(process):\n    def setup(id_, id__):\n        id___ = 3\n"
    text += "    def run():\n        output(id_, id__, self.id___)\n"
    text += "def main():\n    start(new(P, (1, 2)))\n"
    assert shown(text.replace("id___ =", "self.id___ =")) == ["1 2 3"]


def test_the_field_that_has_no_value_is_named_as_the_program_does() -> None:
    text = "class P(process):\n    def run():\n        output(stack_)\n        self.stack_ = 1\n"
    run: Any = simulate(module(text + "def main():\n    start(new(P, ()))\n"))
    assert "`stack_` has no value" in str(run.error)


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_the_names_of_a_module_that_are_taken_are_refused(name: str) -> None:
    with pytest.raises(QuorateSyntaxError, match="Q014"):
        module(f"{name} = 1\n")

"""What a program as a whole says of its run: the clocks of all, and whose configuration counts."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from quorate.compiler.loader import load
from quorate.core.configuration import clock_of
from quorate.core.ids import ProcessId
from quorate.worlds.base import config_of
from quorate.worlds.sim import simulate
from stage import Stage

Loaded = Callable[..., ModuleType]
Texts = Callable[..., list[str]]


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    """The program in a text, beside a module `other_for_program`."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def load_text(text: str, other: str = "") -> ModuleType:
        monkeypatch.delitem(sys.modules, "other_for_program", raising=False)
        (tmp_path / "other_for_program.da").write_text(other)
        path = tmp_path / "program.da"
        path.write_text(text)
        return load(str(path), "program_for_test", cache=False)

    return load_text


@pytest.fixture
def texts(loaded: Loaded) -> Texts:
    """What a program shows."""

    def run(text: str, other: str = "", **config: Any) -> list[str]:
        found = simulate(loaded(text, other), config=config)
        assert (found.status, found.error) == (0, None)
        return found.texts()

    return run


CLOCKED = """\
from other_for_program import Sender
{module}
class Receiver(process):
    {own}
    def run():
        await(some(received(('hi',), clk=c)))
        output(c)
def main():
    {main}
    r = new(Receiver, ())
    start(r)
    s = new(Sender, (r,))
    start(s)
"""
SENDER = """\
class Sender(process):
    {own}
    def setup(r):
        pass
    def run():
        send(('hi',), to=r)
"""


def clocked(module: str = "", own: str = "pass", main: str = "pass") -> str:
    return CLOCKED.format(module=module, own=own, main=main)


def test_where_one_reads_a_clock_all_keep_one(texts: Texts) -> None:
    assert texts(clocked(), SENDER.format(own="pass")) == ["1"]


def test_so_they_do_where_only_an_imported_module_reads_it(texts: Texts) -> None:
    reading = "class Reader(process):\n    def run():\n        output(logical_time())\n"
    text = "from other_for_program import Reader\ndef main():\n    start(new(Reader, ()))\n"
    assert texts(text, reading) == ["0"]


def test_without_a_reader_nobody_keeps_one(loaded: Loaded) -> None:
    assert clock_of(config_of(loaded("def main():\n    output(1)\n"))) is None


def test_the_clock_that_is_configured_comes_first(texts: Texts) -> None:
    vector = "config(clock='vector')"
    stamp = "((Sender-2, 1),)"
    for text in (clocked(main=vector), clocked(module=vector)):
        expected = stamp if text == clocked(main=vector) else "1"
        assert texts(text, SENDER.format(own="pass")) == [expected]
    assert texts(clocked(), SENDER.format(own=vector)) == [stamp]
    assert texts(clocked(main=vector), SENDER.format(own="config(clock='lamport')")) == [stamp]
    assert texts(clocked(main=vector), SENDER.format(own="pass"), clock="lamport") == ["1"]


LEVELS = """\
from other_for_program import Base
config(handling='one')
class P(process):
    pass
class Q(P):
    config(handling='all')
class R(Q):
    pass
class S(Base):
    pass
class T(Q, Base):
    pass
def main():
    output(1)
"""
BASE = """\
config(handling='all')
class Base(process):
    pass
"""


def one_at_a_time(module: ModuleType, **given: Any) -> str:
    """The classes whose processes take one message at a time."""
    stage = Stage(config=config_of(module, given))
    classes = [getattr(module, name) for name in "PQRST"]
    made = [cls(ProcessId("P", (1,)), ProcessId("main", ()), stage) for cls in classes]
    return "".join(type(each).__name__ for each in made if each.one_at_a_time_)


@pytest.mark.parametrize("what", ["Base", "*"])
def test_a_class_comes_before_its_module_and_that_before_the_modules_of_bases(
    loaded: Loaded, what: str
) -> None:
    assert one_at_a_time(loaded(LEVELS.replace("import Base", f"import {what}"), BASE)) == "PS"


def test_main_comes_before_classes_and_the_command_line_before_main(loaded: Loaded) -> None:
    module = loaded(LEVELS + "    config(handling='one')\n", BASE)
    assert one_at_a_time(module) == "PQRST"
    assert one_at_a_time(module, handling="all") == ""


CHANNELS = """\
config(channel='fifo', from_=Sender)
config(channel='unfifo', from_=Sender, to=Receiver)
config(channel='fifo', to=Other)
class Other(process):
    pass
class Receiver(process):
    def setup(n):
        self.got = []
    def receive(msg=k):
        got.append(k)
    def run():
        await(len(got) == n)
        output(got == sorted(got))
class Late(Receiver):
    pass
class Sender(process):
    {own}
    def setup(r):
        pass
    def run():
        for k in range(50):
            send(k, to=r)
def main():
    {main}
    for cls in (Receiver, Late):
        r = new(cls, (50,))
        start(r)
        start(new(Sender, (r,)))
"""


@pytest.mark.parametrize(
    ("own", "main", "ordered"),
    [
        ("pass", "pass", ["False", "False"]),
        ("config(channel='fifo', to=Late)", "pass", ["False", "True"]),
        ("config(channel='fifo')", "pass", ["True", "True"]),
        ("config(channel='fifo')", "config(channel='unfifo', to=Receiver)", ["False", "False"]),
        ("pass", "config(channel='fifo'); config(channel='unfifo', to=Late)", ["False", "True"]),
    ],
)
def test_narrowed_channels_add_up_and_a_general_one_hides_those_of_lower_levels(
    texts: Texts, own: str, main: str, ordered: list[str]
) -> None:
    assert sorted(texts(CHANNELS.format(own=own, main=main))) == ordered

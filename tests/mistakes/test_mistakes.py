"""The commonest mistakes: one error each, at the right text, whose help is the edit to make."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from quorate.compiler.passes import analyse, translate
from quorate.lang.diagnostics import QuorateSyntaxError
from quorate.lang.source import Source
from running import run


@dataclass(frozen=True)
class Mistake:
    """A program with `wrong` in place of `right`: the code, the caret's text, part of the help.

    `frame` has `{}` where the two stand.
    """

    name: str
    code: str
    wrong: str
    right: str
    caret: str
    help: str
    frame: str


MAIN = """\
class P(process):
    def setup(limit, peers=()):
        self.count = 0
    def run():
        output(limit, count)
def main():
    ps = new(P, num=2)
    p = new(P)
    {}
"""
RUN = """\
class P(process):
    def setup(ballot, peers):
        self.votes = set()
    def run():
        {}
    def receive(msg=('vote', v), from_=q):
        votes.add((v, q))
def main():
    p = new(P, (1, set()))
    start(p)
    send(('vote', 1), to=p)
"""
BODY = """\
class P(process):
    def setup(values=()):
        self.seen = 0
    {}
def main():
    p = new(P, ([1, 2],))
    start(p)
    send(('go', 1), to=p)
"""
SETUP = """\
class P(process):
    def setup(values):
        {}
    def run(): output(first)
def main():
    start(new(P, ([1, 2],)))
"""
CONFIG = """\
{}
class P(process):
    def run(): output('done')
def main():
    start(new(P, num=2))
"""

EARLY = [
    Mistake(
        "misspelled _m in a pattern",
        "Q012",
        "await(some(received(('vote', _balot))))",
        "await(some(received(('vote', _ballot))))",
        "_balot",
        "did you mean `_ballot`?",
        RUN,
    ),
    Mistake(
        "setup without the comma",
        "Q084",
        "setup(p, (5))\n    start(p)",
        "setup(p, (5,))\n    start(p)",
        "5",
        "(5,)",
        MAIN,
    ),
    Mistake(
        "setup with the processes themselves",
        "Q084",
        "setup(ps, (ps))\n    start(ps)",
        "setup(ps, (ps,))\n    start(ps)",
        "ps",
        "(ps,)",
        MAIN,
    ),
    Mistake(
        "too few arguments of setup",
        "Q085",
        "setup(ps, ())\n    start(ps)",
        "setup(ps, (1, ps))\n    start(ps)",
        "()",
        "setup(ps, (limit, peers))",
        MAIN,
    ),
    Mistake(
        "too many arguments of new",
        "Q085",
        "start(new(P, (1, ps, 3)))",
        "start(new(P, (1, ps)))",
        "(1, ps, 3)",
        "new(P, (limit, peers))",
        MAIN,
    ),
    Mistake(
        "a list for one list parameter",
        "Q085",
        "def run(): output(*values)\ndef more():\n    start(new(P, [1, 2]))",
        "def run(): output(*values)\ndef more():\n    start(new(P, ([1, 2],)))",
        "[1, 2]",
        "([1, 2],)",
        BODY,
    ),
    Mistake(
        "send without to",
        "Q080",
        "send(('vote', 2))",
        "send(('vote', 2), to=self)",
        "send(('vote', 2))",
        "send(('vote', 2), to=p)",
        RUN,
    ),
    Mistake(
        "send with another to",
        "Q080",
        "send(('vote', 2), To=self)",
        "send(('vote', 2), to=self)",
        "To=self",
        "did you mean `to=`?",
        RUN,
    ),
    Mistake(
        "send with a misspelled to",
        "Q080",
        "send(('vote', 2), too=self)",
        "send(('vote', 2), to=self)",
        "too=self",
        "did you mean `to=`?",
        RUN,
    ),
    Mistake(
        "send to None",
        "Q083",
        "send(('vote', 2), to=None)",
        "send(('vote', 2), to=self)",
        "None",
        "`to=` takes a process",
        RUN,
    ),
    Mistake(
        "send to a number",
        "Q083",
        "send(('vote', 2), to=3)",
        "send(('vote', 2), to=self)",
        "3",
        "`to=` takes a process",
        RUN,
    ),
    Mistake(
        "an unknown name in run",
        "Q010",
        "output(len(votse))",
        "output(len(votes))",
        "votse",
        "did you mean `votes`?",
        RUN,
    ),
    Mistake(
        "an unknown name in an await",
        "Q010",
        "await(len(votse) > 0)",
        "await(len(votes) > 0)",
        "votse",
        "did you mean `votes`?",
        RUN,
    ),
    Mistake(
        "receive without msg",
        "Q031",
        "def run():\n        await(seen > 0)\n    def receive(from_=p): self.seen += 1",
        "def run():\n        await(seen > 0)\n    def receive(msg=_, from_=p): self.seen += 1",
        "def receive(from_=p): self.seen += 1",
        "`msg=_` for any message",
        BODY,
    ),
    Mistake(
        "an unknown keyword in receive",
        "Q030",
        "def run():\n        await(seen)\n    def receive(msg=('go', n), frm=p): self.seen += n",
        "def run():\n        await(seen)\n    def receive(msg=('go', n), from_=p): self.seen += n",
        "frm",
        "did you mean `from_=`?",
        BODY,
    ),
    Mistake(
        "a setup with self",
        "Q013",
        "def run(): output(step(1))\n    def step(self, a): return a",
        "def run(): output(step(1))\n    def step(a): return a",
        "self",
        "write `def step(a)`",
        BODY,
    ),
    Mistake(
        "await with a time limit by name",
        "Q040",
        "await(len(votes) > 3, timeout=0.01)",
        "if await(len(votes) > 3): pass\n        elif timeout(0.01): pass",
        "timeout=0.01",
        "if await(len(votes) > 3): ...\n    elif timeout(0.01): ...",
        RUN,
    ),
    Mistake(
        "await with a time limit",
        "Q040",
        "await(len(votes) > 3, 0.01)",
        "if await(len(votes) > 3): pass\n        elif timeout(0.01): pass",
        "0.01",
        "if await(len(votes) > 3): ...\n    elif timeout(0.01): ...",
        RUN,
    ),
    Mistake(
        "a misspelled value of config",
        "Q071",
        "config(channel='reliabel')",
        "config(channel='reliable')",
        "'reliabel'",
        "did you mean 'reliable'?",
        CONFIG,
    ),
    Mistake(
        "a misspelled key of config",
        "Q070",
        "config(handlng='one')",
        "config(handling='one')",
        "handlng='one'",
        "did you mean `handling`?",
        CONFIG,
    ),
    Mistake(
        "while await with else",
        "Q041",
        "while await(votes): break\n        else: output('no')",
        "while await(votes): break\n        elif timeout(9): output('no')",
        "output('no')",
        "elif timeout(0): ...",
        RUN,
    ),
    Mistake(
        "while await without a condition",
        "Q041",
        "while await: output(votes)",
        "while await(votes):\n            output(votes)\n            break",
        "while await",
        "while await(c): ...",
        RUN,
    ),
    Mistake(
        "while await with more than the await",
        "Q041",
        "while await(votes) and True: break",
        "while await(votes): break",
        "await(votes) and True",
        "while await(c): ...",
        RUN,
    ),
    Mistake(
        "a condition among the domains of each",
        "Q061",
        "output(each(x in votes, x > 2))",
        "output(each(x in votes, has=x > 2))",
        "x > 2",
        "write `has=x > 2`",
        RUN,
    ),
    Mistake(
        "has inside received",
        "Q063",
        "await(some(received(('vote', n), has=n > 0)))",
        "await(some(received(('vote', n)), has=n > 0))",
        "has=n > 0",
        "some(received(...), has=...)",
        RUN,
    ),
    Mistake(
        "a misspelled _m in a handler",
        "Q012",
        "def receive(msg=('go', _sen)): output('go')",
        "def receive(msg=('go', _seen)): output('go')",
        "_sen",
        "did you mean `_seen`?",
        BODY,
    ),
    Mistake(
        "a handler that is called otherwise",
        "Q037",
        "def recieve(msg=('go', n)): output(n)",
        "def receive(msg=('go', n)): output(n)",
        "recieve",
        "did you mean `receive`?",
        BODY,
    ),
    Mistake(
        "a name in a plain condition",
        "Q010",
        "await(received(('vote', n)))",
        "await(some(received(('vote', n))))",
        "n",
        "or `some(received(('vote', n)))` to bind it",
        RUN,
    ),
    Mistake(
        "a variable where a field was meant",
        "Q010",
        "def run(): output(first)\n    def begin(): first = values[0]",
        "def run(): output(first)\n    def begin(): self.first = values[0]",
        "first",
        "write `self.first = values[0]` there",
        BODY,
    ),
    Mistake(
        "a variable that is only changed",
        "Q010",
        "vots += 1",
        "self.votes |= {1}",
        "vots",
        "did you mean `votes`?",
        RUN,
    ),
    Mistake(
        "break outside of a loop, where the process may wait",
        "Q003",
        "-- here\n        break",
        "-- here\n        return",
        "break",
        "a function is left by `return`",
        RUN,
    ),
    Mistake(
        "has twice",
        "Q003",
        "output(some(v in votes, has=v[0] > 1, has=v[0] < 3))",
        "output(some(v in votes, has=v[0] > 1 and v[0] < 3))",
        "has=v[0] < 3",
        "`has=a and b`",
        RUN,
    ),
    Mistake(
        "a condition instead of a domain",
        "Q060",
        "output(some(received(('vote', n)) and n > 3))",
        "output(some(received(('vote', n)), has=n > 3))",
        "some(received(('vote', n)) and n > 3)",
        "write `some(received(('vote', n)), has=n > 3)`",
        RUN,
    ),
    Mistake(
        "a misspelled base",
        "Q010",
        "class Q(proces):\n    def run(): output('done')",
        "class Q(process):\n    def run(): output('done')",
        "proces",
        "did you mean `process`?",
        CONFIG,
    ),
]

LATE = [
    Mistake(
        "setup with the processes, in a variable",
        "Q084",
        "qs = list(ps)[:1] + [p]; rs = set(qs)\n    setup(rs, (rs))\n    start(rs)",
        "qs = list(ps)[:1] + [p]; rs = set(qs)\n    setup(rs, (rs,))\n    start(rs)",
        "setup(rs, (rs))",
        "one argument needs a comma after it: `setup(p, (x,))`",
        MAIN,
    ),
    Mistake(
        "too many arguments of setup, in a variable",
        "Q085",
        "args = (1, ps, 3)\n    setup(ps, args)\n    start(ps)",
        "args = (1, ps)\n    setup(ps, args)\n    start(ps)",
        "setup(ps, args)",
        "write `setup(p, (limit, peers))`",
        MAIN,
    ),
    Mistake(
        "too few arguments of new, in a variable",
        "Q085",
        "args = []\n    start(new(P, args))",
        "args = [1]\n    start(new(P, args))",
        "start(new(P, args))",
        "write `setup(p, (limit, peers))`",
        MAIN,
    ),
    Mistake(
        "send to None, in a variable",
        "Q083",
        "leader = max(votes, default=None)\n        send(('vote', 2), to=leader)",
        "leader = max(votes, default=self)\n        send(('vote', 2), to=leader)",
        "send(('vote', 2), to=leader)",
        "`to=` takes a process",
        RUN,
    ),
    Mistake(
        "send to a set with a number in it",
        "Q083",
        "send(('vote', 2), to={self, 3})",
        "send(('vote', 2), to={self})",
        "send(('vote', 2), to={self, 3})",
        "`to=` takes a process",
        RUN,
    ),
    Mistake(
        "start without setup",
        "Q101",
        "start(p)",
        "setup(p, (1,))\n    start(p)",
        "start(p)",
        "before it, write `setup(p, (limit,))`",
        MAIN,
    ),
    Mistake(
        "an exception in run",
        "Q100",
        "output({}['alice'])",
        "output({'alice': 1}['alice'])",
        "output({}['alice'])",
        "",
        RUN,
    ),
    Mistake(
        "an exception in run, after an await",
        "Q100",
        "await(votes)\n        output(1 / 0)",
        "await(votes)\n        output(1 / 1)",
        "output(1 / 0)",
        "",
        RUN,
    ),
    Mistake(
        "an exception in a handler",
        "Q100",
        "def run():\n        await(seen > 0)\n    def receive(msg=('go', n)):\n"
        "        self.seen = values[7]",
        "def run():\n        await(seen > 0)\n    def receive(msg=('go', n)):\n"
        "        self.seen = values[n]",
        "self.seen = values[7]",
        "",
        BODY,
    ),
    Mistake(
        "an exception in a handler that waits",
        "Q100",
        "def run():\n        await(seen > 0)\n    def receive(msg=('go', n)):\n"
        "        -- now\n        self.seen = values[7]",
        "def run():\n        await(seen > 0)\n    def receive(msg=('go', n)):\n"
        "        -- now\n        self.seen = values[n]",
        "self.seen = values[7]",
        "",
        BODY,
    ),
    Mistake(
        "an exception in setup",
        "Q100",
        "self.first = values[7]",
        "self.first = values[0]",
        "self.first = values[7]",
        "",
        SETUP,
    ),
    Mistake(
        "an exception in main",
        "Q100",
        "setup(ps, (1,))\n    start(ps)\n    output(max(()))",
        "setup(ps, (1,))\n    start(ps)\n    output(max((1,)))",
        "output(max(()))",
        "",
        MAIN,
    ),
]


def program(mistake: Mistake, text: str) -> str:
    return mistake.frame.replace("{}", text)


def compiled(text: str) -> None:
    translate(analyse(Source("prog.da", text), lambda name, level: None))


@pytest.mark.parametrize("mistake", EARLY, ids=lambda mistake: mistake.name)
def test_found_by_the_compiler(mistake: Mistake) -> None:
    with pytest.raises(QuorateSyntaxError) as raised:
        compiled(program(mistake, mistake.wrong))
    [item] = raised.value.diagnostics
    assert item.code == mistake.code
    assert item.source.segment(item.span) == mistake.caret
    assert mistake.help in (item.help or "")


@pytest.mark.parametrize("mistake", [*EARLY, *LATE], ids=lambda mistake: mistake.name)
def test_the_edit_compiles(mistake: Mistake) -> None:
    compiled(program(mistake, mistake.right))


@pytest.mark.parametrize("mistake", [*EARLY, *LATE], ids=lambda mistake: mistake.name)
def test_run(mistake: Mistake, tmp_path: Path) -> None:
    early = mistake in EARLY
    done = run(tmp_path, program(mistake, mistake.wrong))
    assert done.status == (2 if early else 1), done.err
    assert done.err.count("error[") == 1
    assert done.err.startswith(f"error[{mistake.code}]: ")
    text = program(mistake, mistake.wrong)
    place = text.index(mistake.caret, text.index(mistake.wrong))
    number = text.count("\n", 0, place) + 1
    assert (f"prog.da:{number}:" if early else f'prog.da", line {number}, in') in done.err
    if mistake.help:
        assert "= help: " in done.err
        assert mistake.help.split("\n")[0] in done.err


@pytest.mark.parametrize("mistake", LATE, ids=lambda mistake: mistake.name)
def test_after_the_edit_it_runs(mistake: Mistake, tmp_path: Path) -> None:
    done = run(tmp_path, program(mistake, mistake.right), "--quiet")
    assert (done.status, done.err) == (0, "")

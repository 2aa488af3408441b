"""The words of the language: what each takes, for the parser and for whoever explains them."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from quorate.lang.diagnostics import Diagnostics, nearest


@dataclass(frozen=True)
class Signature:
    """How a word is called: number of positional arguments (None: any), keywords, an example."""

    least: int
    most: int | None
    keywords: tuple[str, ...]
    example: str
    open: bool = False  # takes further keywords


RATES = ("send", "receive", "hang", "crash")
SEND = ("to", "channel", "noclock", "impersonate", "flags")
NEW = ("args", "num", "at", "method", "daemon", *RATES)

WORDS: dict[str, Signature] = {
    "send": Signature(1, 1, SEND, "send(('tag', value), to=p)"),
    "output": Signature(0, None, ("sep", "level", "end"), "output('text', value)"),
    "debug": Signature(0, None, ("sep", "level"), "debug('text', value)"),
    "error": Signature(0, None, ("sep", "level"), "error('text', value)"),
    "new": Signature(1, 4, NEW, "new(P, (x, y), num=3)"),
    "setup": Signature(1, 2, ("args",), "setup(ps, (x, y))", True),
    "start": Signature(1, 2, ("args",), "start(ps)"),
    "end": Signature(1, 2, (), "end(ps)"),
    "exit": Signature(0, 1, (), "exit()"),
    "parent": Signature(0, 0, (), "parent()"),
    "nodeof": Signature(1, 1, (), "nodeof(p)"),
    "nameof": Signature(1, 1, (), "nameof(p)"),
    "resolve": Signature(1, 1, (), "resolve('name')"),
    "work": Signature(0, 0, (), "work()"),
    "hanged": Signature(0, 0, (), "hanged()"),
    "reset": Signature(0, 1, (), "reset(received)"),
    "logical_clock": Signature(0, 0, (), "logical_clock()"),
    "logical_time": Signature(0, 0, (), "logical_time()"),
    "incr_logical_clock": Signature(0, 0, (), "incr_logical_clock()"),
    "timeout": Signature(1, 1, (), "elif timeout(3): ..."),
    "invoke": Signature(1, None, (), "invoke('put', key, value)"),
    "returned": Signature(0, 1, (), "returned(value)"),
    "failed": Signature(0, 0, (), "failed()"),
    "unknown": Signature(0, 0, (), "unknown()"),
}
"""Words that stand like calls of functions. A program may use any of them as a name of its own."""

OPERATIONS = frozenset({"invoke", "returned", "failed", "unknown"})
"""Words for operations of clients: they are called, and mean nothing where they are not."""

SUSPENDING = frozenset({"work", "hanged"})
COLLECTING = ("setof", "listof", "tupleof", "dictof", "lenof", "countof")
AGGREGATING = ("sumof", "minof", "maxof", "prodof")
QUANTIFYING = ("some", "each")
QUERIES = frozenset((*COLLECTING, *AGGREGATING, *QUANTIFYING))
HISTORIES = frozenset({"received", "sent"})
HANDLERS = {"receive": "received", "sent": "sent"}
RESERVED = QUERIES | HISTORIES
"""Names that always mean what the language says."""


def word_method(word: str) -> str:
    """The method of a process behind a word."""
    if word in OPERATIONS:
        return f"{word}_"
    return "set_up_processes" if word == "setup" else word


def check_call(word: str, call: ast.Call, found: Diagnostics) -> None:
    """Report a call of a word that its signature does not admit."""
    signature = WORDS[word]
    given = len(call.args)
    unknown = [] if signature.open else _unknown(call, signature)
    if word == "send":
        _check_send(call, unknown, found)
        return
    _report_unknown(word, unknown, found)
    starred = any(isinstance(arg, ast.Starred) for arg in call.args)
    too_few = given < signature.least and not unknown  # the first may be named
    too_many = signature.most is not None and given > signature.most
    if not starred and (too_few or too_many):
        takes = _count(signature)
        help = f"it is written `{signature.example}`"
        message = f"`{word}` takes {takes}, and is given {given}"
        found.error("Q087" if word in MAKING else "Q091", message, call, help=help)
    elif word in {"new", "setup", "start"}:
        for keyword in call.keywords:
            if keyword.arg in signature.keywords[: given - 1]:
                message = f"a second argument `{keyword.arg}=`"
                found.error("Q087", message, keyword, help="keep one of them")
        if given >= 2 and (word == "setup" or ast.unparse(call.args[1]) != "None"):
            _check_arguments(call.args[1], found)


def _unknown(call: ast.Call, signature: Signature) -> list[ast.keyword]:
    return [k for k in call.keywords if k.arg is not None and k.arg not in signature.keywords]


def _report_unknown(word: str, unknown: list[ast.keyword], found: Diagnostics) -> None:
    for keyword in unknown:
        near = nearest(str(keyword.arg), WORDS[word].keywords)
        help = f"did you mean `{near}=`?" if near else f"it is written `{WORDS[word].example}`"
        message = f"`{word}` has no keyword `{keyword.arg}`"
        found.error("Q082", message, keyword, help=help)


MAKING = frozenset({"new", "setup", "start", "end"})


def _count(signature: Signature) -> str:
    if signature.most is None:
        return f"at least {signature.least} argument{'s' * (signature.least != 1)}"
    if signature.least == signature.most:
        number = signature.least
        return "no arguments" if number == 0 else f"{number} argument{'s' * (number > 1)}"
    return f"{signature.least} to {signature.most} arguments"


def _check_send(call: ast.Call, unknown: list[ast.keyword], found: Diagnostics) -> None:
    to = next((k.value for k in call.keywords if k.arg == "to"), None)
    like = sorted(unknown, key=lambda keyword: nearest(str(keyword.arg), ["to"]) is None)
    meant = like[0] if like and to is None else None
    _report_unknown("send", [k for k in unknown if k is not meant], found)
    if any(k.arg is None for k in call.keywords):
        return
    if len(call.args) != 1:
        what = found.source.phrase(call.args[0]) if call.args else "message"
        help = f"write `send({what}, to=...)`; a message of several parts is a tuple"
        found.error("Q081", "`send` takes one message, and `to=`", call, help=help)
    elif to is None:
        message = "`send` without `to=`: nobody would get the message"
        place: ast.AST = call
        help = f"write `send({found.source.phrase(call.args[0])}, to=p)`"
        if meant is not None:
            place = meant
            help = "did you mean `to=`?"
        found.error("Q080", message, place, help=help)
    elif isinstance(to, ast.Constant) and not isinstance(to.value, str):
        what = found.source.phrase(to)
        message = f"a message is sent to `{what}`, which is not a process"
        help = "`to=` takes a process, a name, or a set or list of them"
        found.error("Q083", message, to, help=help)


def _check_arguments(args: ast.expr, found: Diagnostics) -> None:
    """The arguments of a setup: a display that cannot be a tuple of them."""
    shapes = (ast.Constant, ast.Set, ast.JoinedStr, ast.BinOp, ast.Lambda, ast.SetComp)
    if isinstance(args, ast.BinOp) and isinstance(args.op, (ast.Add, ast.Mult)):
        return  # of tuples, perhaps
    if isinstance(args, shapes):
        text = found.source.phrase(args)
        help = f"one argument needs a comma after it: `({text},)`"
        found.error("Q084", "the arguments of a setup are a tuple", args, help=help)

"""What a program gives to the words of the language, checked while it runs.

Each function answers its argument in the form the core uses, or raises ProgramError with the
place of the edit in mind: what was given, what is wanted. The compiler reports the same where
it is plain to see.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.core.ordering import in_order

METHODS = (None, "process", "thread")
RATES = ("send", "receive", "hang", "crash")


def described(value: Any) -> str:
    """A value as part of a sentence: `None`, `an int: 3`."""
    if value is None:
        return "None"
    kind, text = type(value).__name__, repr(value)
    shown = text if len(text) <= 60 else f"{text[:60]}..."
    return f"a{'n' * (kind[0] in 'aeiouAEIOU')} {kind}: {shown}"


def ids_of(processes: Any, word: str) -> list[ProcessId]:
    """The processes given to `setup`, `start` or `end`: one id, or an iterable of them."""
    alone = isinstance(processes, (ProcessId, str)) or not isinstance(processes, Iterable)
    found = [processes] if alone else list(in_order(processes))
    for member in found:
        id_of(member, word)
    return found


def id_of(process: Any, word: str) -> ProcessId:
    """The one process given to a word."""
    if not isinstance(process, ProcessId):
        raise ProgramError(
            "Q104",
            f"`{word}` takes a process, and is given {described(process)}",
            f"give it what `new` answered: `{word}(p{', ...' * (word == 'setup')})`",
        )
    return process


def no_destination(to: Any) -> ProgramError:
    return ProgramError(
        "Q083",
        f"a message is sent to {described(to)}, which is not a process",
        "`to=` takes a process, a name, or a set or list of them",
    )


class MalformedNode(KeyError):
    """What is neither the name of a node nor its name and address: why, and what to write."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


def no_node(at: Any, nodes: Iterable[str], error: KeyError) -> ProgramError:
    """`at=` says a node that is not known; `nodes` are, none where a run has one only."""
    if isinstance(error, MalformedNode):
        return ProgramError("Q089", f"`at={at!r}`: {error.message}", error.help)
    return ProgramError(
        "Q089",
        f"`at={at!r}`: no node of that name is part of this run",
        f"begin it with `quorate run -n NAME -D`; {known}"
        if (known := _known_nodes(nodes))
        else "leave `at` out: this run has one node",
    )


def no_name(name: Any, nodes: Iterable[str]) -> ProgramError:
    help = "names are given by `new(P, num=[...])`"
    known = _known_nodes(nodes)
    return ProgramError(
        "Q108", f"no process is named {name!r}", f"{help}; {known}" if known else help
    )


def _known_nodes(nodes: Iterable[str]) -> str:
    names = sorted(nodes)
    return f"the nodes known here are {', '.join(names)}" if names else ""


def names_of(num: Any) -> list[str]:
    """The names for the processes that `num=` asks for; "" for each that has none."""
    if num is None:
        return [""]
    if isinstance(num, int) and not isinstance(num, bool) and num >= 0:
        return [""] * num
    if isinstance(num, Iterable) and not isinstance(num, (str, bytes)):
        names = list(in_order(num))
        if all(isinstance(name, str) and name for name in names):
            return names
    raise ProgramError(
        "Q088",
        f"`num=` takes a number of processes or their names, and is given {described(num)}",
        "write a whole number, or a list of names: `num=['alice', 'bob']`",
    )


def check_options(method: Any, rates: Mapping[str, Any]) -> None:
    """The further arguments of `new`."""
    if unknown := sorted(set(rates) - {*RATES}):
        raise ProgramError(
            "Q082", f"`new` has no argument `{unknown[0]}`", f"it has {', '.join(sorted(RATES))}"
        )
    if method not in METHODS:
        raise ProgramError(
            "Q092",
            f"`method=` cannot be {described(method)}",
            "write `method='process'` or `method='thread'`, or leave it out",
        )
    for name, rate in rates.items():
        if not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise ProgramError(
                "Q092",
                f"`{name}=` cannot be {described(rate)}",
                f"write a number from 0 to 1: `{name}=0.01` means one time in a hundred",
            )


def arguments_of(args: Any) -> tuple[Any, ...]:
    """The arguments given to a setup together."""
    if isinstance(args, (tuple, list)):
        return tuple(args)
    raise ProgramError(
        "Q084",
        f"the arguments of a setup are a tuple; this is {described(args)}",
        "one argument needs a comma after it: `setup(p, (x,))`",
    )


_signatures: WeakKeyDictionary[Any, inspect.Signature] = WeakKeyDictionary()


def _signature_of(setup: Any) -> inspect.Signature:
    """The signature of a setup, found once: finding it costs more than all else in `new`."""
    found = _signatures.get(setup)
    if found is None:
        found = _signatures[setup] = inspect.signature(setup)
    return found


def check_setup(process: ProcessId, cls: type[Any], args: Any, kwargs: Mapping[str, Any]) -> None:
    """Whether the setup of a process's class takes these arguments."""
    signature = _signature_of(cls.setup)
    try:
        signature.bind(None, *args, **kwargs)
    except TypeError as mismatch:
        names = list(signature.parameters)[1:]
        takes = f"({', '.join(names)}{',' * (len(names) == 1)})"
        given = ", ".join([*map(repr, args), *(f"{name}=..." for name in kwargs)])
        given += "," * (len(args) == 1 and not kwargs)
        help = f"write `setup(p, {takes})`"
        if len(names) == 1 and len(args) > 1 and not kwargs:
            help = f"one argument that is a list or a tuple is written `({list(args)!r},)`"
        raise ProgramError(
            "Q085",
            f"setup of {process!r} takes {takes} and is given ({given}): {mismatch}",
            help,
        ) from None


def check_start(process: ProcessId, cls: type[Any]) -> None:
    """Whether a process that was not set up may be started all the same."""
    parameters = list(_signature_of(cls.setup).parameters.values())[1:]
    needed = [p.name for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL]
    if needed:
        raise ProgramError(
            "Q101",
            f"{process!r} is started, and has not been set up: setup takes {', '.join(needed)}",
            f"before it, write `setup(p, ({', '.join(needed)}{',' * (len(needed) == 1)}))`",
        )


def begun_already(process: ProcessId, word: str) -> ProgramError:
    """For a process that its maker has started before."""
    if word == "setup":
        help = "set it up before `start(p)`, or send it a message instead"
        return ProgramError("Q102", f"{process!r} is set up after it was started", help)
    help = "take one of the two calls of `start` away, or make another process by `new`"
    return ProgramError("Q103", f"{process!r} is started twice", help)


def cannot_wait(name: str) -> ProgramError:
    """For a yield point of the method `name`, reached by a call that cannot be suspended."""
    return ProgramError(
        "Q115",
        f"`{name}` waits, and is called where nothing can wait",
        f"call it from a method or a function of the program: `x = {name}(...)`; queries,"
        " conditions, and what a library calls are done at once",
    )


def check_mixed_in(init: Callable[..., None]) -> None:
    """Whether the `__init__` of a mix-in can be called without arguments."""
    try:
        inspect.signature(init).bind(None)
    except ValueError:  # one of Python's own that does not say
        return
    except TypeError as mismatch:
        raise ProgramError(
            "Q026",
            f"`{init.__qualname__}` of a mix-in is called without arguments: {mismatch}",
            "give its parameters default values, or take what it needs from fields in `setup`",
        ) from None


def extends_unseen(cls: type[Any]) -> ProgramError:
    """For a process class that the compiler has taken for an ordinary one."""
    return ProgramError(
        "Q116",
        f"`{cls.__name__}` extends a process class, which cannot be seen where it is defined",
        f"add `process` to its bases: `class {cls.__name__}(..., process)`",
    )


def name_taken(name: str, owner: ProcessId) -> ProgramError:
    """For a name that another process of the run has."""
    return ProgramError(
        "Q109",
        f"the name {name!r} is given twice: {owner!r} has it already",
        "give each process of the run a name of its own in `new(P, num=[...])`",
    )


def check_shown(sep: Any, end: Any, level: Any) -> None:
    """How values are to be shown."""
    for name, value, kind in (("sep", sep, str), ("end", end, str), ("level", level, int)):
        if not isinstance(value, kind):
            raise ProgramError(
                "Q091",
                f"`{name}=` cannot be {described(value)}",
                "write a string" if kind is str else "write a number: 10 debug, 20 info, 40 error",
            )


def seconds_of(limit: Any, word: str) -> float:
    """A time to wait, in seconds."""
    try:
        seconds = float(limit)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if isinstance(limit, (str, bytes)) or math.isnan(seconds):
        raise ProgramError(
            "Q112",
            f"`{word}` takes a number of seconds, and is given {described(limit)}",
            f"write a number: `{word}(2)`, `{word}(0.5)`",
        )
    if word == "sleep" and seconds < 0:
        raise ValueError("sleep length must be non-negative")
    return seconds

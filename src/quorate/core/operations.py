"""Operations of clients, for whoever judges them: a process is one client, with one at a time.

Invariant: what is recorded of an operation are values of JSON, and nobody can change them any more.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from quorate.core import effects as fx
from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.core.messages import PLAIN
from quorate.core.mistakes import described
from quorate.core.ordering import in_order

DEPTH_MAX = 100
"""How deep lists and tables may be nested."""

BITS_MAX = 1024
"""Of whole numbers: longer ones, not everyone reads."""


class Event(NamedTuple):
    """An operation of `client` begins or ends; `time` is in seconds, as the world has it."""

    client: ProcessId
    operation: fx.Operation
    time: float
    step: int


class _NotPlain(Exception):
    """JSON has no such value."""


def plain(word: str, value: Any) -> Any:
    """A copy of `value`, which `word` is given, as JSON has it. Raises ProgramError (Q124).

    Tuples become lists, sets lists in order, and a process its name.
    """
    try:
        return _plain(value, DEPTH_MAX)
    except _NotPlain as found:
        raise ProgramError(
            "Q124",
            f"`{word}` is given {described(found.args[0])}, which no history can hold",
            "give numbers, strings, None, True, False, processes, and tuples, lists and sets of"
            " them, or dictionaries whose keys are strings",
        ) from None


def _plain(value: Any, depth: int) -> Any:
    kind = PLAIN.get(type(value), type(value))
    if value is None or kind is bool:
        return value
    if kind is int and value.bit_length() <= BITS_MAX:
        return value
    if kind is float and math.isfinite(value):
        return value
    if kind is str and not any("\ud800" <= each <= "\udfff" for each in value):
        return value
    if kind is ProcessId:
        return repr(value)
    if kind in (tuple, list, set, frozenset) and depth:
        return [_plain(each, depth - 1) for each in in_order(value)]
    if kind is dict and depth and all(type(key) is str for key in value):
        return {_plain(key, 1): _plain(each, depth - 1) for key, each in value.items()}
    raise _NotPlain(value)


def already_open(operation: str, begun: str) -> ProgramError:
    """For an operation that is invoked while another has not ended."""
    return ProgramError(
        "Q123",
        f"`{operation}` is invoked, and `{begun}` has not ended",
        "say how it ended: `returned(value)`, `failed()`, or `unknown()` if nobody knows; let"
        " processes of their own do what is to overlap",
    )


def none_open(word: str) -> ProgramError:
    """For the end of an operation that was not begun."""
    return ProgramError(
        "Q123",
        f"`{word}` says how an operation has ended, and none is under way",
        "write `invoke('name', ...)` before it begins, and its end once",
    )


def name_of(operation: Any) -> str:
    """The name that an operation is invoked by."""
    if isinstance(operation, str) and operation:
        return plain("invoke", operation)  # type: ignore[no-any-return]
    raise ProgramError(
        "Q124",
        f"`invoke` takes the name of an operation, and is given {described(operation)}",
        "write its name first, and then its arguments: `invoke('put', key, value)`",
    )

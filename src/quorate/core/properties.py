"""Properties as compiled: what is asked of all processes, so that little is asked again.

A property is taken apart into questions for what it must not find (`always`, `eventually`) or is
to find (`sometimes`). After a step, only those are asked in which the process that took it has a
part, with that part bound to it, or to its new messages alone: semi-naive evaluation (Bancilhon,
1986) over processes. Invariant: what was not asked again would be answered as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from quorate.core.containers import Sight
from quorate.core.frames import NOTHING, Read, read_now
from quorate.core.messages import is_fixed
from quorate.core.views import Rows

Members = Callable[[Any], Sequence[Any]]
"""The processes of a class."""


class Reading(NamedTuple):
    """What is read of a process: which fields, and whether its histories."""

    fields: tuple[str, ...] = ()
    histories: bool = False


class News(NamedTuple):
    """Asks in which answers new rows of the view `view` of `variable` take part.

    `find(processes, p_in, ..., rows)`, where the domain of `variable` is the one process.
    """

    variable: str
    view: str
    find: Callable[..., Iterable[tuple[Any, ...]]]


@dataclass(frozen=True, eq=False)
class Question:
    """`find(processes, p_in, q_in)`: what is so of processes of `over`, each as what `names` are.

    `reads` says what of a variable of `over` it reads, but for what `news` say; `inside` what of
    any process of a class.
    """

    find: Callable[..., Iterable[tuple[Any, ...]]]
    over: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    reads: Mapping[str, Reading] = field(default_factory=dict)
    inside: Sequence[tuple[Any, Reading]] = ()
    news: Sequence[News] = ()


@dataclass(frozen=True, eq=False)
class Property:
    """`kind` is always, sometimes, eventually or leads_to; `within` is in seconds, None for ever.

    It stands at `line` of the file of its questions, and `text` is what it says. Its `place` tells
    it from all others of the program, also where the program is loaded again.
    """

    kind: str
    name: str
    line: int
    text: str
    questions: Sequence[Question]
    within: float | None = None

    @property
    def file(self) -> str:
        return str(self.questions[0].find.__code__.co_filename)

    @property
    def place(self) -> tuple[str, int]:
        return self.file, self.line


@dataclass(frozen=True)
class Specification:
    """What the operations of all clients amount to: a guarantee, by a model.

    `guarantee` and `model` are names of quorate.consistency; a model may be a class too. It stands
    at `line` of `file`.
    """

    guarantee: str
    model: str | type
    file: str
    line: int


def read_of(process: Any, name: str) -> list[Read] | None:
    """A field as it is, so that a change can be told; None where it may change unseen."""
    value = process.__dict__.get(name, NOTHING)
    try:
        if type(value) is tuple and is_fixed(value):
            return [(process.__dict__, name, value)]
        return read_now(process.__dict__, name)
    except TypeError:  # it holds what belongs to the process alone
        return None


def newest(view: Rows, count: int) -> list[Any]:
    """The last `count` rows of a view of different rows, oldest first."""
    return list(islice(reversed(dict.values(view.rows)), count))[::-1]  # type: ignore[arg-type]


__all__ = [
    "Members",
    "News",
    "Property",
    "Question",
    "Reading",
    "Sight",
    "Specification",
    "newest",
    "read_of",
]

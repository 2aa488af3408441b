"""Whether a step was a stuttering step, which leaves a process as it was (L. Lamport, The Temporal
Logic of Actions, TOPLAS 16(3), 1994): that is told sooner than by freezing the process.

Invariant: what is said to be as it was is so, object by object; of a process that holds what is
not looked into, nothing is said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter, is_, itemgetter
from typing import Any

from quorate.core.containers import ObservedDict, ObservedList, ObservedSet
from quorate.core.frames import Frame
from quorate.core.freeze import LEFT_OUT, VIEWS, Frozen, at_first
from quorate.core.process import Process

_frame_of = attrgetter(*(name for name in Frame.__slots__ if name != "__dict__"))


def _of_mapping(mapping: dict[Any, Any]) -> tuple[Any, ...]:
    return (*mapping, *mapping.values())


def _of_frame(frame: Frame) -> tuple[Any, ...]:
    return (*_frame_of(frame), *vars(frame), *vars(frame).values())


INSIDE: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    **dict.fromkeys((list, set, deque, ObservedList, ObservedSet), tuple),
    **dict.fromkeys((dict, ObservedDict), _of_mapping),
    Frame: _of_frame,
}
"""What is in an object of these types. All else that a process may hold never changes, or is a
view, or such a process is not looked into."""

LOOKED_INTO = frozenset({"process", "list", "set", "deque", "dict", "frame"})
"""The definitions of those objects."""

_CONTAINERS = [name for name, first in at_first().items() if type(first) in INSIDE]


class Snapshot:
    """A process that has just been thawed from `state`, with the objects `made` for it."""

    __slots__ = (
        *("_count", "_empty", "_fields", "_inside", "_objects", "_own", "_views"),
        *("process", "state"),
    )

    def __init__(self, state: Frozen, made: list[Any]) -> None:
        process: Process = made[0]
        self.process, self.state = process, state
        self._count = 0  # of fields; 0 if nothing is said of the process
        own = vars(process)
        if own["clock_"] is None and LOOKED_INTO.issuperset([each[0] for each in state]):
            self._count, self._fields = len(own), _fields_of(tuple(own))
            self._own = self._fields(own)
            self._views = [(v, v.state(tuple)) for v in self._own if type(v) in VIEWS]
            found = [*made[1:], *[own[name] for name in _CONTAINERS]]
            self._empty = [each for each in found if not each]
            self._objects = [each for each in found if each]
            self._inside = [INSIDE[type(each)](each) for each in self._objects]

    def holds(self) -> bool:
        """Whether the process is as it was."""
        own = vars(self.process)
        if len(own) != self._count or any(self._empty):
            return False
        try:
            fields = self._fields(own)
        except KeyError:
            return False
        if not all(map(is_, self._own, fields)):
            return False
        for each, before in zip(self._objects, self._inside, strict=True):
            inside = INSIDE[type(each)](each)
            if len(inside) != len(before) or not all(map(is_, inside, before)):
                return False
        return all(view.state(tuple) == before for view, before in self._views)


@lru_cache(maxsize=1024)
def _fields_of(names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """Gives the values of the fields that are a part of the state."""
    return itemgetter(*[name for name in names if name not in LEFT_OUT])

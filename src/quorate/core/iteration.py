"""What a loop that crosses a yield point goes through: an iterator, kept in the frame.

Python's own iterator does it wherever it can be stored half-way; where it cannot, a twin of it
takes its place. Invariant: the loop sees the same members, at the same moments, as Python's own
loop would.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import GeneratorType
from typing import Any

from quorate.core.frames import Signal

END = Signal("END")
"""In place of a member, where there are no more."""

_NONE: dict[Any, Any] = {}
_KEYS, _VALUES, _ITEMS = type(_NONE.keys()), type(_NONE.values()), type(_NONE.items())
_SIZED = tuple(kind.__iter__ for kind in (dict, set, frozenset, _KEYS, _VALUES, _ITEMS))


class Members(Iterator[Any]):
    """The members of a set, a dictionary or a view of one, whose size must not change.

    A member that is gone, with another in its place, is left out.
    """

    __slots__ = ("_left", "_of", "_size")

    def __init__(self, of: Any) -> None:
        self._of = of
        self._size = len(of)
        self._left = list(_keys(of))
        self._left.reverse()

    def __next__(self) -> Any:
        of, keys = self._of, _keys(self._of)
        if len(of) != self._size:
            kind = "Set" if isinstance(of, (set, frozenset)) else "dictionary"
            raise RuntimeError(f"{kind} changed size during iteration")
        while self._left:
            key = self._left.pop()
            if key not in keys:
                continue
            if type(of) is _ITEMS:
                return key, of.mapping[key]
            return of.mapping[key] if type(of) is _VALUES else key
        raise StopIteration


def _keys(of: Any) -> Any:
    return of.mapping if type(of) in (_VALUES, _ITEMS) else of


def items(iterable: Iterable[Any]) -> Iterator[Any]:
    """The iterator of a loop over `iterable`.

    Only a generator expression is drawn from at once, since it could not be stored half-way.
    """
    if getattr(type(iterable), "__iter__", None) in _SIZED:
        return Members(iterable)
    if isinstance(iterable, GeneratorType) and iterable.gi_code.co_name == "<genexpr>":
        return iter(list(iterable))
    return iter(iterable)

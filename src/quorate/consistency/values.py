"""The values of histories: JSON values that can be hashed and compared, and how they are shown.

Invariant: two frozen values are equal if, and only if, the JSON values are. Python takes `True`
for 1; so JSON's booleans become TRUE and FALSE, which are equal to Python's but to no number.
"""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any, Final

Value = Hashable
"""None, TRUE, FALSE, a number, a string, a tuple of values (a JSON list), or a frozen object."""

DEPTH_MAX: Final = 100
"""How deep lists and objects may be nested."""


class Unfrozen(ValueError):
    """This is no JSON value, or it is nested too deeply."""


class Truth:
    """JSON's true or false."""

    __slots__ = ("_is",)

    def __init__(self, is_true: bool) -> None:
        self._is = is_true

    def __bool__(self) -> bool:
        return self._is

    def __eq__(self, other: object) -> bool:
        return other is self or other is self._is

    def __hash__(self) -> int:
        return hash(self._is)

    def __repr__(self) -> str:
        return "TRUE" if self._is else "FALSE"


TRUE: Final = Truth(True)
FALSE: Final = Truth(False)


class Unknown:
    """The result of an operation of which no result is known."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()

_OBJECT: Final = Unknown()  # the first member of a frozen object, which no list can have
_PLAIN: Final = frozenset({str, int, float, type(None), Truth})


def frozen(value: Any, depth: int = DEPTH_MAX) -> Value:
    """A JSON value as one that can be hashed. Raises `Unfrozen`.

    Lists and tuples become tuples; an object, a tuple of its members in the order of their names.
    """
    kind = type(value)
    if kind in _PLAIN:
        if value != value or value in (float("inf"), float("-inf")):
            raise Unfrozen(f"{value} is no JSON value")
        return value  # type: ignore[no-any-return]
    if kind is bool:
        return TRUE if value else FALSE
    if depth == 0:
        raise Unfrozen(f"lists and objects are nested more than {DEPTH_MAX} deep")
    if kind in (list, tuple):
        if value and value[0] is _OBJECT:
            return value  # type: ignore[no-any-return]
        return tuple([frozen(each, depth - 1) for each in value])
    if kind is dict and all(type(name) is str for name in value):
        members = [(name, frozen(value[name], depth - 1)) for name in sorted(value)]
        return (_OBJECT, *members)
    raise Unfrozen(f"a {kind.__name__} is no JSON value")


def thawed(value: Value) -> Any:
    """The JSON value again, of lists and dictionaries."""
    if isinstance(value, Truth):
        return bool(value)
    if not isinstance(value, tuple):
        return value
    if value and value[0] is _OBJECT:
        return {name: thawed(member) for name, member in value[1:]}
    return [thawed(each) for each in value]


def is_list(value: Value) -> bool:
    """Whether it is a JSON list, and not an object."""
    return isinstance(value, tuple) and not (value and value[0] is _OBJECT)


def shown(value: Value, width: int = 60) -> str:
    """The value as JSON on one line of at most `width` columns, every character printable."""
    return clipped(json.dumps(thawed(value), ensure_ascii=False), width)


def clipped(text: str, width: int) -> str:
    """The text with what cannot be printed escaped, and its middle left out if it is too long."""
    if len(text) > 4 * width:  # before anything is done with it
        text = f"{text[: 2 * width]}{text[-2 * width :]}"
    plain = "".join(each if each.isprintable() else _escape(each) for each in text)
    if len(plain) <= width:
        return plain
    tail = (width - 3) // 3
    return f"{plain[: width - 3 - tail]}...{plain[len(plain) - tail :]}"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")

"""A random number that is decided only as far as the program asks.

It is known to lie inside of an interval, which the first comparison with a number in there cuts in
two: either part is an outcome. Invariant: what was answered once holds ever after. So the real line
is covered as far as comparisons with plain numbers, `int` and `floor` go, and no further: whatever
else needs the value gets the middle of what is left, one outcome for them all.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from quorate.core import freeze
from quorate.core.choosing import choose
from quorate.core.errors import ProgramError

FEW = 1000
"""So many outcomes of one draw are tried; of more, it is an error to ask."""

PLAIN = (int, float)

Number = Fraction | float
"""Exact, or without end: an answer that was given is not to depend on how numbers are rounded."""


def one_of(count: int) -> int:
    """One of `count` outcomes, by its number from 0; ProgramError (Q128) where these are many."""
    if count > FEW:
        raise ProgramError(
            "Q128",
            f"one of {count} random outcomes is drawn, and each would have to be tried",
            f"choose from fewer, at most {FEW}: a checked program needs no more than its cases",
        )
    return choose(count)


class _Drawn:
    """What was drawn: a number inside of (low, high), or exactly `low` where both are equal."""

    __slots__ = ("high", "low")

    def __init__(self, low: Number, high: Number) -> None:
        self.low = low
        self.high = high

    def decide(self) -> Number:
        if self.low != self.high:
            self.low = self.high = _middle(self.low, self.high)
        return self.low


def _middle(low: Number, high: Number) -> Number:
    if math.isinf(low):
        return min(Fraction(0), high - 1)
    return max(Fraction(0), low + 1) if math.isinf(high) else low + (high - low) / 2


def _comparing(
    ask: Callable[[Undecided, float], bool], compare: Callable[[Any, Any], bool]
) -> Callable[[Undecided, Any], bool]:
    """A comparison, which with a plain number is asked, with anything else made of values."""

    def compared(self: Undecided, other: Any) -> bool:
        if isinstance(other, Undecided):
            other = float(other)
        if self.is_decided() or not isinstance(other, PLAIN) or other != other:
            return compare(float(self), other)
        return ask(self, other)

    return compared


def _valued(function: Callable[..., Any]) -> Callable[..., Any]:
    """An operation that needs the value of whatever it is given."""

    def applied(*operands: Any) -> Any:
        return function(*(float(x) if isinstance(x, Undecided) else x for x in operands))

    return applied


class Undecided:
    """`scale` times what was drawn, plus `offset`; to programs it is a float.

    It is none to Python, whose own functions would else read a value without asking.
    """

    __slots__ = ("_drawn", "_offset", "_scale")

    def __init__(
        self, drawn: _Drawn, scale: Fraction = Fraction(1), offset: Fraction = Fraction(0)
    ) -> None:
        self._drawn = drawn
        self._scale = scale
        self._offset = offset

    @classmethod
    def between(cls, low: float, high: float) -> Undecided:
        """Any number inside of this interval, which may be without end."""
        return cls(_Drawn(*(x if math.isinf(x) else Fraction(x) for x in (low, high))))

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return float

    def is_decided(self) -> bool:
        return self._drawn.low == self._drawn.high

    def __float__(self) -> float:
        return float(self._scale * self._drawn.decide() + self._offset)

    # Comparisons.

    def _below(self, bound: float) -> bool:
        """Whether it is less; that it is equal to a given number never happens."""
        low, high = self._bounds()
        if not low < bound < high:
            return bound >= high
        is_below = choose(2) == 0
        cut = Fraction(bound)
        self._cut(*((low, cut) if is_below else (cut, high)))
        return is_below

    def _bounds(self) -> tuple[Number, Number]:
        ends = [self._scale * end + self._offset for end in (self._drawn.low, self._drawn.high)]
        return min(ends), max(ends)

    def _cut(self, low: Number, high: Number) -> None:
        """It lies inside of (low, high), a part of its bounds."""
        ends = sorted((end - self._offset) / self._scale for end in (low, high))
        self._drawn.low = max(self._drawn.low, ends[0])
        self._drawn.high = min(self._drawn.high, ends[1])

    __lt__ = _comparing(_below, operator.lt)
    __le__ = _comparing(_below, operator.le)
    __gt__ = _comparing(lambda self, bound: not self._below(bound), operator.gt)
    __ge__ = _comparing(lambda self, bound: not self._below(bound), operator.ge)
    __eq__ = _comparing(lambda self, other: False, operator.eq)
    __ne__ = _comparing(lambda self, other: True, operator.ne)

    def __bool__(self) -> bool:
        return self != 0

    # Arithmetic that keeps it undecided.

    def _image(self, scale: Number, offset: float) -> Undecided | float:
        if scale == 0 or not (math.isfinite(scale) and math.isfinite(offset)):
            return float(scale) * float(self) + offset
        times, more = Fraction(scale), Fraction(offset)
        return Undecided(self._drawn, times * self._scale, times * self._offset + more)

    def __add__(self, other: Any) -> Any:
        return self._image(1, other) if _is_plain(other) else _add(self, other)

    def __sub__(self, other: Any) -> Any:
        return self._image(1, -other) if _is_plain(other) else _sub(self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._image(-1, other) if _is_plain(other) else _sub(other, self)

    def __mul__(self, other: Any) -> Any:
        return self._image(other, 0) if _is_plain(other) else _mul(self, other)

    def __truediv__(self, other: Any) -> Any:
        keeps = _is_plain(other) and other != 0 and math.isfinite(other)
        return self._image(1 / Fraction(other), 0) if keeps else _div(self, other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Any:
        return self._image(-1, 0)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return -self if self < 0 else self

    # Whole numbers: each is an outcome.

    def __floor__(self) -> int:
        low, high = self._bounds()
        if self.is_decided() or math.isinf(high - low):
            return math.floor(float(self))
        first, last = math.floor(low), math.ceil(high) - 1
        whole = first + one_of(max(1, last - first + 1))
        self._cut(max(low, whole), min(high, whole + 1))
        return whole

    def __ceil__(self) -> int:
        floor: int = math.floor(-self)
        return -floor

    def __trunc__(self) -> int:
        return math.ceil(self) if self < 0 else math.floor(self)

    __int__ = __trunc__

    # What needs its value.

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(float(self), name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return float, (float(self),)

    __hash__ = _valued(hash)
    __str__ = __repr__ = _valued(repr)
    __format__ = _valued(format)
    __round__ = _valued(round)
    __complex__ = _valued(complex)
    __mod__ = _valued(operator.mod)
    __floordiv__ = _valued(operator.floordiv)
    __pow__ = _valued(pow)
    __divmod__ = _valued(divmod)
    __rtruediv__ = _valued(lambda self, other: other / self)
    __rmod__ = _valued(lambda self, other: other % self)
    __rfloordiv__ = _valued(lambda self, other: other // self)
    __rpow__ = _valued(lambda self, other: other**self)
    __rdivmod__ = _valued(lambda self, other: divmod(other, self))


_add, _sub, _mul, _div = map(_valued, (operator.add, operator.sub, operator.mul, operator.truediv))


def _is_plain(value: Any) -> bool:
    return type(value) in (*PLAIN, bool)


# A process that is frozen has the value itself.
freeze.INLINE[Undecided] = lambda freezer, value: freezer.value(float(value))

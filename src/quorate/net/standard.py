"""Values of the standard library that may cross: what each is made of, and how it is made of it.

The table is keyed by name, so that no module is imported before a program uses it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import Any

Taker = Callable[[Any], Iterable[Any]]
Builder = Callable[..., Any]


def _folded(cls: Any, text: str, fold: int) -> Any:
    return cls.fromisoformat(text).replace(fold=fold)


def _plain(cls: Any, *parts: Any) -> Any:
    return cls(*parts)


# Tuples whose items have names: (the items, those that have a name only).
_RECORDS = (
    *("os.stat_result", "os.terminal_size", "posix.times_result", "posix.uname_result"),
    *("resource.struct_rusage", "time.struct_time"),
)

STANDARD: dict[str, tuple[Taker, Builder]] = {
    "builtins.range": (lambda v: (v.start, v.stop, v.step), _plain),
    "builtins.slice": (lambda v: (v.start, v.stop, v.step), _plain),
    "builtins.bytearray": (lambda v: (bytes(v),), lambda cls, b: cls(memoryview(b))),
    "decimal.Decimal": (lambda v: (str(v),), _plain),
    "fractions.Fraction": (lambda v: (v.numerator, v.denominator), _plain),
    "uuid.UUID": (lambda v: (v.bytes,), lambda cls, b: cls(bytes=b)),
    "datetime.datetime": (lambda v: (v.isoformat(), v.fold), _folded),
    "datetime.time": (lambda v: (v.isoformat(), v.fold), _folded),
    "datetime.date": (lambda v: (v.isoformat(),), lambda cls, text: cls.fromisoformat(text)),
    "datetime.timedelta": (lambda v: (v.days, v.seconds, v.microseconds), _plain),
    "datetime.timezone": (lambda v: (v.utcoffset(None),), _plain),
    "collections.deque": (lambda v: (list(v), v.maxlen), _plain),
    "collections.OrderedDict": (lambda v: (list(v.items()),), _plain),
    "collections.Counter": (lambda v: (dict(v),), _plain),
    "collections.defaultdict": (lambda v: (v.default_factory, dict(v)), _plain),
    **{name: (lambda v: v.__reduce__()[1], _plain) for name in _RECORDS},
    "quorate.core.clocks.VectorTime": (lambda v: (tuple(v),), _plain),
}


def parts_of(value: Any) -> tuple[str, Iterable[Any]] | None:
    """(name of its class, what it is made of), None for a value of any other class."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    entry = STANDARD.get(name)
    if entry is None or _class(name) is not kind:
        return None
    return name, entry[0](value)


def build(name: str, parts: list[Any]) -> Any:
    """The value of the class `name` made of `parts`; KeyError for a class not in the table."""
    return STANDARD[name][1](_class(name), *parts)


def _class(name: str) -> Any:
    module, _, qualname = name.rpartition(".")
    return getattr(importlib.import_module(module), qualname)

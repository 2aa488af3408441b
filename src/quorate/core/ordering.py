"""A stated order for what Python leaves open: the members of a set.

Wherever a program can see in which order a set is gone through by a query, it is this order.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from operator import attrgetter
from types import BuiltinFunctionType, FunctionType
from typing import Any

from quorate.core.ids import ProcessId
from quorate.core.messages import PLAIN


def in_order(values: Iterable[Any]) -> Iterable[Any]:
    """The members of `values`: a set's sorted, any other iterable's in its own order."""
    if not isinstance(values, (set, frozenset)) or len(values) < 2:
        return values
    if ONLY_IDS.issuperset(map(type, values)):
        return sorted(values, key=creation)
    kinds = set(map(type, values))
    if len(kinds) == 1 and kinds <= _SORTED:  # other orders may be partial: not to be settled by it
        return sorted(values)
    return sorted(values, key=rank)


def text_of(value: Any) -> str:
    """`str(value)`, but the members of a set stand in order, so that it reads alike in every run.

    So they do inside of tuples, lists and dictionaries.
    """
    kind = PLAIN.get(type(value), type(value))
    return repr_of(value) if kind in _CONTAINERS else str(value)


def repr_of(value: Any) -> str:
    """`repr(value)`, with the members of sets in order."""
    kind = PLAIN.get(type(value), type(value))
    if kind in (set, frozenset) and value:
        inside = "{" + ", ".join(map(repr_of, in_order(value))) + "}"
        return inside if kind is set else f"frozenset({inside})"
    if kind is tuple:
        return f"({', '.join(map(repr_of, value))}{',' if len(value) == 1 else ''})"
    if kind is list:
        return f"[{', '.join(map(repr_of, value))}]"
    if kind is dict:
        return "{" + ", ".join(f"{repr_of(k)}: {repr_of(v)}" for k, v in value.items()) + "}"
    return repr(value)


_CONTAINERS = frozenset({set, frozenset, tuple, list, dict})
creation = attrgetter("_key")  # of ids
ONLY_IDS = frozenset({ProcessId})
_SORTED = frozenset({int, str, bytes})


def rank(value: Any) -> tuple[Any, ...]:
    """A key that orders values of any types: by kind, then by value, members first to last.

    Two values of equal rank are equal, or are instances that nothing but their identity tells
    apart.
    """
    if value is None:
        return (0,)
    if isinstance(value, Enum):
        return (9, _name(type(value)), value.name or repr(value))
    if isinstance(value, (bool, int, float)):
        return (1, value == value, value if value == value else 0)
    if isinstance(value, str):
        return (2, value)
    if isinstance(value, bytes):
        return (3, value)
    if isinstance(value, ProcessId):
        return (4, value)
    if isinstance(value, (tuple, list)):
        return (5, tuple(map(rank, value)))
    if isinstance(value, (set, frozenset)):
        return (6, tuple(sorted(map(rank, value))))
    if isinstance(value, dict):
        return (7, tuple(sorted((rank(k), rank(v)) for k, v in value.items())))
    if isinstance(value, (type, FunctionType, BuiltinFunctionType)):
        return (10, _name(value))
    return (8, _name(type(value)), *_state(value))


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def _state(value: Any) -> tuple[Any, ...]:
    """The rank of an instance among those of its class."""
    slots = (base.__dict__.get("__slots__", ()) for base in type(value).__mro__)
    names = [name for some in slots for name in ([some] if isinstance(some, str) else some)]
    state = {name: getattr(value, name) for name in names if hasattr(value, name)}
    state |= getattr(value, "__dict__", {})
    if state:
        return (rank(state),)
    text = repr(value)
    return () if hex(id(value)) in text else (text,)  # an address differs from run to run

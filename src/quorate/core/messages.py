"""Messages cross from one process to another by value.

Invariant: sender, receiver and histories never share an object that can be changed.
"""

from __future__ import annotations

import copy
from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from quorate.core.ids import ProcessId

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, ProcessId, type, range})
FIXED = (type, Enum, BuiltinFunctionType)


def is_fixed(value: Any) -> bool:
    """Whether nothing can change `value`, so that it may be shared.

    TypeError for what has no meaning in another process: modules, functions inside of others.
    """
    kind = type(value)
    if kind in ATOMS:
        return True
    if kind is tuple or kind is frozenset:
        return all(map(is_fixed, value))
    if isinstance(value, (tuple, frozenset)):
        return all(map(is_fixed, value)) and not getattr(value, "__dict__", None)
    if isinstance(value, FunctionType | ModuleType):
        if "<" in getattr(value, "__qualname__", "<module>"):
            raise TypeError(f"{value.__name__} belongs to the process that has it")
        return True
    return isinstance(value, FIXED)


def own_copy(value: Any) -> Any:
    """`value` itself where nothing can change it, and a deep copy of it otherwise."""
    if type(value) is tuple:
        for part in value:
            if type(part) not in ATOMS and not is_fixed(part):
                break
        else:
            return value
        return tuple(map(own_copy, value))
    if type(value) in ATOMS:
        return value
    if type(value) is list:
        return list(map(own_copy, value))
    if type(value) is set:
        return set(map(own_copy, value))
    if type(value) is dict:
        return {own_copy(key): own_copy(item) for key, item in value.items()}
    return value if is_fixed(value) else copy.deepcopy(value)

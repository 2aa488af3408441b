"""Messages cross from one process to another by value.

Invariant: sender, receiver and histories never share an object that can be changed.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from quorate.core.ids import ProcessId

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, ProcessId, type, range})
PLAIN: dict[type, type] = {}
"""The classes of core/containers.py, and the class of Python's own that each stands for."""
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
    if type(value) in PLAIN:
        return own_copy(PLAIN[type(value)](value))
    if isinstance(value, BaseException) and not _says_how(type(value)):
        args, state = parts_of_error(value)
        return error_of(type(value), own_copy(args), own_copy(state))
    return value if is_fixed(value) else copy.deepcopy(value)


# Python would make an exception anew by calling its class with its `args`, which the constructor
# of a program's own class need not take.


def parts_of_error(error: BaseException) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What an exception is made of: the arguments of its built-in base, and its attributes."""
    _, args, *state = _built_in(type(error)).__reduce__(error)
    return args, dict(state[0]) if state and state[0] else {}


def error_of(cls: type, args: tuple[Any, ...], state: Mapping[str, Any]) -> BaseException:
    """An exception of these parts; no constructor of the program is called."""
    base = _built_in(cls)
    made: BaseException = base.__new__(cls, *args)
    base.__init__(made, *args)
    for name, value in state.items():
        object.__setattr__(made, name, value)
    return made


def _built_in(cls: type) -> Any:
    """The built-in class that an exception of class `cls` is laid out as."""
    base: Any = cls
    while base.__module__ != "builtins":
        base = base.__base__
    return base


def _says_how(cls: type) -> bool:
    """Whether a class of exceptions itself says how they are copied."""
    return hasattr(cls, "__deepcopy__") or cls.__reduce__ is not _built_in(cls).__reduce__

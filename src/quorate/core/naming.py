"""Names for what the modules of a program define, and the way back from a name to the thing.

A class or function of a module's top level has (module, qualified name); any other function is
named by the place of its code in the text of its module. Invariant: a name means the same thing
wherever the same program is loaded.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

Namespace = dict[str, Any]

_SILENT = functools.partial(warnings.catch_warnings, action="ignore", category=DeprecationWarning)


def copying(kind: Any) -> AbstractContextManager[None]:
    """Without the warning of Python 3.12 that iterators of itertools are going to be no values."""
    return _SILENT() if getattr(kind, "__module__", "") == "itertools" else nullcontext()


Holders = dict[int, tuple[Namespace, tuple[str, str, str]]]
"""Of values, by identity: the variables of a module, and how what one of them holds is frozen."""

CodeName = tuple[str, int, int]
"""(qualified name, first line, which of those that stand on this line)"""

_NOTHING = object()
_SHARED = (type, FunctionType, BuiltinFunctionType, ModuleType, str, int, float, bytes, type(None))


class Text:
    """What one module defines: its code objects by name, and its values by identity."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.size = len(namespace)
        self.names: dict[CodeType, CodeName] = {}
        self.codes: dict[CodeName, CodeType] = {}
        for code in _codes_of(namespace):
            self._add(code)
        self.held = {
            id(value): (name, namespace)
            for name, value in namespace.items()
            if not isinstance(value, _SHARED)
        }

    def is_true(self) -> bool:
        """Whether the module has no more variables than when it was looked at."""
        return self.size == len(self.namespace)

    def _add(self, code: CodeType) -> None:
        if code in self.names:
            return
        number = 0
        while (name := (code.co_qualname, code.co_firstlineno, number)) in self.codes:
            number += 1
        self.names[code] = name
        self.codes[name] = code
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._add(constant)


class Modules:
    """The modules of a program: those given, and whatever else can be imported.

    `namespaces` are those of the program, `names_of` what has been found to be the name of a class
    or a routine: by identity, with what it is the name of. `meant` is what such a name stands for.
    """

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self.given = given or {}
        self.namespaces: dict[str, Namespace] = {
            name: vars(module) for name, module in self.given.items()
        }
        self.imported: dict[str, Namespace] = {}
        self.names_of: dict[int, tuple[Any, Any]] = {}
        self.meant: dict[Any, Any] = {}
        self._holders: dict[type | None, tuple[list[Text], Holders]] = {}

    @classmethod
    def of(cls, given: Modules | Mapping[str, Any] | None) -> Modules:
        """What is known of modules already, or is to be found out of those given by name."""
        return given if isinstance(given, Modules) else cls(given)

    def know(self, thing: Any) -> None:
        """Learn of the module of a function, or of a class with methods, and of its bases'."""
        found = _homes_of(thing) if isinstance(thing, type) else _homes([thing])
        for name, namespace in found.items():
            self.namespaces.setdefault(name, namespace)

    def module(self, name: str) -> Any:
        """The module itself; ImportError if there is none."""
        found = self.given.get(name)
        return importlib.import_module(name) if found is None else found

    def namespace(self, module: str) -> Namespace:
        """The global variables of a module; ImportError if there is none."""
        found = self.namespaces.get(module) or self.imported.get(module)
        if found is None:
            found = self.imported[module] = vars(importlib.import_module(module))
        return found

    def find(self, module: str, qualname: str) -> Any:
        """What `module` calls `qualname`; ImportError, KeyError or AttributeError if nothing."""
        namespace = self.namespace(module)
        if "." not in qualname:
            return namespace[qualname]
        first, *rest = qualname.split(".")
        return functools.reduce(getattr, rest, namespace[first])

    def names(self, thing: Any, module: str, qualname: str) -> bool:
        """Whether (module, qualname) is a name of `thing`."""
        try:
            return self.find(module, qualname) is thing
        except (ImportError, KeyError, AttributeError):
            return False

    def holders(self, cls: type | None) -> Holders:
        """What global variables hold, of the modules that are given and of the methods of a class.

        By identity: who uses it makes sure that the variable still holds the value.
        """
        known = self._holders.get(cls)
        if known is None or not all(map(Text.is_true, known[0])):
            names = list(self.given)
            if cls is not None:
                self.know(cls)
                names += _homes_of(cls)
            texts = {name: self.text(name) for name in names}
            held = {
                each: (namespace, ("global", module, name))
                for module, text in reversed(texts.items())
                for each, (name, namespace) in text.held.items()
            }
            known = self._holders[cls] = list(texts.values()), held
        return known[1]

    def text(self, module: str) -> Text:
        return text_of(self.namespace(module))


_HOMES: WeakKeyDictionary[type, dict[str, Namespace]] = WeakKeyDictionary()  # a cache, too


def _homes_of(cls: type) -> dict[str, Namespace]:
    """The modules, by name, of the program's methods of a class and its bases."""
    homes = _HOMES.get(cls)
    if homes is None:
        line = [base for base in cls.__mro__ if not base.__module__.startswith("quorate.core.")]
        homes = _HOMES[cls] = _homes(line)
    return homes


def _homes(things: Iterable[Any]) -> dict[str, Namespace]:
    functions = (function for thing in things for function in _functions_of(thing))
    return {f.__globals__["__name__"]: f.__globals__ for f in functions}


_TEXTS: dict[str, Text] = {}  # a cache: what a module's text says does not change


def text_of(namespace: Namespace) -> Text:
    """What the module with these global variables defines."""
    name = namespace["__name__"]
    text = _TEXTS.get(name)
    if text is None or text.namespace is not namespace or not text.is_true():
        text = _TEXTS[name] = Text(namespace)
    return text


def _codes_of(namespace: Namespace) -> Iterator[CodeType]:
    """The module's own code where it is known (`_code_`), else that of what it holds."""
    if isinstance(code := namespace.get("_code_"), CodeType):
        yield code
    for value in list(namespace.values()):
        if getattr(value, "__module__", None) == namespace["__name__"]:
            for function in _functions_of(value):
                yield function.__code__


def _functions_of(thing: Any) -> Iterator[FunctionType]:
    """The functions of a class, a method, a property or a decorated function."""
    seen: set[int] = set()
    todo = [thing]
    while todo:
        value = todo.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, FunctionType):
            yield value
            todo += _inside(value)
        elif isinstance(value, MethodType | staticmethod | classmethod):
            todo.append(value.__func__)
        elif isinstance(value, property):
            todo += [value.fget, value.fset, value.fdel]
        elif isinstance(value, type) and value.__module__ == getattr(thing, "__module__", None):
            todo += reversed(list(value.__dict__.values()))
        elif isinstance(wrapped := getattr(value, "func", None), FunctionType):
            todo.append(wrapped)  # functools.cached_property


def _inside(function: FunctionType) -> list[Any]:
    """What a decorator has put into a function: what it wraps, and the blocks of a routine."""
    routine = function.__dict__.get("routine")
    inside = list(routine.blocks.values()) if routine is not None else []
    cells = [cell.cell_contents for cell in function.__closure__ or () if cell != _EMPTY]
    return [*inside, *(value for value in cells if isinstance(value, FunctionType))]


_EMPTY = CellType()

"""Which classes and functions may cross the wire: those of the program's own modules, by name.

Invariant: nothing is imported to find one, and what a module merely imports is not its own.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

Modules = Callable[[str], ModuleType | None]
"""The program's own module of that name, if it has been imported and is the program's own."""

BUILTINS = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and not name.startswith("_")
} | {"NoneType": type(None)}


class Registry:
    """Names for classes and functions, and back: a name is (module, qualified name)."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._found: dict[tuple[str, str], Any] = {}
        self._names: dict[Any, tuple[str, str]] = {}

    def name_of(self, value: Any) -> tuple[str, str] | None:
        """The name of a class or function, None where it has none that would find it."""
        name = self._names.get(value)
        if name is None:
            name = (value.__module__, value.__qualname__)
            if self.find(*name) is not value:
                return None
            self._names[value] = name
        return name

    def find(self, module: str, qualname: str) -> Any:
        """The class or function of that name, None where the program has none."""
        name = (module, qualname)
        found = self._found.get(name)
        if found is None:
            found = BUILTINS.get(qualname) if module == "builtins" else self._walk(*name)
            if found is not None:
                self._found[name] = found
        return found

    def _walk(self, module: str, qualname: str) -> Any:
        place: Any = self._modules(module)
        for part in qualname.split("."):
            if not isinstance(place, ModuleType | type):
                return None
            place = vars(place).get(part)
        own = isinstance(place, type | FunctionType)
        own = own and (place.__module__, place.__qualname__) == (module, qualname)
        return place if own else None

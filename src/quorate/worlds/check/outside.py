"""What processes share that is part of no state: the global variables of a program's modules.

Invariant: each time that `main` takes its first step it finds them as they were when the program
had been loaded. What steps change there later is not followed, but is noticed.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.core.ordering import repr_of

ADVICE = (
    "keep what changes in fields, send it to those who need it, and draw numbers in a .da module"
)


@dataclass(frozen=True)
class _Variable:
    """A global variable that holds data, that as text, and what is in it, if it is to be kept."""

    space: dict[str, Any] = field(repr=False)
    name: str
    value: Any
    text: str
    kept: Any = None

    @property
    def key(self) -> tuple[str, str]:
        return self.space["__name__"], self.name

    def __str__(self) -> str:
        return f"`{self.name}` of {os.path.basename(self.space['__file__'])}"

    def restore(self) -> None:
        """Have it hold its value, which others may hold too, with what was in that."""
        if isinstance(self.value, list):
            self.value[:] = deepcopy(self.kept)
        elif isinstance(self.value, dict | set):
            self.value.clear()
            self.value.update(deepcopy(self.kept))
        self.space[self.name] = self.value


class Outside:
    """The global variables of a program, of which `main` sets some before others begin."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._loaded = {each.key: each for each in _variables(module, keep=True)}
        self._begun: dict[tuple[str, str], str] | None = None
        self._drawn: Any = None
        self.changed: list[str] = []

    @classmethod
    def of(cls, module: ModuleType) -> Outside:
        """Those of a program, known since before it took its first step."""
        if "_outside_" not in vars(module):
            vars(module)["_outside_"] = cls(module)
        found: Outside = vars(module)["_outside_"]
        return found

    def main_begins(self) -> None:
        """`main` is about to take its first step, perhaps once more."""
        for each in list(_variables(self._module)):
            if (before := self._loaded.get(each.key, each)).text != each.text:
                before.restore()

    def others_begin(self) -> None:
        """A process that is not `main` is about to take a step."""
        if self._begun is None:
            self._begun = {each.key: each.text for each in _variables(self._module)}
            self._drawn = random.getstate()

    def steps_end(self) -> None:
        """All steps have been taken: see which have become others since, each with its file.

        So have the numbers of Python's `random` where its modules draw by that.
        """
        begun, now = self._begun or {}, _variables(self._module)
        found = sorted(str(each) for each in now if begun.get(each.key, each.text) != each.text)
        if self._begun is not None and random.getstate() != self._drawn:
            found.append("`random` in a module of Python")
        self.changed = found


def _variables(module: ModuleType, *, keep: bool = False) -> Iterator[_Variable]:
    from quorate.compiler.loader import parts_of

    for part in parts_of(module).values():
        for name, value in list(vars(part).items()):
            if name.startswith("_") or callable(value) or isinstance(value, ModuleType):
                continue
            with contextlib.suppress(Exception):  # of a class of the program, which may do anything
                kept = deepcopy(value) if keep and isinstance(value, list | dict | set) else None
                yield _Variable(vars(part), name, value, repr_of(value), kept)


def warnings_of(outside: Outside) -> Iterator[str]:
    """What is to be said where steps have changed what is part of no state."""
    if outside.changed:
        names = ", ".join(outside.changed)
        yield f"warning[Q134]: steps change what is part of no state: {names}\n  = help: {ADVICE}"


def other_way(process: ProcessId | None) -> ProgramError:
    """A step that was taken again has led elsewhere."""
    whose = "the first step" if process is None else f"a step of {process!r}"
    what = f"{whose} went another way when it was taken again"
    help = "look for what follows from no field or message: global variables, files, numbers drawn "
    return ProgramError("Q134", what, f"{help}by libraries; {ADVICE}")

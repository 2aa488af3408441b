"""What the naive world and the compiled one are compared by: ids, traces and plain values.

Invariant: `plain` gives equal results for what a program could not tell apart, and different
ones for what it could (so 1, 1.0 and True differ, and a set is the same in any order).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

NAME_ERRORS = ("UnboundLocalError", "NameError")


@dataclass(frozen=True, order=True)
class Id:
    """The name of a process in the naive world; ordered by path, as the language says."""

    path: tuple[int, ...]
    kind: str = field(compare=False)
    name: str = field(default="", compare=False)

    def __repr__(self) -> str:
        mark = self.name or ".".join(map(str, self.path))
        return f"{self.kind}-{mark}" if mark else self.kind

    def __deepcopy__(self, memo: dict[int, Any]) -> Id:
        return self


@dataclass
class Run:
    """What a run of a program showed. `steps` counts what was taken from the queue."""

    trace: list[Any] = field(default_factory=list)
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)  # line of the await where it stands
    steps: int = 0
    now: float = 0.0
    refused: str = ""  # why the program was not run at all

    @property
    def failed(self) -> str:
        """The kind of the error that ended the run, if one did."""
        return str(self.trace[-1][2]) if self.trace and self.trace[-1][0] == "error" else ""

    def comparable(self, *, lines: bool = True) -> Any:
        """All that is compared; without `lines`, not the line of an error."""
        trace = self.trace if lines or not self.failed else [*self.trace[:-1], self.trace[-1][:3]]
        return trace, self.fields, self.waiting, self.steps, round(self.now, 6)


def plain(value: Any) -> Any:
    """`value` as nested tuples of strings and numbers."""
    kind = type(value).__name__
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return value if kind in ("str", "NoneType") else (kind, value)
    if isinstance(value, float):
        return (kind, round(value, 9))
    if isinstance(value, (list, tuple)):
        return ("tuple" if kind == "VectorTime" else kind, *map(plain, value))
    if isinstance(value, (set, frozenset)):
        return (kind, *sorted(map(plain, value), key=repr))
    if isinstance(value, dict):
        return (kind, *((plain(key), plain(item)) for key, item in value.items()))
    if hasattr(value, "path") and hasattr(value, "kind"):
        return ("id", repr(value))
    if isinstance(value, BaseException):
        return ("exception", kind)
    if callable(value):
        return "function"
    state = {k: v for k, v in getattr(value, "__dict__", {}).items() if not k.endswith("_")}
    return (kind, plain(state))


def name_of_error(error: BaseException) -> str:
    """The kind of an exception; reading a name too early is one kind."""
    kind = type(error).__name__
    return "NameError" if kind in NAME_ERRORS else kind


def snapshot(value: Any) -> Any:
    """`value` as it is now; what cannot be copied, as its text."""
    try:
        return copy.deepcopy(value)
    except Exception:
        return str(value)

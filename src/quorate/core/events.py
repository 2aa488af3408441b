"""What the world tells a process, as values. `step` in core/process.py gives each its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quorate.core.ids import ProcessId


@dataclass(frozen=True, slots=True)
class SetUp:
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Started:
    pass


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message has come; `stamp` is the sender's logical time, None where no clock is kept."""

    message: Any
    sender: ProcessId
    stamp: Any = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """Go on from the yield point where the process stands, if it can."""


@dataclass(frozen=True, slots=True)
class TimerFired:
    timer: int


Event = SetUp | Started | Delivered | Resumed | TimerFired

"""What a loaded program says of its run as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from quorate.core.configuration import over


def config_of(module: ModuleType, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The configuration of a run of `module`, above that of its classes.

    `given` (the command line's) comes before what `main` says. Where any part of the program
    reads a logical clock, all processes keep one, so that every message carries a stamp.
    """
    default = {"clock_default": "lamport"} if getattr(module, "uses_clock_", False) else {}
    return over(default, getattr(module, "main_config_", {}), given or {})

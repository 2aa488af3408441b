"""What a loaded program says of its run as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from quorate.core.configuration import over
from quorate.core.process import Process
from quorate.core.properties import Property, Specification


def config_of(module: ModuleType, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The configuration of a run of `module`, above that of its classes.

    `given` (the command line's) comes before what `main` says. Where any part of the program
    reads a logical clock, all processes keep one, so that every message carries a stamp.
    """
    default = {"clock_default": "lamport"} if getattr(module, "uses_clock_", False) else {}
    return over(default, getattr(module, "main_config_", {}), given or {})


def faults_of_program(module: ModuleType) -> dict[str, Any]:
    """The faults that a program itself has its simulated runs befallen by: name to text or texts.

    What `main` says of a fault comes before what the module says of it.
    """
    levels = (getattr(module, "_config_", {}), getattr(module, "main_config_", {}))
    faults: dict[str, Any] = over(*levels).get("faults", {})
    return faults


def process_classes(module: ModuleType) -> list[str]:
    """The names of the process classes of a program, and `main`."""
    return sorted(
        {
            kinds_of(cls)[0]
            for each in _modules_of(module)
            for cls in vars(each).values()
            if isinstance(cls, type) and issubclass(cls, Process) and cls is not Process
        }
    )


def kinds_of(cls: type[Process]) -> list[str]:
    """The names of a process class and of those it extends, the nearest first; `main` is one."""
    return ["main" if each.__name__ == "main_process_" else each.__name__ for each in cls.__mro__]


def properties_of(module: ModuleType) -> list[Property]:
    """The properties of a program, those of the .da modules that it is made of included."""
    return [found for each in _modules_of(module) for found in getattr(each, "_properties_", ())]


def specifications_of(module: ModuleType) -> list[Specification]:
    """What the modules of a program say that the operations of its clients amount to."""
    return [
        found for each in _modules_of(module) for found in getattr(each, "_specifications_", ())
    ]


def _modules_of(module: ModuleType) -> list[ModuleType]:
    """The .da modules that a program is made of, however it has imported them: it first."""
    return [module, *(each for each in getattr(module, "_parts_", ()) if each is not module)]

"""Errors that a program can make while it runs, each with a code and the edit to make.

The compiler's own errors are in lang/; the catalogue behind `quorate explain` covers both.
"""

from __future__ import annotations

from typing import Any

from quorate.core.ids import ProcessId


class ProgramError(Exception):
    """A mistake of the program found while it ran.

    `code` is the key of the catalogue, `message` says what is wrong, `help` the edit to make.
    """

    def __init__(self, code: str, message: str, help: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help

    def __str__(self) -> str:
        lines = [f"[{self.code}] {self.message}"]
        if self.help:
            lines.append(f"  = help: {self.help}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[type[ProgramError], tuple[Any, ...]]:
        return type(self), (self.code, self.message, self.help)


class NoValueYet(ProgramError, AttributeError):
    """A field is read that has no value, which `hasattr` and `getattr` may ask for."""


class PropertyFailed(ProgramError):
    """A property of the program does not hold; `message` tells all that is known of it.

    `name` is that of the property, `at` the FILE:LINE where it stands, `why` of what it is false.
    One that is seen only when the run is over may have been false after a step of `process`, and
    the run need not go beyond `step` to see it.
    """

    def __init__(
        self,
        code: str,
        message: str,
        name: str,
        at: str,
        why: str,
        process: ProcessId | None = None,
        step: int | None = None,
    ) -> None:
        super().__init__(code, message)
        self.name = name
        self.at = at
        self.why = why
        self.process = process
        self.step = step

    def __str__(self) -> str:
        return f"error[{self.code}]: {self.message}"

    def __reduce__(self) -> tuple[type[PropertyFailed], tuple[Any, ...]]:
        facts = (self.name, self.at, self.why, self.process, self.step)
        return type(self), (self.code, self.message, *facts)

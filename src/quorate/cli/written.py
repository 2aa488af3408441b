"""The files that a run is written to: its trace, and the history of its clients."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from quorate.trace import Event
    from quorate.worlds.sim.seeds import Plan

BEGINNINGS = {
    "trace": b'{"event":"run",',
    "history": b'{"client":',
    "checkpoint": b"quorate checkpoint ",
    "page": b"<!doctype html>",
    "html": b"<!doctype html>",
}
"""How what commands write into a file begins, by the option that names it."""


def check_overwritable(path: str, option: str) -> None:
    """Whether what is there may be lost: the same of another run, or nothing.

    Raises click.UsageError.
    """
    if not os.path.isfile(path):
        return
    with open(path, "rb") as file:
        begin = file.read(64)
    if begin.strip() and not begin.startswith(BEGINNINGS[option]):
        what = "page" if option == "html" else option
        message = f"{path} is there, and is no {what}: give --{option} another name"
        raise click.UsageError(message)


class _File:
    """A file for one run, begun again where the run is."""

    def __init__(self, path: str, buffering: int = -1) -> None:
        try:
            self.file = open(path, "wb", buffering)  # noqa: SIM115 - who enters it closes it
        except OSError as error:
            raise click.FileError(path, error.strerror or str(error)) from None
        self._begun = False

    def begin(self) -> None:
        if self._begun:
            self.file.seek(0)
            self.file.truncate()
        self._begun = True


@contextmanager
def written(
    plan: Plan, module: str | None, trace: str | None, history: str | None
) -> Iterator[Plan]:
    """The plan, with what writes a trace and a history to files, if there are to be any.

    `module` is the name of a program inside of a package.
    """
    from quorate import __version__
    from quorate.worlds.sim.recording import Recorder
    from quorate.worlds.sim.replay import begin_of

    given = plan
    with ExitStack() as stack:
        if trace is not None:
            tell = _tracing(_opened(stack, trace))
            plan = replace(
                plan,
                recorder=lambda seed: Recorder(begin_of(given, seed, __version__, module), tell),
            )
        if history is not None:
            lines = _opened(stack, history, 0)

            def begin() -> Callable[[bytes], object]:
                lines.begin()
                return lines.file.write

            plan = replace(plan, history=begin)
        yield plan


def _opened(stack: ExitStack, path: str, buffering: int = -1) -> _File:
    opened = _File(path, buffering)
    stack.enter_context(opened.file)
    return opened


def _tracing(traced: _File) -> Callable[[Event], None]:
    from quorate.trace import events as ev
    from quorate.trace.reading import line_of

    def tell(event: Event) -> None:
        if isinstance(event, ev.Begin):
            traced.begin()
        traced.file.write(line_of(event))

    return tell

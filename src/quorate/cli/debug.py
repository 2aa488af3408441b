"""`breakpoint()` in a program that `quorate run` runs: pdb, in the terms of the program.

It knows the fields of the process and the variables of a method that waits as plain names, stops
and looks only in the program's own lines, and says in its prompt which process it is in.
Invariant: of all workers one at a time talks to the terminal.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pdb  # noqa: T100 (this module is the debugger)
import signal
from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, cast

from quorate.core.frames import Frame
from quorate.core.process import Process

_PACKAGE = str(Path(__file__).parent.parent)
_MACHINERY = ("quorate", "quorate.*", "click.*", "asyncio.*", "uvloop.*")


class Debugger(pdb.Pdb):
    """pdb for the processes of one worker."""

    def __init__(self) -> None:
        super().__init__(skip=_MACHINERY, nosigint=True)

        self._names: Mapping[str, Any] = {}

    @property
    def curframe_locals(self) -> Mapping[str, Any]:
        """The names that pdb lets an expression use."""
        return self._names

    @curframe_locals.setter
    def curframe_locals(self, variables: Mapping[str, Any]) -> None:
        """Pdb goes to another frame, with these local variables."""
        self._names = Names(self.curframe, cast(MutableMapping[str, Any], variables))

    def get_stack(
        self, f: FrameType | None, t: TracebackType | None
    ) -> tuple[list[tuple[FrameType, int]], int]:
        """The program's part of the stack."""
        stack, index = super().get_stack(f, t)
        kept = [entry for entry in stack if not _is_machinery(entry[0])]
        return (kept, kept.index(stack[index])) if stack[index] in kept else (stack, index)

    def stop_here(self, frame: FrameType) -> bool:
        """Not where views are kept, which is no step of the program."""
        return not _is_machinery(frame) and super().stop_here(frame)

    def interaction(self, frame: FrameType | None, *args: Any) -> None:
        if frame is not None:
            process = process_of(frame)
            self.prompt = "(Pdb) " if process is None else f"({process.id_!r}) "
        with contextlib.suppress(OSError):  # not every stdin can be locked
            fcntl.lockf(0, fcntl.LOCK_EX)
        try:
            super().interaction(frame, *args)
        finally:
            with contextlib.suppress(OSError):
                fcntl.lockf(0, fcntl.LOCK_UN)

    def user_call(self, frame: FrameType, argument_list: None) -> None:
        """The beginning of a part of a method that waits is no call."""
        if _frame_among(frame.f_locals) is None:
            super().user_call(frame, argument_list)
        else:
            self.set_step()

    def user_return(self, frame: FrameType, return_value: Any) -> None:
        """And its end is no return."""
        if _frame_among(frame.f_locals) is None:
            super().user_return(frame, return_value)
        else:
            self.set_step()

    def do_quit(self, arg: str) -> bool | None:
        """q(uit) | exit

        End the run, as Ctrl-C does.
        """
        os.kill(os.getppid(), signal.SIGINT)
        while True:  # until we are killed
            signal.pause()

    do_q = do_exit = do_EOF = do_quit


def process_of(frame: FrameType | None) -> Process | None:
    """The process whose step runs in `frame`, or in what called it."""
    while frame is not None:
        for value in frame.f_locals.values():
            if isinstance(value, Process):
                return value
        frame = frame.f_back
    return None


class Names(ChainMap[str, Any]):
    """What the program's names stand for: variables, then fields of the process.

    A name is assigned where it has its value; one that is new becomes a variable.
    """

    def __init__(self, frame: FrameType | None, variables: MutableMapping[str, Any]) -> None:
        suspended = _frame_among(variables)
        process = process_of(frame)
        maps = [] if suspended is None else [suspended.__dict__]
        super().__init__(*maps, variables, {} if process is None else vars(process))

    def __setitem__(self, name: str, value: Any) -> None:
        home = next((each for each in self.maps if name in each), self.maps[0])
        home[name] = value


def _frame_among(variables: Mapping[str, Any]) -> Frame | None:
    """The frame of a method that waits, where a part of it has these variables."""
    return next((value for value in variables.values() if type(value) is Frame), None)


def _is_machinery(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__", "")
    ours = frame.f_code.co_filename.startswith(_PACKAGE)
    process = frame.f_locals.get("self")
    keeps = isinstance(process, Process) and process.keeps_by_(frame.f_code)
    return ours or keeps or name.partition(".")[0] in ("__main__", "asyncio", "click", "uvloop")


_debugger: Debugger | None = None


def stop(frame: FrameType) -> None:
    """Stop in the line of `frame`, or the next one."""
    global _debugger
    if _debugger is None:
        _debugger = Debugger()
    _debugger.set_trace(frame)

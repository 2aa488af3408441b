"""Output of the processes of one place: lines with time and process, written whole.

Lines are collected during a turn and written at its end, straight to the descriptor, so that a
reader who is slow slows the program down; a worker whose turn takes long has them written before.
Invariant: no line of one place is broken by a line of another.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from quorate.core import effects as fx
from quorate.core.ids import ProcessId
from quorate.core.ordering import text_of
from quorate.worlds.real.lines import STDOUT, Lines, unwritable, write_whole
from quorate.worlds.real.program import Options
from quorate.worlds.real.shared import output_lock


class OutputClosed(Exception):
    """Output cannot be written: `reason` is empty where nobody reads it any more."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Console:
    """What is shown goes to standard output from `level` up, and to the log whatever its level."""

    def __init__(self, lock: int, options: Options, log: int | None) -> None:
        self._lock = lock
        self._level = options.level
        self._log = log
        self._log_name = options.log or ""
        self._log_as_json = options.log_format == "json"
        self._out_as_json = self._log_as_json and log is None
        self._to_out: list[str] = []
        self._to_log: list[str] = []
        self._begun: dict[ProcessId, tuple[list[str], int]] = {}  # parts of lines without their end
        self._lines = Lines()
        self.busy = False  # a method is under way that must not be interrupted by another

    def show(self, process: ProcessId, output: fx.Output) -> None:
        """Values that a process shows."""
        self.busy = True
        try:
            self._add(process, output)
        finally:  # a value may have a text only in theory
            self.busy = False

    def _add(self, process: ProcessId, output: fx.Output) -> None:
        text = output.sep.join(map(text_of, output.values))
        if output.end == "\n" and "\n" not in text and not self._begun:
            self._line(process, text, output.level)
            return
        *lines, rest = (text + output.end).split("\n")
        begun, _ = self._begun.get(process, ([], 0))
        if lines and begun:
            lines[0] = "".join(begun) + lines[0]
            begun = []
            del self._begun[process]
        if rest:
            begun.append(rest)
            self._begun[process] = (begun, output.level)
        for line in lines:
            self._line(process, line, output.level)

    def end(self, process: ProcessId) -> None:
        """The process is over: a line it has begun is a line."""
        if process in self._begun:
            begun, level = self._begun.pop(process)
            self._line(process, "".join(begun), level)

    def keep(self, is_own: Callable[[ProcessId], bool]) -> None:
        """The other processes end elsewhere the lines they have begun here."""
        self._begun = {id: begun for id, begun in self._begun.items() if is_own(id)}

    def _line(self, process: ProcessId, text: str, level: int) -> None:
        now = time.time()
        if level >= self._level:
            self._to_out.append(self._formatted(self._out_as_json, now, process, text, level))
        if self._log is not None:
            self._to_log.append(self._formatted(self._log_as_json, now, process, text, level))

    def _formatted(self, as_json: bool, now: float, who: ProcessId, text: str, level: int) -> str:
        if as_json:
            return self._lines.entry(now, who, text, level)
        return self._lines.text(now, who, text)

    def flush(self) -> None:
        """Write what has been collected. Raises OutputClosed; what is not written is kept."""
        if self._to_log and self._log is not None:
            with self._writing(self._log_name):
                self._write(self._log, self._to_log)
        if self._to_out:
            with self._writing(STDOUT):
                self._write(1, self._to_out)

    def finish(self) -> None:
        """Write what is left, in the program's own `sys.stdout` too. Raises OutputClosed."""
        self.flush()
        if sys.stdout is not None and not sys.stdout.closed:
            with self._writing(STDOUT):
                sys.stdout.flush()

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        self.busy = True
        try:
            yield
        except BrokenPipeError:
            raise OutputClosed("") from None
        except OSError as error:
            raise OutputClosed(unwritable(name, error)) from error
        finally:
            self.busy = False

    def _write(self, descriptor: int, lines: list[str]) -> None:
        data = _encoded(lines)
        with output_lock(self._lock):
            write_whole(descriptor, data)
        lines.clear()


def _encoded(lines: list[str]) -> bytes:
    """Lines as bytes: bytes that Python could not read as they are, other surrogates escaped."""
    try:
        return "".join(lines).encode(errors="surrogateescape")
    except UnicodeEncodeError:
        if len(lines) == 1:
            return lines[0].encode(errors="backslashreplace")
        return b"".join(_encoded([line]) for line in lines)

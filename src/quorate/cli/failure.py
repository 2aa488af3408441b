"""How a failed command ends: what is said on stderr, and the status.

Invariant: nothing is blamed on the user that is not the user's; an exception that no command
expected is a fault of Quorate, and is told as one.
"""

from __future__ import annotations

import errno
import os
import select
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quorate.cli.settings import Settings, wants_colour
from quorate.cli.status import Status
from quorate.core.errors import ProgramError

if TYPE_CHECKING:
    from quorate.lang.diagnostics import Diagnostic

_PACKAGE = Path(__file__).parent.parent
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class ProgramFailed(Exception):
    """The statements of the module `path`, such as an import, failed: see the cause."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def is_the_programs(error: BaseException) -> bool:
    """Whether what was raised by loading a program comes from its own statements.

    It does where they stand in the traceback, and the compiler was not called again by them.
    """
    if isinstance(error, SyntaxError) and _diagnostics_of(error):
        return False
    files = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    own = [index for index, file in enumerate(files) if file.endswith(".da")]
    below = [Path(file) for file in files[own[-1] + 1 :]] if own else []
    compiling = [_PACKAGE / "compiler", _PACKAGE / "lang"]
    return bool(own) and not any(path.is_relative_to(p) for path in below for p in compiling)


def tell(error: BaseException, settings: Settings) -> Status:
    """Say on stderr what went wrong, and return the status that stands for it."""
    try:
        status = _tell(error, settings)
        if sys.stdout is not None:  # what was printed before it went wrong
            sys.stdout.flush()
        return status
    except BrokenPipeError:
        return _close_output(Status.PIPE_CLOSED)
    except OSError:
        return _close_output(Status.FAILED)


def _tell(error: BaseException, settings: Settings) -> Status:
    if isinstance(error, KeyboardInterrupt | click.Abort):
        click.echo("quorate: interrupted", err=True)
        return Status.INTERRUPTED
    if isinstance(error, click.ClickException):
        error.show()
        return Status.MISUSED
    raised = error.__cause__ if isinstance(error, ProgramFailed) else error
    if isinstance(raised, BrokenPipeError) and _reader_has_gone():
        return _close_output(Status.PIPE_CLOSED)
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        click.echo(f"quorate: cannot write: {error.strerror}", err=True)
        return _close_output(Status.FAILED)
    if isinstance(error, SyntaxError) and (found := _diagnostics_of(error)):
        _tell_diagnostics(found)
        return Status.MISUSED
    if isinstance(error, ProgramFailed):
        _tell_program_failed(error)
        return Status.FAILED
    _tell_our_bug(error, settings)
    return Status.OUR_BUG


def _diagnostics_of(error: SyntaxError) -> list[Diagnostic]:
    """The errors of a program that does not compile; none if it is another SyntaxError."""
    from quorate.lang.diagnostics import QuorateSyntaxError

    return list(error.diagnostics) if isinstance(error, QuorateSyntaxError) else []


def _tell_diagnostics(found: list[Diagnostic]) -> None:
    from quorate.lang.diagnostics import render

    click.echo(render(found, colour=wants_colour(2)), err=True)


def _tell_program_failed(failed: ProgramFailed) -> None:
    """Show the exception as Python does, without the lines of Quorate and of Python's imports."""
    from quorate.compiler.modules import seen_from_here

    error = failed.__cause__
    assert error is not None
    trace = traceback.TracebackException.from_exception(error, compact=True)
    for part in _chain(trace):
        part.stack = traceback.StackSummary.from_list(
            [frame for frame in part.stack if not _is_machinery(frame.filename)]
        )
        for frame in part.stack:
            frame.filename = seen_from_here(frame.filename)
    text = "".join(trace.format_exception_only()).strip()
    shown = "".join(trace.format()).strip().removesuffix(text).rstrip()
    code, help = "Q100", _advice(error)
    if isinstance(error, ProgramError):
        code, text, help = error.code, error.message, error.help
    told = f"error[{code}]: {failed.path} failed: {text}\n{shown}"
    click.echo(f"{told}\n  = help: {help}" if help else told, err=True)


def _advice(error: BaseException) -> str:
    """What to do about an exception that Python's words do not explain."""
    from quorate.lang.properties import PROPERTIES
    from quorate.lang.specifications import GUARANTEES

    if isinstance(error, NameError) and error.name in (*PROPERTIES, *GUARANTEES):
        return (
            "what `import *` takes from a module of Python may be of that name, so it is not the "
            "word of the language here: import what is needed by its name"
        )
    if isinstance(error, ImportError) and "no known parent package" in str(error):
        return "what is in a package is run by its name: `-m PACKAGE.MODULE`, from beside it"
    return ""


def _chain(trace: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    """An exception, those that it was raised for, and those that it is a group of."""
    pending: list[traceback.TracebackException | None] = [trace]
    while pending:
        each = pending.pop()
        if each is not None:
            yield each
            pending += [each.__cause__, each.__context__, *(each.exceptions or ())]


def _is_ours(file: str) -> bool:
    return not file.endswith(".da") and Path(file).is_relative_to(_PACKAGE)


def _is_machinery(file: str) -> bool:
    return _is_ours(file) or file.startswith("<frozen importlib")


def _tell_our_bug(error: BaseException, settings: Settings) -> None:
    if settings.wants_traceback:
        traceback.print_exception(error)
    summary = traceback.format_exception_only(error)[-1].strip()
    click.echo(f"quorate: internal error{_place(error)}: {summary}", err=True)
    advice = "" if settings.wants_traceback else " QUORATE_DEBUG=1 shows the traceback."
    click.echo(f"This is a bug in Quorate, not in your program.{advice}", err=True)


def _place(error: BaseException) -> str:
    """Where in Quorate it happened: the innermost of our own lines."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(_PACKAGE):
            return f" in {path.relative_to(_PACKAGE.parent).as_posix()}:{frame.lineno}"
    return ""


def _reader_has_gone(fds: tuple[int, ...] = (1, 2)) -> bool:
    """Whether a pipe that is our stdout or stderr has lost its reader."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def _close_output(status: Status) -> Status:
    """Give the interpreter's flush at its end somewhere to write what is left."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    if _reader_has_gone((2,)):
        os.dup2(nowhere, 2)
    os.close(nowhere)
    return status

"""The command line: one file per command, each imported only when it is called.

Invariant: whatever happens, `main` ends in `sys.exit` with a status of `status.Status`, and
every failure is told by `failure.py` alone. Importing this package imports neither click nor
any other part of Quorate, because `quorate --help` has to be quick.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

PROGRAM = "quorate"
COMPLETION_VARIABLE = "_QUORATE_COMPLETE"  # set by the shell when it wants completions


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line (`sys.argv` unless `args` is given) and exit with its status."""
    try:
        open_closed()
        if os.getpid() == 1:
            end_by_sigterm()
        status = status_of(sys.argv[1:] if args is None else args, own_process=args is None)
    except KeyboardInterrupt:  # another one, while the first was told
        status = 130
    sys.exit(status)


def open_closed() -> None:
    """Open what the caller has closed of stdin, stdout and stderr, as reading and writing nothing.

    Otherwise the first files and sockets of a run would take their places, and its output.
    """
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            assert os.open(os.devnull, os.O_RDWR) == fd  # the least that is free
            os.set_inheritable(fd, True)
            setattr(sys, name, os.fdopen(fd, "w" if fd else "r", closefd=False))


def end_by_sigterm() -> None:
    """Have SIGTERM end this process as Ctrl-C does, where a command says nothing else of it.

    The first process of a container would not hear of it: the system keeps from that one whatever
    it has no handler for.
    """
    import signal

    def end(number: int, _: object) -> None:
        if os.getpid() == 1:
            raise KeyboardInterrupt
        signal.signal(number, signal.SIG_DFL)  # in what it has forked, as if none of this were
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)


def status_of(args: Sequence[str], *, own_process: bool = False) -> int:
    """Run the command line; tell what went wrong, if anything, on stderr; return the status."""
    from quorate.cli.settings import Settings

    settings = Settings(own_process=own_process)
    try:
        status = _call(list(args), settings)
        if sys.stdout is not None:  # None when the caller has closed it
            sys.stdout.flush()
        return status
    except (Exception, KeyboardInterrupt) as error:
        from quorate.cli.failure import tell

        return tell(error, settings)


def _call(args: list[str], settings: object) -> int:
    """Call the command that `args` name; a command returns its status, or None for 0.

    Not `group.main()`, which takes every broken pipe for one of stdout, and exits.
    """
    import click

    from quorate.cli.group import group

    if instruction := os.environ.get(COMPLETION_VARIABLE):
        from click.shell_completion import shell_complete

        return shell_complete(group, {}, PROGRAM, COMPLETION_VARIABLE, instruction)
    try:
        with group.make_context(PROGRAM, args, obj=settings) as context:
            status = group.invoke(context)
    except click.exceptions.Exit as exit:
        return exit.exit_code
    return status or 0

"""The exit statuses of the command line."""

from enum import IntEnum


class Status(IntEnum):
    """What a finished command tells its caller."""

    DONE = 0
    FAILED = 1  # the program failed, or lint found something
    MISUSED = 2  # wrong usage, or a program that does not compile
    UNDECIDED = 3  # a limit was reached before there was an answer
    OUR_BUG = 70  # EX_SOFTWARE of sysexits.h
    INTERRUPTED = 130  # 128 + SIGINT, as shells count
    PIPE_CLOSED = 141  # 128 + SIGPIPE: whoever read our output has gone

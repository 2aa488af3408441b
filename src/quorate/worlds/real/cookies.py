"""Cookies: the secrets by which nodes know one another, and files that only their owner can read.

Invariant: a file is believed only if it is a regular one that nobody else can read or write.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping

from quorate.core.errors import ProgramError

COOKIE_BYTES_MAX = 4096
VARIABLE = "QUORATE_COOKIE"


def cookie_given(
    file: str | None, text: str | None, environment: Mapping[str, str]
) -> bytes | None:
    """The cookie that a user has given: in a file, as text, or else by the environment.

    Raises ProgramError (Q153) for what is none, and OSError for a file that cannot be read.
    """
    if file is not None:
        return cookie_in(file)
    if text is None:
        text = environment.get(VARIABLE) or None
    return None if text is None else _cookie(text.encode(errors="surrogateescape"), "the cookie")


def cookie_in(path: str) -> bytes:
    """The cookie in a file, without white space around it."""
    with private(path) as descriptor:
        return _cookie(os.read(descriptor, COOKIE_BYTES_MAX + 1), path)


def _cookie(data: bytes, where: str) -> bytes:
    if len(data) > COOKIE_BYTES_MAX:
        message = f"{where} is longer than {COOKIE_BYTES_MAX:,} bytes"
        raise ProgramError("Q153", message, "a cookie is a secret of one line")
    if not data.strip():
        help = "write a long secret into it, as `openssl rand -hex 32` prints one"
        raise ProgramError("Q153", f"{where} is empty", help)
    return data.strip()


@contextlib.contextmanager
def private(path: str) -> Iterator[int]:
    """A file, open, that is its owner's secret. Raises ProgramError (Q153) and OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        check_private(descriptor, path)
        yield descriptor
    finally:
        os.close(descriptor)


def check_private(descriptor: int, path: str) -> None:
    """Whether an open file is a regular one, and its owner's secret. Raises ProgramError (Q153).

    The owner is this user; or the system, which may let a group read it that this user is in.
    """
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        raise ProgramError("Q153", f"{path} is no regular file", "name a file of its own")
    mine = facts.st_uid == os.geteuid()
    if not mine and facts.st_uid != 0:
        help = f"it is of user {facts.st_uid}: make one of your own"
        raise ProgramError("Q153", f"{path} is another user's", help)
    if facts.st_mode & (0o077 if mine else 0o027):
        message = f"{path} can be read or written by others"
        help = f"let nobody else read it: chmod 600 {path}"
        if not mine:
            help = "it is root's: let a group of this user read it, and nobody else: mode 440"
        raise ProgramError("Q153", message, help)

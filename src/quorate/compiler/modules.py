"""Finding the .da modules that a program imports, and what they define.

A module is looked for beside the program, along `sys.path` and in the working directory, in this
order; Python's standard library comes before. Invariant: each file is analysed once for one
program, and what the compiler finds under a name is what `import` finds when the program runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from quorate.lang.nodes import Program
from quorate.lang.source import Source


def working_directory() -> list[str]:
    """The working directory, and nothing where it has been removed."""
    try:
        return [os.getcwd()]
    except OSError:
        return []


def candidates(name: str, level: int, beside: str) -> Iterator[str]:
    """The paths where the .da module `name` may be, best first.

    `beside` is the folder of the program, or for a relative import that of the module.
    """
    relative = name.replace(".", os.sep)
    if level > 0:
        base = beside
        for _ in range(level - 1):
            base = os.path.dirname(base)
        places = [base]
    elif name.partition(".")[0] in sys.stdlib_module_names:
        return
    else:
        places = [beside, *sys.path, *working_directory()]
    for place in map(os.path.abspath, dict.fromkeys(places)):
        yield os.path.join(place, relative, "__init__.da")
        if relative:
            yield os.path.join(place, relative + ".da")


def find_file(name: str, level: int, beside: str) -> str | None:
    """The path of the .da module `name`, None where there is none."""
    return next((path for path in candidates(name, level, beside) if os.path.isfile(path)), None)


@dataclass
class Known:
    """The .da modules of one program: what each defines, and a digest of its text.

    A module that is still being analysed defines nothing yet, as in Python's circles of imports.
    """

    root: str
    programs: dict[str, Program | None] = field(default_factory=dict)
    digests: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str, shown: str) -> Source:
        """The text of the file at `path`, which errors call `shown`.

        Its digest is taken before: if it changes now, the cache is old.
        """
        with contextlib.suppress(OSError):  # Source.read says what is wrong with it
            if os.path.isfile(path):
                self.digests[path] = digest_of(path)
        return Source.read(shown)


def seen_from_here(path: str) -> str:
    """An absolute path as seen from the working directory, if it lies below.

    A program may have removed that.
    """
    for folder in working_directory():
        path = path.removeprefix(os.path.join(folder, ""))
    return path


def digest_of(path: str) -> bytes:
    """A digest of what a file holds. Raises OSError."""
    with open(path, "rb") as opened:
        return hashlib.sha256(opened.read()).digest()


class Modules:
    """The .da modules that the module at `path` imports; errors call it as it is given here."""

    def __init__(self, path: str, known: Known | None = None) -> None:
        self.shown = path
        self.path = os.path.abspath(path)
        self.beside = os.path.dirname(self.path)
        self.known = Known(self.beside) if known is None else known
        self.known.programs.setdefault(self.path, None)

    def source(self) -> Source:
        """The text of the module itself."""
        return self.known.read(self.path, self.shown)

    def find(self, name: str, level: int) -> Program | None:
        """What the .da module `name` defines, None where there is no such module.

        Raises QuorateSyntaxError with the errors of that module.
        """
        from quorate.compiler.passes import analyse

        path = find_file(name, level, self.beside if level else self.known.root)
        if path is None:
            return None
        programs = self.known.programs
        if path not in programs:
            inner = Modules(seen_from_here(path), self.known)
            programs[path] = analyse(inner.source(), inner.find).program
        return programs[path]

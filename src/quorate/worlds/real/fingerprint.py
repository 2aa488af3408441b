"""What all nodes of a run must have in common: the compiler, and the files of the program.

Invariant: a file is named as the program imports it, wherever its folder is on a machine, and is
compared by what it holds.
"""

from __future__ import annotations

import os
import platform
from types import ModuleType

from quorate.worlds.real.membership import Fingerprint


def fingerprint_of(module: ModuleType, version: str) -> Fingerprint:
    """That of a loaded program, all of its own that it has imported; `version` is Quorate's."""
    from quorate.compiler.loader import compiler_contents
    from quorate.compiler.modules import digest_of

    python = ".".join(platform.python_version_tuple()[:2])
    files = {name: digest_of(path).hex() for name, path in files_of(module).items()}
    return Fingerprint(f"{version} ({compiler_contents()}, Python {python})", files)


def files_of(module: ModuleType) -> dict[str, str]:
    """The files that a loaded program is made of, each by its name among them."""
    from quorate.compiler.loader import folder_of, parts_of

    folder = folder_of(str(module.__file__), module.__name__)
    return {
        _name(name, str(part.__file__), folder): str(part.__file__)
        for name, part in parts_of(module).items()
        if os.path.isfile(str(part.__file__))  # what an archive holds has none of its own
    }


def _name(module: str, file: str, folder: str) -> str:
    """The file as seen from the folder of the program; elsewhere, where its name would be."""
    if file.startswith(os.path.join(folder, "")):
        return os.path.relpath(file, folder)
    return module.replace(".", "/") + os.path.splitext(file)[1]

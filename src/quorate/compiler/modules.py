"""Finding the .da modules that a program imports, and what they define.

A module is looked for beside the program, along `sys.path` and in the working directory, in this
order; Python's standard library comes before. Invariant: each file is analysed once for one
program, and what the compiler finds under a name is what `import` finds when the program runs.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.machinery
import importlib.util
import itertools
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from quorate.lang.imports import import_da_name
from quorate.lang.nodes import ClassInfo, Program
from quorate.lang.parse import plain_tree
from quorate.lang.scopes import module_names, stored_names
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


def find_program(name: str, beside: str) -> tuple[str, str] | None:
    """(the path, the name) of the module that `-m name` runs: of a package, its `__main__`."""
    path = find_file(name, 0, beside)
    if path is None or os.path.basename(path) == "__init__.da":
        main = f"{name}.__main__"
        found = find_file(main, 0, beside)
        if found is not None:
            return found, main
    return None if path is None else (path, name)


@dataclass
class Known:
    """The .da modules of one program: what each defines, and a digest of its text.

    One that is still being analysed has None, and in `asking` the import that it has come to.
    """

    root: str
    in_order: bool = True  # whether they are analysed as the program comes to import them
    programs: dict[str, Program | None] = field(default_factory=dict)
    digests: dict[str, bytes] = field(default_factory=dict)
    asking: dict[str, tuple[str, int]] = field(default_factory=dict)
    changes_path: bool = False  # so what is missing now may be there when it is imported

    def read(self, path: str, shown: str) -> Source:
        """The text of the file at `path`, which errors call `shown`.

        Its digest is taken before: if it changes now, the cache is old.
        """
        with contextlib.suppress(OSError):  # Source.read says what is wrong with it
            if os.path.isfile(path):
                self.digests[path] = digest_of(path)
        source = Source.read(shown)
        self.changes_path |= _CHANGES_PATH.search(source.text) is not None
        return source

    def has_python(self, name: str) -> bool:
        """Whether a Python module of this name, or a package that it is in, may be there."""
        top = name.partition(".")[0]
        known = top in sys.stdlib_module_names or find_file(top, 0, self.root) is not None
        if not top or known or self.changes_path:
            return True
        try:
            beside = importlib.machinery.PathFinder.find_spec(top, [self.root])
            self.changes_path |= beside is not None and beside.has_location  # it may do anything
            return beside is not None or importlib.util.find_spec(top) is not None
        except (ImportError, ValueError):
            return True


_CHANGES_PATH = re.compile(r"\bsys\.(path|modules|meta_path)\b|\bfrom sys import|\baddsitedir\b")


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
        """What the .da module `name` defines, None where it is no .da module.

        Raises QuorateSyntaxError with the errors of that module, ModuleNotFoundError where there
        is certainly no module of that name.
        """
        path = find_file(name, level, self.beside if level else self.known.root)
        if path is None:
            if level == 0 and not self.known.has_python(name):
                raise ModuleNotFoundError(name)
            return None
        if path == self.path:
            return None  # a package that asks for its own submodules
        packages = [each for each in _packages_around(path, name, level) if each != self.path]
        own = self.known.programs.pop(self.path)  # such a package may import it, too
        for package in packages:
            self._look_at(package, name, level)
        self.known.programs.setdefault(self.path, own)
        self._look_at(path, name, level)
        return self.known.programs[path] or self._unfinished(path)

    def _look_at(self, path: str, name: str, level: int) -> None:
        """Analyse a module that this one has to import for `name`, unless that was done."""
        from quorate.compiler.passes import analyse

        programs = self.known.programs
        if path not in programs:
            self.known.asking[self.path] = name, level
            inner = Modules(seen_from_here(path), self.known)
            program = programs[path] = analyse(inner.source(), inner.find).program
            program.submodules = _submodules(path)

    def _unfinished(self, path: str) -> Program | None:
        """What a module has defined when, in a circle, it comes to the import that leads here."""
        if not self.known.in_order:
            return None
        source = Source.read(seen_from_here(path))
        asked = self.known.asking.get(path, ("", 0))
        tree = plain_tree(source)
        tree.body = list(itertools.takewhile(lambda node: not _imports(node, *asked), tree.body))
        program = Program(source.path, source.text, tree, unfinished=True)
        program.names, anything = module_names(tree)
        program.submodules = _submodules(path)
        program.knows_names = not anything and "*" not in stored_names(tree.body)[0]
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                if bases & {"process", *program.classes}:
                    program.classes[node.name] = ClassInfo(node.name)
        return program


_INIT = "__init__.da"


def _packages_around(path: str, name: str, level: int) -> list[str]:
    """The packages around a module that is imported as `name`, the outermost first.

    Without a name, by `from . import`, it is itself one that was there before.
    """
    found: list[str] = []
    inside = name.count(".") + level  # so many folders at least
    package = os.path.join(os.path.dirname(path), _INIT)
    if package == path and name:
        package = _outside(package)
    while inside > 0 or (level > 0 and os.path.isfile(package) and package not in found):
        if os.path.isfile(package):
            found.insert(0, package)
        package, inside = _outside(package), inside - 1
    return found


def _outside(package: str) -> str:
    """The file of the package around one."""
    return os.path.join(os.path.dirname(os.path.dirname(package)), _INIT)


def _submodules(path: str) -> set[str]:
    """The names of what may be imported from a package, beside what it defines."""
    if os.path.basename(path) != _INIT:
        return set()
    modules = ".da", *importlib.machinery.all_suffixes()
    with os.scandir(os.path.dirname(path)) as entries:
        found = [each.name for each in entries if each.is_dir() or each.name.endswith(modules)]
    return {name.partition(".")[0] for name in found}


def _imports(statement: ast.stmt, name: str, level: int) -> bool:
    """Whether a statement imports a module, or a name that may be a submodule, as it is asked."""
    for node in ast.walk(statement):
        match node:
            case ast.Import(names=names) if level == 0:
                found = {alias.name for alias in names}
            case ast.ImportFrom(module=module, names=names, level=here) if here == level:
                submodules = {f"{module or ''}.{alias.name}".strip(".") for alias in names}
                found = {module or "", *submodules}
            case ast.Assign():
                found = {import_da_name(node) or ""}
            case _:
                continue
        if name in found:
            return True
    return False

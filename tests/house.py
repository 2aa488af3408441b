"""The house rules, as functions from source files to complaints that name file and line.

`test_house.py` applies each to the project, and each to small bad snippets.
A rule has no escape but EXCEPTIONS, where every entry says why and must still be needed.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path(__file__).parent.parent

WIDTH_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600
DOCSTRING_LINES_MAX = 8
ANNOTATED_MIN = 0.95

# (rule, file) -> why this file may do what the rule forbids.
EXCEPTIONS = {
    ("words", "tests/house.py"): "lists the words",
    ("words", "tests/test_house.py"): "tries the words",
}

_LEAVES = {"core"}
_MODEL = {"core", "lang", "compiler"}
_WORLD = {*_MODEL, "net", "store", "trace", "consistency", "worlds.base"}
_LIBRARY = {*_WORLD, "tla", "worlds.real", "worlds.sim", "worlds.check"}
_TOP = {*_LIBRARY, "protocols", "apps", "testing", "web"}

# Which parts of the package each part may import, besides itself. "" is the package's own
# __init__.py, whose public names are made of what is below the command line.
LAYERS: dict[str, set[str]] = {
    "core": set(),
    "lang": {"core", "consistency"},
    "net": _LEAVES,
    "store": _LEAVES,
    "trace": _LEAVES,
    "compiler": {"core", "lang"},
    "tla": {"core", "lang"},
    "consistency": {"trace"},
    "worlds": {"worlds.base"},
    "worlds.base": {"core", "consistency", "trace"},
    "worlds.real": _WORLD,
    "worlds.sim": _WORLD,
    "worlds.check": _WORLD,
    "protocols": _LIBRARY,
    "apps": _LIBRARY | {"protocols"},
    "testing": _TOP | {""},
    "web": _TOP | {""},
    "cli": _TOP | {""},
    "": _TOP,
    "__main__": {"cli"},
}

# What would let the core, or a process, reach the world by itself.
CORE_NEVER_IMPORTS = {
    *("asyncio", "concurrent", "multiprocessing", "queue", "sched", "select", "selectors"),
    *("signal", "subprocess", "threading", "_thread", "contextvars"),
    *("fcntl", "fileinput", "glob", "io", "mmap", "os", "pathlib", "shutil", "sqlite3", "tempfile"),
    *("http", "smtplib", "socket", "socketserver", "ssl", "urllib", "xmlrpc", "uvloop"),
    *("datetime", "random", "secrets", "time", "timeit", "uuid", "zoneinfo"),
    *("ctypes", "logging", "marshal", "pickle", "shelve", "sys"),
}
CORE_NEVER_CALLS = {"open", "input", "print", "eval", "exec", "breakpoint"}

# file -> what it may import in spite of the above. A generator seeded by its caller is a value
# like any other; the functions of the module `random` share a hidden one. How deep calls may go
# is for Python to say, and whether an object is in other hands.
CORE_MAY_IMPORT = {
    f"src/quorate/core/{name}.py": {"random.Random"}
    for name in ("actions", "ambient", "freeze", "process", "thaw")
}
CORE_MAY_IMPORT["src/quorate/core/process.py"].add("sys.getrecursionlimit")
CORE_MAY_IMPORT["src/quorate/core/containers.py"] = {"sys.getrefcount"}

FORBIDDEN_WORDS = {
    r"\b(TODO|FIXME|XXX|HACK)\b": "do it now, or describe it where its users look",
    r"(?<![\w.~])/(home|root|work|Users)/\w": "a path that exists on one machine only",
}


@dataclass(frozen=True)
class Source:
    """A file of the project: `path` is relative to its root, with slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")

    @property
    def module(self) -> str | None:
        """The dotted name, for what is inside the package."""
        if not (self.path.startswith("src/") and self.is_python):
            return None
        parts = PurePosixPath(self.path).with_suffix("").parts[1:]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def part(self) -> str | None:
        """The part that LAYERS names: `worlds.real` of `quorate.worlds.real.node`."""
        return None if self.module is None else part_of(self.module)


class Complaint(NamedTuple):
    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def project_sources() -> list[Source]:
    """Every .py and .da file of the project that people write."""
    folders = ("src", "tests", "bench", "examples", "docs")
    paths = [path for name in folders for path in (ROOT / name).rglob("*.[pd][ya]")]
    return [
        Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(paths)
        if path.suffix in (".py", ".da")
    ]


def without_exceptions(rule: str, complaints: Iterable[Complaint]) -> list[Complaint]:
    return [each for each in complaints if (rule, each.path) not in EXCEPTIONS]


# --- Layers


def part_of(module: str) -> str:
    names = module.split(".")[1:3]
    return ".".join(names) if names[:1] == ["worlds"] else "".join(names[:1])


def imports(source: Source) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of all that a file imports; a name `from` a module is `module.name`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(source, node)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = (source.module or "").split(".")
    keep = len(package) - node.level + source.path.endswith("__init__.py")
    return ".".join([*package[:keep], *([node.module] if node.module else [])])


def layers(source: Source) -> Iterator[Complaint]:
    """A part imports only what LAYERS allows."""
    if (here := source.part) is None:
        return
    if here not in LAYERS:
        yield Complaint(source.path, 1, f"{here!r} has no place in LAYERS of tests/house.py")
        return
    for line, name in imports(source):
        if name.split(".")[0] != "quorate":
            continue
        there = part_of(name)
        if there not in LAYERS:  # a name of quorate/__init__.py
            there = ""
        if there != here and there not in LAYERS[here]:
            yield Complaint(source.path, line, f"{here or 'quorate'} may not import {name}")


def generated_code_imports(source: Source) -> Iterator[Complaint]:
    """Of the package, what the compiler generates imports the core alone."""
    for line, name in imports(source):
        if name.split(".")[0] == "quorate" and part_of(name) != "core":
            yield Complaint(source.path, line, f"generated code may not import {name}")


def core_is_pure(source: Source) -> Iterator[Complaint]:
    """The core reaches no clock, randomness, socket, file or thread."""
    if source.part != "core":
        return
    allowed = CORE_MAY_IMPORT.get(source.path, set())
    for line, name in imports(source):
        if name.split(".")[0] in CORE_NEVER_IMPORTS and name not in allowed:
            yield Complaint(source.path, line, f"core may not import {name}")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in CORE_NEVER_CALLS:
                yield Complaint(source.path, node.lineno, f"core may not call {node.func.id}()")


def dead_modules(sources: Iterable[Source], entry_points: str = "") -> Iterator[Complaint]:
    """Every module is imported by another one, or named in a string of one or in `entry_points`.

    Strings count because commands are imported by name, and generated code imports the core.
    """
    package = [each for each in sources if each.module]
    used = set(_dotted_names(entry_points)) | {"quorate.__main__"}
    for source in package:
        names = {name for _, name in imports(source)} | set(_named_in_strings(source))
        prefixes = {".".join(name.split(".")[:n]) for name in names for n in range(1, 9)}
        used |= prefixes - {source.module}
    for source in package:
        if source.module not in used and not source.path.endswith("__init__.py"):
            yield Complaint(source.path, 1, f"nothing imports {source.module}")


def _named_in_strings(source: Source) -> Iterator[str]:
    nodes = list(ast.walk(source.tree))
    docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node not in docstrings:
                yield from _dotted_names(node.value)


def _dotted_names(text: str) -> list[str]:
    return re.findall(r"\bquorate(?:\.\w+)+", text)


# --- Sizes


def line_width(source: Source) -> Iterator[Complaint]:
    for number, line in enumerate(source.lines, 1):
        if len(line) > WIDTH_MAX:
            yield Complaint(source.path, number, f"{len(line)} columns, at most {WIDTH_MAX}")


def file_length(source: Source) -> Iterator[Complaint]:
    if len(source.lines) > FILE_LINES_MAX:
        text = f"{len(source.lines)} lines in one file, at most {FILE_LINES_MAX}"
        yield Complaint(source.path, FILE_LINES_MAX + 1, text)


def function_length(source: Source) -> Iterator[Complaint]:
    functions = _python_functions(source) if source.is_python else _indented_functions(source)
    for name, start, end in functions:
        if (length := end - start + 1) > FUNCTION_LINES_MAX:
            text = f"{name} has {length} lines, at most {FUNCTION_LINES_MAX}"
            yield Complaint(source.path, start, text)


def _python_functions(source: Source) -> Iterator[tuple[str, int, int]]:
    for node in _functions(source):
        yield node.name, node.lineno, node.end_lineno or node.lineno


def _indented_functions(source: Source) -> Iterator[tuple[str, int, int]]:
    """By indentation, because `while await ... elif` is not Python."""
    open_ones: list[tuple[int, str, int]] = []  # (indentation, name, first line)
    last = 0  # the last line that is not blank
    for number, line in enumerate([*source.lines, "end"], 1):
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        while open_ones and indent <= open_ones[-1][0] and not line.lstrip().startswith(")"):
            _, name, start = open_ones.pop()
            yield name, start, last
        if match := re.match(r"\s*def (\w+)", line):
            open_ones.append((indent, match[1], number))
        last = number


# --- Habits


def prints(source: Source) -> Iterator[Complaint]:
    """Only the command line prints."""
    if source.part in (None, "cli"):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "print":
                yield Complaint(source.path, node.lineno, "print() outside cli/")


def module_docstring(source: Source) -> Iterator[Complaint]:
    if not source.is_python:
        return
    lines = (ast.get_docstring(source.tree) or "").splitlines()
    if not lines:
        yield Complaint(source.path, 1, "the module has no docstring (its role, its invariant)")
    elif len(lines) > DOCSTRING_LINES_MAX:
        text = f"the module's docstring has {len(lines)} lines, at most {DOCSTRING_LINES_MAX}"
        yield Complaint(source.path, 1, text)


def not_annotated(source: Source) -> Iterator[Complaint]:
    """Functions that leave a parameter or the result without a type."""
    if source.is_python:
        for node in _functions(source):
            if not _is_annotated(node):
                yield Complaint(source.path, node.lineno, f"{node.name} is not annotated")


def annotated_share(sources: Iterable[Source]) -> tuple[float, list[Complaint]]:
    """The share of functions whose parameters and result all have types, and the others."""
    python = [source for source in sources if source.is_python]
    count = sum(1 for source in python for _ in _functions(source))
    missing = [complaint for source in python for complaint in not_annotated(source)]
    return 1 - len(missing) / max(count, 1), missing


def words(source: Source) -> Iterator[Complaint]:
    """Words and marks that the project never uses."""
    for pattern, why in FORBIDDEN_WORDS.items():
        for number, line in enumerate(source.lines, 1):
            if match := re.search(pattern, line):
                yield Complaint(source.path, number, f"{match[0]!r}: {why}")


def _functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _is_annotated(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    spec = node.args
    named = [*spec.posonlyargs, *spec.args]
    if named and named[0].arg in ("self", "cls"):
        named = named[1:]
    rest = [arg for arg in (spec.vararg, spec.kwarg) if arg]
    return node.returns is not None and all(a.annotation for a in [*named, *spec.kwonlyargs, *rest])


RULES: dict[str, Callable[[Source], Iterator[Complaint]]] = {
    "layers": layers,
    "core is pure": core_is_pure,
    "line width": line_width,
    "file length": file_length,
    "function length": function_length,
    "prints": prints,
    "module docstring": module_docstring,
    "words": words,
}

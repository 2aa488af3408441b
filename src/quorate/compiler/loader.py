"""From a .da file to a loaded module: compiled once, cached, importable by name.

A cache file holds the code of a module and digests of all it depends on: the compiler, its
source, the sources of the .da modules it imports. Invariant: what is loaded is what would be
compiled now.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.machinery
import importlib.util
import marshal
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from quorate.compiler.modules import Known, Modules, digest_of, find_file, seen_from_here
from quorate.core import ambient
from quorate.core.errors import ProgramError
from quorate.core.process import Process
from quorate.lang.source import Source

if TYPE_CHECKING:
    from importlib.abc import Loader, MetaPathFinder
else:
    Loader = MetaPathFinder = object  # importlib.abc costs as much as all of this package


def load(
    path: str,
    name: str | None = None,
    *,
    cache: bool = True,
    views: bool = True,
    marks: bool = False,
    properties: bool = False,
    branching: bool = False,
) -> ModuleType:
    """The module of the .da program at `path`, executed under `name` (its stem by default).

    A name with dots is that of a module in a package, which is imported first. Without `views`,
    its queries and those of modules that it imports go over whole histories; with `marks` they note
    what is reached (see compiler/coverage.py), with `properties` they have those of the program,
    with `branching` they ask where the language allows several outcomes (core/choosing.py). What
    was loaded before is forgotten: modules that both import are compiled, and run, once for each.
    Errors of the program show `path` as it is given; its code has the absolute one.
    Raises QuorateSyntaxError, and whatever the module's own statements raise.
    """
    install(views=views, marks=marks, properties=properties, branching=branching)
    shown, path = path, os.path.abspath(path)
    root = os.path.dirname(path) if name is None else folder_of(path, name)
    _forget(_parts_in({root, *map(_folder_of_module, program_modules())}))
    name = module_name(path) if name is None else name
    code = compiled(shown, root, cache=cache)
    if sys.path[:1] != [root]:
        sys.path[:] = [root, *(place for place in sys.path if place != root)]
    DaLoader.kept = {path: code}
    try:
        return _execute(name, path)
    finally:
        DaLoader.kept = {}


def _execute(name: str, path: str) -> ModuleType:
    """A program: the module at `path`, whose code is at hand, under `name`, and all it imports."""
    module = _run(name, path)
    module.__dict__["_parts_"] = program_modules()  # for worlds/base/program.py
    return module


def _run(name: str, path: str) -> ModuleType:
    """Run the statements of the module."""
    code = DaLoader.kept[path]
    package, _, own = name.rpartition(".")
    around = importlib.import_module(package) if package else None
    if around is not None and getattr(sys.modules.get(name), "__file__", None) == path:
        return sys.modules[name]  # the package has imported it
    module = ModuleType(name)
    module.__file__ = path
    module.__loader__ = DaLoader(path)
    module.__package__ = package
    if _is_package(path, name):
        module.__package__, module.__path__ = name, [os.path.dirname(path)]
    sys.modules[name] = module
    module.__dict__["_code_"] = code  # by which core/naming.py finds functions nested in others
    try:
        exec(code, module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    if around is not None:
        setattr(around, own, module)
    return module


def load_anew(module: ModuleType) -> ModuleType:
    """A program that has been loaded, with the modules it is made of, as if for the first time.

    Their statements are run again; no .da file is looked at.
    """
    kept = {str(module.__file__): module.__dict__["_code_"]}
    parts = parts_of(module)
    for each in filter(is_program, parts.values()):
        kept[str(each.__file__)] = each.__dict__["_code_"]
    _forget(parts)
    DaLoader.kept = kept
    try:
        return _execute(module.__name__, str(module.__file__))
    finally:
        DaLoader.kept = {}


def load_with(module: ModuleType, text: str, more: str) -> ModuleType:
    """A program that has been loaded, of this text, once more and with `more` at its end.

    It is found by nobody: whoever imports it has the one that was there before. Raises
    QuorateSyntaxError, and whatever the module's own statements raise.
    """
    path, name = str(module.__file__), module.__name__
    root = folder_of(path, name)
    modules = Modules(seen_from_here(path), Known(root))
    DaLoader.kept = {path: _compiled(Source(modules.shown, text + more), modules)}
    sys.modules.update({each.__name__: each for each in module.__dict__["_parts_"]})
    before = sys.modules.pop(name)
    try:
        return _execute(name, path)
    finally:
        sys.modules[name] = before
        package, _, own = name.rpartition(".")
        if package:
            setattr(sys.modules[package], own, before)
        DaLoader.kept = {}


def parts_of(module: ModuleType) -> dict[str, ModuleType]:
    """The modules that a loaded program is made of, by name, it among them.

    Those are all .da modules, and those of Python in its folder.
    """
    return _parts_in({_folder_of_module(module)})


def _parts_in(folders: Iterable[str]) -> dict[str, ModuleType]:
    others = ("quorate", "__main__")
    within = tuple(os.path.join(folder, "") for folder in folders)
    return {
        name: each
        for name, each in list(sys.modules.items())
        if is_program(each) or (_lies_in(each, within) and name.partition(".")[0] not in others)
    }


def _forget(modules: dict[str, ModuleType]) -> None:
    """Have whoever imports these modules have them anew, also from packages that are left."""
    inside = tuple(f"{name}." for name, each in modules.items() if hasattr(each, "__path__"))
    more = [name for name in sys.modules if name.startswith(inside)] if inside else []
    gone = {name: sys.modules[name] for name in more} | modules
    for name in gone:
        del sys.modules[name]
    for name, each in gone.items():
        package, _, own = name.rpartition(".")
        around = vars(sys.modules[package]) if package in sys.modules else {}
        if around.get(own) is each:
            del around[own]


def lies_in(module: ModuleType | None, folder: str) -> bool:
    """Whether the file of a module is in this folder, and is not merely installed there."""
    return _lies_in(module, (os.path.join(folder, ""),))


def _lies_in(module: ModuleType | None, within: tuple[str, ...]) -> bool:
    file = getattr(module, "__file__", None) or ""
    return (
        file.startswith(within)
        and "-packages" + os.sep not in file
        and not file.startswith(_PYTHON)
    )


_PYTHON = os.path.join(os.path.dirname(os.__file__), "")  # where its standard library is


def program_modules() -> list[ModuleType]:
    """All .da modules that are loaded, by name."""
    found = {name: each for name, each in list(sys.modules.items()) if is_program(each)}
    return [found[name] for name in sorted(found)]


def is_program(module: ModuleType) -> bool:
    """Whether this is a loaded .da module."""
    file = getattr(module, "__file__", None) or ""
    return file.endswith(".da") and "_code_" in vars(module)


def folder_of(path: str, name: str) -> str:
    """The folder in which `import name` finds the module at `path`."""
    place = os.path.dirname(path) if _is_package(path, name) else path
    for _ in name.split("."):
        place = os.path.dirname(place)
    return place


def _folder_of_module(module: ModuleType) -> str:
    return folder_of(str(module.__file__), module.__name__)


def _is_package(path: str, name: str) -> bool:
    """Whether the module is that of a folder, and not its file run as if it were another."""
    own = name.rpartition(".")[2]
    return os.path.basename(path) == "__init__.da" and own != "__init__"


def main_of(module: ModuleType, shown: str | None = None) -> type[Process]:
    """The process class whose `run` is the `main` of a loaded program.

    Raises QuorateSyntaxError (Q020), which calls the file `shown`, for a module that has none.
    """
    main: type[Process] | None = getattr(module, "main_process_", None)
    if main is not None:
        return main
    from quorate.lang.checks import no_main
    from quorate.lang.diagnostics import QuorateSyntaxError

    raise QuorateSyntaxError([no_main(Source.read(shown or seen_from_here(str(module.__file__))))])


def module_name(path: str) -> str:
    """A name for the module at `path` that hides no other module."""
    stem = os.path.splitext(os.path.basename(path))[0].replace(".", "_")
    taken = sys.modules.get(stem)
    if stem in sys.stdlib_module_names or (
        taken is not None and getattr(taken, "__file__", None) != path
    ):
        return f"{stem}_da"
    return stem


def compiled(
    path: str, root: str | None = None, *, cache: bool = True, imported: bool = False
) -> CodeType:
    """The code of the module at `path`, which errors show so, from the cache if up to date.

    `root` is the folder of the program, its own by default; `imported` where another module of
    the program asks for it, so that what imports what, in which order, is not known.
    """
    shown, path = path, os.path.abspath(path)
    cache = cache and DaLoader.views  # what is kept has them
    if cache and (code := _cached(path)) is not None:
        return code
    modules = Modules(shown, None if root is None else Known(root, in_order=not imported))
    code = _compiled(modules.source(), modules)
    if cache:
        _keep(path, code, modules.known.digests)
    return code


def _compiled(source: Source, modules: Modules) -> CodeType:
    from quorate.compiler.passes import analyse, errors_with_places, translate

    with errors_with_places(source):
        analysed = analyse(source, modules.find)
        module = translate(
            analysed,
            views=DaLoader.views,
            marks=DaLoader.marks,
            properties=DaLoader.properties,
            branching=DaLoader.branching,
        )
        return compile_module(module, modules.path)


def compile_module(module: ast.Module, path: str) -> CodeType:
    """Python's own compiler, on the tree: so lines are those of the .da text."""
    return compile(module, path, "exec", dont_inherit=True)


# The cache ------------------------------------------------------------------------------------


def _cache_path(path: str) -> str:
    folder, file = os.path.split(os.path.abspath(path))
    tag = sys.implementation.cache_tag
    tag = f"{tag}.marked" if DaLoader.marks else tag
    tag = f"{tag}.checked" if DaLoader.properties else tag
    tag = f"{tag}.branching" if DaLoader.branching else tag
    return os.path.join(folder, "__pycache__", f"{os.path.splitext(file)[0]}.{tag}.quorate")


def _compiler_digest() -> bytes:
    """Changes whenever the compiler does."""
    digest = hashlib.sha256(sys.version.encode())
    for path in _compiler_files():
        facts = os.stat(path)
        file = os.path.basename(path)
        digest.update(f"{file} {facts.st_size} {facts.st_mtime_ns};".encode())
    return digest.digest()


def compiler_contents() -> str:
    """The same on every machine that has the same compiler, and nowhere else."""
    digest = hashlib.sha256()
    for path in _compiler_files():
        digest.update(digest_of(path))
    return digest.hexdigest()[:12]


def _compiler_files() -> Iterator[str]:
    """What a module is compiled by, and runs on, in one order."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for part in ("lang", "compiler", "core"):
        for folder, folders, files in os.walk(os.path.join(root, part)):
            folders.sort()
            yield from (os.path.join(folder, file) for file in sorted(files) if file[-3:] == ".py")


def _cached(path: str) -> CodeType | None:
    """The code kept for the module at `path`, None where what it was made of has changed."""
    try:
        with open(_cache_path(path), "rb") as opened:
            seal, kept = opened.read(_SEAL_BYTES), opened.read()
        if seal != hashlib.sha256(kept).digest():
            return None  # it was cut short, or is not ours
        own_path, compiler, digests, code = marshal.loads(kept)
        current = own_path == path and compiler == _compiler_digest()
        if current and all(digest_of(file) == digest for file, digest in digests.items()):
            assert isinstance(code, CodeType)
            return code
    except (OSError, ValueError, EOFError, TypeError):
        pass
    return None


_SEAL_BYTES = hashlib.sha256().digest_size


def _keep(path: str, code: CodeType, digests: dict[str, bytes]) -> None:
    """Write a cache file whole or not at all; a folder that cannot be written is no error."""
    kept = marshal.dumps((path, _compiler_digest(), digests, code))
    place = _cache_path(path)
    try:
        import tempfile  # only when something has been compiled

        os.makedirs(os.path.dirname(place), exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(place))
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(hashlib.sha256(kept).digest() + kept)
        os.replace(temporary, place)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


# Import by name -------------------------------------------------------------------------------


class DaLoader(Loader):
    """Executes the compiled module of one .da file; with `views`, all of them answer by these.

    `kept` has the code of modules that are loaded anew, by path.
    """

    views = True
    marks = False
    properties = False
    branching = False
    kept: Mapping[str, CodeType] = {}

    def __init__(self, path: str) -> None:
        self.path = path

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        root = sys.path[0] if sys.path else os.getcwd()
        code = self.kept.get(self.path) or compiled(seen_from_here(self.path), root, imported=True)
        module.__dict__["_code_"] = code
        exec(code, module.__dict__)
        said = {"_properties_", "_specifications_"} & vars(module).keys()
        if said and ambient.here.process is not None:
            raise _too_late(module)


def _too_late(module: ModuleType) -> ProgramError:
    """A module is imported when the program has been loaded, and all that is to hold is known."""
    what = f"`{module.__name__}`, which says what has to hold, is imported only while it runs"
    return ProgramError("Q135", what, "import it at the top of a module")


class DaFinder(MetaPathFinder):
    """Finds `name.da`, before a `name.py` that a compiler may have made of it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        name = fullname.rpartition(".")[2]
        if path is None:
            file = find_file(name, 0, sys.path[0] if sys.path else os.getcwd())
        else:
            file = next(
                (found for place in path if (found := find_file(name, 1, place)) is not None), None
            )
        if file is None:
            return None
        package = [os.path.dirname(file)] if _is_package(file, name) else None
        return importlib.util.spec_from_file_location(
            fullname, file, loader=DaLoader(file), submodule_search_locations=package
        )


def install(
    *,
    views: bool = True,
    marks: bool = False,
    properties: bool = False,
    branching: bool = False,
) -> None:
    """Make .da modules importable, and give them a calendar."""
    DaLoader.views, DaLoader.marks = views, marks
    DaLoader.properties, DaLoader.branching = properties, branching
    ambient.time.calendar = time
    if not any(isinstance(finder, DaFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, DaFinder())

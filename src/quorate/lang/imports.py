"""What a module imports: from other .da modules, and of Python what the language knows.

Invariant: a name that an import gives a class or module to is known before the statements of the
module are read.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable

from quorate.lang.diagnostics import Diagnostics, nearest
from quorate.lang.nodes import Program
from quorate.lang.scopes import module_names

Importer = Callable[[str, int], "Program | None"]
"""(module name, level of a relative import) -> the .da module of that name, None for others.

Raises ModuleNotFoundError where it is certain that there is no module of that name at all.
"""

_NAMES_MAX = 6


def note_imports(program: Program, importer: Importer, found: Diagnostics) -> None:
    """Make known to `program` its names, and what it imports from .da modules, wherever it does."""
    program.names, anything = module_names(program.tree)
    program.knows_names = not anything
    imports = _Imports(program, importer, found)
    for node in ast.walk(program.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                imports.module(alias.name, 0, alias.asname or alias.name, node)
        elif isinstance(node, ast.ImportFrom):
            imports.names(node)
        elif isinstance(node, ast.Assign) and (name := import_da_name(node)) is not None:
            imports.old_spelling(name, node)


class _Imports:
    def __init__(self, program: Program, importer: Importer, found: Diagnostics) -> None:
        self.program = program
        self._importer = importer
        self.found = found
        every = list(ast.walk(program.tree))
        self._guarded = _inside(node.body for node in every if isinstance(node, ast.Try))
        self._later = _inside(node.body for node in every if isinstance(node, ast.FunctionDef))

    def _find(self, name: str, level: int, at: ast.stmt) -> Program | None:
        """The .da module of that name, kept as one that the program is made of."""
        try:
            known = self._importer(name, level)
        except ModuleNotFoundError:
            if at in self.program.tree.body and not isinstance(at, ast.Assign):
                near = nearest(name, (n for n in sys.stdlib_module_names if n[0] == name[0]))
                self._missing(f"there is no module `{name}`", near, at)
            return None
        if known is not None and not known.unfinished:
            if not any(known is module for module in self.program.modules):
                self.program.modules.append(known)
        return known

    def _missing(self, message: str, near: str | None, at: ast.AST) -> None:
        help = "modules are looked for beside the program, then along `sys.path`"
        help = f"did you mean `{near}`?" if near else help
        self.found.error("Q015", message, at, help=help)

    def module(self, module: str, level: int, name: str, at: ast.stmt) -> Program | None:
        """`import module as name`."""
        known = self._find(module, level, at)
        if known is not None and known.unfinished:
            self.program.circles[name] = known, None
        elif known is not None:
            self.program.imports[name] = known
        return known

    def names(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        known = self._find(module, node.level, node)
        for alias in node.names:
            name = alias.asname or alias.name
            if alias.name == "*":
                self.program.knows_names &= known is not None and known.knows_names
                self.program.borrows |= self._is_foreign(node) if known is None else known.borrows
            if known is not None and self._name(known, alias):
                continue
            path = f"{module}.{alias.name}".strip(".")  # where a submodule of the name would be
            if alias.name != "*" and module != path:
                self.module(path, node.level, name, node)
            if known is not None and name not in (self.program.imports | self.program.circles):
                self._check_name(known, alias, node)

    def _is_foreign(self, node: ast.ImportFrom) -> bool:
        """Whether a module of Python comes not with Python, so that its names may be any."""
        top = (node.module or "").partition(".")[0]
        return node.level > 0 or top not in sys.stdlib_module_names

    def _name(self, known: Program, alias: ast.alias) -> bool:
        """One name of `from known import name`; whether it is one of those that matter here."""
        name = alias.asname or alias.name
        if alias.name == "*":
            self.program.names |= known.names
            self.program.classes |= known.classes
            self.program.plain |= known.plain
            self.program.imports |= known.imports
            self.program.suspendable |= known.suspendable
        elif known.unfinished and alias.name in known.names:
            self.program.circles[name] = known, alias.name
        elif alias.name in known.classes:
            self.program.classes[name] = known.classes[alias.name]
        elif alias.name in known.plain:
            self.program.plain[name] = known.plain[alias.name]
        elif alias.name in known.suspendable:
            self.program.suspendable[name] = known.suspendable[alias.name]
        elif alias.name in known.imports:
            self.program.imports[name] = known.imports[alias.name]
        else:
            return False
        return True

    def _check_name(self, known: Program, alias: ast.alias, node: ast.ImportFrom) -> None:
        """Q016, Q017: a name that the module does not define, or not yet."""
        if defines(known, alias.name) or node in self._guarded:
            return
        if not known.unfinished:
            no_such_name(known, alias.name, alias, self.found)
        elif node not in self._later:
            in_a_circle(known, alias.name, alias, self.found)

    def old_spelling(self, module: str, node: ast.Assign) -> None:
        """`m = import_da('module')`."""
        target = node.targets[0]
        if not isinstance(target, ast.Name):
            return
        if self.module(module, 0, target.id, node) is None:
            message = f"there is no module `{module}.da` beside this one or on the path"
            self._missing(message, None, node.value)


def _inside(bodies: Iterable[list[ast.stmt]]) -> set[ast.AST]:
    return {node for body in bodies for statement in body for node in ast.walk(statement)}


def defines(module: Program, name: str) -> bool:
    """Whether a module may have a name: it defines it, or not all of its names are known."""
    own = name in module.names | module.submodules or (
        name.startswith("__") and name.endswith("__")
    )
    return own or not module.knows_names or "__getattr__" in module.names


def no_such_name(module: Program, name: str, at: ast.AST, found: Diagnostics) -> None:
    """Report Q016."""
    near = nearest(name, module.names)
    names = sorted(module.names)
    more = ", ..." if len(names) > _NAMES_MAX else ""
    help = "it defines nothing"
    if names:
        help = f"it defines {', '.join(f'`{each}`' for each in names[:_NAMES_MAX])}{more}"
    help = "`main` is run by itself, and is not imported" if name == "main" else help
    help = f"did you mean `{near}`?" if near else help
    if any(each.name == name for each in module.properties):
        help = "properties are not imported: they count in whatever module of the program they are"
    found.error("Q016", f"`{module.path}` defines no `{name}`", at, help=help)


def in_a_circle(module: Program, name: str, at: ast.AST, found: Diagnostics) -> None:
    """Report Q017."""
    message = f"`{name}` is not defined yet: `{module.path}` imports this module before it"
    help = "move what both need into a third module, which imports neither"
    found.error("Q017", message, at, help=help)


def import_da_name(node: ast.stmt) -> str | None:
    """The module named by `m = import_da('name')`."""
    match node:
        case ast.Assign(
            value=ast.Call(func=ast.Name(id="import_da"), args=[ast.Constant(value=str(name))])
        ):
            return name
    return None


def module_named(program: Program, node: ast.expr) -> Program | None:
    """The .da module that `m` or `package.m` names."""
    if (known := program.imports.get(ast.unparse(node))) is not None:
        return known
    if not isinstance(node, ast.Attribute):
        return None
    outer = module_named(program, node.value)
    return outer.imports.get(node.attr) if outer is not None else None


def sleeping_names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """(names of the module that mean the module `time`, those that mean `time.sleep`)."""
    modules: set[str] = set()
    sleepers: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {a.asname or a.name for a in node.names if a.name == "time"}
        elif isinstance(node, ast.ImportFrom) and node.module == "time" and node.level == 0:
            found = {a.asname or a.name for a in node.names if a.name == "sleep"}
            sleepers |= found or {"sleep" for a in node.names if a.name == "*"}
    return modules, sleepers

"""What a module imports: from other .da modules, and of Python what the language knows.

Invariant: a name that an import gives a class or module to is known before the statements of the
module are read.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

from quorate.lang.diagnostics import Diagnostics
from quorate.lang.nodes import Program
from quorate.lang.scopes import module_names

Importer = Callable[[str, int], "Program | None"]
"""(module name, level of a relative import) -> the .da module of that name, None for others."""


def note_imports(program: Program, importer: Importer, found: Diagnostics) -> None:
    """Make known to `program` its names, and what it imports from .da modules, wherever it does."""
    program.names, anything = module_names(program.tree)
    program.knows_names = not anything
    imports = _Imports(program, importer, found)
    for node in ast.walk(program.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                imports.module(alias.name, 0, alias.asname or alias.name)
        elif isinstance(node, ast.ImportFrom):
            imports.names(node)
        elif isinstance(node, ast.Assign) and (name := import_da_name(node)) is not None:
            imports.old_spelling(name, node)


class _Imports:
    def __init__(self, program: Program, importer: Importer, found: Diagnostics) -> None:
        self.program = program
        self._importer = importer
        self.found = found

    def _find(self, name: str, level: int) -> Program | None:
        """The .da module of that name, kept as one that the program is made of."""
        known = self._importer(name, level)
        if known is not None and not any(known is module for module in self.program.modules):
            self.program.modules.append(known)
        return known

    def module(self, module: str, level: int, name: str) -> None:
        if (known := self._find(module, level)) is not None:
            self.program.imports[name] = known

    def names(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        known = self._find(module, node.level)
        for alias in node.names:
            path = f"{module}.{alias.name}".strip(".")  # where a submodule of the name would be
            own = known is not None and self._name(known, alias)
            if alias.name == "*":
                self.program.knows_names &= known is not None and known.knows_names
            elif not own:
                self.module(path, node.level, alias.asname or alias.name)

    def _name(self, known: Program, alias: ast.alias) -> bool:
        """One name of `from known import name`; whether it is one that is defined there."""
        name = alias.asname or alias.name
        if alias.name == "*":
            self.program.names |= known.names
            self.program.classes |= known.classes
            self.program.plain |= known.plain
            self.program.imports |= known.imports
            self.program.suspendable |= known.suspendable
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

    def old_spelling(self, module: str, node: ast.Assign) -> None:
        """`m = import_da('module')`."""
        target = node.targets[0]
        if not isinstance(target, ast.Name):
            return
        if (known := self._find(module, 0)) is not None:
            self.program.imports[target.id] = known
            return
        message = f"there is no module `{module}.da` beside this one or on the path"
        help = "modules are looked for beside the program, then along `sys.path`"
        self.found.error("Q015", message, node.value, help=help)


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

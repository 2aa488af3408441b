"""What a whole program sends, waits for and assigns, for lint.

The program is a module with `main` and every .da module that it is made of. Invariant: what the
overview lacks, no process of the program does; where that cannot be known, it says so
(`whole` and `sends_known` are False), and lint keeps silent.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from quorate.lang import nodes
from quorate.lang.nodes import ClassInfo, HistoryKind, Program
from quorate.lang.shapes import UNKNOWN, Shape, of_pattern, of_value

_ANYTHING = frozenset({"exec", "eval", "globals", "locals"})
"""Builtins by which a program can do what does not stand in it."""


@dataclass(frozen=True, eq=False)
class Sending:
    """A `send` and what it may send."""

    node: nodes.Word
    shapes: tuple[Shape, ...]
    module: Program


@dataclass(frozen=True, eq=False)
class Looking:
    """A pattern on messages: of a handler, or of a query or test of a history."""

    node: nodes.Handler | nodes.Messages
    shape: Shape

    @property
    def pattern(self) -> nodes.Pattern:
        return self.node.message


@dataclass(eq=False)
class Kind:
    """A process class in use: its node and module, and the classes it inherits from."""

    node: nodes.ProcessClass
    module: Program
    lineage: list[nodes.ProcessClass]

    @property
    def opaque(self) -> bool:
        """Whether `setattr(self, ...)`, a decorator and the like may give it more fields."""
        every = [node for process in self.lineage for node in ast.walk(process)]
        attributes = [node for node in every if isinstance(node, ast.Attribute)]
        plain = {id(node.value) for node in attributes if not node.attr.startswith("__")}
        wholes = {id(node) for node in every if isinstance(node, nodes.Self) and node.whole}
        return bool(wholes - plain) or any(process.decorator_list for process in self.lineage)


@dataclass
class Overview:
    """See the module. `kinds` are the process classes that the program makes processes of."""

    root: Program
    whole: bool = True
    sends_known: bool = True
    sendings: list[Sending] = field(default_factory=list)
    lookings: list[Looking] = field(default_factory=list)
    browsed: set[HistoryKind] = field(default_factory=set)  # read message by message
    awaits: list[tuple[nodes.Await, nodes.ProcessClass]] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    kinds: list[Kind] = field(default_factory=list)
    own: set[int] = field(default_factory=set)

    def is_own(self, node: ast.AST) -> bool:
        """Whether a node stands in a class in use, or a property, of the module with `main`."""
        return id(node) in self.own


def overview(root: Program) -> Overview:
    """Looks at the whole program whose module with `main` is `root`."""
    view = Overview(root)
    modules = list(_modules(root))
    classes = {
        id(node.info): (node, module)
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, nodes.ProcessClass)
    }
    mains = [node for node, module in classes.values() if node.is_main and module is root]
    made = list(_made(modules))
    infos = [info for info in made if info is not None]
    everything = len(infos) < len(made)  # some `new` takes its class from a variable
    used = [node.info for node, _ in classes.values()] if everything else infos
    used = list({id(info): info for info in (*used, *(main.info for main in mains))}.values())
    view.kinds = [_kind(info, classes) for info in used]
    lineages = list({id(node): node for kind in view.kinds for node in kind.lineage}.values())
    view.whole = bool(mains) and not any(node.info.strange for node in lineages)
    view.whole = view.whole and not any(map(_does_anything, modules))
    for process in lineages:
        awaits = (node for node in ast.walk(process) if isinstance(node, nodes.Await))
        view.awaits += [(node, process) for node in awaits]
        if classes[id(process.info)][1] is root:
            view.own |= {id(node) for node in ast.walk(process)}
    for each in root.properties:
        view.own |= {id(node) for node in ast.walk(each)}
    for module in modules:
        _look_at(view, module)
    return view


def _modules(root: Program) -> Iterator[Program]:
    seen: list[Program] = []
    waiting = [root]
    while waiting:
        module = waiting.pop()
        if not any(module is known for known in seen):
            seen.append(module)
            waiting += module.modules
            yield module


def _made(modules: list[Program]) -> Iterator[ClassInfo | None]:
    """The class of every `new`; None for one that is not plain to see."""
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, nodes.Word) and node.name == "new":
                yield _class_of(node, module)


def _class_of(new: nodes.Word, module: Program) -> ClassInfo | None:
    match new.args[:1]:
        case [ast.Name(id=name)]:
            return module.classes.get(name)
        case [ast.Attribute(value=ast.Name(id=name), attr=attribute)] if name in module.imports:
            return module.imports[name].classes.get(attribute)
        case _:
            return None


def _kind(info: ClassInfo, classes: dict[int, tuple[nodes.ProcessClass, Program]]) -> Kind:
    node, module = classes[id(info)]
    lineage: list[nodes.ProcessClass] = []
    waiting = [info]
    while waiting:
        one = waiting.pop(0)
        if id(one) in classes and classes[id(one)][0] not in lineage:
            lineage.append(classes[id(one)][0])
        waiting += one.bases
    return Kind(node, module, lineage)


def _does_anything(module: Program) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id in _ANYTHING for node in ast.walk(module.tree)
    )


def _look_at(view: Overview, module: Program) -> None:
    """Adds what one module does to the view, also what no process in use may ever do."""
    for node in (node for part in module.parts() for node in ast.walk(part)):
        match node:
            case nodes.Word(name="send", args=[message, *_]):
                view.sendings.append(Sending(node, tuple(of_value(message)), module))
            case nodes.Handler(message=message) | nodes.Messages(message=message):
                view.lookings.append(Looking(node, of_pattern(message)))
            case nodes.History(kind=kind):
                view.browsed.add(kind)
            case nodes.Label(name=str(label)) | nodes.Await(label=str(label)):
                view.labels.add(label)
            case ast.Attribute(attr="send"):
                view.sends_known = False  # of a mix-in; or `send` handed on as a value
            case _:
                pass
    if any(UNKNOWN in sending.shapes for sending in view.sendings):
        view.sends_known = False

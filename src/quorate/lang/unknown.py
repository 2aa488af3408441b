"""What to do about a name that is defined nowhere: what was probably meant, and how to write it.

Invariant: what is said of the program is true of it; what is guessed is put as a question.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
from collections.abc import Callable, Iterator

from quorate.lang import nodes
from quorate.lang.diagnostics import nearest
from quorate.lang.nodes import ClassInfo, Program, make
from quorate.lang.printer import expression_text
from quorate.lang.scopes import own_nodes, stored_names
from quorate.lang.source import Source
from quorate.lang.specifications import GUARANTEES, OUTSIDE
from quorate.lang.words import RESERVED, WORDS

_WORDS = frozenset((*WORDS, *RESERVED, "await", "config", "process"))
_TEXT_MAX = 40
_OF_MAIN = "`main` assigns a variable of its own: hand it on by `setup`"


class Advice:
    """Advice about the names of one program."""

    def __init__(self, program: Program, source: Source) -> None:
        self.program = program
        self.source = source

    def about(
        self, name: str, visible: set[str], owner: ClassInfo | None, *, changed: bool = False
    ) -> str:
        """The help for `name`, where the names `visible` are defined, in a method of `owner`.

        With `changed` it is the name of something that the program changes.
        """
        if name == "main":
            return "`main` is run by itself: take this away"
        if name in GUARANTEES:
            return OUTSIDE
        mixed = owner.mixed() if owner is not None else set()
        if name in mixed:
            return f"write `self.{name}`: what a mix-in defines is reached by `self`"
        variables = dict(self._variables(owner))
        if name in variables:
            return variables[name]
        if near := nearest(name, visible):
            return f"did you mean `{near}`?"
        if near := nearest(name, variables):
            return f"did you mean `{near}`? {variables[near]}"
        if near := nearest(name, mixed):
            return f"did you mean `self.{near}`?"
        words = _WORDS if nearest(name, self._anywhere) else {*_WORDS, *dir(builtins)}
        if (near := nearest(name, words)) and not changed:
            return f"did you mean `{near}`?"
        if owner is None:
            return "give it a value first, or import it"
        if owner.strange:
            return f"give it a value first; what another base defines is written `self.{name}`"
        return "give it a value first, or a place in `setup`"

    def _variables(self, owner: ClassInfo | None) -> Iterator[tuple[str, str]]:
        """The variables of `main` and of methods of `owner`, with what to do to share them."""
        yield from ((name, _OF_MAIN) for name in self._of_main)
        for process in self._processes:
            if process.info is owner:
                methods = [m for m in process.body if isinstance(m, ast.FunctionDef)]
                for method in sorted(methods, key=lambda method: method.name == "setup"):
                    for name, text in self._assigned(method):
                        if name not in owner.fields:
                            where = f"`{method.name}` assigns a variable of its own"
                            yield name, f"{where}: write `self.{text}` there"

    @functools.cached_property
    def _processes(self) -> list[nodes.ProcessClass]:
        every = ast.walk(self.program.tree)
        return [node for node in every if isinstance(node, nodes.ProcessClass)]

    @functools.cached_property
    def _of_main(self) -> set[str]:
        """The variables of `main`."""
        mains = [process for process in self._processes if process.is_main]
        return {name for main in mains for run in main.body for name, _ in self._assigned(run)}

    def _assigned(self, method: ast.stmt) -> Iterator[tuple[str, str]]:
        """The variables that a method assigns, with one assignment to each."""
        for node in own_nodes(getattr(method, "body", ())):
            if not isinstance(node, (ast.Assign, ast.AnnAssign)):
                continue
            text = self.source.phrase(node)
            alone = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            for name in stored_names([node])[0]:
                yield name, text if alone and len(text) <= _TEXT_MAX else f"{name} = ..."

    @functools.cached_property
    def _anywhere(self) -> set[str]:
        """All names that something in the program gives a value to."""
        tree = ast.walk(self.program.tree)
        return {n.id for n in tree if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def binding(asked: nodes.Messages, name: str, known: Callable[[str], bool]) -> str | None:
    """How `asked`, in which names are values, is written so that it binds `name`.

    Known names are written `_x` then. None where `name` is only a part of a value in it.
    """
    asked = copy.deepcopy(asked)
    asked.message = _freed(asked.message, known)
    asked.peer = asked.peer and _freed(asked.peer, known)
    asked.stamp = asked.stamp and _freed(asked.stamp, known)
    bound = (bound for part in nodes.clause_patterns(asked) for bound in nodes.bound_names(part))
    return expression_text(asked) if name in bound else None


def _freed(pattern: nodes.Pattern, known: Callable[[str], bool]) -> nodes.Pattern:
    match pattern:
        case nodes.SequencePattern(elements=elements):
            pattern.elements = [_freed(element, known) for element in elements]
        case nodes.ValuePattern(value=ast.Name(id=name), marked=False) if name != "self":
            if not known(name):
                return make(nodes.BindPattern, pattern, name=name)
            pattern.marked = True
        case nodes.ValuePattern(value=nodes.Field()):
            pattern.marked = True
    return pattern

"""Patterns as generator functions, which go over entries and yield what matching ones bind.

def _accepted_31(entries, a):
    for message, peer, _ in entries:
        match message:
            case ['accepted', n, v] if peer == a:
                yield (n, v)
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from quorate.compiler.matching import (
    Matcher,
    guarded,
    is_complex,
    is_constant,
    only_arguments,
    pack,
)
from quorate.compiler.names import NameWriter, load
from quorate.lang import nodes
from quorate.lang.nodes import Pattern


class MatcherWriter(NameWriter):
    """Writes generator functions of patterns, and whatever else a module has once for each query:
    they collect in `matchers`."""

    def __init__(self, program: nodes.Program) -> None:
        super().__init__(program)
        self.matchers: list[ast.stmt] = []
        self.matcher_names: set[str] = set()

    def new_name(self, hint: str, line: int) -> str:
        """A name that nothing else in the module has, for what stands at `line`."""
        name, number = f"{hint}_{line}", 2
        while name in self.matcher_names or name in self.identifiers:
            name, number = f"{hint}_{line}_{number}", number + 1
        self.matcher_names.add(name)
        return name

    def matcher(self, patterns: Iterable[Pattern | None]) -> Matcher:
        """For a function of its own: only what its patterns bind is taken."""
        names = {name for pattern in patterns for name in nodes.bound_names(pattern)}
        return Matcher({kind: self.builtin(kind) for kind in ("tuple", "list")}, names)

    def generator(
        self,
        hint: str,
        loop: list[str],
        subjects: list[tuple[str, Pattern]],
        found: Matcher,
        at: ast.AST,
    ) -> str:
        """`def name(entries, values...): for loop in entries: match ...: case ...: yield bound`.

        The name begins with `_`, so that `from m import *` leaves it where it is.
        """
        name = self.new_name(f"_{hint}", at.lineno)  # type: ignore[attr-defined]
        cases = [(subject, found.add(pattern, subject)) for subject, pattern in subjects]
        of_subjects: list[tuple[ast.expr, ast.pattern]] = [
            (load(s), pattern) for s, pattern in cases
        ]
        found_one: list[ast.stmt] = [ast.Expr(ast.Yield(pack(found.bound)))]
        body = guarded(of_subjects, found.guard(), found_one)
        targets: list[ast.expr] = [ast.Name(each, ast.Store()) for each in loop]
        target = ast.Tuple(targets, ast.Store()) if len(targets) > 1 else targets[0]
        entries = found.own("entries")
        function = ast.FunctionDef(
            name=name,
            args=only_arguments([ast.arg(entries), *map(ast.arg, found.values)]),
            body=[ast.For(target, load(entries), body, [])],
            decorator_list=[],
        )
        function.type_params = []  # type: ignore[attr-defined]
        self.matchers.append(ast.copy_location(function, at))
        return name

    def subjects(
        self, node: nodes.Messages | nodes.Handler, found: Matcher
    ) -> tuple[list[str], list[tuple[str, Pattern]]]:
        """The variables for message, peer and stamp, and those to match further: with what."""
        names: list[str] = []
        further: list[tuple[str, Pattern]] = []
        parts = ((node.message, "message"), (node.peer, "peer"), (node.stamp, "stamp"))
        for part, hint in parts:
            if part is not None and (is_complex(part) or is_constant(part)):
                names.append(found.own(hint))
                further.append((names[-1], part))
            else:
                names.append(found.peer(part, hint))
        return names, further

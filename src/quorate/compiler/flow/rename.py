"""The variables of a comprehension become variables of the method, under names of their own."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from quorate.lang import nodes
from quorate.lang.scopes import parameters, target_names


class Renamer(ast.NodeTransformer):
    """Renames free occurrences in an expression; what is nested in it may hide the names."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = dict(names)

    def _without(self, hidden: Iterable[str]) -> Renamer:
        gone = set(hidden)
        return Renamer({old: new for old, new in self.names.items() if old not in gone})

    def visit_Name(self, node: ast.Name) -> ast.expr:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        node.args.defaults = [self.visit(d) for d in node.args.defaults]
        node.args.kw_defaults = [d and self.visit(d) for d in node.args.kw_defaults]
        node.body = self._without(parameters(node.args)).visit(node.body)
        return node

    def _comprehension(self, node: ast.AST) -> ast.AST:
        generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
        generators[0].iter = self.visit(generators[0].iter)
        inner = self._without(name for g in generators for name in target_names(g.target))
        for generator in generators:
            if generator is not generators[0]:
                generator.iter = inner.visit(generator.iter)
            generator.target = inner.visit(generator.target)
            generator.ifs = [inner.visit(test) for test in generator.ifs]
        for part in ("elt", "key", "value"):
            if hasattr(node, part):
                setattr(node, part, inner.visit(getattr(node, part)))
        return node

    visit_ListComp = _comprehension
    visit_SetComp = _comprehension
    visit_DictComp = _comprehension
    visit_GeneratorExp = _comprehension

    def visit_Query(self, node: nodes.Query) -> ast.AST:
        """A query's own variables hide others, but `_x` is the value of the one outside."""
        own = (n for c in node.clauses for p in nodes.clause_patterns(c) for n in _names(p))
        inner = _InQuery(self._without(own).names, self)
        return inner.generic_visit(node)


class _InQuery(Renamer):
    """Renames in a query, whose own names are left out of `names`."""

    def __init__(self, names: Mapping[str, str], outside: Renamer) -> None:
        super().__init__(names)
        self.outside = outside

    def visit_ValuePattern(self, node: nodes.ValuePattern) -> ast.AST:
        node.value = (self.outside if node.marked else self).visit(node.value)
        return node


def _names(pattern: nodes.Pattern) -> Iterable[str]:
    return nodes.bound_names(pattern)

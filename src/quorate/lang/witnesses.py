"""The witness of a `some`: which query finds it, and whether anything uses it.

Invariant: what `some` leaves in a variable is what the program could tell was left there.
"""

from __future__ import annotations

import ast
from collections import Counter

from quorate.lang import nodes
from quorate.lang.scopes import conjuncts, joined


def flatten(query: nodes.Query) -> None:
    """Makes `some(D, has=some(E, has=c) and d)` one query, `some(D, E, c, d)`, where it may.

    So the witness of both is found at once, and what follows can use it.
    """
    if not joined(query):
        return
    for part in conjuncts(query.condition):
        if isinstance(part, nodes.Query) and part.op == "some":
            flatten(part)
            query.clauses += [*part.clauses, *([part.condition] if part.condition else [])]
        else:
            query.clauses.append(part)
    query.condition = None


def prune_witnesses(function: ast.AST) -> None:
    """Drops from each `some` in a method the witnesses that nothing else reads.

    What its domains read counts too: in a loop that may be the witness of the turn before.
    """
    reads = _reads(function)
    for query in ast.walk(function):
        if isinstance(query, nodes.Query) and query.witness:
            domains = (nodes.Domain, nodes.Messages)
            tests = [clause for clause in query.clauses if not isinstance(clause, domains)]
            inside = sum(map(_reads, tests), _reads(query.condition))
            query.witness = [
                target
                for target in query.witness
                if isinstance(target, nodes.Field)
                or (isinstance(target, ast.Name) and reads[target.id] > inside[target.id])
            ]


def _reads(node: ast.AST | None) -> Counter[str]:
    """How often each name is read in `node`, or must have a value there."""
    reads: Counter[str] = Counter()
    for inner in ast.walk(node) if node is not None else ():
        if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Store):
            reads[inner.id] += 1
        elif isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
            reads[inner.target.id] += 1
    return reads

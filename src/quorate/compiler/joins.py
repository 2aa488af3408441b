"""Queries over several kinds of messages, which are answered by differences: core/joins.py.

    setof((a, c), received(('x', a, b)), received(('y', _b, c)), c > limit)

asks two relations, (a, b) and (b, c), that share b; `not received(('z', a))` would tell against.
Invariant: but for values from outside, for which a question is asked anew, only new messages change
what comes together and passes the test.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from quorate.compiler.extremes import columns_of
from quorate.compiler.pendings import is_known, params_of
from quorate.compiler.views import split
from quorate.lang import nodes
from quorate.lang.nodes import Pattern, make

FIRST, DIFFERENT, LASTING = "First", "Different", "Lasting"
EXTREMES = {"maxof": "Top", "minof": "Bottom"}
"""What is kept of the rows that come together: names of classes in core/joins.py."""

LENGTHY = (ast.In, ast.NotIn, ast.Subscript)
"""What reads containers, which may change from inside."""


@dataclass
class Join:
    """A query, taken apart.

    `clauses` bind what they have in common each by itself, and so do `denied`, which tell against
    what agrees with them in all that both bind; `names` are all variables in the order
    in which they are first bound, `wanted` those that the answer is made of. Of the rows that pass
    `test` is kept what `kept` says; `params` are the values in it that come from outside.
    """

    clauses: list[nodes.Messages]
    denied: list[nodes.Messages]
    used: set[str]
    names: list[str]
    wanted: list[str]
    test: ast.expr | None
    params: list[ast.expr]
    kept: str


def join_of(query: nodes.Query, given: set[str]) -> Join | None:
    """How a query is answered by differences; None where it goes over one kind of messages, or
    where more may decide it than rows, and values from outside that are compared with them.

    `given` are the names that the program gives a value itself, so that `len` may not be Python's.
    """
    if query.op not in ("some", "each", "setof", "lenof", "countof", *EXTREMES):
        return None
    parts = list(_flat(query))
    clauses = _free(parts)
    if clauses is None or not clauses:
        return None
    bound = [name for clause in clauses for name in dict.fromkeys(_bound(clause))]
    names = list(dict.fromkeys(bound))
    others, denied = _sorted_out(parts, names) if query.result is not None else (parts, [])
    tests = [part for part in others if _is_test(part)]
    read = [*tests, *([query.result] if query.result is not None else [])]
    if len(clauses) + len(denied) < 2:
        return None
    if not all(_is_plain(part, given) for each in read for part in ast.walk(each)):
        return None
    wanted = _wanted(query, names)
    test = _all_of(tests)
    params = [] if test is None else list(params_of(test, frozenset(names)))
    if params and query.op in ("some", "each") and not query.witness:
        return None  # what there is for a row is looked up, and never gone over for all
    used = {name for name, times in Counter(bound).items() if times > 1} | set(wanted)
    used |= {name for each in tests for name in _read(each)}
    used |= {name for each in denied for name in _bound(each) if name in names}
    if any(split(clause, used) is None for clause in (*clauses, *denied)):
        return None
    names = [name for name in names if name in used]
    exact = columns_of(query.result, set(names)) == wanted
    kept = EXTREMES.get(query.op, DIFFERENT) if exact else DIFFERENT
    kept = FIRST if query.result is None else LASTING if denied else kept
    return Join(clauses, denied, used, names, wanted, test, params, kept)


def _is_test(part: ast.AST) -> TypeGuard[ast.expr]:
    return not isinstance(part, (nodes.Domain, nodes.Messages))


def _flat(query: nodes.Query) -> Iterator[ast.AST]:
    """The clauses and conditions of a query, and of inner ones of the same kind, in the order in
    which they are evaluated; for `each` the last condition is what tells against it."""
    for clause in query.clauses:
        yield from clause.values if _is_and(clause) else [clause]
    match query.condition:
        case nodes.Query(op=query.op, witness=[]) as inner:
            yield from _flat(inner)
        case ast.expr() as last:
            against = query.op == "each"
            yield make(ast.UnaryOp, last, op=ast.Not(), operand=last) if against else last
        case None if query.op == "each":
            yield make(ast.Constant, query, value=False, kind=None)  # nothing tells against it


def _is_and(part: ast.AST) -> TypeGuard[ast.BoolOp]:
    return isinstance(part, ast.BoolOp) and isinstance(part.op, ast.And)


def _sorted_out(
    parts: list[ast.AST], names: list[str]
) -> tuple[list[ast.AST], list[nodes.Messages]]:
    """What is tested, and the messages that tell against what has come together."""
    tests: list[ast.AST] = []
    denied: list[nodes.Messages] = []
    known = set(names)
    for part in parts:
        messages = _denied(part, known)
        clause = None if messages is None else _Freeing(known).visit(copy.deepcopy(messages))
        if clause is None or _has_more(clause, known):
            tests.append(part)
        else:
            denied.append(clause)
    return tests, denied


def _denied(part: ast.AST, known: set[str]) -> nodes.Messages | None:
    """The messages of which a condition says that there are none, and nothing else."""
    match part:
        case ast.UnaryOp(op=ast.Not(), operand=nodes.Messages() as messages):
            return messages
        case ast.UnaryOp(
            op=ast.Not(),
            operand=nodes.Query(op="some", clauses=[nodes.Messages() as messages], condition=None),
        ) if not set(_bound(messages)) & known:
            return messages
    return None


def _has_more(clause: nodes.Messages, known: set[str]) -> bool:
    """Whether a clause does more than to bind, and to compare with what is outside."""
    stars = [n for n in ast.walk(clause) if isinstance(n, nodes.StarPattern) and n.name]
    return bool(stars or _read(clause) & known)


def _free(parts: list[ast.AST]) -> list[nodes.Messages] | None:
    """Clauses that bind a variable where they compare with one that a clause before them binds;
    None where there is more to them, or a name means something else before it is bound."""
    known: set[str] = set()
    read: set[str] = set()
    clauses: list[nodes.Messages] = []
    for part in parts:
        if isinstance(part, nodes.Messages):
            own = set(_bound(part))
            part = _Freeing(known).visit(copy.deepcopy(part))
            if own & known or _has_more(part, known):
                return None
            read |= _read(part)
            if own & read:
                return None
            known |= own
            clauses.append(part)
        elif _is_test(part):
            read |= _read(part) - known
        else:
            return None
    return clauses


def _read(part: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(part) if isinstance(node, ast.Name)}


class _Freeing(ast.NodeTransformer):
    def __init__(self, known: set[str]) -> None:
        self.known = known

    def visit_ValuePattern(self, node: nodes.ValuePattern) -> Pattern:
        if isinstance(node.value, ast.Name) and node.value.id in self.known:
            return make(nodes.BindPattern, node, name=node.value.id)
        return node


def _is_plain(part: ast.AST, given: set[str]) -> bool:
    if isinstance(part, (nodes.Query, nodes.Messages, *LENGTHY)):
        return False
    return is_known(part, given)


def _bound(clause: nodes.Messages) -> list[str]:
    return [name for p in nodes.clause_patterns(clause) for name in nodes.bound_names(p)]


def _wanted(query: nodes.Query, names: list[str]) -> list[str]:
    """The variables that the answer is made of, in the order in which it names them."""
    fields = [w.name for w in query.witness if isinstance(w, nodes.Field)]
    found = [w.id for w in query.witness if isinstance(w, ast.Name)]
    if query.result is not None:
        found += [n.id for n in ast.walk(query.result) if isinstance(n, ast.Name)]
    return [name for name in dict.fromkeys([*fields, *found]) if name in names]


def _all_of(tests: list[ast.expr]) -> ast.expr | None:
    if len(tests) < 2:
        return tests[0] if tests else None
    return ast.copy_location(ast.BoolOp(ast.And(), tests), tests[0])

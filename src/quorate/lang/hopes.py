"""Whether a condition can ever hold, judged by what its messages and fields can be.

Invariant: `may_hold` says False only when the condition is false whatever happens. Fields are
judged by the constants that the program assigns to them, where it assigns nothing else.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Mapping

from quorate.lang import nodes
from quorate.lang.scopes import parameters

_COMBINATIONS_MAX = 256
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Is, ast.IsNot)

Constants = dict[str, list[ast.Constant]]
"""For a field that is only ever assigned constants: all of them."""


def may_hold(test: ast.AST, never: set[int], fields: Constants) -> bool:
    """Whether `test` can be true; `never` has the ids of Messages nodes that nothing matches."""
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(may_hold(value, never, fields) for value in values) and _adds_up(
                test, fields
            )
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(may_hold(value, never, fields) for value in values)
        case nodes.Messages():
            return id(test) not in never
        case nodes.Query(op="some", clauses=clauses, condition=condition):
            parts = [*clauses, *([condition] if condition is not None else [])]
            return all(may_hold(part, never, fields) for part in parts)
        case nodes.Domain():
            return True
        case _:
            return _adds_up(test, fields)


def _adds_up(test: ast.AST, fields: Constants) -> bool:
    """Whether a condition on such fields alone is true for some of their values."""
    if not _is_plain(test, fields):
        return True
    found = {part.name for part in ast.walk(test) if isinstance(part, nodes.Field)}
    names = sorted(found)
    combinations = itertools.product(*(fields[name] for name in names))
    for number, values in enumerate(combinations):
        setting = {name: value.value for name, value in zip(names, values, strict=True)}
        if number == _COMBINATIONS_MAX or _holds(test, setting):
            return True
    return False


def _is_plain(test: ast.AST, fields: Constants) -> bool:
    match test:
        case ast.BoolOp(values=values):
            return all(_is_plain(value, fields) for value in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _is_plain(operand, fields)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            sides = _is_plain(left, fields) and _is_plain(right, fields)
            return isinstance(op, _COMPARISONS) and sides
        case nodes.Field(name=name):
            return name in fields
        case _:
            return isinstance(test, ast.Constant)


def _holds(test: ast.AST, setting: Mapping[str, object]) -> bool:
    """The truth of a plain condition; one that cannot be computed may well be true."""
    try:
        return bool(_value(test, setting))
    except TypeError:
        return True


def _value(test: ast.AST, setting: Mapping[str, object]) -> object:
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_value(value, setting) for value in values)
        case ast.BoolOp(values=values):
            return any(_value(value, setting) for value in values)
        case ast.UnaryOp(operand=operand):
            return not _value(operand, setting)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _compare(op, _value(left, setting), _value(right, setting))
        case nodes.Field(name=name):
            return setting[name]
        case _:
            assert isinstance(test, ast.Constant)
            return test.value


def _compare(op: ast.cmpop, left: object, right: object) -> bool:
    match op:
        case ast.Eq() | ast.Is():
            return left == right
        case ast.NotEq() | ast.IsNot():
            return left != right
        case ast.Lt():
            return left < right  # type: ignore[operator,no-any-return]
        case ast.LtE():
            return left <= right  # type: ignore[operator,no-any-return]
        case ast.Gt():
            return left > right  # type: ignore[operator,no-any-return]
        case _:
            return left >= right  # type: ignore[operator,no-any-return]


def constant_fields(lineage: Iterable[nodes.ProcessClass]) -> Constants:
    """The fields of these classes, all of one process, that only have constants for values."""
    every = list({id(node): node for process in lineage for node in ast.walk(process)}.values())
    constants: Constants = {}
    plain: set[int] = set()  # ids of the targets of assignments of constants
    for node in every:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            plain |= {id(target) for target in node.targets}
            for target in node.targets:
                if isinstance(target, (nodes.Field, ast.Name)):
                    constants.setdefault(_name(target), []).append(node.value)
    spoiled = {name for node in every if id(node) not in plain for name in assigned(node)}
    return {name: found for name, found in constants.items() if name not in spoiled}


def _name(target: nodes.Field | ast.Name) -> str:
    return target.name if isinstance(target, nodes.Field) else target.id


def assigned(node: ast.AST) -> list[str]:
    """The names to which a node may give a value."""
    match node:
        case nodes.Query(witness=[*targets]):
            return [name for target in targets for name in assigned(target)]
        case nodes.Field(ctx=ast.Store() | ast.Del()) | ast.Name(ctx=ast.Store() | ast.Del()):
            return [_name(node)]
        case ast.FunctionDef(name="setup", args=args):
            return parameters(args)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
            return [name]
        case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return [name]
        case ast.alias(name=name, asname=asname):
            return [asname or name]
        case _:
            return []

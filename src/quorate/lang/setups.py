"""The `setup` of a process class: what it takes, and whether what it is given fits."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence

from quorate.lang.diagnostics import Diagnostics, nearest
from quorate.lang.nodes import ClassInfo, make


def check_setup(
    info: ClassInfo,
    at: ast.AST,
    args: ast.expr | None,
    keywords: list[ast.keyword],
    call: str,
    found: Diagnostics,
) -> None:
    """Q085, where both sides are plain to see: `args` is written out, or not given at all.

    `call` is how the call reads, with `...` for its arguments.
    """
    if args is not None and not isinstance(args, (ast.Tuple, ast.List)):
        return
    given = args.elts if args is not None else []
    if any(isinstance(element, ast.Starred) for element in given):
        return
    if any(keyword.arg is None for keyword in keywords):
        return
    named = {str(keyword.arg): keyword for keyword in keywords}
    parameters = info.setup or _NO_PARAMETERS
    if (why := _mismatch(parameters, len(given), named)) is None:
        return
    names = _names(parameters)
    takes = f"({', '.join(names)}{',' * (len(names) == 1)})"
    message = f"setup of `{info.name}` takes {takes if names else 'no arguments'}, and is given"
    if isinstance(why, str):
        near = nearest(why, names)
        help = f"did you mean `{near}=`?" if near else f"write `{call.replace('...', takes)}`"
        found.error("Q085", f"{message} `{why}`", named[why], help=help)
        return
    count = f"{why} argument{'s' * (why != 1)}" if why else "none"
    help = f"write `{call.replace('...', takes)}`"
    if len(names) == 1 and isinstance(args, ast.List):
        text = found.source.segment(args)
        help = f"one argument that is a list needs a tuple around it: `({text},)`"
    found.error("Q085", f"{message} {count}", at if args is None else args, help=help)


def _mismatch(
    parameters: ast.arguments, given: int, named: dict[str, ast.keyword]
) -> int | str | None:
    """What does not fit: the number of arguments, or the name of one; None if all does."""
    positional = [arg.arg for arg in (*parameters.posonlyargs, *parameters.args)]
    of_name = [arg.arg for arg in (*parameters.args, *parameters.kwonlyargs)]
    taken = set(positional[:given])
    for name in named:
        if name in taken or (name not in of_name and parameters.kwarg is None):
            return name
    least = len(positional) - len(parameters.defaults)
    required = set(positional[:least])
    pairs = zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True)
    required |= {arg.arg for arg, default in pairs if default is None}
    too_many = given > len(positional) and parameters.vararg is None
    missing = required - taken - set(named)
    return given + len(named) if too_many or missing else None


def _names(parameters: ast.arguments) -> list[str]:
    """The parameters as they are written in a call."""
    every = (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)
    return [arg.arg for arg in every]


def united_setup(bases: Sequence[ClassInfo], at: ast.stmt) -> list[ast.stmt]:
    """The `setup` of a class without one, several of whose bases have one: [] for others.

    It does nothing itself, so that each base's runs with the parameters of the same names. It has
    the parameters of all; one whose default is an expression is left to the base, where the names
    in it mean something. [] also where a base's would run twice, or takes any arguments.
    """
    own = [base for base in bases if base.setup is not None]
    owners = [_owner(base) for base in own]
    takes = [owner.setup for owner in owners if owner.setup is not None]
    above = [one for owner in owners for base in owner.bases for one in _lineage(base)]
    if len(own) < 2 or len({id(it) for it in takes}) < len(own):
        return []
    if any(owner is one for owner in owners for one in above):
        return []
    if any(it.vararg or it.kwarg or it.posonlyargs for it in takes):
        return []
    required, defaults = _united(takes)
    names = [*required, *(name for name in defaults if name not in required)]
    parts = {"annotation": None, "type_comment": None}
    args = copy.copy(_NO_PARAMETERS)
    args.args = [make(ast.arg, at, arg=name, **parts) for name in names]
    args.defaults = [copy.deepcopy(defaults[name]) for name in names[len(required) :]]
    nothing: dict[str, object] = {
        "decorator_list": [],
        "returns": None,
        "type_comment": None,
        "type_params": [],
    }
    body = [make(ast.Pass, at)]
    return [make(ast.FunctionDef, at, name="setup", args=args, body=body, **nothing)]


def _united(takes: Sequence[ast.arguments]) -> tuple[list[str], dict[str, ast.expr]]:
    """Parameters that must be given, and those with a literal as their default."""
    required: dict[str, None] = {}
    defaults: dict[str, ast.expr] = {}
    for it in takes:
        least = len(it.args) - len(it.defaults)
        given = [*(None for _ in range(least)), *it.defaults, *it.kw_defaults]
        for arg, default in zip((*it.args, *it.kwonlyargs), given, strict=True):
            if default is None:
                required[arg.arg] = None
            elif isinstance(default, ast.Constant):
                defaults.setdefault(arg.arg, default)
    return list(required), defaults


def _owner(info: ClassInfo) -> ClassInfo:
    """The class whose `setup` a class has."""
    return next((_owner(base) for base in info.bases if base.setup is info.setup), info)


def _lineage(info: ClassInfo) -> Iterator[ClassInfo]:
    yield info
    for base in info.bases:
        yield from _lineage(base)


_NO_PARAMETERS = ast.arguments(
    posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
)

"""The `setup` of a process class: what it takes, and whether what it is given fits."""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

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
        text = found.source.phrase(args)
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
    the parameters of all, in order; a default counts only where none without one follows. One
    that is an expression is left to the base, where the names in it mean something. [] also
    where a base takes any arguments.
    """
    takes = list({id(base.setup): base.setup for base in bases if base.setup is not None}.values())
    if len(takes) < 2 or any(it.vararg or it.kwarg or it.posonlyargs for it in takes):
        return []
    united = _united(takes)
    parts = {"annotation": None, "type_comment": None}
    args = copy.copy(_NO_PARAMETERS)
    args.args = [make(ast.arg, at, arg=name, **parts) for name in united]
    given = [place for place, default in enumerate(united.values(), 1) if default is None]
    optional = list(united.values())[max(given, default=0) :]
    args.defaults = [copy.deepcopy(default) for default in optional if default is not None]
    nothing: dict[str, object] = {
        "decorator_list": [],
        "returns": None,
        "type_comment": None,
        "type_params": [],
    }
    body = [make(ast.Pass, at)]
    return [make(ast.FunctionDef, at, name="setup", args=args, body=body, **nothing)]


def _united(takes: Sequence[ast.arguments]) -> dict[str, ast.expr | None]:
    """Parameters by name, with a literal that is the default, or None where one must be given."""
    united: dict[str, ast.expr | None] = {}
    for it in takes:
        least = len(it.args) - len(it.defaults)
        given = [*(None for _ in range(least)), *it.defaults, *it.kw_defaults]
        for arg, default in zip((*it.args, *it.kwonlyargs), given, strict=True):
            if default is None or (united.get(arg.arg, default) is None):
                united[arg.arg] = None
            elif isinstance(default, ast.Constant):
                united.setdefault(arg.arg, default)
    return united


_NO_PARAMETERS = ast.arguments(
    posonlyargs=[], args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[]
)

"""What Python's compiler refuses although its parser accepts it, such as a lone `break`.

Asked of the program as it is written, before the language's words are read: what is made of a
program may hide such a mistake, or fail at it without a place. Invariant: nothing is refused here
that the language allows.
"""

from __future__ import annotations

import ast
import re
import warnings

from quorate.lang.diagnostics import Diagnostic
from quorate.lang.nodes import make
from quorate.lang.source import Source

_KNOWN = (
    (r"'(break)' outside", r"`\1` outside of a loop", "a function is left by `return`"),
    (r"'(continue)' not", r"`\1` outside of a loop", "a function is left by `return`"),
    (
        r"'([\w ]+)' (outside|inside)( async)? (\w+( \w+)*)",
        r"`\1` \2 of a \4",
        "move it into a function, or take it away",
    ),
    (r"duplicate argument '(\w+)'", r"a second parameter `\1`", "keep one, or rename one"),
    (
        r"keyword argument repeated: (has)",
        r"a second argument `\1=`",
        "join the two by `and`: `has=a and b`",
    ),
    (r"keyword argument repeated: (\w+)", r"a second argument `\1=`", "keep one of them"),
    (
        r"name '(\w+)' is (?:assigned to|used|annotated) (?:before|prior to)",
        r"`\1` is used before it is declared",
        "move the declaration to the beginning of the function",
    ),
    (
        r"name '(\w+)' is parameter and",
        r"`\1` is a parameter, and declared as another variable",
        "rename the parameter, or take the declaration away",
    ),
    (
        r"annotated name '(\w+)' can't be",
        r"`\1` has a type, and is declared as a variable from outside",
        "give the type where the variable is first assigned",
    ),
    (r"multiple starred", "two starred names in one assignment", "leave one `*`"),
    (r"starred assignment target", "a starred name alone", "write `[*names] = values`"),
    (r"can't use starred", "a starred expression alone", "write it in a tuple: `(*values,)`"),
    (
        r"from __future__ imports must",
        "`from __future__` after other statements",
        "make it the first statement",
    ),
    (r"future feature (\w+)", r"there is no future feature `\1`", "take it away"),
    (r"import \* only", "`import *` in a function", "write it at the top of the module"),
    (r"default 'except:' must", "`except:` before others", "make it the last of them"),
    (r"makes remaining patterns", "no later `case` can be reached", "make this `case` the last"),
    (
        r"alternative patterns bind",
        "alternatives that bind different names",
        "let each part of `|` bind the same names",
    ),
    (
        r"multiple assignments to name '(\w+)' in pattern",
        r"`\1` twice in one pattern of `match`",
        "name the second one otherwise, and compare: `case (x, y) if x == y`",
    ),
    (
        r"^assignment expression (?:cannot|within)",
        "`:=` cannot stand here",
        "assign in a statement of its own, before or after",
    ),
)
"""What Python says (it varies with the version): what we say, and the help."""

_OTHERWISE = "Python does not allow it here: take it away, or move it"
_BLOCKS = "too many statically nested blocks"
"""Refused only where the blocks are still there when the program has been compiled."""


def refused(source: Source, text: str, loops: set[tuple[int, int]]) -> Diagnostic | None:
    """The first mistake in `text`, which Python parses, that its compiler refuses.

    `text` is that of `source` with `if` in place of `while` where an await follows: at `loops`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = _AsPython(loops).visit(ast.parse(text))
            compile(tree, "<program>", "exec", dont_inherit=True)
        except SyntaxError as error:
            return None if error.msg == _BLOCKS else _diagnostic(source, error)
        except (RecursionError, MemoryError, ValueError):
            pass  # nested too deeply: said when it is really compiled
    return None


def _diagnostic(source: Source, error: SyntaxError) -> Diagnostic:
    place = ast.Pass()
    place.lineno, place.col_offset = error.lineno or 1, (error.offset or 1) - 1
    place.end_lineno, place.end_col_offset = error.end_lineno, (error.end_offset or 0) - 1
    if (place.end_lineno or 0, place.end_col_offset) <= (place.lineno, place.col_offset):
        place.end_lineno, place.end_col_offset = place.lineno, place.col_offset + 1
    for pattern, message, help in _KNOWN:
        if match := re.search(pattern, error.msg):
            return Diagnostic("Q003", match.expand(message), source.span(place), source, help=help)
    return Diagnostic("Q003", error.msg, source.span(place), source, help=_OTHERWISE)


class _AsPython(ast.NodeTransformer):
    """The program without what the language allows and Python does not.

    A `nonlocal` may name a field; as `global` the rest of what Python asks of it stays.
    """

    def __init__(self, loops: set[tuple[int, int]]) -> None:
        self.loops = loops

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return self.visit(node.value)  # type: ignore[no-any-return]

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        return make(ast.Global, node, names=node.names)

    def visit_If(self, node: ast.If) -> ast.AST:
        self.generic_visit(node)
        if (node.lineno, node.col_offset) not in self.loops:
            return node
        always = make(ast.Constant, node, value=True, kind=None)
        return make(ast.While, node, test=always, body=[node], orelse=[])

"""What Python's parser refuses, said in the words of the language.

Invariant: whatever `ast.parse` raises for a program becomes at least one diagnostic with a place.
The mistakes of the language that are also mistakes of Python's syntax, such as
`await(c, timeout=2)`, are looked for in the tokens, all of them and not only the first. A time
limit is then left out of the text, so that the rest of the program is checked too.
"""

from __future__ import annotations

import ast
import keyword
import re
import tokenize
from collections.abc import Iterator
from itertools import pairwise

from quorate.lang.diagnostics import Diagnostic, Label, QuorateSyntaxError
from quorate.lang.reasons import equals, reason
from quorate.lang.source import Source, Span, tokens_of

_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")
_DEPTH = "split the expression, or the nested statements, into smaller parts"

_NOT_PYTHON = "this is not Python"
_EQUALS = "`=` inside an expression"
_BEFORE = "something here, or just before it, is missing or too many"
_WHILE_AWAIT = r"\bwhile\s+await\b"
_LOOP_HELP = "it is written `while await(c): ...`, then `elif c2: ...` or `elif timeout(t): ...`"

_KNOWN = (
    (
        r"cannot assign to (None|True|False|__debug__)",
        "",
        "it is a word of Python: choose another name",
    ),
    (
        r"Maybe you meant '=='|cannot contain assignment|^cannot assign to",
        _EQUALS,
        None,
    ),
    (r"(was never closed)", "", "close it, on this line or a later one"),
    (r"does not match opening", "", "close the inner bracket first, by one of its own kind"),
    (r"^unmatched", "", "take it away, or open it before"),
    (r"expected an indented block", "", "indent the body, or write `pass`"),
    (r"unindent does not match", "", "indent it like one of the lines above"),
    (r"unexpected indent", "", "indent it like the line above"),
    (r"inconsistent use of tabs", "", "indent with spaces only"),
    (r"^expected ':'", "a `:` is missing", "end the line with `:`"),
    (r"^expected '\('", "a `(` is missing", "write parentheses after the name: `()`"),
    (
        r"without a default|non-default",
        "a parameter without a pattern or default after one that has one",
        "write `name=pattern` or `name=default`",
    ),
    (r"parameters cannot be parenth", "a parameter is a name", "write a name in its place"),
    (
        r"Generator expression must be",
        "a comprehension among other arguments",
        "put parentheses around it; if this is a query, it has no `for`: `setof(x, x in s, x > 1)`",
    ),
    (r"positional argument follows keyword", "", "put `name=value` after the other arguments"),
    (r"unterminated (.*string)", "a string that does not end", "close it"),
    (
        r"^f-string",
        "a malformed f-string",
        "an expression stands between `{` and `}`; a brace itself is written twice: `{{`",
    ),
    (r"forgot a comma", "something is missing between these", "is it a comma?"),
    (r"Missing parentheses in call", "a call without parentheses", "write `output(...)`"),
    (r"^expected 'except'", "a `try` without `except`", "write `except Exception:`, or `finally:`"),
    (r"exception types must be", "", "write `except (A, B):`"),
    (r"expected 'else' after", "", "write `a if condition else b`"),
    (r"^leading zeros", "a number that begins with 0", "take the zeros away"),
    (
        r"^invalid \w+ literal",
        "a number runs into a name",
        "put an operator between them; a name does not begin with a digit",
    ),
    (r"^invalid (non-printable )?character", "", "type it again, in ASCII: quotes are `'` or `\"`"),
    (r"after line continuation", "", "nothing follows a `\\` in its line, not even a space"),
    (r"'from \.\.\. import", "`import ... from`", "write `from module import name`"),
    (r"^invalid syntax$", _NOT_PYTHON, _BEFORE),
)
"""What Python says (it varies with the version): what we say ('' for the same), and the help."""


def parse_python(source: Source, text: str) -> tuple[ast.Module, list[Diagnostic]]:
    """The tree of `text`, and the mistakes that had to be left out of it to have one.

    `text` is that of `source`, perhaps rewritten, every byte in its place. Raises
    QuorateSyntaxError where it is not Python whatever is left out.
    """
    try:
        return ast.parse(text), []  # without the name, by which it would look into the file
    except (SyntaxError, RecursionError, MemoryError) as error:
        limits = list(_timed_awaits(source, _tokens(source.text)))
        if not limits:
            raise QuorateSyntaxError(syntax_diagnostics(source, error)) from None
    mistakes = [mistake for mistake, _ in limits]
    text = _blanked(text, [place for _, place in limits])
    try:
        return ast.parse(text), mistakes
    except (SyntaxError, RecursionError, MemoryError) as error:
        others = _refusals(source, error)
        raise QuorateSyntaxError(sorted([*mistakes, *others], key=_place)) from None


def _place(item: Diagnostic) -> Span:
    return item.span


def _blanked(text: str, places: list[Span]) -> str:
    """The text with spaces at the places, one for each byte, since the tree counts bytes."""
    lines = text.split("\n")
    for place in places:
        for row in range(place.line, place.end_line + 1):
            line = lines[row - 1]
            start = place.column if row == place.line else 0
            end = place.end_column if row == place.end_line else len(line)
            lines[row - 1] = line[:start] + " " * len(line[start:end].encode()) + line[end:]
    return "\n".join(lines)


def syntax_diagnostics(source: Source, error: Exception) -> list[Diagnostic]:
    """The diagnostics for what `ast.parse` raised on the text of `source`.

    `error` is a SyntaxError, or one of the errors (MemoryError, RecursionError, ValueError) by
    which Python says that a program is nested too deeply.
    """
    limits = [mistake for mistake, _ in _timed_awaits(source, _tokens(source.text))]
    return limits or _refusals(source, error)


def _refusals(source: Source, error: Exception) -> list[Diagnostic]:
    """What is wrong besides time limits of awaits."""
    if not isinstance(error, SyntaxError) or re.search("too many .*nested", error.msg):
        span = _error_span(source, error) if isinstance(error, SyntaxError) else _largest(source)
        return [Diagnostic("Q005", "the program is nested too deeply", span, source, help=_DEPTH)]
    known = list(_keyword_arguments(source, _tokens(source.text)))
    return known or [_plain(source, error)]


def _largest(source: Source) -> Span:
    """The beginning of the statement with most tokens; an `if` goes on with its `elif`s."""
    sizes: dict[Span, int] = {Span(1, 0, 1, 0): 0}
    chains: dict[int, Span] = {}  # by column
    begins = True
    current = next(iter(sizes))
    for token in _tokens(source.text):
        if begins and token.type not in (tokenize.INDENT, tokenize.DEDENT):
            current, begins = _span([token]), False
            if token.string == "elif":
                current = chains.get(current.column, current)
            elif token.string == "if":
                chains[current.column] = current
        sizes[current] = sizes.get(current, 0) + 1
        begins |= token.type == tokenize.NEWLINE
    return max(sizes, key=lambda span: sizes[span])


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    """The tokens up to where tokenizing fails, without line ends inside brackets and comments."""
    return [t for t in tokens_of(text) if t.type not in (tokenize.NL, tokenize.COMMENT)]


def _timed_awaits(
    source: Source, tokens: list[tokenize.TokenInfo]
) -> Iterator[tuple[Diagnostic, Span]]:
    """`await(c, timeout=2)`, wherever it stands; with the place of what follows `c` in it."""
    for at, (one, two) in enumerate(pairwise(tokens)):
        if one.string == "await" and two.string == "(":
            inside, end = _arguments(tokens, at + 2)
            named = [part for part in inside if len(part) > 2 and part[1].string == "="]
            if named and len(inside) > 1 and named[0] is not inside[0]:
                condition, argument, limit = map(_span, (inside[0], named[0], named[0][2:]))
                word = "while" if at > 0 and tokens[at - 1].string == "while" else "if"
                mistake = timed_await(source, condition, argument, limit, word=word)
                yield mistake, Span(condition.end_line, condition.end_column, *end)


def timed_await(
    source: Source, condition: Span, argument: Span, limit: Span, *, word: str
) -> Diagnostic:
    """Q040: `await` with a second argument, which stands at `argument` and gives `limit`.

    `word` is what the await with branches begins with.
    """
    text, seconds = source.phrase(condition), source.phrase(limit)
    help = f"write\n    {word} await({text}): ...\n    elif timeout({seconds}): ..."
    label = Label(argument, "a time limit is a branch of its own")
    return Diagnostic("Q040", "`await` takes no time limit", argument, source, (label,), help)


def _arguments(
    tokens: list[tokenize.TokenInfo], at: int
) -> tuple[list[list[tokenize.TokenInfo]], tuple[int, int]]:
    """The tokens of each argument, from just after the bracket, and where the bracket closes.

    No arguments when it is not closed.
    """
    parts: list[list[tokenize.TokenInfo]] = [[]]
    depth = 0
    for token in tokens[at:]:
        if token.string in _CLOSE and depth == 0:
            return [part for part in parts if part], token.start
        depth += (token.string in _OPEN) - (token.string in _CLOSE)
        if token.string == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [], (0, 0)


def _keyword_arguments(source: Source, tokens: list[tokenize.TokenInfo]) -> Iterator[Diagnostic]:
    """`receive(msg=m, from=p)`: a word of Python used as the name of an argument."""
    for before, word, sign in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if before.string in ("(", ",") and sign.string == "=" and keyword.iskeyword(word.string):
            message = f"`{word.string}` is a word of Python and cannot name an argument"
            help = f"write `{word.string}_=`" if word.string == "from" else "choose another name"
            yield Diagnostic("Q003", message, _span([word]), source, help=help)


def _span(tokens: list[tokenize.TokenInfo]) -> Span:
    return Span(*tokens[0].start, *tokens[-1].end)


def _plain(source: Source, error: SyntaxError) -> Diagnostic:
    said = (error.msg or "invalid syntax").removeprefix("invalid syntax. ")
    known = (row[1:] for row in _KNOWN if re.search(row[0], said))
    message, help = next(known, ("", None))
    span = _error_span(source, error)
    line = source.lines[span.line - 1]
    loop = re.search(_WHILE_AWAIT, line) if message == _NOT_PYTHON else None
    if loop is not None:
        span = Span(span.line, loop.start(), span.line, loop.end())
    if loop is not None or _loop_form(source, span):
        return Diagnostic("Q041", "`while await` is malformed", span, source, help=_LOOP_HELP)
    tokens = _tokens(source.text)
    if re.match(r"\s*else\s+if\b", line):
        help = "write `elif`"
    elif message == _EQUALS:
        message, span, help = equals(source, tokens, span)
    elif message == _NOT_PYTHON and (found := reason(source, tokens, span)):
        message, span, help = found
    return Diagnostic("Q003", message or said, span, source, help=help)


def _loop_form(source: Source, span: Span) -> bool:
    """Whether Python points at an `elif` that follows a `while`."""
    if source.segment(span) != "elif":
        return False
    before = reversed(source.lines[: span.line - 1])
    same = (line for line in before if re.match(rf"\s{{{span.column}}}\S", line))
    return next(same, "").lstrip().startswith("while")


def _error_span(source: Source, error: SyntaxError) -> Span:
    """The place of a SyntaxError: at least one column, within the text, on its first line."""
    line = min(max(error.lineno or 1, 1), len(source.lines))
    length = len(source.lines[line - 1])
    column = min(max((error.offset or 1) - 1, 0), length)
    end = (error.end_offset or 0) - 1 if error.end_lineno == error.lineno else column + 1
    return Span(line, column, line, min(max(end, column + 1), max(length, column + 1)))

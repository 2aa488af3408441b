"""Why Python's parser refuses a text of which it says no more than "invalid syntax".

Told by the place where it stops and the tokens before it in the statement. Invariant: every
reason names the edit to make, and is the same under every version of Python.
"""

from __future__ import annotations

import keyword
import re
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass, field

from quorate.lang.source import Source, Span

Reason = tuple[str, Span, str]
"""Message, place, help."""

_BLOCKS = frozenset(("class", "def", "if", "elif", "while", "for", "with", "except", "match"))
_TESTS = frozenset(("if", "elif", "while", "assert", "return", "await"))
_NAMING = frozenset((".", "def", "class", "for", "import", "as", "global", "nonlocal", "*", "**"))
_STATEMENTS = frozenset(
    ("assert", "break", "class", "continue", "def", "del", "except", "finally", "from", "global")
) | {"import", "nonlocal", "pass", "raise", "return", "try", "while", "with"}
_OPERATORS = frozenset(
    ("+", "-", "*", "/", "//", "%", "**", "@", "=", "==", "!=", "<", ">", "<=", ">=", "+=", "-=")
) | {"*=", "/=", "|", "&", "^", "~", "<<", ">>", ":=", "and", "or", "not", "in", "is"}
_DEFINED = ("receive", "sent", "setup", "run", "main")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_VALUES = (tokenize.NAME, tokenize.NUMBER, tokenize.STRING)

_FOREIGN = (
    (r"&&|&", "write `and`"),
    (r"\|\||\|", "write `or`"),
    (r"!(?!=)", "write `not`"),
    (r"<>", "write `!=`"),
    (r"=>", "write `>=`"),
    (r"=<", "write `<=`"),
    (r"=(?<====)", "write `==`"),
    (r"\?", "write `a if condition else b`"),
    (r"\$", "a name has letters, digits and `_`"),
)
"""What Python has no operator for, at the place where it stops, and the help."""


@dataclass
class _Statement:
    """The tokens of a statement up to where the parser stops, and the one where it does."""

    source: Source
    span: Span
    before: list[tokenize.TokenInfo] = field(default_factory=list)
    at: tokenize.TokenInfo | None = None
    open: list[int] = field(default_factory=list)  # the brackets not closed, as places in `before`

    @property
    def first(self) -> str:
        return self.before[0].string if self.before else ""

    @property
    def last(self) -> str:
        return self.before[-1].string if self.before else ""

    @property
    def word(self) -> str:
        return self.at.string.strip() if self.at is not None else ""

    @property
    def bracket(self) -> str:
        return self.before[self.open[-1]].string if self.open else ""

    def is_call(self, opened: int) -> bool:
        """Whether a bracket follows what may be called, or the name of a definition."""
        return opened > 0 and _ends_value(self.before[opened - 1])


def reason(source: Source, tokens: Sequence[tokenize.TokenInfo], span: Span) -> Reason | None:
    """What is wrong at `span`, where the parser stops; None where it is not one of the common."""
    statement = _statement(source, tokens, span)
    return next((found for rule in _RULES if (found := rule(statement)) is not None), None)


def _statement(source: Source, tokens: Sequence[tokenize.TokenInfo], span: Span) -> _Statement:
    found = _Statement(source, span)
    for token in tokens:
        if token.type in (tokenize.INDENT, tokenize.DEDENT):
            continue
        if token.start >= (span.line, span.column):
            found.at = token
            break
        ends = token.string in (":", ";") and not found.open
        if token.type == tokenize.NEWLINE or ends:
            found.before, found.open = [], []
            continue
        if token.string in _CLOSING and token.type == tokenize.OP:
            found.open.append(len(found.before))
        elif token.string in _CLOSING.values() and found.open:
            found.open.pop()
        found.before.append(token)
    return found


def place(*tokens: tokenize.TokenInfo) -> Span:
    """From the first of the tokens to the last."""
    return Span(*tokens[0].start, *tokens[-1].end)


def _ends_value(token: tokenize.TokenInfo) -> bool:
    if token.type == tokenize.NAME:
        return not keyword.iskeyword(token.string) or token.string in ("None", "True", "False")
    return token.type in _VALUES or token.string in (")", "]", "}")


def _bracket(it: _Statement) -> Reason | None:
    """`class P(process:`."""
    if not it.open or it.at is None:
        return None
    opened = it.before[it.open[-1]]
    closing = _CLOSING[opened.string]
    message = f"`{opened.string}` is not closed"
    if it.word == ":" and it.first in _BLOCKS and opened.string != "{":
        return message, place(opened), f"write `{closing}` before the `:`"
    return None


def equals(source: Source, tokens: Sequence[tokenize.TokenInfo], span: Span) -> Reason:
    """A `=` where none can stand, what is on its left being at `span`."""
    it = _statement(source, tokens, span)
    if it.word == "timeout" and it.first == "elif":
        given = re.search(r"timeout\s*=\s*(.+?)\s*:", source.lines[span.line - 1])
        return "`=` after `timeout`", span, f"write `elif timeout({given[1] if given else 3}):`"
    if it.open:
        argument = "if this names an argument, a `)` is missing before it"
        help = f"a comparison is written `==`; {argument}"
        return _inner_bracket(it) or ("`=` inside an expression", span, help)
    if it.first in _TESTS:
        return "`=` inside an expression", span, "a comparison is written `==`"
    help = "on the left of `=` stands a name, a field or an element; a comparison is written `==`"
    return "this cannot be given a value", span, help


def _inner_bracket(it: _Statement) -> Reason | None:
    """`send(('a', x, to=p)`: the name of an argument of the call, seen inside the tuple."""
    if len(it.open) < 2 or it.last != "," or it.at is None or it.at.type != tokenize.NAME:
        return None
    inner, outer = it.open[-1], it.open[-2]
    if it.is_call(inner) or not it.is_call(outer):
        return None
    opened = it.before[inner]
    help = f"write `{_CLOSING[opened.string]}` before `, {it.word}=`"
    return f"`{opened.string}` is not closed", place(opened), help


def _foreign(it: _Statement) -> Reason | None:
    line = it.source.lines[it.span.line - 1]
    if it.last == "+" and re.search(r"\w\s*\+\+$", line[: it.span.column].rstrip()):
        return "`++` is not an operator", place(*it.before[-2:]), "write `x += 1`"
    for pattern, help in _FOREIGN:
        if found := re.compile(pattern).match(line, it.span.column):
            start = found.start()
            while start > 0 and line[start - 1] in "&|=<>!":
                start -= 1
            span = Span(it.span.line, start, it.span.line, found.end())
            return f"`{line[start : found.end()]}` is not an operator", span, help
    return None


def _label(it: _Statement) -> Reason | None:
    if len(it.before) < 2 or [t.string for t in it.before[:2]] != ["-", "-"]:
        return None
    if len(it.before) == 2:
        return "a label without a name", it.span, "name the label: `-- request`"
    return "a label is one name", it.span, "nothing follows the name: `-- request`"


def _block(it: _Statement) -> Reason | None:
    """A `:` or `{` where no block can begin; `except` without `try`."""
    if it.word == "{" and it.first in _BLOCKS | {"else", "try"} and not it.open:
        return "`{` where a block begins", it.span, "end the line with `:` and indent the block"
    if it.word in ("elif", "else") and not it.before:
        help = "it follows an `if` or `while await`, indented like it, with nothing between"
        return f"`{it.word}` belongs to nothing", it.span, help
    if it.word in ("except", "finally") and not it.before:
        return f"`{it.word}` without `try`", it.span, "it follows a `try`, indented like it"
    if it.first in ("elsif", "elseif"):
        return f"`{it.first}` is not a word of Python", place(it.before[0]), "write `elif`"
    if it.word == ":=" and not it.open and len(it.before) == 1:
        return "`:=` in a statement", it.span, "write `=`"
    if it.word != ":" or it.open or it.first in _BLOCKS or not it.before:
        return None
    helps = {
        "await": "write `if await(...):` for an await with branches",
        "timeout": "write `elif timeout(...):` after an `if await(...):`",
    }
    helps |= {name: f"write `def {name}(...):`" for name in _DEFINED}
    help = helps.get(it.first, "take it away, or begin the line with `if`, `for` or `while`")
    return "a `:` where no block begins", it.span, help


def _keyword(it: _Statement) -> Reason | None:
    if it.word == "=" and len(it.before) == 1 and keyword.iskeyword(it.first):
        return _no_name(it.before[0])
    if it.at is None or not keyword.iskeyword(it.word) or not it.before:
        return None
    listed = it.first in ("def", "lambda") and it.open and it.last in ("(", ",")
    if it.first == "import" and it.word == "from":
        return "`import ... from`", it.span, "write `from module import name`"
    if it.last in _NAMING or listed:
        return _no_name(it.at)
    if it.word in _STATEMENTS:
        message = f"`{it.word}` is a word of Python and cannot stand here"
        help = f"a statement begins its own line; a name is written `{it.word}_`, say"
        return message, it.span, help
    return None


def _no_name(token: tokenize.TokenInfo) -> Reason:
    message = f"`{token.string}` is a word of Python and cannot be a name"
    return message, place(token), f"choose another name, such as `{token.string.lower()}_`"


def _loop(it: _Statement) -> Reason | None:
    if it.first == "from" and it.word == "" and len(it.before) > 1:
        return "`from` without `import`", it.span, "write `from module import name`"
    if it.first != "for" or it.open or any(t.string == "in" for t in it.before) or not it.word:
        return None
    return "a `for` without `in`", it.span, "write `for x in xs:`"


def _equals(it: _Statement) -> Reason | None:
    if it.word != "=" or not (it.open or it.first in _TESTS) or it.last in _OPERATORS:
        return None
    return "`=` inside an expression", it.span, "a comparison is written `==`"


def _parameter(it: _Statement) -> Reason | None:
    """`def receive(('a', x))`: what is not a name among the parameters."""
    if it.first != "def" or len(it.open) != 1 or it.at is None or it.last not in ("(", ","):
        return None
    if it.at.type not in (tokenize.STRING, tokenize.NUMBER) and it.word not in _CLOSING:
        return None
    handler = it.before[1].string in ("receive", "sent")
    help = "write `msg=` before the pattern" if handler else "write a name in its place"
    return "a parameter is a name", it.span, help


def _comma(it: _Statement) -> Reason | None:
    """Two values side by side."""
    if it.at is None or not it.before or not _ends_value(it.before[-1]):
        return None
    if it.at.type not in _VALUES or (keyword.iskeyword(it.word) and not _ends_value(it.at)):
        return None
    help = "is it a comma?"
    if it.last == "timeout":
        help = f"write `elif timeout({it.word}):`"
    elif not it.open:
        help = "an operator, a `.` or a `,`? each statement has a line of its own"
    return "something is missing between these", place(it.before[-1], it.at), help


def _mark(it: _Statement) -> Reason | None:
    """A `,` or `:` with nothing before it, or a `:` in brackets."""
    if it.word not in (",", ":"):
        return None
    if not it.before or it.last in (",", *_CLOSING):
        help = "write what is missing there, or take it away"
        return f"nothing stands before the `{it.word}`", it.span, help
    if it.word == ":" and it.open:
        return "a `:` inside brackets", it.span, "take it away, or close the bracket before it"
    return None


def _unfinished(it: _Statement) -> Reason | None:
    """An operator, or `await`, with nothing after it."""
    if it.last == "await":
        return "`await` without a condition", place(it.before[-1]), "write `await(condition)`"
    ends = it.word in ("", ":", ",", ")", "]", "}")
    if not ends or it.last not in _OPERATORS or it.at is None:
        return None
    help = "write the value that belongs there, or take it away"
    return f"nothing follows the `{it.last}`", place(it.before[-1]), help


_RULES = (
    _bracket,
    _foreign,
    _label,
    _block,
    _keyword,
    _loop,
    _equals,
    _parameter,
    _comma,
    _mark,
    _unfinished,
)
"""In this order: the first that knows is right."""

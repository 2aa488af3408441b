"""Errors and warnings about a program: collected while compiling, shown to the user.

Invariant: every diagnostic has a code of the catalogue (codes.py), a place, and says what to do
about it; one root cause gives one diagnostic, in the order of places.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from quorate.lang.codes import codes, explain
from quorate.lang.names import nearest
from quorate.lang.snippet import Mark, Row, Snippet, printable
from quorate.lang.source import Source, Span

__all__ = [
    "Diagnostic",
    "Diagnostics",
    "Label",
    "QuorateSyntaxError",
    "codes",
    "explain",
    "nearest",
    "render",
    "to_json",
]

WIDTH = 100
"""Columns of the widest line that a snippet shows whole."""

Severity = Literal["error", "warning"]
Place = ast.AST | Span

_NAMES = ("Q010", "Q011")
_REPEATS_MAX = 3
_STYLES = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "secondary": "\x1b[1;34m",
    "gutter": "\x1b[1;34m",
    "message": "\x1b[1m",
}
_RESET = "\x1b[0m"


@dataclass(frozen=True)
class Label:
    """A text at a place; at the diagnostic's own span it stands beside the carets."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong: what, where, and in `help` the edit to make."""

    code: str
    message: str
    span: Span
    source: Source
    labels: tuple[Label, ...] = ()
    help: str | None = None
    severity: Severity = "error"

    def __str__(self) -> str:
        return render([self], colour=False)


class Diagnostics:
    """What is found in one source while it is compiled."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._found: dict[tuple[object, ...], Diagnostic] = {}

    def error(
        self,
        code: str,
        message: str,
        place: Place,
        *,
        labels: Iterable[Label | tuple[Place, str]] = (),
        help: str | None = None,
        cause: Hashable = None,
    ) -> None:
        """Adds an error at a node or span.

        A second one of the same code and place is dropped. Errors of the same code and the same
        `cause` (an unknown name, say) are one error, which points at the other places too.
        """
        self._add("error", code, message, place, labels, help, cause)

    def warning(
        self,
        code: str,
        message: str,
        place: Place,
        *,
        labels: Iterable[Label | tuple[Place, str]] = (),
        help: str | None = None,
        cause: Hashable = None,
    ) -> None:
        """Adds a warning; otherwise as `error`."""
        self._add("warning", code, message, place, labels, help, cause)

    @property
    def items(self) -> list[Diagnostic]:
        """Everything found, in the order of places, without what other errors entail."""
        own = [item for item in self._found.values() if not self._entailed(item)]
        return sorted(own, key=lambda item: (item.span, item.code))

    def _entailed(self, item: Diagnostic) -> bool:
        """Whether there is another error that this one follows from.

        The text of another one would bind a name that is unknown (Q010), or holds one that is
        used outside of its query (Q011); what is outside of a process (Q024) is whole.
        """
        others = [o for o in self._found.values() if o.severity == "error" and o is not item]
        if item.code == "Q024":
            return any(o.code == "Q024" and o.span.holds(item.span) for o in others)
        others = [other for other in others if other.code not in _NAMES]
        if item.code == "Q011":
            return any(other.span.holds(item.span) for other in others)
        name = re.compile(rf"\b{re.escape(self.source.segment(item.span))}\b")
        near = (self._near(other.span, item.span) for other in others)
        return item.code == "Q010" and any(map(name.search, near))

    def _near(self, span: Span, place: Span) -> str:
        """The text of `span`; seen from a later line, all of the lines where it is."""
        if span.end_line < place.line:
            return "\n".join(self.source.lines[span.line - 1 : span.end_line])
        return self.source.segment(span)

    @property
    def errors(self) -> list[Diagnostic]:
        """The errors among the items."""
        return [item for item in self.items if item.severity == "error"]

    def raise_if_errors(self) -> None:
        """Raises QuorateSyntaxError with all errors, when there is one."""
        if errors := self.errors:
            raise QuorateSyntaxError(errors)

    def _add(
        self,
        severity: Severity,
        code: str,
        message: str,
        place: Place,
        labels: Iterable[Label | tuple[Place, str]],
        help: str | None,
        cause: Hashable,
    ) -> None:
        assert code in codes(), f"{code} is not in the catalogue"
        span = self._span(place)
        marks = tuple(
            label if isinstance(label, Label) else Label(self._span(label[0]), label[1])
            for label in labels
        )
        key = (code, span) if cause is None else (code, cause)
        found = Diagnostic(code, message, span, self.source, marks, help, severity)
        self._found[key] = _merged(self._found[key], found) if key in self._found else found

    def _span(self, place: Place) -> Span:
        return place if isinstance(place, Span) else self.source.span(place)


def _merged(one: Diagnostic, two: Diagnostic) -> Diagnostic:
    """The first of two diagnostics with the same cause, pointing at the place of the other."""
    first, other = (one, two) if one.span <= two.span else (two, one)
    repeats = [label.span for label in first.labels if label.text == "also here"]
    if other.span in (first.span, *repeats) or len(repeats) == _REPEATS_MAX:
        return first
    return replace(first, labels=(*first.labels, Label(other.span, "also here")))


class QuorateSyntaxError(SyntaxError):
    """What is wrong with a program, as one exception; `diagnostics` has at least one error.

    Python shows it at an `import` like an error of its own, at the place of the first diagnostic.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        assert self.diagnostics, "an error needs a reason"
        first, span = self.diagnostics[0], self.diagnostics[0].span
        lines = first.source.lines
        text = lines[span.line - 1] + "\n" if span.line <= len(lines) else ""
        end = (span.end_line, span.end_column + 1)
        place = (first.source.path, span.line, span.column + 1, text, *end)
        super().__init__(self._summary(), place)

    def _summary(self) -> str:
        first, rest = self.diagnostics[0], len(self.diagnostics) - 1
        text = f"{first.message} [{first.code}]"
        if first.help:
            text += f"\nhelp: {first.help}"
        if rest:
            text += f"\n(and {rest} more error{'s' * (rest > 1)})"
        return printable(text)

    def __str__(self) -> str:
        return render(self.diagnostics, colour=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return (QuorateSyntaxError, (self.diagnostics,))


def render(diagnostics: Iterable[Diagnostic], *, colour: bool) -> str:
    """The text a person reads, an empty line between diagnostics; ANSI colours when asked for."""
    return "\n\n".join(
        "\n".join(_painted(row, item.severity, colour) for row in _rows(item))
        for item in diagnostics
    )


def _rows(item: Diagnostic) -> Iterable[Row]:
    span = item.span
    message = [line.rstrip() for line in f": {printable(item.message)}".split("\n")]
    yield [(f"{item.severity}[{item.code}]", "primary"), ("\n".join(message), "message")]
    snippet = Snippet(item.source, _marks(item), WIDTH)
    indent = " " * snippet.gutter
    place = f"{item.source.path}:{span.line}:{span.column + 1}" if item.source.text else ""
    yield [(f"{indent}--> ", "gutter"), (printable(place or item.source.path), "")]
    if item.source.text:
        yield snippet.empty()
        yield from snippet.rows()
    if item.help:
        lines = printable(item.help).split("\n")
        yield [(f"{indent} = ", "gutter"), ("help", "message"), (f": {lines[0]}", "")]
        yield from ([(f"{indent}         {line}".rstrip(), "")] for line in lines[1:])


def _marks(item: Diagnostic) -> list[Mark]:
    """The span with its text, and the labels; several texts at the span become one."""
    labels = [Label(it.span, printable(it.text).replace("\n", " ")) for it in item.labels]
    own = "; ".join(label.text for label in labels if label.span == item.span)
    others = [Mark(it.span, it.text, False) for it in labels if it.span != item.span]
    return [Mark(item.span, own, True), *others]


def _painted(row: Row, severity: str, colour: bool) -> str:
    """The row as text, without spaces at its end; a run of one style is one escape sequence."""
    row = list(row)
    while row and not row[-1][0].rstrip():
        row.pop()
    if row:
        row[-1] = (row[-1][0].rstrip(), row[-1][1])
    if not colour:
        return "".join(text for text, _ in row)
    runs: list[tuple[str, list[str]]] = []
    for text, style in row:
        paint = _STYLES.get(severity if style == "primary" else style, "")
        if runs and runs[-1][0] == paint:
            runs[-1][1].append(text)
        else:
            runs.append((paint, [text]))
    joined = ((paint, "".join(texts)) for paint, texts in runs)
    return "".join(f"{paint}{text}{_RESET}" if paint else text for paint, text in joined)


def to_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """The diagnostics as plain data; lines and columns from 1, ends exclusive."""
    return [
        {
            "severity": item.severity,
            "code": item.code,
            "title": codes().get(item.code, ""),
            "message": item.message,
            "file": item.source.path,
            **_place(item.span),
            "labels": [{**_place(label.span), "text": label.text} for label in item.labels],
            "help": item.help,
        }
        for item in diagnostics
    ]


def _place(span: Span) -> dict[str, int]:
    return {
        "line": span.line,
        "column": span.column + 1,
        "end_line": span.end_line,
        "end_column": span.end_column + 1,
    }

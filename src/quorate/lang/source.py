"""Source text and places in it.

Role: everything that shows or points at program text asks here. Invariant: lines count from 1
and columns from 0, in characters, as an editor's user counts them; Python's ast counts columns in
UTF-8 bytes, and only `Source.span` knows that.
"""

from __future__ import annotations

import ast
import codecs
import contextlib
import io
import os
import stat
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A piece of text: lines from 1, columns from 0 in characters, the end exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int

    def holds(self, other: Span) -> bool:
        """Whether another span begins in this one."""
        begins, ends = (self.line, self.column), (self.end_line, self.end_column)
        return begins <= (other.line, other.column) < ends


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file, its line ends made `\\n`; `lines` are without their ends."""

    path: str
    text: str
    lines: list[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        text = self.text.replace("\r\n", "\n").replace("\r", "\n")
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "lines", text.split("\n"))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Source:
        """The file at `path`, in the encoding it declares (UTF-8 otherwise).

        Raises QuorateSyntaxError (Q001, Q002) when there is no such file, it is not a regular
        file, or what it holds is not text. Never waits, as opening a pipe would.
        """
        name = os.fspath(path)
        return _decode(name, _read_bytes(name))

    def span(self, node: ast.AST) -> Span:
        """Where a node of the tree stands; nodes without a place are at the file's start.

        A node may give its place as ast does (`lineno`, `col_offset`, ... in UTF-8 bytes).
        """
        line = getattr(node, "lineno", None)
        if line is None:
            return Span(1, 0, 1, 0)
        column = self._characters(line, getattr(node, "col_offset", 0))
        end_line = getattr(node, "end_lineno", None)
        end_offset = getattr(node, "end_col_offset", None)
        if end_line is None or end_offset is None:
            return Span(line, column, line, column)
        return Span(line, column, end_line, self._characters(end_line, end_offset))

    def segment(self, place: ast.AST | Span) -> str:
        """The text of a node or span, as written."""
        span = place if isinstance(place, Span) else self.span(place)
        lines = self.lines[span.line - 1 : span.end_line]
        if not lines:
            return ""
        lines[-1] = lines[-1][: span.end_column]
        lines[0] = lines[0][span.column :]
        return "\n".join(lines)

    def phrase(self, place: ast.AST | Span) -> str:
        """The text of a node or span on one line, without comments and line ends in it."""
        text = self.segment(place)
        if "\n" not in text:
            return text
        lines = text.split("\n")
        for token in tokens_of(f"({text})"):  # in brackets, so that a line may end anywhere
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][: column - (row == 1)]
        phrase = ""
        for line in (line.removesuffix("\\").strip() for line in lines):
            tight = not phrase or not line or phrase[-1] in "([{" or line[0] in ")]}"
            phrase += line if tight else f" {line}"
        return phrase

    def position(self, index: int) -> Span:
        """The place of the character at `index` in `text`."""
        line = self.text.count("\n", 0, index) + 1
        column = index - (self.text.rfind("\n", 0, index) + 1)
        return Span(line, column, line, column + 1)

    def _characters(self, line: int, offset: int) -> int:
        """The column in characters of a column in UTF-8 bytes."""
        if not 1 <= line <= len(self.lines):
            return 0
        text = self.lines[line - 1]
        return offset if text.isascii() else len(text.encode()[:offset].decode(errors="ignore"))


def tokens_of(text: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens of a text, up to where it has none of Python."""
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        yield from tokenize.generate_tokens(io.StringIO(text).readline)


def _read_bytes(path: str) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            kind = "a directory" if os.path.isdir(path) else "a pipe or a device"
            _refuse(path, f"`{path}` is {kind}, not a file", "name the `.da` file itself")
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: the name holds a NUL
        reason = getattr(error, "strerror", None) or str(error)
        _refuse(path, f"cannot read `{path}`: {reason}", _similar_file(path))


def _similar_file(path: str) -> str | None:
    """A help line naming the file that was probably meant."""
    from quorate.lang.names import nearest

    directory, name = os.path.split(path)
    try:
        present = os.listdir(directory or ".")
    except (OSError, ValueError):
        return None
    if f"{name}.da" in present:
        return f"write `{path}.da`"
    found = nearest(name, (file for file in present if file.endswith(".da")))
    return found and f"there is a file `{os.path.join(directory, found)}`"


def _decode(path: str, data: bytes) -> Source:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        b" ".decode(encoding)  # some encodings, like rot13, are not for text
    except (SyntaxError, LookupError, UnicodeError):  # not UTF-8, or not an encoding
        encoding = "utf-8"
    data = data.removeprefix(codecs.BOM_UTF8)
    encoding = encoding.removesuffix("-sig")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, "replace")
        source = Source(path, data.decode(encoding, "replace"))
        reason = f"not {encoding}: byte 0x{data[error.start]:02x}"
        _refuse_text(source, len(_unified(before)), reason)
    source = Source(path, text)
    if (index := source.text.find("\0")) >= 0:
        _refuse_text(source, index, "a NUL byte")
    return source


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _refuse(path: str, message: str, help: str | None) -> NoReturn:
    from quorate.lang.diagnostics import Diagnostic, QuorateSyntaxError

    place = Span(1, 0, 1, 0)
    raise QuorateSyntaxError([Diagnostic("Q001", message, place, Source(path, ""), help=help)])


def _refuse_text(source: Source, index: int, what: str) -> NoReturn:
    from quorate.lang.diagnostics import Diagnostic, Label, QuorateSyntaxError

    place = source.position(index)
    help = "save it as UTF-8 text, or name its encoding in the first line: `# coding: latin-1`"
    message = f"`{source.path}` is not text"
    found = Diagnostic("Q002", message, place, source, (Label(place, what),), help)
    raise QuorateSyntaxError([found])

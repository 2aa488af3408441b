"""Draws marked lines of program text, as rustc does.

Role: turns a Source and marks on it into rows of styled cells; diagnostics.py adds the heading
and the help, and paints the rows. Invariant: one cell is one column of a terminal, so that what
stands below a piece of text is below it also after tabs and wide characters, and no character of
the program reaches the terminal as a control character.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from quorate.lang.source import Source, Span

TAB = 4
"""Columns that a tab takes, wherever it stands."""

Cell = tuple[str, str]
"""What one column shows and its style; the second column of a wide character shows ''."""

Row = list[Cell]

_BIDI = frozenset(
    map(chr, (0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)
"""Characters that turn the direction of the text after them, and could hide what it says."""

_ZERO_WIDTH = frozenset(("Mn", "Me", "Cf"))
_UNSHOWABLE = frozenset(("Cs", "Zl", "Zp"))


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to underline, with an optional printable text; one mark of a snippet is primary."""

    span: Span
    text: str
    primary: bool

    @property
    def style(self) -> str:
        return "primary" if self.primary else "secondary"

    @property
    def many_lines(self) -> bool:
        return self.span.end_line > self.span.line


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a mark on one line, in display columns, before clipping."""

    start: int
    end: int
    mark: Mark


def cells(text: str) -> list[list[str]]:
    """For every character of `text`, what its columns show: '' after a wide one, [] for none.

    Widths are those of Unicode's East Asian Width (UAX 11), ambiguous ones narrow.
    """
    return [_columns(char) for char in text]


def _columns(char: str) -> list[str]:
    category = unicodedata.category(char)
    if char == "\t":
        return [" "] * TAB
    if char in _BIDI or category in _UNSHOWABLE or "\x7f" <= char <= "\x9f":
        return ["\N{REPLACEMENT CHARACTER}"]
    if char < " ":
        return [chr(0x2400 + ord(char))]
    if category in _ZERO_WIDTH:
        return []
    return [char, ""] if unicodedata.east_asian_width(char) in "WF" else [char]


def printable(text: str) -> str:
    """`text` with everything that would steer a terminal made visible; line ends stay."""
    return "".join(c if c == "\n" or c.isprintable() else "".join(_columns(c)) for c in text)


class Snippet:
    """The lines of `source` that `marks` touch; rows() draws them at most `width` columns wide."""

    def __init__(self, source: Source, marks: Iterable[Mark], width: int) -> None:
        self.source = source
        self.marks = sorted(marks, key=lambda mark: (mark.span, not mark.primary))
        self.bars = [mark for mark in self.marks if mark.many_lines]
        self.gutter = len(str(max(mark.span.end_line for mark in self.marks)))
        self.margin = 2 * len(self.bars)
        self.width = max(20, width - self.gutter - 3 - self.margin)

    def rows(self) -> Iterator[Row]:
        """The drawing, without the empty row above it."""
        before = 0
        for number in self._shown():
            if before and number == before + 2:
                yield from self._line(before + 1)
            elif before and number > before + 1:
                yield _styled(f"{'...':{self.gutter + 3}}", "gutter") + self._bars(number, [])
            yield from self._line(number)
            before = number

    def empty(self) -> Row:
        """A row with nothing but the line on the left."""
        return self._left("", ())

    def _shown(self) -> list[int]:
        """The numbers of the lines where a mark begins or ends."""
        ends = {line for mark in self.marks for line in (mark.span.line, mark.span.end_line)}
        return sorted(line for line in ends if line <= len(self.source.lines))

    def _line(self, number: int) -> Iterator[Row]:
        """One line of the source and what is drawn below it."""
        text = self.source.lines[number - 1]
        shown = cells(text)
        pieces = [self._piece(mark, shown) for mark in self.marks if _only_on(mark, number)]
        starts = [mark for mark in self.bars if mark.span.line == number]
        ends = [mark for mark in self.bars if mark.span.end_line == number]
        at_begin = [mark for mark in starts if not text[: mark.span.column].strip()]
        focus = pieces + [self._tip(mark, shown, number) for mark in starts + ends]
        columns = [column for char in shown for column in char]
        clip = _Clip.of(columns, focus, self.width)
        yield self._left(str(number), self._bars(number, at_begin)) + _styled(clip.text, "source")
        for row in _annotations([clip.move(piece) for piece in pieces]):
            yield self._left("", self._bars(number, at_begin, below=True)) + row
        for mark in starts:
            if mark not in at_begin:
                tip = clip.move(self._tip(mark, shown, number))
                yield self._corner(number, mark, tip, opening=True)
        for mark in ends:
            tip = clip.move(self._tip(mark, shown, number))
            yield self._corner(number, mark, tip, opening=False)

    def _piece(self, mark: Mark, shown: list[list[str]]) -> Piece:
        start = sum(map(len, shown[: mark.span.column]))
        end = sum(map(len, shown[: mark.span.end_column]))
        end += max(0, mark.span.end_column - max(len(shown), mark.span.column))
        return Piece(start, max(end, start + 1), mark)

    def _tip(self, mark: Mark, shown: list[list[str]], number: int) -> Piece:
        """The first or last column of a mark of many lines."""
        column = mark.span.column if mark.span.line == number else max(0, mark.span.end_column - 1)
        at = sum(map(len, shown[:column]))
        return Piece(at, at + 1, mark)

    def _left(self, number: str, bars: Iterable[Cell]) -> Row:
        """The line number, the line on the left, and the bars of the marks of many lines."""
        return [*_styled(f"{number:>{self.gutter}} |", "gutter"), (" ", ""), *bars]

    def _bars(self, number: int, at_begin: list[Mark], *, below: bool = False) -> Row:
        row: Row = []
        for mark in self.bars:
            if mark.span.line < number <= mark.span.end_line or (below and mark in at_begin):
                row += [("|", mark.style)]
            elif mark in at_begin:
                row += [("/", mark.style)]
            else:
                row += [(" ", "")]
            row += [(" ", "")]
        return row

    def _corner(self, number: int, mark: Mark, tip: Piece, *, opening: bool) -> Row:
        """The row that ties the bar of a mark of many lines to its first or last column."""
        bars: Row = []
        for other in self.bars:
            since = other.span.line + (other is mark)
            running = since <= number <= other.span.end_line
            bars += [("|", other.style) if running else (" ", ""), (" ", "")]
        index = 2 * self.bars.index(mark)
        bars += [(" ", "")] * tip.start
        first = index + 1
        bars[first:] = _styled("_" * (len(bars) - first), mark.style)
        bars += [("^" if mark.primary else "-", mark.style)]
        if not opening and mark.text:
            bars += _styled(" " + mark.text, mark.style)
        return self._left("", bars)


def _only_on(mark: Mark, number: int) -> bool:
    return mark.span.line == number and not mark.many_lines


def _styled(text: str | Iterable[str], style: str) -> Row:
    return [(char, style) for char in text]


def _annotations(pieces: list[Piece]) -> Iterator[Row]:
    """The underlines of one line, and the texts that belong to them.

    The text of the rightmost piece follows its underline; the others hang below, the leftmost
    lowest, each from a line that starts at its underline.
    """
    if not pieces:
        return
    carets: Row = [(" ", "")] * max(piece.end for piece in pieces)
    for piece in sorted(pieces, key=lambda piece: piece.mark.primary):
        sign = "^" if piece.mark.primary else "-"
        carets[piece.start : piece.end] = [(sign, piece.mark.style)] * (piece.end - piece.start)
    texts = sorted((p for p in pieces if p.mark.text), key=lambda p: (p.start, p.end))
    last = texts[-1] if texts and texts[-1].end == len(carets) else None
    hanging = texts[:-1] if last else texts
    if last and not any(piece.start == last.start for piece in hanging):
        yield carets + _styled(" " + last.mark.text, last.mark.style)
    else:
        yield carets
        hanging = texts
    if hanging:
        yield _connectors(hanging)
    for index in reversed(range(len(hanging))):
        piece = hanging[index]
        row = _connectors([p for p in hanging[:index] if p.start < piece.start])
        row += [(" ", "")] * (piece.start - len(row))
        yield row + _styled(piece.mark.text, piece.mark.style)


def _connectors(pieces: list[Piece]) -> Row:
    row: Row = []
    for piece in pieces:
        row[piece.start :] = [*row[piece.start :], *[(" ", "")] * (piece.start - len(row))]
        row[piece.start :] = [("|", piece.mark.style)]
    return row


@dataclass(frozen=True, slots=True)
class _Clip:
    """A line cut to the columns `left` to `right` of it, with dots where something is missing."""

    text: list[str]
    left: int
    dots: int

    @classmethod
    def of(cls, columns: list[str], focus: list[Piece], width: int) -> _Clip:
        """Cuts so that the primary mark, and the others as far as they fit, stay in sight."""
        if len(columns) <= width:
            return cls(columns, 0, 0)
        left, right = _window(focus, width - 6, len(columns))
        while left > 0 and columns[left] == "":
            left -= 1
        while right < len(columns) and columns[right] == "":
            right -= 1
        before = list("...") if left > 0 else []
        after = list("...") if right < len(columns) else []
        return cls([*before, *columns[left:right], *after], left, len(before))

    def move(self, piece: Piece) -> Piece:
        """The piece in the columns of the cut line."""
        start = min(max(piece.start - self.left + self.dots, 0), len(self.text))
        end = min(max(piece.end - self.left + self.dots, start + 1), len(self.text) + 1)
        return Piece(start, max(end, start + 1), piece.mark)


def _window(focus: list[Piece], width: int, length: int) -> tuple[int, int]:
    """The columns to show of a line of `length` columns, `width` of them."""
    wanted = sorted(focus, key=lambda piece: not piece.mark.primary)
    low = high = wanted[0].start if wanted else 0
    for piece in wanted:
        start, end = min(low, piece.start), max(high, min(piece.end, piece.start + width))
        if end - start <= width:
            low, high = start, end
    left = max(0, min(low - (width - (high - low)) // 2, length - width))
    return left, min(left + width, length)

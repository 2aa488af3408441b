"""Judgements as one HTML page, which needs nothing else: no script, no picture, no connection.

Invariant: whatever comes of a history is escaped, and the page's own policy forbids scripts and
all that would be loaded; so hostile values are text.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from quorate.consistency.explanation import STUCK, Explanation, Marked, explained
from quorate.consistency.history import client_name
from quorate.consistency.judgement import Judgement, counted, title_of
from quorate.consistency.limits import Verdict
from quorate.consistency.linearizability import Linearizability
from quorate.consistency.text import lines_of, text_of
from quorate.consistency.timeline import Bar, in_rows, placed
from quorate.trace.pages import head_of

COLUMN_PIXELS = 7.4
ROW_PIXELS = 34
BAR_PIXELS = 24
MARGIN_PIXELS = 175

_STYLE = """
h2 { margin-top: 1.8em } .holds h1 { color: var(--good) } .violated h1 { color: var(--bad) }
.unknown h1 { color: var(--doubt) }
.timeline { overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; padding: .6em 0 }
.ordered rect { fill: var(--blue-fill); stroke: var(--blue) }
.open rect { fill: var(--grey-fill); stroke: var(--grey) }
.stuck rect { fill: var(--bad-fill); stroke: var(--bad) } .open.lost rect { stroke-dasharray: 4 3 }
tr.stuck td { color: var(--bad); font-weight: 600 }
"""


def page_of(found: Judgement, name: str) -> str:
    """The page of a judgement on the history of this name."""
    return "\n".join(_page(found, name)) + "\n"


def _page(found: Judgement, name: str) -> Iterator[str]:
    title = title_of(found)
    yield from head_of(f"{name}: {found.verdict.value}", _STYLE, found.verdict.value)
    yield f"<body><h1>{escape(title)}</h1>"
    match found:
        case Linearizability(failure=failure) if failure is not None:
            yield from _failure(explained(failure, found.model), failure.line)
        case _ if found.verdict is Verdict.VIOLATED:
            _, _, details = text_of(found).partition("\n")
            yield f"<pre>{escape(details)}</pre>"
    yield f"<footer>{escape(name)}: {escape(counted(found.history))}</footer></body></html>"


def _failure(explanation: Explanation, last: int) -> Iterator[str]:
    yield f"<p>{escape(explanation.place)}.</p>"
    yield '<div class="timeline">'
    yield from _timeline(explanation, last)
    yield "</div>"
    if explanation.left_out:
        yield f"<p>{explanation.left_out:,} more are not drawn.</p>"
    yield "<h2>The best order found</h2>"
    if explanation.earlier:
        yield f"<p>{escape(explanation.earlier)}, and then:</p>"
    yield "<table>"
    yield from (_row(each) for each in [*explanation.steps, explanation.stuck])
    yield "</table>"
    if explanation.open:
        yield "<h2>Not in it</h2><table>"
        yield from (_row(each) for each in explanation.open)
        yield "</table>"
    yield "<h2>Why nothing can follow</h2>"
    yield f"<pre>{escape(chr(10).join(explanation.reasons))}</pre>"


def _row(marked: Marked) -> str:
    said = (marked.mark, marked.client, marked.label, lines_of(marked), marked.remark)
    cells = "".join(f"<td>{escape(each)}</td>" for each in said)
    return f'<tr class="{_kind(marked)}">{cells}</tr>'


def _kind(marked: Marked) -> str:
    if marked.mark == STUCK:
        return "stuck"
    return "ordered" if marked.mark.isdigit() else "open"


def _timeline(explanation: Explanation, last: int) -> Iterator[str]:
    bars = placed(explanation.drawn, last, lambda each: f" {each.mark}  {each.label} ")
    rows = [(client, row) for client, own in in_rows(bars).items() for row in own]
    width = MARGIN_PIXELS + (max(bar.end for bar in bars) + 2) * COLUMN_PIXELS
    height = len(rows) * ROW_PIXELS + 10
    about = "Clients as rows, operations as bars; time goes from left to right"
    yield f'<svg width="{width:.0f}" height="{height}" role="img" aria-label="{about}">'
    for number, (client, row) in enumerate(rows):
        top = number * ROW_PIXELS + 8
        name = escape(client_name(client))
        yield f'<text x="10" y="{top + 16}">{name}</text>'
        yield from (_bar(bar, top) for bar in row)
    yield "</svg>"


def _bar(bar: Bar, top: int) -> str:
    left = MARGIN_PIXELS + bar.begin * COLUMN_PIXELS
    width = (bar.end - bar.begin) * COLUMN_PIXELS
    text = escape(f"{bar.marked.mark}  {bar.marked.label}")
    about = escape(f"{bar.marked.client}: {bar.marked.label}, {lines_of(bar.marked)}")
    kind = _kind(bar.marked) + (" lost" if bar.is_open else "")
    return (
        f'<g class="{kind}"><title>{about}</title>'
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{BAR_PIXELS}" rx="4"/>'
        f'<text x="{left + 7:.1f}" y="{top + 16}">{text}</text></g>'
    )

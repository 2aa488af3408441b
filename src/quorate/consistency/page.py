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

COLUMN_PIXELS = 7.4
ROW_PIXELS = 34
BAR_PIXELS = 24
MARGIN_PIXELS = 175

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em;
  color: #1c2530; background: #fff }
h1 { font-size: 1.35em } h2 { font-size: 1.05em; margin-top: 1.8em }
.holds h1 { color: #17653a } .violated h1 { color: #a51d2d } .unknown h1 { color: #8a5a00 }
.timeline { overflow-x: auto; border: 1px solid #d5dae0; border-radius: 6px; padding: .6em 0 }
svg text { font: 12.3px ui-monospace, monospace; fill: #1c2530 }
.ordered rect { fill: #dbe9fb; stroke: #4b7fbf } .open rect { fill: #f2f2f2; stroke: #8b939c }
.stuck rect { fill: #fbdfe0; stroke: #a51d2d } .open.lost rect { stroke-dasharray: 4 3 }
table { border-collapse: collapse } td, th { text-align: left; padding: .15em 1.2em .15em 0 }
td, pre { font-family: ui-monospace, monospace; font-size: .87em; vertical-align: top }
tr.stuck td { color: #a51d2d; font-weight: 600 } pre { white-space: pre-wrap }
footer { margin-top: 2.5em; color: #66707b; font-size: .87em }
@media (prefers-color-scheme: dark) {
  body { color: #dde3ea; background: #14181d } svg text { fill: #dde3ea }
  .holds h1 { color: #6fcf97 } .violated h1, tr.stuck td { color: #ff8a93 }
  .unknown h1 { color: #e0b050 } .timeline { border-color: #39424c }
  .ordered rect { fill: #1e3a5c } .open rect { fill: #2a3037 } .stuck rect { fill: #5c1f26 }
}
"""


def page_of(found: Judgement, name: str) -> str:
    """The page of a judgement on the history of this name."""
    return "\n".join(_page(found, name)) + "\n"


def _page(found: Judgement, name: str) -> Iterator[str]:
    title = title_of(found)
    yield "<!doctype html>"
    yield f'<html lang="en" class="{found.verdict.value}">'
    yield '<head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(name)}: {found.verdict.value}</title>"
    yield f"<style>{_STYLE}</style></head>"
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

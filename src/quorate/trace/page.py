"""A story as one HTML page that works by itself: the diagram, each step in full, the program.

Invariant: everything that is shown stands in the page and is escaped; its script only says which
part of it is seen. It runs under a policy that allows this script and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from typing import Any

from quorate.trace import events as ev
from quorate.trace.chart import STYLE, Chart, is_bad, name_of, rows_of_steps
from quorate.trace.course import Fields, Moment, message_name, take
from quorate.trace.ending import Ending, ending_of
from quorate.trace.folding import Gap, Row
from quorate.trace.notes import notes_of
from quorate.trace.pages import head_of
from quorate.trace.story import Story
from quorate.trace.telling import plain, run_of, told, value

ROWS_MAX = 500
"""How many rows a page has."""

VALUE_MAX = 2000
"""How much is shown of the value of a field, in characters."""

Sources = dict[str, str | None]
"""The text of each file of the program, by name; None if it is not there."""

_STYLE = """
body { max-width: none; margin: 1em; height: calc(100vh - 2em); display: flex;
  flex-direction: column } h1 { color: var(--bad); margin: 0 }
.whole h1 { color: var(--text) } header p { margin: .2em 0; color: var(--faint) }
main { display: grid; gap: 1em; grid-template-columns: minmax(0, 1fr) minmax(20em, 30em);
  grid-template-rows: minmax(0, 1fr); flex: 1; min-height: 0; margin-top: .5em }
@media (max-width: 75em) { body { height: auto }
  main { grid-template: none / minmax(0, 1fr) } main .story { max-height: 55vh } }
.story, aside { border: 1px solid var(--line); border-radius: 6px; overflow: auto }
.story svg { display: block } aside { padding: 0 1em 1em }
article h2 { margin: .8em 0 .2em } article ul { margin: .3em 0; padding-left: 1.2em }
article li { overflow-wrap: anywhere } .bad { color: var(--bad); font-weight: 600 }
aside h3 { font-size: .95em; margin: .8em 0 .2em } aside h3 + ul { margin: 0; padding-left: 1.2em }
aside table { width: 100%; table-layout: fixed } aside table.end { table-layout: auto }
.end td:first-child { white-space: nowrap } th { font-size: .87em; color: var(--faint) }
aside td { overflow-wrap: anywhere; padding-right: .8em }
tr.changed td { background: var(--blue-fill) }
button { font: inherit; color: var(--blue); background: none; border: 0; padding: 0;
  text-decoration: underline; cursor: pointer }
.source { overflow: auto; padding-left: 3.4em; margin: .3em 0; max-height: 40vh }
.source li { font: 12.3px/1.5 ui-monospace, monospace; white-space: pre }
.source li::marker { color: var(--faint) } .source li.on { background: var(--blue-fill) }
kbd { border: 1px solid var(--line); border-radius: 4px; padding: 0 .35em; font-size: .87em }
"""

_SCRIPT = """
'use strict';
const rows = [...document.querySelectorAll('.row')];
const hint = document.querySelector('.hint');
let at = Math.max(0, rows.findIndex(row => row.classList.contains('failed')));
let shown = -1;

function mark(selector, kind, test) {
  for (const each of document.querySelectorAll(selector)) each.classList.toggle(kind, test(each));
}

function show(number) {
  if (shown >= 0) {
    rows[shown].setAttribute('aria-expanded', 'false');
    document.getElementById('row-' + shown).hidden = true;
  }
  shown = number;
  hint.hidden = number >= 0;
  const article = number < 0 ? null : document.getElementById('row-' + number);
  if (article) {
    rows[number].setAttribute('aria-expanded', 'true');
    article.hidden = false;
  }
  mark('.arrows g', 'on', each => each.dataset.rows.split(' ').includes(String(number)));
  const lines = article ? article.dataset.lines.split(' ') : [];
  mark('.source li', 'on', each => lines.includes(each.id));
  const last = document.getElementById(lines[lines.length - 1]);
  if (last) {
    const list = last.parentElement;
    list.scrollTop = last.offsetTop - list.offsetTop - list.clientHeight / 2;
  }
}

function go(number) {
  if (!rows.length) return;
  rows[at].tabIndex = -1;
  at = Math.min(Math.max(number, 0), rows.length - 1);
  rows[at].tabIndex = 0;
  rows[at].focus();
  rows[at].scrollIntoView({block: 'nearest', inline: 'nearest'});
  if (shown >= 0) show(at);
}

const steps = {ArrowDown: 1, ArrowRight: 1, j: 1, ArrowUp: -1, ArrowLeft: -1, k: -1,
  PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity};
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const onRow = document.activeElement.classList.contains('row');
  if (event.key in steps && (onRow || 'jk'.includes(event.key)
      || document.activeElement === document.body)) go(at + steps[event.key]);
  else if (onRow && (event.key === 'Enter' || event.key === ' ')) show(shown === at ? -1 : at);
  else if (event.key === 'Escape') show(-1);
  else return;
  event.preventDefault();
});
document.addEventListener('click', event => {
  const row = event.target.closest('.row');
  const other = event.target.closest('button');
  if (row) {
    const open = shown !== rows.indexOf(row);
    go(rows.indexOf(row));
    show(open ? at : -1);
  } else if (other) go(Number(other.dataset.go));
});
if (rows.length) {
  rows[at].tabIndex = 0;
  show(at);
  rows[at].scrollIntoView({block: 'center', inline: 'start'});
}
"""


def sources_of(story: Story, read: Callable[[str], str | None]) -> Sources:
    """The texts of the files that a story names. None is read but programs, which end in .da."""
    files = dict.fromkeys([story.course.trace.begin.program, *_files(story)])
    return {each: read(each) for each in files if each.endswith(".da")}


def _files(story: Story) -> Iterator[str]:
    for row in story.rows:
        for place in _places(row):
            yield place.rpartition(":")[0]


def _places(row: Row) -> list[str]:
    """FILE:LINE of what happened in a row that is told."""
    inside = row.inside if isinstance(row, Moment) else [row]
    places = [getattr(each, "at", None) for each in inside]
    return [each for each in dict.fromkeys(places) if each]


def page_of(story: Story, sources: Sources) -> Iterator[str]:
    """The lines of the page."""
    run = run_of(story.course.trace.begin)
    failure = story.failure
    kind = "whole" if failure is None else "failure"
    title = "no failure" if failure is None else failure.text
    yield from head_of(f"{run}: {title}", STYLE + _STYLE, kind, _SCRIPT)
    yield f"<body><header><h1>{escape(title)}</h1>"
    place = f", {plain(failure.at)}" if failure is not None and failure.at else ""
    yield f"<p>{escape(run + place)}</p>"
    if left_out := story.left_out():
        yield f"<p>Left out: {escape('; '.join(left_out))}. --all shows more.</p>"
    yield (
        "<p><kbd>↑</kbd> <kbd>↓</kbd> or <kbd>k</kbd> <kbd>j</kbd> go from step to step, "
        "<kbd>Enter</kbd> or a click shows one, <kbd>Esc</kbd> hides it.</p></header>"
    )
    chart = Chart(story)
    yield '<main><div class="story">'
    yield from chart.heads()
    yield from chart.lines()
    yield '</div><aside aria-label="The step in full"><div aria-live="polite">'
    yield '<p class="hint">No step is shown.</p>'
    yield from _details(story, list(sources))
    yield "</div>"
    if (ending := ending_of(story)) is not None:
        yield from _ending(ending)
    for number, (file, text) in enumerate(sources.items()):
        yield from _source(number, file, text)
    yield "</aside></main>"
    yield "<noscript><style>article[hidden] { display: block }</style></noscript>"
    yield f"<script>{_SCRIPT}</script></body></html>"


def _ending(ending: Ending) -> Iterator[str]:
    yield f"<h2>At the end, at {ending.time:.6f} s</h2>"
    for group in ending.groups:
        yield f"<h3>{escape(', '.join(map(plain, group.processes)))}</h3><table class='end'>"
        for name, text in group.fields:
            yield f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>"
        yield "</table>"
    if ending.down:
        yield f"<p>Down: {escape(', '.join(map(plain, ending.down)))}</p>"
    if ending.under_way:
        items = "".join(f"<li>{escape(text)}</li>" for text in ending.under_way)
        yield f"<h3>Under way</h3><ul>{items}</ul>"


def _source(number: int, file: str, text: str | None) -> Iterator[str]:
    yield f"<h2>{escape(plain(file))}</h2>"
    if text is None:
        yield "<p>The program was not there when this page was made.</p>"
        return
    yield '<ol class="source" tabindex="0" aria-label="The program">'
    for line, content in enumerate(text.splitlines(), 1):
        yield f'<li id="line-{number}-{line}">{escape(_printable(content))}</li>'
    yield "</ol>"


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text.expandtabs())


# The steps.


def _details(story: Story, files: list[str]) -> Iterator[str]:
    numbers = {
        id(row.rows[0] if isinstance(row, Gap) else row): number
        for number, row in enumerate(story.rows)
    }
    fields: Fields = {}
    texts: dict[int, str] = {}
    links = _Links(story)
    for each in story.course.whole:
        process = each.process if isinstance(each, Moment) else ""
        before = dict(fields.get(process, {}))
        take(fields, each)
        if (number := numbers.get(id(each))) is not None:
            row = story.rows[number]
            yield from _article(story, number, row, links, files)
            if row is each and fields.get(process):
                yield from _state(before, fields[process], texts)
            yield "</article>"


def _article(story: Story, number: int, row: Row, links: _Links, files: list[str]) -> Iterator[str]:
    lines = [_line_id(place, files) for place in _places(row)]
    yield f'<article id="row-{number}" data-lines="{" ".join(filter(None, lines))}" hidden>'
    yield f"<h2>{escape(name_of(row))}</h2>"
    notes = notes_of(story, row) or ["goes on"]
    yield f"<p>{escape(notes[0])}{links.back(row)}"
    yield "</p><ul>"
    for each in row.inside if isinstance(row, Moment) else []:
        if isinstance(each, ev.State):
            yield f"<li>stands at {escape(plain(each.at))}</li>" if each.at else ""
            continue
        kind = ' class="bad"' if is_bad(each) else ""
        yield f"<li{kind}>{escape(told(each))}{links.onward(each)}</li>"
    yield "</ul>"


def _line_id(place: str, files: list[str]) -> str:
    file, _, line = place.rpartition(":")
    return f"line-{files.index(file)}-{line}" if file in files and line.isdecimal() else ""


def _state(before: dict[str, Any], after: dict[str, Any], texts: dict[int, str]) -> Iterator[str]:
    """The fields before and after a step. `texts` are those of trees, by identity."""

    def text_of(tree: Any) -> str:
        if id(tree) not in texts:
            texts[id(tree)] = value(tree, VALUE_MAX)
        return texts[id(tree)]

    yield "<table><thead><tr><th>field</th><th>before</th><th>after</th></tr></thead><tbody>"
    for name, tree in after.items():
        old = text_of(before[name]) if name in before else ""
        new = text_of(tree)
        kind = ' class="changed"' if old != new else ""
        cells = "".join(f"<td>{escape(each)}</td>" for each in (plain(name), old, new))
        yield f"<tr{kind}>{cells}</tr>"
    yield "</tbody></table>"


class _Links:
    """Where messages come from, and where they go to."""

    def __init__(self, story: Story) -> None:
        self.messages = story.course.messages
        self.rows = rows_of_steps(story)

    def back(self, row: Row) -> str:
        """To the step that sent what comes in a row."""
        name = message_name(row)
        return "" if name is None else self._to(self.messages[name].sent, "go to")

    def onward(self, event: ev.Event) -> str:
        """To the step that takes what is sent."""
        if not isinstance(event, ev.Send):
            return ""
        taken = self.messages[event.message].taken
        return ", not taken" if taken is None else self._to(taken, "taken in")

    def _to(self, step: int, verb: str) -> str:
        number = self.rows.get(step)
        if number is None:
            return ""
        return f' <button type="button" data-go="{number}">{verb} step {step}</button>'

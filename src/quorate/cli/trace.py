"""`quorate trace FILE`: a recorded run, for people and for other tools."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from quorate.cli.replay import read_trace
from quorate.cli.status import Status

if TYPE_CHECKING:
    from quorate.trace.course import Course

Steps = tuple[int, int]

SOURCE_BYTES_MAX = 1 << 20
"""A longer program is not put into a page."""


def _steps(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Steps | None:
    """The steps of `A..B`; either end may be left out."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{0,9})\.\.(\d{0,9})", text)
    first, last = (1, sys.maxsize) if found is None else (found[1] or 1, found[2] or sys.maxsize)
    if found is None or int(first) > int(last):
        raise click.BadParameter(f"{text!r} says no steps: write 10..50, ..50 or 10..")
    return int(first), int(last)


@click.command()
@click.argument("file", type=click.Path())
@click.option(
    "--to",
    "form",
    type=click.Choice(["text", "html", "shiviz", "mermaid", "itf", "perfetto"]),
    required=True,
    help="What to make of it.",
)
@click.option("-o", "out", type=click.Path(dir_okay=False), metavar="OUT", help="Where to.")
@click.option("--steps", callback=_steps, metavar="A..B", help="From one step to another alone.")
@click.option("--all", "everything", is_flag=True, help="Tell what the failure has no need of too.")
def trace(file: str, form: str, out: str | None, steps: Steps | None, everything: bool) -> Status:
    """Tell a recorded run, or turn it into what others show.

    FILE is what `quorate simulate --trace FILE` has written. text: a space-time diagram of what led
    to the failure; html: the same as a page, with the state before and after each step. shiviz: a
    log for ShiViz, by vector clocks; mermaid: a sequence diagram; itf: states, as Apalache and its
    tools have them; perfetto: Chrome's JSON, over time, for ui.perfetto.dev. It is written to OUT,
    or printed.

    Exit status: 0 done; 2 wrong usage, or a file that is no trace.
    """
    from quorate.trace.course import course_of

    if everything and form not in _STORIES:
        raise click.UsageError("--all is of stories: --to text or html")
    course = course_of(read_trace(file))
    if steps is not None:
        course = course.between(*steps)
        if form == "shiviz" and steps[0] > 1:
            message = "the clocks of a log for ShiViz count from 1: give --steps no beginning"
            raise click.UsageError(message)
    if form in _STORIES:
        text = _STORIES[form](course, everything)
    else:
        text = _FORMS[form](course)
    if out is None:
        click.echo(text, nl=False)
        return Status.DONE
    try:
        with open(out, "w", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as error:
        raise click.FileError(out, error.strerror or str(error)) from None
    return Status.DONE


def _shiviz(course: Course) -> str:
    from quorate.trace.shiviz import shiviz_of

    return _lines(shiviz_of(course))


def _mermaid(course: Course) -> str:
    from quorate.trace.mermaid import TEXT_MAX, mermaid_of

    text = _lines(mermaid_of(course))
    if len(text) > TEXT_MAX:
        note = f"Mermaid draws at most {TEXT_MAX:,} characters, and these are {len(text):,}"
        click.echo(f"quorate: note: {note}; --steps ..100 takes the first steps alone", err=True)
    return text


def _itf(course: Course) -> str:
    from quorate.trace.itf import itf_of

    return _json(itf_of(course))


def _perfetto(course: Course) -> str:
    from quorate.trace.perfetto import perfetto_of

    return _json(perfetto_of(course))


def _text(course: Course, everything: bool) -> str:
    from quorate.trace.diagram import ROWS_MAX, WIDTH, WIDTH_MAX, WIDTH_MIN, diagram_of
    from quorate.trace.story import story_of

    width = WIDTH
    if sys.stdout is not None and sys.stdout.isatty():
        width = min(max(shutil.get_terminal_size().columns, WIDTH_MIN), WIDTH_MAX)
    rows_max = None if everything else ROWS_MAX
    return _lines(diagram_of(story_of(course, everything=everything, rows_max=rows_max), width))


def html_of(course: Course, everything: bool = False) -> str:
    from quorate.trace.page import ROWS_MAX, page_of, sources_of
    from quorate.trace.story import story_of

    story = story_of(course, everything=everything, rows_max=ROWS_MAX)
    return _lines(page_of(story, sources_of(story, _source)))


def _source(path: str) -> str | None:
    """The text of a program that a trace names, if it is there."""
    try:
        if os.path.isfile(path) and os.path.getsize(path) <= SOURCE_BYTES_MAX:
            with open(path, encoding="utf-8") as file:
                return file.read()
    except (OSError, ValueError):
        pass
    return None


def _lines(lines: Any) -> str:
    return "".join(f"{line}\n" for line in lines)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"


_STORIES: dict[str, Callable[[Course, bool], str]] = {"text": _text, "html": html_of}

_FORMS: dict[str, Callable[[Course], str]] = {
    "shiviz": _shiviz,
    "mermaid": _mermaid,
    "itf": _itf,
    "perfetto": _perfetto,
}

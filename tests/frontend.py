"""The front end alone, for tests: text in, resolved program and diagnostics out."""

from pathlib import Path

from quorate.lang.checks import check
from quorate.lang.diagnostics import Diagnostic, Diagnostics, QuorateSyntaxError
from quorate.lang.nodes import Program
from quorate.lang.parse import parse
from quorate.lang.resolve import resolve
from quorate.lang.source import Source


def front(
    text: str, path: str = "prog.da", modules: dict[str, str] | None = None
) -> tuple[Program | None, list[Diagnostic]]:
    """The program (None if it is not Python) and what is wrong with it.

    `modules` are the texts of other .da modules that it may import.
    """
    source = Source(path, text)
    found = Diagnostics(source)
    known = {name: front(text, f"{name}.da")[0] for name, text in (modules or {}).items()}
    try:
        program = parse(source, found, lambda name, level: known.get(name))
    except QuorateSyntaxError as error:
        return None, list(error.diagnostics)
    resolve(program, found)
    check(program, found)
    return program, found.items


def resolved(text: str, path: str = "prog.da", modules: dict[str, str] | None = None) -> Program:
    """The program; there must be nothing wrong with it."""
    program, items = front(text, path, modules)
    assert program is not None and not items, "\n".join(map(str, items))
    return program


EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.da"))

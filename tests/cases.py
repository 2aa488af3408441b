"""Text in, text out: the cases of tests/data/*.test.

A file holds cases; text before the first one is a remark. `== name` begins a case with its
source, `-- expected` or `-- expected: section` what should come out; only column 0 counts.
A line of an expected part that looks like one of these is kept with a `\\` before it.
Invariant: parsing and formatting a file that was formatted gives the same text.
"""

import difflib
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"

_HEADER = re.compile(r"== (?P<name>\S.*)")
_EXPECTED = re.compile(r"-- expected(?:: (?P<section>\S.*))?")
_NEEDS_ESCAPE = re.compile(r"\\*(?:== |-- expected(?:$|: ))")

_updating = False


@dataclass
class Case:
    """One case: `expected` maps the name of a section (the unnamed one is "") to its text."""

    path: Path
    name: str
    line: int
    source: str = ""
    expected: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}: {self.name}"


class MalformedCases(Exception):
    """A file of cases that cannot be read; says the file and the line."""


def each_case(*names: str) -> pytest.MarkDecorator:
    """Parametrize a test over `case`, for the cases of the files `tests/data/NAME.test`."""
    cases = [case for name in names for case in load_cases(DATA / f"{name}.test")]
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def load_cases(path: Path) -> list[Case]:
    """Read the cases of a file; raise MalformedCases if a name or a section comes twice."""
    return _parse(path)[1]


def check(case: Case, actual: str, section: str = "") -> None:
    """Compare `actual` with what the case expects, up to white space at its end.

    With `pytest --update` the file is rewritten instead, and the test goes on.
    """
    actual = _trim(actual)
    expected = case.expected.get(section)
    if actual == expected:
        return
    if _updating:
        case.expected[section] = actual
        _rewrite(case.path, case.name, section, actual)
        return
    pytest.fail(_difference(case, section, expected, actual), pytrace=False)


def start_updating() -> None:
    """From now on `check` rewrites what is expected. One process at a time may do so."""
    global _updating
    _updating = True


def _difference(case: Case, section: str, expected: str | None, actual: str) -> str:
    title = f"{case}" + (f" ({section})" if section else "")
    if expected is None:
        return f"{title}\nno such expected part yet; pytest --update writes it:\n{actual}"
    lines = difflib.unified_diff(
        expected.split("\n"), actual.splitlines(), "expected", "actual", lineterm="", n=5
    )
    return "\n".join([title, *lines, "", "If this is right: pytest --update"])


def _parse(path: Path) -> tuple[str, list[Case]]:
    """The remark at the head of the file, and its cases."""
    remark: list[str] = []
    cases: list[Case] = []
    lines = remark  # where the next line goes
    finished: list[tuple[Case, str | None, list[str]]] = []
    for number, text in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if header := _HEADER.fullmatch(text):
            case = Case(path, header["name"].strip(), number)
            if any(other.name == case.name for other in cases):
                raise MalformedCases(f"{path}:{number}: a second case named {case.name!r}")
            cases.append(case)
            finished.append((case, None, lines := []))
        elif cases and (expected := _EXPECTED.fullmatch(text)):
            section = (expected["section"] or "").strip()
            if any(c is cases[-1] and s == section for c, s, _ in finished):
                raise MalformedCases(f"{path}:{number}: a second expected part {section!r}")
            finished.append((cases[-1], section, lines := []))
        else:
            lines.append(text)
    for case, part, body in finished:
        if part is None:
            case.source = _trim("\n".join(body)) + "\n"
        else:
            case.expected[part] = _trim("\n".join(map(_unescape, body)))
    return _trim("\n".join(remark)), cases


def _rewrite(path: Path, name: str, section: str, actual: str) -> None:
    remark, cases = _parse(path)
    for case in cases:
        if case.name == name:
            case.expected[section] = actual
    path.write_text(_format(remark, cases), encoding="utf-8")


def _format(remark: str, cases: list[Case]) -> str:
    blocks = [remark] if remark else []
    for case in cases:
        parts = [f"== {case.name}", case.source.rstrip("\n")]
        for section, text in case.expected.items():
            parts.append(f"-- expected: {section}" if section else "-- expected")
            parts.extend(map(_escape, text.split("\n")))
        blocks.append("\n".join(parts))
    return "\n\n".join(blocks) + "\n"


def _escape(line: str) -> str:
    return "\\" + line if _NEEDS_ESCAPE.match(line) else line


def _unescape(line: str) -> str:
    return line[1:] if line.startswith("\\") and _NEEDS_ESCAPE.match(line) else line


def _trim(text: str) -> str:
    """Without white space at the ends of lines, and empty lines at the end."""
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip("\n")

"""The plugin of pytest: programs with properties, transcripts, and fixtures that run programs.

It is there wherever Quorate and pytest are installed. Invariant: nothing of Quorate is imported
before a test or a file asks for it.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from quorate.testing.cluster import Cluster
    from quorate.worlds.sim.seeds import Result

_SAID = re.compile(
    r"^(@(always|sometimes|eventually|leads_to)\b|@?(linearizable|sequential|sessions)\b)",
    re.MULTILINE,
)
"""How a line begins that says what has to hold: a property, or a specification."""

_MAIN = re.compile(r"^def main\b", re.MULTILINE)
"""How a line begins without which a module is none to run: others import it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("quorate", "programs of Quorate")
    group.addoption("--quorate-seeds", type=int, metavar="N", help="seeds of each program (100)")
    group.addoption(
        "--quorate-update", action="store_true", help="write into transcripts what happens now"
    )
    parser.addini("quorate_story", "tell the shrunk story of a failure", "bool", True)
    parser.addini("quorate_files", "programs to be tested for their properties", "args", ["*.da"])


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    if file_path.suffix == ".transcript":
        return TranscriptFile.from_parent(parent, path=file_path)
    patterns = parent.config.getini("quorate_files")
    is_one = any(fnmatch.fnmatch(file_path.name, pattern) for pattern in patterns)
    if file_path.suffix == ".da" and is_one:
        text = _text(file_path)
        if _SAID.search(text) and _MAIN.search(text):
            return ProgramFile.from_parent(parent, path=file_path)
    return None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


class _Shown(Exception):
    """What is to be shown of a test that fails, as it is."""


class _Item(pytest.Item):
    """A test whose failures are told in the words of Quorate, without a traceback of ours."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, _Shown):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, None, f"{self.path.name}: {self.name}"


class ProgramFile(pytest.File):
    """A program that says what has to hold."""

    def collect(self) -> Iterator[pytest.Item]:
        yield ProgramItem.from_parent(self, name="seeds")


class ProgramItem(_Item):
    """Its properties, in many simulated runs under the faults that it configures itself."""

    def runtest(self) -> None:
        from quorate.lang.diagnostics import QuorateSyntaxError
        from quorate.testing.searching import never, search, told

        try:
            results = search(self.path, seeds=_seeds(self.config))
        except QuorateSyntaxError as error:
            raise _Shown(str(error)) from None
        if results and results[-1].failed:
            story = bool(self.config.getini("quorate_story"))
            raise _Shown(told(results[-1], _seen(self.path), story=story))
        if unreached := never(results):
            raise _Shown("\n".join(unreached))


class TranscriptFile(pytest.File):
    """A text that says what is done to a run and what happens by that."""

    def collect(self) -> Iterator[pytest.Item]:
        yield TranscriptItem.from_parent(self, name="transcript")


class TranscriptItem(_Item):
    def runtest(self) -> None:
        from quorate.lang.diagnostics import QuorateSyntaxError
        from quorate.testing.transcripts import TranscriptError, played

        try:
            now = played(self.path)
        except (TranscriptError, QuorateSyntaxError) as error:
            raise _Shown(str(error)) from None
        before = self.path.read_text(encoding="utf-8")
        if now == before:
            return
        if self.config.getoption("quorate_update"):
            self.path.write_text(now, encoding="utf-8")
            return
        lines = difflib.unified_diff(
            before.splitlines(), now.splitlines(), "expected", "what happens", lineterm=""
        )
        told = "\n".join([*lines, "", "pytest --quorate-update writes down what happens"])
        raise _Shown(f"{_seen(self.path)}\n{told}")


@pytest.fixture
def simulate(request: pytest.FixtureRequest) -> Callable[..., list[Result]]:
    """`simulate(program, *args, seeds=, faults=, until=, ...)`: all seeds, or the test fails.

    See `quorate.testing.search`. The results of the seeds are returned.
    """
    __tracebackhide__ = True

    def simulate(program: str | os.PathLike[str], *args: object, **options: Any) -> list[Result]:
        from quorate.testing.searching import search, told

        __tracebackhide__ = True
        options.setdefault("seeds", _seeds(request.config))
        results = search(program, *args, **options)
        if results and results[-1].failed:
            story = bool(request.config.getini("quorate_story"))
            text = told(results[-1], program, *args, story=story, **options)
            pytest.fail(text, pytrace=False)
        return results

    return simulate


@pytest.fixture
def check() -> Callable[..., int]:
    """`check(program, *args, timeouts=, crashes=, ...)`: all that may happen, or the test fails.

    See `quorate.testing.check`. How many states there are is returned.
    """

    def check(program: str | os.PathLike[str], *args: object, **options: Any) -> int:
        from quorate.testing.checking import Violated
        from quorate.testing.checking import check as check_program

        __tracebackhide__ = True
        try:
            return check_program(program, *args, **options)
        except Violated as found:
            text = str(found)
        pytest.fail(text, pytrace=False)

    return check


@pytest.fixture
def cluster() -> Iterator[Callable[..., Cluster]]:
    """`cluster(program, *args, seed=, config=)`: a run that the test takes by the hand.

    See `quorate.testing.Cluster`. It is closed when the test is over, or with the next one.
    """
    made: list[Cluster] = []

    def cluster(program: str | os.PathLike[str], *args: object, **options: Any) -> Cluster:
        from quorate.testing.cluster import Cluster

        while made:
            made.pop().close()
        made.append(Cluster(program, *args, **options))
        return made[-1]

    yield cluster
    while made:
        made.pop().close()


def _seeds(config: pytest.Config) -> int:
    asked = config.getoption("quorate_seeds")
    return 100 if asked is None else int(asked)


def _seen(path: Path) -> str:
    return os.path.relpath(path)

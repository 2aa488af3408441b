"""How far a search is, in a file, and going on from there: breadth first, with and without kernel.

The file has integers only: states, and what the tables were asked, in order. Local states and
messages are not written: whoever asks the same again computes the same, which is little beside the
states, and nothing that is read is ever evaluated. Invariants: a file is whole or refused, and of
this search or refused; a search that goes on finds what it would have found without a break.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import signal
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from quorate.lang.faults import as_times
from quorate.worlds.check.explore import Bounds, Explorer, Graph
from quorate.worlds.check.liveness import is_lively
from quorate.worlds.check.progress import Progress
from quorate.worlds.check.saved import (
    Header,
    Meant,
    Round,
    Saved,
    of_another_search,
    parts_of,
    size_of,
    write,
)
from quorate.worlds.check.tables import BUDGETS, Tables

EVERY_SECONDS = 300.0
"""How often a file is written."""


# Which search it is.


def meant_by(module: ModuleType, bounds: Bounds, config: Any, *, deadlocks: bool) -> Meant:
    """What a search is of, its limits aside, by the command line that is in effect."""
    from quorate.compiler.loader import folder_of
    from quorate.compiler.loader import parts_of as modules_of

    folder = folder_of(str(module.__file__), module.__name__)
    files = {str(each.__file__) for each in modules_of(module).values()}
    names = "network", *BUDGETS
    given = {each: getattr(bounds, each) for each in names}
    options: dict[str, bool | int | str] = {
        f"--{each}": as_times(value) if isinstance(value, Mapping) else value
        for each, value in given.items()
    }
    options |= {"--no-reduction": not bounds.reduce, "--no-deadlock": not deadlocks}
    options |= {"config": repr(sorted(config.items()))} if config else {}
    return Meant(
        f"Quorate of sources {_digest_of_package()} and Python {platform.python_version()}, "
        f"{sys.byteorder} endian",
        {_plain(os.path.relpath(each, folder)): _digest_of_file(each) for each in files},
        list(map(_plain, sys.argv[1:])),
        options,
    )


def _plain(text: str) -> str:
    """The same without what is no text, as names of files may be."""
    return text.encode(errors="backslashreplace").decode()


def _digest_of_file(path: str) -> str:
    from quorate.compiler.modules import digest_of

    try:
        return digest_of(path).hex()
    except OSError:
        return "cannot be read"


def _digest_of_package() -> str:
    """Of all that says which numbers come of a program."""
    root = Path(__file__).parents[2]
    parts = "core", "lang", "compiler", "consistency", "worlds/base", "worlds/check"
    digest = hashlib.sha256()
    for file in sorted(file for part in parts for file in (root / part).rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def differences(was: Meant, now: Meant) -> Iterator[str]:
    """In words, how two searches differ."""
    if was.made_by != now.made_by:
        yield f"it is by {was.made_by}, and this is {now.made_by}"
    for name in sorted({*was.files, *now.files}):
        if was.files.get(name) != now.files.get(name):
            what = "is new" if name not in was.files else "has been changed"
            yield f"{name} {'is not there' if name not in now.files else what}"
    if was.args != now.args:
        yield f"the arguments were {_quoted(was.args)}, and are {_quoted(now.args)}"
    for name in {**was.options, **now.options}:
        old, new = (each.options.get(name, False) for each in (was, now))
        if old != new:
            yield f"{name} was {_said(old)}, and is {_said(new)}"


def _quoted(args: list[str]) -> str:
    return f"`{' '.join(args)}`" if args else "none"


def _said(value: bool | int | str) -> str:
    return ("given" if value else "not given") if isinstance(value, bool) else str(value)


def digest_of_tables(tables: Tables) -> str:
    """Of all numbers in the tables: to compare, not to be read."""
    digest = hashlib.sha256()
    for each in tables.outcomes:
        told = (each.kind, each.before, each.after, each.sent, each.made, each.taken, each.cost)
        digest.update(repr((told, each.fails)).encode())
    columns = tables.slot, tables.observed, tables.waits, tables.to, tables.channel
    digest.update(repr(columns).encode())
    return digest.hexdigest()


# Writing, and going on.


class Keeper:
    """Writes how far a search is to the file at `path`, every so many seconds and where it stops.

    It goes on from `resume`, if that is given. `states` is how many there were when the file was
    last written, None if it was not, `trouble` why it could not be.
    """

    def __init__(self, path: str, every: float = EVERY_SECONDS, resume: str | None = None) -> None:
        self.path = path
        self.every = every
        self.resume = resume
        self.states: int | None = None
        self.trouble: str | None = None
        self._rounds: list[tuple[array[int], bool]] = []
        self._saved: Saved | None = None
        self._at = time.perf_counter()

    def begin(self, meant: Meant) -> None:
        """Read what is to be gone on from. Raises ProgramError (Q146, Q147)."""
        self._meant = meant
        if self.resume is None:
            return
        self._saved = Saved(self.resume)
        if differ := list(differences(self._saved.header.meant, meant)):
            self._saved.close()
            raise of_another_search(self.resume, "; ".join(differ))

    def ask_again(self, begin: Callable[[], Explorer]) -> Iterator[Explorer]:
        """The rounds that are over: each has been begun, and has asked what it had asked."""
        if self._saved is None:
            return
        for place, each in enumerate(self._saved.header.rounds[:-1]):
            explorer = begin()
            self._saved.ask_again(explorer, place)
            if each.refuted:
                explorer.graph.stuck = 0  # whichever: only that it was is asked for
            self.settle(explorer)
            yield explorer

    def settle(self, explorer: Explorer) -> None:
        """A round is over, and another one begins."""
        self._rounds.append((explorer.effects.questions, explorer.graph.is_refuted))

    def take(self, explorer: Explorer) -> Saved | None:
        """What the round that has just begun is to go on from, once; the tables have it then."""
        saved, self._saved = self._saved, None
        if saved is not None:
            saved.hold(len(self._rounds) + 1 == len(saved.header.rounds), "rounds are left over")
            saved.ask_again(explorer, len(self._rounds))
            if digest_of_tables(explorer.tables) != saved.header.tables:
                raise saved.of_another_program()
        return saved

    @contextlib.contextmanager
    def stopping(self, graph: Graph) -> Iterator[None]:
        """Ctrl-C stops a search between two states, as a limit does; the second breaks it off."""

        def stop(*_: Any) -> None:
            if graph.stopped == "interrupted":
                raise KeyboardInterrupt
            graph.stopped = "interrupted"

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def look(self, explorer: Explorer) -> None:
        """Write the file if it is time."""
        if time.perf_counter() - self._at >= self.every:
            self.write(explorer)

    def end(self, explorer: Explorer) -> None:
        """Write it at the end of a search that is to be gone on with."""
        graph, lively = explorer.graph, is_lively(explorer.observer.properties)
        if not graph.is_refuted and (graph.stopped is not None or lively):
            self.write(explorer)

    def write(self, explorer: Explorer) -> None:
        """Write the file, or know why that cannot be."""
        progress = explorer.progress()
        header = self._header(explorer, progress)
        rounds = [*(each for each, _ in self._rounds), explorer.effects.questions]
        try:
            write(self.path, header, parts_of(explorer.graph, progress, rounds))
            self.states, self.trouble = header.states, None
        except OSError as error:
            self.trouble = error.strerror or str(error)
        self._at = time.perf_counter()

    def _header(self, explorer: Explorer, progress: Progress) -> Header:
        graph = explorer.graph
        rounds = [Round(len(asked) // 2, refuted) for asked, refuted in self._rounds]
        return Header(
            meant=self._meant,
            rounds=[*rounds, Round(len(explorer.effects.questions) // 2)],
            tables=digest_of_tables(explorer.tables),
            states=graph.states,
            transitions=graph.transitions,
            depth=graph.depth,
            seconds=graph.seconds,
            short=sorted(graph.short),
            reached=sorted({state for state, _ in graph.reached}),
            asked=progress.asked_count,
            level=size_of(progress.level),
            next=size_of(progress.next),
        )

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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, BinaryIO, Literal, NamedTuple, get_args

import msgspec

from quorate.core.errors import ProgramError
from quorate.worlds.check.effects import BUDGET, FOLLOWED, LOST
from quorate.worlds.check.explore import Bounds, Explorer, Graph, Numbers, Progress, Waiting
from quorate.worlds.check.liveness import is_lively
from quorate.worlds.check.reduction import MOVES
from quorate.worlds.check.tables import BUDGETS, Tables

MAGIC = b"quorate checkpoint 1\n"
HEADER_BYTES_MAX = 1 << 24
SEAL_BYTES = hashlib.sha256().digest_size
READ_BYTES = 1 << 20

EVERY_SECONDS = 300.0

Count = Annotated[int, msgspec.Meta(ge=0)]
Budget = Literal["timeouts", "crashes", "restarts", "losses", "duplicates"]
SHORT: tuple[Budget, ...] = get_args(Budget)


class Meant(msgspec.Struct, forbid_unknown_fields=True):
    """Which search it is: what makes it, of which files and arguments, with which options."""

    made_by: str
    files: dict[str, str]
    args: list[str]
    options: dict[str, bool | int | str]


class Round(msgspec.Struct, forbid_unknown_fields=True):
    """Of a search with reductions: so many questions, and whether something was `refuted` by it."""

    questions: Count
    refuted: bool = False


class Size(msgspec.Struct, forbid_unknown_fields=True):
    """Of states that wait: how many, and how many numbers are in their rows."""

    states: Count
    numbers: Count


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """What stands before the numbers. `tables` is a digest; the last of `rounds` is under way."""

    meant: Meant
    rounds: Annotated[list[Round], msgspec.Meta(min_length=1)]
    tables: str
    states: Count
    transitions: Count
    depth: Count
    seconds: Annotated[float, msgspec.Meta(ge=0)]
    short: list[Budget]
    reached: list[Count]
    asked: Count
    level: Size
    next: Size


class Section(NamedTuple):
    """Numbers of one kind, one after the other."""

    name: str
    kind: Literal["i", "q", "Q"]
    many: int

    @property
    def size(self) -> int:
        return self.many * array(self.kind).itemsize


def sections_of(header: Header) -> Iterator[Section]:
    """What stands behind a header, in order."""
    for place, each in enumerate(header.rounds):
        yield Section(f"round {place}", "q", 2 * each.questions)
    yield Section("parents", "i", header.states)
    yield Section("actions", "i", header.states)
    for name, size in (("level", header.level), ("next", header.next)):
        yield Section(f"{name} lengths", "i", size.states)
        yield Section(f"{name} rows", "i", size.numbers)
        yield Section(f"{name} prints", "Q", size.states)
        yield Section(f"{name} seen", "Q", size.states)
    yield Section("visited", "Q", header.states)
    yield Section("asked", "Q", header.asked)


# Which search it is.


def meant_by(module: ModuleType, bounds: Bounds, config: Any, *, deadlocks: bool) -> Meant:
    """What a search is of, its limits aside, by the command line that is in effect."""
    from quorate.compiler.loader import folder_of, parts_of

    folder = folder_of(str(module.__file__), module.__name__)
    files = {str(each.__file__) for each in parts_of(module).values()}
    names = "network", *BUDGETS
    options: dict[str, bool | int | str] = {f"--{each}": getattr(bounds, each) for each in names}
    options |= {"--no-reduction": not bounds.reduce, "--no-deadlock": not deadlocks}
    options |= {"config": repr(sorted(config.items()))} if config else {}
    return Meant(
        f"Quorate of sources {_digest_of_package()} and Python {platform.python_version()}, "
        f"{sys.byteorder} endian",
        {os.path.relpath(each, folder): _digest_of_file(each) for each in files},
        sys.argv[1:],
        options,
    )


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


# Writing.


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
        """Write the file, which is the old one until all of the new one is on the disk."""
        progress = explorer.progress()
        header = self._header(explorer, progress)
        rounds = [*(each for each, _ in self._rounds), explorer.effects.questions]
        path = os.path.realpath(self.path)
        new = f"{path}.new"
        try:
            with open(new, "wb") as file:
                _write(file, header, _parts(explorer.graph, progress, rounds))
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, path)
            _sync(os.path.dirname(path))
            self.states, self.trouble = header.states, None
        except OSError as error:
            self.trouble = error.strerror or str(error)
            with contextlib.suppress(OSError):
                os.unlink(new)
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
            short=[name for name in SHORT if name in graph.short],
            reached=sorted({state for state, _ in graph.reached}),
            asked=progress.asked_count,
            level=_size(progress.level),
            next=_size(progress.next),
        )


def _size(waiting: Waiting) -> Size:
    return Size(len(waiting.lengths), len(waiting.rows))


def _parts(
    graph: Graph, progress: Progress, rounds: Sequence[array[int]]
) -> dict[str, Iterable[Numbers]]:
    """The numbers of each section."""
    parts: dict[str, Iterable[Numbers]] = {
        f"round {place}": [asked] for place, asked in enumerate(rounds)
    }
    parts |= {"parents": [graph.parents], "actions": [graph.actions]}
    for name, waiting in (("level", progress.level), ("next", progress.next)):
        parts |= {f"{name} {column}": [each] for column, each in waiting._asdict().items()}
    return parts | {"visited": progress.visited, "asked": progress.asked}


def _write(file: BinaryIO, header: Header, parts: Mapping[str, Iterable[Numbers]]) -> None:
    seal = hashlib.sha256()

    def put(data: bytes | memoryview) -> None:
        file.write(data)
        seal.update(data)

    put(MAGIC)
    put(msgspec.json.encode(header) + b"\n")
    for name, _, many in sections_of(header):
        for part in parts[name]:
            many -= len(part)
            if len(part):
                put(memoryview(part).cast("B"))
        assert many == 0, f"of {name}, {many} numbers are lacking that the header speaks of"
    file.write(seal.digest())


def _sync(folder: str) -> None:
    """See to it that the new name of a file is on the disk, where folders can be asked for that."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


# Reading.


def of_another_search(path: str, why: str) -> ProgramError:
    """The error that a file is of another search."""
    help = "give the program, its arguments and the options as they were, or begin anew"
    return ProgramError("Q147", f"{path} is of another search: {why}", help)


def no_checkpoint(path: str, why: str) -> ProgramError:
    help = "`quorate check --checkpoint FILE` writes them; begin anew, or go on from an older copy"
    return ProgramError("Q146", f"{path} is no checkpoint, or is damaged: {why}", help)


class Saved:
    """A file that a search can go on from, which is whole."""

    def __init__(self, path: str) -> None:
        """Raises ProgramError (Q146)."""
        self.path = path
        try:
            if not os.path.isfile(path):
                raise no_checkpoint(path, "it is no file")
            self._file = open(path, "rb")  # noqa: SIM115 - read as long as it is needed
        except OSError as error:
            raise no_checkpoint(path, error.strerror or str(error)) from None
        try:
            self._check()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._file.close()

    def _check(self) -> None:
        """Whether all is there, and nothing else; so that nothing is made room for in vain."""
        file = self._file
        if file.read(len(MAGIC)) != MAGIC:
            raise no_checkpoint(self.path, f"it does not begin with `{MAGIC.decode().strip()}`")
        line = file.readline(HEADER_BYTES_MAX)
        try:
            self.header = msgspec.json.decode(line, type=Header)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise no_checkpoint(self.path, f"its header cannot be read: {error}") from None
        self._places: dict[str, tuple[Section, int]] = {}
        end = file.tell()
        for section in sections_of(self.header):
            self._places[section.name] = section, end
            end += section.size
        size = os.fstat(file.fileno()).st_size
        if size != end + SEAL_BYTES:
            raise no_checkpoint(
                self.path, f"it has {size:,} bytes, and is to have {end + SEAL_BYTES:,}"
            )
        seal = hashlib.sha256()
        file.seek(0)
        while end and (data := file.read(min(end, READ_BYTES))):
            seal.update(data)
            end -= len(data)
        if file.read() != seal.digest():
            raise no_checkpoint(self.path, "its checksum is another")

    @property
    def states(self) -> int:
        return self.header.states

    def _parts(self, name: str) -> Iterator[array[int]]:
        """The numbers of a section, a part at a time."""
        section, at = self._places[name]
        end = at + section.size
        while at < end:
            self._file.seek(at)
            data = self._file.read(min(end - at, READ_BYTES))
            self.hold(len(data) > 0, "it has become shorter")
            at += len(data)
            yield array(section.kind, data)

    def _all(self, name: str) -> array[int]:
        found = array(self._places[name][0].kind)
        for part in self._parts(name):
            found.extend(part)
        return found

    def hold(self, condition: bool, why: str) -> None:
        """What has the right checksum is held to be possible all the same: anybody can make one."""
        if not condition:
            self.close()
            raise no_checkpoint(self.path, why)

    # Going on.

    def ask_again(self, explorer: Explorer, place: int) -> None:
        """Ask what was asked in a round."""
        questions = iter(self._all(f"round {place}"))
        for local, about in zip(questions, questions, strict=True):
            if not _can_be_asked(explorer, local, about):
                raise self.of_another_program()
            explorer.effects.ask(local, about)

    def of_another_program(self) -> ProgramError:
        self.close()
        why = "steps of the program come out otherwise, by what is not in its files"
        return of_another_search(self.path, why)

    def restore(self, explorer: Explorer) -> None:
        """Let a search that has just begun be where the other one was."""
        header, graph = self.header, explorer.graph
        graph.parents, graph.actions = self._all("parents"), self._all("actions")
        self._check_ways(graph, explorer.tables)
        graph.transitions, graph.depth = header.transitions, header.depth
        graph.short = set(header.short)
        graph.earlier = graph.seconds = header.seconds
        graph.stopped = graph.stuck = graph.failed = graph.wrong = None
        waiting = self._waiting("level", explorer), self._waiting("next", explorer)
        self.hold(sum(len(each.lengths) for each in waiting) <= header.states, "too many wait")
        sets = self._parts("visited"), self._parts("asked")
        explorer.restore(Progress(*waiting, header.asked, *sets))
        self._reach(explorer)
        self.close()

    def _check_ways(self, graph: Graph, tables: Tables) -> None:
        """Every state is to come of one before it, by an action that there is."""
        parents, actions = graph.parents, graph.actions
        earlier = all(parent < state for state, parent in enumerate(parents))
        self.hold(earlier and min(parents, default=0) >= -1, "a state comes of a later one")
        least = LOST - 2 * len(tables.to)
        known = least < min(actions, default=0) and max(actions, default=0) < len(tables.outcomes)
        self.hold(known and -1 not in actions, "an action is not there")

    def _waiting(self, name: str, explorer: Explorer) -> Waiting:
        """States that wait, which are to be of local states and messages that there are."""
        waiting = Waiting(*(self._all(f"{name} {column}") for column in Waiting._fields))
        tables, at = explorer.tables, 0
        budgets, locals, messages = explorer.bounds.budgets, len(tables.locals), len(tables.to)
        self.hold(sum(waiting.lengths) == len(waiting.rows), "rows have another length")
        for length in waiting.lengths:
            self.hold(length > BUDGET, "a row is too short")
            size, *row = waiting.rows[at : at + length]
            at += length
            self.hold(0 <= size <= length - 1 - BUDGET, "a row has another size")
            left, own, net = row[:BUDGET], row[BUDGET : BUDGET + size], row[BUDGET + size :]
            within = all(0 <= some <= all for some, all in zip(left, budgets, strict=True))
            self.hold(within, "a budget is larger than it was")
            there = all(0 <= each < locals for each in own)
            there = there and all(0 <= each < messages for each in net)
            self.hold(there, "a local state or a message is not there")
            placed = all(each == 0 or tables.slot[each] == slot for slot, each in enumerate(own))
            in_order = explorer.network.sorted(net) == tuple(net)
            self.hold(placed and in_order, "a row is not in order")
        return waiting

    def _reach(self, explorer: Explorer) -> None:
        """Let properties be reached again where they were."""
        graph, observer = explorer.graph, explorer.observer
        observer.begin()
        graph.reached = []
        for state in self.header.reached:
            self.hold(state < graph.states, "a state that is reached is not there")
            row = explorer.row_of(state)
            numbers = [explorer.tables.observed[local] for local in row[BUDGET:]]
            found = observer.reached(numbers)
            self.hold(bool(found), "no property is reached where one was")
            graph.reached += [(state, each) for each in found]


def _can_be_asked(explorer: Explorer, local: int, about: int) -> bool:
    """Whether there is such a question, with the tables as they are."""
    tables = explorer.tables
    if not 0 <= local < len(tables.locals):
        return False
    if about >= 0:
        return about < len(tables.to) and (not local or tables.slot[local] == tables.to[about])
    action = FOLLOWED - about
    if about == MOVES or action >= len(tables.outcomes):
        return about == MOVES
    return tables.slot[local] == tables.clients and explorer.effects.of(action).record >= 0

"""The file of a checkpoint: a header, numbers, and a checksum; written whole, and read with doubt.

Invariants: a file that is not whole, or has more, is refused before anything is made of it; what is
whole is held to be possible before the kernel sees it, since anybody can make a checksum.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, BinaryIO, Literal, NamedTuple

import msgspec

from quorate.core.errors import ProgramError
from quorate.worlds.check.effects import FOLLOWED, LOST
from quorate.worlds.check.explore import Explorer, Graph
from quorate.worlds.check.progress import Numbers, Progress, Waiting
from quorate.worlds.check.reduction import MOVES
from quorate.worlds.check.tables import Tables

MAGIC = b"quorate checkpoint 1\n"
HEADER_BYTES_MAX = 1 << 24
SEAL_BYTES = hashlib.sha256().digest_size
READ_BYTES = 1 << 20

Count = Annotated[int, msgspec.Meta(ge=0)]


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
    short: list[Count]
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


# Writing.


def size_of(waiting: Waiting) -> Size:
    return Size(len(waiting.lengths), len(waiting.rows))


Parts = Mapping[str, Iterable[Numbers]]
"""The numbers of each section, in parts."""


def parts_of(graph: Graph, progress: Progress, rounds: Sequence[array[int]]) -> Parts:
    """The numbers of all sections. `rounds` have asked these questions."""
    parts: dict[str, Iterable[Numbers]] = {
        f"round {place}": [asked] for place, asked in enumerate(rounds)
    }
    parts |= {"parents": [graph.parents], "actions": [graph.actions]}
    for name, waiting in (("level", progress.level), ("next", progress.next)):
        parts |= {f"{name} {column}": [each] for column, each in waiting._asdict().items()}
    return parts | {"visited": progress.visited, "asked": progress.asked}


def write(path: str, header: Header, parts: Parts) -> None:
    """Write a file, which is the old one until all of the new one is on the disk.

    Raises OSError.
    """
    path = os.path.realpath(path)
    new = f"{path}.new"
    try:
        with open(new, "wb") as file:
            _write(file, header, parts)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
    _sync(os.path.dirname(path))


def _write(file: BinaryIO, header: Header, parts: Parts) -> None:
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
            raise self._refused(why)

    def _refused(self, why: str) -> ProgramError:
        self.close()
        return no_checkpoint(self.path, why)

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
        self.hold(max(header.short, default=0) < explorer.head, "a budget is not there")
        graph.short = set(header.short)
        graph.earlier = graph.seconds = header.seconds
        graph.stuck = graph.failed = graph.wrong = None
        graph.stopped = "interrupted" if graph.stopped == "interrupted" else None
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
        whole = all(map(explorer.head.__lt__, waiting.lengths))
        self.hold(whole and sum(waiting.lengths) == len(waiting.rows), "rows have other lengths")
        at, head = 0, explorer.head
        locals: set[int] = set()
        messages: set[int] = set()
        for length in waiting.lengths:
            row = waiting.rows[at : at + length].tolist()
            at += length
            self.hold(_is_possible(row, explorer), "a row is of no state")
            net = 1 + head + row[0]
            locals.update(row[1 + head : net])
            messages.update(row[net:])
        self.hold(_can_change_places(locals, messages, explorer), "rows are of another search")
        return waiting

    def _reach(self, explorer: Explorer) -> None:
        """Let properties be reached again where they were."""
        graph, observer = explorer.graph, explorer.observer
        observer.begin()
        graph.reached = []
        for state in self.header.reached:
            self.hold(state < graph.states, "a state that is reached is not there")
            try:
                row = explorer.row_of(state)
            except (StopIteration, LookupError, ValueError):
                raise self._refused("a way leads nowhere") from None
            found = observer.reached(explorer.observed(row))
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


def _is_possible(row: list[int], explorer: Explorer) -> bool:
    """Whether a row is of local states and messages that there are, each in its place."""
    tables, slots, size = explorer.tables, explorer.tables.slot, row[0]
    left, rest = row[1 : 1 + explorer.head], row[1 + explorer.head :]
    own, net = rest[:size], rest[size:]
    return (
        min(row) >= 0
        and len(own) == size
        and all(spent <= each.times for spent, each in zip(left, explorer.budgets, strict=True))
        and max(own, default=0) < len(slots)
        and max(net, default=-1) < len(tables.to)
        and all(slots[each] == slot or not each for slot, each in enumerate(own))
        and tuple(net) == explorer.network.sorted(net)
    )


def _can_change_places(locals: set[int], messages: set[int], explorer: Explorer) -> bool:
    """Whether it is known what becomes of them where processes that are alike change places."""
    symmetry = explorer.symmetry
    if symmetry is None:
        return True
    changed = zip((locals, messages), (symmetry.locals, symmetry.messages), strict=True)
    return all(known.keys() >= each for each, all_known in changed for known in all_known)

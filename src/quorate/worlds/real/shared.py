"""What all operating-system processes of a run share: a file without a name, made before forks.

It holds the names of processes, and the nodes, as records that are appended under a lock, so that
what one process says is known to every other at once; and its locks keep lines of output whole.
Invariant: the file is unlinked from the beginning, so nothing is left behind however a run ends;
and it is not much longer than what it says of names and nodes that are.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from typing import NamedTuple

import msgspec
from msgspec import Struct

from quorate.core.ids import ProcessId
from quorate.core.mistakes import name_taken
from quorate.worlds.real.membership import Address

RECORDS_SPARE = 1 << 10
"""How many records may be of what is no more, besides as many as are of what is."""

_OUTPUT_LOCK = 1 << 40  # a byte far beyond the names
_HISTORY_LOCK = _OUTPUT_LOCK + 1


class Given(Struct, tag=0, array_like=True):
    """The name of a process."""

    kind: str
    path: tuple[int, ...]
    name: str
    node: str
    origin: str

    @property
    def id(self) -> ProcessId:
        return ProcessId(self.kind, self.path, self.name, self.node, self.origin)


class Freed(Struct, tag=1, array_like=True):
    """All processes that come from the main of `origin` are over, and their names are free."""

    origin: str


class Met(Struct, tag=2, array_like=True):
    """A node that is connected, or where it is to be found."""

    node: str
    address: Address | None


class Parted(Struct, tag=3, array_like=True):
    """A node that is no more."""

    node: str


_Record = Given | Freed | Met | Parted

_Given = dict[str, tuple[int, ProcessId]]
"""By name: the how many-th it is that was given, and to whom."""

_HEAD = struct.Struct("<QQ")


class _Head(NamedTuple):
    """The first bytes of the file: how often all has been written anew, and where its end is."""

    version: int = 0
    end: int = _HEAD.size


def given(id: ProcessId) -> Given:
    return Given(id.kind, id.path, id.name, id.node, id.origin)


def shared_file() -> int:
    """The descriptor of a new file that has no name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("quorate")
    import tempfile  # elsewhere than on Linux

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Names(Mapping[str, ProcessId]):
    """The processes that have been given a name, in the whole run, and the nodes that are known."""

    def __init__(self, file: int) -> None:
        self.busy = False  # a method is under way that must not be interrupted by another
        self._file = file
        self._given: _Given = {}  # in the order of their numbers
        self._nodes: dict[str, Address | None] = {}
        self._count = 0  # of the names that have ever been given
        self._head = _Head()
        self._records = 0  # in the file
        self._decoder: msgspec.msgpack.Decoder[_Record] = msgspec.msgpack.Decoder(_Record)

    def claim(self, id: ProcessId) -> None:
        """Give the name of `id` to it. Raises ProgramError where another process has it."""
        with self._alone():
            owner = self._owner(id.name)
            if owner is not None:
                raise name_taken(id.name, owner)
            self._add(given(id))

    def hear(self, id: ProcessId) -> ProcessId | None:
        """A name that was given elsewhere: the process that has it already, if another does."""
        with self._alone():
            owner = self._owner(id.name)
            if owner is None:
                self._add(given(id))
        return None if owner in (None, id) else owner

    def add(self, record: Freed | Met | Parted) -> None:
        with self._alone():
            self._add(record)

    def nodes(self) -> Mapping[str, Address | None]:
        """The nodes that are known, and the addresses of those that are not connected yet."""
        self.read()
        return self._nodes

    def since(self, number: int) -> tuple[list[ProcessId], int]:
        """The names that were given after the one of a number and are not free; the last number."""
        self.read()
        new = takewhile(lambda each: each[0] > number, reversed(self._given.values()))
        return [id for _, id in new][::-1], self._count

    def read(self) -> None:
        """Take in what others have said since."""
        if self._written() != self._head:
            with self._alone():
                pass

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else of the run reads or writes meanwhile, and all is known that was said."""
        self.busy = True
        try:
            with _locked(self._file, 0):
                self._take_in()
                yield
        finally:
            self.busy = False

    def _written(self) -> _Head:
        data = os.pread(self._file, _HEAD.size, 0)
        return _Head(*_HEAD.unpack(data)) if data else _Head()

    def _take_in(self) -> None:
        head = self._written()
        before: _Given = {}
        if head.version != self._head.version:
            before, self._given, self._nodes = self._given, {}, {}
            self._head, self._records = _Head(head.version), 0
        data = memoryview(os.pread(self._file, head.end - self._head.end, self._head.end))
        while data:
            end = 4 + int.from_bytes(data[:4], "little")
            self._take(self._decoder.decode(data[4:end]), before)
            data = data[end:]
        self._head = head

    def _take(self, record: _Record, before: _Given) -> None:
        """Learn of a record; a name that was known before all was written anew keeps its number."""
        self._records += 1
        match record:
            case Given(_, _, name):
                last, _ = next(reversed(self._given.values()), (0, None))
                number, id = before.get(name, (0, None))
                if id != record.id or number <= last:
                    number = self._count = self._count + 1
                self._given[name] = number, record.id
            case Freed(origin):
                owned = [name for name, (_, id) in self._given.items() if id.origin == origin]
                for name in owned:
                    del self._given[name]
            case Met(node, address):
                self._nodes[node] = address
            case Parted(node):
                self._nodes.pop(node, None)

    def _add(self, record: _Record) -> None:
        """Say something. Once most records are of what is no more, they give way to the others."""
        self._take(record, {})
        if self._records <= 2 * (len(self._given) + len(self._nodes)) + RECORDS_SPARE:
            self._write([record])
            return
        self._head = _Head(self._head.version + 1)
        os.ftruncate(self._file, self._head.end)
        records: list[_Record] = [given(id) for _, id in self._given.values()]
        records += [Met(*each) for each in self._nodes.items()]
        self._records = len(records)
        self._write(records)

    def _write(self, records: list[_Record]) -> None:
        bodies = map(msgspec.msgpack.encode, records)
        data = b"".join(len(body).to_bytes(4, "little") + body for body in bodies)
        os.pwrite(self._file, data, self._head.end)
        self._head = self._head._replace(end=self._head.end + len(data))
        os.pwrite(self._file, _HEAD.pack(*self._head), 0)

    def _owner(self, name: str) -> ProcessId | None:
        return self._given[name][1] if name in self._given else None

    def __getitem__(self, name: str) -> ProcessId:
        if name not in self._given:
            self.read()
        return self._given[name][1]

    def __iter__(self) -> Iterator[str]:
        self.read()
        return iter(self._given)

    def __len__(self) -> int:
        self.read()
        return len(self._given)


@contextmanager
def output_lock(file: int) -> Iterator[None]:
    """Nobody else of the run writes output meanwhile."""
    with _locked(file, _OUTPUT_LOCK):
        yield


@contextmanager
def history_lock(file: int) -> Iterator[None]:
    """Nobody else of the run adds to its history meanwhile."""
    with _locked(file, _HISTORY_LOCK):
        yield


@contextmanager
def _locked(file: int, start: int) -> Iterator[None]:
    fcntl.lockf(file, fcntl.LOCK_EX, 1, start)
    try:
        yield
    finally:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, start)

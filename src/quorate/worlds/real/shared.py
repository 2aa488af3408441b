"""What all operating-system processes of a run share: a file without a name, made before forks.

It holds the names of processes, and the nodes, appended under a lock, so that what one process
says is known to every other at once; and its locks keep lines of output whole. Invariant: the file
is unlinked from the beginning, so nothing is left behind however a run ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec
from msgspec import Struct

from quorate.core.ids import ProcessId
from quorate.core.mistakes import name_taken
from quorate.worlds.real.membership import Address

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
        self._file = file
        self._known: dict[str, ProcessId] = {}
        self._nodes: dict[str, Address | None] = {}
        self._read_to = 0
        self._decoder: msgspec.msgpack.Decoder[_Record] = msgspec.msgpack.Decoder(_Record)

    def claim(self, id: ProcessId) -> None:
        """Give the name of `id` to it. Raises ProgramError where another process has it."""
        with _locked(self._file, 0):
            self.read()
            owner = self._known.get(id.name)
            if owner is not None:
                raise name_taken(id.name, owner)
            self._append(given(id))

    def hear(self, id: ProcessId) -> ProcessId | None:
        """A name that was given elsewhere: the process that has it already, if another does."""
        with _locked(self._file, 0):
            self.read()
            owner = self._known.get(id.name)
            if owner is None:
                self._append(given(id))
        return None if owner in (None, id) else owner

    def add(self, record: Freed | Met | Parted) -> None:
        with _locked(self._file, 0):
            self.read()
            self._append(record)

    def nodes(self) -> Mapping[str, Address | None]:
        """The nodes that are known, and the addresses of those that are not connected yet."""
        self.read()
        return self._nodes

    def since(self, position: int) -> tuple[list[ProcessId], int]:
        """The names that were given after a position and are not free, and the position after."""
        found: list[ProcessId] = []
        records = list(self._records(position))
        for record, _ in records:
            match record:
                case Given():
                    found.append(record.id)
                case Freed(origin):
                    found = [id for id in found if id.origin != origin]
        return found, records[-1][1] if records else position

    def _append(self, record: _Record) -> None:
        """Under the lock, when all there is has been read."""
        data = msgspec.msgpack.encode(record)
        os.pwrite(self._file, len(data).to_bytes(4, "little") + data, self._read_to)
        self.read()

    def _records(self, position: int) -> Iterator[tuple[_Record, int]]:
        """The records after a position, each with the position after it."""
        while header := os.pread(self._file, 4, position):
            size = int.from_bytes(header, "little")
            data = os.pread(self._file, size, position + 4)
            if len(data) < size:
                return
            position += 4 + size
            yield self._decoder.decode(data), position

    def read(self) -> None:
        """Take in what others have said since."""
        for record, end in self._records(self._read_to):
            self._read_to = end
            match record:
                case Given(_, _, name):
                    self._known[name] = record.id
                case Freed(origin):
                    kept = {name: id for name, id in self._known.items() if id.origin != origin}
                    self._known = kept
                case Met(node, address):
                    self._nodes[node] = address
                case Parted(node):
                    self._nodes.pop(node, None)

    def __getitem__(self, name: str) -> ProcessId:
        if name not in self._known:
            with _locked(self._file, 0):
                self.read()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        self.read()
        return iter(self._known)

    def __len__(self) -> int:
        self.read()
        return len(self._known)


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

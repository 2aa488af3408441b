"""What all operating-system processes of a run share: a file without a name, made before forks.

It holds the names of processes, appended under a lock, so that a name given by one process is
known to every other at once; and its locks keep lines of output whole. Invariant: the file is
unlinked from the beginning, so nothing is left behind however a run ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec

from quorate.core.ids import ProcessId
from quorate.core.mistakes import name_taken

_OUTPUT_LOCK = 1 << 40  # a byte far beyond the names
_HISTORY_LOCK = _OUTPUT_LOCK + 1
_Record = tuple[str, tuple[int, ...], str, str]


def shared_file() -> int:
    """The descriptor of a new file that has no name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("quorate")
    import tempfile  # elsewhere than on Linux

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Names(Mapping[str, ProcessId]):
    """The processes that have been given a name, in the whole run."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._known: dict[str, ProcessId] = {}
        self._read_to = 0
        self._decoder = msgspec.msgpack.Decoder(_Record)

    def claim(self, id: ProcessId) -> None:
        """Give the name of `id` to it. Raises ProgramError where another process has it."""
        record = msgspec.msgpack.encode((id.kind, id.path, id.name, id.node))
        with _locked(self._file, 0):
            self._read()
            owner = self._known.get(id.name)
            if owner is not None:
                raise name_taken(id.name, owner)
            os.pwrite(self._file, len(record).to_bytes(4, "little") + record, self._read_to)
            self._read()

    def _read(self) -> None:
        while header := os.pread(self._file, 4, self._read_to):
            size = int.from_bytes(header, "little")
            record = os.pread(self._file, size, self._read_to + 4)
            if len(record) < size:
                return
            kind, path, name, node = self._decoder.decode(record)
            self._known[name] = ProcessId(kind, path, name, node)
            self._read_to += 4 + size

    def __getitem__(self, name: str) -> ProcessId:
        if name not in self._known:
            with _locked(self._file, 0):
                self._read()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        self._read()
        return iter(self._known)

    def __len__(self) -> int:
        self._read()
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

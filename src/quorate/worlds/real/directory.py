"""The nodes of this user on this machine, each a file in a folder that is the user's alone.

A node holds its file locked while it lives, so a file that is not locked is of one that has gone,
and whoever sees it removes it. Invariant: nothing in the folder is looked at or changed but under
a lock on the folder itself, and no file is believed that another user could have written.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import msgspec

from quorate.core.errors import ProgramError
from quorate.worlds.real.cookies import check_private, cookie_in
from quorate.worlds.real.membership import Address
from quorate.worlds.real.nodelist import PORT_MAX, NodeError, is_name, read_node

ENTRY_BYTES_MAX = 32_768

_SUFFIX = ".node"
_COOKIE = "cookie"
_OPEN = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node as its file says it: `local` if others reach it on this machine alone."""

    name: str
    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=PORT_MAX)]
    pid: Annotated[int, msgspec.Meta(ge=1)]
    program: str
    fingerprint: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{1,16}$")]
    idle: bool = False
    local: bool = True

    @property
    def address(self) -> Address:
        return Address(self.host, self.port)

    @property
    def file(self) -> str:
        """Others find the local ones by name, so there is only one of each."""
        return f"{self.name if self.local else f'{self.name}@{self.address}'}{_SUFFIX}"


_decoder = msgspec.json.Decoder(Entry)


class NameTaken(Exception):
    """A node of this name lives on this machine: `other` is what is known of it."""

    def __init__(self, name: str, other: Entry | None) -> None:
        super().__init__(name)
        self.name = name
        self.other = other


def standard_path() -> str:
    """Where the folder is: where the system keeps what is of a user's session, or in /tmp."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    with contextlib.suppress(OSError):
        facts = os.stat(runtime)
        mine = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid()
        if mine and os.path.isabs(runtime):
            return os.path.join(runtime, "quorate")
    return f"/tmp/quorate-{os.geteuid()}"


class Directory:
    """The folder at `path`, which is made when there is first something to be kept in it.

    Every method raises ProgramError (Q153) where the folder is not this user's alone.
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = standard_path() if path is None else path
        self.refused: list[str] = []
        """What `entries` has found last that is not to be believed: files, and why."""

    def enter(self, entry: Entry) -> Presence:
        """Make a node known, for as long as what is returned is not closed. Raises NameTaken."""
        with self._locked(make=True) as folder:
            flags = os.O_RDWR | os.O_CREAT | _OPEN
            path = os.path.join(self.path, entry.file)
            try:
                file = os.open(entry.file, flags, 0o600, dir_fd=folder)
            except OSError as error:
                message = f"{path} cannot be opened: {error.strerror}"
                raise ProgramError("Q153", message, "remove it") from None
            try:
                check_private(file, path)
                if not _lock(file):
                    raise NameTaken(entry.name, _decoded(file, entry.file))
                os.ftruncate(file, 0)
                os.pwrite(file, msgspec.json.encode(entry), 0)
            except BaseException:
                os.close(file)
                raise
        return Presence(self, entry.file, file)

    def leave(self, file: str) -> None:
        """Take the file of a node out again."""
        with self._locked() as folder:
            if folder is not None:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(file, dir_fd=folder)

    def entries(self) -> list[Entry]:
        """All nodes that live, by name; files of others that have gone are removed."""
        self.refused = []
        with self._locked() as folder:
            names = [] if folder is None else sorted(os.listdir(folder))
            read = [self._read(folder, name) for name in names if name.endswith(_SUFFIX)]
        return [entry for entry in read if entry is not None]

    def names(self) -> list[str]:
        """The names of all nodes that `find` finds."""
        entries = self.entries()
        names = Counter(entry.name for entry in entries)
        local = {entry.name for entry in entries if entry.local}
        return sorted(name for name, count in names.items() if count == 1 or name in local)

    def find(self, name: str) -> Address | None:
        """Where the node of this name is: the local one, or the only one, if it lives."""
        if not is_name(name):
            return None
        with self._locked() as folder:
            entry = None if folder is None else self._read(folder, f"{name}{_SUFFIX}")
        if entry is None:
            others = [each for each in self.entries() if each.name == name]
            entry = others[0] if len(others) == 1 else None
        return None if entry is None else entry.address

    def cookie(self) -> bytes:
        """The cookie of this user for nodes of this machine, made when it is first asked for."""
        path = os.path.join(self.path, _COOKIE)
        with self._locked(make=True) as folder:
            if not os.access(_COOKIE, os.F_OK, dir_fd=folder, follow_symlinks=False):
                part = f"{_COOKIE}.part"  # so that the cookie is there whole or not at all
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _OPEN
                with open(os.open(part, flags, 0o600, dir_fd=folder), "w") as file:
                    file.write(secrets.token_hex(32))
                os.rename(part, _COOKIE, src_dir_fd=folder, dst_dir_fd=folder)
            return cookie_in(path)

    def _read(self, folder: int | None, name: str) -> Entry | None:
        """The node of a file, None where it has gone, or the file is not to be believed."""
        path = os.path.join(self.path, name)
        try:
            file = os.open(name, os.O_RDONLY | _OPEN, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.refused.append(f"{path}: {error.strerror}")
            return None
        try:
            check_private(file, path)
            if _lock(file):
                os.unlink(name, dir_fd=folder)
                return None
            entry = _decoded(file, name)
            if entry is None:
                self.refused.append(f"{path} does not say what a node says")
            return entry
        except ProgramError as error:
            self.refused.append(error.message)
            return None
        finally:
            os.close(file)

    @contextlib.contextmanager
    def _locked(self, make: bool = False) -> Iterator[int | None]:
        """The folder, while nobody else has it; None where there is none, and none is made."""
        if make:
            try:
                os.mkdir(self.path, 0o700)
            except FileExistsError:
                pass
            except OSError as error:
                raise self._unusable("made", error) from None
        try:
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | _OPEN)
        except FileNotFoundError:
            yield None
            return
        except OSError as error:
            raise self._refused(f"cannot be opened as a folder: {error.strerror}") from None
        try:
            facts = os.fstat(folder)
            if facts.st_uid != os.geteuid():
                raise self._refused(f"is of user {facts.st_uid}")
            if facts.st_mode & 0o077:
                raise self._refused("is open to others")
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield folder
        except OSError as error:
            raise self._unusable("changed", error) from None
        finally:
            os.close(folder)

    def _unusable(self, done: str, error: OSError) -> ProgramError:
        message = f"the directory of nodes, {self.path}, cannot be {done}: {error.strerror}"
        help = "have XDG_RUNTIME_DIR name a folder of yours where there is room to write"
        return ProgramError("Q153", message, help)

    def _refused(self, why: str) -> ProgramError:
        help = f"remove it, or `chmod 700 {self.path}` if it is yours; or set XDG_RUNTIME_DIR"
        return ProgramError("Q153", f"the directory of nodes, {self.path}, {why}", help)


class Presence:
    """That a node is in the directory, as long as the process lives that has entered it."""

    def __init__(self, directory: Directory, file: str, descriptor: int) -> None:
        self._directory = directory
        self._file = file
        self._descriptor: int | None = descriptor
        os.register_at_fork(after_in_child=self._let_go)  # a worker may live on for a moment

    def close(self) -> None:
        """The node goes."""
        if self._descriptor is not None:
            self._directory.leave(self._file)
            self._let_go()

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock(file: int) -> bool:
    """Whether the file is locked now, because nobody else had it so."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _decoded(file: int, name: str) -> Entry | None:
    """What a file says, None where it is not what the node of its name would have written."""
    data = os.pread(file, ENTRY_BYTES_MAX + 1, 0)
    try:
        entry = _decoder.decode(data)
        written = read_node(f"{entry.name}@{entry.address}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, NodeError):
        return None
    same = entry.file == name and written == (entry.name, *entry.address)
    return entry if same and len(data) <= ENTRY_BYTES_MAX else None

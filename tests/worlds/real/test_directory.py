"""Nodes of one machine find one another, whatever lies in their directory; and cookies."""

from __future__ import annotations

import errno
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from quorate.core.errors import ProgramError
from quorate.worlds.real.cookies import COOKIE_BYTES_MAX, check_private, cookie_given, cookie_in
from quorate.worlds.real.directory import Directory, Entry, NameTaken, standard_path
from quorate.worlds.real.listening import is_loopback, is_wildcard, listen, resolved, settled
from quorate.worlds.real.membership import Address, Fingerprint, Membership
from quorate.worlds.real.tls import Contexts

B = Entry("b", "127.0.0.1", 41234, 77, "/a/program.da", "0123456789abcdef")


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    return Directory(str(tmp_path / "quorate"))


def test_a_node_is_found_while_it_lives(directory: Directory) -> None:
    assert (directory.entries(), directory.names(), directory.find("b")) == ([], [], None)
    assert not os.path.exists(directory.path)
    presence = directory.enter(B)
    assert stat.S_IMODE(os.stat(directory.path).st_mode) == 0o700
    other = Directory(directory.path)
    assert (other.entries(), other.names()) == ([B], ["b"])
    assert other.find("b") == Address("127.0.0.1", 41234)
    assert other.find("c") is None
    presence.close()
    assert os.listdir(directory.path) == []
    assert other.find("b") is None


def test_a_name_is_given_once(directory: Directory) -> None:
    presence = directory.enter(B)
    with pytest.raises(NameTaken) as raised:
        directory.enter(msgspec.structs.replace(B, pid=78))
    assert raised.value.other == B
    assert directory.entries() == [B]
    presence.close()
    directory.enter(msgspec.structs.replace(B, pid=78)).close()


def test_a_node_that_others_reach_is_found_where_no_other_has_its_name(
    directory: Directory,
) -> None:
    far = msgspec.structs.replace(B, host="2001:db8::7", local=False)
    farther = msgspec.structs.replace(far, host="2001:db8::8")
    presences = [directory.enter(B), directory.enter(far)]
    assert directory.entries() == [B, far]
    assert directory.names() == ["b"]
    assert directory.find("b") == B.address
    presences.pop(0).close()
    assert directory.names() == ["b"]
    assert directory.find("b") == far.address
    presences.append(directory.enter(farther))
    assert (directory.names(), directory.find("b")) == ([], None)
    assert directory.find("b@[2001:db8::7]:41234") is None
    for presence in presences:
        presence.close()


DIES = """
import os, sys
from quorate.worlds.real.directory import Directory, Entry
Directory(sys.argv[1]).enter(Entry("b", "127.0.0.1", 41234, os.getpid(), "p.da", "ab"))
os._exit(0)
"""


@pytest.mark.parametrize("asks", [Directory.entries, lambda directory: directory.find("b")])
def test_what_is_left_of_a_node_that_has_died_is_removed(
    directory: Directory, asks: Callable[[Directory], Any]
) -> None:
    subprocess.run([sys.executable, "-c", DIES, directory.path], check=True)
    assert os.listdir(directory.path) == ["b.node"]
    assert not asks(directory)
    assert os.listdir(directory.path) == []


def test_a_node_does_not_live_on_in_its_children(directory: Directory) -> None:
    forks = "os.fork()\nos.write(1, b'.')\nimport signal\nsignal.pause()\n"
    program = DIES.replace("os._exit(0)", forks)
    command = [sys.executable, "-c", program, directory.path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as popen:
        assert popen.stdout is not None
        popen.stdout.read(2)
        assert directory.names() == ["b"]
        popen.kill()
        os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)
        try:
            assert directory.names() == []
        finally:
            os.killpg(popen.pid, signal.SIGKILL)


def test_the_place_of_a_node_that_has_died_is_taken(directory: Directory) -> None:
    subprocess.run([sys.executable, "-c", DIES, directory.path], check=True)
    presence = directory.enter(B)
    assert directory.entries() == [B]
    presence.close()


def test_a_name_leads_nowhere_else(directory: Directory, tmp_path: Path) -> None:
    directory.enter(B).close()
    (tmp_path / "c.node").write_bytes(msgspec.json.encode(msgspec.structs.replace(B, name="c")))
    assert directory.find("../c") is None
    assert directory.find("c\0") is None
    assert (tmp_path / "c.node").exists()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_link(path: Path) -> None:
    (path.parent / "other").write_bytes(msgspec.json.encode(B))
    path.symlink_to("other")


def make_folder(path: Path) -> None:
    path.mkdir()


def make_open(path: Path) -> None:
    path.write_bytes(msgspec.json.encode(B))
    path.chmod(0o622)


@pytest.mark.parametrize("make", [make_pipe, make_link, make_folder, make_open])
def test_files_that_are_not_believed(directory: Directory, make: Callable[[Path], None]) -> None:
    directory.enter(B).close()
    path = Path(directory.path, "b.node")
    make(path)
    assert directory.find("b") is None
    assert directory.entries() == []
    [refused] = directory.refused
    assert refused.startswith(str(path))
    assert path.is_symlink() or path.exists()
    with pytest.raises(ProgramError) as raised:
        directory.enter(B)
    assert raised.value.code == "Q153"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 100,
        b"[" * 30_000,
        msgspec.json.encode(msgspec.structs.replace(B, name="c")),
        msgspec.json.encode(msgspec.structs.replace(B, host="")),
        msgspec.json.encode(msgspec.structs.replace(B, host="a b")),
        msgspec.json.encode(msgspec.structs.replace(B, port=0)),
        msgspec.json.encode(msgspec.structs.replace(B, port=65_536)),
        msgspec.json.encode(msgspec.structs.replace(B, pid=0)),
        msgspec.json.encode(msgspec.structs.replace(B, program="x" * 40_000)),
        msgspec.json.encode({**msgspec.to_builtins(B), "more": 1}),
    ],
)
def test_what_a_node_does_not_write_is_refused(directory: Directory, content: bytes) -> None:
    presence = directory.enter(B)
    Path(directory.path, "b.node").write_bytes(content)
    assert directory.entries() == []
    assert directory.refused == [f"{directory.path}/b.node does not say what a node says"]
    assert directory.find("b") is None
    with pytest.raises(NameTaken) as raised:
        directory.enter(B)
    assert raised.value.other is None
    presence.close()


@pytest.mark.parametrize("asks", ["entries", "names", "cookie"])
def test_a_directory_that_others_can_enter(directory: Directory, asks: str) -> None:
    os.mkdir(directory.path, 0o755)
    os.chmod(directory.path, 0o755)
    with pytest.raises(ProgramError) as raised:
        getattr(directory, asks)()
    assert raised.value.code == "Q153"
    assert "is open to others" in raised.value.message


@pytest.mark.parametrize("kind", ["link", "file"])
def test_what_is_no_directory(directory: Directory, tmp_path: Path, kind: str) -> None:
    if kind == "link":
        os.symlink(tmp_path, directory.path)
    else:
        Path(directory.path).touch()
    with pytest.raises(ProgramError) as raised:
        directory.enter(B)
    assert raised.value.code == "Q153"


def test_a_directory_where_nothing_can_be_written(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for ask in (lambda: directory.enter(B), directory.cookie):
        with monkeypatch.context() as patched:
            patched.setattr(os, "mkdir", full)
            with pytest.raises(ProgramError, match="cannot be made: No space left") as raised:
                ask()
        assert raised.value.code == "Q153"
        assert "XDG_RUNTIME_DIR" in raised.value.help
    assert directory.entries() == []
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(ProgramError, match="cannot be changed: No space left"):
            directory.enter(B)
    assert directory.entries() == []
    directory.enter(B).close()


def test_where_the_directory_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    common = f"/tmp/quorate-{os.geteuid()}"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert standard_path() == f"{tmp_path}/quorate"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    assert standard_path() == common
    monkeypatch.setenv("XDG_RUNTIME_DIR", ".")
    assert standard_path() == common
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert standard_path() == common


def test_the_cookie_of_a_user_is_made_once(directory: Directory) -> None:
    cookie = directory.cookie()
    path = Path(directory.path, "cookie")
    assert len(cookie) == 64
    assert path.read_bytes() == cookie
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Directory(directory.path).cookie() == cookie
    assert directory.entries() == []
    path.chmod(0o604)
    with pytest.raises(ProgramError, match="can be read or written by others"):
        directory.cookie()


# Cookies that are given.


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o777])
def test_a_cookie_that_others_see(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "cookie"
    path.write_text("secret\n")
    path.chmod(0o400)
    assert cookie_in(str(path)) == b"secret"
    path.chmod(mode)
    with pytest.raises(ProgramError) as raised:
        cookie_in(str(path))
    assert raised.value.code == "Q153"
    assert f"chmod 600 {path}" in raised.value.help


def test_a_cookie_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text(" one line \n\n")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "cookie").symlink_to("real")
    assert cookie_in(str(tmp_path / "cookie")) == b"one line"


@pytest.mark.parametrize("content", [b"", b" \n", b"x" * (COOKIE_BYTES_MAX + 1)])
def test_what_is_no_cookie(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cookie"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ProgramError, match=str(path)):
        cookie_in(str(path))


def test_a_cookie_in_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "cookie", 0o600)
    with pytest.raises(ProgramError, match="no regular file"):
        cookie_in(str(tmp_path / "cookie"))


@pytest.mark.parametrize(
    ("owner", "mode", "believed"),
    [
        *((1000, 0o600, True), (1000, 0o440, False), (1000, 0o604, False)),
        *((0, 0o400, True), (0, 0o440, True), (0, 0o460, False), (0, 0o444, False)),
        *((1001, 0o600, False), (1001, 0o444, False)),
    ],
)
def test_whose_files_are_believed(
    monkeypatch: pytest.MonkeyPatch, owner: int, mode: int, believed: bool
) -> None:
    facts = os.stat_result((stat.S_IFREG | mode, 1, 1, 1, owner, 1000, 0, 0, 0, 0))
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: 1000)
        patched.setattr(os, "fstat", lambda descriptor: facts)
        try:
            check_private(-1, "cookie")
            help = None
        except ProgramError as error:
            help = error.help
    assert (help is None) == believed
    assert help is None or "chmod" not in help or owner == 1000, "others cannot change it"


def test_which_cookie_counts(tmp_path: Path) -> None:
    path = tmp_path / "cookie"
    path.write_text("of the file")
    path.chmod(0o600)
    around = {"QUORATE_COOKIE": "of the environment"}
    assert cookie_given(str(path), None, around) == b"of the file"
    assert cookie_given(None, "of the flag", around) == b"of the flag"
    assert cookie_given(None, None, around) == b"of the environment"
    assert cookie_given(None, None, {"QUORATE_COOKIE": ""}) is None
    assert cookie_given(None, None, {}) is None
    with pytest.raises(ProgramError, match="the cookie is empty"):
        cookie_given(None, "", around)


# Listening.

ME = Membership("a", Address("127.0.0.1", 0), 1, Fingerprint("", {}))


def test_a_node_listens_where_it_says() -> None:
    with listen(ME) as listener:
        me = settled(ME, listener)
        assert me.address == Address(*listener.getsockname())
        assert me.bound is None
        socket.create_connection(me.address, timeout=10).close()
        with pytest.raises(OSError, match="in use"):
            listen(me)
    elsewhere = replace(ME, address=Address("a.example", 7420), bound=Address("127.0.0.1", 0))
    with listen(elsewhere) as listener:
        me = settled(elsewhere, listener)
        assert me.address == Address("a.example", 7420)
        assert me.bound == Address(*listener.getsockname())


@pytest.mark.parametrize("place", [{"address": Address("0.0.0.0", 0)}, {"bound": Address("::", 0)}])
def test_a_node_without_a_secret_listens_on_this_machine_alone(place: dict[str, Address]) -> None:
    with pytest.raises(ProgramError) as raised:
        listen(replace(ME, **place))
    assert raised.value.code == "Q150"


TLS = ssl.create_default_context()


@pytest.mark.parametrize("secret", [{"cookie": b"x" * 16}, {"tls": Contexts(TLS, TLS)}])
def test_a_node_with_a_secret_listens_anywhere(secret: dict[str, Any]) -> None:
    listen(replace(ME, address=Address("0.0.0.0", 0), **secret)).close()


@pytest.mark.parametrize(
    ("facts", "where"),
    [
        ({"address": Address("0.0.0.0", 0)}, "0.0.0.0:0"),
        ({"known": {"b": Address("localhost", 1), "c": Address("c.example", 2)}}, "c.example:2"),
        ({"known": {"b": Address("127.0.0.1", 1), "c": Address("::1", 2)}}, ""),
    ],
)
def test_a_short_cookie_is_for_this_machine_alone(facts: dict[str, Any], where: str) -> None:
    me = replace(ME, cookie=b"x" * 15, **facts)
    if where:
        said = f"short enough to be guessed, and {where} is not on this machine alone"
        with pytest.raises(ProgramError, match=said) as raised:
            listen(me)
        assert raised.value.code == "Q150"
        listen(replace(me, tls=Contexts(TLS, TLS))).close()
        me = replace(me, cookie=b"x" * 16)
    listen(me).close()


def test_addresses_in_numbers() -> None:
    assert resolved(Address("127.0.0.1", 7)) == Address("127.0.0.1", 7)
    assert is_loopback(resolved(Address("localhost", 7)))
    assert is_loopback(Address("127.9.9.9", 7)) and is_loopback(Address("::1", 7))
    assert not any(is_loopback(Address(host, 7)) for host in ("0.0.0.0", "::", "192.0.2.1"))
    assert is_wildcard(Address("0.0.0.0", 7)) and is_wildcard(Address("::", 7))
    assert not is_wildcard(Address("127.0.0.1", 7))

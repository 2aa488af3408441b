"""`quorate run -n NAME` and `quorate nodes`: being a node, and what is refused."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
import trustme

from quorate.cli.nodes_options import membership_of
from quorate.cli.run import run as run_command
from quorate.worlds.real.directory import Directory, Entry
from quorate.worlds.real.membership import Address, Membership
from quorate.worlds.real.tls import TlsFiles

Run = Callable[..., Any]

ENDS = "def main(): pass\n"
WAITS = "import time\ndef main():\n    output('waits')\n    time.sleep(1000)\n"


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runtime").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.delenv("QUORATE_COOKIE", raising=False)


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text("of all nodes\n")
    path.chmod(0o600)
    return str(path)


def meant(*words: str) -> Membership:
    """The node that options of `quorate run` ask for."""
    with run_command.make_context("run", [*words, "program.da"]) as context:
        options = {name: context.params[name] for name in context.params}
        options.pop("args")
        found = membership_of(options)
    assert found is not None
    return found


def test_a_node_by_its_name_alone() -> None:
    me = meant("-n", "b")
    assert (me.name, me.address, me.bound) == ("b", Address("127.0.0.1", 0), me.address)
    assert (me.idle, me.known, me.tls, me.patience) == (False, {}, None, 10.0)
    assert me.cookie == Directory().cookie()
    assert me.incarnation != meant("-n", "b").incarnation


@pytest.mark.parametrize(
    ("words", "address", "bound"),
    [
        (["-n", "b@127.0.0.2"], ("127.0.0.2", 7420), ("127.0.0.2", 7420)),
        (["-n", "b@[::1]:0"], ("::1", 0), ("::1", 0)),
        (["-n", "b@192.0.2.1:9"], ("192.0.2.1", 9), ("192.0.2.1", 9)),
        (["-n", "b", "--bind", "127.0.0.2"], ("127.0.0.2", 7420), ("127.0.0.2", 7420)),
        (["-n", "b", "--bind", "127.0.0.1:9"], ("127.0.0.1", 9), ("127.0.0.1", 9)),
        (["-n", "b@b.example", "--bind", "0.0.0.0"], ("b.example", 7420), ("0.0.0.0", 7420)),
        (["-n", "b@b.example:9", "--bind", "[::]:8"], ("b.example", 9), ("::", 8)),
        (["-n", "b", "--nodes", "nodes"], ("192.0.2.7", 9), ("192.0.2.7", 9)),
        (["-n", "b", "--nodes", "nodes", "--bind", "0.0.0.0"], ("192.0.2.7", 9), ("0.0.0.0", 9)),
        (["-n", "b@127.0.0.1:8", "--nodes", "nodes"], ("127.0.0.1", 8), ("127.0.0.1", 8)),
        (["-n", "c@127.0.0.1:0", "--nodes", "nodes"], ("127.0.0.1", 0), ("127.0.0.1", 0)),
    ],
)
def test_where_a_node_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    address: tuple[str, int],
    bound: tuple[str, int],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nodes").write_text("a@192.0.2.6\nb@192.0.2.7:9\n")
    me = meant(*words)
    assert (me.address, me.bound) == (address, bound)


def test_whom_a_node_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nodes").write_text("a@192.0.2.6\nb@192.0.2.7:9\n")
    me = meant("-n", "b", "--nodes", "nodes", "--join", "c@c.example", "--join", "a@192.0.2.6")
    assert me.known == {"a": ("192.0.2.6", 7420), "c": ("c.example", 7420)}
    entry = Entry("d", "127.0.0.1", 41234, os.getpid(), "program.da", "ab")
    presence = Directory().enter(entry)
    assert (me.names(), me.find("d"), me.find("e")) == (["d"], entry.address, None)
    presence.close()


@pytest.fixture
def tls(tmp_path: Path) -> TlsFiles:
    """Certificates of node b."""
    files = TlsFiles(*(str(tmp_path / f"b.{name}") for name in ("crt", "key", "ca")))
    authority = trustme.CA()
    issued = authority.issue_cert("b")
    issued.cert_chain_pems[0].write_to_path(files.cert)
    issued.private_key_pem.write_to_path(files.key)
    Path(files.key).chmod(0o600)
    authority.cert_pem.write_to_path(files.ca)
    return files


def test_the_secret_of_a_node(secret: str, tls: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Directory().cookie()
    by_tls = ["--tls-cert", tls.cert, "--tls-key", tls.key, "--tls-ca", tls.ca]
    assert meant("-n", "b").cookie == own
    assert meant("-n", "b@127.0.0.1").cookie == own
    assert meant("-n", "b@192.0.2.1").cookie is None
    assert meant("-n", "b@192.0.2.1", "--cookie-file", secret).cookie == b"of all nodes"
    assert meant("-n", "b", *by_tls).cookie is None
    assert meant("-n", "b", *by_tls).tls is not None
    monkeypatch.setenv("QUORATE_COOKIE", "around")
    assert meant("-n", "b").cookie == b"around"
    assert meant("-n", "b", "--cookie", "shown").cookie == b"shown"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-D"], "--idle is for a node, which has a name: add -n NAME"),
        (["--join", "a@b"], "--join is for a node, which has a name"),
        (["--cookie-file", "secret"], "--cookie-file is for a node, which has a name"),
        (["--node-timeout", "1"], "--node-timeout is for a node, which has a name"),
        (["--queue-max", "1"], "--queue-max is for a node, which has a name"),
        (["-n", "b", "--node-timeout", "nan"], "'nan' is no number of seconds"),
        (["-n", "b", "--node-timeout", "inf"], "inf is not in the range"),
        (["-n", "b c"], "-n: `b c` is no name of a node; a name has up to 64 letters"),
        (["-n", "b@host:port"], "-n: `port` is no port"),
        (["-n", "b@no.such.host.invalid"], "there is no host no.such.host.invalid"),
        (["-n", "b@host..name"], "there is no host host..name"),
        (["-n", "b", "--bind", "b@host"], "--bind: `b@host` is no host"),
        (["-n", "b", "--bind", "0.0.0.0:1"], "others cannot reach 0.0.0.0: say where, -n b@HOST"),
        (["-n", "b", "--bind", "[::]"], "others cannot reach ::"),
        (["-n", "b", "--join", "a"], "--join: `a` has no address; write NAME@HOST:PORT"),
        (["-n", "b", "--join", "a@host:0"], "--join: port 0 of `a`"),
        (["-n", "b", "--join", "b@host"], "--join: b is this node itself"),
        (["-n", "b", "--join", "a@x", "--join", "a@y"], "node a is given two addresses"),
        (["-n", "b", "--tls-cert", "secret"], "--tls-cert, --tls-key and --tls-ca go together"),
        (["-n", "b", "--cookie", "x", "--cookie-file", "secret"], "are two secrets"),
        (["-n", "b", "--unsent-max", "0"], "'--unsent-max'"),
        (["-n", "b", "--check-properties"], "so it needs them on one node: leave -n out"),
        (["-n", "b", "--nodes", "none"], "File 'none' does not exist"),
    ],
)
def test_options_that_cannot_be(
    tmp_path: Path,
    secret: str,
    quorate: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = quorate("run", *words, "missing.da")
    assert (outcome.status, outcome.out) == (2, "")
    assert said in outcome.err


def test_a_node_has_a_place_in_its_list(
    tmp_path: Path, quorate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list").write_text("a@127.0.0.1:1\nb@127.0.0.1:2\n")
    outcome = quorate("run", "-n", "c", "--nodes", "list", "missing.da")
    assert (outcome.status, outcome.out) == (2, "")
    said = "node c is not in list: add it, or say where it is: -n c@HOST:PORT"
    assert said in outcome.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-n", "b@0.0.0.0"], "error[Q150]: node b would listen on 0.0.0.0:7420, where anybody"),
        (["-n", "b", "--cookie-file", "open"], "error[Q153]: open can be read or written by"),
        (
            ["-n", "b", "--tls-cert", "nodes", "--tls-key", "nodes", "--tls-ca", "nodes"],
            "error[Q144]: nodes cannot be used for TLS",
        ),
        (
            ["-n", "b", "--tls-cert", "b.crt", "--tls-key", "open", "--tls-ca", "b.ca"],
            "error[Q153]: open can be read or written by others",
        ),
        (["-n", "b", "--cookie", ""], "error[Q153]: the cookie is empty"),
        (["-n", "b@0.0.0.0:0", "--cookie", "x"], "error[Q150]: the cookie is short enough"),
        (["-n", "b", "--nodes", "nodes"], "error[Q152]: `port` is no port\n --> nodes:2:1\n"),
    ],
)
@pytest.mark.usefixtures("tls")
def test_what_is_refused_has_a_code(run: Run, tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "open").write_text("secret")
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "nodes").write_text("a@host\nb@host:port\n")
    ended = run(ENDS, *words, "program.da")
    assert (ended.status, ended.out) == (2, [])
    assert said in ended.err
    assert "  = help: " in ended.err or "\n  = help: " in ended.err


def test_a_directory_that_is_not_ones_own(run: Run, tmp_path: Path, quorate: Run) -> None:
    (tmp_path / "runtime" / "quorate").mkdir(mode=0o755)
    (tmp_path / "runtime" / "quorate").chmod(0o755)
    for ended in (run(ENDS, "-n", "b", "program.da"), quorate("nodes")):
        assert ended.status == 2
        assert ended.err.startswith("error[Q153]: the directory of nodes, ")


def test_an_address_in_use(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run(ENDS, "-n", f"b@{place}", "program.da")
    assert ended.status == 2
    assert f"cannot listen on {place}: Address already in use" in ended.err


def test_a_run_without_a_name_leaves_no_trace(run: Run, tmp_path: Path) -> None:
    assert run(ENDS, "-q", "program.da").status == 0
    assert list((tmp_path / "runtime").iterdir()) == []


def test_a_secret_that_others_see(run: Run) -> None:
    ended = run(ENDS, "-q", "-n", "b", "--cookie", "shown", "program.da")
    assert ended.status == 0
    assert ended.err.startswith("quorate: warning: others on this machine can see what --cookie")


MALFORMED = """\
class P(process):
    def run(): pass

def main():
    for at in ('b@', '@host', 'b@host:notaport', 'b@host:70000', 'b@host:0', 'b c', 'b'):
        try:
            new(P, at=at)
        except Exception as error:
            output(error)
"""


def test_where_nodes_cannot_be_is_said_as_of_options(run: Run) -> None:
    ended = run(MALFORMED, "-q", "-n", "a", "program.da")
    assert (ended.status, ended.err) == (0, "")
    errors = [line.partition("] ")[2] for line in ended.out]
    helps = [line.partition("help: ")[2] for line in errors if "help:" in line]
    assert [line.partition("main@a: ")[2] for line in errors if "Q089" in line] == [
        "[Q089] `at='b@'`: there is no host in ``",
        "[Q089] `at='@host'`: `` is no name of a node",
        "[Q089] `at='b@host:notaport'`: `notaport` is no port",
        "[Q089] `at='b@host:70000'`: `70000` is no port",
        "[Q089] `at='b@host:0'`: port 0 of `b` is none that can be dialed",
        "[Q089] `at='b c'`: `b c` is no name of a node",
        "[Q089] `at='b'`: no node of that name is part of this run",
    ]
    assert helps[2] == "a port is a number up to 65,535"
    assert helps[4].startswith("write NAME@HOST:PORT")


# While a node runs.


@pytest.fixture
def node(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Node b, whose main waits."""
    (tmp_path / "waits.da").write_text(WAITS)
    command = [sys.executable, "-m", "quorate", "run", "-n", "b", str(tmp_path / "waits.da")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as popen:  # type: ignore[call-overload]
        assert popen.stdout.readline().endswith("waits\n")
        yield popen
        popen.kill()


def listens_on(node: subprocess.Popen[str]) -> str:
    assert node.stderr is not None
    line = node.stderr.readline()
    found = re.fullmatch(r"quorate: node b listens on (127\.0\.0\.1:\d+)\n", line)
    assert found, line
    return found[1]


def test_a_node_is_listed_while_it_runs(
    node: subprocess.Popen[str], quorate: Run, tmp_path: Path
) -> None:
    place = listens_on(node)
    socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2])), timeout=10).close()
    listed = quorate("nodes")
    assert (listed.status, listed.err) == (0, "")
    head, row = listed.out.splitlines()
    assert head.split() == ["node", "address", "process", "program", "main", "hash"]
    fields = ["b", place, str(node.pid), str(tmp_path / "waits.da"), "runs"]
    assert row.split()[:-1] == fields
    [data] = json.loads(quorate("nodes", "--json").out)
    assert (data["name"], f"{data['host']}:{data['port']}") == ("b", place)
    assert (data["pid"], data["idle"], data["fingerprint"]) == (node.pid, False, row.split()[-1])
    node.terminate()
    assert node.wait(60) == 130
    gone = quorate("nodes")
    assert (gone.status, gone.out) == (0, "")
    assert gone.err == "quorate: no node of yours runs on this machine\n"
    assert quorate("nodes", "--json").out == "[]\n"


def test_a_name_is_given_once(node: subprocess.Popen[str], run: Run) -> None:
    place = listens_on(node)
    ended = run(ENDS, "-n", "b", "program.da")
    assert ended.status == 2
    who = f"(process {node.pid}, {place})"
    assert f"node b runs on this machine already {who}: give this one another" in ended.err
    node.kill()
    node.wait(60)
    assert run(ENDS, "-q", "-n", "b", "program.da").status == 0


def test_what_is_not_believed_is_said(quorate: Run, tmp_path: Path) -> None:
    Directory().cookie()
    folder = tmp_path / "runtime" / "quorate"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "b.node").write_bytes(msgspec.json.encode({}))
    (folder / "b.node").chmod(0o644)
    outcome = quorate("nodes")
    assert (outcome.status, outcome.out) == (0, "")
    assert f"quorate: not believed: {folder}/b.node can be read" in outcome.err


# Two nodes.

EXAMPLE = Path(__file__).parents[2] / "examples" / "ping_pong.da"


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Node b, which is idle, once it listens."""
    (tmp_path / "b").mkdir()
    program = shutil.copy(EXAMPLE, tmp_path / "b")
    command = [sys.executable, "-m", "quorate", "run", "-n", "b", "-D", str(program)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as popen:  # type: ignore[call-overload]
        assert "node b listens on" in popen.stderr.readline()
        yield popen
        popen.kill()


def test_the_example_on_two_nodes(idle: subprocess.Popen[str], run: Run) -> None:
    ended = run(
        EXAMPLE.read_text(), "-q", "-n", "a", "ping_pong.da", "2", "1", "b", name="ping_pong.da"
    )
    assert (ended.status, ended.err) == (0, "")
    assert ended.texts == ["Pinger-2@a: pong 0", "Pinger-3@a: pong 0"]
    idle.terminate()
    out, _ = idle.communicate(timeout=60)
    assert idle.returncode == 130
    shown = [line.partition("] ")[2] for line in out.splitlines()]
    assert shown == ["Ponger-a.1@b: ping 0"] * 2


def test_another_program_is_named(idle: subprocess.Popen[str], run: Run) -> None:
    text = EXAMPLE.read_text() + "\n"
    ended = run(text, "-q", "-n", "a", "ping_pong.da", "2", "1", "b", name="ping_pong.da")
    assert ended.status == 1
    said = "its program is another: ping_pong.da differs"
    assert f"error[Q151]: node b cannot be joined: {said}\n" in ended.err
    assert ended.err.count("Q151") == 1
    idle.terminate()
    _, err = idle.communicate(timeout=60)
    assert f"warning[Q154]: refused a connection of node a at 127.0.0.1: {said}\n" in err


def test_a_stranger_is_refused(idle: subprocess.Popen[str], run: Run) -> None:
    words = ["-q", "-n", "a", "--cookie", "another", "ping_pong.da", "2", "1", "b"]
    ended = run(EXAMPLE.read_text(), *words, name="ping_pong.da")
    assert ended.status == 1
    said = "node b cannot be joined: it says that the cookie of this node is another"
    _, error, where, help = ended.err.splitlines()
    assert error == f"error[Q156]: {said}"
    assert where == "  = was to run there: Ponger-a.1@b"
    assert help == "  = help: give all nodes the same cookie, by --cookie-file or QUORATE_COOKIE"


def test_options_of_nodes_are_completed() -> None:
    context = click.Context(run_command)
    offered = [item.value for item in run_command.shell_complete(context, "--no")]
    assert offered == ["--node", "--nodes", "--node-timeout", "--no-cache", "--no-views"]

"""`quorate run --hosts FILE`: nodes that are started with a run, here by an ssh made for the test.

It runs on this machine what the real one would have run elsewhere, by a shell in the same way.
"""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import select
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

SSH = """\
#!/bin/sh
printf '%s\\n' "$@" >> "$SSH_LOG"
for last; do :; done
case "$*" in
  *" nowhere "*) echo 'ssh: connect to host nowhere port 22: No route to host' >&2; exit 255;;
  *" bare "*) PATH=/usr/bin:/bin exec sh -c "$last";;
  *) exec sh -c "$last";;
esac
"""

GREETINGS = """\
class Greeter(process):
    def setup(others): pass

    def receive(msg=('hello',), from_=p):
        output('hello to', p)
        send(('welcome',), to=p)

    def run():
        send(('hello',), to=others)
        await(each(p in others | {parent()}, has=received(('hello',), from_=p)))
        await(each(p in others, has=received(('welcome',), from_=p)))

def main():
    greeters = new(Greeter, at={'b', 'c'})
    for g in greeters:
        setup(g, (greeters - {g},))
    start(greeters)
    send(('hello',), to=greeters)
    await(each(g in greeters, has=received(('welcome',), from_=g)))
    output('all are there')
"""

GREETED = [
    "b: Greeter-main.1@b: hello to Greeter-main.2@c",
    "b: Greeter-main.1@b: hello to main@main",
    "c: Greeter-main.2@c: hello to Greeter-main.1@b",
    "c: Greeter-main.2@c: hello to main@main",
    "main@main: all are there",
]


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with an ssh of its own, and Quorate on its PATH."""
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(SSH)
    ssh.chmod(stat.S_IRWXU)
    (tmp_path / "bin" / "quorate").symlink_to(Path(sys.executable).with_name("quorate"))
    monkeypatch.setenv("PATH", f"{ssh.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SSH_LOG", str(tmp_path / "ssh.log"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("QUORATE_COOKIE", raising=False)


def hosts(tmp_path: Path, text: str) -> str:
    path = tmp_path / "hosts"
    path.write_text(text)
    return str(path)


def test_nodes_by_ssh(run: Run, tmp_path: Path) -> None:
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "program.da").write_text(GREETINGS)
    called = f"'quorate={sys.executable} -m quorate'"
    elsewhere = f"c@127.0.0.1:0 -l alice 'dir={tmp_path}/away' {called}  # with spaces"
    file = hosts(tmp_path, f"b@localhost:0 bind=127.0.0.1\n{elsewhere}\n")
    ended = run(GREETINGS, "--hosts", file, "program.da")
    assert ended.status == 0, ended.err
    said = sorted(re.sub(r"\[.*?\] ", "", line) for line in ended.out)
    assert said == GREETED
    assert "quorate: node main listens on" in ended.err
    words = (tmp_path / "ssh.log").read_text()
    assert "-l\nalice\n" in words
    assert "\n--\n127.0.0.1\n" in words
    assert not re.search(r"[0-9a-f]{64}", words), "the cookie can be seen by others"


def test_a_run_that_fails_elsewhere(run: Run, tmp_path: Path) -> None:
    text = GREETINGS.replace("output('hello to', p)", "1 / 0  # whoever it is")
    ended = run(
        text, "-q", "--hosts", hosts(tmp_path, "b@127.0.0.1:0\nc@127.0.0.1:0"), "program.da"
    )
    assert ended.status == 1
    assert re.search(r"^[bc]: error\[Q100\]: Greeter-main.\d@[bc] failed", ended.err, re.MULTILINE)
    assert "quorate: " not in ended.err


ON_AND_ON = """\
class P(process):
    def run():
        while True:
            output('x' * 100)
            -- again

def main():
    start(new(P, at={'b', 'c'}))
    await(False)
"""


@pytest.mark.parametrize(
    ("to", "status", "said"),
    [
        ("| head -1", 141, ""),
        (">/dev/full", 1, "error: standard output cannot be written: No space left on device\n"),
    ],
)
def test_what_nodes_say_that_nobody_reads(tmp_path: Path, to: str, status: int, said: str) -> None:
    """It ends the run as what is said here does."""
    (tmp_path / "program.da").write_text(ON_AND_ON)
    file = hosts(tmp_path, "b@127.0.0.1:0\nc@127.0.0.1:0\n")
    command = f"{sys.executable} -m quorate run -q --hosts {file} program.da {to}"
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (status, said)


def test_no_node_outlives_its_run(tmp_path: Path) -> None:
    """Not even if the run is killed."""
    text = "import os\n" + GREETINGS.replace(
        "    send(('welcome'", "    output('as', os.getpid())\n    #"
    )
    (tmp_path / "program.da").write_text(text)
    file = hosts(tmp_path, "b@127.0.0.1:0\nc@127.0.0.1:0\n")
    command = [sys.executable, "-m", "quorate", "run", "--hosts", file, "program.da"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as run:
        assert run.stdout is not None
        nodes: dict[str, int] = {}  # by name, what watches a process there
        for line in run.stdout:
            if found := re.match(r"(\w): .* as (\d+)$", line):
                nodes[found[1]] = nodes.get(found[1]) or os.pidfd_open(int(found[2]))
            if len(nodes) == 2:
                break
        run.kill()
        for watched in nodes.values():
            assert select.select([watched], [], [], 30)[0], "it is still there"
            os.close(watched)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("b@nowhere", "node b cannot be started: ssh does not come to nowhere"),
        ("b@bare", "node b cannot be started: bare has no `quorate`"),
        ("b@127.0.0.1:0 dir=/nowhere", "node b cannot be started on 127.0.0.1: it has ended with"),
    ],
)
def test_a_node_that_cannot_be_started(run: Run, tmp_path: Path, line: str, said: str) -> None:
    ended = run(GREETINGS, "--hosts", hosts(tmp_path, f"c@127.0.0.1:0\n{line}\n"), "program.da")
    assert ended.status == 1
    assert ended.out == []
    assert f"error[Q158]: {said}" in ended.err
    assert re.search(r"^b: .*(nowhere|quorate)", ended.err, re.MULTILINE), "what it said itself"


@pytest.mark.parametrize(
    ("on", "text", "said"),
    [
        ("ssh", "b@here\nb@there\n", "this node is here twice"),
        ("ssh", "# none\n", "there is no node here"),
        ("ssh", "b\n", "`b` has no address"),
        ("ssh", "b@here there\n", "`there` is no option of ssh"),
        ("ssh", "b@here 'x\n", "no closing quotation"),
        ("ssh", "b@-oProxyCommand=x\n", "`-oProxyCommand=x` is no host"),
        ("ray", "b@here\n", "`b@here` has an address"),
        ("ray", "b cpus=many\n", "`cpus=many` is no resource"),
        ("ray", "b 2\n", "`2` is no resource"),
    ],
)
def test_a_file_that_is_no_list_of_hosts(
    run: Run, tmp_path: Path, on: str, text: str, said: str
) -> None:
    ended = run(GREETINGS, "--on", on, "--hosts", hosts(tmp_path, text), "program.da")
    assert ended.status == 2
    assert f"error[Q152]: {said}" in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "ray"], "add --hosts FILE"),
        (["--on", "rsh", "--hosts", "hosts"], "--on rsh: it is ssh, ray, or ray:ADDRESS"),
        (["--on", "ray:", "--hosts", "hosts"], "it is ssh, ray, or ray:ADDRESS"),
        (["--hosts", "hosts", "-D"], "--idle: a run with --hosts needs none, its main runs here"),
        (["--hosts", "hosts", "--cookie", "x"], "it has a secret of its own"),
        (["--hosts", "hosts", "-n", "b"], "b is this node itself"),
    ],
)
def test_options_that_do_not_go_together(
    run: Run, tmp_path: Path, words: list[str], said: str
) -> None:
    hosts(tmp_path, "b@127.0.0.1\n")
    ended = run(GREETINGS, *words, "program.da")
    assert ended.status == 2
    assert said in " ".join(ended.err.split())


HAS_RAY = importlib.util.find_spec("ray") is not None
with_ray = pytest.mark.skipif(not HAS_RAY, reason="needs Ray: pip install 'quorate[ray]'")


@pytest.mark.skipif(HAS_RAY, reason="Ray is installed")
def test_ray_that_is_not_installed(run: Run, tmp_path: Path) -> None:
    ended = run(GREETINGS, "--on", "ray", "--hosts", hosts(tmp_path, "b\n"), "program.da")
    assert (ended.status, ended.out) == (1, [])
    assert "error[Q159]: Ray is not installed" in ended.err


@with_ray
def test_nodes_by_ray(run: Run, tmp_path: Path) -> None:
    """The nodes find the program, and what it imports, in folders of their own."""
    (tmp_path / "words.py").write_text("HELLO = 'hello to'\n")
    text = GREETINGS.replace("'hello to'", "words.HELLO + os.getcwd()")
    ended = run(
        "import os, words\n" + text,
        "--on=ray",
        "--hosts",
        hosts(tmp_path, "b cpus=1\nc"),
        "program.da",
    )
    assert ended.status == 0, ended.err
    said = sorted(re.sub(r"\[.*?\] ", "", line) for line in ended.out)
    folders = {line.partition("/")[2].partition(" ")[0] for line in said[:-1]}
    assert len(folders) == 2
    assert tmp_path.name not in "".join(folders)
    assert said[-1] == GREETED[-1]


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a cluster of Ray, which lets in who has the token of this test."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ray = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"]
    facts = [f"--port={port}", "--node-ip-address=127.0.0.1", "--include-dashboard=false"]
    head = subprocess.Popen(
        [*ray, *facts, "--num-cpus=2", '--resources={"special": 1}'],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert head.stdout is not None
    try:
        assert any("Ray runtime started" in line for line in head.stdout)
        yield f"127.0.0.1:{port}"
    finally:
        head.terminate()  # it ends what it has started
        head.communicate(timeout=60)


@with_ray
def test_a_cluster_that_exists(run: Run, tmp_path: Path, cluster: str) -> None:
    """Its resources are those that the nodes ask for."""
    file = hosts(tmp_path, "b cpus=1\nc cpus=1 special=0.5\n")
    ended = run(GREETINGS, f"--on=ray:{cluster}", "--hosts", file, "program.da")
    assert ended.status == 0, ended.err
    assert sorted(re.sub(r"\[.*?\] ", "", line) for line in ended.out) == GREETED


@with_ray
def test_no_cluster_of_ray(run: Run, tmp_path: Path) -> None:
    on = f"ray:127.0.0.1:{9}"
    ended = run(GREETINGS, "--on", on, "--hosts", hosts(tmp_path, "b\n"), "program.da")
    assert (ended.status, ended.out) == (1, [])
    assert "error[Q159]: no cluster of Ray is found at 127.0.0.1" in ended.err

"""Nodes that a run starts elsewhere, and ends with itself: which, how, and where they listen.

They are started and watched by a process of its own (tending.py), since that of the run forks
workers, and is to have neither threads nor Ray in it. Invariant: a cookie stands on no command
line, and a node ends when its lifeline does, the pipe that is its stdin, whoever has died.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import msgspec
from msgspec import Struct

from quorate.lang.diagnostics import Diagnostics
from quorate.lang.source import Source, Span
from quorate.worlds.real.lines import STDOUT, unwritable
from quorate.worlds.real.membership import PORT_DEFAULT, Address
from quorate.worlds.real.nodelist import NodeError, read_node

END_SECONDS = 10.0
"""How long nodes have to end after the run."""

SSH = "ssh"

_AMOUNT = re.compile(r"[0-9]+([.][0-9]+)?")
_FORMS = {
    True: "write NAME@HOST[:PORT], then dir=FOLDER, quorate=COMMAND, bind=HOST and options of ssh "
    "if need be",
    False: "write NAME, then resources if need be: cpus=2, gpus=1, or those of the cluster's own",
}

_SCRIPT = """\
IFS= read -r QUORATE_COOKIE
export QUORATE_COOKIE
cd {folder} || exit
exec 3<&0
{command} </dev/null 3<&- &
node=$!
{{ cat; kill $node; }} <&3 >/dev/null 2>&1 &
exec 3<&-
wait $node 2>/dev/null
"""


class NotLaunched(Exception):
    """A node could not be started; why has been told."""


class Host(Struct):
    """A line of a hosts file: a node, and what is said of it after its name and address.

    Of `settings`, `dir` says in which folder the program is found there, `quorate` what the command
    is called, `bind` where it listens; with Ray, all are resources. `options` are those of ssh.
    """

    name: str
    host: str
    port: int
    settings: dict[str, str] = {}
    options: list[str] = []


class Launch(Struct):
    """What it takes to start nodes: `on` is "ssh", "ray", or "ray:ADDRESS".

    `arguments` are those of `quorate run` after what says which node it is. The `folder` of the
    program is there already with ssh; to Ray, its `files` go along, by their paths in it.
    """

    on: str
    hosts: list[Host]
    cookie: str
    arguments: list[str]
    folder: str
    files: dict[str, bytes] = {}
    quiet: bool = False
    patience: float = 60.0


def read_hosts(path: str, on: str) -> list[Host]:
    """The nodes of a hosts file, one a line; what follows a `#` is not looked at.

    Raises QuorateSyntaxError with all that is wrong with the file.
    """
    source = Source.read(path)
    found = Diagnostics(source)
    hosts: dict[str, Host] = {}
    for number, line in enumerate(source.lines, 1):
        span = Span(number, len(line) - len(line.lstrip()), number, len(line.rstrip()))
        try:
            words = shlex.split(line, comments=True)
            if not words:
                continue
            host = _host(*words) if on == SSH else _host_on_ray(*words)
            if host.name in hosts:
                raise NodeError("this node is here twice", "give each a name of its own")
            hosts[host.name] = host
        except NodeError as error:
            found.error("Q152", error.message, span, help=error.help)
        except ValueError as error:  # of shlex
            found.error("Q152", str(error).lower(), span, help="close what is open")
    if not hosts:
        found.error("Q152", "there is no node here", Span(1, 0, 1, 0), help=_FORMS[on == SSH])
    found.raise_if_errors()
    return list(hosts.values())


def _host(node: str, *words: str) -> Host:
    """`NAME@HOST[:PORT] [dir=FOLDER] [quorate=COMMAND] [bind=HOST] [OPTIONS OF SSH]`."""
    written = read_node(node)
    if not written.host:
        raise NodeError(f"`{node}` has no address", _FORMS[True])
    settings, options = _settings(words, ("dir", "quorate", "bind"))
    if options and not options[0].startswith("-"):
        raise NodeError(f"`{options[0]}` is no option of ssh", _FORMS[True])
    port = PORT_DEFAULT if written.port is None else written.port
    return Host(written.name, written.host, port, settings, options)


def _host_on_ray(node: str, *words: str) -> Host:
    """`NAME [RESOURCE=NUMBER]...`: where it is to be is for Ray to say."""
    written = read_node(node)
    if written.host:
        raise NodeError(f"`{node}` has an address, which is for Ray to choose", _FORMS[False])
    settings, others = _settings(words)
    for word in (*others, *(f"{key}={value}" for key, value in settings.items())):
        key, _, value = word.partition("=")
        if not (key.isidentifier() and _AMOUNT.fullmatch(value)):
            raise NodeError(f"`{word}` is no resource and how much of it", _FORMS[False])
    return Host(written.name, "", 0, settings)


def _settings(
    words: tuple[str, ...], keys: tuple[str, ...] = ()
) -> tuple[dict[str, str], list[str]]:
    """The words KEY=VALUE, of these keys if any are said, and the others."""
    settings, others = {}, []
    for word in words:
        key, equals, value = word.partition("=")
        if equals and (not keys or key in keys):
            settings[key] = value
        else:
            others.append(word)
    return settings, others


def script(command: list[str], folder: str) -> str:
    """What a shell is to do where a node is to live; the first line of its stdin is the cookie.

    The rest of stdin is the lifeline: when it ends, so does the node.
    """
    return _SCRIPT.format(command=shlex.join(command), folder=shlex.quote(folder))


def node_command(quorate: list[str], host: Host, arguments: list[str]) -> list[str]:
    """The command that runs a node, which waits for what others make there."""
    node = f"{host.name}@{Address(host.host, host.port)}"
    bind = ["--bind", host.settings["bind"]] if "bind" in host.settings else []
    return [*quorate, "run", "-n", node, "--idle", *bind, *arguments]


class Launched:
    """The nodes that have been started. Can be waited for, as long as there is no `trouble`."""

    def __init__(self, tending: socket.socket, addresses: Mapping[str, Address]) -> None:
        self._tending = tending
        self.addresses = addresses

    def fileno(self) -> int:
        return self._tending.fileno()

    def trouble(self) -> str | None:
        """Why it cannot be shown what they say, empty where nobody reads that any more; None if
        the process that shows it is no more, and so nor are they.
        """
        line = self._tending.recv(100)
        error = _error(int(line or 0))
        if isinstance(error, BrokenPipeError):
            return ""
        return unwritable(STDOUT, error) if line else None


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@contextmanager
def launched(launch: Launch) -> Iterator[Launched]:
    """The nodes, which are there as long as this lasts.

    Raises `NotLaunched`, and OSError where it cannot be shown what they say.
    """
    here, there = socket.socketpair()
    tending = subprocess.Popen(
        [sys.executable, "-P", "-c", "from quorate.worlds.real.tending import main; main()"],
        stdin=there.fileno(),
        start_new_session=True,  # an interrupt from the terminal is for the run, which ends them
    )
    there.close()
    try:
        with here:
            here.sendall(msgspec.json.encode(launch) + b"\n")
            with here.makefile("rb") as answers:
                line = answers.readline()
            if not line:
                raise NotLaunched
            told = msgspec.json.decode(line, type=dict[str, Address] | int)
            if isinstance(told, int):
                raise _error(told)
            yield Launched(here, told)
    finally:
        with suppress(subprocess.TimeoutExpired):
            tending.wait(3 * END_SECONDS)

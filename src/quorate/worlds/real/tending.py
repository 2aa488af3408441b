"""The process that starts the nodes of a run elsewhere, shows what they say, and ends them.

Its stdin is an end of a socket, over which the run says what to launch, and is told where the nodes
listen, and if what they say cannot be shown. Invariant: when the run closes it, or dies, the nodes
end.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from typing import IO, NamedTuple, NoReturn, Protocol

import msgspec

from quorate.worlds.real.launching import END_SECONDS, SSH, Host, Launch, node_command, script
from quorate.worlds.real.lines import write_whole
from quorate.worlds.real.membership import Address

Line = tuple[int, bytes]
"""What a node has said, on its stdout (1) or stderr (2)."""

LINE_BYTES_MAX = 1 << 16
LINES_MAX = 1000
"""What waits to be shown; a node that has said more waits too."""

_CALM = ("-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5")
"""Options of ssh, where none are given: ask nobody for anything, and notice who has gone."""

_LISTENS = re.compile(rb"quorate: node \S+ listens on \S+:(\d+)$")


class CannotLaunch(Exception):
    """Why a node cannot be started, and what to do about it."""

    def __init__(self, code: str, message: str, help: str) -> None:
        super().__init__(f"error[{code}]: {message}\n  = help: {help}")


class CannotShow(Exception):
    """What nodes say cannot be written, with the number of the system's error."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.number = number


class Started(Protocol):
    """A node that has been started, or is about to be; `host` is where others reach it."""

    @property
    def host(self) -> str: ...

    def take(self) -> list[Line]:
        """What it has said; waits for something, and is empty when nothing more will come."""

    def end(self) -> None:
        """Have it end by itself."""

    def kill(self) -> None:
        """Have it end at once."""

    def why(self) -> CannotLaunch:
        """Why it does not listen, where it has ended, or has had time enough."""


class Child:
    """A process of this machine that is given a cookie and a lifeline."""

    def __init__(self, words: list[str], cookie: str) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe)
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._lifeline = self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._lifeline.write(cookie.encode() + b"\n")
            self._lifeline.flush()
        self._lines: queue.Queue[Line | None] = queue.Queue(LINES_MAX)
        self._open = 2
        for number, stream in (1, self._process.stdout), (2, self._process.stderr):
            threading.Thread(target=self._read, args=(number, stream), daemon=True).start()

    def _read(self, number: int, stream: IO[bytes]) -> None:
        for line in iter(lambda: stream.readline(LINE_BYTES_MAX), b""):
            self._lines.put((number, line.rstrip(b"\n")))
        self._lines.put(None)

    def take(self) -> list[Line]:
        lines: list[Line] = []
        while self._open and not (lines and self._lines.empty()):
            line = self._lines.get()
            if line is None:
                self._open -= 1
            else:
                lines.append(line)
        return lines

    def status(self) -> int | None:
        """With what it has ended; None while it has not."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0 if self._open else END_SECONDS)
        return self._process.returncode

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._lifeline.close()

    def kill(self) -> None:
        self._process.kill()


class BySsh(Child):
    """A node on another machine, behind the ssh client of this one."""

    def __init__(self, host: Host, launch: Launch) -> None:
        self._name = host.name
        self.host = host.host
        self._quorate = host.settings.get("quorate", "quorate")
        command = node_command(shlex.split(self._quorate), host, launch.arguments)
        there = ["sh", "-c", script(command, host.settings.get("dir", launch.folder))]
        words = [SSH, *host.options, *_CALM, "--", host.host, shlex.join(there)]
        super().__init__(words, launch.cookie)

    def why(self) -> CannotLaunch:
        host, status = self.host, self.status()
        if status == 255:  # of ssh itself
            return CannotLaunch(
                "Q158",
                f"node {self._name} cannot be started: ssh does not come to {host}",
                f"make `ssh -o BatchMode=yes {host} true` work, without a password; options of "
                "ssh may stand in the hosts file",
            )
        if status == 127:  # of a shell
            return CannotLaunch(
                "Q158",
                f"node {self._name} cannot be started: {host} has no `{self._quorate}`",
                "install Quorate there, or say in the hosts file what it is called there, as in "
                "quorate=/opt/quorate/bin/quorate",
            )
        return not_listening(self._name, f" on {host}", status)


def not_listening(name: str, where: str, status: int | None) -> CannotLaunch:
    """Why there is no node, where neither ssh nor Ray is to blame."""
    how = "does not say that it listens" if status is None else f"has ended with status {status}"
    return CannotLaunch(
        "Q158",
        f"node {name} cannot be started{where}: it {how}",
        "see what it has said; the program has to be there, in the folder dir= of the hosts file",
    )


class Event(NamedTuple):
    """A node listens, or has ended; or the run is over, for which there is no name."""

    name: str
    address: Address | None = None


Events = queue.Queue[Event | CannotShow]


class Tender:
    """Shows what nodes say, and knows when they listen and end."""

    def __init__(self, nodes: Mapping[str, Started], launch: Launch, events: Events) -> None:
        self._nodes = nodes
        self._launch = launch
        self._events = events
        self._shows = True
        self._showing = threading.Lock()
        self._watching = [
            threading.Thread(target=self._watch, args=each, daemon=True) for each in nodes.items()
        ]
        for thread in self._watching:
            thread.start()

    def _watch(self, name: str, node: Started) -> None:
        while lines := node.take():
            for number, line in lines:
                listens = _LISTENS.match(line)
                if listens and number == 2:
                    self._events.put(Event(name, Address(node.host, int(listens[1]))))
                elif not (self._launch.quiet and line.startswith(b"quorate: ")):
                    self._show(number, f"{name}: ".encode() + line)
        self._events.put(Event(name))

    def _show(self, number: int, line: bytes) -> None:
        """Show a line; none any more once one could not be."""
        with self._showing:
            if self._shows:
                try:
                    show(number, line)
                except OSError as error:
                    self._shows = False
                    self._events.put(CannotShow(error.errno or 0))

    def addresses(self) -> dict[str, Address] | None:
        """Where all of them listen; None if the run is over before.

        Raises `CannotLaunch` and `CannotShow`.
        """
        found: dict[str, Address] = {}
        until = time.monotonic() + self._launch.patience
        while len(found) < len(self._nodes):
            try:
                event = self._events.get(timeout=max(0, until - time.monotonic()))
            except queue.Empty:
                late = next(name for name in self._nodes if name not in found)
                raise self._nodes[late].why() from None
            if isinstance(event, CannotShow):
                raise event
            if not event.name:
                return None
            if event.address is None:
                raise self._nodes[event.name].why()
            found[event.name] = event.address
        return found

    def until_over(self) -> None:
        """Wait for the end of the run. Raises `CannotShow`."""
        while not isinstance(event := self._events.get(), CannotShow):
            if not event.name:
                return
        raise event

    def end(self) -> None:
        """Have all nodes end, and show their last words."""
        until = time.monotonic() + END_SECONDS
        for node in self._nodes.values():
            node.end()
        for node, thread in zip(self._nodes.values(), self._watching, strict=True):
            thread.join(max(0, until - time.monotonic()))
            node.kill()


def show(number: int, line: bytes) -> None:
    """Write a line at once, so that none of the run's comes in between. Raises OSError."""
    write_whole(number, line + b"\n")


@contextlib.contextmanager
def by_ssh(launch: Launch) -> Iterator[Mapping[str, Started]]:
    """All nodes, started by ssh."""
    yield {host.name: BySsh(host, launch) for host in launch.hosts}


def tend(launch: Launch, run: socket.socket, events: Events) -> int:
    """Start the nodes, and have them end with the run: the status of this process."""
    with contextlib.ExitStack() as stack:
        try:
            if launch.on == SSH:
                nodes = stack.enter_context(by_ssh(launch))
            else:
                from quorate.worlds.real.on_ray import on_ray

                nodes = stack.enter_context(on_ray(launch))
            tender = Tender(nodes, launch, events)
            stack.callback(tender.end)
            addresses = tender.addresses()
            if addresses is not None:
                run.sendall(msgspec.json.encode(addresses) + b"\n")
                tender.until_over()
        except CannotLaunch as error:
            with contextlib.suppress(OSError):  # there is a status, too
                show(2, str(error).encode())
            return 1
        except CannotShow as error:
            run.sendall(b"%d\n" % error.number)
            tender.until_over()  # so that what becomes of the nodes does not come before
    return 0


def _wait(run: socket.socket, events: Events) -> None:
    """Tell when the run is over, and see to it that this process soon is, too."""
    with contextlib.suppress(OSError):
        run.recv(1)
    events.put(Event(""))
    time.sleep(2 * END_SECONDS)
    os._exit(1)


def main() -> NoReturn:
    """All that this process does."""
    run = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # nobody who is started is to read the socket
    with run.makefile("rb") as orders:
        launch = msgspec.json.decode(orders.readline(), type=Launch)
    events: Events = queue.Queue()
    threading.Thread(target=_wait, args=(run, events), daemon=True).start()
    os._exit(tend(launch, run, events))  # threads may still wait for nodes that do not answer

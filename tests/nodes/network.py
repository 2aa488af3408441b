"""Two hosts on one machine: namespaces of the network, and a wire between them made in Python.

The wire is what `tc netem` would be where the kernel has it: it carries packets between a TUN
device in each namespace, and can be cut in either direction, be slow, and lose datagrams by a seed.
Invariant: whoever leaves `Network` leaves no namespace, device or process behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import itertools
import os
import random
import select
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HOSTS = {"a": "10.77.0.1", "b": "10.77.0.2"}
PACKET_BYTES_MAX = 1 << 16
SECONDS_MAX = 60
_TUN = "/dev/net/tun"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_PROTOCOL = 9  # of an IPv4 header, the offset
_UDP = 17
_numbers = itertools.count()


class NotPermitted(Exception):
    """This machine does not let us make networks; the text says why."""


class Wire(threading.Thread):
    """Carries packets from each of two devices to the other; the cutter sees what is lost."""

    def __init__(self, ends: dict[str, int]) -> None:
        super().__init__(daemon=True)
        self.delay = 0.0  # seconds one way
        self.loss = 0.0  # of datagrams, the share
        self.carried = dict.fromkeys(ends, 0)  # by who has sent it
        self.lost = dict.fromkeys(ends, 0)
        self._ends = ends
        self._cut: set[str] = set()
        self._random = random.Random(1)
        self._changed = threading.Condition()
        self._under_way: list[tuple[float, int, str, bytes]] = []
        self._end, self._ender = os.pipe()

    def cut(self, *senders: str) -> None:
        """Carry nothing of what these hosts send, both if none is named."""
        self._cut = {*(senders or self._ends)}

    def cut_for(self, packets: int, *senders: str) -> None:
        """The same until so many packets have been lost, which somebody then sends again."""
        enough = sum(self.lost.values()) + packets
        self.cut(*senders)
        with self._changed:
            lost = self._changed.wait_for(lambda: sum(self.lost.values()) >= enough, SECONDS_MAX)
        assert lost, "nobody sends anything"
        self._cut = set()

    def run(self) -> None:
        names = {end: name for name, end in self._ends.items()}
        while True:
            now = time.monotonic()
            while self._under_way and self._under_way[0][0] <= now:
                self._deliver(*heapq.heappop(self._under_way)[2:])
            timeout = max(0.0, self._under_way[0][0] - now) if self._under_way else None
            ready, _, _ = select.select([*names, self._end], [], [], timeout)
            for end in ready:
                if end == self._end:
                    return
                self._take(names[end], os.read(end, PACKET_BYTES_MAX))

    def _take(self, sender: str, packet: bytes) -> None:
        if packet[0] >> 4 != 4:
            return
        is_datagram = packet[_PROTOCOL] == _UDP
        if sender in self._cut or (is_datagram and self._random.random() < self.loss):
            with self._changed:
                self.lost[sender] += 1
                self._changed.notify_all()
        elif self.delay:
            due = time.monotonic() + self.delay
            heapq.heappush(self._under_way, (due, next(_numbers), sender, packet))
        else:
            self._deliver(sender, packet)

    def _deliver(self, sender: str, packet: bytes) -> None:
        [there] = [end for name, end in self._ends.items() if name != sender]
        os.write(there, packet)
        self.carried[sender] += 1

    def close(self) -> None:
        os.close(self._ender)
        self.join(SECONDS_MAX)
        for end in (self._end, *self._ends.values()):
            os.close(end)


class Node:
    """A node that runs on a host; `out` are the lines that it prints, until it ends."""

    def __init__(self, command: list[str], folder: Path, env: dict[str, str]) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - `close` does
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        assert self._process.stdout is not None
        self.out = self._process.stdout

    def end(self, number: int = 0) -> tuple[int, str]:
        """Its status, and what it has said of itself, once it has ended, by a signal if need be."""
        self._process.send_signal(number)
        status = self._process.wait(SECONDS_MAX)
        self._errors.seek(0)
        return status, self._errors.read()

    def close(self) -> None:
        self.end(signal.SIGKILL)
        self.out.close()
        self._errors.close()


class Network:
    """The hosts `a` and `b` with nothing else in the world; raises NotPermitted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark = f"quorate-{os.getpid()}-{next(_numbers)}"
        self._nodes: list[Node] = []
        self._wire: Wire | None = None
        ends: dict[str, int] = {}
        try:
            for host, address in HOSTS.items():
                space = self._space(host)
                _ip("netns", "add", space)
                ends[host] = _device(device := f"q{os.getpid() % 10**7}{host}")
                _ip("link", "set", device, "netns", space)
                _ip("-n", space, "address", "add", f"{address}/24", "dev", device)
                _ip("-n", space, "link", "set", device, "up")
                _ip("-n", space, "link", "set", "lo", "up")
        except (OSError, NotPermitted) as error:
            for end in ends.values():
                os.close(end)
            self.close()
            raise NotPermitted(f"no networks can be made here: {error}") from None
        self.wire = self._wire = Wire(ends)
        self.wire.start()

    def _space(self, host: str) -> str:
        return f"{self._mark}-{host}"

    def command(self, host: str, *words: str) -> list[str]:
        """What runs a command on a host."""
        return ["ip", "netns", "exec", self._space(host), *words]

    def node(self, host: str, *words: str) -> Node:
        """Begin the node of a host, called as it is, which others reach there."""
        runtime = self._folder / f"runtime-{host}"
        runtime.mkdir(exist_ok=True)
        env = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(runtime),
            "QUORATE_COOKIE": "of both hosts, and of nobody else",
            "PYTHONUNBUFFERED": "1",
        }
        quorate = [sys.executable, "-m", "quorate", "run", "-n", f"{host}@{HOSTS[host]}"]
        node = Node(self.command(host, *quorate, *words), self._folder, env)
        self._nodes.append(node)
        return node

    def break_connections(self) -> bool:
        """Have the system end what is connected, which both sides notice; whether it can."""
        words = ("ss", "-K", "-tn", "state", "established", "dst", HOSTS["b"])
        done = _run(*self.command("a", *words))
        return done.returncode == 0 and HOSTS["b"] in done.stdout

    def close(self) -> None:
        for node in self._nodes:
            node.close()
        if self._wire is not None:
            self._wire.close()
        for host in HOSTS:
            with contextlib.suppress(OSError):
                _run("ip", "netns", "delete", self._space(host))


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


def _ip(*words: str) -> None:
    try:
        done = _run("ip", *words)
    except FileNotFoundError:
        raise NotPermitted("there is no command `ip` (iproute2)") from None
    if done.returncode != 0:
        raise NotPermitted(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _device(name: str) -> int:
    """A new TUN device: what is written to it arrives, and what is sent to it can be read."""
    end = os.open(_TUN, os.O_RDWR)
    try:
        fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    except BaseException:
        os.close(end)
        raise
    return end

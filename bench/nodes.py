"""What a message between two nodes costs, beside bare asyncio streams, and what a slow node holds.

    python bench/nodes.py [--messages N] [--seconds S] [--json FILE] [--markdown]

Both nodes are on this machine, with TLS off and on. A sender is then ten times as fast as its
receiver for S seconds, while the memory of both sides is sampled: docs/performance.md has more.
Status 1 when something could not be measured that should have been, 0 otherwise.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import suite
from measure import MeasureError, results
from report import Comparison
from suite import HERE, Measurement, Run

SAMPLE_S = 0.1
SENDER_MIB_MAX, RECEIVER_MIB_MAX = 64, 256
"""What the default bounds come to: 8 MiB that have not arrived, and 65,536 messages of 1 kB."""

COMPARISONS = (
    *(
        Comparison(
            f"one way between two nodes{title}",
            f"ours.{kind}.one_way.messages_per_s",
            "messages/s",
            f"asyncio streams{title}",
            f"streams.{kind}.one_way.messages_per_s",
        )
        for kind, title in (("plain", ""), ("tls", ", TLS"))
    ),
    *(
        Comparison(
            f"round trip between two nodes{title}",
            f"ours.{kind}.round_trip.round_trips_per_s",
            "round trips/s",
            f"asyncio streams{title}",
            f"streams.{kind}.round_trip.round_trips_per_s",
        )
        for kind, title in (("plain", ""), ("tls", ", TLS"))
    ),
    Comparison(
        "most memory of a sender's node in {seconds} s, its receiver a tenth as fast",
        "ours.slow.sender_mib",
        "MiB",
        goal=SENDER_MIB_MAX,
        at_least=False,
    ),
    Comparison(
        "most memory of that receiver's node",
        "ours.slow.receiver_mib",
        "MiB",
        goal=RECEIVER_MIB_MAX,
        at_least=False,
    ),
    Comparison("what this receiver takes", "ours.slow.messages_per_s", "messages/s"),
)


class Nodes:
    """Two nodes of one program: `b` idle in the background, `a` measured as a command."""

    def __init__(
        self, options: argparse.Namespace, folder: Path, files: Mapping[str, Path]
    ) -> None:
        self._options = options
        self._env = {"XDG_RUNTIME_DIR": str(folder)}
        self._files = files

    def _command(self, node: str, *words: str) -> list[str]:
        run = [*self._options.quorate, "run", "--workers", "1", "-n", node]
        if self._files:
            files = {"cert": f"{node}.crt", "key": f"{node}.key", "ca": "ca.crt"}
            run += [
                w for kind, name in files.items() for w in (f"--tls-{kind}", str(self._files[name]))
            ]
        return [*run, *words]

    def measure(self, *words: str, sampled: bool = False) -> dict[str, float]:
        """What `a` says, and if `sampled` the most memory that each side has had."""
        program = str(HERE / "programs" / "nodes.da")
        idle = subprocess.Popen(
            self._command("b", "--idle", program),
            env={**os.environ, **self._env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            assert idle.stderr is not None
            if b"listens" not in (said := idle.stderr.readline()):
                raise MeasureError(f"node b: {said.decode().strip()}")
            command = self._command("a", program, *words)
            if not sampled:
                return results(command, self._env, self._options.limit)
            with Sampled(idle.pid) as memory:
                found = results(command, self._env, self._options.limit)
            return {**found, **memory.peaks}
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(idle.pid, signal.SIGKILL)
            idle.communicate()


class Sampled(threading.Thread):
    """The memory of both sides while this lasts: the idle node, and the command that runs now."""

    def __init__(self, idle: int) -> None:
        super().__init__(daemon=True)
        self._idle = idle
        self._over = threading.Event()
        self.peaks = {"sender_mib": 0.0, "receiver_mib": 0.0}

    def __enter__(self) -> Sampled:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(SAMPLE_S):
            parents = parents_of_all()
            sender = below(self._idle, parents)
            receiver = below(os.getpid(), parents) - sender - {os.getpid()}
            for name, pids in (("sender_mib", sender), ("receiver_mib", receiver)):
                self.peaks[name] = max(self.peaks[name], sum(map(memory_mib, pids)))


def parents_of_all() -> dict[int, int]:
    """The parent of each process of this machine."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    return parents


def below(pid: int, parents: Mapping[int, int]) -> set[int]:
    """A process, and all that have been begun by it, or by those."""
    found, new = set[int](), {pid}
    while new:
        found |= new
        new = {child for child, parent in parents.items() if parent in new} - found
    return found


def memory_mib(pid: int) -> float:
    """The memory of a process, its share of what it has in common with others; 0 if it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def certificates(folder: Path) -> dict[str, Path]:
    """An authority, and what it has signed for both nodes, as docs/nodes.md makes them."""
    new = "openssl req -x509 -newkey ed25519 -noenc"
    commands = [f"{new} -subj /CN=nodes -keyout ca.key -out ca.crt"]
    commands += [
        f"{new} -subj /CN={node} -addext subjectAltName=DNS:{node}"
        " -addext basicConstraints=critical,CA:FALSE"
        f" -CA ca.crt -CAkey ca.key -keyout {node}.key -out {node}.crt"
        for node in ("a", "b")
    ]
    for command in commands:
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return {path.name: path for path in folder.iterdir()}


def measurements(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Measurement]]:
    """Everything, without TLS and with it."""
    (folder / "tls").mkdir()
    files = certificates(folder / "tls")
    sizes = {"one_way": options.messages, "round_trip": options.messages // 10}
    for kind, own in {"plain": {}, "tls": files}.items():
        nodes = Nodes(options, folder, own)
        words = [str(own[name]) for name in ("a.crt", "a.key", "ca.crt") if own]
        for what, count in sizes.items():
            streams = [sys.executable, str(HERE / "streams.py"), what, str(count), *words]
            yield f"ours.{kind}.{what}", partial(nodes.measure, what, str(count))
            yield f"streams.{kind}.{what}", partial(results, streams, {}, options.limit)
    slow = Nodes(options, folder, {})
    yield "ours.slow", partial(slow.measure, "slow", str(options.seconds), sampled=True)


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Runs everything; the whole run as plain data, ready for JSON."""
    run = Run()
    with tempfile.TemporaryDirectory() as folder:
        run.repeat([*measurements(options, Path(folder))], options.repetitions)
    counts = {"messages": options.messages, "seconds": options.seconds}
    return run.summary(options.repetitions, counts)


def parser() -> argparse.ArgumentParser:
    """The options; counts are for one repetition."""
    options = suite.parser("Measures what a message between two nodes costs.")
    options.add_argument("--messages", type=int, default=200_000)
    options.add_argument("--seconds", type=int, default=60, help="of the sender that is too fast")
    return options


if __name__ == "__main__":
    sys.exit(suite.main("nodes", parser().parse_args(), measured, COMPARISONS))

"""The floor under a round trip: an echo between two operating-system processes.

One Unix stream socket, asyncio protocols, uvloop where it is installed; a frame goes out, comes
back whole, and the next one goes. Nothing is decoded, matched or handled.
Prints the same kind of RESULT lines as the programs it stands beside.

    python echo.py [ROUNDS [WARMUP [BYTES]]]
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import cast


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A uvloop, or asyncio's own loop where uvloop is not installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


class Echo(asyncio.Protocol):
    """Sends back what it receives; ends its loop when the other side closes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.loop.stop()


class Caller(asyncio.Protocol):
    """Sends one frame at a time, and takes the time from the end of the warm-up to the last one."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, rounds: int, warmup: int, size_bytes: int
    ) -> None:
        self.loop = loop
        self.rounds = rounds
        self.warmup = warmup
        self.frame = b"x" * size_bytes
        self.missing_bytes = size_bytes
        self.count = 0
        self.begin_s = 0.0
        self.elapsed_s = 0.0
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)  # uvloop's is no subclass
        self.transport.write(self.frame)

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        self.missing_bytes -= len(data)
        if self.missing_bytes > 0:
            return
        self.missing_bytes = len(self.frame)
        self.count += 1
        if self.count == self.warmup:
            self.begin_s = time.perf_counter()
        if self.count == self.warmup + self.rounds:
            self.elapsed_s = time.perf_counter() - self.begin_s
            self.transport.close()
        else:
            self.transport.write(self.frame)

    def connection_lost(self, error: Exception | None) -> None:
        self.loop.stop()


Factory = Callable[[asyncio.AbstractEventLoop], asyncio.Protocol]


def serve(end: socket.socket, factory: Factory) -> asyncio.Protocol:
    """Runs one protocol on one end of the pair until its connection is lost; the protocol."""
    loop = new_event_loop()
    connecting = loop.create_unix_connection(lambda: factory(loop), sock=end)
    _, protocol = loop.run_until_complete(connecting)
    loop.run_forever()
    loop.close()
    return protocol


def main(rounds: int, warmup: int, size_bytes: int) -> None:
    """Forks the echoing side, runs the calling side here, prints what it measured."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    child = os.fork()
    if child == 0:
        here.close()
        serve(there, Echo)
        os._exit(0)
    there.close()
    caller = serve(here, lambda loop: Caller(loop, rounds, warmup, size_bytes))
    os.waitpid(child, 0)
    assert isinstance(caller, Caller)
    assert caller.elapsed_s > 0, "the echo ended before its last round"
    print("RESULT round_trips_per_s", rounds / caller.elapsed_s)
    print("RESULT uvloop", int("uvloop" in sys.modules))


if __name__ == "__main__":
    argv = [int(word) for word in sys.argv[1:]]
    total = argv[0] if argv else 20_000
    main(total, argv[1] if len(argv) > 1 else max(1, total // 10), argv[2] if argv[2:] else 64)

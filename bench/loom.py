"""Ping-pong in simloom, which simulates programs of asyncio: `pip install simloom`, Python 3.12.

    python loom.py streams|datagrams [ROUNDS]

Two hosts, one number that goes back and forth. Streams are what the program beside it asks for,
`config(channel='fifo')`: all arrives, in order. Datagrams may be lost, and are the least that
simloom can send. Prints the same kind of RESULT line as what it stands beside in bench/simulate.py.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import simloom

Talk = Callable[[], Awaitable[None]]


def streams(rounds: int) -> tuple[Talk, Talk]:
    """Who answers, and who asks, on a stream: a line for a message."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)

    async def serve() -> None:
        await asyncio.start_server(echo, "echo", 1)
        await asyncio.sleep(10**9)

    async def call() -> None:
        reader, writer = await asyncio.open_connection("echo", 1)
        for n in range(rounds):
            writer.write(b"%d\n" % n)
            await reader.readline()

    return serve, call


def datagrams(rounds: int) -> tuple[Talk, Talk]:
    """The same by datagrams, each answered where it comes in."""

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            self.transport.sendto(data, addr)

    class Caller(Echo):
        def __init__(self) -> None:
            self.done = asyncio.get_running_loop().create_future()

        def datagram_received(self, data: bytes, addr: Any) -> None:
            n = int(data)
            if n == rounds:
                self.done.set_result(None)
            else:
                self.transport.sendto(b"%d" % (n + 1), addr)

    async def serve() -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=("echo", 1))
        await asyncio.sleep(10**9)

    async def call() -> None:
        loop = asyncio.get_running_loop()
        transport, caller = await loop.create_datagram_endpoint(Caller, local_addr=("caller", 2))
        transport.sendto(b"1", ("echo", 1))
        await caller.done

    return serve, call


def loom(talk: tuple[Talk, Talk], rounds: int) -> None:
    """Run both in one simulated world, on the CPU's clock."""

    async def main(world: Any) -> None:
        serve, call = talk
        world.host("echo").spawn(serve)
        await asyncio.sleep(1)
        await world.host("caller").spawn(call)

    begun = time.process_time()
    simloom.run(main, seed=1)
    print("RESULT messages_per_s", 2 * rounds / (time.process_time() - begun))


if __name__ == "__main__":
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    loom({"streams": streams, "datagrams": datagrams}[sys.argv[1]](rounds), rounds)

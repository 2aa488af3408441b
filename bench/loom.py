"""Ping-pong in simloom, which simulates programs of asyncio: `pip install simloom`, Python 3.12.

Prints the same kind of RESULT line as what it stands beside in bench/simulate.py.

    python loom.py [ROUNDS]
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import simloom


def loom(rounds: int) -> None:
    """Two hosts, one datagram that goes back and forth, and its number one more each time."""

    async def main(world: Any) -> None:
        done = asyncio.get_running_loop().create_future()

        class Echo(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: Any) -> None:
                self.transport.sendto(data, addr)

        class Caller(Echo):
            def datagram_received(self, data: bytes, addr: Any) -> None:
                n = int(data)
                if n == rounds:
                    done.set_result(None)
                else:
                    self.transport.sendto(b"%d" % (n + 1), addr)

        async def serve() -> None:
            loop = asyncio.get_running_loop()
            await loop.create_datagram_endpoint(Echo, local_addr=("echo", 1))
            await asyncio.sleep(10**9)

        async def call() -> None:
            loop = asyncio.get_running_loop()
            transport, _ = await loop.create_datagram_endpoint(Caller, local_addr=("caller", 2))
            transport.sendto(b"1", ("echo", 1))
            await done

        world.host("echo").spawn(serve)
        await asyncio.sleep(1)
        await world.host("caller").spawn(call)

    begun = time.process_time()
    simloom.run(main, seed=1)
    print("RESULT messages_per_s", 2 * rounds / (time.process_time() - begun))


if __name__ == "__main__":
    loom(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

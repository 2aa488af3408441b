"""The floor under what goes between two nodes: bare asyncio streams between two processes.

TCP on loopback, uvloop where it is installed, TLS if files for it are given; messages are short
frames with a length. Nothing is decoded, numbered or acknowledged.

    python streams.py one_way|round_trip MESSAGES [CERT KEY CA]
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import time

from echo import new_event_loop

BODY = b"x" * 24
FRAME = len(BODY).to_bytes(4, "little") + BODY
TURN = 100


async def take(reader: asyncio.StreamReader) -> bytes:
    """One message."""
    size = int.from_bytes(await reader.readexactly(4), "little")
    return await reader.readexactly(size)


async def other_side(port: int, what: str, count: int, files: list[str]) -> None:
    """Sends, or answers what comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context(files, None))
    for n in range(count):
        if what == "round_trip":
            await take(reader)
        writer.write(FRAME)
        if what == "round_trip" or n % TURN == 0:
            await writer.drain()
    await writer.drain()
    await reader.read()  # until this side is done


async def this_side(what: str, count: int, files: list[str]) -> None:
    """Listens, forks the other side, and measures."""
    done: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begin_s = time.perf_counter()
        for _ in range(count):
            if what == "round_trip":
                writer.write(FRAME)
                await writer.drain()
            await take(reader)
        done.set_result(time.perf_counter() - begin_s)
        writer.close()

    tls = context(files, ssl.Purpose.CLIENT_AUTH)
    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    words = [sys.executable, __file__, f"{what}@{port}", str(count), *files]
    child = await asyncio.create_subprocess_exec(*words)
    unit = "round_trips_per_s" if what == "round_trip" else "messages_per_s"
    print("RESULT", unit, count / await done)
    await child.wait()
    server.close()


def context(files: list[str], purpose: ssl.Purpose | None) -> ssl.SSLContext | None:
    """Both sides show a certificate, as nodes do; None without files."""
    if not files:
        return None
    cert, key, ca = files
    made = ssl.create_default_context(purpose or ssl.Purpose.SERVER_AUTH, cafile=ca)
    made.load_cert_chain(cert, key)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def main(what: str, count: int, files: list[str]) -> None:
    """Either side, by whether a port is named."""
    name, _, port = what.partition("@")
    loop = new_event_loop()
    if port:
        loop.run_until_complete(other_side(int(port), name, count, files))
        os._exit(0)
    loop.run_until_complete(this_side(name, count, files))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])

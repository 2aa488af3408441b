"""An explorer that serves a program, in a thread, and requests to it."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from quorate.web.answers import Exploration
from quorate.web.server import Server
from quorate.worlds.base import command_line, surroundings
from quorate.worlds.check.explore import Bounds
from quorate.worlds.check.retelling import Program
from quorate.worlds.check.run import load_for_checking


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return msgspec.json.decode(self.body)


@contextmanager
def serving(path: Path, *args: str, **bounds: Any) -> Iterator[Server]:
    """A server of the program at `path`, until the end of the block."""
    with command_line(path, args), surroundings(0):
        module = load_for_checking(path)
    server = Server(Exploration(module, Program(str(path), args), Bounds(**bounds)))
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive()


def request(
    server: Server,
    method: str,
    what: str,
    body: bytes | None = None,
    /,
    **headers: str | None,
) -> Reply:
    """Ask for /TOKEN/what, or for what begins with a slash, as the page does.

    Headers are named with `_`; None leaves one out that would be sent.
    """
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Host": f"127.0.0.1:{server.port}"}
    if body is not None:
        sent |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    path = what if what.startswith("/") else f"/{server.token}/{what}"
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in (sent | given).items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders()
    if body:
        connection.send(body)
    response = connection.getresponse()
    found = Reply(response.status, dict(response.getheaders()), response.read())
    connection.close()
    return found


def post(server: Server, what: str, data: Any) -> Reply:
    return request(server, "POST", what, msgspec.json.encode(data))

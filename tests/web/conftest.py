"""A program that is explored: clients of a lock, one of which gives up, and gives back too much."""

from collections.abc import Iterator

import pytest

from locks import SERVER
from quorate.web.server import Server
from serving import serving

LOCK = (
    SERVER
    + """
class Client(process):
    def setup(server):
        self.inside = False
    def run():
        send(('acquire',), to=server)
        if await(some(received(('granted',)))):
            inside = True
            -- critical_section
            inside = False
        elif timeout(1):
            pass
        send(('release',), to=server)

@always
def alone():
    return each(p in Client, q in Client, has=p == q or not (p.inside and q.inside))

def main():
    server = new(Server, ())
    start(server)
    start(new(Client, (server,), num=3))
"""
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("web") / "lock.da"
    path.write_text(LOCK)
    with serving(path, timeouts=1) as server:
        yield server

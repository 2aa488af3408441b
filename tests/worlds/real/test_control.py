"""What the node and its workers tell each other arrives as it was told."""

import errno
import socket
from typing import Any

import pytest

from quorate.worlds.real import control as ct


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (ct.Failed("boo", True), ct.Failed("boo", True)),
        (ct.Failed("a\udc80b é", False), ct.Failed("a\\udc80b é", False)),
        (ct.Stands(3, [((1, 2), "P\ud800", True)]), ct.Stands(3, [((1, 2), "P\\ud800", True)])),
    ],
)
def test_any_text_crosses(sent: ct.Message, arrives: ct.Message) -> None:
    one, two = map(ct.Channel, ct.pair())
    one.send(sent)
    assert two.receive() == [arrives]
    one.close()
    two.close()


def test_sockets_that_there_is_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: Any) -> tuple[bytes, list[int], int, None]:
        return b"x", [], socket.MSG_CTRUNC, None

    monkeypatch.setattr(socket, "recv_fds", cut)
    one, two = map(ct.Channel, ct.pair())
    with pytest.raises(OSError, match="Too many open files"):
        two.receive()
    one.close()
    two.close()


def test_a_lack_of_something_is_no_fault_of_ours() -> None:
    refused = "error: the system refuses what the run needs: [Errno 24] too many"
    assert ct.trouble((1,), OSError(errno.EMFILE, "too many")) == ct.Unable(refused)
    assert ct.trouble((1,), MemoryError()) == ct.Unable("error: worker 1 has no memory left")
    told = ct.trouble((), ValueError("boo"))
    assert isinstance(told, ct.Failed)
    assert told.ours
    assert told.text.startswith("worker main: ValueError: boo")

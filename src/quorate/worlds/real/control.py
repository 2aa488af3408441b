"""What the node and its workers tell each other, and the channel that carries it.

A channel is one end of a Unix socket pair made before the worker is forked; sockets between
workers travel over it too. Invariant: the node never blocks on a worker.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import traceback
from collections import deque
from typing import Any

import msgspec
from msgspec import Struct

from quorate.net.values import UnknownName
from quorate.worlds.real.census import Change
from quorate.worlds.real.program import NodeRow, Place, Row

Path = tuple[int, ...]

STUCK = "nothing can happen any more"
"""The reason of a `Stop` that has been reported, with where all processes stand."""

# From a worker to the node.


class Lives(Struct, tag=0, array_like=True):
    """Processes that have been started, have ended and the like."""

    changes: list[Change]


class Tally(Struct, tag=1, array_like=True):
    """(peer, sent to it, taken from it) since the beginning; `round` 0 where nobody asked."""

    round: int
    busy: bool
    counts: list[tuple[Place, int, int]]


class Wants(Struct, tag=2, array_like=True):
    """A connection with another place is wanted."""

    place: Place


class Failed(Struct, tag=3, array_like=True):
    """A process failed; `ours` says that not the program is to blame.

    `origin` is the node whose main the process comes from.
    """

    text: str
    ours: bool
    origin: str = ""


class Stands(Struct, tag=4, array_like=True):
    """Where the processes of a worker stand: (path, report, whether it has been started)."""

    round: int
    reports: list[tuple[Path, str, bool]]


class Busy(Struct, tag=7, array_like=True):
    """A step is under way, and where in the program; not asked for, but prompted by a signal."""

    report: str


class Unable(Struct, tag=5, array_like=True):
    """The run cannot go on; `reason` is empty where nobody reads its output any more."""

    reason: str


class Summary(Struct, tag=6, array_like=True):
    """A worker's last words."""

    processes: int
    messages: int
    counts: list[tuple[Place, int, int]]
    unstarted: list[str]
    stats: list[Row]
    nodes: list[NodeRow]
    unreached: list[str]


class Spread(Struct, tag=8, array_like=True):
    """From now on processes live in all places: the other workers, and what a Placement says."""

    shift: int
    pids: list[int]


# Of other nodes: between the worker that is connected with them, and this node.


class Note(Struct, tag=20, array_like=True):
    """What another node says to this one, or is to be told by it: one of `notes`."""

    node: str
    note: bytes


class Met(Struct, tag=21, array_like=True):
    """Another node is connected; an `idle` one has no main."""

    node: str
    idle: bool


class Left(Struct, tag=22, array_like=True):
    """Another node has said good-bye, with its exit status."""

    node: str
    status: int
    reason: str


class Lost(Struct, tag=23, array_like=True):
    """Another node is no more, without a good-bye, which an error of this `code` tells.

    `help` says what to do where it was never there, as the two do not go together.
    """

    node: str
    reason: str
    code: str = "Q149"
    help: str = ""


class Clear(Struct, tag=24, array_like=True):
    """End all that comes from the main of another node: this node has every other worker do so."""

    origin: str


class Cleared(Struct, tag=25, array_like=True):
    """That has been done."""

    origin: str


class Said(Struct, tag=26, array_like=True):
    """Something to be reported."""

    text: str
    level: int


# From the node to a worker.


class Granted(Struct, tag=10, array_like=True):
    """A connection with a place; its socket comes along."""

    place: Place


class Gone(Struct, tag=11, array_like=True):
    """The place is no more; what was for it is dropped."""

    place: Place


class Count(Struct, tag=12, array_like=True):
    """Answer with a Tally of this round."""

    round: int


class Where(Struct, tag=13, array_like=True):
    """Answer with Stands of this round."""

    round: int


class Stop(Struct, tag=14, array_like=True):
    """The run is over: answer with a Summary and exit.

    Other nodes are told that this one leaves, with its exit status, and why.
    """

    status: int = 0
    reason: str = ""


Message = (
    Lives
    | Tally
    | Wants
    | Failed
    | Stands
    | Busy
    | Unable
    | Summary
    | Spread
    | Granted
    | Gone
    | Count
    | Where
    | Stop
    | Note
    | Met
    | Left
    | Lost
    | Clear
    | Cleared
    | Said
)


def trouble(place: Place, error: BaseException) -> Failed | Unable:
    """What comes out of no step of the program: a lack of something, or a fault of ours."""
    if isinstance(error, MemoryError):
        return Unable(f"error: {worker_name(place)} has no memory left")
    if isinstance(error, OSError):
        return Unable(f"error: the system refuses what the run needs: {error}")
    if isinstance(error.__cause__, UnknownName):
        what = f"a message cannot be taken in {worker_name(place)}: {error.__cause__}"
        help = "import its module at the top of the program: all workers have what is there"
        return Unable(f"error[Q106]: {what}\n  = help: {help}")
    text = f"{worker_name(place)}: {''.join(traceback.format_exception(error))}"
    return Failed(text, True)


def worker_name(place: Place) -> str:
    return f"worker {'.'.join(map(str, place)) or 'main'}"


class Channel:
    """One end of a control connection: messages, and sockets that come along with some."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self.socket = end
        self.sockets: deque[socket.socket] = deque()  # that have come, in order
        self._unsent: deque[tuple[bytes, socket.socket | None]] = deque()
        self._unread = bytearray()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, message: Message, along: socket.socket | None = None) -> None:
        """Send without waiting; `flush` sends what the other end has no room for yet."""
        try:
            body = self._encoder.encode(message)
        except UnicodeEncodeError:
            body = self._encoder.encode(_escaped(msgspec.to_builtins(message)))
        self._unsent.append((len(body).to_bytes(4, "little") + body, along))
        self.flush()

    def flush(self) -> bool:
        """Send what has room; whether nothing is left. What nobody reads any more is dropped."""
        while self._unsent:
            data, along = self._unsent[0]
            try:
                if along is None:
                    sent = self.socket.send(data)
                else:
                    sent = socket.send_fds(self.socket, [data], [along.fileno()])
            except BlockingIOError:
                return False
            except OSError:
                self._unsent.clear()
                return True
            if along is not None:
                along.close()
            self._unsent.popleft()
            if sent < len(data):
                self._unsent.appendleft((data[sent:], None))
        return True

    def flush_all(self) -> None:
        """Send everything, and wait for room where there is none."""
        while not self.flush():
            until_ready(self.fileno(), select.POLLOUT)

    def receive(self) -> list[Message] | None:
        """The messages that have come, None when the other end is closed.

        OSError where this process may not have the sockets that come along.
        """
        messages: list[Message] = []
        open_ = True
        while True:
            try:
                data, fds, flags, _ = socket.recv_fds(self.socket, 1 << 16, 64)
            except BlockingIOError:
                break
            except OSError:
                data, fds, flags = b"", [], 0
            self.sockets.extend(socket.socket(fileno=fd) for fd in fds)
            if flags & socket.MSG_CTRUNC:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            if not data:
                open_ = False
                break
            self._unread += data
        while len(self._unread) >= 4:
            end = 4 + int.from_bytes(self._unread[:4], "little")
            if len(self._unread) < end:
                break
            messages.append(self._decoder.decode(self._unread[4:end]))
            del self._unread[:end]
        return messages if messages or open_ else None

    def close(self) -> None:
        self.socket.close()


def _escaped(value: Any) -> Any:
    """Lists and texts with lone surrogates, which are no text in UTF-8, made backslashes."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    return [_escaped(each) for each in value] if isinstance(value, list | tuple) else value


def until_ready(descriptor: int, event: int, seconds: float | None = None) -> bool:
    """Wait until a descriptor, of any number, has the event; whether it has."""
    poll = select.poll()
    poll.register(descriptor, event)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def pair() -> tuple[Any, Any]:
    """Two sockets, connected with each other and with nothing else."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)

"""What the nodes of a run tell each other beside the messages of processes.

Notes between two nodes arrive once, in order, and in order with messages. Invariant: what
`decoded` answers has the right shape, and speaks only for what lives on the node that says it.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from quorate.core.ids import ProcessId
from quorate.net.codec import BadFrame
from quorate.worlds.real.census import Change, Counts
from quorate.worlds.real.shared import Given, given

Number = Annotated[int, Meta(ge=0)]


class Lives(Struct, tag=0, array_like=True):
    """Changes in the lives of processes that come from the main of the node that is told."""

    changes: list[Change]


class Failed(Struct, tag=1, array_like=True):
    """A process that comes from the main of the node that is told has failed."""

    text: str


class Over(Struct, tag=2, array_like=True):
    """All that comes from the main of this node is over, after so many Lives that it was told."""

    told: Number


class Named(Struct, tag=3, array_like=True):
    """Processes that have been given a name."""

    names: list[Given]


class Quiet(Struct, tag=4, array_like=True):
    """Whether the node waits for others; `round` is 0 where nobody has asked.

    Of each node: (its name, what was sent to it, what was taken from it), since they have met.
    """

    round: Number
    busy: bool
    counts: list[tuple[str, Number, Number]]


class Ask(Struct, tag=5, array_like=True):
    """Answer with Quiet of this round, 0 where it is not the second time that all are asked."""

    round: Number


class Where(Struct, tag=6, array_like=True):
    """Answer with Stands."""


class Stands(Struct, tag=7, array_like=True):
    """Where the processes of a node stand that have been started; `open` have not ended that come
    from its main.
    """

    text: str
    open: Number


Note = Lives | Failed | Over | Named | Quiet | Ask | Where | Stands

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Note] = msgspec.msgpack.Decoder(Note)


def encoded(note: Note) -> bytes:
    return _encoder.encode(note)


def decoded(data: bytes, sender: str, me: str) -> Note:
    """The note that another node has sent to this one. Raises BadFrame."""
    try:
        note = _decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadFrame(f"no note: {error}") from None
    match note:
        case Lives(changes) if not all(_is_true(change, sender, me) for change in changes):
            raise BadFrame("speaks for processes of another node")
        case Named(names) if not all(_is_name(given) for given in names):
            raise BadFrame("names what can have no name")
    return note


def _is_true(change: Change, sender: str, me: str) -> bool:
    """Anybody may ask for a start; that it is settled, only the node knows where it is."""
    path, origin, node, _, by, _ = change
    return (
        origin == me
        and (by == 1 or (by in (0, -1) and node == sender))
        and min(path, default=1) > 0
    )


def _is_name(given: Given) -> bool:
    return bool(given.name and given.path and given.node and given.origin) and min(given.path) > 0


def quiet(round: int, busy: bool, counts: Counts) -> Quiet:
    """Of counts whose places are nodes."""
    return Quiet(round, busy, [(str(node), *both) for (node,), both in counts.items()])


def counts_of(note: Quiet) -> Counts:
    return {(node,): (sent, taken) for node, sent, taken in note.counts}


def named(ids: list[ProcessId]) -> Named:
    return Named([given(id) for id in ids])

"""One direction of a connection between two places: messages and orders as frames of bytes.

A frame is a length (4 bytes, little-endian) and a msgpack list of items; process ids go by
numbers that a frame before the first use introduces. A flat tuple of atoms, which is what most
messages are, goes as it is and needs no second look on arrival; other values go as trees.
Invariant: what comes is checked in shape, size and depth before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from quorate.core import effects as fx
from quorate.core.clocks import VectorTime
from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.core.mistakes import RATES
from quorate.core.process import Process
from quorate.net.registry import Registry
from quorate.net.values import Values

FRAME_BYTES_MAX: Final = 1 << 28
HEADER_BYTES: Final = 4
IDS_MAX: Final = 1 << 16
ORDER_SHOWN_MAX: Final = 200
NUMBERS: Final = (int, float)

Arrival = tuple[ProcessId, Any, ProcessId | None, Any]
"""(destination, message, sender, stamp), or (destination, order, creator or None, None)"""

_ATOMS: Final = frozenset({type(None), bool, int, float, str, bytes})
_ID_CODE: Final = 1
_ORDERS: dict[str, type] = {"c": fx.Create, "u": fx.Setup, "s": fx.Start, "e": fx.End}

Number = Annotated[int, Meta(ge=0)]


class Introduced(Struct, array_like=True, tag=0, gc=False):
    """A process id; its number is that of the introductions before it."""

    kind: str
    path: tuple[Number, ...]
    name: str
    node: str
    origin: str


class Flat(Struct, array_like=True, tag=1, gc=False):
    """A message that is a tuple of atoms and ids."""

    to: Number
    sender: Number
    stamp: int | None
    message: tuple[Any, ...]


class Deep(Struct, array_like=True, tag=2):
    """Any other message, and its stamp, as trees."""

    to: Number
    sender: Number
    tree: Any


class Ordered(Struct, array_like=True, tag=3):
    """Create, set up, start or end the process `to`; `sender` is the creator."""

    to: Number
    sender: int
    order: str
    tree: Any


class Forget(Struct, array_like=True, tag=4, gc=False):
    """All ids introduced so far; numbers begin at 0 again."""


class BadFrame(Exception):
    """What has come over a connection is no frame of this protocol."""


class Encoder:
    """Collects what goes to one place, and makes one frame of it."""

    def __init__(self, registry: Registry) -> None:
        self.sent = 0  # messages and orders since the beginning
        self.refused: list[tuple[ProcessId, ProgramError]] = []  # by `take`, and whose they were
        self._values = Values(registry, self._number)
        self._numbers: dict[ProcessId, int] = {}
        self._new: list[Introduced | Forget] = []
        self._items: list[Any] = []
        self._encoder = msgspec.msgpack.Encoder(enc_hook=self._extension)

    def add(self, to: ProcessId, message: Any, sender: ProcessId, stamp: Any) -> None:
        """A message. Raises `Unsendable`, and then nothing has been added."""
        numbers = self._numbers
        if type(message) is tuple and (stamp is None or type(stamp) is int):
            plain = _ATOMS.issuperset(map(type, message))
            if plain or self._know_ids(message):
                there, here = numbers.get(to), numbers.get(sender)
                if there is None:
                    there = self._introduce(to)
                if here is None:
                    here = self._number(sender)  # which may be the id just introduced
                self._items.append(Flat(there, here, stamp, message))
                self.sent += 1
                return
        tree = self._values.to_tree((message, stamp))
        self._items.append(Deep(self._number(to), self._number(sender), tree))
        self.sent += 1

    def add_order(self, to: ProcessId, order: Any, sender: ProcessId | None) -> None:
        """An order: Create, Setup, Start or End. Raises `Unsendable`."""
        letter, parts = _order_parts(order)
        tree = self._values.to_tree(parts)
        creator = -1 if sender is None else self._number(sender)
        self._items.append(Ordered(self._number(to), creator, letter, tree))
        self.sent += 1

    def take(self) -> bytes:
        """Everything added since the last call, as frames; empty when there is nothing.

        What is larger than a frame may be is left out, and told in `refused`.
        """
        items = self._items
        if not items:
            return b""
        self._items = []
        introductions = self._introductions()
        body = self._encoded(items)
        if len(body) <= FRAME_BYTES_MAX:
            frames = _frame(body)
        else:
            frames = b"".join(self._one_by_one(items))
        if len(self._numbers) >= IDS_MAX:
            self._numbers.clear()
            self._new.append(Forget())
        return introductions + frames

    def alone(self, to: ProcessId, message: Any, sender: ProcessId, stamp: Any) -> bytes:
        """One message as frames that stand alone, whatever came before, of any size.

        To be asked of an encoder that is used for nothing else. Raises `Unsendable`.
        """
        try:
            self.add(to, message, sender, stamp)
            return self._introductions() + _frame(self._encoded(self._items))
        finally:
            self._items.clear()
            self._numbers.clear()
            self._new.clear()

    def _introductions(self) -> bytes:
        new, self._new = self._new, []
        return _frame(self._encoder.encode(new)) if new else b""

    def _encoded(self, items: list[Any]) -> bytes:
        """The items as bytes; those that cannot go as they are have been made trees."""
        try:
            return self._encoder.encode(items)
        except (OverflowError, UnicodeEncodeError):  # large numbers, lone surrogates
            items[:] = map(self._as_tree, items)
            return self._encoder.encode(items)

    def _one_by_one(self, items: list[Any]) -> Iterator[bytes]:
        """A frame for each item; what is too large even so has not been sent."""
        for item in items:
            body = self._encoder.encode([item])
            if len(body) <= FRAME_BYTES_MAX:
                yield _frame(body)
                continue
            self.sent -= 1
            ids = list(self._numbers)
            culprit = ids[item.to if item.sender < 0 else item.sender]
            self.refused.append((culprit, _too_large(len(body))))

    def _as_tree(self, item: Any) -> Any:
        if type(item) is not Flat:
            return item
        tree = self._values.to_tree((item.message, item.stamp))
        return Deep(item.to, item.sender, tree)

    def _know_ids(self, message: tuple[Any, ...]) -> bool:
        """Whether all parts are atoms or ids; introduces the ids."""
        for part in message:
            if type(part) is ProcessId:
                if part not in self._numbers:
                    self._introduce(part)
            elif type(part) not in _ATOMS:
                return False
        return True

    def _number(self, id: ProcessId) -> int:
        found = self._numbers.get(id)
        return self._introduce(id) if found is None else found

    def _introduce(self, id: ProcessId) -> int:
        number = self._numbers[id] = len(self._numbers)
        self._new.append(Introduced(id.kind, id.path, id.name, id.node, id.origin))
        return number

    def _extension(self, value: Any) -> msgspec.msgpack.Ext:
        return msgspec.msgpack.Ext(_ID_CODE, self._numbers[value].to_bytes(4, "little"))


class Decoder:
    """Turns the frames of one connection back into what was added at its other end."""

    def __init__(self, registry: Registry) -> None:
        self.taken = 0  # messages and orders since the beginning
        self._values = Values(registry, _meet)
        self._ids: list[ProcessId] = []
        self._receivers: Any = self._ids  # by their numbers, those who may be
        self._senders: Any = self._ids
        self._decoder = msgspec.msgpack.Decoder(
            list[Introduced | Flat | Deep | Ordered | Forget], ext_hook=self._extension
        )
        self._rest = bytearray()  # of a frame that has not come to its end
        self._enough = HEADER_BYTES  # the length of `_rest` at which it is worth a look

    def feed(self, data: bytes) -> list[Arrival]:
        """The arrivals of all frames that are complete now. Raises `BadFrame`."""
        arrivals: list[Arrival] = []
        whole: bytes | bytearray = data
        if self._rest:
            self._rest += data
            if len(self._rest) < self._enough:
                return arrivals
            whole = self._rest
        view = memoryview(whole)
        start, size = 0, len(whole)
        self._enough = HEADER_BYTES
        while size - start >= HEADER_BYTES:
            length = int.from_bytes(view[start : start + HEADER_BYTES], "little")
            if length > FRAME_BYTES_MAX:
                raise BadFrame(f"a frame of {length} bytes, at most {FRAME_BYTES_MAX}")
            end = start + HEADER_BYTES + length
            if end > size:
                self._enough = end - start
                break
            self.frame(view[start + HEADER_BYTES : end], arrivals)
            start = end
        if start < size or whole is not data:
            self._rest = bytearray(view[start:])
        self.taken += len(arrivals)
        return arrivals

    def frame(self, body: bytes | memoryview, arrivals: list[Arrival]) -> None:
        """Add the arrivals of one frame. Raises `BadFrame`."""
        receivers, senders = self._receivers, self._senders
        items: list[Any] = []
        try:
            items = self._decoder.decode(body)
        except MemoryError:  # not the frame's fault
            raise
        except Exception as error:  # whatever a hostile frame leads to is the frame's fault
            self.refuse(error, 0)
        for item in items:
            try:
                if type(item) is Flat:
                    to, sender = receivers[item.to], senders[item.sender]
                    arrivals.append((to, item.message, sender, item.stamp))
                else:
                    self._other(item, arrivals)
            except MemoryError:
                raise
            except Exception as error:
                self.refuse(error, 0 if type(item) is Introduced else 1)

    def refuse(self, error: Exception, items: int = 0) -> None:
        """So many items, or a whole frame, are not to be taken."""
        raise BadFrame(f"{type(error).__name__}: {error}") from error

    def _other(self, item: Any, arrivals: list[Arrival]) -> None:
        receivers, senders = self._receivers, self._senders
        value = self._values.from_tree
        match item:
            case Introduced(kind, path, name, node, origin):
                self._introduced(ProcessId(kind, path, name, node, origin))
            case Forget():
                self._forget()
            case Deep(to, sender, tree):
                message, stamp = value(tree)
                arrivals.append((receivers[to], message, senders[sender], _time(stamp)))
            case Ordered(to, sender, letter, tree):
                order = _order_of(letter, receivers[to], value(tree))
                creator = None if sender < 0 else senders[sender]
                arrivals.append((order.id, order, creator, None))

    def _introduced(self, id: ProcessId) -> None:
        self._ids.append(id)

    def _forget(self) -> None:
        self._ids.clear()

    def _extension(self, code: int, data: memoryview) -> ProcessId:
        if code != _ID_CODE:
            raise BadFrame(f"no extension type {code}")
        return self._ids[int.from_bytes(data, "little")]


def _time(stamp: Any) -> Any:
    """A stamp, if it is what a clock of some kind may have said. Raises BadFrame."""
    match stamp:
        case None | int():
            return stamp
        case VectorTime() if all(map(_is_count, stamp)):
            return stamp
    raise BadFrame(f"{stamp!r} is no time")


def _is_count(pair: Any) -> bool:
    return type(pair) is tuple and tuple(map(type, pair)) == (ProcessId, int)


def _frame(body: bytes) -> bytes:
    return len(body).to_bytes(HEADER_BYTES, "little") + body


def _too_large(size: int) -> ProgramError:
    return ProgramError(
        "Q106",
        f"a message of {size:,} bytes cannot be sent: at most {FRAME_BYTES_MAX:,}",
        "send it in parts",
    )


def _meet(id: ProcessId) -> None:
    """Ids that come have been introduced."""


def _order_parts(order: Any) -> tuple[str, tuple[Any, ...]]:
    match order:
        case fx.Create(_, cls, daemon, rates):
            return "c", (cls, daemon, rates)
        case fx.Setup(_, args, kwargs):
            return "u", (args, kwargs)
        case fx.Start():
            return "s", ()
        case fx.End():
            return "e", ()
    raise AssertionError(f"no order: {order!r}")


def _order_of(letter: str, to: ProcessId, parts: tuple[Any, ...]) -> Any:
    order = _ORDERS[letter](to, *parts)
    match order:
        case fx.Create(_, cls, bool(), tuple(rates)):
            fit = isinstance(cls, type) and issubclass(cls, Process) and all(map(_is_rate, rates))
        case fx.Setup(_, tuple(), dict(kwargs)):
            fit = all(type(name) is str for name in kwargs)
        case _:
            fit = not parts
    if not fit:
        raise BadFrame(f"no order: {order!r}"[:ORDER_SHOWN_MAX])
    return order


def _is_rate(rate: Any) -> bool:
    return type(rate) is tuple and len(rate) == 2 and rate[0] in RATES and type(rate[1]) in NUMBERS

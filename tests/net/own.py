"""Classes and functions as a program may define them, for values that cross the wire."""

from __future__ import annotations

import enum
from collections import OrderedDict
from dataclasses import dataclass, field
from os import system  # noqa: F401  what a module imports is not its own
from typing import Any, NamedTuple

from quorate.core.api import Process


@dataclass
class Ballot:
    number: int
    leader: Any = None
    notes: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    index: int
    value: Any = None


class Plain:
    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return 0


class Slotted(Plain):
    __slots__ = ("__private", "first")

    def __init__(self, first: Any) -> None:
        super().__init__(second=2)
        self.first = first
        self.__private = first

    def private(self) -> Any:
        return self.__private


class Pair(NamedTuple):
    left: Any
    right: Any


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


class Rights(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Names(list[str]):
    title = ""


class Registry(OrderedDict[str, int]):
    pass


class Metres(float):
    pass


class Coded(Exception):
    """Its constructor takes other arguments than `args`."""

    def __init__(self, *, code: int) -> None:
        super().__init__("code", code)
        self.code = code


class Refused(Exception):
    def __init__(self, who: Any) -> None:
        super().__init__(f"refused by {who}")
        self.who = who


class Packed:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __getstate__(self) -> Any:
        return ("packed", self.value)

    def __setstate__(self, state: Any) -> None:
        self.value = state[1]


class Acceptor(Process):
    class Inner:
        pass


def choose(values: Any) -> Any:
    return min(values)

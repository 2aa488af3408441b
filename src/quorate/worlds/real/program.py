"""What is run, how, and how it came out: the values that go in and out of the real world."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any

from quorate.core.configuration import over
from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.core.properties import Property
from quorate.worlds.real.membership import QUEUE_MAX, UNSENT_BYTES_MAX, Membership

if TYPE_CHECKING:
    from quorate.worlds.real.launching import Launched

Place = tuple[int | str, ...]
"""An operating-system process of a run: (worker,), or under --isolate the path of its process,
after the name of the node whose main it comes from where that is another. Another node as a whole,
seen from this one, is (name,)."""


def is_node(place: Place) -> bool:
    """Whether a place is not of this node."""
    return len(place) == 1 and isinstance(place[0], str)


def is_from(place: Place, origin: str) -> bool:
    """Whether only what comes from the main of that other node lives in a place of this one."""
    return len(place) > 1 and place[0] == origin


def cores() -> int:
    """The number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def own_modules(folder: str) -> Callable[[str], ModuleType | None]:
    """What finds a program's own modules: those in its folder, and all in the language."""
    from quorate.compiler.loader import lies_in

    def find(name: str) -> ModuleType | None:
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None) or ""
        return module if lies_in(module, folder) or file.endswith(".da") else None

    return find


@dataclass(frozen=True, slots=True)
class Program:
    """A program, loaded: the class whose `run` is `main`, and what may cross between places.

    `modules` answers a module of the program's own by name, those imported later too. `properties`
    are those that are checked, for which all processes live in one place.
    """

    main: type[Process]
    modules: Callable[[str], ModuleType | None]
    config: Mapping[str, Any] = field(default_factory=dict)
    properties: Sequence[Property] = ()

    @property
    def goes_on(self) -> bool:
        """Whether it does when a node is lost."""
        return over(self.main.config_, self.config).get("on_node_loss") == "continue"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where processes live: a function of their names, so that nobody needs to ask.

    `node` is the name of this node, empty where there is no other.
    """

    workers: int
    isolate: bool = False
    shift: int = 0
    node: str = ""

    def of(self, id: ProcessId) -> Place:
        if id.node != self.node:
            return (id.node,)
        if self.isolate:
            return id.path if id.origin == self.node else (id.origin, *id.path)
        return ((sum(id.path) + self.shift) % self.workers,)


@dataclass(frozen=True, slots=True)
class Growth:
    """When one worker does not do any more, and all begin to share what there is to do.

    Once it has had something to do for `window` seconds, things have taken longer than `thing`
    seconds of CPU time each, and most of the time somebody else could have done some of them. A
    message to another worker costs both about as much, and the answer to it comes later.
    """

    thing: float = 0.000_020
    window: float = 0.1


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: `level` is the least level of output shown (20 is info, 10 debug).

    With `growth` a run begins in one worker, and has `workers` of them when there is enough to do.
    A `membership` makes it a node among others, who reach it by its `listener`; those that were
    started with it are `launched`. Processes stop sending while `unsent_max` bytes to another node
    are not acknowledged, and a node stops reading while `queue_max` messages wait to be taken.
    """

    workers: int
    seed: int
    isolate: bool = False
    growth: Growth | None = None
    stop_on_error: bool = True
    level: int = 20
    log: str | None = None
    log_format: str = "text"
    history: str | None = None
    stats: bool = False
    membership: Membership | None = None
    listener: socket.socket | None = None
    launched: Launched | None = None
    unsent_max: int = UNSENT_BYTES_MAX
    queue_max: int = QUEUE_MAX

    @property
    def node(self) -> str:
        """The name of this node, empty where there is no other."""
        return "" if self.membership is None else self.membership.name

    @property
    def placement(self) -> Placement:
        """Where processes live in the beginning."""
        workers = self.workers if self.growth is None else 1
        return Placement(workers, self.isolate, node=self.node)

    @property
    def has_core_each(self) -> bool:
        """Whether each worker can have a core of its own."""
        return not self.isolate and self.workers <= cores()

    @property
    def main_place(self) -> Place:
        return () if self.isolate else (0,)


@dataclass(slots=True)
class Outcome:
    """How a run ended: `status` is the exit status, `seconds` what it took from start to end."""

    seed: int
    status: int = 0
    interrupted: bool = False
    closed: bool = False
    processes: int = 0
    messages: int = 0
    seconds: float = 0.0
    unstarted: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    stats: list[Row] = field(default_factory=list)
    nodes: list[NodeRow] = field(default_factory=list)


Row = tuple[str, float, int, int, list[tuple[str, float]]]
"""(process, CPU seconds, messages in, messages out, [(where and for what it waited, seconds)])"""

NodeRow = tuple[str, int, int, int, float | None, int]
"""(another node, messages in, messages out, bytes that it has not taken, seconds of a round trip
lately, what was refused of what it has sent)"""

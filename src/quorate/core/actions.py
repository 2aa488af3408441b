"""What a process does to its surroundings: the language's words, as methods that leave effects.

A word that a program uses as the name of its own is reached as `Process.word(self, ...)`.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from quorate.core import effects as fx
from quorate.core.errors import ProgramError
from quorate.core.history import entries_of
from quorate.core.ids import ProcessId, main_id
from quorate.core.messages import ATOMS, own_copy
from quorate.core.mistakes import (
    arguments_of,
    begun_already,
    check_options,
    check_setup,
    check_shown,
    check_start,
    described,
    id_of,
    ids_of,
    name_taken,
    names_of,
    no_destination,
    no_name,
    no_node,
)
from quorate.core.operations import already_open, name_of, none_open, plain
from quorate.core.ordering import ONLY_IDS, creation, in_order

if TYPE_CHECKING:
    from quorate.core.classes import Routes
    from quorate.core.clocks import Clock
    from quorate.core.history import Entry
    from quorate.core.process import Process, World

INFO, DEBUG, ERROR = 20, 10, 40


class Actions:
    """The part of `Process` that programs call, and what it uses of the rest."""

    id_: ProcessId
    parent_: ProcessId
    world_: World
    random_: Random
    clock_: Clock | None
    rates_: Mapping[str, float]
    sends_plainly_: bool
    sends_simply_: bool
    stale_: bool
    unseen_: bool
    effects_: list[Any]
    outbox_: deque[Entry]
    received_: list[Entry]
    sent_: list[Entry]
    children_: dict[ProcessId, type[Process]]
    ready_: set[ProcessId]
    names_: dict[str, ProcessId]
    setups_done_: set[Callable[..., None]]
    creations_: int
    remembers_sent_: ClassVar[bool]
    keeping_: ClassVar[Mapping[str, Routes]]
    remember_: Callable[[str, Any, ProcessId, Any], None]
    begin_views_: Callable[[str], None]
    senders_: ClassVar[tuple[Any, ...]]
    operation_: str | None = None  # the one that the process, as a client, has invoked

    def send(self, message: Any, to: Any = None, **options: Any) -> None:
        """Send a copy of `message` to one id or name, or to each of an iterable of them."""
        own = message
        if type(message) is not tuple or not ATOMS.issuperset(map(type, message)):
            own = _copy(message, "sent")
        stamp = None if self.clock_ is None else self.clock_.tick()
        if type(to) is ProcessId:
            if self.sends_plainly_:
                self.effects_.append((to, own, stamp))
                return
            destinations = [to]
        elif type(to) is set and ONLY_IDS.issuperset(map(type, to)):
            destinations = sorted(to, key=creation)
        else:
            destinations = self.__destinations(to)
        if own is message and self.sends_simply_:
            effects, keeping = self.effects_, self.keeping_["sent"].of(message)
            for destination in destinations:
                for keep in keeping:
                    keep(self, message, destination, stamp)
                effects.append((destination, message, stamp))
            return
        for destination in destinations:
            self.__send_one(message, own, destination, stamp)
            own = message if own is message else own_copy(message)

    def __send_one(self, message: Any, own: Any, to: ProcessId, stamp: Any) -> None:
        """Send `own`, a copy of `message` that nobody else has (or itself, if it never changes)."""
        fixed = own is message
        if self.remembers_sent_:
            self.remember_("sent", message if fixed else own_copy(message), to, stamp)
        if self.senders_:
            self.outbox_.append((message if fixed else own_copy(message), to, stamp))
            self.stale_ = True
        if not self.rates_ or self.random_.random() >= self.rates_.get("send", 0.0):
            self.effects_.append((to, own, stamp))

    def __destinations(self, to: Any) -> list[ProcessId]:
        if isinstance(to, str):
            return [Actions.resolve(self, to)]
        try:
            members = list(in_order(to))
        except TypeError:
            raise no_destination(to) from None
        return [
            member if isinstance(member, ProcessId) else self.__named(member) for member in members
        ]

    def __named(self, member: Any) -> ProcessId:
        if not isinstance(member, str):
            raise no_destination(member)
        return Actions.resolve(self, member)

    # Making processes.

    def new(
        self,
        cls: Any,
        args: Any = None,
        num: Any = None,
        at: Any = None,
        method: Any = None,
        daemon: bool = False,
        **rates: float,
    ) -> Any:
        """Make processes of class `cls`: one id, or a set of them where `num` or `at` is given.

        `num` is a number or an iterable of names, on each of the nodes that `at` says; `args` sets
        them up at once.
        """
        if not (isinstance(cls, type) and issubclass(cls, _process_class())):
            raise ProgramError(
                "Q086", f"`new` of {cls!r}, which is not a process class", "write `new(P, ...)`"
            )
        check_options(method, rates)
        names = names_of(num)
        nodes = self.__nodes(at) if names else []
        made = [self.__create(cls, name, node, daemon, rates) for node in nodes for name in names]
        if args is not None:
            self.set_up_processes(made, args)
        return made[0] if num is None and at is None else set(made)

    def __create(
        self, cls: type, name: str, node: str, daemon: bool, rates: dict[str, float]
    ) -> ProcessId:
        owner = self.__owner(name) if name else None
        if owner is not None:
            raise name_taken(name, owner)
        self.creations_ += 1
        child = self.id_.child(self.creations_, cls.__name__, name, node)
        self.children_[child] = cls
        if name:
            self.names_[name] = child
        self.effects_.append(fx.Create(child, cls, daemon, tuple(sorted(rates.items()))))
        return child

    def __nodes(self, at: Any) -> list[str]:
        """The nodes that `at=` says, each once: a node, or a set or list of them."""
        several = isinstance(at, (set, list, tuple, frozenset)) and len(at) > 0
        mine = [self.id_.node, main_id(self.id_.node), None, "", "localhost"]
        found: dict[str, None] = {}
        for place in in_order(at) if several else [at]:
            try:
                node = main_id(self.id_.node) if place in mine else self.__node(place)
            except KeyError as error:
                raise no_node(place, self.world_.nodes, error) from None
            found[node.node] = None
        return list(found)

    def __node(self, place: Any) -> ProcessId:
        """A node's own process, of the name of the node or that process itself. Raises KeyError."""
        if isinstance(place, ProcessId) and not place.path:
            place = place.node
        if not isinstance(place, str):
            raise KeyError(place)
        return self.world_.nodes[place]

    def set_up_processes(self, processes: Any, args: Any = (), **kwargs: Any) -> None:
        """`setup(ps, args)`: give each of `processes` its setup with the arguments `args`."""
        if isinstance(args, dict) and not kwargs:
            args, kwargs = (), args
        args = arguments_of(args)
        for process in ids_of(processes, "setup"):
            if process in self.children_:
                check_setup(process, self.children_[process], args, kwargs)
            elif self.__has_begun(process):
                raise begun_already(process, "setup")
            self.ready_.add(process)
            self.effects_.append(
                fx.Setup(process, _copy(args, "given to setup"), _copy(kwargs, "given to setup"))
            )

    def __has_begun(self, process: ProcessId) -> bool:
        """Of one that is no longer in `children_`: whether it was started, as far as is known."""
        path = process.path
        if process == self.id_:
            return True
        mine = path[:-1] == self.id_.path and process.origin == self.id_.origin
        return mine and bool(path) and path[-1] <= self.creations_

    def start(self, processes: Any, args: Any = None) -> None:
        """Start one process, or each of several; where there are `args`, set them up first."""
        started = ids_of(processes, "start")
        if args is not None:
            self.set_up_processes(started, args)
        for process in started:
            cls = self.children_.pop(process, None)
            if cls is None and self.__has_begun(process):
                raise begun_already(process, "start")
            if cls is not None and process not in self.ready_:
                check_start(process, cls)
            self.ready_.discard(process)
            self.effects_.append(fx.Start(process))

    def end(self, processes: Any) -> None:
        """End one process, or each of several, where they stand."""
        for process in ids_of(processes, "end"):
            self.effects_.append(fx.End(process))

    def exit(self, code: Any = 0) -> None:
        """End this process; the status of the run is the first code that is not 0."""
        raise SystemExit(code)

    # Showing.

    def output(self, *values: Any, sep: str = " ", level: int = INFO, end: str = "\n") -> None:
        check_shown(sep, end, level)
        if level < self.world_.shows:
            return
        self.effects_.append(fx.Output(_showable(values), sep, level, end))

    def show_(self, values: tuple[Any, ...], sep: str, end: str) -> None:
        Actions.output(self, *values, sep=sep, end=end)

    def debug(self, *values: Any, sep: str = " ") -> None:
        Actions.output(self, *values, sep=sep, level=DEBUG)

    def error(self, *values: Any, sep: str = " ") -> None:
        Actions.output(self, *values, sep=sep, level=ERROR)

    # Operations, of the process as a client.

    def invoke_(self, operation: Any, *args: Any) -> None:
        """An operation begins."""
        name = name_of(operation)
        if self.operation_ is not None:
            raise already_open(name, self.operation_)
        values = tuple(plain("invoke", each) for each in args)
        self.operation_ = name
        self.effects_.append(fx.Operation("invoke", name, values))

    def returned_(self, value: Any = None) -> None:
        """It has returned, with this result."""
        self.__end_operation("returned", "return", plain("returned", value))

    def failed_(self) -> None:
        """It has ended, and has had no effect for certain."""
        self.__end_operation("failed", "fail")

    def unknown_(self) -> None:
        """The process waits for it no longer; it may take effect at any time, or never."""
        self.__end_operation("unknown", "unknown")

    def give_up_(self) -> None:
        """The process is over, and with it waits for nothing."""
        if self.operation_ is not None:
            self.unknown_()

    def __end_operation(self, word: str, phase: fx.Phase, value: Any = None) -> None:
        if self.operation_ is None:
            raise none_open(word)
        del self.operation_
        self.effects_.append(fx.Operation(phase, result=value))

    # Asking.

    def parent(self) -> ProcessId:
        return self.parent_

    def nodeof(self, process: ProcessId) -> ProcessId:
        """The node's own process, the one that runs `main`, where `process` lives."""
        return main_id(id_of(process, "nodeof").node)

    def nameof(self, process: ProcessId) -> str | None:
        return id_of(process, "nameof").name or None

    def resolve(self, name: Any) -> ProcessId:
        """The process that was made with `name`, or the own process of the node of that name."""
        if isinstance(name, ProcessId):
            return name
        try:
            return self.__owner(name) or self.__node(name)
        except KeyError:
            raise no_name(name, self.world_.nodes) from None

    def __owner(self, name: Any) -> ProcessId | None:
        """The process of that name, if there is one."""
        known = self.names_.get(name)
        return self.world_.names.get(name) if known is None else known

    def work_seconds(self) -> float:
        """How long `work()` takes: some random time, at most a fifth of a second."""
        return self.random_.uniform(0.0, 0.2)

    def set_up_bases_(self, cls: type[Process], given: dict[str, Any] | None = None) -> None:
        """Run the setup of each base of `cls` with those of `given` that it has parameters for.

        Each once, though several classes may have the same base. Without `given`, the setup of
        `cls` is about to call the next one itself.
        """
        done = self.setups_done_
        if given is None:
            done.add(super(cls, self).setup.__func__)  # type: ignore[misc]
            return
        process = _process_class()
        for base in cls.__bases__:
            setup: Callable[..., None] = getattr(base, "setup", process.setup)
            if issubclass(base, process) and setup not in done and setup is not process.setup:
                done.add(setup)
                names = list(inspect.signature(setup).parameters)[1:]
                setup(self, **{name: given[name] for name in names if name in given})

    def logical_clock(self) -> Any:
        return None if self.clock_ is None else self.clock_.time

    logical_time = logical_clock

    def incr_logical_clock(self) -> None:
        if self.clock_ is not None:
            self.clock_.tick()

    def reset(self, which: Any = None) -> None:
        """Forget the messages received, those sent, or both."""
        if which not in (None, "received", "sent"):
            raise ProgramError(
                "Q090",
                f"`reset` is given {described(which)}",
                "write `reset(received)`, `reset(sent)` or `reset()`",
            )
        self.stale_ = self.unseen_ = True
        for kind, history in (("received", self.received_), ("sent", self.sent_)):
            if which in (None, kind):
                history.clear()
                self.begin_views_(kind)

    def history_(self, kind: str) -> list[tuple[Any, ProcessId]]:
        """`received` or `sent`, named bare: (message, peer) in the order taken."""
        return entries_of(self.received_ if kind == "received" else self.sent_)

    def set_(self, **fields: Any) -> bool:
        """Bind a witness to fields; always true, so that it can stand in a condition."""
        self.__dict__.update(fields)
        return True

    def let_(self, name: str, value: Any) -> Any:
        """`name := value`, where the name is a field."""
        setattr(self, name, value)
        return value


def _process_class() -> type[Process]:
    from quorate.core.process import Process  # the two modules are one class in two files

    return Process


def _copy(value: Any, done: str) -> Any:
    """A copy of what goes to another process."""
    try:
        return own_copy(value)
    except (TypeError, RecursionError, NotImplementedError) as why:
        raise ProgramError(
            "Q106",
            f"this {type(value).__name__} cannot be {done}, since it cannot be copied: {why}",
            "give numbers, strings, ids, and tuples, lists, sets and dicts of them",
        ) from None


def _showable(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Values as they are now; what cannot be copied, as its text."""
    shown = []
    for value in values:
        try:
            shown.append(own_copy(value))
        except Exception:
            shown.append(str(value))
    return tuple(shown)

"""Making a process of its frozen state (core/freeze.py), which goes on as if nothing had happened.

An object is first made and then filled, so that objects may refer to each other in circles.
Invariant: what has to be complete to be used (members of sets, keys, arguments) is filled
before it is.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Mapping
from random import Random
from types import CellType, FunctionType, MethodType
from typing import Any

from quorate.core.clocks import LamportClock
from quorate.core.containers import observed_copy
from quorate.core.frames import Frame, Routine
from quorate.core.freeze import FLAGS, RAW, WORDS, Frozen, at_first
from quorate.core.naming import Modules, copying
from quorate.core.process import Dispatch, Process, World


def thaw(
    frozen: Frozen, world: World, modules: Modules | Mapping[str, Any] | None = None
) -> Process:
    """The process that `freeze` has made `frozen` of, in `world`.

    `modules` are the modules of the program by name, those that Python cannot import by it.
    """
    process = Thawer(frozen, world, Modules.of(modules)).thaw()
    assert isinstance(process, Process)
    return process


_UNMADE = object()

_AT_FIRST = {"stale_": True, "unseen_": True, "worth_": 32}
"""What is left out of a frozen state, and begins so as in a process that was just made."""


def is_as_thawed(process: Process) -> bool:
    """Whether all that is left out of a frozen state is as in one that has just been thawed."""
    own = vars(process)
    if process.effects_ or process.read_ or process.members_ or process.joins_:
        return False
    return all(own[name] == value for name, value in _AT_FIRST.items())


class Thawer:
    """One thawing. While `complete` is above zero, what is asked for is filled at once."""

    def __init__(self, frozen: Frozen, world: World, modules: Modules) -> None:
        self.frozen = frozen
        self.world = world
        self.modules = modules
        self.made: list[Any] = [_UNMADE] * len(frozen)
        self.filled = [False] * len(frozen)
        self.complete = 0
        self.observed: set[int] = set()  # what fields hold that queries go over

    def thaw(self) -> Any:
        self.at(0)
        for number in range(len(self.frozen)):
            self.fill(number)
        return self.made[0]

    def at(self, number: int) -> Any:
        """The object of a definition."""
        if self.made[number] is _UNMADE:
            definition = self.frozen[number]
            made = MAKE[definition[0]](self, definition)
            self.made[number] = observed_copy(made) if number in self.observed else made
        if self.complete:
            self.fill(number)
        return self.made[number]

    def fill(self, number: int) -> None:
        if not self.filled[number]:
            self.filled[number] = True
            definition = self.frozen[number]
            fill = FILL.get(definition[0])
            if fill is not None:
                fill(self, self.made[number], definition)

    # Values.

    def value(self, frozen: Any) -> Any:
        return VALUES[frozen[0]](self, frozen) if type(frozen) is tuple else frozen

    def values(self, frozen: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(map(self.value, frozen))

    def tuple_(self, frozen: tuple[Any, ...]) -> tuple[Any, ...]:
        values = frozen[1:]
        return values if RAW.issuperset(map(type, values)) else self.values(values)

    def named(self, frozen: Any) -> Any:
        """A class, or a routine, that has a name."""
        found = self.modules.meant.get(frozen)
        if found is None:
            found = self.modules.meant[frozen] = self.value(frozen)
        return found

    def whole(self, frozen: Any) -> Any:
        """A value that is complete, with all that it refers to."""
        if type(frozen) is not tuple:
            return frozen
        self.complete += 1
        try:
            return self.value(frozen)
        finally:
            self.complete -= 1

    def pairs(self, frozen: tuple[Any, ...]) -> dict[Any, Any]:
        return {self.whole(key): self.value(item) for key, item in frozen}

    def new(self, frozen: Any) -> Any:
        """Make and fill what never changes."""
        made = self.call(*frozen[1:3])
        self.fill_object(made, ("object", *frozen[1:]))
        return made

    def call(self, function: Any, args: tuple[Any, ...]) -> Any:
        callee = self.value(function)
        with copying(callee):
            return callee(*map(self.whole, args))

    # Making.

    def make_process(self, definition: Any) -> Process:
        cls = self.named(definition[1])
        process: Process = cls.__new__(cls)
        process.__dict__.update(at_first())
        process.__dict__.update(zip(FLAGS, definition[2], strict=True))
        process.world_ = self.world
        process.effects_ = []
        process.members_, process.joins_ = {}, {}
        process.read_ = []
        process.__dict__.update(_AT_FIRST)
        if observed := cls.observed_fields_:
            values = [value for name, value in definition[3:] if name in observed]
            self.observed = {v[1] for v in values if type(v) is tuple and v[0] == "@"}
        return process

    def make_exception(self, definition: Any) -> BaseException:
        """Without the class's own `__init__`, whose parameters nobody knows here."""
        cls = self.value(definition[1])
        args = tuple(map(self.whole, definition[2]))
        error: BaseException = cls.__new__(cls, *args)
        python = next(base for base in cls.__mro__ if base.__module__ == "builtins")
        try:
            python.__init__(error, *args)
        except TypeError:  # a class of Python's own that wants more, such as UnicodeError
            error.args = args
        return error

    def make_function(self, definition: Any) -> FunctionType:
        _, (module, *name), (own, _, _), defaults, *_ = definition
        code = self.modules.text(module).codes[tuple(name)]
        cells = tuple(self.at(cell[1]) for cell in definition[6:])
        given = None if defaults is None else self.values(defaults)
        return FunctionType(code, self.modules.namespace(module), own, given, cells)

    def make_random(self, definition: Any) -> Random:
        cls = self.value(definition[1])
        random: Random = cls.__new__(cls, 0)
        _, _, version, packed, gauss, _ = definition
        random.setstate((version, struct.unpack(WORDS, packed), self.value(gauss)))
        return random

    def make_own_set(self, definition: Any) -> Any:
        cls = self.value(definition[1])
        return cls.__new__(cls)

    def make_set(self, definition: Any) -> set[Any]:
        """Filled already, if that is all there is to it."""
        members = definition[1:]
        return set(members) if RAW.issuperset(map(type, members)) else set()

    # Filling.

    def fill_process(self, process: Process, definition: Any) -> None:
        """The fields first, since views may begin as these say, and name one another."""
        own, views = process.__dict__, []
        for name, value in definition[3:]:
            if type(value) is not tuple:
                own[name] = value
            elif value[0] == "view":
                views.append((name, value[1]))
            else:
                own[name] = self.value(value)
        process.begin_views_("received")
        process.begin_views_("sent")
        for name, state in views:
            own[name].restore(self.whole(state))

    def fill_frame(self, frame: Frame, definition: Any) -> None:
        routine, (block, then, label, timer, expired, result, error) = definition[1:3]
        frame.routine_ = self.value(routine) if routine[0] == "@" else self.named(routine)
        frame.block_, frame.next_, frame.label_, frame.timer_ = block, then, label, timer
        frame.expired_ = self.value(expired)
        frame.result_, frame.error_ = self.value(result), self.value(error)
        for name, value in definition[3:]:
            frame.__dict__[name] = self.value(value)

    def fill_dispatch(self, dispatch: Dispatch, definition: Any) -> None:
        _, dispatch.kind, entry, dispatch.following = definition
        dispatch.entry = self.value(entry)
        dispatch.result_ = None

    def fill_routine(self, routine: Routine, definition: Any) -> None:
        _, names, on_error, iterators, waits, reads, call, *blocks = definition
        routine.name, routine.qualname, routine.owner = names
        routine.on_error = self.value(on_error)
        routine.iterators = iterators
        routine.waits = self.value(waits)
        routine.reads = self.value(reads)
        routine.call = self.value(call)
        routine.blocks = {name: self.value(block) for name, block in blocks}

    def fill_function(self, function: FunctionType, definition: Any) -> None:
        _, name, module = definition[2]
        function.__qualname__, function.__module__ = name, module
        function.__kwdefaults__ = self.value(definition[4])
        function.__dict__.update(self.value(definition[5]))

    def fill_cell(self, cell: CellType, definition: Any) -> None:
        if len(definition) > 1:
            cell.cell_contents = self.value(definition[1])

    def fill_list(self, made: list[Any], definition: Any) -> None:
        made.extend(map(self.value, definition[1:]))

    def fill_deque(self, made: deque[Any], definition: Any) -> None:
        made.extend(map(self.value, definition[2:]))

    def fill_set(self, made: set[Any], definition: Any) -> None:
        if not made:
            made.update(map(self.whole, definition[1:]))

    def fill_own_set(self, made: set[Any], definition: Any) -> None:
        set.update(made, map(self.whole, definition[3:]))
        _restore(made, self.value(definition[2]))

    def fill_dict(self, made: dict[Any, Any], definition: Any) -> None:
        made.update(self.pairs(definition[1:]))

    def fill_random(self, made: Random, definition: Any) -> None:
        made.__dict__.update(self.value(definition[5]))

    def fill_exception(self, error: BaseException, definition: Any) -> None:
        _, _, _, state, cause, context, suppress = definition
        error.__dict__.update(self.value(state))
        error.__cause__ = self.value(cause)
        error.__context__ = self.value(context)
        error.__suppress_context__ = bool(suppress)

    def fill_object(self, made: Any, definition: Any) -> None:
        state, items, pairs = (*definition[3:], None, None, None)[:3]
        if items is not None:
            for item in items:
                made.append(self.value(item))
        if pairs is not None:
            for key, item in pairs:
                made[self.whole(key)] = self.value(item)
        if state is not None:
            _restore(made, self.value(state))


def _restore(made: Any, state: Any) -> None:
    """Give an object its state, as `copy` does."""
    if state is None:
        return
    if hasattr(made, "__setstate__"):
        with copying(type(made)):
            made.__setstate__(state)
        return
    fields, slots = state if isinstance(state, tuple) else (state, None)
    made.__dict__.update(fields or {}) if fields else None
    for name, value in (slots or {}).items():
        object.__setattr__(made, name, value)


Decode = Callable[[Thawer, Any], Any]

VALUES: dict[str, Decode] = {
    "@": lambda thawer, frozen: thawer.at(frozen[1]),
    "()": Thawer.tuple_,
    "unordered": Thawer.tuple_,
    "[]": lambda thawer, frozen: list(map(thawer.value, frozen[1:])),
    "dict": lambda thawer, frozen: thawer.pairs(frozen[1:]),
    "frozenset": lambda thawer, frozen: frozenset(map(thawer.whole, frozen[1:])),
    "bool": lambda thawer, frozen: bool(frozen[1]),
    "float": lambda thawer, frozen: float(frozen[1]),
    "complex": lambda thawer, frozen: complex(float(frozen[1]), float(frozen[2])),
    "range": lambda thawer, frozen: range(*frozen[1:]),
    "ellipsis": lambda thawer, frozen: ...,
    "not implemented": lambda thawer, frozen: NotImplemented,
    "class of": lambda thawer, frozen: type(frozen[1]),
    "global": lambda thawer, frozen: thawer.modules.find(*frozen[1:]),
    "view of": lambda thawer, frozen: thawer.made[0].__dict__[frozen[1]],
    "lamport clock": lambda thawer, frozen: LamportClock(None, frozen[1]),
    "module": lambda thawer, frozen: thawer.modules.module(frozen[1]),
    "member": lambda thawer, frozen: thawer.value(frozen[1])[frozen[2]],
    "method": lambda thawer, frozen: MethodType(thawer.value(frozen[2]), thawer.value(frozen[1])),
    "handler": lambda thawer, frozen: thawer.made[0].handlers_of_(frozen[1])[frozen[2]],
    "routine of": lambda thawer, frozen: thawer.value(frozen[1]).routine,
    "dict_keys": lambda thawer, frozen: thawer.value(frozen[1]).keys(),
    "dict_values": lambda thawer, frozen: thawer.value(frozen[1]).values(),
    "dict_items": lambda thawer, frozen: thawer.value(frozen[1]).items(),
    "new": Thawer.new,
}

MAKE: dict[str, Decode] = {
    "process": Thawer.make_process,
    "frame": lambda thawer, definition: Frame.__new__(Frame),
    "dispatch": lambda thawer, definition: Dispatch.__new__(Dispatch),
    "routine": lambda thawer, definition: Routine.__new__(Routine),
    "function": Thawer.make_function,
    "cell": lambda thawer, definition: CellType(),
    "list": lambda thawer, definition: [],
    "set": Thawer.make_set,
    "dict": lambda thawer, definition: {},
    "deque": lambda thawer, definition: deque(maxlen=definition[1]),
    "own set": Thawer.make_own_set,
    "random": Thawer.make_random,
    "exception": Thawer.make_exception,
    "object": lambda thawer, definition: thawer.call(*definition[1:3]),
}

FILL: dict[str, Callable[[Thawer, Any, Any], None]] = {
    "process": Thawer.fill_process,
    "frame": Thawer.fill_frame,
    "dispatch": Thawer.fill_dispatch,
    "routine": Thawer.fill_routine,
    "function": Thawer.fill_function,
    "cell": Thawer.fill_cell,
    "list": Thawer.fill_list,
    "set": Thawer.fill_set,
    "dict": Thawer.fill_dict,
    "deque": Thawer.fill_deque,
    "own set": Thawer.fill_own_set,
    "random": Thawer.fill_random,
    "exception": Thawer.fill_exception,
    "object": Thawer.fill_object,
}

"""Freezing a process: its whole state as one plain value, from which core/thaw.py makes it again.

A frozen process is the tuple of the definitions of its objects, the process first. In it stand
None, int, str, bytes and ids for themselves, everything else as a tuple (tag, ...), and an object
that can change as ("@", its place). Invariants: places are numbered in the order they are come
to, fields by name and sets in the order of core/ordering.py, so equal states freeze to equal
values; what a module's global variable holds is named, not copied, as it is no process's own. Of
views stands there what has been added since they began (core/kept.py).
"""

from __future__ import annotations

import copyreg
import gc
import struct
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from functools import lru_cache
from operator import itemgetter
from random import Random
from types import BuiltinFunctionType, CellType, FunctionType, MethodType, ModuleType
from typing import Any

from quorate.core.ambient import RandomModule, TimeModule
from quorate.core.classes import Handler
from quorate.core.clocks import LamportClock
from quorate.core.containers import ObservedDict, ObservedList, ObservedSet
from quorate.core.errors import ProgramError
from quorate.core.frames import Frame, Routine
from quorate.core.ids import ProcessId
from quorate.core.kept import Order, Unordered
from quorate.core.naming import Modules, copying, text_of
from quorate.core.ordering import in_order
from quorate.core.pending import Pending
from quorate.core.process import Dispatch, Process
from quorate.core.settled import SettledFacts, SettledGroups
from quorate.core.views import Facts, Groups, Rows

Frozen = tuple[Any, ...]
"""The definitions of the objects of a process, the process itself first."""

RAW = frozenset({type(None), int, str, bytes, ProcessId})
FALSE, TRUE = ("bool", 0), ("bool", 1)
WORDS = "<625I"
"""How the state of a generator of random numbers is packed."""

VIEWS = frozenset({Rows, Facts, Groups, SettledFacts, SettledGroups, Pending})
"""What the class of a process begins: only what has been added is frozen."""

# In this order, which core/thaw.py takes for granted.
FRAME_PARTS = ("block_", "next_", "label_", "timer_", "expired_", "result_", "error_")
LEFT_OUT = frozenset(
    {"world_", "effects_", "stale_", "unseen_", "read_", "worth_", "members_", "joins_"}
)

LISTS = frozenset({"stack_", "deferred_", "received_", "sent_"})
"""Fields with lists that nobody else can refer to, so that these stand in their place."""

FLAGS = (
    *("open_", "arrived_", "waiting_", "started_", "set_up_", "ended_", "in_order_"),
    *("one_at_a_time_", "sends_simply_", "sends_plainly_", "takes_plainly_"),
)
"""Fields that are true or false: all their values stand together, in this order."""


def at_first() -> dict[str, Any]:
    """What other fields hold at first, as a rule: such a field is left out."""
    return {
        "creations_": 0,
        "resumes_": 0,
        "timers_": 0,
        "clock_": None,
        "sleep_": None,
        "stack_": [],
        "deferred_": [],
        "received_": [],
        "sent_": [],
        "rates_": {},
        "children_": {},
        "names_": {},
        "ready_": set(),
        "inbox_": deque(),
        "outbox_": deque(),
    }


_AT_FIRST = at_first()
_flags_of = itemgetter(*FLAGS)

_PLACES = {
    "received_": "a message received",
    "sent_": "a message sent",
    "inbox_": "a message not yet taken",
    "outbox_": "a message sent",
    "deferred_": "a message not yet handled",
}


_NOTHING = object()


@lru_cache(maxsize=1024)
def _fields_of(
    names: tuple[str, ...], left_out: frozenset[str]
) -> list[tuple[str, Any, type, str]]:
    """Of fields, in order: what each holds at first, and how it is called in an error."""
    rest = sorted(set(names).difference(left_out, FLAGS))
    told = [(name, _AT_FIRST.get(name, _NOTHING)) for name in rest]
    return [
        (name, first, type(first), _PLACES.get(name, f"the field `{name}`")) for name, first in told
    ]


def freeze(process: Process, modules: Mapping[str, Any] | None = None) -> Frozen:
    """The state of `process`, which stands between two steps, as a plain hashable value.

    `modules` are the modules of the program by name, those that Python cannot import by it.
    ProgramError (Q114) names the field or variable that holds what cannot be frozen.
    """
    assert not process.effects_, "the effects of the last step are still to be carried out"
    return Freezer(process, Modules(modules)).frozen()


class Unfit(Exception):
    """A value that cannot be frozen: `what` is wrong with what holds it, and the edit to make."""

    def __init__(self, what: str, help: str) -> None:
        super().__init__(what)
        self.what = what
        self.help = help


class Freezer:
    """One freezing. `objects` keeps alive what has a place, so that no `id` is used twice."""

    left_out = LEFT_OUT
    order: Order = tuple

    def __init__(self, process: Process | None, modules: Modules) -> None:
        """Without a process, what is frozen is a message."""
        self.process = process
        self.modules = modules
        self.holders = modules.holders(None if process is None else type(process))
        self.objects: list[Any] = []
        self.places: list[str] = []
        self.references: dict[int, tuple[str, int]] = {}
        self.place = "the state" if process is not None else "a message"

    def frozen(self, value: Any = None) -> Frozen:
        """The process as a value, or another object of its. Raises ProgramError (Q114)."""
        try:
            return self.freeze(self.process if value is None else value)
        except Unfit as unfit:
            whose = "" if self.process is None else f" of {self.process.id_!r}"
            raise ProgramError(
                "Q114", f"{self.place}{whose} {unfit.what}, which is no value", unfit.help
            ) from None

    def freeze(self, value: Any) -> Frozen:
        """The definitions of an object and of all that it refers to, it first."""
        self.refer(value)
        definitions: list[Any] = []
        while len(definitions) < len(self.objects):
            number = len(definitions)
            self.place = self.places[number]
            definitions.append(self.define(self.objects[number]))
        return tuple(definitions)

    # Values: what stands in a definition.

    def value(self, value: Any) -> Any:
        """A value in its place: itself, a tuple that says it, or a reference to its definition."""
        kind = type(value)
        if kind in RAW:
            return value
        inline = INLINE.get(kind)
        if inline is not None:
            return inline(self, value)
        return self.refer_or_name(value) if kind in DEFINED else self.other(value)

    def values(self, values: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(map(self.value, values))

    def parts(self, tag: str, values: Iterable[Any]) -> tuple[Any, ...]:
        """What is made of values, which can be gone through again."""
        return (tag, *values) if RAW.issuperset(map(type, values)) else (tag, *self.values(values))

    def other(self, value: Any) -> Any:
        """A value of a type that has no entry of its own in the tables."""
        if isinstance(value, type):
            return self.class_(value)
        if isinstance(value, Enum):
            return self.enum(value)
        if isinstance(value, tuple) and not getattr(value, "__dict__", None):
            return ("new", *self.reduced(value))
        return self.refer_or_name(value)

    def refer(self, value: Any) -> tuple[str, int]:
        reference = self.references.get(id(value))
        if reference is None:
            reference = self.references[id(value)] = ("@", len(self.objects))
            self.objects.append(value)
            self.places.append(self.place)
        return reference

    def refer_or_name(self, value: Any) -> Any:
        """A reference, or the name of the global variable that holds this very object."""
        held = self.holders.get(id(value))
        if held is not None and id(value) not in self.references:
            namespace, said = held
            if namespace.get(said[2]) is value:
                return said
        return self.refer(value)

    def tuple_(self, value: tuple[Any, ...]) -> Any:
        return self.parts("()", value)

    def frozenset_(self, value: frozenset[Any]) -> Any:
        return self.parts("frozenset", in_order(value))

    def module(self, value: ModuleType) -> Any:
        return ("module", value.__name__)

    def method(self, value: MethodType) -> Any:
        return ("method", self.value(value.__self__), self.value(value.__func__))

    def built_in(self, value: BuiltinFunctionType) -> Any:
        if isinstance(value.__self__, ModuleType) or value.__self__ is None:
            return ("global", value.__module__, value.__qualname__)
        return ("new", *self.reduced(value))

    def enum(self, value: Enum) -> Any:
        cls = self.class_(type(value))
        named = type(value).__members__.get(value.name or "") is value
        return ("member", cls, value.name) if named else ("new", cls, (self.value(value.value),))

    def class_(self, cls: type) -> Any:
        known = self.modules.names_of.get(id(cls))
        if known is not None:
            return known[1]
        module, name = cls.__module__, cls.__qualname__
        if cls is type(None):
            return ("class of", None)
        if not self.modules.names(cls, module, name):
            self.modules.know(cls)
            if not self.modules.names(cls, module, name):
                raise Unfit(
                    f"holds the class {name}, or an instance of it",
                    "define the class at the top level of its module",
                )
        said = ("global", module, name)
        self.modules.names_of[id(cls)] = cls, said
        return said

    def function(self, function: FunctionType) -> Any:
        """By name, if it has one; nested functions have a definition."""
        module, name = function.__module__, function.__qualname__
        if module not in self.modules.namespaces:
            self.modules.know(function)
        if self.modules.names(function, module, name):
            return ("global", module, name)
        return self.refer(function)

    def view(self, value: Any) -> Any:
        """`d.keys()` and the like: a mapping proxy of `d` is all that a view tells of it."""
        owner = next(each for each in gc.get_referents(value) if isinstance(each, dict))
        return (type(value).__name__, self.value(owner))

    # Definitions: of what can change.

    def define(self, value: Any) -> Any:
        define = DEFINED.get(type(value))
        if define is not None:
            return define(self, value)
        if isinstance(value, Process):
            return self.define_process(value)
        if isinstance(value, BaseException):
            return self.define_exception(value)
        if isinstance(value, Random):
            return self.define_random(value)
        if isinstance(value, set):
            return self.define_own_set(value)
        return ("object", *self.reduced(value))

    def define_process(self, process: Process) -> Any:
        if process is not self.process:
            raise Unfit("holds the process itself of another", "keep its id")
        own = vars(process)
        fields = []
        for name, first, first_kind, place in _fields_of(tuple(own), self.left_out):
            value = own[name]
            kind = type(value)
            if value is first or (kind is first_kind and value == first):
                continue
            self.place = place
            if kind in RAW:
                fields.append((name, value))
            elif name in LISTS:
                fields.append((name, self.parts("[]", value)))
            elif kind not in VIEWS:
                fields.append((name, self.value(value)))
            elif state := value.state(self.order):
                fields.append((name, ("view", self.value(state))))
        return ("process", self.class_(type(process)), _flags_of(own), *fields)

    def view_of(self, view: Any) -> Any:
        """A view that another names: that of a field, or None if the field has begun anew."""
        own = vars(self.process).items()
        return next((("view of", name) for name, value in own if value is view), None)

    def define_frame(self, frame: Frame) -> Any:
        parts, names = self.told_of(frame)
        said = tuple([part if type(part) in RAW else self.value(part) for part in parts])
        variables = []
        for name in sorted(names):
            self.place = f"the variable `{name}` of {frame.routine_.qualname}"
            variables.append((name, self.value(frame.__dict__[name])))
        return ("frame", self.value(frame.routine_), said, *variables)

    def told_of(self, frame: Frame) -> tuple[Iterable[Any], Iterable[str]]:
        """What there is to say of a frame: its FRAME_PARTS, and the names of variables."""
        return [getattr(frame, name) for name in FRAME_PARTS], frame.__dict__

    def define_dispatch(self, dispatch: Dispatch) -> Any:
        return ("dispatch", dispatch.kind, self.value(dispatch.entry), dispatch.following)

    def handler(self, handler: Handler) -> Any:
        assert self.process is not None
        return ("handler", handler.kind, self.process.handlers_of_(handler.kind).index(handler))

    def routine(self, routine: Routine) -> Any:
        """A method's is named; that of a nested function has a definition."""
        known = self.modules.names_of.get(id(routine))
        if known is not None:
            return known[1]
        if routine.owner not in self.modules.namespaces:
            for block in routine.blocks.values():
                self.modules.know(block)
        try:
            method = self.modules.find(routine.owner, routine.qualname)
        except (ImportError, KeyError, AttributeError):
            method = None
        if getattr(method, "routine", None) is routine:
            said = ("routine of", ("global", routine.owner, routine.qualname))
            self.modules.names_of[id(routine)] = routine, said
            return said
        return self.refer(routine)

    def define_routine(self, routine: Routine) -> Any:
        return (
            "routine",
            (routine.name, routine.qualname, routine.owner),
            self.inline(routine.on_error),
            routine.iterators,
            self.inline(routine.waits),
            self.inline(routine.reads),
            self.value(routine.call),
            *((name, self.value(block)) for name, block in sorted(routine.blocks.items())),
        )

    def define_function(self, function: FunctionType) -> Any:
        module = function.__globals__["__name__"]
        text = text_of(function.__globals__)
        name = text.names.get(function.__code__)
        if name is None:
            raise Unfit(
                f"holds the function {function.__qualname__} of {module}, whose text is not there",
                "define the function with `def` or `lambda` in a module of the program",
            )
        around = self.place
        cells = []
        names = function.__code__.co_freevars
        for variable, cell in zip(names, function.__closure__ or (), strict=True):
            self.place = f"{around}, by its function that uses the variable `{variable}`,"
            cells.append(self.refer(cell))
        return (
            "function",
            (module, *name),
            (function.__name__, function.__qualname__, function.__module__),
            None if function.__defaults__ is None else self.values(function.__defaults__),
            self.inline(function.__kwdefaults__),
            self.inline(function.__dict__),
            *cells,
        )

    def define_cell(self, cell: CellType) -> Any:
        return ("cell",) if cell == CellType() else ("cell", self.value(cell.cell_contents))

    def define_list(self, value: list[Any]) -> Any:
        return self.parts("list", value)

    def define_set(self, value: set[Any]) -> Any:
        return self.parts("set", in_order(value))

    def define_own_set(self, value: set[Any]) -> Any:
        """A set of a class that extends `set`; its own state, and its members in order."""
        state = self.inline(getattr(value, "__dict__", None))
        return ("own set", self.class_(type(value)), state, *map(self.value, in_order(value)))

    def define_dict(self, value: dict[Any, Any]) -> Any:
        return ("dict", *((self.value(key), self.value(item)) for key, item in value.items()))

    def define_deque(self, value: deque[Any]) -> Any:
        return ("deque", value.maxlen, *map(self.value, value))

    def define_random(self, value: Random) -> Any:
        version, words, gauss = value.getstate()
        packed = struct.pack(WORDS, *words)
        state = self.inline(getattr(value, "__dict__", None))
        return ("random", self.class_(type(value)), version, packed, self.value(gauss), state)

    def define_exception(self, error: BaseException) -> Any:
        """All but the traceback, which is no value."""
        return (
            "exception",
            self.class_(type(error)),
            self.values(error.args),
            self.inline({key: v for key, v in vars(error).items() if key != "__traceback__"}),
            self.value(error.__cause__),
            self.value(error.__context__),
            int(error.__suppress_context__),
        )

    # Anything else, by what Python's own protocol of copying says of it.

    def reduced(self, value: Any) -> tuple[Any, ...]:
        """(function, args, state, items, pairs), the shape of `__reduce_ex__`, frozen."""
        parts = _reduction(value)
        if isinstance(parts, str):
            return (("global", "functools", "partial"), (("global", value.__module__, parts),))
        function, args, *rest = parts
        state, items, pairs = [*rest, None, None, None][:3]
        if function is iter and state is None and isinstance(args[0], (list, tuple, str)):
            state = 0  # what an iterator over it will say after it has been thawed
        return (
            self.value(function),
            self.values(args),
            self.inline(state),
            None if items is None else self.values(items),
            None if pairs is None else tuple((self.value(k), self.value(v)) for k, v in pairs),
        )

    def inline(self, value: Any) -> Any:
        """Dictionaries and tuples that belong to one object only, in their place."""
        if type(value) is dict:
            return ("dict", *((self.value(key), self.value(item)) for key, item in value.items()))
        if type(value) is tuple:
            return ("()", *map(self.inline, value))
        if type(value) is list:
            return ("[]", *map(self.inline, value))
        return self.value(value)


def _reduction(value: Any) -> Any:
    """What `copy` and its kin would make a copy of `value` from."""
    reduce = copyreg.dispatch_table.get(type(value))
    try:
        with copying(type(value)):
            return reduce(value) if reduce is not None else value.__reduce_ex__(4)
    except Exception:
        kind = type(value).__name__
        raise Unfit(f"holds a {kind}", _HELP.get(kind, _ANY_HELP)) from None


_ANY_HELP = "keep it in a global variable of the module, or make it anew where it is used"
_HELP = {
    "generator": "make a list of it: `list(...)`",
    "TextIOWrapper": "open, use and close the file between two yield points",
    "BufferedReader": "open, use and close the file between two yield points",
    "BufferedWriter": "open, use and close the file between two yield points",
    "lock": "take it away: the steps of a process are atomic",
}


def _saying(tag: str, show: Callable[[Any], Any] = repr) -> Callable[[Freezer, Any], Any]:
    return lambda freezer, value: (tag, show(value))


def _naming(name: str) -> Callable[[Freezer, Any], Any]:
    return lambda freezer, value: ("global", "quorate.core.ambient", name)


INLINE: dict[type, Callable[[Freezer, Any], Any]] = {
    bool: lambda freezer, value: TRUE if value else FALSE,
    float: _saying("float"),
    complex: lambda freezer, value: ("complex", repr(value.real), repr(value.imag)),
    range: lambda freezer, value: ("range", value.start, value.stop, value.step),
    tuple: Freezer.tuple_,
    Unordered: lambda freezer, value: freezer.parts("unordered", value),
    frozenset: Freezer.frozenset_,
    type: Freezer.class_,
    type(...): _saying("ellipsis"),
    type(NotImplemented): _saying("not implemented"),
    ModuleType: Freezer.module,
    FunctionType: Freezer.function,
    MethodType: Freezer.method,
    BuiltinFunctionType: Freezer.built_in,
    Handler: Freezer.handler,
    Routine: Freezer.routine,
    LamportClock: lambda freezer, clock: ("lamport clock", clock.time),
    **dict.fromkeys(VIEWS, Freezer.view_of),
    RandomModule: _naming("random"),
    TimeModule: _naming("time"),
    type({}.keys()): Freezer.view,
    type({}.values()): Freezer.view,
    type({}.items()): Freezer.view,
}
"""What never changes, by type: it stands in its place as a value."""

DEFINED: dict[type, Callable[[Freezer, Any], Any]] = {
    list: Freezer.define_list,
    set: Freezer.define_set,
    dict: Freezer.define_dict,
    deque: Freezer.define_deque,
    Frame: lambda freezer, frame: freezer.define_frame(frame),  # which others may override
    Dispatch: Freezer.define_dispatch,
    Routine: Freezer.define_routine,
    FunctionType: Freezer.define_function,
    CellType: Freezer.define_cell,
    ObservedList: Freezer.define_list,
    ObservedSet: Freezer.define_set,
    ObservedDict: Freezer.define_dict,
}
"""What can change, or may refer to itself, by type: it has a definition."""

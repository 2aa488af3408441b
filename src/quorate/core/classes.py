"""What a compiled process class says of itself, put together with what its bases say.

Invariant: it is worked out once, when the class is made; an instance reads plain attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from types import CodeType, FunctionType
from typing import Any, ClassVar

from quorate.core.configuration import over
from quorate.core.ids import ProcessId
from quorate.core.mistakes import check_mixed_in, extends_unseen

Run = Callable[[Any, Any, ProcessId, Any], Any]
"""(process, message, peer, stamp) -> a frame, where the call is to be gone on with; or None."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """A function that adds to views what a message says.

    `tag` is the constant that all its messages, which are tuples, begin with, if there is one.
    """

    kind: str
    run: Run
    tag: Any = None


@dataclass(frozen=True, slots=True)
class Handler:
    """A `receive` or `sent` definition: `run` matches a message and acts.

    `tag` as of a Keeper; `labels` are those of `at=`, None for every yield point; `owns` says that
    it leaves the message as it is, which views may share then.
    """

    kind: str
    run: Run
    labels: frozenset[str] | None = None
    tag: Any = None
    owns: bool = False

    def meets(self, other: Handler) -> bool:
        """Whether both may match the same message."""
        apart = None not in (self.tag, other.tag) and self.tag != other.tag
        return self.kind == other.kind and not apart


@dataclass(frozen=True, slots=True)
class Fused:
    """What a keeper and then a handler do, for the same messages, as one function."""

    keeper: Run
    handler: Run
    run: Run


class Routes:
    """What is to be run on a message, in order: by what it begins with, or for any other."""

    __slots__ = ("by_tag", "others")

    def __init__(self, runs: Iterable[Keeper | Handler]) -> None:
        all_runs = list(runs)
        self.others = tuple(each.run for each in all_runs if each.tag is None)
        self.by_tag = {
            tag: tuple(each.run for each in all_runs if each.tag is None or each.tag == tag)
            for tag in [each.tag for each in all_runs if each.tag is not None]
        }

    def of(self, message: Any) -> tuple[Run, ...]:
        if isinstance(message, tuple) and message:
            try:
                return self.by_tag.get(message[0], self.others)
            except TypeError:  # it cannot be hashed
                pass
        return self.others


class CompiledClass:
    """The facts of a process class: those it defines itself, and those that follow."""

    own_handlers_: ClassVar[tuple[Handler, ...]] = ()
    own_keepers_: ClassVar[tuple[Keeper, ...]] = ()
    own_fused_: ClassVar[tuple[Fused, ...]] = ()
    invokes_: ClassVar[bool] = False  # whether operations of a client begin in its methods
    receivers_: ClassVar[tuple[Handler, ...]] = ()
    senders_: ClassVar[tuple[Handler, ...]] = ()
    dispatches_: ClassVar[bool] = False  # each handler is to be asked: when, and with what copy
    keeps_received_: ClassVar[bool] = False
    keeps_sent_: ClassVar[bool] = False
    beginnings_: ClassVar[Mapping[str, tuple[Callable[[Any], None], ...]]] = {
        "received": (),
        "sent": (),
    }
    keeping_: ClassVar[Mapping[str, Routes]] = {"received": Routes(()), "sent": Routes(())}
    taking_: ClassVar[Routes] = Routes(())  # keepers and handlers of what is received
    alone_: ClassVar[bool] = False  # no other class of the program has a part in it
    takes_apart_: ClassVar[bool] = False  # but first the ones, then the others
    remembers_sent_: ClassVar[bool] = False
    class_fields_: ClassVar[tuple[str, ...]] = ()
    observed_fields_: ClassVar[frozenset[str]] = frozenset()  # those that queries go over
    module_config_: ClassVar[Mapping[str, Any]] = {}
    own_config_: ClassVar[Mapping[str, Any]] = {}
    config_: ClassVar[Mapping[str, Any]] = {}  # of these two, the bases' included
    mixed_in_: ClassVar[Callable[..., None] | None] = None  # the `__init__` of an ordinary base

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        process = next(base for base in cls.__mro__ if CompiledClass in base.__bases__)
        if cls is process:
            return
        if process not in cls.__bases__ and any(map(_is_of_program, vars(cls).values())):
            raise extends_unseen(cls)
        line = [base for base in reversed(cls.__mro__) if issubclass(base, process)]
        cls.alone_ = len(line) == 2  # with the class of all processes
        handlers = [h for base in line for h in base.__dict__.get("own_handlers_", ())]
        cls.receivers_ = tuple(h for h in handlers if h.kind == "received")
        cls.senders_ = tuple(h for h in handlers if h.kind == "sent")
        cls.dispatches_ = any(h.labels is not None for h in handlers) or any(
            one.meets(other) for one, other in combinations(handlers, 2)
        )
        cls.keeps_received_ = any(base.__dict__.get("keeps_received_") for base in line)
        cls.keeps_sent_ = any(base.__dict__.get("keeps_sent_") for base in line)
        cls.beginnings_ = {k: _defined(line, f"{k}_views_") for k in ("received", "sent")}
        keepers = {kind: list(_keepers(cls, line, kind)) for kind in ("received", "sent")}
        cls.keeping_ = {kind: Routes(own) for kind, own in keepers.items()}
        fused = cls.__dict__.get("own_fused_", ())  # a base's would not do: others may override
        cls.taking_ = Routes(_fuse((*keepers["received"], *cls.receivers_), fused))
        careless = not all(handler.owns for handler in cls.receivers_)
        cls.takes_apart_ = cls.dispatches_ or bool(keepers["received"] and careless)
        cls.remembers_sent_ = bool(keepers["sent"])
        fields = [name for base in line for name in base.__dict__.get("class_fields_", ())]
        cls.class_fields_ = tuple(dict.fromkeys(fields))
        observed = [base.__dict__.get("observed_fields_", ()) for base in line]
        cls.observed_fields_ = frozenset().union(*observed)
        levels = [base.__dict__.get("module_config_", {}) for base in line]
        levels += [base.__dict__.get("own_config_", {}) for base in line]
        cls.config_ = over(*levels)
        others = [base for base in cls.__mro__ if not issubclass(process, base)]
        inits = [base.__dict__["__init__"] for base in others if "__init__" in base.__dict__]
        cls.mixed_in_ = next((init for init in inits if not hasattr(init, "of_process_")), None)
        if cls.mixed_in_ is not None:
            check_mixed_in(cls.mixed_in_)
            cls.__init__ = _init_of(cls, process)  # type: ignore[method-assign]

    @classmethod
    def keeps_by_(cls, code: CodeType) -> bool:
        """Whether this is the code of a function that begins views or adds to them."""
        begin = [empty for kind in cls.beginnings_.values() for empty in kind]
        line = [base.__dict__.get("own_keepers_", ()) for base in cls.__mro__]
        keep = [keeper.run for keepers in line for keeper in keepers]
        return any(getattr(run, "__code__", None) is code for run in (*begin, *keep))


def _defined(line: Iterable[type], name: str) -> tuple[Any, ...]:
    """What classes define under a name, the bases' first."""
    return tuple(base.__dict__[name] for base in line if name in base.__dict__)


def _keepers(cls: Any, line: Iterable[type], kind: str) -> Iterable[Keeper]:
    """What keeps messages of a kind: the whole history first, where that is wanted."""
    if getattr(cls, f"keeps_{kind}_"):
        yield Keeper(kind, getattr(cls, f"keep_whole_{kind}_"))
    for base in line:
        for keeper in base.__dict__.get("own_keepers_", ()):
            if keeper.kind == kind:
                yield keeper


def _fuse(takers: Iterable[Keeper | Handler], fused: Iterable[Fused]) -> Iterable[Keeper | Handler]:
    """The same without the keepers that are fused, and with what they are fused with."""
    keepers = {each.keeper for each in fused}
    runs = {each.handler: each.run for each in fused}
    for taker in takers:
        if taker.run not in keepers:
            yield replace(taker, run=runs.get(taker.run, taker.run))


def _init_of(cls: Any, process: Any) -> Callable[..., None]:
    """What stands before the `__init__` of a mix-in, which is run when the process is set up."""

    def init(self: Any, *made_of: Any) -> None:
        if made_of:
            process.__init__(self, *made_of)
        else:
            super(cls, self).__init__()

    init.of_process_ = True  # type: ignore[attr-defined]
    return init


def _is_of_program(value: Any) -> bool:
    """Whether this is a function of a .da module."""
    return isinstance(value, FunctionType) and "core_" in value.__globals__

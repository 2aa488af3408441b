"""What a compiled process class says of itself, put together with what its bases say.

Invariant: it is worked out once, when the class is made; an instance reads plain attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import FunctionType
from typing import Any, ClassVar

from quorate.core.configuration import over
from quorate.core.ids import ProcessId
from quorate.core.mistakes import check_mixed_in, extends_unseen


@dataclass(frozen=True, slots=True)
class Handler:
    """A `receive` or `sent` definition: `run(process, message, peer, stamp)` matches and acts.

    `labels` are those of `at=`, None for every yield point; `tag` the constant that all its
    messages begin with, if there is one.
    """

    kind: str
    run: Callable[[Any, Any, ProcessId, Any], Any]
    labels: frozenset[str] | None = None
    tag: Any = None

    def meets(self, other: Handler) -> bool:
        """Whether both may match the same message."""
        apart = None not in (self.tag, other.tag) and self.tag != other.tag
        return self.kind == other.kind and not apart


class CompiledClass:
    """The facts of a process class: those it defines itself, and those that follow."""

    own_handlers_: ClassVar[tuple[Handler, ...]] = ()
    receivers_: ClassVar[tuple[Handler, ...]] = ()
    senders_: ClassVar[tuple[Handler, ...]] = ()
    dispatches_: ClassVar[bool] = False  # each handler is to be asked: when, and with what copy
    keeps_received_: ClassVar[bool] = False
    keeps_sent_: ClassVar[bool] = False
    beginnings_: ClassVar[Mapping[str, tuple[Callable[[Any], None], ...]]] = {
        "received": (),
        "sent": (),
    }
    keepers_: ClassVar[tuple[Callable[..., None], ...]] = ()
    sent_keepers_: ClassVar[tuple[Callable[..., None], ...]] = ()
    remembers_: ClassVar[bool] = False  # whether anything of a message is kept
    class_fields_: ClassVar[tuple[str, ...]] = ()
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
        handlers = [h for base in line for h in base.__dict__.get("own_handlers_", ())]
        cls.receivers_ = tuple(h for h in handlers if h.kind == "received")
        cls.senders_ = tuple(h for h in handlers if h.kind == "sent")
        cls.dispatches_ = any(h.labels is not None for h in handlers) or any(
            one.meets(other) for one, other in combinations(handlers, 2)
        )
        cls.keeps_received_ = any(base.__dict__.get("keeps_received_") for base in line)
        cls.keeps_sent_ = any(base.__dict__.get("keeps_sent_") for base in line)
        cls.beginnings_ = {k: _defined(line, f"{k}_views_") for k in ("received", "sent")}
        cls.keepers_ = _defined(line, "keep_received_")
        cls.sent_keepers_ = _defined(line, "keep_sent_")
        cls.remembers_ = cls.keeps_received_ or bool(cls.keepers_)
        fields = [name for base in line for name in base.__dict__.get("class_fields_", ())]
        cls.class_fields_ = tuple(dict.fromkeys(fields))
        levels = [base.__dict__.get("module_config_", {}) for base in line]
        levels += [base.__dict__.get("own_config_", {}) for base in line]
        cls.config_ = over(*levels)
        others = [base for base in cls.__mro__ if not issubclass(process, base)]
        inits = [base.__dict__["__init__"] for base in others if "__init__" in base.__dict__]
        cls.mixed_in_ = next((init for init in inits if not hasattr(init, "of_process_")), None)
        if cls.mixed_in_ is not None:
            check_mixed_in(cls.mixed_in_)
            cls.__init__ = _init_of(cls, process)  # type: ignore[method-assign]


def _defined(line: Iterable[type], name: str) -> tuple[Any, ...]:
    """What classes define under a name, the bases' first."""
    return tuple(base.__dict__[name] for base in line if name in base.__dict__)


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

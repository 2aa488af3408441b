"""Any value that a program may send, as a tree of what msgpack has, and back.

Atoms and process ids stand for themselves; everything else is a list that begins with a tag.
So a value arrives equal and of the same type, at any depth. Invariant: `from_tree` builds only
what the registry knows, calls no constructor of the program, and trusts no shape.
"""

from __future__ import annotations

import enum
import functools
import reprlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, Final

from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.core.messages import PLAIN, error_of, parts_of_error
from quorate.net.registry import Registry
from quorate.net.standard import build, parts_of

DEPTH_MAX: Final = 150
"""Containers inside one another; a value that holds itself runs into this too."""

LIST, TUPLE, SET, FROZENSET, DICT, BIG, COMPLEX, TEXT, STANDARD = range(9)
OBJECT, DERIVED, MEMBER, NAMED, RAISED = range(9, 14)

_BUILDERS: dict[int, Callable[[Any], Any]] = {
    LIST: list,
    TUPLE: tuple,
    SET: set,
    FROZENSET: frozenset,
}
_TAGS: dict[type, int] = {list: LIST, tuple: TUPLE, set: SET, frozenset: FROZENSET}
_BASES: Final[tuple[Any, ...]] = (
    *(OrderedDict, Counter, dict, list, tuple, set, frozenset),
    *(int, float, complex, str, bytes),
)
_MUTABLE: Final = frozenset({OrderedDict, Counter, dict, list, set})
_EDIT: Final = (
    "send the data it stands for: numbers, texts, tuples, lists, sets, dictionaries, "
    "processes, or an object of a class that the program defines"
)
_MISSING: Final = object()


class BadValue(Exception):
    """What has come is not a tree that `to_tree` makes."""


class UnknownName(BadValue):
    """It names a class or function that nobody has imported here."""


class Unsendable(ProgramError):
    """A value that cannot cross to another operating-system process."""

    def __init__(self, value: Any, why: str, help: str) -> None:
        super().__init__("Q106", f"{reprlib.repr(value)} cannot be sent: {why}", help)


class Values:
    """Turns values into trees and back, with the classes of one program."""

    def __init__(self, registry: Registry, meet: Callable[[ProcessId], Any]) -> None:
        """`meet` is called with each process id that a value going out holds."""
        self._registry = registry
        self._meet = meet

    # Out.

    def to_tree(self, value: Any, depth: int = 0) -> Any:
        """`value` in atoms, ids and tagged lists. Raises `Unsendable`."""
        kind = type(value)
        if kind is int:
            small = -(2**63) <= value < 2**64
            return value if small else [BIG, hex(value)]
        if kind is str:
            return value if _is_text(value) else [TEXT, value.encode("utf-8", "surrogatepass")]
        if value is None or kind in (bool, float, bytes):
            return value
        if kind is ProcessId:
            self._meet(value)
            return value
        if depth >= DEPTH_MAX:
            raise Unsendable(
                value,
                f"it is nested more than {DEPTH_MAX} deep, or holds itself",
                "send the parts with a name for each, and put them together where they arrive",
            )
        tag = _TAGS.get(kind)
        if tag is not None:
            return [tag, *(self.to_tree(part, depth + 1) for part in value)]
        if kind is dict:
            return [DICT, *self._items(value, depth + 1)]
        return self._unusual(value, kind, depth + 1)

    def _items(self, value: dict[Any, Any], depth: int) -> Iterable[Any]:
        for key, item in value.items():
            yield self.to_tree(key, depth)
            yield self.to_tree(item, depth)

    def _unusual(self, value: Any, kind: type, depth: int) -> Any:
        if kind in PLAIN:
            return self.to_tree(PLAIN[kind](value), depth - 1)
        if kind is complex:
            return [COMPLEX, value.real, value.imag]
        standard = parts_of(value)
        if standard is not None:
            return [STANDARD, standard[0], *(self.to_tree(part, depth) for part in standard[1])]
        if isinstance(value, type | FunctionType):
            return [NAMED, *self._name(value, value)]
        name = self._name(kind, value)
        if isinstance(value, enum.Enum):
            member = value.name
            known = member in type(value).__members__
            return [MEMBER, *name, member if known else self.to_tree(value.value, depth)]
        if isinstance(value, BaseException):
            args = self.to_tree(parts_of_error(value)[0], depth)
            return [RAISED, *name, args, self._state(value, depth)]
        for base in _BASES:
            if isinstance(value, base):
                plain = self.to_tree(base(value), depth)
                return [DERIVED, *name, plain, self._state(value, depth)]
        if not _is_plain(kind):
            raise Unsendable(value, f"its class {kind.__qualname__} is not plain Python", _EDIT)
        return [OBJECT, *name, self._state(value, depth)]

    def _name(self, named: Any, value: Any) -> tuple[str, str]:
        name = self._registry.name_of(named)
        if name is None or (named is not value and name[0] == "builtins" and not _is_error(named)):
            what = "it" if named is value else f"its class {named.__qualname__}"
            raise Unsendable(
                value,
                f"{what} is not defined at the top of a module of the program",
                _EDIT,
            )
        return name

    def _state(self, value: Any, depth: int) -> Any:
        if _has_own_state(type(value)):
            return [LIST, self.to_tree(value.__getstate__(), depth)]
        if isinstance(value, BaseException):
            state = parts_of_error(value)[1]
        else:
            state = dict(getattr(value, "__dict__", ()))
        for slot in _slots(type(value)):
            held = getattr(value, slot, _MISSING)
            if held is not _MISSING:
                state[slot] = held
        for name in state:
            if _is_pythons(name, value):
                raise Unsendable(value, f"it has an attribute `{name}`", f"rename `{name}`")
        return [DICT, *self._items(state, depth)]

    # In.

    def from_tree(self, tree: Any, depth: int = 0) -> Any:
        """The value of a tree. Raises `BadValue`, or what the malformed parts lead to."""
        if type(tree) is not list:
            if isinstance(tree, dict):
                raise BadValue("a map where there is none")
            return tree
        if depth > 2 * DEPTH_MAX:
            raise BadValue("nested too deeply")
        tag = tree[0]
        if type(tag) is not int:
            raise BadValue(f"no value begins with {tag!r}")
        builder = _BUILDERS.get(tag)
        if builder is not None:
            return builder([self.from_tree(part, depth + 1) for part in tree[1:]])
        if tag == DICT:
            if len(tree) % 2 != 1:
                raise BadValue("a key without a value")
            parts = [self.from_tree(part, depth + 1) for part in tree[1:]]
            return dict(zip(parts[::2], parts[1::2], strict=True))
        return self._rebuild(tag, tree[1:], depth + 1)

    def _rebuild(self, tag: Any, parts: list[Any], depth: int) -> Any:
        match tag, parts:
            case 5, [str(text)]:  # BIG
                return int(text, 16)
            case 6, [float(real), float(imaginary)]:  # COMPLEX
                return complex(real, imaginary)
            case 7, [bytes(text)]:  # TEXT
                return text.decode("utf-8", "surrogatepass")
            case 8, [str(name), *rest]:  # STANDARD
                return build(name, [self.from_tree(part, depth) for part in rest])
            case 12, [str(module), str(qualname)]:  # NAMED
                return self._named(module, qualname)
            case 9 | 10 | 11 | 13, [str(module), str(qualname), *rest]:
                cls = self._named(module, qualname)
                if not isinstance(cls, type) or (module == "builtins" and not _is_error(cls)):
                    raise BadValue(f"{module}.{qualname} is not a class of the program")
                return self._instance(tag, cls, rest, depth)
        raise BadValue(f"no value begins with {tag!r}")

    def _named(self, module: str, qualname: str) -> Any:
        found = self._registry.find(module, qualname)
        if found is None:
            raise UnknownName(f"{module}.{qualname} is not of the program")
        return found

    def _instance(self, tag: int, cls: type, parts: list[Any], depth: int) -> Any:
        values = [self.from_tree(part, depth) for part in parts]
        match tag, values:
            case 11, [str(name)] if issubclass(cls, enum.Enum) and name in cls.__members__:
                return cls.__members__[name]
            case 11, [value] if issubclass(cls, enum.Enum):
                return cls(value)
            case 9, [state] if _is_plain(cls):
                return _with_state(object.__new__(cls), state)
            case 10, [plain, state] if type(plain) in _BASES and issubclass(cls, type(plain)):
                return _with_state(_derived(cls, plain), state)
            case 13, [tuple(args), state] if _is_error(cls):
                return _with_state(error_of(cls, args, {}), state)
        raise BadValue(f"not an instance of {cls.__qualname__}")


def _is_text(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


@functools.cache
def _is_plain(cls: type) -> bool:
    """Whether the instances of `cls` have nothing but attributes."""
    if issubclass(cls, (*_BASES, enum.Enum, BaseException)):
        return False
    try:
        object.__new__(cls)
    except TypeError:
        return False
    return True


def _has_own_state(cls: Any) -> bool:
    return cls.__getstate__ is not object.__getstate__


def _is_error(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, BaseException)


def _slots(cls: type) -> Iterable[str]:
    for base in cls.__mro__:
        if base.__module__ == "builtins":
            continue
        slots = base.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            if slot not in ("__dict__", "__weakref__"):
                private = slot.startswith("__") and not slot.endswith("__")
                yield f"_{base.__name__.lstrip('_')}{slot}" if private else slot


def _is_pythons(name: str, holder: Any) -> bool:
    """Whether an attribute means something to Python, and so is not to come over a wire."""
    if name == "__notes__":
        return not _is_error(type(holder))
    return name.startswith("__") and name.endswith("__")


def _derived(cls: type, plain: Any) -> Any:
    """An instance of a class derived from a built-in one, without its own constructor."""
    base: Any = type(plain)
    if base in _MUTABLE:
        made = base.__new__(cls)
        base.__init__(made, plain)
        return made
    return base.__new__(cls, plain)


def _with_state(made: Any, state: Any) -> Any:
    if type(state) is list:
        [own] = state
        return _restored(made, own)
    for name, value in state.items():
        if type(name) is not str or _is_pythons(name, made):
            raise BadValue(f"no attribute of a program: {name!r}")
        object.__setattr__(made, name, value)
    return made


def _restored(made: Any, state: Any) -> Any:
    """What a class that has a `__getstate__` of its own makes of its state."""
    if hasattr(type(made), "__setstate__"):
        made.__setstate__(state)
        return made
    return _with_state(made, state if type(state) is dict else {})

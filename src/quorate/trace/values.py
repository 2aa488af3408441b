"""Values of the language as JSON, readable and lossless, and back.

Where the Informal Trace Format of Apalache (ADR-015) has an encoding, it is this one: `#tup`,
`#set`, `#map`, `#bigint`. Invariants: equal values have equal encodings, whatever order a set
happens to have; every JSON object begins with a key that starts with `#`, so nothing is ambiguous.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from quorate.core.ids import ProcessId
from quorate.core.messages import PLAIN, parts_of_error
from quorate.core.ordering import in_order, repr_of

Tree = Any
"""What JSON has: None, bool, int, float, str, list, and dict with keys that are str."""

DEPTH_MAX = 100
"""Containers inside one another; what lies deeper is left out."""

EXACT_MAX = 2**53
"""Whole numbers up to this are exact in every reader of JSON."""


class BadValue(ValueError):
    """A tree that stands for no value."""


@dataclass(frozen=True, slots=True)
class Shown:
    """An instance of a class of the program, or another thing that no JSON is: its tree, as text.

    A trace is read without the program, so it is shown and compared, and no more.
    """

    text: str

    def __repr__(self) -> str:
        tree = json.loads(self.text)
        name = str(tree["#object"]).rpartition(".")[2]
        if "text" in tree:
            return str(tree["text"])
        parts = [repr_of(decode(tree["value"]))] if "value" in tree else []
        parts += [f"{key}={repr_of(decode(part))}" for key, part in tree.get("state", {}).items()]
        return f"{name}({', '.join(parts)})"


def encode(value: Any, depth: int = 0) -> Tree:
    """The tree of any value. Never fails: what has no encoding is shown, as `Shown` says."""
    kind = PLAIN.get(type(value), type(value))
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if abs(value) <= EXACT_MAX else {"#bigint": str(value)}
    if kind is float:
        return value if math.isfinite(value) else {"#float": repr(value)}
    if kind is str:
        return value if _is_text(value) else {"#text": list(map(ord, value))}
    if kind is ProcessId:
        return _id(value)
    if kind is Shown:
        return json.loads(value.text)
    if depth > DEPTH_MAX:
        return {"#object": f"{kind.__module__}.{kind.__qualname__}", "text": "..."}
    encoder = _ENCODERS.get(kind)
    return _other(value, depth) if encoder is None else encoder(value, depth + 1)


def _all(values: Any, depth: int) -> list[Tree]:
    return [encode(each, depth) for each in in_order(values)]


_ENCODERS: dict[type, Callable[[Any, int], Tree]] = {
    list: _all,
    tuple: lambda value, depth: {"#tup": _all(value, depth)},
    set: lambda value, depth: {"#set": _all(value, depth)},
    frozenset: lambda value, depth: {"#frozenset": _all(value, depth)},
    dict: lambda value, depth: {
        "#map": [[encode(key, depth), encode(item, depth)] for key, item in value.items()]
    },
    bytes: lambda value, depth: {"#bytes": value.hex()},
    complex: lambda value, depth: {"#complex": [encode(value.real), encode(value.imag)]},
}


def _is_text(value: str) -> bool:
    return value.isascii() or not any("\ud800" <= each <= "\udfff" for each in value)


def _id(id: ProcessId) -> Tree:
    tree: dict[str, Any] = {"#process": repr(id), "kind": id.kind, "path": list(id.path)}
    tree |= {"name": id.name} if id.name else {}
    tree |= {"node": id.node} if id.node else {}
    return tree | ({"origin": id.origin} if id.origin != id.node else {})


def _other(value: Any, depth: int) -> Tree:
    """An instance of a class that has no entry of its own."""
    if isinstance(value, type | FunctionType | BuiltinFunctionType | MethodType | ModuleType):
        return {"#object": type(value).__name__, "text": _name(value)}
    cls = type(value)
    tree: dict[str, Any] = {"#object": _name(cls)}
    if isinstance(value, Enum):
        return tree | {"text": f"{cls.__qualname__}.{value.name}"}
    if isinstance(value, BaseException):
        args, state = parts_of_error(value)
        return tree | {"value": encode(args, depth + 1)} | _state(state, depth)
    base = next((base for base in _ENCODERS | _ATOMS if isinstance(value, base)), None)
    if base is not None:
        tree["value"] = encode(base(value), depth + 1)
    state = {name: getattr(value, name) for name in _slots(cls) if hasattr(value, name)}
    state |= getattr(value, "__dict__", {})
    if state or base is not None:
        return tree | _state(state, depth)
    text = repr(value)
    has_address = hex(id(value)) in text  # which differs from run to run
    return tree | {"text": f"<{cls.__qualname__}>" if has_address else text}


_ATOMS: dict[Any, Any] = dict.fromkeys((int, float, str))


def _name(value: Any) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    return f"{value.__module__}.{value.__qualname__}"


def _slots(cls: type) -> list[str]:
    found = (base.__dict__.get("__slots__", ()) for base in cls.__mro__)
    return [name for some in found for name in ([some] if isinstance(some, str) else some)]


def _state(state: dict[Any, Any], depth: int) -> dict[str, Tree]:
    if not state:
        return {}
    return {"state": {str(name): encode(value, depth + 1) for name, value in state.items()}}


# Back.


def decode(tree: Tree, depth: int = 0) -> Any:
    """The value of a tree. Raises BadValue."""
    if depth > 3 * DEPTH_MAX:
        raise BadValue("it is nested too deeply")
    if isinstance(tree, list):
        return [decode(each, depth + 1) for each in tree]
    if not isinstance(tree, dict):
        return tree
    tag = next(iter(tree), "")
    decoder = _DECODERS.get(tag)
    if decoder is None:
        raise BadValue("an object that begins with none of " + ", ".join(_DECODERS))
    if len(tree) > 1 and tag not in ("#process", "#object"):
        raise BadValue(f"`{tag}` stands for itself, and has nothing beside it")
    try:
        return decoder(tree, tree[tag], depth + 1)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        if isinstance(error, BadValue):
            raise
        raise BadValue(f"this is not what `{tag}` is made of") from None


def _items(parts: Any, depth: int) -> list[Any]:
    if type(parts) is not list:
        raise TypeError(parts)
    return [decode(each, depth) for each in parts]


def _process(tree: dict[str, Any], _: Any, depth: int) -> ProcessId:
    path = tree["path"]
    name, node, origin = (tree.get(key, "") for key in ("name", "node", "origin"))
    if not all(type(each) is int and each > 0 for each in path):
        raise TypeError(path)
    texts = (tree["kind"], name, node, origin)
    if any(type(part) is not str for part in texts):
        raise TypeError(tree)
    made = ProcessId(tree["kind"], tuple(path), name, node, origin)
    if _id(made) != tree:
        raise TypeError(tree)
    return made


def _object(tree: dict[str, Any], name: Any, depth: int) -> Shown:
    if type(name) is not str or not set(tree) <= {"#object", "value", "state", "text"}:
        raise TypeError(tree)
    if "value" in tree:
        decode(tree["value"], depth)
    for part in dict(tree.get("state", {})).values():
        decode(part, depth)
    return Shown(json.dumps(tree))


def _special(text: str) -> float:
    value = float(text)
    if math.isfinite(value):
        raise ValueError(text)
    return value


_DECODERS: dict[str, Callable[[Any, Any, int], Any]] = {
    "#tup": lambda tree, parts, depth: tuple(_items(parts, depth)),
    "#set": lambda tree, parts, depth: set(_items(parts, depth)),
    "#frozenset": lambda tree, parts, depth: frozenset(_items(parts, depth)),
    "#map": lambda tree, parts, depth: dict(_items(pair, depth) for pair in parts),
    "#bigint": lambda tree, text, depth: int(text, 10),
    "#float": lambda tree, text, depth: _special(text),
    "#complex": lambda tree, parts, depth: complex(*_items(parts, depth)),
    "#text": lambda tree, parts, depth: "".join(map(chr, parts)),
    "#bytes": lambda tree, text, depth: bytes.fromhex(text),
    "#process": _process,
    "#object": _object,
}


def shown(tree: Tree) -> str:
    """A value as a program shows it, of its tree. Raises BadValue."""
    return repr_of(decode(tree))

"""`config(...)`: its keys, their values, and the spellings that are accepted."""

from __future__ import annotations

import ast
from typing import Any

from quorate.lang.diagnostics import Diagnostics, nearest
from quorate.lang.faults import FAULTS, FaultError, fault_of

KEYS: dict[str, tuple[str, ...]] = {
    "channel": ("reliable", "unreliable", "fifo", "unfifo"),
    "clock": ("lamport", "vector"),
    "handling": ("all", "one"),
    "unmatched": ("keep", "drop"),
    "on_node_loss": ("stop", "continue"),
    "faults": (),  # a table of its own
}
CONTRADICTIONS = (("reliable", "unreliable"), ("fifo", "unfifo"))


def read_config(call: ast.Call, found: Diagnostics) -> dict[str, Any]:
    """The options of one `config` call: key to value, channels as a frozenset of words.

    A channel between certain classes is under `channels`: a list of (from, to, words), where
    from and to are lists of names of classes, None for any.
    """
    options: dict[str, Any] = {}
    narrowed = {k.arg: _names(k.value) for k in call.keywords if k.arg in ("from_", "to")}
    pairs: list[tuple[str | None, ast.expr, ast.AST]] = [
        (k.arg, k.value, k) for k in call.keywords if k.arg not in narrowed
    ]
    pairs += [_spelled_is(arg, found) for arg in call.args]
    for key, value, at in pairs:
        if key is None:
            continue
        name = key.lower()
        if name not in KEYS:
            near = nearest(name, KEYS)
            help = f"did you mean `{near}`?" if near else f"the keys are {', '.join(KEYS)}"
            found.error("Q070", f"`config` has no key `{key}`", at, help=help)
            continue
        if name == "faults":
            options[name] = options.get(name, {}) | _faults(value, found)
            continue
        words = _values(name, value, found)
        if name != "channel" and options.get(name) not in (None, *words):
            found.error("Q075", f"`{key}` is given two values", at, help="keep one of them")
        if name == "channel" and narrowed:
            between = (narrowed.get("from_"), narrowed.get("to"), words)
            options.setdefault("channels", []).append(between)
        elif words:
            options[name] = words if name == "channel" else next(iter(words))
    return options


def _spelled_is(node: ast.expr, found: Diagnostics) -> tuple[str | None, ast.expr, ast.AST]:
    """`channel is Fifo`, the old spelling of `channel='fifo'`."""
    match node:
        case ast.Compare(left=ast.Name(id=key), ops=[ast.Is()], comparators=[value]):
            return key, value, node
    help = "write `config(channel='fifo', clock='lamport')`"
    found.error("Q074", "`config` takes `key=value`", node, help=help)
    return None, node, node


def _values(key: str, node: ast.expr, found: Diagnostics) -> frozenset[str]:
    elements = node.elts if isinstance(node, (ast.Set, ast.Tuple, ast.List)) else [node]
    words = set()
    for element in elements:
        match element:
            case ast.Name(id=text) | ast.Constant(value=str(text)):
                word = text.lower()
            case _:
                help = f"write one of {', '.join(map(repr, KEYS[key]))}"
                message = f"the value of `{key}` is not written out"
                found.error("Q072", message, element, help=help)
                continue
        if word in KEYS[key]:
            words.add(word)
            continue
        near = nearest(word, KEYS[key])
        choices = ", ".join(map(repr, KEYS[key]))
        help = f"did you mean `{near!r}`?".replace("`", "") if near else f"it is one of {choices}"
        found.error("Q071", f"`{key}` cannot be {ast.unparse(element)}", element, help=help)
    for one, other in CONTRADICTIONS:
        if {one, other} <= words:
            help = f"keep `{one}` or `{other}`"
            found.error("Q075", f"a channel that is both {one} and {other}", node, help=help)
    if key != "channel" and len(words) > 1:
        found.error("Q075", f"`{key}` has one value", node, help="keep one of them")
    return frozenset(words)


def _faults(node: ast.expr, found: Diagnostics) -> dict[str, list[str]]:
    """`{'loss': 0.01, 'crash': 'Server:1,for=1s'}`: the texts of each fault, by its name."""
    faults: dict[str, list[str]] = {}
    if not isinstance(node, ast.Dict):
        help = "write `faults={'loss': 0.01, 'partition': 'every=5s,for=1s'}`"
        found.error("Q072", "the value of `faults` is not written out as a table", node, help=help)
        return faults
    for key, value in zip(node.keys, node.values, strict=True):
        several = value.elts if isinstance(value, (ast.List, ast.Tuple)) else [value]
        for text in several:
            match key, text:
                case ast.Constant(value=str(name)), ast.Constant(value=str() | int() | float()):
                    try:
                        faults.setdefault(name, []).append(fault_of(name, str(text.value)).text)
                    except FaultError as error:
                        at = key if name not in FAULTS else text
                        found.error("Q076", error.message, at, help=error.help)
                case _:
                    help = "write names and values as they are: `'loss': 0.01`"
                    found.error("Q072", "a fault is not written out", key or text, help=help)
    return faults


def _names(node: ast.expr) -> list[str]:
    elements = node.elts if isinstance(node, (ast.Set, ast.Tuple, ast.List)) else [node]
    return [ast.unparse(element) for element in elements]

"""The faults of the simulated world: their names, what each takes, and how it is written.

A fault is written `VALUE,key=value,...`, on the command line (`--loss 0.01,to=Server`) as in a
program (`config(faults={'loss': '0.01,to=Server'})`). Invariant: what `fault_of` answers has a
value for every setting of its kind, in seconds and in shares of one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from quorate.lang.names import nearest

Read = Callable[[str], Any]

EVER = math.inf
"""How long a crash lasts that is written `for=ever`."""

OTHERS = "process"
"""What all processes are: how often, where nothing is said of their classes."""

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


class FaultError(ValueError):
    """A fault that cannot be understood: what is wrong, and what to write."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its name, the settings of its kind, and its text as it was given."""

    name: str
    text: str
    settings: Mapping[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.settings[key]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a fault takes: `head` reads the value that comes first, `settings` those by name.

    With `optional`, the head may be left out, or be the word `on`. `flags` are settings that
    are given by their name alone.
    """

    about: str
    head: Callable[[str], Mapping[str, Any]]
    example: str
    settings: Mapping[str, tuple[Read, Any]] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    optional: bool = False


def duration(text: str) -> float:
    """Seconds, of `5s`, `20ms`, `10us`, `2m`, `1h`, or a number of seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)(us|ms|s|m|h|)", text)
    if found is None:
        raise FaultError(f"`{text}` is no length of time", "write `5s`, `20ms` or `0.5s`")
    return float(found[1]) * _UNITS[found[2]]


def chance(text: str) -> float:
    """A share of one, of `0.01` or `1%`."""
    value = _share(text)
    if value is None or not 0 <= value <= 1:
        raise FaultError(f"`{text}` is no chance", "write a number from 0 to 1, or `1%`")
    return value


def rate(text: str) -> float:
    """How much faster or slower than it should, at most: `0.001`, `0.1%` or `100ppm`."""
    value = _share(text)
    if value is None or not 0 <= value < 1:
        help = "write `0.1%`, `100ppm`, or a number below 1"
        raise FaultError(f"`{text}` is no rate of a clock", help)
    return value


def _share(text: str) -> float | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?|\.\d+)(%|ppm|)", text)
    return None if found is None else float(found[1]) * {"%": 1e-2, "ppm": 1e-6, "": 1.0}[found[2]]


def _positive(text: str) -> float:
    value = duration(text)
    if value == 0:
        raise FaultError(f"`{text}` is no time at all", "write a length of time such as `1s`")
    return value


def _span(text: str) -> float:
    return EVER if text == "ever" else _positive(text)


def _number(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text) is None:
        raise FaultError(f"`{text}` is no number", "write one such as `0.5`")
    return float(text)


def _chance_head(text: str) -> Mapping[str, Any]:
    return {"chance": chance(text)}


def _nothing(text: str) -> Mapping[str, Any]:
    raise FaultError(f"`{text}` is no setting of it", "write `on`, or settings as `every=5s`")


def _counted(text: str) -> tuple[str | None, int] | None:
    """Of `Server:2`, `Server` or `2` the class, if there is one, and the number."""
    found = re.fullmatch(r"(?:(?P<kind>[^\W\d]\w*)(?::(?P<of>\d{1,9}))?|(?P<any>\d{1,9}))", text)
    return found and (found["kind"], int(found["of"] or found["any"] or 1))


def _whom(text: str) -> Mapping[str, Any]:
    """`Server:2`, `Server`, or `2`: at most how many processes of which class, at a time."""
    kind, count = _counted(text) or (None, 0)
    if count < 1:
        help = "write `Server:1` for one process of class Server at a time"
        raise FaultError(f"`{text}` says not which processes, or how many", help)
    return {"kind": kind, "count": count}


def times_of(text: str) -> int | dict[str, int]:
    """How often something may happen: `2`; or to processes of which classes, `Server:2,Client`.

    A number by itself beside these is for all others, and is that of `process`.
    """
    found: dict[str, int] = {}
    for part in map(str.strip, text.split(",")):
        counted = _counted(part)
        if counted is None:
            help = "write `2`, `Server:2`, or `1,Server:2`"
            raise FaultError(f"`{part}` says not how often, or of which processes", help)
        kind, count = counted[0] or OTHERS, counted[1]
        if kind in found:
            raise FaultError(f"`{text}` says twice how often", "write each class once")
        found[kind] = count
    return found[OTHERS] if found.keys() == {OTHERS} else found


def as_times(times: Mapping[str, int]) -> str:
    """How `times_of` reads these, the number for all others first, if it says anything."""
    classes = [f"{kind}:{count}" for kind, count in times.items() if kind != OTHERS]
    others = times.get(OTHERS, 0)
    return ",".join([str(others), *classes] if others or not classes else classes)


MODELS: dict[str, dict[str, tuple[Read, Any]]] = {
    "constant": {"value": (duration, None)},
    "uniform": {"min": (duration, 0.0), "max": (duration, None)},
    "exponential": {"mean": (_positive, None), "min": (duration, 0.0)},
    "lognormal": {"median": (_positive, None), "sigma": (_number, 0.5)},
}
"""The distributions of latency, and their parameters; None for those that must be given."""

_LINK = {"from": (str, None), "to": (str, None)}
_TIMES = {"every": (_positive, 5.0), "for": (_positive, 1.0)}

FAULTS: dict[str, Kind] = {
    "loss": Kind("a message is lost", _chance_head, "0.01", _LINK),
    "duplicate": Kind("a message comes twice", _chance_head, "0.01", _LINK),
    "reorder": Kind(
        *("a message is held up, so that later ones overtake it", _chance_head, "0.1"),
        {"by": (_positive, 0.01), **_LINK},
    ),
    "latency": Kind("how long a message is under way", _nothing, "exponential:mean=5ms", _LINK),
    "partition": Kind(
        *("the network falls into two parts", _nothing, "every=5s,for=1s", _TIMES, ("oneway",)),
        optional=True,
    ),
    "clog": Kind(
        *("all messages from one process to another are held up", _nothing, "every=5s,for=500ms"),
        {**_TIMES, **_LINK},
        optional=True,
    ),
    "crash": Kind(
        *("a process is lost, and begins anew", _whom, "Server:1,every=5s,for=1s"),
        {"every": (_positive, 5.0), "for": (_span, 1.0)},
        optional=True,
    ),
    "pause": Kind(
        *("a process does nothing for a while", _whom, "Server:1,every=5s,for=500ms", _TIMES),
        optional=True,
    ),
    "skew": Kind("clocks are apart", lambda text: {"by": duration(text)}, "50ms"),
    "drift": Kind("clocks run fast or slow", lambda text: {"by": rate(text)}, "100ppm"),
}


def fault_of(name: str, text: str) -> Fault:
    """The fault that `text` says, of the kind `name`. Raises FaultError."""
    if name not in FAULTS:
        raise FaultError(f"there is no fault `{name}`", _did_you_mean(name, FAULTS, "the faults"))
    kind = FAULTS[name]
    head, *pairs = [part.strip() for part in text.split(",")]
    settings: dict[str, Any] = {key: default for key, (_, default) in kind.settings.items()}
    settings |= dict.fromkeys(kind.flags, False)
    if kind.head is _whom:
        settings |= {"kind": None, "count": 1}
    try:
        if name == "latency":
            return Fault(name, text, settings | _latency(head, pairs))
        if kind.optional and (head == "on" or "=" in head or head in kind.flags):
            pairs = pairs if head == "on" else [head, *pairs]
        else:
            settings |= kind.head(head)
        for pair in pairs:
            settings |= _setting(pair, kind.settings, kind.flags)
    except FaultError as error:
        raise FaultError(f"{name}: {error.message}", error.help or kind.example) from None
    return Fault(name, text, settings)


def faults_of(texts: Mapping[str, Any]) -> list[Fault]:
    """The faults of a table: a name maps to one text, or to several."""
    found: list[Fault] = []
    for name, given in texts.items():
        several = given if isinstance(given, (list, tuple)) else [given]
        found += [fault_of(name, str(text)) for text in several]
    return found


def _setting(
    pair: str, known: Mapping[str, tuple[Read, Any]], flags: Iterable[str] = ()
) -> Mapping[str, Any]:
    """`key=value`, or the name of a flag."""
    key, equals, value = (part.strip() for part in pair.partition("="))
    if not equals and key in flags:
        return {key: True}
    if key not in known:
        raise FaultError(f"there is no `{key}`", _did_you_mean(key, (*known, *flags), "there are"))
    if not equals or not value:
        raise FaultError(f"`{key}` has no value", f"write `{key}=...`")
    return {key: known[key][0](value)}


def _latency(head: str, pairs: list[str]) -> dict[str, Any]:
    """The settings of `MODEL:key=value,...`, or of a short form of it."""
    model, first = _model(head)
    if model not in MODELS:
        raise FaultError(f"there is no model `{model}`", _did_you_mean(model, MODELS, "there are"))
    parameters = MODELS[model]
    found: dict[str, Any] = {key: default for key, (_, default) in (parameters | _LINK).items()}
    for pair in first + pairs:
        found |= _setting(pair, parameters | _LINK)
    own = {key: found.pop(key) for key in parameters}
    missing = [key for key, value in own.items() if value is None]
    if missing:
        help = f"write `{model}:{missing[0]}=5ms`"
        raise FaultError(f"`{model}` needs its `{missing[0]}`", help)
    if own.get("max", math.inf) < own.get("min", 0.0):
        raise FaultError("the least is more than the most", "write `uniform:min=1ms,max=5ms`")
    return {**found, "model": model, "parameters": own}


def _model(head: str) -> tuple[str, list[str]]:
    """The model, and its first parameters: `5ms` is a constant, `1ms..5ms` is uniform."""
    model, colon, first = head.partition(":")
    if colon:
        return model, [first if "=" in first else f"value={first}"]
    if ".." in head:
        least, _, most = head.partition("..")
        return "uniform", [f"min={least}", f"max={most}"]
    return ("constant", [f"value={head}"]) if re.match(r"[\d.]", head) else (head, [])


def _did_you_mean(name: str, names: Iterable[str], they: str) -> str:
    near = nearest(name, names)
    return f"did you mean `{near}`?" if near else f"{they}: {', '.join(names)}"

"""Events in words, one line each.

Invariant: whatever a trace holds, the words are printable, on one line, and no longer than said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quorate.trace import events as ev
from quorate.trace.events import Event
from quorate.trace.values import shown

WIDTH_MAX = 100
"""How much is shown of a value, in characters."""


def plain(text: str, width: int = WIDTH_MAX) -> str:
    """Text on one line, without what a terminal would obey, clipped."""
    text = "".join(each if each.isprintable() else " " for each in text)
    return text if len(text) <= width else text[: width - 3] + "..."


def value(tree: Any, width: int = WIDTH_MAX) -> str:
    """A value as a program shows it."""
    return plain(shown(tree), width)


def run_of(begin: ev.Begin) -> str:
    """Which run it is; one that a check has found has no seed, but a network."""
    words = [plain(each) for each in (begin.program, *begin.arguments)]
    how = "checked" if is_checked(begin) else f"seed {begin.seed}"
    return f"{' '.join(words)}, {how}"


def is_checked(begin: ev.Begin) -> bool:
    """Whether no run is told of, but what a check has found."""
    return "network" in begin.config


def told(event: Event) -> str:
    """What happened, with the process or message that it happened to."""
    words = _WORDS[type(event)](event)
    return plain(words, 3 * WIDTH_MAX)


def _at(event: Any) -> str:
    return f"  ({event.at})" if event.at else ""


def _step(event: ev.Step) -> str:
    match event.why:
        case "message":
            return f"{event.process} is given {event.message}"
        case "timer":
            return f"the timer {event.timer} of {event.process} runs out"
        case "setup":
            args = [*map(value, event.args)]
            args += [f"{name}={value(each)}" for name, each in event.kwargs.items()]
            return f"{event.process} is set up with ({', '.join(args)})"
        case "resume":
            return f"{event.process} goes on"
    return f"{event.process} {'starts' if event.why == 'start' else 'is ended'}"


def _state(event: ev.State) -> str:
    changes = [f"{name} = {value(each, 40)}" for name, each in event.after.items()]
    stands = [f"it stands at {event.at}"] if event.at else []
    return f"{event.process}: {', '.join(changes + stands)}"


def groups(sides: Sequence[Sequence[str]], between: str = " | ") -> str:
    """The sides of a partition, as a scenario has them."""
    return between.join("{" + ", ".join(map(plain, side)) + "}" for side in sides)


def _fault(event: ev.Fault) -> str:
    sides = ", ".join(name for group in event.groups for name in group)
    if event.what == "clog":
        sides = ", ".join(" -> ".join(pair) for pair in event.groups)
    elif event.what == "partition":
        sides = groups(event.groups, " -> " if event.oneway else " | ")
    elif event.what == "rates":
        sides = ", ".join(f"{name} {text}" for name, text in event.faults)
    for_ = "" if event.seconds is None else f" for {event.seconds:g} s"
    return f"{event.what} {sides}".rstrip() + for_


def _choice(event: ev.Choice) -> str:
    number = "" if event.value is None else f" {event.value!r}"
    nth = f", time {event.nth}" if event.nth > 1 else ""
    return f"chance decides the {event.what}{number} of {event.of}{nth}"


def _property(event: ev.Property) -> str:
    what = "holds" if event.holds else "does not hold"
    return f"{event.name} {what}{': ' if event.text else ''}{event.text}{_at(event)}"


def operation(event: ev.Operation) -> str:
    """What a client does, without its name."""
    match event.phase:
        case "invoke":
            return f"invokes {event.op}({', '.join(map(value, event.args))})"
        case "return":
            return f"is answered {value(event.result)}"
        case "fail":
            return "is refused it"
    return "does not learn whether it is done"


_WORDS: dict[type, Any] = {
    ev.Begin: lambda e: f"{e.program} is run with seed {e.seed}",
    ev.Create: lambda e: f"{e.parent or 'the run'} creates {e.process}",
    ev.Step: _step,
    ev.State: _state,
    ev.Send: lambda e: f"{e.process} sends {value(e.value)} to {e.to} as {e.message}{_at(e)}",
    ev.Duplicate: lambda e: f"{e.message} comes twice",
    ev.Retry: lambda e: f"{e.message} is sent again",
    ev.Drop: lambda e: f"{e.message} is gone: {e.why}",
    ev.SetTimer: lambda e: f"{e.process} sets timer {e.timer} to {e.seconds:g} s{_at(e)}",
    ev.Output: lambda e: f"{e.process} prints {plain(e.text)}{_at(e)}",
    ev.End: lambda e: f"{e.process} ends with code {e.code}",
    ev.Fail: lambda e: f"{e.process} fails: {plain(e.text)}{_at(e)}",
    ev.Fault: _fault,
    ev.Crash: lambda e: f"{e.process} crashes",
    ev.Restart: lambda e: f"{e.process} begins anew",
    ev.Heal: lambda e: f"{groups(e.groups)} heals" if e.groups else "the network heals",
    ev.Choice: _choice,
    ev.Property: _property,
    ev.Operation: lambda e: f"{e.client} {operation(e)}",
    ev.Over: lambda e: f"the run is over ({e.end}), with status {e.status}",
}

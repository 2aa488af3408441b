"""A scenario written by hand: what befalls a run, line by line.

    at 3s crash Server-2 for 1s
    at 5s partition {Server-1} | {Server-2, Server-3}
    at 8s heal

A process is named as output names it; a class stands for all its processes. Invariant: whatever
a line says of its form is checked when the text is read, whom it names when its time comes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from quorate.core.ids import ProcessId
from quorate.lang.faults import EVER, Fault, FaultError, duration, fault_of
from quorate.lang.names import nearest
from quorate.worlds.sim.faults import is_called
from quorate.worlds.sim.host import SimulatedHost
from quorate.worlds.sim.routes import RATES
from quorate.worlds.sim.strikes import Strike, befall, upon

Do = Callable[[SimulatedHost], None]


class ScenarioError(ValueError):
    """A line that cannot be understood, or that names a process that is not there."""


def _wrong(place: str, message: str, help: str) -> ScenarioError:
    return ScenarioError(f"{place}: {message}\n  = help: {help}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when, in seconds, where it stands, whom it names, and what is to be done."""

    at: float
    place: str
    names: tuple[str, ...]
    do: Do


class _Absent(Exception):
    """A name that no process has; with those that there are."""


def read_scenario(text: str, path: str = "scenario") -> list[Line]:
    """The lines of a scenario, in the order of their times. Raises ScenarioError."""
    lines: list[Line] = []
    for number, line in enumerate(text.splitlines(), 1):
        place, said = f"{path}:{number}", line.partition("#")[0].strip()
        if not said:
            continue
        try:
            lines.append(_line(said, place))
        except FaultError as error:
            raise _wrong(place, error.message, error.help) from None
    return sorted(lines, key=lambda each: each.at)


def play(host: SimulatedHost, lines: Iterable[Line]) -> None:
    """Have a run befallen by what the lines say. Then the run raises ScenarioError, if need be."""
    for line in lines:
        host.agenda.act_at(line.at, partial(_play, host, line), counts=True)


def _play(host: SimulatedHost, line: Line) -> None:
    try:
        line.do(host)
    except _Absent as absent:
        there = [repr(id) for id in host.processes if id.path]
        near = nearest(str(absent), there)
        help = f"there are {', '.join(there)}" if there else "give it a time after they are made"
        help = f"did you mean {near}?" if near else help
        message = f"at {line.at:g} s there is no process {absent}"
        raise _wrong(line.place, message, help) from None


def _line(said: str, place: str) -> Line:
    match = re.fullmatch(r"at\s+(\S+)\s+(\w+)\s*(.*)", said)
    if match is None:
        raise FaultError(f"`{said}` is no line of a scenario", "write `at 3s crash Server-2`")
    at, verb, rest = match.groups()
    if verb in RATES:
        fault = fault_of(verb, rest)
        names = [fault[end] for end in ("from", "to") if fault[end] is not None]
        return Line(duration(at), place, tuple(names), _rate(fault))
    if verb not in VERBS:
        verbs = (*VERBS, *RATES)
        near = nearest(verb, verbs)
        help = f"did you mean `{near}`?" if near else f"there are {', '.join(verbs)}"
        raise FaultError(f"nothing is called `{verb}`", help)
    rest, seconds = _span(rest)
    do = VERBS[verb](rest, seconds)
    names = re.findall(r"[^\W\d][\w.-]*", rest.replace("->", " "))
    return Line(duration(at), place, tuple(names), do)


def _span(rest: str) -> tuple[str, float]:
    """What a line says before `for 3s`, and how long that is; without it, for ever."""
    match = re.fullmatch(r"(.*?)\s*\bfor\s+(\S+)", rest)
    if match is None:
        return rest.strip(), math.inf
    return match[1].strip(), EVER if match[2] == "ever" else duration(match[2])


def _crash(rest: str, seconds: float) -> Do:
    names = _names(rest)

    def crash(host: SimulatedHost) -> None:
        for id in _found(host, names):
            if id in host.processes:  # and is not down already
                befall(host, Strike("crash", upon(id), seconds))

    return crash


def _restart(rest: str, seconds: float) -> Do:
    _check_endless("restart", seconds)
    names = _names(rest)

    def restart(host: SimulatedHost) -> None:
        for id in _found(host, names):
            befall(host, Strike("restart", upon(id)))

    return restart


def _pause(rest: str, seconds: float) -> Do:
    names = _names(rest)
    if seconds == math.inf:
        raise FaultError("`pause` does not say for how long", "write `pause Server-2 for 500ms`")

    def pause(host: SimulatedHost) -> None:
        for id in _found(host, names):
            if id in host.processes:
                befall(host, Strike("pause", upon(id), seconds))

    return pause


def _partition(rest: str, seconds: float) -> Do:
    oneway = "->" in rest
    sides = re.split(r"->" if oneway else r"\|", rest)
    groups = [_names(side.strip().removeprefix("{").removesuffix("}")) for side in sides]
    if len(groups) < 2 or (oneway and len(groups) > 2):
        help = "write `partition {A-1} | {A-2, A-3}`, or one way `partition {A-1} -> {A-2}`"
        raise FaultError("a partition has groups between which nothing passes", help)

    def cut(host: SimulatedHost) -> None:
        paths = (tuple(id.path for id in _found(host, names)) for names in groups)
        befall(host, Strike("partition", tuple(paths), seconds, oneway, counts=True))

    return cut


def _clog(rest: str, seconds: float) -> Do:
    sender, arrow, to = rest.partition("->")
    if not arrow or seconds == math.inf:
        help = "write `clog Client-1 -> Server-1 for 1s`"
        raise FaultError("`clog` says from whom, to whom, and for how long", help)
    senders, receivers = _names(sender), _names(to)

    def clog(host: SimulatedHost) -> None:
        ends = _found(host, senders), _found(host, receivers)
        pairs = tuple((one.path, other.path) for one in ends[0] for other in ends[1])
        befall(host, Strike("clog", pairs, seconds))

    return clog


def _heal(rest: str, seconds: float) -> Do:
    if rest:
        raise FaultError("`heal` ends all partitions and clogs", "write `at 8s heal`")
    _check_endless("heal", seconds)
    return lambda host: befall(host, Strike("heal"))


def _rate(fault: Fault) -> Do:
    def change(host: SimulatedHost) -> None:
        rates = [each for each in host.network.routes.rates if not _replaces(fault, each)]
        faults = tuple((each.name, each.text) for each in [*rates, fault])
        befall(host, Strike("rates", faults=faults))

    return change


def _replaces(new: Fault, old: Fault) -> bool:
    """Whether a fault holds wherever another of its name did."""
    ends = (new["from"], new["to"])
    return new.name == old.name and ends in ((None, None), (old["from"], old["to"]))


VERBS: dict[str, Callable[[str, float], Do]] = {
    "crash": _crash,
    "restart": _restart,
    "pause": _pause,
    "partition": _partition,
    "clog": _clog,
    "heal": _heal,
}


def _check_endless(verb: str, seconds: float) -> None:
    if seconds < math.inf:
        raise FaultError(f"`{verb}` has no `for`", f"write `at 8s {verb}` and what follows it")


def _names(text: str) -> list[str]:
    names = [name for name in re.split(r"[,\s]+", text.strip()) if name]
    if not names:
        raise FaultError("no process is named", "name one as output does: `Server-2`")
    return names


def _found(host: SimulatedHost, names: Iterable[str]) -> list[ProcessId]:
    """The processes that are called so, those that are down too; those that have ended are left
    out. Raises _Absent where there has been none.
    """
    found: list[ProcessId] = []
    for name in names:
        down = [each.process for each in host.lives.down.values()]
        called = [each.id_ for each in (*host.processes.values(), *down) if is_called(each, name)]
        if not called and name not in host.lives.gone:
            raise _Absent(name)
        found += called
    return found

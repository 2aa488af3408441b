"""What befalls a run from outside, one thing at a time, as data; and how it is carried out.

Chance, a scenario and a recorded run all come down to these. Invariant: a strike that finds
nobody is of no effect, so that any of them can be left out or moved.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from quorate.core.ids import ProcessId
from quorate.lang.faults import fault_of
from quorate.trace import events as ev
from quorate.worlds.sim.partitions import Partition, Path

if TYPE_CHECKING:
    from quorate.worlds.sim.host import SimulatedHost


@dataclass(frozen=True, slots=True)
class Strike:
    """One of them. `groups` holds the paths of ids: of one process; for a partition, of each side;
    for `clog`, pairs of a sender and a receiver.

    It is over after `seconds`. If it `counts`, the run goes on for its end. `faults` are the new
    `rates`, (name, text).
    """

    what: Literal["crash", "restart", "pause", "partition", "clog", "heal", "rates"]
    groups: tuple[tuple[Path, ...], ...] = ()
    seconds: float = math.inf
    oneway: bool = False
    counts: bool = False
    faults: tuple[tuple[str, str], ...] = ()


def upon(process: ProcessId) -> tuple[tuple[Path, ...], ...]:
    """The groups of a strike on one process."""
    return ((process.path,),)


def befall(host: SimulatedHost, strike: Strike) -> None:
    """Let it happen now."""
    agenda, network, lives = host.agenda, host.network, host.lives
    host.struck(strike)
    match strike.what:
        case "crash":
            for id in _ids(strike.groups, host.processes):
                lives.crash(id, strike.seconds)
        case "restart":
            for id in _ids(strike.groups, lives.down):
                lives.restart(id)
        case "pause":
            for id in _ids(strike.groups, host.processes):
                lives.pause(id, strike.seconds)
        case "partition":
            partition = Partition(strike.groups, strike.oneway)
            network.cut(partition)
            if strike.seconds < math.inf:
                end = partial(network.mend, partition)
                agenda.act_at(agenda.now + strike.seconds, end, counts=strike.counts)
        case "clog":
            there = (*host.processes, *lives.down)
            ids = {id.path: id for id in there}
            ends = [pair for pair in strike.groups if len(pair) == 2 and ids.keys() >= {*pair}]
            pairs = [(ids[sender], ids[to]) for sender, to in ends]
            network.clog(pairs, agenda.now + strike.seconds)
            agenda.act_at(agenda.now + strike.seconds, network.unclog)
        case "heal":
            network.heal()
        case "rates":
            network.set_rates([fault_of(name, text) for name, text in strike.faults])


def _ids(groups: Iterable[Iterable[Path]], there: Iterable[ProcessId]) -> list[ProcessId]:
    paths = {path for group in groups for path in group}
    return [id for id in there if id.path in paths]


def play_again(host: SimulatedHost, strikes: Iterable[ev.Fault], paths: Mapping[str, Path]) -> None:
    """Have a run befallen by what befell another one.

    `paths` says who is called how by then; who is not there is left out.
    """
    for each in strikes:
        host.agenda.act_at(each.time, partial(_strike, host, each, paths), counts=each.counts)


def _strike(host: SimulatedHost, fault: ev.Fault, paths: Mapping[str, Path]) -> None:
    groups = tuple(tuple(paths[name] for name in group if name in paths) for group in fault.groups)
    seconds = math.inf if fault.seconds is None else fault.seconds
    rates = tuple(fault.faults)
    befall(host, Strike(fault.what, groups, seconds, fault.oneway, fault.counts, rates))

"""How messages go from one process to another: the channel, its latency, what befalls them.

Invariant: a route is found once for each pair of classes (of processes, where a fault names
one), and again when the faults change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.lang.faults import Fault
from quorate.worlds.base import Channels, kinds_of
from quorate.worlds.sim.latency import Latency, latency_of

RATES = ("loss", "duplicate", "reorder", "latency")
"""The faults that a message meets by itself."""


@dataclass(slots=True, eq=False)
class Route:
    """The way of messages: chances are shares of one, times are in seconds.

    On a `plain` one nothing befalls them, and the latency is straight. What cuts and clogs the
    network leaves a route alone that is `spared`.
    """

    latency: Latency
    low: float  # of the latency
    spread: float
    ordered: bool
    reliable: bool
    spared: bool
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_by: float = 0.0
    plain: bool = True


class Routes:
    """The routes of a run; `rates` are the faults that messages meet by themselves."""

    def __init__(self, config: Mapping[str, Any], faults: Iterable[Fault]) -> None:
        self._channels = Channels(config)
        self.processes: Mapping[ProcessId, Process] = {}
        self._unreliable = False  # some route is
        self.set_rates([fault for fault in faults if fault.name in RATES])

    def set_rates(self, rates: Sequence[Fault]) -> None:
        self.rates = list(rates)
        self._found: dict[Any, Route] = {}
        ends = [fault[end] for fault in rates for end in ("from", "to")]
        self._by_id = any(end is not None and "-" in end for end in ends)

    def of(self, source: Process, to: ProcessId) -> Route:
        """The route from a process to the one that is called `to`, which may not be made yet."""
        key = (source.id_, to) if self._by_id else (type(source), to.kind)
        route = self._found.get(key)
        if route is None:
            receiver = self.processes.get(to)
            route = self._find(source, to, receiver)
            if receiver is not None:  # only then its bases are known
                self._found[key] = route
        return route

    def are_reliable(self) -> bool:
        """Whether all channels that messages went over have been reliable."""
        return not self._unreliable

    def _find(self, source: Process, to: ProcessId, receiver: Process | None) -> Route:
        targets = {to.kind} if receiver is None else {*kinds_of(type(receiver))}
        senders = {*kinds_of(type(source)), source.id_.kind, repr(source.id_)}
        faults = {
            fault.name: fault
            for fault in self.rates
            if _is_at(fault, "from", senders) and _is_at(fault, "to", {*targets, repr(to)})
        }
        words = self._channels.words(type(source), targets)
        latency = latency_of(faults["latency"]) if "latency" in faults else Latency()
        route = Route(
            *(latency, latency.low, latency.spread),
            ordered="fifo" in words,
            reliable="unreliable" not in words,
            spared=not (source.id_.path and to.path),
        )
        for name in ("loss", "duplicate", "reorder"):
            if name in faults:
                setattr(route, name, faults[name]["chance"])
        if "reorder" in faults:
            route.reorder_by = faults["reorder"]["by"]
        self._unreliable |= not route.reliable
        befalls = route.loss or route.duplicate or route.reorder
        route.plain = latency.curve is None and not befalls
        return route


def _is_at(fault: Fault, end: str, names: set[str]) -> bool:
    """Whether a fault is meant for messages with an end that has these names.

    `main`, which sets the scene, meets those that name it, and is as far away as anyone.
    """
    chosen = fault[end]
    if chosen is None:
        return fault.name == "latency" or "main" not in names
    return chosen in names

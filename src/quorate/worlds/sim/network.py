"""The simulated network: what becomes of a message, and when it arrives.

A reliable channel sends again what is lost, so a fault shows as delay; a channel that keeps order
holds up what was sent later. Invariant: a message over a reliable channel arrives exactly once,
unless a process at one of its ends crashes; all draws come from the run's generator, in the order
of the sends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappush
from typing import Any

from quorate.core.ids import ProcessId
from quorate.core.messages import own_copy
from quorate.core.process import Process
from quorate.lang.faults import Fault
from quorate.worlds.sim.agenda import Agenda
from quorate.worlds.sim.partitions import Partition
from quorate.worlds.sim.routes import Route, Routes

RETRY_SECONDS_MIN = 0.02
RETRY_SECONDS_MAX = 1.0
"""How long until a reliable channel sends again what was lost; twice as long each time."""

Pair = tuple[ProcessId, ProcessId]


@dataclass(slots=True, eq=False)
class Parcel:
    """A message that something may befall: on a reliable channel it is sent until it arrives."""

    source: Process
    to: ProcessId
    message: Any
    stamp: Any
    number: int
    route: Route
    wait_seconds: float = RETRY_SECONDS_MIN  # before it is sent again

    @property
    def sender(self) -> ProcessId:
        return self.source.id_


class Network:
    """Takes what processes send, and puts on the agenda what arrives."""

    def __init__(self, agenda: Agenda, routes: Routes) -> None:
        self.agenda = agenda
        self.routes = routes
        self.lost = 0  # messages that are gone for good
        self._partitions: list[Partition] = []
        self._clogs: dict[Pair, float] = {}  # until when
        self._disturbed = False  # what befalls messages is to be looked at
        self._note_disturbance()
        self._last: dict[Pair, tuple[float, float]] = {}  # on channels that keep order
        self._held: dict[
            Pair, deque[Parcel]
        ] = {}  # on those, if reliable: what has not got through

    def send(self, source: Process, to: ProcessId, message: Any, stamp: Any) -> None:
        """Send a message of `source` now. This is most of what a message costs this world."""
        agenda = self.agenda
        route = self.routes.of(source, to)
        number = next(agenda.numbers)
        if agenda.observer is not None:
            agenda.note("send", source.id_, to, number, message)
        if route.plain and not self._disturbed:
            u = agenda.draw()
            at = agenda.now + (route.low + route.spread * u)
            if route.ordered:
                at, u = self._in_order((source.id_, to), at, u)
            heappush(agenda.items, (at, u, number, to, message, source.id_, stamp))
        else:
            self._send(Parcel(source, to, message, stamp, number, route))

    def _in_order(self, pair: Pair, at: float, draw: float) -> tuple[float, float]:
        """A time not before that of the message sent last."""
        last = self._last.get(pair)
        if last is not None and at <= last[0]:
            return last
        self._last[pair] = at, draw
        return at, draw

    # Where faults are about.

    def _send(self, sent: Parcel) -> None:
        held = self._held.get((sent.sender, sent.to))
        if held and sent.route.ordered:
            held.append(sent)
        elif not self._attempt(sent):
            self._miss(sent)

    def _attempt(self, sent: Parcel) -> bool:
        """Let a message try its luck; whether it gets through."""
        agenda, route = self.agenda, sent.route
        if self._is_cut(sent):
            return False
        if route.loss and agenda.befalls("loss", sent.number, route.loss):
            return False
        self._arrive(sent, sent.message, sent.number)
        if route.duplicate and not (route.reliable or route.ordered):
            if agenda.befalls("duplicate", sent.number, route.duplicate):
                number = next(agenda.numbers)
                agenda.note("duplicate", sent.sender, sent.to, number, sent.number)
                self._arrive(sent, own_copy(sent.message), number)
        return True

    def _is_cut(self, sent: Parcel) -> bool:
        if not self._partitions or sent.route.spared:
            return False
        return any(partition.cuts(sent.sender, sent.to) for partition in self._partitions)

    def _arrive(self, sent: Parcel, message: Any, number: int) -> None:
        agenda, route, pair = self.agenda, sent.route, (sent.sender, sent.to)
        u = agenda.number("delay", number)
        at = agenda.now + route.latency.seconds(u)
        if route.reorder and not route.ordered:
            if agenda.befalls("reorder", number, route.reorder):
                at += route.reorder_by * agenda.number("by", number)
        at = max(at, self._clogs.get(pair, 0.0))
        if route.ordered:
            at, u = self._in_order(pair, at, u)
        heappush(agenda.items, (at, u, number, sent.to, message, sent.sender, sent.stamp))

    def _miss(self, sent: Parcel) -> None:
        """A message has not got through: it is sent again later, or is gone."""
        agenda = self.agenda
        if not sent.route.reliable:
            why = "cut off by a partition" if self._is_cut(sent) else "lost by chance"
            self.drop(sent.to, sent.sender, sent.number, why)
            return
        if sent.route.ordered:
            held = self._held.setdefault((sent.sender, sent.to), deque())
            if not held:
                held.append(sent)
        tie = agenda.number("retry", sent.number)
        agenda.put(agenda.now + sent.wait_seconds, tie, sent.sender, sent)
        sent.wait_seconds = min(2 * sent.wait_seconds, RETRY_SECONDS_MAX)

    def again(self, sent: Parcel) -> None:
        """The time has come to send a message again, and after it what it has held up."""
        pair = (sent.sender, sent.to)
        held = self._held[pair] if sent.route.ordered else deque([sent])
        while held:
            first = held[0]
            first.route = self.routes.of(first.source, first.to)  # faults may have changed
            self.agenda.note("retry", *pair, first.number)
            if not self._attempt(first):
                self._miss(first)
                return
            held.popleft()
        self._held.pop(pair, None)

    def drop(self, to: ProcessId, sender: ProcessId, number: int, why: str) -> None:
        """A message is gone for good."""
        self.lost += 1
        self.agenda.note("drop", to, sender, number, why)

    def forget(self, process: ProcessId) -> None:
        """A process has crashed: what it was to send again is gone, its retries off the agenda."""
        for pair in [pair for pair in self._held if pair[0] == process]:
            for parcel in self._held.pop(pair):
                self.drop(parcel.to, process, parcel.number, "sender crashed")

    # What befalls the network.

    def _note_disturbance(self) -> None:
        recorded = self.agenda.choices is not None
        self._disturbed = recorded or bool(self._partitions or self._clogs)

    def cut(self, partition: Partition) -> None:
        self._partitions.append(partition)
        self._note_disturbance()
        self.agenda.note("partition", value=partition.groups)

    def mend(self, partition: Partition) -> None:
        """The end of one partition; of no effect if all have been healed meanwhile."""
        if partition in self._partitions:
            self._partitions.remove(partition)
            self._note_disturbance()
            self.agenda.note("heal", value=partition.groups)

    def clog(self, pairs: Iterable[Pair], until: float) -> None:
        """Hold up what is sent between these from now on, and let all of it arrive at `until`."""
        for pair in pairs:
            self._clogs[pair] = max(until, self._clogs.get(pair, 0.0))
            self._note_disturbance()
            self.agenda.note("clog", *pair, value=until)

    def unclog(self) -> None:
        """Forget the clogs that are over."""
        now = self.agenda.now
        self._clogs = {pair: until for pair, until in self._clogs.items() if until > now}
        self._note_disturbance()

    def heal(self) -> None:
        """End all partitions and clogs; what a clog has held up comes when it was to come."""
        self._partitions.clear()
        self._clogs.clear()
        self._note_disturbance()
        self.agenda.note("heal")

    def set_rates(self, faults: Sequence[Fault]) -> None:
        """From now on, these faults befall messages by themselves."""
        self.routes.set_rates(faults)
        self.agenda.note("rates", value=tuple((fault.name, fault.text) for fault in faults))

    def calm(self) -> None:
        """The end of all faults; the latency stays as it is."""
        self.heal()
        self.set_rates([fault for fault in self.routes.rates if fault.name == "latency"])

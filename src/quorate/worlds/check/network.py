"""Networks of the checked world: which messages can be taken from one, and what it is after.

A network is a tuple of the numbers of messages. In a bag each message arrives as often as it was
sent, in any order; in a set it stays, and arrives any number of times; in queues those from one
process to another arrive in the order in which they were sent. Invariant: equal networks are equal
tuples, and their fingerprint is the sum of a share of each message.
"""

from __future__ import annotations

import functools
from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

Net = tuple[int, ...]
Kind = Literal["bag", "set", "fifo"]
MASK = (1 << 64) - 1


def mix(number: int) -> int:
    """64 bits that look like chance: the finalizer of SplitMix64 (Steele, Lea and Flood, 2014)."""
    z = (number + 1) * 0x9E3779B97F4A7C15 & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


@functools.cache
def share_of_message(message: int) -> int:
    """The part of a fingerprint that stands for a message, which stands first in its queue."""
    return mix(2 * message + 1)


def placed(share: int, place: int) -> int:
    """The share of a message that stands at a place of its queue, the first being 0."""
    return mix(share + place & MASK) if place else share


class Bag:
    """Each message arrives once, in any order."""

    def __init__(self, channel: Sequence[int]) -> None:
        self.channel = channel

    def first(self, net: Net) -> Iterable[int]:
        """The messages that can be taken, each once."""
        return net if len(net) < 2 else dict.fromkeys(net)

    def after(self, net: Net, taken: int, sent: Iterable[int]) -> Net:
        """The network without one message (-1: none), and with others."""
        left = list(net)
        if taken >= 0:
            left.remove(taken)
        for message in sent:
            insort(left, message)
        return tuple(left)

    def sorted(self, messages: Iterable[int]) -> Net:
        """The network that has these messages, those of a queue in their order."""
        return tuple(sorted(messages))

    def places(self, net: Net) -> Iterable[tuple[int, int]]:
        """Each message, and its place in its queue, the first being 0."""
        return ((message, 0) for message in net)

    def fingerprint(self, net: Net) -> int:
        return sum(placed(share_of_message(each), place) for each, place in self.places(net))

    def delta(self, net: Net, taken: int, sent: Iterable[int]) -> int:
        """What is added to the fingerprint of a network by taking and sending, modulo 2^64."""
        return sum(map(share_of_message, sent)) - (share_of_message(taken) if taken >= 0 else 0)


class Stay(Bag):
    """A set: what is there stays, so that it can be taken again and again. `sent` are different."""

    def after(self, net: Net, taken: int, sent: Iterable[int]) -> Net:
        new = [message for message in sent if message not in net]
        return tuple(sorted((*net, *new))) if new else net

    def delta(self, net: Net, taken: int, sent: Iterable[int]) -> int:
        return sum(share_of_message(message) for message in sent if message not in net)


class Queues(Bag):
    """In order from each process to each other; the queues are one after the other."""

    def first(self, net: Net) -> Iterable[int]:
        heads: dict[int, int] = {}
        for message in net:
            heads.setdefault(self.channel[message], message)
        return heads.values()

    def after(self, net: Net, taken: int, sent: Iterable[int]) -> Net:
        left = list(net)
        if taken >= 0:
            left.remove(taken)
        for message in sent:
            insort(left, message, key=self.channel.__getitem__)
        return tuple(left)

    def sorted(self, messages: Iterable[int]) -> Net:
        return tuple(sorted(messages, key=self.channel.__getitem__))

    def places(self, net: Net) -> Iterable[tuple[int, int]]:
        last, place = -1, 0
        for message in net:
            place = place + 1 if self.channel[message] == last else 0
            last = self.channel[message]
            yield message, place

    def delta(self, net: Net, taken: int, sent: Iterable[int]) -> int:
        channel, total = self.channel, 0
        length: dict[int, int] = {}
        if taken >= 0:
            queue = [share_of_message(m) for m in net if channel[m] == channel[taken]]
            for place, share in enumerate(queue):
                total += (placed(share, place - 1) if place else 0) - placed(share, place)
            length[channel[taken]] = len(queue) - 1
        for message in sent:
            place = length.get(channel[message], -1)
            if place < 0:
                place = sum(channel[each] == channel[message] for each in net)
            length[channel[message]] = place + 1
            total += placed(share_of_message(message), place)
        return total


NETWORKS: dict[Kind, Callable[[Sequence[int]], Bag]] = {"bag": Bag, "set": Stay, "fifo": Queues}

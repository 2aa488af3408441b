"""How long messages are under way in the simulated world.

A delay is drawn for each, so messages overtake each other, unless the channel keeps order.
Invariant: all draws come from the generator that the run was given, in the order of the sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from quorate.core.configuration import over
from quorate.core.ids import ProcessId
from quorate.core.process import Process

DELAY_SECONDS_MIN = 0.000_1
DELAY_SECONDS_MAX = 0.001


class Network:
    """Says when a message that is sent now will arrive."""

    def __init__(self, random: Random, config: Mapping[str, Any]) -> None:
        self.random = random
        self.config = config
        self.configs: dict[type[Process], Mapping[str, Any]] = {}  # by class of the sender
        self.last: dict[tuple[ProcessId, ProcessId], float] = {}  # on channels that keep order

    def arrival(
        self, now: float, sender: Process, to: ProcessId, receiver: Process | None
    ) -> float:
        """The time, in seconds, at which a message that `sender` sends `now` reaches `to`.

        `receiver` is the process that is called so, None where it is not made yet.
        """
        at = now + self.random.uniform(DELAY_SECONDS_MIN, DELAY_SECONDS_MAX)
        targets = {to.kind} if receiver is None else _kinds(receiver)
        if "fifo" in self.channel(sender, targets):
            pair = (sender.id_, to)
            at = self.last[pair] = max(at, self.last.get(pair, 0.0))
        return at

    def channel(self, sender: Process, targets: set[str]) -> Iterable[str]:
        """The words for the channel to a process of these classes; the last that fits counts."""
        config = self.configs.get(type(sender))
        if config is None:
            config = self.configs[type(sender)] = over(sender.config_, self.config)
        for source, target, words in reversed(config.get("channels", ())):
            if (not source or _kinds(sender) & set(source)) and (
                not target or targets & set(target)
            ):
                return _words(words)
        return _words(config.get("channel", ()))


def _kinds(process: Process) -> set[str]:
    """The names of the class of a process and of its bases."""
    return {cls.__name__ for cls in type(process).__mro__}


def _words(words: str | Iterable[str]) -> Iterable[str]:
    return (words,) if isinstance(words, str) else words

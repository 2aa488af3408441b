"""Which channel a program has configured between two processes, by their classes.

Invariant: what is said of certain classes counts before what is said of all, and of the former
what is said last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from quorate.core.configuration import over
from quorate.core.process import Process
from quorate.worlds.base.program import kinds_of


class Channels:
    """The channels of a run, whose `config` counts before that of classes."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._configs: dict[type[Process], Mapping[str, Any]] = {}  # by class of the sender

    def words(self, sender: type[Process], targets: Iterable[str]) -> frozenset[str]:
        """The words for the channel to a process of a class that has, with its bases, these names.

        None where nothing is configured.
        """
        config = self._configs.get(sender)
        if config is None:
            config = self._configs[sender] = over(sender.config_, self._config)
        sources, targets = {*kinds_of(sender)}, {*targets}
        for some, others, words in reversed(config.get("channels", ())):
            if (not some or sources & {*some}) and (not others or targets & {*others}):
                return _words(words)
        return _words(config.get("channel", ()))


def _words(words: str | Iterable[str]) -> frozenset[str]:
    return frozenset((words,) if isinstance(words, str) else words)

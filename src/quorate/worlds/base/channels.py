"""Which channel a program has configured between two processes, by their classes.

Invariant: what is said of certain classes counts before what is said of all, and of the former
what is said last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quorate.core.configuration import over
from quorate.core.process import Process


def kinds(process: Process) -> set[str]:
    """The names of the class of a process and of its bases."""
    return {cls.__name__ for cls in type(process).__mro__}


class Channels:
    """The channels of a run, whose `config` counts before that of classes."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._configs: dict[type[Process], Mapping[str, Any]] = {}  # by class of the sender

    def words(self, sender: Process, targets: set[str]) -> frozenset[str]:
        """The words for the channel from a process to one that is of all these classes."""
        config = self._configs.get(type(sender))
        if config is None:
            config = self._configs[type(sender)] = over(sender.config_, self._config)
        for source, target, words in reversed(config.get("channels", ())):
            if (not source or kinds(sender) & set(source)) and (
                not target or targets & set(target)
            ):
                return _words(words)
        return _words(config.get("channel", ()))


def _words(words: Any) -> frozenset[str]:
    return frozenset((words,) if isinstance(words, str) else words)

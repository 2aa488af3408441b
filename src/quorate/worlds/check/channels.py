"""Which network a program has configured, as far as the checked world follows it.

A network is the same for all messages. Invariant: where the program's channels are of several
kinds, it is the one that lets all happen that these let happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from quorate.compiler.loader import main_of
from quorate.core.configuration import over
from quorate.core.process import Process
from quorate.worlds.base import config_of
from quorate.worlds.base.program import kinds_of
from quorate.worlds.check.clients import CLIENTS
from quorate.worlds.check.network import Kind
from quorate.worlds.check.steps import Sent, Steps
from quorate.worlds.check.tables import Tables


def configured(module: ModuleType) -> tuple[Kind, list[str]]:
    """The network of a program that has been loaded with `branching`, by its configuration.

    With the names of classes of which channels are configured one by one.
    """
    config = config_of(module)
    classes = classes_made(Steps(module), main_of(module))
    narrowed = [kinds_of(each)[0] for each in classes if is_narrowed(each, config)]
    return network_of(classes, config), narrowed


def classes_made(steps: Steps, main: type[Process]) -> list[type[Process]]:
    """The classes of processes that are made in the first step, and `main` if it sends there."""
    begun = steps.begin(main)
    found = {type(steps.thaw(state)): None for came in begun for _, state in came.made}
    by_main = any(map(_is_from_main, (each for came in begun for each in came.sent)))
    return [*found, main] if by_main else list(found)


def classes_of(tables: Tables) -> list[type[Process]]:
    """The classes of all processes that have been seen, that of `main` only if it has sent."""
    one_each = {local.slot: local for local in tables.locals if local is not None}
    one_each.pop(tables.clients or -1, None)
    seen = [tables.steps.thaw(each.state) for each in one_each.values()]
    by_main = any(map(_is_from_main, tables.messages))
    return list({type(each): None for each in seen if each.id_.path or by_main})


def _is_from_main(sent: Sent) -> bool:
    return not (sent.sender.path or sent.is_order or sent.to == CLIENTS)


def network_of(classes: Iterable[type[Process]], config: Mapping[str, Any]) -> Kind:
    """What lets everything happen that the channels of these classes let happen."""
    several = list(classes)
    if several and all(is_ordered(each, config) for each in several):
        return "fifo"
    return "bag"


def is_ordered(cls: type[Process], config: Mapping[str, Any]) -> bool:
    """Whether all that processes of a class send to one other arrives in the order of sending."""
    own = over(cls.config_, config)
    words = [own.get("channel", ())]
    words += [chosen for _, _, chosen in own.get("channels", ())]
    return all("fifo" in ((each,) if isinstance(each, str) else each) for each in words)


def is_narrowed(cls: type[Process], config: Mapping[str, Any]) -> bool:
    """Whether a class says of some of its channels something else than of the others."""
    return bool(over(cls.config_, config).get("channels"))

"""What `config` says at several levels, as one mapping.

Options map a key to its value; `channels` lists channels between certain classes as
(from, to, words), the last that fits counts. `clock_default` is the clock that is kept where no
level names one; `faults` maps names to texts, and each name counts for itself. Levels are given
least first: module, class, main, command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Options = Mapping[str, Any]


def joined(statements: Iterable[Options]) -> dict[str, Any]:
    """The options of several statements of one level, in order."""
    options: dict[str, Any] = {}
    for statement in statements:
        _put_over(options, statement, options.get("channels", ()))
    return options


def over(*levels: Options) -> dict[str, Any]:
    """Each level over those before it: a general `channel` hides the narrowed ones below."""
    options: dict[str, Any] = {}
    for level in levels:
        kept = () if "channel" in level else options.get("channels", ())
        _put_over(options, level, kept)
    return options


def _put_over(options: dict[str, Any], more: Options, channels: Iterable[Any]) -> None:
    together = [*channels, *more.get("channels", ())]
    faults = {**options.get("faults", {}), **more.get("faults", {})}
    options.update(more)
    if faults:
        options["faults"] = faults
    options["channels"] = together
    if not together:
        del options["channels"]


def clock_of(options: Options) -> str | None:
    """The kind of clock that is kept, if one is."""
    return options.get("clock") or options.get("clock_default")

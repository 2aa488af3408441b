"""An index over the members of a set: which of them have certain values at certain places.

    paths ((0,), (1, 0))    of (s, (b, v)):  s and b

It narrows down, and a pattern still decides: an index never leaves out a member that a pattern
matches. Values that may be equal without having equal hashes are looked for everywhere.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from quorate.core.messages import ATOMS

Path = tuple[int, ...]
Paths = tuple[Path, ...]
"""Where the values stand in a member, each as the places to go down by; () is all of it."""

_ODD: tuple[Any, ...] = ("odd",)
_NONE: dict[Any, None] = {}


def is_plain(value: Any) -> bool:
    """Whether what is equal to `value` surely has the same hash, among values like it."""
    kind = type(value)
    if kind in ATOMS:
        return True
    return (kind is tuple or kind is frozenset) and all(map(is_plain, value))


class Index:
    """Members by their values at `paths`; as dictionaries, so that they keep their order."""

    __slots__ = ("groups", "odd", "paths")

    def __init__(self, paths: Paths, members: Collection[Any]) -> None:
        self.paths = paths
        self.groups: dict[Any, dict[Any, None]] = {}
        self.odd: dict[Any, None] = {}
        for member in members:
            self.add(member)

    def add(self, member: Any) -> None:
        key = self._key(member)
        if key is _ODD:
            self.odd[member] = None
        elif key is not None:
            self.groups.setdefault(key, {})[member] = None

    def discard(self, member: Any) -> bool:
        """Take away the member that is equal to this; whether it can be told where it was."""
        known = type(member) in ATOMS or isinstance(member, (tuple, frozenset))
        key = self._key(member) if known else _ODD
        if key is None:
            return not self.odd
        group = self.odd if key is _ODD else self.groups.get(key, _NONE)
        if member not in group:
            return False
        del group[member]
        if not group and key is not _ODD:
            del self.groups[key]
        return True

    def _key(self, member: Any) -> Any:
        """The values of a member; None where no pattern matches that has values at `paths`."""
        key = []
        for path in self.paths:
            part = member
            for place in path:
                if not isinstance(part, tuple):
                    return None
                if type(part).__getitem__ is not tuple.__getitem__:
                    return _ODD
                if tuple.__len__(part) <= place:
                    return None
                part = part[place]
            if type(part) not in ATOMS and not is_plain(part):
                return _ODD
            key.append(part)
        return tuple(key)

    def candidates(self, key: tuple[Any, ...]) -> Collection[Any]:
        """The members that may have these values, which are plain."""
        found = self.groups.get(key, _NONE)
        return found if not self.odd else [*found, *self.odd]

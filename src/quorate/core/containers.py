"""Sets, lists and dictionaries in fields, which tell queries whether they have changed.

To a program they are Python's own, with the same names: whatever is made of them (copies, slices,
`a | b`, a message) is Python's own. Invariant: as long as `version_` and the length are the same,
so are the members, in the same order; and nothing inside of them can change while `is_settled`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from sys import getrefcount
from typing import Any

from quorate.core.index import Index, Paths, is_plain
from quorate.core.messages import ATOMS, PLAIN, is_fixed
from quorate.core.ordering import in_order, rank


def _is_fixed(value: Any) -> bool:
    try:
        return is_fixed(value)
    except TypeError:
        return False


_SIZED = frozenset({set, frozenset, list, tuple})


class ObservedSet(set[Any]):
    """A set whose methods note what changes; `indexes_` answer the patterns that queries ask."""

    __slots__ = ("fixed_", "indexes_", "size_", "version_")

    def __init__(self, members: Iterable[Any] = (), /) -> None:
        set.__init__(self, members)
        self.version_: int = getattr(self, "version_", 0) + 1
        self.fixed_: bool | None = None  # whether all members are values; None if not known
        self.indexes_: dict[Paths, Index] = {}
        self.size_ = len(self)

    def lost_(self) -> None:
        """Members have come or gone, and it is not known which."""
        self.version_ += 1
        self.fixed_ = None
        self.indexes_ = {}
        self.size_ = len(self)

    def entered_(self, member: Any) -> None:
        """A member has come."""
        if len(self) != self.size_ + 1:
            self.lost_()
            return
        self.size_ += 1
        self.version_ += 1
        if self.fixed_ and type(member) not in ATOMS and not _is_fixed(member):
            self.fixed_ = False
        for index in self.indexes_.values():
            index.add(member)

    def left_(self, member: Any) -> None:
        """A member has gone, which is equal to `member`."""
        if len(self) != self.size_ - 1:
            self.lost_()
            return
        self.size_ -= 1
        self.version_ += 1
        if not self.size_:
            self.fixed_ = None
        if isinstance(member, set):  # as such Python looks for it too
            member = frozenset(member)
        known = [index.discard(member) for index in self.indexes_.values()]
        if not all(known):
            self.lost_()

    def add(self, member: Any, /) -> None:
        set.add(self, member)
        if len(self) != self.size_:
            self.entered_(member)

    def discard(self, member: Any, /) -> None:
        set.discard(self, member)
        if len(self) != self.size_:
            self.left_(member)

    def remove(self, member: Any, /) -> None:
        set.remove(self, member)
        self.left_(member)

    def pop(self) -> Any:
        member = set.pop(self)
        self.left_(member)
        return member

    def clear(self) -> None:
        set.clear(self)
        self.lost_()

    def update(self, *others: Iterable[Any]) -> None:
        for other in others:
            self._add_all(other)

    def _add_all(self, other: Iterable[Any]) -> None:
        if type(other) in _SIZED and len(other) <= len(self) >> 2:  # type: ignore[arg-type]
            for member in other:
                self.add(member)
            return
        try:
            set.update(self, other)
        finally:
            self.lost_()

    def difference_update(self, *others: Iterable[Any]) -> None:
        for other in others:
            if isinstance(other, (set, frozenset)) and len(other) <= len(self) >> 2:
                for member in list(other):
                    self.discard(member)
                continue
            try:
                set.difference_update(self, other)
            finally:
                self.lost_()

    def intersection_update(self, *others: Iterable[Any]) -> None:
        set.intersection_update(self, *others)
        self.lost_()

    def symmetric_difference_update(self, other: Iterable[Any], /) -> None:
        try:
            set.symmetric_difference_update(self, other)
        finally:
            self.lost_()

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        if not isinstance(other, (set, frozenset)):
            return NotImplemented
        self._add_all(other)
        return self

    def __iand__(self, other: Any) -> Any:  # type: ignore[misc]
        answer = set.__iand__(self, other)
        self.lost_()
        return answer

    def __isub__(self, other: Any) -> Any:  # type: ignore[misc]
        if not isinstance(other, (set, frozenset)):
            return NotImplemented
        self.difference_update(other)
        return self

    def __ixor__(self, other: Any) -> Any:  # type: ignore[misc]
        answer = set.__ixor__(self, other)
        self.lost_()
        return answer

    def __repr__(self) -> str:
        text = set.__repr__(self)
        return text[4:-1] if self and text.startswith("set(") else text

    def __reduce_ex__(self, protocol: Any, /) -> Any:
        return set(self).__reduce_ex__(protocol)

    __class__ = property(lambda self: set)


class ObservedList(list[Any]):
    """A list whose methods note that it changes."""

    __slots__ = ("fixed_", "version_")

    def __init__(self, members: Iterable[Any] = (), /) -> None:
        list.__init__(self, members)
        self.version_: int = getattr(self, "version_", 0) + 1
        self.fixed_: bool | None = None

    def append(self, member: Any, /) -> None:
        list.append(self, member)
        self.version_ += 1
        if self.fixed_ and type(member) not in ATOMS and not _is_fixed(member):
            self.fixed_ = False

    def insert(self, place: Any, member: Any, /) -> None:
        list.insert(self, place, member)
        self.version_ += 1
        if self.fixed_ and type(member) not in ATOMS and not _is_fixed(member):
            self.fixed_ = False

    def _extended(self, before: int) -> None:
        self.version_ += 1
        if self.fixed_ and not all(map(_is_fixed, list.__getitem__(self, slice(before, None)))):
            self.fixed_ = False

    def extend(self, members: Iterable[Any], /) -> None:
        before = len(self)
        try:
            list.extend(self, members)
        finally:
            self._extended(before)

    def __iadd__(self, members: Any) -> Any:  # type: ignore[misc]
        before = len(self)
        try:
            return list.__iadd__(self, members)
        finally:
            self._extended(before)

    def __setitem__(self, place: Any, value: Any) -> None:
        try:
            list.__setitem__(self, place, value)
        finally:
            self.version_ += 1
            if type(place) is not int:
                self.fixed_ = None
            elif self.fixed_ and type(value) not in ATOMS and not _is_fixed(value):
                self.fixed_ = False

    def sort(self, /, *, key: Any = None, reverse: Any = False) -> None:
        try:
            list.sort(self, key=key, reverse=reverse)
        finally:
            self.version_ += 1

    def __imul__(self, times: Any) -> Any:  # type: ignore[misc]
        if not hasattr(times, "__index__"):
            return NotImplemented
        self.version_ += 1
        return list.__imul__(self, times)

    def __repr__(self) -> str:
        return list.__repr__(self)

    def __reduce_ex__(self, protocol: Any, /) -> Any:
        return list.copy(self).__reduce_ex__(max(protocol, 2))

    __class__ = property(lambda self: list)


class ObservedDict(dict[Any, Any]):
    """A dictionary whose methods note that it changes."""

    __slots__ = ("fixed_", "version_")

    def __init__(self, *given: Any, **named: Any) -> None:
        dict.__init__(self, *given, **named)
        self.version_: int = getattr(self, "version_", 0) + 1
        self.fixed_: bool | None = None

    def __setitem__(self, key: Any, value: Any) -> None:
        dict.__setitem__(self, key, value)
        self.version_ += 1
        if self.fixed_ and not (
            (type(value) in ATOMS or _is_fixed(value)) and (type(key) in ATOMS or _is_fixed(key))
        ):
            self.fixed_ = False

    def setdefault(self, key: Any, default: Any = None, /) -> Any:
        size = len(self)
        answer = dict.setdefault(self, key, default)
        if len(self) != size:
            self.version_ += 1
            if self.fixed_ and not (_is_fixed(key) and _is_fixed(default)):
                self.fixed_ = False
        return answer

    def update(self, *given: Any, **named: Any) -> None:
        added = given[0].values() if len(given) == 1 and type(given[0]) is dict else None
        try:
            dict.update(self, *given, **named)
        finally:
            self.version_ += 1
            if named or added is None or not self.fixed_:
                self.fixed_ = None
            elif not (all(map(_is_fixed, added)) and all(map(_is_fixed, given[0]))):
                self.fixed_ = False

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        try:
            return dict.__ior__(self, other)
        finally:
            self.version_ += 1
            self.fixed_ = None

    fromkeys = staticmethod(dict.fromkeys)  # type: ignore[assignment]

    def __repr__(self) -> str:
        return dict.__repr__(self)

    def __reduce_ex__(self, protocol: Any, /) -> Any:
        return dict.copy(self).__reduce_ex__(max(protocol, 2))

    __class__ = property(lambda self: dict)


def _noting(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that takes members away, or moves them."""

    def changed(self: Any, /, *args: Any) -> Any:
        self.version_ += 1
        answer = method(self, *args)
        if not self:
            self.fixed_ = None
        return answer

    changed.__name__ = changed.__qualname__ = method.__name__
    return changed


def _finish(cls: Any, plain: type, taking: tuple[str, ...]) -> None:
    for name in taking:
        setattr(cls, name, _noting(getattr(plain, name)))
    cls.__name__ = cls.__qualname__ = plain.__name__  # as every text that Python makes says it
    cls.__module__ = "builtins"
    PLAIN[cls] = plain


_finish(ObservedSet, set, ())
_finish(ObservedList, list, ("pop", "remove", "clear", "reverse", "__delitem__"))
_finish(ObservedDict, dict, ("pop", "popitem", "clear", "__delitem__"))

OBSERVED: dict[type, Callable[[Any], Any]] = {
    set: ObservedSet,
    list: ObservedList,
    dict: ObservedDict,
}


def is_settled(container: Any) -> bool:
    """Of an observed container: whether its members are values, so that nothing inside changes."""
    if type(container) is ObservedSet and len(container) != container.size_:
        container.lost_()
    if container.fixed_ is None:
        values = container.values() if type(container) is ObservedDict else ()
        container.fixed_ = all(map(_is_fixed, container)) and all(map(_is_fixed, values))
    return bool(container.fixed_)


class Sight:
    """An observed container as it was when it was read."""

    __slots__ = ("container", "size", "version")

    def __init__(self, container: Any) -> None:
        self.container = container
        self.version: int = container.version_
        self.size = len(container)

    def holds(self) -> bool:
        """Whether it is so still."""
        return self.container.version_ == self.version and len(self.container) == self.size

    def get(self, name: str) -> bool:
        return self.holds()

    @classmethod
    def of(cls, container: Any) -> tuple[Sight, str, bool]:
        """Something read, in the shape of a field that is true as long as this holds."""
        return cls(container), "", True


def observed_copy(value: Any) -> Any:
    """A set, list or dictionary that is nobody else's, observed; anything else as it is."""
    observe = OBSERVED.get(type(value))
    return value if observe is None else observe(value)


def observed(value: Any) -> Any:
    """The same of the value of an expression, unless somebody has it already."""
    observe = OBSERVED.get(type(value))
    if observe is None or getrefcount(value) > _NOBODY_ELSE:
        return value
    return observe(value)


def _holders(value: Any) -> int:
    """How many references are counted for a value that is but given to a function."""
    OBSERVED.get(type(value))
    return getrefcount(value)


_NOBODY_ELSE = _holders([])


def type_of(value: Any, /) -> Any:
    """`type(value)`, as if an observed container were Python's own."""
    kind = type(value)
    return PLAIN.get(kind, kind)


# What queries ask ---------------------------------------------------------------------------------

FEW = 8
"""So many members are gone through in less time than an index is asked."""


def chosen(collection: Any, paths: Paths, key: tuple[Any, ...]) -> Any:
    """Those members of a collection that may have the values `key` at `paths`, or all."""
    if type(collection) is not ObservedSet or len(collection) <= FEW:
        return collection
    for part in key:
        if type(part) not in ATOMS and not is_plain(part):
            return collection
    if len(collection) != collection.size_:
        collection.lost_()
    index = collection.indexes_.get(paths)
    if index is None:
        index = collection.indexes_[paths] = Index(paths, collection)
    return index.candidates(key)


def chosen_in_order(collection: Any, paths: Paths, key: tuple[Any, ...]) -> Any:
    """The same in the order in which all are gone through where it can be told."""
    found = chosen(collection, paths, key)
    if found is collection:
        return in_order(found)
    return found if len(found) < 2 else sorted(found, key=rank)

"""Message histories, and the evaluator of queries that recomputes everything.

A history is the list of its entries (message, peer, stamp), oldest first. This evaluator stays
as the oracle of whatever answers queries faster.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from quorate.core.errors import ProgramError
from quorate.core.ids import ProcessId
from quorate.core.messages import own_copy
from quorate.core.mistakes import described
from quorate.core.ordering import in_order

Entry = tuple[Any, ProcessId, Any]
"""(message, sender or destination, logical time of the sender or None)"""

_NOTHING = object()


def entries_of(history: Iterable[Entry]) -> list[tuple[Any, ProcessId]]:
    """A history as a program sees it that names it bare: a list of (message, peer), its own."""
    return [(own_copy(message), peer) for message, peer, _ in history]


def members(collection: Any) -> Any:
    """The collection of a domain, which there has to be something to go over in."""
    if not hasattr(collection, "__iter__") and not hasattr(collection, "__getitem__"):
        raise ProgramError(
            "Q113",
            f"a query cannot go over {described(collection)}",
            "give it a set, a list, a tuple or a dictionary; or `range(n)` for the numbers below n",
        )
    return collection


def members_in_order(collection: Any) -> Iterable[Any]:
    """The same where the order can be told: a set's members sorted."""
    return in_order(members(collection))


def greatest(values: Iterable[Any], default: Any = _NOTHING) -> Any:
    """`maxof`: the greatest of `values`; of none, `default` or an error that says so."""
    return _extreme(max, "maxof", values, default)


def least(values: Iterable[Any], default: Any = _NOTHING) -> Any:
    """`minof`: the least of `values`; of none, `default` or an error that says so."""
    return _extreme(min, "minof", values, default)


def _extreme(choose: Any, word: str, values: Iterable[Any], default: Any) -> Any:
    found = choose(values, default=default)
    if found is _NOTHING:
        raise ProgramError(
            "Q105",
            f"`{word}` of nothing: no combination satisfies the query",
            f"say what it is then: `{word}(..., default=0)`",
        )
    return found


def product(values: Iterable[Any]) -> Any:
    """`prodof`: the product of `values`, 1 of none."""
    return math.prod(values)

"""Which name was probably meant.

Conservative: a wrong suggestion costs the reader more than none. Names of one letter are only
ever corrected in case, because any two of them are one edit apart.
"""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` is probably a misspelling of, or None.

    The same letters in another case, with other underscores or with its words in another order
    come first; then at most one edit for every three letters, where an edit inserts, deletes,
    replaces or exchanges neighbours (Damerau 1964, the restricted form). Names of one or two
    letters are not edited, except for an exchange of the two.
    """
    ranked = ((_distance(name, other), abs(len(name) - len(other)), other) for other in candidates)
    best = min((rank for rank in ranked if rank[2] != name), default=None)
    return best[2] if best is not None and best[0] <= _edits_max(name, best[2]) else None


def _edits_max(name: str, other: str) -> int:
    return 0 if len(name) < 3 or len(other) < 2 else max(len(name), 3) // 3


def _distance(name: str, other: str) -> int:
    one, two = _plain(name), _plain(other)
    if one == two or sorted(name.lower().split("_")) == sorted(other.lower().split("_")):
        return 0
    if len(name) == 2 and one == two[::-1]:
        return 0
    return _edits(one, two)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _edits(one: str, two: str) -> int:
    """The edit distance with exchanges of neighbours, by rows of the usual table."""
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        following = [i]
        for j, b in enumerate(two, 1):
            cost = min(row[j] + 1, following[-1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            following.append(cost)
        before, row = row, following
    return row[-1]

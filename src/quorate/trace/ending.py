"""How things stand when a run has failed: the fields of processes, and what is under way.

Both show what a story of changes cannot: what has not changed, and what has not come.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from quorate.trace.course import Fields, Message, take
from quorate.trace.folding import shape
from quorate.trace.notes import common
from quorate.trace.story import Lives, Story, live
from quorate.trace.telling import plain, value

VALUE_MAX = 200
"""How much is shown of a value, in characters."""

UNDER_WAY_MAX = 10
"""How many messages are named that are under way."""


@dataclass(frozen=True, slots=True)
class Group:
    """Processes of one class, and their fields: (name, value, and whose if it differs)."""

    processes: list[str]
    fields: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Ending:
    """At which `time`, in seconds; `under_way` are messages in words."""

    time: float
    groups: list[Group]
    down: list[str]
    under_way: list[str]


def ending_of(story: Story) -> Ending | None:
    """The end of a run that failed: of the processes that its failure names, or of all."""
    if story.failure is None:
        return None
    fields: Fields = {}
    lives: Lives = {}
    for row in story.course.whole:
        take(fields, row)
        live(lives, row)
    named = {step.process for step in story.failure.steps}
    told = [
        name
        for name in story.course.processes
        if fields.get(name) and (story.failure.lasting or name in named)
    ]
    by_kind: dict[str, list[str]] = {}
    for name in told:
        by_kind.setdefault(story.course.kinds[name], []).append(name)
    groups = [Group(names, list(_compared(names, fields))) for names in by_kind.values()]
    down = [name for name, how in lives.items() if how == "down"]
    time = story.course.whole[-1].time if story.course.whole else 0.0
    return Ending(time, groups, down, _under_way(story))


def _compared(names: list[str], fields: Fields) -> Iterator[tuple[str, str]]:
    """The fields of processes of one class; of lists that differ, from where on they do."""
    for field in dict.fromkeys(field for name in names for field in fields[name]):
        trees = {name: fields[name][field] for name in names if field in fields[name]}
        begin = 0
        if all(isinstance(tree, list) for tree in trees.values()):
            begin = common(list(trees.values()))
        texts: dict[str, list[str]] = {}
        different = any(tree != next(iter(trees.values())) for tree in trees.values())
        for name, tree in trees.items():
            shown = tree[begin:] if begin and different else tree
            texts.setdefault(_both_ends(value(shown, 1_000_000)), []).append(plain(name))
        title = f"{field}[{begin}:]" if begin and different else field
        yield plain(title, 40), _of_whom(texts)


def _both_ends(text: str) -> str:
    """Text that is too long without its middle: what came last is as telling as what came first."""
    half = (VALUE_MAX - 5) // 2
    return text if len(text) <= VALUE_MAX else f"{text[:half]} ... {text[-half:]}"


def _of_whom(texts: dict[str, list[str]]) -> str:
    if len(texts) == 1:
        return next(iter(texts))
    return "; ".join(f"{', '.join(names)}: {text}" for text, names in texts.items())


def _under_way(story: Story) -> list[str]:
    """Messages that have neither come nor been lost, of those that belong to the story."""
    alike: dict[tuple[str, str, Hashable, str | None], list[Message]] = {}
    for name, each in story.course.messages.items():
        if each.taken is None and not each.lost and each.send.process in story.processes:
            send, how = each.send, story.chance.get(name)
            key = (send.process, send.to, shape(send.value), how)
            alike.setdefault(key, []).append(each)
    texts = [_words(some, how) for (_, _, _, how), some in alike.items()]
    more = len(texts) - UNDER_WAY_MAX
    return texts[:UNDER_WAY_MAX] + ([f"{more} others"] if more > 0 else [])


def _words(alike: list[Message], how: str | None) -> str:
    """The first of some messages that are alike; `how` chance has made them."""
    send, more = alike[0].send, len(alike) - 1
    words = f"{value(send.value)} from {plain(send.process)} to {plain(send.to)}"
    words += f", sent at {send.time:.6f} s in step {alike[0].sent}"
    words += f", {how} by chance" if how else ""
    return words + (f", and {more:,} more like it" if more else "")

"""A row of a story in words, and what has changed by it.

Invariant: of what has changed the difference is told, and no text is longer than said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import UNSET

from quorate.trace import events as ev
from quorate.trace.course import Course, Happened, Inside, Message, Moment
from quorate.trace.folding import Gap, Row
from quorate.trace.story import Story, message_of, without_place
from quorate.trace.telling import groups, operation, plain, told, value

CHANGE_MAX = 60
"""How much is shown of a value that has changed, in characters."""


def notes_of(story: Story, row: Row) -> list[str]:
    """What is said of a row, in the order in which it happened."""
    if isinstance(row, Gap):
        return [row.told()]
    if not isinstance(row, Moment):
        return [_befell(story, row)]
    notes = [_why(story, row.step), *notes_within(row.inside)]
    return [note for note in notes if note]


def notes_within(inside: Sequence[Inside]) -> list[str]:
    """What is said of what happens within a step."""
    notes: list[str] = []
    creates = [plain(each.process) for each in inside if isinstance(each, ev.Create)]
    if creates:
        notes.append(f"creates {', '.join(creates)}")
    sent: dict[str, list[str]] = {}
    for each in inside:
        match each:
            case ev.Send(to=to, value=said):
                sent.setdefault(value(said), []).append(plain(to))
            case ev.Output(text=text):
                notes.append(f"prints: {plain(text)}")
            case ev.State(after=after, before=old):
                notes += [changed(name, old.get(name, UNSET), new) for name, new in after.items()]
            case ev.End() if not any(isinstance(other, ev.Fail) for other in inside):
                notes.append("ends")
            case ev.Fail(text=text):
                notes.append(f"fails: {plain(text, 300)}")
            case ev.Operation():
                notes.append(operation(each))
    notes += [f"sends {said} to {', '.join(to)}" for said, to in sent.items()]
    properties = (each for each in inside if isinstance(each, ev.Property))
    return notes + [told(without_place(each)) for each in properties]


def _why(story: Story, step: ev.Step) -> str:
    match step.why:
        case "message":
            assert step.message is not None
            message = story.course.messages[step.message]
            again = " once more" if step.message.endswith("+") else ""
            how = (
                f", {story.chance[step.message]} by chance" if step.message in story.chance else ""
            )
            overtaken = list(_overtaken(story.course, step, message))
            after = f", before {overtaken[0]}" if overtaken else ""
            more = f" and {len(overtaken) - 1} more" if len(overtaken) > 1 else ""
            return f"{value(message.send.value)}{again} (of step {message.sent}{how}{after}{more})"
        case "timer":
            return "a timer runs out"
        case "setup":
            return "is set up"
        case "start":
            return "starts"
        case "end":
            return "is ended"
    return ""


def _overtaken(course: Course, step: ev.Step, message: Message) -> Iterator[str]:
    """What the same process has sent to this one before, and has not come yet."""
    for each in course.sent[message.send.process, message.send.to]:
        other = course.messages[each]
        is_later = other.taken is None or other.taken > step.step
        if other.sent < message.sent and is_later and not other.lost:
            yield f"{value(other.send.value)} of step {other.sent}"


def _befell(story: Story, row: Happened) -> str:
    message = message_of(story, row)
    if message is not None:
        what = f"{value(message.send.value)} to {plain(message.send.to)} (of step {message.sent})"
        if isinstance(row, ev.Drop):
            return f"{what} is gone: {plain(row.why)}"
        return f"{what} has not got through, and is sent again"
    if isinstance(row, ev.Heal) and (cut := _cut_after(story.course, row)):
        return f"{told(row)}; the network is still cut: {', '.join(cut)}"
    assert not isinstance(row, Moment)
    return told(without_place(row) if isinstance(row, ev.Property) else row)


def _cut_after(course: Course, heal: ev.Heal) -> list[str]:
    """The partitions that are still there after one is over."""
    there: list[list[list[str]]] = []
    for row in course.whole:
        if isinstance(row, ev.Fault) and row.what == "partition":
            there.append(row.groups)
        elif isinstance(row, ev.Heal) and not row.groups:
            there.clear()
        elif isinstance(row, ev.Heal) and row.groups in there:
            there.remove(row.groups)
        if row is heal:
            break
    return [groups(each) for each in there]


# What has changed.


def changed(name: str, before: Any, after: Any) -> str:
    """How a field has changed, or begun: of large collections, what has come and what has gone.

    Of a list, it is said where: as a slice of what it was.
    """
    name = plain(name, 40)
    whole = f"{name} = {value(after, CHANGE_MAX)}"
    if before is UNSET:
        return whole
    whole += f" (was {value(before, CHANGE_MAX)})"
    if len(whole) < CHANGE_MAX:
        return whole
    match before, after:
        case {"#set": list(old)}, {"#set": list(new)}:
            return f"{name} {_come_and_gone(old, new)}"
        case {"#map": list(old)}, {"#map": list(new)}:
            return f"{name} {_come_and_gone(_pairs(old), _pairs(new))}"
        case list(old), list(new):
            return _list_changed(name, old, new)
    return whole


def _pairs(parts: list[Any]) -> list[Any]:
    return [{"#tup": pair} for pair in parts]


def _come_and_gone(old: list[Any], new: list[Any]) -> str:
    words = [f"- {value(each, 40)}" for each in old if each not in new]
    words += [f"+ {value(each, 40)}" for each in new if each not in old]
    more = f", and {len(words) - 4} more" if len(words) > 4 else ""
    return f"{', '.join(words[:4])}{more}"


def _list_changed(name: str, old: list[Any], new: list[Any]) -> str:
    begin = common([old, new])
    end = common([old[begin:][::-1], new[begin:][::-1]])
    gone, come = old[begin : len(old) - end], new[begin : len(new) - end]
    if not gone and not end:
        return f"{name} {_come_and_gone([], come)}"
    place = f"{name}[{begin}]" if len(gone) == 1 else f"{name}[{begin}:{begin + len(gone)}]"
    if not come:
        return f"{place} dropped: {_members(gone)}"
    if len(gone) == len(come) == 1:
        return f"{place} = {_members(come)} (was {_members(gone)})"
    return f"{place} = [{_members(come)}]" + (f" (was [{_members(gone)}])" if gone else "")


def _members(parts: list[Any]) -> str:
    return value(parts, CHANGE_MAX).removeprefix("[").removesuffix("]")


def common(lists: Sequence[Sequence[Any]]) -> int:
    """How many members are the same at the beginning of all."""
    count = 0
    for parts in zip(*lists, strict=False):
        if any(each != parts[0] for each in parts):
            break
        count += 1
    return count

"""A trace in the Informal Trace Format of Apalache (ADR-015): the state after each step.

Variables: `process` that took the step, `why`, `time`, `fields` of all processes that are there,
and `network`, the messages under way. What the format has no value for is `#unserializable`.
"""

from __future__ import annotations

from typing import Any

from quorate.trace import events as ev
from quorate.trace.course import Course, Moment
from quorate.trace.telling import told, value
from quorate.trace.values import Tree

VARIABLES = ("process", "why", "time", "fields", "network")


def itf_of(course: Course) -> dict[str, Any]:
    """The trace as a JSON object."""
    return {
        "#meta": {
            "format": "ITF",
            "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
            "description": told(course.trace.begin),
        },
        "vars": list(VARIABLES),
        "states": _states(course),
    }


def _states(course: Course) -> list[dict[str, Any]]:
    """A state for each moment: what is there before the next one."""
    shown = {moment.step.step for moment in course.moments()}
    world = _World(course)
    states: list[dict[str, Any]] = []
    moment: Moment | None = None
    for each in [*course.whole, None]:
        if moment is not None and (each is None or isinstance(each, Moment)):
            if moment.step.step in shown:
                states.append(world.state(moment, len(states)))
        if isinstance(each, Moment):
            moment = each
            world.advance(each)
        elif each is not None:
            world.befall(each)
    return states


class _World:
    """The fields of all processes, and the messages under way."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.fields: dict[str, dict[str, Tree]] = {}
        self.network: dict[str, Tree] = {}

    def state(self, moment: Moment, index: int) -> dict[str, Any]:
        return {
            "#meta": {"index": index, "step": moment.step.step},
            "process": moment.process,
            "why": moment.step.why,
            "time": {"#unserializable": repr(moment.step.time)},
            "fields": {"#map": [[name, dict(own)] for name, own in self.fields.items()]},
            "network": {"#set": list(self.network.values())},
        }

    def advance(self, moment: Moment) -> None:
        self.network.pop(moment.step.message or "", None)
        own = self.fields.setdefault(moment.process, {})
        for each in moment.inside:
            match each:
                case ev.Send():
                    self.network[each.message] = _message(each.message, each)
                case ev.State():
                    own |= {name: translated(tree) for name, tree in each.after.items()}
                case ev.End():
                    self.fields.pop(moment.process, None)

    def befall(self, event: ev.Event) -> None:
        match event:
            case ev.Drop(message=message):
                self.network.pop(message, None)
            case ev.Duplicate(copy=copy):
                self.network[copy] = _message(copy, self.course.messages[copy].send)
            case ev.Crash(process=process) | ev.Restart(process=process):
                self.fields.pop(process, None)


def _message(name: str, send: ev.Send) -> Tree:
    return {"message": name, "from": send.process, "to": send.to, "value": translated(send.value)}


def translated(tree: Tree) -> Tree:
    """A value in what the format has."""
    match tree:
        case bool() | str():
            return tree
        case int():
            return {"#bigint": str(tree)}
        case list():
            return list(map(translated, tree))
        case {"#bigint": _}:
            return tree
        case {"#tup": parts} | {"#set": parts} as whole:
            return {tag: list(map(translated, parts)) for tag in whole}
        case {"#frozenset": parts}:
            return {"#set": list(map(translated, parts))}
        case {"#map": pairs}:
            return {"#map": [list(map(translated, pair)) for pair in pairs]}
        case {"#process": name}:
            return name
        case {"#object": _, "state": dict(state)} if not any(key.startswith("#") for key in state):
            return {name: translated(part) for name, part in state.items()}
    return {"#unserializable": value(tree)}

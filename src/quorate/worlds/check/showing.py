"""A state of a program for who looks at it: its processes, what is under way, what may happen.

All is text, and as JSON when it is encoded. Invariant: what is shown follows from the way that led
to the state, and each text is printable, on one line, and no longer than said.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any

from msgspec import Struct

from quorate.core import effects as fx
from quorate.core.errors import ProgramError
from quorate.core.frames import Frame
from quorate.core.properties import Property
from quorate.trace import events as ev
from quorate.trace.course import Inside
from quorate.trace.notes import notes_within
from quorate.trace.telling import plain, value
from quorate.trace.values import encode
from quorate.worlds.base import failure_of, standing_of
from quorate.worlds.base.properties import at_of, witness_of
from quorate.worlds.base.reports import seen_from_here
from quorate.worlds.check.browsing import Browser, Event, Position, Step
from quorate.worlds.check.retelling import Program, Retold, retell_way
from quorate.worlds.check.steps import Came, Sent

VALUE_MAX = 2_000
"""How much is shown of the value of a field, in characters."""

OUTCOMES_MAX = 40
"""How many outcomes are shown of one event, of all those that choices have."""

Way = Sequence[tuple[Step, Position]]


class Place(Struct, frozen=True):
    """A line where a process stands, and what it waits for there."""

    method: str
    file: str
    line: int
    text: str


class Field(Struct, frozen=True):
    """A field or a variable; `was` is what it was before the last step, if that has changed it."""

    name: str
    value: str
    was: str | None = None


class ProcessSeen(Struct, frozen=True):
    """A process: `state` says what it is about, `at` where it stands, innermost first.

    `new` is one that the last step has made, `moved` one that stood elsewhere before.
    """

    name: str
    state: str
    at: list[Place]
    fields: list[Field]
    variables: list[Field]
    new: bool = False
    moved: bool = False


class MessageSeen(Struct, frozen=True):
    """So many equal messages, and how many more or fewer these are than before the last step."""

    text: str
    count: int
    more: int = 0


class ChannelSeen(Struct, frozen=True):
    sender: str
    to: str
    messages: list[MessageSeen]


class StepSeen(Struct, frozen=True):
    """What may happen: `what` it is, what comes of it `then`; None is nobody's step.

    `beyond` is the option that would have to let it happen more often.
    """

    name: str
    process: str | None
    what: str
    then: list[str]
    choice: str = ""
    beyond: str | None = None
    fails: bool = False


class PropertySeen(Struct, frozen=True):
    """What a property says of the state: `holds` is None where it says nothing yet."""

    name: str
    kind: str
    at: str
    holds: bool | None
    says: str
    why: list[str] = []


class StateSeen(Struct, frozen=True):
    """`way` are the names of the steps that led here, `last` of which came last; `steps` are those
    that may happen now, but for `more` of them. `left` is what is left of each budget.
    """

    way: list[str]
    last: StepSeen | None
    steps: list[StepSeen]
    processes: list[ProcessSeen]
    channels: list[ChannelSeen]
    properties: list[PropertySeen]
    left: dict[str, int]
    more: int = 0
    failed: str | None = None


class Viewer:
    """Looks at the states of one program."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self._seen: dict[int, ProcessSeen] = {}
        self._trees: dict[int, dict[str, Any]] = {}

    def state(self, way: Way) -> StateSeen:
        """The state at the end of a way, and how it differs from the one before."""
        start = self.browser.start
        at = way[-1][1] if way else start
        before = way[-2][1] if len(way) > 1 else start
        steps = self.browser.steps(at)
        shown = [step for step in steps if step.nth < OUTCOMES_MAX]
        return StateSeen(
            [step.name for step, _ in way],
            self.step(way[-1][0]) if way else None,
            list(map(self.step, shown)),
            list(self._processes(before, at)),
            list(self._channels(before, at)),
            [self._property(each, at) for each in self.browser.observer.properties],
            dict(zip(map(str, self.browser.tables.budgets), at.left, strict=True)),
            len(steps) - len(shown),
            None if at.failed is None else _failure(at.failed),
        )

    # Processes.

    def _processes(self, before: Position, at: Position) -> Iterator[ProcessSeen]:
        """Those that are there, as they are named: who was made first stands first."""
        tables = self.browser.tables
        earlier = {tables.slot[local]: local for local in before.locals if local}
        ids = list(tables.slots)
        for local in sorted(filter(None, at.locals), key=lambda each: ids[tables.slot[each]]):
            yield self._changed(earlier.get(tables.slot[local]), local)

    def _changed(self, before: int | None, local: int) -> ProcessSeen:
        now = self.process(local)
        if before is None:
            return ProcessSeen(*_parts(now), new=True)
        old = self.process(before)
        fields = list(_compared(old.fields, now.fields))
        return ProcessSeen(
            *(now.name, now.state, now.at, fields, now.variables),
            moved=now.at != old.at,
        )

    def process(self, local: int) -> ProcessSeen:
        """A process in a local state."""
        if local not in self._seen:
            known = self.browser.tables.locals[local]
            assert known is not None
            process = self.browser.tables.steps.thaw(known.state)
            standing = standing_of(process)
            state = standing.state
            if known.crashed or process.ended_:
                state = "has crashed" if known.crashed else "has ended"
            elif process.resumes_ and standing.places and process.sleep_ is None:
                state = "can go on"
            places = [Place(*each) for each in reversed(standing.places) if each[2]]
            values = {k: v for k, v in vars(process).items() if not k.endswith("_")}
            self._trees[local] = {name: encode(each) for name, each in values.items()}
            fields = [_field(name, tree) for name, tree in self._trees[local].items()]
            frames = [each for each in process.stack_ if isinstance(each, Frame)]
            variables = [
                _field(name, encode(each))
                for frame in frames
                for name, each in vars(frame).items()
                if not (name.endswith("_") or name in frame.routine_.iterators)
            ]
            name = plain(repr(process.id_))
            self._seen[local] = ProcessSeen(name, state, places, fields, variables)
        return self._seen[local]

    # Messages.

    def _channels(self, before: Position, at: Position) -> Iterator[ChannelSeen]:
        """What is under way, and what was before the last step and has come or is gone."""
        now, old = Counter(at.net), Counter(before.net)
        tables = self.browser.tables
        by_pair: dict[tuple[Any, Any], list[int]] = {}
        for message in dict.fromkeys((*at.net, *before.net)):
            sent = tables.messages[message]
            by_pair.setdefault((sent.sender, sent.to), []).append(message)
        for (sender, to), messages in sorted(by_pair.items()):
            seen = [
                MessageSeen(_message(tables.messages[m]), now[m], now[m] - old[m]) for m in messages
            ]
            if self.browser.bounds.network != "fifo":
                seen.sort(key=lambda each: each.text)
            yield ChannelSeen(plain(repr(sender)), plain(repr(to)), seen)

    # Steps.

    def step(self, step: Step) -> StepSeen:
        """What may happen, in words."""
        event, action = step.event, step.effect.action
        is_own = event.kind not in ("lose", "double")
        choice = f"{step.nth + 1} of {step.of}" if step.of > 1 else ""
        return StepSeen(
            step.name,
            plain(repr(event.process)) if is_own else None,
            self._what(event, action),
            [*self._then(action), *(self._variables(action) if step.of > 1 else ())],
            choice,
            step.beyond,
            step.effect.fails,
        )

    def _what(self, event: Event, action: int) -> str:
        place = self._place(action)
        match event:
            case Event("deliver", _, Sent() as sent) if sent.is_order:
                return {fx.Setup: "is set up", fx.Start: "starts", fx.End: "is ended"}[
                    type(sent.message)
                ]
            case Event("deliver", _, Sent() as sent):
                said = f"{_message(sent)} from {plain(repr(sent.sender))}"
                outcome = self.browser.tables.outcomes[action]
                gone = self.process(outcome.before).state if outcome.before else ""
                if gone in ("has ended", "has crashed"):
                    return f"is sent {said}, and {gone}"
                return f"takes {said}"
            case Event("lose" | "double", to, Sent() as sent):
                how = "is lost" if event.kind == "lose" else "comes twice"
                return f"{_message(sent)} from {plain(repr(sent.sender))} to {to!r} {how}"
            case Event("go on"):
                return f"goes on{place}"
            case Event("wake"):
                return f"wakes up{place}"
            case Event("timeout"):
                return f"waits no longer{place}: timeout"
            case Event("crash"):
                return "crashes"
            case Event("restart"):
                return "begins anew, and remembers nothing"
        return "starts"

    def _place(self, action: int) -> str:
        """Where the process stands that takes a step."""
        before = self.browser.tables.outcomes[action].before if action >= 0 else 0
        places = self.process(before).at if before else []
        return f" ({plain(places[0].file)}:{places[0].line})" if places else ""

    def _then(self, action: int) -> Iterator[str]:
        """What comes of a step: to who takes it, and then what others send who begin by it."""
        if action < 0:
            return
        yield from notes_within(list(self._inside(action)))
        outcome = self.browser.tables.outcomes[action]
        sent = [self.browser.tables.messages[each] for each in outcome.sent]
        own = self.browser.events.of(action).process
        for sender in sorted({each.sender for each in sent if each.sender != own}):
            notes = notes_within(list(_sends(each for each in sent if each.sender == sender)))
            yield from (f"{plain(repr(sender))} {note}" for note in notes)

    def _variables(self, action: int) -> Iterator[str]:
        """What a step does to variables, which tells apart what else looks alike."""
        outcome = self.browser.tables.outcomes[action]
        if not outcome.fails:
            old = self.process(outcome.before).variables if outcome.before else []
            for each in _compared(old, self.process(outcome.after).variables):
                if each.was is not None or each not in old:
                    was = f" (was {plain(each.was, 40)})" if each.was else ""
                    yield f"{each.name} = {plain(each.value, 40)}{was}"

    def _inside(self, action: int) -> Iterator[Inside]:
        """What comes of a step to the process that takes it, as a trace has it."""
        tables = self.browser.tables
        outcome = tables.outcomes[action]
        if outcome.kind == "crash":
            return
        if outcome.fails:
            assert outcome.came.failed is not None
            yield ev.Fail(0.0, repr(outcome.came.failed), "", _failure(outcome.came))
            return
        after = self.process(outcome.after)
        for local in outcome.made:
            made = self.process(local)
            yield ev.Create(0.0, made.name, "", [])
        was = self._trees[outcome.before] if outcome.before else {}
        now = self._trees[outcome.after]
        new = {name: tree for name, tree in now.items() if was.get(name, self) != tree}
        old = {name: was[name] for name in new if name in was}
        yield ev.State(0.0, after.name, new, old)
        own = self.browser.events.of(action).process
        sent = [tables.messages[each] for each in outcome.sent]
        yield from _sends(each for each in sent if each.sender == own)
        if after.state == "has ended" and self._ends(outcome.before):
            yield ev.End(0.0, after.name)

    def _ends(self, before: int) -> bool:
        return not before or self.process(before).state != "has ended"

    # Properties.

    def _property(self, each: Property, at: Position) -> PropertySeen:
        observer, tables = self.browser.observer, self.browser.tables
        numbers = [tables.observed[local] for local in at.locals]
        about = plain(each.name), each.kind, at_of(each)
        if not any(observer.concerns(question, numbers) for question in each.questions):
            return PropertySeen(*about, None, "says nothing yet")
        if each.kind == "leads_to":
            return PropertySeen(*about, *self._debts(each, numbers))
        found = observer.found(each, numbers)
        if found is not None and found.error is not None:
            return PropertySeen(*about, False, "cannot be answered", [_said(found.error)])
        why = [] if found is None else [*map(plain, witness_of(found.question, found.answer))]
        holds = (found is not None) == (each.kind == "sometimes")
        says = {True: "holds", False: "does not hold"}[holds]
        return PropertySeen(*about, holds, says, why)

    def _debts(self, each: Property, numbers: Sequence[int]) -> tuple[bool, str, list[str]]:
        """What `leads_to` asks for in this state, and is not settled in it."""
        answers = self.browser.observer.answers
        try:
            owed, settled = (set(answers(question, numbers)) for question in each.questions)
        except Exception as error:
            return False, "cannot be answered", [_said(error)]
        left = [f"owed to: {value(encode(member))}" for member in owed - settled]
        return not left, "owes something" if left else "owes nothing", sorted(left)

    # Ways.

    def retold(self, way: Way, program: Program) -> tuple[Retold, list[str]]:
        """The way as a trace, and the lines of the program that its last step ran: FILE:LINE."""
        tables, network = self.browser.tables, self.browser.bounds.network
        actions = [step.effect.action for step, _ in way]
        ran: dict[str, None] = {}
        retold = retell_way(tables, network, actions, program, partial(_noting, ran))
        return retold, list(ran)


@contextmanager
def _noting(ran: dict[str, None]) -> Iterator[None]:
    """Note which lines of programs are executed, but for those that only keep what queries ask."""

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        code = frame.f_code
        names = code.co_qualname.split(".")[1:]
        if not code.co_filename.endswith(".da") or any(name.endswith("_") for name in names):
            return None
        tests = re.fullmatch(r"await_(\d+)", code.co_name)  # which notes where its branches are
        if event == "line" and (tests is None or frame.f_lineno == int(tests[1])):
            ran[f"{seen_from_here(code.co_filename)}:{frame.f_lineno}"] = None
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def _sends(all_sent: Iterable[Sent]) -> Iterator[Inside]:
    for sent in all_sent:
        if not sent.is_order:
            yield ev.Send(0.0, repr(sent.sender), repr(sent.to), "", encode(sent.message))


def _parts(seen: ProcessSeen) -> tuple[str, str, list[Place], list[Field], list[Field]]:
    return seen.name, seen.state, seen.at, seen.fields, seen.variables


def _field(name: str, tree: Any) -> Field:
    return Field(plain(name), value(tree, VALUE_MAX))


def _compared(old: list[Field], new: list[Field]) -> Iterator[Field]:
    known = {each.name: each.value for each in old}
    for each in new:
        was = known.get(each.name, "")
        yield each if was == each.value else Field(each.name, each.value, was)


def _message(sent: Sent) -> str:
    if sent.is_order:
        return type(sent.message).__name__.lower()
    return value(encode(sent.message))


def _failure(came: Came) -> str:
    assert came.failed is not None
    assert came.error is not None
    return plain(failure_of(came.failed, came.error).text, 300)


def _said(error: Exception) -> str:
    return plain(error.message if isinstance(error, ProgramError) else repr(error), 300)

"""A counterexample as the trace of a run: its steps are taken again by processes, which are told.

Time is the number of the step: the first takes place at 1 s, the next at 2 s. Invariant: each step
begins in the local state in which it was found, and is given the choices that led on from there.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from quorate.compiler.loader import main_of
from quorate.core import effects as fx
from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.trace import SCHEMA, Trace, read
from quorate.trace import events as ev
from quorate.trace.reading import line_of
from quorate.worlds.base import command_line, surroundings
from quorate.worlds.base.recording import WHY, Teller, given_of
from quorate.worlds.check.counterexample import Counterexample
from quorate.worlds.check.effects import LOST
from quorate.worlds.check.network import Kind as Network
from quorate.worlds.check.observing import Found
from quorate.worlds.check.outside import other_way
from quorate.worlds.check.run import Checked
from quorate.worlds.check.steps import Came, Sent, Step, Steps
from quorate.worlds.check.tables import Kind, Local, Outcome, Tables

Choices = tuple[tuple[int, int], ...]
"""What was chosen: (which, from 0; of how many)."""


@dataclass(frozen=True)
class Retold:
    """The trace of a counterexample; of each step of its way, what kind it was and its choices."""

    trace: Trace
    kinds: list[Kind | None]
    choices: list[Choices]


class Program(NamedTuple):
    """What is told of: a program, its arguments, and its name where it is in a package."""

    path: str
    arguments: tuple[str, ...] = ()
    module: str | None = None
    version: str = ""  # of Quorate


def retell(
    checked: Checked,
    found: Counterexample,
    program: str,
    arguments: Iterable[str] = (),
    version: str = "",
    module: str | None = None,
) -> Retold:
    """Tell how a counterexample comes about. `version` is that of Quorate."""
    which = Program(program, tuple(arguments), module, version)
    told = _Retelling(checked.tables, checked.bounds.network, which)
    with told.surroundings():
        for state, action in zip(_states_on(checked, found.way), found.way, strict=True):
            told.act(action)
            told.reaches(state, checked.graph.reached)
    told.fails(found)
    return told.retold(found.way)


def retell_way(
    tables: Tables,
    network: Network,
    way: Sequence[int],
    program: Program,
    around: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Retold:
    """Tell of the actions of any way, the last of which may fail; that is taken within `around`."""
    told = _Retelling(tables, network, program)
    with told.surroundings():
        for number, action in enumerate(way, 1):
            with around() if number == len(way) else nullcontext():
                told.act(action)
    told.over("held", 0, ())
    return told.retold(way)


def _states_on(checked: Checked, way: tuple[int, ...]) -> list[int | None]:
    """The states that a way leads through; none where an exception ends it."""
    end = checked.graph.end
    found: list[int | None] = [] if end is None else [*checked.graph.states_to(end[0])]
    return found + [None] * (len(way) - len(found))


class _Ordered(NamedTuple):
    """An order under way: the number of the step that gave it, and the time of that."""

    by: int
    clock: ev.Clock


class _Script:
    """Answers as before; `asked` says of how many each was one."""

    def __init__(self, answers: Iterable[int]) -> None:
        self.answers = list(answers)
        self.asked: list[int] = []

    def choose(self, count: int) -> int:
        self.asked.append(count)
        return self.answers[len(self.asked) - 1]


class _Again(Steps):
    """Steps that are taken once more, by one script, while they are told."""

    def __init__(self, steps: Steps, told: _Retelling) -> None:
        vars(self).update(vars(steps))
        self.place = copy.copy(steps.place)
        self._stuttered = {}  # those are of the other place
        self.place.shows = 0
        self.told = told
        self.script = _Script(())

    def scripts(self) -> list[_Script]:
        return [self.script]

    def step(self, script: Any, open: bool) -> _ToldStep:
        return _ToldStep(self, script, open)


class _ToldStep(Step):
    """A step that is told, with those of the processes that begin by it."""

    steps: _Again

    def take(self, process: Process, step: Callable[[Process], None]) -> None:
        told = self.steps.told
        with_others = told.enter(process)
        try:
            super().take(process, step)
            told.step_ends(process)
        except Exception as error:
            told.raised(process, error)
            raise
        finally:
            told.leave(with_others)

    def carry_out(self, process: Process, effect: Any) -> None:
        told = self.steps.told
        match effect:
            case fx.Create():
                told.created(effect.id, process.id_)
            case fx.Setup() | fx.Start() if self.begins(effect):
                told.next = partial(told.obeys, effect, told.order())
            case fx.Output():
                told.shown(process, effect)
            case fx.SetTimer(timer, seconds):
                told.timer_set(process, timer, seconds)
            case fx.Operation():
                told.operated(process.id_, effect)
            case fx.Ended(code):
                told.tell(ev.End(told.time, told.name(process.id_), code))
        super().carry_out(process, effect)

    def send(self, process: Process, to: ProcessId, message: Any, stamp: Any = None) -> None:
        super().send(process, to, message, stamp)
        self.steps.told.under_way(self.sent[-1])


class _Retelling(Teller):
    """Tells of the actions of a way, one after the other."""

    def __init__(self, tables: Tables, network: Network, program: Program) -> None:
        self.events: list[ev.Event] = []
        self.choices: list[Choices] = []
        self.tables = tables
        self.network = network
        self.program = program
        self.again = _Again(self.tables.steps, self)
        self.next: Callable[[Process], None] | None = None  # tells how the next step begins
        self.last: Process | None = None  # whose step was told last
        self.messages: defaultdict[Sent, list[Any]] = defaultdict(list)  # names, or orders
        self.taken: set[str] = set()  # messages that have come
        self._time = 0.0
        self._pages: list[list[ev.Event]] = []  # of each step that is under way or told already
        self._page = self.events
        self._raised: BaseException | None = None
        super().__init__(self._note)
        path, arguments, module, version = program
        words, config = list(arguments), {"network": [str(network)]}
        self.tell(ev.Begin(SCHEMA, version, path, 0, words, module, config=config))
        self.main_created()

    @contextmanager
    def surroundings(self) -> Iterator[None]:
        """What the program finds around it while its steps are taken again."""
        with command_line(self.program.path, self.program.arguments), surroundings(0):
            yield

    def retold(self, way: Sequence[int]) -> Retold:
        trace = read(map(line_of, self.events))  # which makes trees of what was written
        outcomes = self.tables.outcomes
        kinds = [outcomes[action].kind if action >= 0 else None for action in way]
        return Retold(trace, kinds, self.choices)

    @property
    def time(self) -> float:
        return self._time

    def _note(self, event: ev.Event) -> None:
        self._page.append(event)

    # Steps, and those of others within them, which are told after them.

    def enter(self, process: Process) -> tuple[list[ev.Event], Any]:
        """A process begins a step; what it interrupts."""
        outer = self._page, self._now
        self._page = []
        self._pages.append(self._page)
        self.last = process
        assert self.next is not None
        self.next(process)
        return outer

    def leave(self, outer: tuple[list[ev.Event], Any]) -> None:
        self._page, self._now = outer

    def raised(self, process: Process, error: BaseException) -> None:
        if self._raised is not error:  # by the innermost step alone
            self._raised = error
            self.failed(process, error)

    def order(self) -> _Ordered:
        return _Ordered(self.steps, self.clock())

    def obeys(self, order: Any, given: _Ordered, process: Process) -> None:
        """A process begins to do what it was ordered to."""
        more = given_of(order) if type(order) is fx.Setup else {}
        self.step_begins(process, WHY[type(order)], given.clock, by=given.by, **more)

    def under_way(self, sent: Sent) -> None:
        if sent.is_order:
            self.messages[sent].append(self.order())
        else:
            self.messages[sent].append(self.sent(sent.sender, sent.to, sent.message))

    # Actions.

    def act(self, action: int) -> None:
        """What the next action of the way is, with all that comes of it."""
        self._time += 1.0
        self.choices.append(())
        if action < 0:
            self._meddle(action)
            return
        outcome = self.tables.outcomes[action]
        script = self.again.script = _Script(outcome.came.choices)
        if outcome.came not in self._happen(outcome):
            raise other_way(self._whose(outcome))
        for page in self._pages:
            self.events += page
        self._pages.clear()
        self.choices[-1] = tuple(zip(script.answers, script.asked, strict=False))

    def _whose(self, outcome: Outcome) -> ProcessId | None:
        local = self.tables.locals[outcome.before]
        return None if local is None else self.tables.steps.thaw(local.state).id_

    def _happen(self, outcome: Outcome) -> list[Came]:
        """Take the step of an outcome again; what has come of it."""
        local = self.tables.locals[outcome.before]
        if local is None:
            self.next = partial(self.step_begins, why="start")
            return self.again.begin(main_of(next(iter(self.again.modules.given.values()))))
        id = self.tables.steps.thaw(local.state).id_
        match outcome.kind:
            case "deliver":
                return self._deliver(local, self.tables.messages[outcome.taken])
            case "go on":
                self.next = partial(self.step_begins, why="resume")
                return self.again.go_on(local.state)
            case "wake" | "timeout":
                timer = timer_of(self.tables, outcome)
                self.next = partial(self.step_begins, why="timer", timer=timer)
                return self.again.fire(local.state, timer)
            case "restart":
                self.tell(ev.Restart(self.time, self.name(id)))
                self.next = partial(self.step_begins, why="start")
                return self.again.restart(local.state)
        if outcome.sent:
            self.operated(id, fx.Operation("unknown"))
        self.crashed(id)
        return [outcome.came]

    def _deliver(self, local: Local, sent: Sent) -> list[Came]:
        names = self.messages[sent]
        message = names[0] if self.network == "set" else names.pop(0)
        if sent.is_order:
            self.next = partial(self.obeys, sent.message, message)
        else:
            if message in self.taken:
                message = self.duplicated(message)
            self.taken.add(message)
            self.next = lambda process: self.takes_message(process, message)
        came = [Came(local.state)] if local.crashed else self.again.deliver(local.state, sent)
        if not (self._pages or sent.is_order):
            why = "receiver crashed" if local.crashed else "receiver has ended"
            self.tell(ev.Drop(self.time, message, why))
        return came

    def _meddle(self, action: int) -> None:
        """A message is lost, or comes twice."""
        number, twice = divmod(LOST - action, 2)
        names = self.messages[self.tables.messages[number]]
        if twice:
            self.tell(ev.Choice(self.time, "duplicate", names[0]))
            names.append(self.duplicated(names[0]))
        else:
            self.tell(ev.Choice(self.time, "loss", names[0]))
            self.tell(ev.Drop(self.time, names.pop(0), "lost"))

    # Properties, and the end.

    def reaches(self, state: int | None, reached: Iterable[tuple[int, Found]]) -> None:
        """A state in which what is to be so sometimes is so for the first time."""
        assert self.last is not None
        for number, found in reached:
            if number == state and found.error is None:
                self.reached(found.property, self.last)

    def fails(self, found: Counterexample) -> None:
        """The way is at its end."""
        if found.refuted is not None:
            self.refuted(found.refuted, self.last)
        end: Any = "quiet" if found.kind == "deadlock" else "failed"
        self.over(end, 1, found.waiting)


def timer_of(tables: Tables, outcome: Outcome) -> int:
    """Which timer of a process it was that ran out."""
    local = tables.locals[outcome.before]
    assert local is not None
    steps, last = tables.steps, tables.steps.thaw(local.state).timers_
    others = (timer for timer in range(1, last) if outcome.came in steps.fire(local.state, timer))
    return next(others, last)

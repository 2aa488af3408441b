"""Steps of one process: from its local state and an event to all that can come of it.

The process is thawed, takes its step, and is frozen again, once for every way in which what the
program leaves open can be decided. Invariant: a step depends on nothing but the local state and
the event, so that whoever has computed one need never do it again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import ModuleType
from typing import Any, Literal, Protocol, TypeVar

from quorate.core import effects as fx
from quorate.core.ambient import here
from quorate.core.choosing import GivenUp
from quorate.core.errors import ProgramError
from quorate.core.frames import Frame
from quorate.core.freeze import Frozen
from quorate.core.ids import ProcessId, main_id
from quorate.core.messages import own_copy
from quorate.core.naming import Modules
from quorate.core.process import Process
from quorate.core.thaw import Thawer, is_as_thawed, thaw
from quorate.worlds.base import EPOCH_SECONDS, config_of, specifications_of
from quorate.worlds.check.canonical import canonical, frozen_message
from quorate.worlds.check.chance import Chance
from quorate.worlds.check.clients import CLIENTS, Judges, Record, clients_at_first, record_of
from quorate.worlds.check.outside import Outside
from quorate.worlds.check.stutter import Snapshot
from quorate.worlds.check.variables import code_of

T = TypeVar("T")

WAYS_MAX = 20_000
"""In how many ways a single step may go."""


Reads = tuple[tuple[str, ...], bool]
"""Fields, and whether histories."""

Move = Literal["go on", "wake", "timeout"]
"""What a process does by itself; a timer that runs out may end a sleep."""

ORDERS = (fx.Setup, fx.Start, fx.End)

STANDING_MAX = 64
"""So many processes are kept that have just come to stand somewhere."""

STUTTERED_MAX = 1024
"""So many are kept that a stuttering step has left as they were."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message, or an order of the process that has made another; `key` says which it is."""

    to: ProcessId
    sender: ProcessId
    message: Any = field(compare=False)
    stamp: Any = field(compare=False)
    key: Frozen

    @property
    def is_order(self) -> bool:
        return isinstance(self.message, ORDERS)

    @property
    def is_spared(self) -> bool:
        """Whether it comes once for certain: an order does, and what `main`, which sets the scene,
        sends or is sent, as in the simulated world.
        """
        return self.is_order or not (self.sender.path and self.to.path)


@dataclass(frozen=True, slots=True)
class Came:
    """What can come of a step: the process after it, what it has sent, and whom it has made.

    `error` is what the step has failed by, and `failed` whose it was; `choices` lead here.
    """

    state: Frozen
    sent: tuple[Sent, ...] = ()
    made: tuple[tuple[ProcessId, Frozen], ...] = ()
    error: BaseException | None = field(default=None, compare=False)
    failed: ProcessId | None = None
    choices: tuple[int, ...] = field(default=(), compare=False)


class _Place:
    """The world that a process may ask in the middle of a step. Time is abstract: it stands.

    `was_asked` says whether anybody has asked for it, and so may count on more than was looked at.
    """

    seed = 0
    shows = 1 << 30  # no output is wanted

    def __init__(self, config: Mapping[str, Any], judges: Judges) -> None:
        self.config = config
        self.judges = judges
        self.names: Mapping[str, ProcessId] = {}
        self.nodes: Mapping[str, ProcessId] = {}
        self.chance = Chance()
        self.was_asked = False

    def now(self, which: str) -> float:
        self.was_asked = True
        return EPOCH_SECONDS if which == "time" else 0.0

    def hold(self, process: Process) -> Process:
        """A process of this world, whose numbers are drawn by whoever explores it."""
        process.random_ = self.chance
        return process


class Steps:
    """The steps of the processes of a program that has been loaded with `branching`."""

    def __init__(
        self,
        module: ModuleType,
        config: Mapping[str, Any] | None = None,
        reads: Callable[[type], Reads | None] = lambda cls: None,
        *,
        restarts: bool = True,
    ) -> None:
        """`reads` says what of the processes of a class somebody asks for when they are over.

        Without `restarts`, a process does not keep what it is set up with.
        """
        self.restarts = restarts
        self.modules = Modules({module.__name__: module})
        self.reads = reads
        self.said = specifications_of(module)
        options = dict(config_of(module, config))
        if not getattr(module, "uses_clock_", False):  # then it is no part of a state
            options |= {"clock": None, "clock_default": None}
        self.place = _Place(options, Judges(self.said))
        self.outside = Outside.of(module)
        self.named: dict[str, ProcessId] = {}  # of all processes that were ever made
        self._states: dict[Frozen, Frozen] = {}  # so that what is the same is there once
        self._standing: dict[int, Process] = {}  # by identity of the state
        self._stuttered: dict[int, Snapshot] = {}  # likewise
        self._stepping: Snapshot | None = None  # of whose step is under way

    def thaw(self, state: Frozen) -> Process:
        return self.place.hold(thaw(state, self.place, self.modules))

    def _about_to_step(self, state: Frozen) -> Process:
        """A process in this state: that which a stuttering step has left in it, if there is one."""
        found = self._stuttered.pop(id(state), None)
        if found is None:
            thawer = Thawer(state, self.place, self.modules)
            self.place.hold(thawer.thaw())
            found = Snapshot(state, thawer.made)
        self._stepping = found
        return found.process

    def look(self, state: Frozen) -> Process:
        """A process in this state, to be looked at: it may be that which has come to it last."""
        found = self._standing.get(id(state))
        return self.thaw(state) if found is None else found

    def message(self, key: Frozen) -> tuple[Any, Any]:
        """The message and its stamp that are frozen as `key`."""
        message, stamp = Thawer(key, self.place, self.modules).thaw()[0]
        return message, stamp

    def sent(self, to: ProcessId, sender: ProcessId, message: Any, stamp: Any = None) -> Sent:
        """A message on its way. Raises ProgramError (Q114)."""
        return Sent(to, sender, message, stamp, frozen_message((message, stamp), self.modules))

    def clients(self) -> Frozen:
        """What is known of clients at first."""
        return self.frozen(clients_at_first(self.place))

    def frozen(self, process: Process) -> Frozen:
        """The state of a process between two steps: equal ones are one, and told by identity."""
        state = canonical(process, self.modules)
        return self._states.setdefault(state, state)

    # Events.

    def begin(self, main: type[Process]) -> list[Came]:
        """What can come of the first step of the program's own process, which runs `main`."""
        id = main_id()

        def make() -> Process:
            self.outside.main_begins()
            return self.place.hold(main(id, id, self.place))

        return self._all(make, Process.begin_)

    def deliver(self, state: Frozen, sent: Sent) -> list[Came]:
        """A message, or an order, is taken; none where the process takes none now."""
        process = self._about_to_step(state)
        if process.ended_:
            return [Came(state)]
        if sent.is_order:
            ready = type(sent.message) is not fx.Start or process.set_up_ or not needs(process)
            make = self._thawed(state, process)
            return self._all(make, partial(obey, sent.message)) if ready else []

        def take(process: Process) -> None:
            process.deliver_(own_copy(sent.message), sent.sender, sent.stamp)

        if not process.open_:
            return []
        return self._all(self._thawed(state, process), take, open=not process.one_at_a_time_)

    def moves(self, state: Frozen) -> list[tuple[Move, Came]]:
        """What can come of what a process does by itself: it goes on, or a timer of it runs out."""
        process = self._about_to_step(state)
        timers, sleep = process.timers_, process.sleep_
        moves: list[tuple[Move, Came]] = [("go on", came) for came in self._go_on(state, process)]
        for timer in range(1, timers + 1):
            kind: Move = "wake" if timer == sleep else "timeout"
            moves += [(kind, came) for came in self.fire(state, timer)]
        return moves

    def go_on(self, state: Frozen) -> list[Came]:
        """The process goes on by itself from where it stands; none where it cannot."""
        return self._go_on(state, self._about_to_step(state))

    def _go_on(self, state: Frozen, process: Process) -> list[Came]:
        if process.ended_ or not process.stack_ or process.sleep_ is not None:
            return []
        return self._all(self._thawed(state, process), Process.resume_)

    def fire(self, state: Frozen, timer: int) -> list[Came]:
        """What can come of it that a timer runs out."""
        return self._all(partial(self.thaw, state), partial(_fire, timer))

    def restart(self, state: Frozen) -> list[Came]:
        """A process that has crashed begins anew, with what it was set up with before."""
        old = self.thaw(state)

        def make() -> Process:
            new = type(old)(old.id_, old.parent_, self.place, old.rates_)
            new.creations_ = old.creations_
            new.__dict__["daemon_"] = old.__dict__["daemon_"]
            return self.place.hold(new)

        def begin(process: Process) -> None:
            for args, kwargs in old.__dict__.get("given_", ()):
                obey(fx.Setup(process.id_, args, kwargs), process)
            obey(fx.Start(process.id_), process)

        return self._all(make, begin)

    # Between steps.

    def standing(self, process: Process, *, open: bool = True) -> Frozen:
        """A process between two steps as a value, however it came to stand where it stands.

        Where it stands at a yield point, `open` says whether it takes messages.
        """
        top = process.stack_[-1] if process.stack_ else None
        if not self.restarts:
            vars(process).pop("given_", None)
        if process.ended_:
            process.waiting_, process.resumes_, process.arrived_ = False, 0, False
            self._leave(process)
        elif top is not None and process.sleep_ is None:
            process.arrived_ = process.arrived_ and bool(process.deferred_)
            waits = isinstance(top, Frame) and _tests(top)
            process.waiting_ = waits and not process.arrived_
            process.resumes_ = int(not process.waiting_)
            process.open_ = open and not process.inbox_
        before = self._stepping
        if before is not None and before.process is process and before.holds():
            return self._stutter(before)
        state = self.frozen(process)
        _keep(self._standing, STANDING_MAX, state, process)
        return state

    def _stutter(self, before: Snapshot) -> Frozen:
        """The state of a process that a step has left as it was, and keep that process."""
        if is_as_thawed(before.process):
            _keep(self._stuttered, STUTTERED_MAX, before.state, before)
        return before.state

    def crash(self, state: Frozen) -> Came | None:
        """A process crashes: what is left is what it was given, and what properties ask for.

        None where it cannot: it has not begun yet, or is over, or is the one that runs `main`.
        """
        process = self.thaw(state)
        if not process.started_ or process.ended_ or not process.id_.path:
            return None
        sent: tuple[Sent, ...] = ()
        if self.said and process.operation_ is not None:
            sent = (self.records([record_of(process.id_, fx.Operation("unknown"))]),)
            del process.operation_
        for waiting in (process.stack_, process.inbox_, process.outbox_, process.deferred_):
            waiting.clear()
        self._leave(process)
        return Came(self.frozen(process), sent)

    def records(self, records: Sequence[Record]) -> Sent:
        """What a step tells of operations, as a message to whoever follows these."""
        return self.sent(CLIENTS, records[0][0], tuple(records))

    def _leave(self, process: Process) -> None:
        """Forget of a process that takes no more steps what nobody can ask for."""
        fields, histories = self.reads(type(process)) or ((), False)
        if not histories:
            process.received_.clear()
            process.sent_.clear()
            process.begin_views_("received")
            process.begin_views_("sent")
        for name in list(vars(process)):
            if not name.endswith("_") and name not in fields:
                del vars(process)[name]

    def names_before(self, process: Process) -> Mapping[str, ProcessId]:
        """The names that are given when a process begins a step.

        It may have made other processes when it took the step, or another one, before.
        """
        mine, count = process.id_.path, process.creations_
        return {
            name: id
            for name, id in self.named.items()
            if id.path[:-1] != mine or id.path[-1] <= count
        }

    # All ways.

    def _thawed(self, state: Frozen, process: Process) -> Callable[[], Process]:
        """Gives the process that has been thawed from `state`, and then others like it."""
        first = [process]
        return lambda: first.pop() if first else self.thaw(state)

    def _all(
        self, make: Callable[[], Process], take: Callable[[Process], None], *, open: bool = True
    ) -> list[Came]:
        """What can come of a step, for every choice within it; each once, in a stated order.

        `open` says whether the process takes messages at the yield point that it comes to.
        """
        all_ways = [self.step(script, open).run(make(), take) for script in self.scripts()]
        found = [came for came in all_ways if came is not None]
        if len(found) < 2:
            return found
        return list({(came, str(came.error)): came for came in reversed(found)}.values())[::-1]

    def scripts(self) -> Iterable[Script]:
        """The ways that a step is taken in."""
        return Scripts()

    def step(self, script: Script, open: bool) -> Step:
        return Step(self, script, open)


class Script(Protocol):
    """Answers the questions of one step; `answers` are those that it has given."""

    answers: list[int]

    def choose(self, count: int) -> int: ...


class Scripts:
    """All ways to answer the questions of a run, in the order of the first that differs."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.answers: list[int] = []
        self.asked = 0

    def __iter__(self) -> Iterator[Scripts]:
        for _ in range(WAYS_MAX):
            self.asked = 0
            yield self
            while self.answers and self.answers[-1] + 1 == self.counts[-1]:
                self.answers.pop()
                self.counts.pop()
            if not self.answers:
                return
            self.answers[-1] += 1
        raise ProgramError(
            "Q131",
            f"a single step can go in more than {WAYS_MAX:,} ways",
            "choose from fewer values, or at different yield points",
        )

    def choose(self, count: int) -> int:
        """The answer to the next question, a number below `count`; 0 where it is a new one."""
        if self.asked == len(self.answers):
            self.answers.append(0)
            self.counts.append(count)
        self.asked += 1
        return self.answers[self.asked - 1]


class Step:
    """One step under way: the processes that have a part in it, and what they have sent."""

    def __init__(self, steps: Steps, script: Script, open: bool) -> None:
        self.steps = steps
        self.script = script
        self.open = open
        self.made: dict[ProcessId, Process] = {}
        self.sent: list[Sent] = []
        self.recorded: list[Record] = []
        self.running: Process | None = None

    def run(self, process: Process, take: Callable[[Process], None]) -> Came | None:
        """What came of the step; None where what was passed over left nothing to take."""
        here.choose = self.script.choose
        error: BaseException | None = None
        try:
            self.take(process, take)
        except GivenUp:
            return None
        except Exception as raised:
            error = raised
        finally:
            here.choose, here.process = None, None
        choices = tuple(self.script.answers)
        if error is not None:
            assert self.running is not None
            return Came((), error=error, failed=self.running.id_, choices=choices)
        made = tuple((id, self.steps.standing(each)) for id, each in self.made.items())
        state = self.steps.standing(process, open=self.open)
        if self.recorded and self.steps.said:
            self.sent.append(self.steps.records(self.recorded))
        return Came(state, tuple(self.sent), made, choices=choices)

    def take(self, process: Process, step: Callable[[Process], None]) -> None:
        """Take the step of a process, and carry out its effects."""
        self.running = process
        if process.id_.path:
            self.steps.outside.others_begin()
        if self.steps.named:
            self.steps.place.names = self.steps.names_before(process)
        try:
            step(process)
        except SystemExit as exit:
            process.exit_(exit)
        for effect in process.take_effects_():
            self.carry_out(process, effect)

    def carry_out(self, process: Process, effect: Any) -> None:
        """Carry out an effect; whoever is made and started in the same step begins at once.

        It takes no message before its first yield point, and nobody can tell when it came there:
        its beginning may as well be a part of this step (Lipton, CACM 18(12), 1975). A client may
        be told by it when its operations begin.
        """
        match effect:
            case (to, message, stamp):
                self.send(process, to, message, stamp)
            case fx.Create(id, cls, daemon, rates):
                made: Process = cls(id, process.id_, self.steps.place, dict(rates))
                made.__dict__["daemon_"] = daemon
                self.made[id] = self.steps.place.hold(made)
                if id.name:
                    self.steps.named[id.name] = id
            case fx.Setup() | fx.Start() if self.begins(effect):
                self.take(self.made[effect.id], partial(obey, effect))
                self.running = process
            case fx.Setup() | fx.Start() | fx.End():
                self.send(process, effect.id, effect)
            case fx.Ended(code) if code:
                raise _ended_with(code)
            case fx.Operation():
                self.recorded.append(record_of(process.id_, effect))

    def begins(self, order: fx.Setup | fx.Start) -> bool:
        """Whether what a process is ordered to is done within this step."""
        made = self.made.get(order.id)
        if made is None or type(order) is fx.Setup:
            return made is not None
        return not (made.invokes_ and self.steps.said)

    def send(self, process: Process, to: ProcessId, message: Any, stamp: Any = None) -> None:
        last = self.sent[-1] if self.sent else None
        if last is not None and last.message is message and last.stamp is stamp:  # to several
            self.sent.append(Sent(to, process.id_, message, stamp, last.key))
        else:
            self.sent.append(self.steps.sent(to, process.id_, message, stamp))


def _keep(kept: dict[int, T], most: int, state: Frozen, what: T) -> None:
    """Keep something of a state, by identity, and so much at most."""
    if len(kept) == most:
        kept.clear()
    kept[id(state)] = what


def _ended_with(status: int) -> ProgramError:
    """A process has ended with a status which says that the run has failed."""
    what = f"it ends with status {status}, and so does the run"
    return ProgramError("Q136", what, "`exit()` ends a process where nothing is wrong")


def obey(order: fx.Setup | fx.Start | fx.End, process: Process) -> None:
    """What a process does that is ordered to by who has made it."""
    match order:
        case fx.Setup(_, args, kwargs):
            given = process.__dict__.get("given_", ())
            process.__dict__["given_"] = (*given, (own_copy(args), own_copy(kwargs)))
            process.prepare_(own_copy(args), own_copy(kwargs))
        case fx.Start():
            process.begin_()
        case fx.End():
            process.finish_(0)


def _fire(timer: int, process: Process) -> None:
    process.fire_(timer)


def needs(process: Process) -> bool:
    """Whether a process cannot be started before it is set up."""
    return bool(inspect.signature(process.setup).parameters)


def is_waiting(process: Process) -> bool:
    """Whether a process is owed something: it is not over, and does not serve for ever.

    Who serves for ever awaits `False`, has no `run`, or is a daemon.
    """
    top = process.stack_[-1] if process.stack_ else None
    if process.ended_ or not process.started_ or process.__dict__.get("daemon_"):
        return False
    if not isinstance(top, Frame):
        return False
    if process.sleep_ is not None or top.timer_ is not None:
        return True
    return "SERVE" not in code_of(top.routine_.blocks[top.block_]).co_names


def _tests(frame: Frame) -> bool:
    """Whether a frame stands at an await, not at another yield point."""
    if frame.block_ not in frame.routine_.waits:
        return False
    names = code_of(frame.routine_.blocks[frame.block_]).co_names
    return "WAIT" in names or "SERVE" in names

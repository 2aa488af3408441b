"""Suspendable methods: a routine is a method cut into blocks, a frame one call of it.

A frame is (routine, block, locals), a plain value: the locals are its attributes, and what the
machinery keeps has a name that ends in an underscore. A block is a function (process, frame)
that answers the name of the block to go to, a frame to call, or one of the signals below.
Invariant: only `begin` makes a frame that may wait; who else calls a routine gets its value.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from quorate.core.ambient import here
from quorate.core.choosing import GivenUp
from quorate.core.containers import Sight, is_settled
from quorate.core.messages import ATOMS, PLAIN
from quorate.core.mistakes import cannot_wait

if TYPE_CHECKING:
    from quorate.core.process import Process


class Signal:
    """An answer of a block other than where to go next; compared by identity."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


PAUSE = Signal("PAUSE")  # has come to a yield point: take what is there, then go on
WAIT = Signal("WAIT")  # no branch of the await holds
SERVE = Signal("SERVE")  # an await that no message can end: there is nothing to test again
SLEEP = Signal("SLEEP")  # go on when the timer fires, taking no messages until then
RETURN = Signal("RETURN")  # the call is over; its value is in result_

FOR_EVER = Signal("FOR_EVER")  # the time limit of an await that has none
NOTHING = Signal("NOTHING")  # the value of a field that has none

Read = tuple[Any, str, Any]
"""(where the value of a name is, the name, the value): something with `get`"""

Block = Callable[["Process", "Frame"], "str | Frame | Signal"]


class Routine:
    """A suspendable method, compiled.

    `call` has the method's own signature and answers the first locals of a frame. `blocks` by
    name; the first to run is `start`. `on_error` says to which block an exception goes that is
    raised in a block. `waits` gives (line, source text) of each block that waits, `reads`
    (fields, locals) of each whose answer follows from these alone. The blocks in `handling` are
    those of an `except` or `finally`. `iterators` are the locals that hold those of loops.
    """

    __slots__ = (
        *("blocks", "call", "iterators", "name", "on_error", "owner", "qualname", "reads"),
        "waits",
    )

    def __init__(self, namespace: type) -> None:
        body = namespace.__dict__
        self.name = namespace.__name__
        self.qualname = namespace.__qualname__
        self.owner = namespace.__module__
        self.call: Callable[..., dict[str, Any]] = _function(body["call"])
        self.call.__qualname__ = self.qualname  # so Python's errors of arguments name the method
        self.on_error: Mapping[str, str] = body.get("on_error", {})
        self.iterators: tuple[str, ...] = body.get("iterators", ())
        self.waits: Mapping[str, tuple[int, str]] = body.get("waits", {})
        self.reads: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = body.get("reads", {})
        self.blocks: dict[str, Block] = {
            name: _function(value)
            for name, value in body.items()
            if callable(value) and name != "call" and not name.startswith("__")
        }
        handling: Mapping[str, tuple[str, ...]] = body.get("handling", {})
        self.blocks |= {name: _during(each, self.blocks[name]) for name, each in handling.items()}

    def __repr__(self) -> str:
        return f"<routine {self.qualname}>"


def _during(variables: tuple[str, ...], block: Block) -> Block:
    """A block that runs while the exception is handled that the first of `variables` holds.

    So that it is the context of what the block raises, and `raise` alone, in whatever the block
    calls, raises it again.
    """

    @functools.wraps(block)
    def run(process: Process, frame: Frame) -> str | Frame | Signal:
        held = map(frame.__dict__.get, variables)
        error = next((each for each in held if each is not None), None)
        if error is None:
            return block(process, frame)
        trace = error.__traceback__
        try:
            raise error
        except BaseException:
            error.__traceback__ = trace  # without this line
            return block(process, frame)

    return run


def routine(namespace: type) -> Callable[..., Any]:
    """Make of a class that holds `call` and the blocks the method itself."""
    compiled = Routine(namespace)
    method = functools.wraps(compiled.call)(_method_of(compiled))
    method.__name__ = compiled.name
    method.routine = compiled  # type: ignore[attr-defined]
    return method


def _method_of(compiled: Routine) -> Callable[..., Any]:
    def method(*args: Any, **kwargs: Any) -> Any:
        """What a call of the routine is where nothing can wait: in a query, or by a library."""
        return Frame(compiled, compiled.call(*args, **kwargs)).now_(here.process)

    return method


def _function(value: Any) -> Any:
    return value.__func__ if isinstance(value, staticmethod) else value


def begin(called: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any] = {}) -> Any:
    """Call anything, for the machine: of a routine, answer the frame, which may wait.

    So it is with a method and a `partial`, which only hand on; nothing can come back to a
    decorator of Python's own.
    """
    function = called.__func__ if type(called) is MethodType else called
    if type(function) is FunctionType and function.__code__ is METHOD:
        compiled: Routine = function.__closure__[0].cell_contents  # type: ignore[index]
        if function is called:
            return Frame(compiled, compiled.call(*args, **kwargs))
        return Frame(compiled, compiled.call(called.__self__, *args, **kwargs))
    if type(called) is functools.partial:
        return begin(called.func, called.args + args, {**called.keywords, **kwargs})
    return called(*args, **kwargs)


class Frame:
    """One call of a routine: where it stands, and its locals as attributes."""

    __slots__ = (
        "__dict__",
        "block_",
        "error_",
        "expired_",
        "label_",
        "next_",
        "result_",
        "routine_",
        "timer_",
    )

    def __init__(self, compiled: Routine, variables: dict[str, Any]) -> None:
        self.routine_ = compiled
        self.block_ = "start"
        self.next_ = ""
        self.label_: str | None = None
        self.timer_: int | None = None
        self.expired_ = False
        self.result_: Any = None
        self.error_: BaseException | None = None
        self.__dict__ = variables

    def __getattr__(self, name: str) -> Any:
        raise UnboundLocalError(f"`{name}` is read before it has been given a value")

    def __repr__(self) -> str:
        variables = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{self.routine_.qualname}[{self.block_}]({variables})"

    # What blocks end with. Each answers what the block is to return.

    def call_(self, called: Any, then: str, /, *args: Any, **kwargs: Any) -> str | Frame:
        """Call `called`, and go on at `then` with its value in `result_`."""
        answer = begin(called, args, kwargs)
        if type(answer) is Frame:
            self.next_ = then
            return answer
        self.result_ = answer
        return then

    def return_(self, value: Any = None) -> Signal:
        self.result_ = value
        return RETURN

    def pause_(self, label: str | None, then: str) -> Signal:
        """Stand at a yield point, then go on at `then`."""
        self.label_ = label
        self.block_ = then
        return PAUSE

    def await_(
        self, process: Process, test: str, label: str | None = None, seconds: Any = FOR_EVER
    ) -> Signal:
        """Stand at an await whose branches the block `test` tests; it expires after `seconds`."""
        self.expired_ = False
        self.timer_ = None if seconds is FOR_EVER else process.set_timer_(seconds)
        return self.pause_(label, test)

    def leave_(self, process: Process, then: str) -> str:
        """Leave the await for one of its branches."""
        if self.timer_ is not None:
            process.cancel_timer_(self.timer_)
            self.timer_ = None
        return then

    def sleep_(self, process: Process, seconds: float, then: str) -> Signal:
        self.timer_ = process.set_timer_(seconds, "sleep")
        self.block_ = then
        return SLEEP

    # Assignments inside expressions.

    def set_(self, **variables: Any) -> bool:
        """Bind a witness; always true, so that it can stand in a condition."""
        self.__dict__.update(variables)
        return True

    def let_(self, name: str, value: Any) -> Any:
        """`name := value`."""
        self.__dict__[name] = value
        return value

    # The machine.

    def advance_(self, process: Process, error: BaseException | None) -> Frame | Signal:
        """Run blocks until one does more than go to another.

        With `error`, an exception that a called frame ended with, begin where it is handled.
        """
        blocks = self.routine_.blocks
        while True:
            if error is not None:
                handler = self.routine_.on_error.get(self.block_)
                try:
                    come_back(error, self, self.block_, self.next_)
                except BaseException:
                    if handler is None or type(error) is GivenUp:
                        self.end_loops_()
                        raise
                assert handler is not None
                self.error_, self.block_, error = error, handler, None
            here = self.block_
            try:
                answer = blocks[here](process, self)
            except BaseException as raised:
                self.block_ = here
                if here not in self.routine_.on_error or type(raised) is GivenUp:
                    self.end_loops_()
                    raise
                error = raised
                continue
            if type(answer) is not str:
                return answer  # type: ignore[return-value]
            self.block_ = answer

    def end_loops_(self) -> None:
        """An exception leaves the frame, and with it loops, whose generators are to be closed."""
        for name in reversed(self.routine_.iterators):
            self.__dict__.pop(name, None)

    def now_(self, process: Process | None) -> Any:
        """The value of the call, run to its end; an error at the first yield point."""
        error: BaseException | None = None
        while True:
            answer = self.advance_(process, error)  # type: ignore[arg-type]
            error = None
            if answer is RETURN:
                return self.result_
            if type(answer) is Frame:
                try:
                    self.result_ = answer.now_(process)
                    self.block_ = self.next_
                except BaseException as raised:
                    error = raised
            else:
                self.next_ = ""
                error = cannot_wait(self.routine_.name)

    def read_(self, process: Process) -> list[Read] | None:
        """What the await has read, where only other values than these can change its answer."""
        reads = self.routine_.reads.get(self.block_)
        if reads is None:
            return None
        found: list[Read] = []
        for home, names in zip((process.__dict__, self.__dict__), reads, strict=True):
            for name in names:
                read = read_now(home, name)
                if read is None:
                    return None
                found += read
        return found

    def place_(self) -> tuple[int, str]:
        """Where the frame waits, and for what: (line, source text); line 0 where it does not."""
        return self.routine_.waits.get(self.block_, (0, ""))


def read_now(home: Any, name: str) -> list[Read] | None:
    """The value of a name, so that a change can be told; None where it may change from inside."""
    value = home.get(name, NOTHING)
    if type(value) in ATOMS:
        return [(home, name, value)]
    if type(value) not in PLAIN or not is_settled(value):
        return None
    return [Sight.of(value), (home, name, value)]


def come_back(error: BaseException, frame: Frame, block: str, then: str) -> None:
    """Raise, in `block` of `frame`, what the call ended with that it made to go on at `then`.

    The block has long answered: this stands for it in the traceback. Without `then`, it waits.
    """
    raise error


METHOD = _method_of(Routine.__new__(Routine)).__code__
"""The code of every method that is a routine: unlike its attributes, no decorator copies it."""

"""What a run says about its processes: why one failed, and where the others wait.

Reports are plain values, so that they cross from a worker to the node. Invariant: a traceback
shows the program's files, and libraries it calls, never files of this package.
"""

from __future__ import annotations

import inspect
import linecache
import os
import re
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from quorate.core.errors import ProgramError
from quorate.core.frames import Frame, come_back
from quorate.core.ids import ProcessId
from quorate.core.process import Process
from quorate.core.properties import Property

_OWN = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep


_SERVE_ROUTINE = "Process._serve"  # in the place of a `run`, it stands nowhere in the program
_MAIN_ROUTINE = "main_process_.run"
_MAIN = re.escape(_MAIN_ROUTINE)
_SUSPENDABLE_HANDLER = re.compile(r"handle_(?:\w+_)?\d+")
_HANDLER = re.compile(r"(receive|sent)_(?:\w+_)?\d+")


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure of a process: what, the code of the catalogue, where, and what to do about it.

    `trace` is empty or a traceback; `ours` says that not the program is to blame.
    """

    process: ProcessId
    code: str
    text: str
    trace: str = ""
    help: str = ""
    ours: bool = False

    def __str__(self) -> str:
        lines = [f"error[{self.code}]: {self.process!r} failed: {self.text}"]
        lines += [self.trace] if self.trace else []
        lines += [f"  = help: {self.help}"] if self.help else []
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a process waits: (method, file, line, source text of the condition), innermost last."""

    process: ProcessId
    places: tuple[tuple[str, str, int, str], ...]
    inbox: int = 0
    state: str = "waits"

    def __str__(self) -> str:
        lines = [f"{self.process!r} {self.state}"]
        for method, file, line, text in reversed(self.places):
            place = f"{file}:{line}, in {method}" if line else f"in {method}"
            lines.append(f"    {place}" + (f": {text}" if text else ""))
        if self.inbox:
            lines.append(f"    {self.inbox} message{'s' * (self.inbox > 1)} not taken")
        return "\n".join(lines)


def failure_of(process: ProcessId, error: BaseException) -> Failure:
    """Why a step of `process` failed."""
    text, shown = told(error)
    if isinstance(error, ProgramError):
        return Failure(process, error.code, error.message, shown, error.help)
    if shown:
        return Failure(process, "Q100", text, shown)
    everything = "".join(traceback.format_exception(error)).rstrip()
    return Failure(process, "Q900", text, everything, ours=True)


_NOT_ITS = (_OWN, "<frozen importlib")


def told(error: BaseException) -> tuple[str, str]:
    """What an exception says, and the traceback in lines of the program, empty without any."""
    trace = traceback.TracebackException.from_exception(error, compact=True)
    _strip_all(trace, error)
    text = "".join(trace.format_exception_only()).strip()
    shown = "".join(trace.format()).strip()
    return text, shown.removesuffix(text).rstrip() if trace.stack else ""


def _strip_all(trace: traceback.TracebackException, error: BaseException) -> None:
    """Leave the program's frames in a traceback and in all that it tells of, however many."""
    pending: list[tuple[traceback.TracebackException | None, BaseException | None]]
    pending = [(trace, error)]
    seen: set[int] = set()
    while pending:
        each, its_error = pending.pop()
        if each is None or its_error is None or id(each) in seen:
            continue
        seen.add(id(each))
        _strip(each, its_error)
        pending.append((each.__cause__, its_error.__cause__))
        pending.append((each.__context__, its_error.__context__))
        if isinstance(its_error, BaseExceptionGroup):
            pending += zip(each.exceptions or (), its_error.exceptions, strict=False)


def _strip(trace: traceback.TracebackException, error: BaseException) -> None:
    """Leave the program's frames, under its own names."""
    part: Frame | Property | None
    kept: list[tuple[Frame | Property | None, traceback.FrameSummary]] = []
    tops = [top for top, _ in traceback.walk_tb(error.__traceback__)]
    for place, (summary, top) in enumerate(zip(trace.stack, tops, strict=False)):
        if top.f_code is come_back.__code__:
            part = top.f_locals["frame"]
            shown = _calling(top.f_locals, tops[place + 1 :])
        elif summary.filename.endswith(".da") or not summary.filename.startswith(_NOT_ITS):
            part = _method_of(top) or _property_of(top)
            shown = summary
            shown.name = part.name if isinstance(part, Property) else _name_of(top)
            shown.filename = seen_from_here(summary.filename)
        else:
            continue
        if kept and part is not None and kept[-1][0] is part:
            kept.pop()  # the method has only raised again what has come to it
        kept.append((part, shown))
    trace.stack = traceback.StackSummary.from_list([shown for _, shown in kept])


def _calling(caller: Mapping[str, Any], further: Iterable[FrameType]) -> traceback.FrameSummary:
    """Where a method made the call that it has not come back from; `caller` as in `come_back`."""
    import dis  # only for failures: not every run needs it

    frame: Frame = caller["frame"]
    code = _code_of(frame, caller["block"])
    if not caller["then"]:
        line, _ = frame.place_()
        return traceback.FrameSummary(
            seen_from_here(code.co_filename), line, _name_of_routine(frame)
        )
    inside = (_method_of(top) for top in further)
    called = next((m.routine_.name for m in inside if m not in (None, frame)), None)
    lines: list[int] = []
    seen: list[Any] = []
    for instruction in dis.get_instructions(code):
        seen.append(instruction.argval)
        if instruction.argval == caller["then"] and instruction.positions is not None:
            # Several calls may go on alike: rather the one that names what was called.
            lines.insert(0 if called in seen else len(lines), instruction.positions.lineno or 0)
            seen.clear()
    line = lines[0] if lines else code.co_firstlineno
    return traceback.FrameSummary(seen_from_here(code.co_filename), line, _name_of_routine(frame))


def _method_of(top: FrameType) -> Frame | None:
    """The call of a suspendable method of which a frame of Python's runs a block."""
    if top.f_code is come_back.__code__:
        caller: Frame = top.f_locals["frame"]
        return caller
    for value in top.f_locals.values():
        if type(value) is Frame and top.f_code.co_name in value.routine_.blocks:
            return value
    return None


def _property_of(top: FrameType) -> Property | None:
    """The property that a frame of Python's answers a question of, whole or in part."""
    function = top.f_code.co_qualname.partition(".")[0]
    for each in top.f_globals.get("_properties_", ()):
        for question in each.questions:
            if function in {asks.find.__name__ for asks in (question, *question.news)}:
                found: Property = each
                return found
    return None


def _name_of(top: FrameType) -> str:
    """The name of a function as the program knows it: of a block of a method, the method's."""
    name = top.f_code.co_name
    if re.match(rf"{_MAIN}\b", top.f_code.co_qualname):
        return "main"
    if (method := _method_of(top)) is not None:
        return _name_of_routine(method)
    handler = _HANDLER.fullmatch(name)
    return handler[1] if handler else name


def _name_of_routine(frame: Frame) -> str:
    if frame.routine_.qualname == _MAIN_ROUTINE:
        return "main"
    method = frame.routine_.name
    return "a handler" if _SUSPENDABLE_HANDLER.fullmatch(method) else method


def seen_from_here(file: str) -> str:
    """A file as seen from the working directory, if that is still there and the file below it."""
    try:
        return file.removeprefix(os.path.join(os.getcwd(), ""))
    except OSError:
        return file


def standing_of(process: Process) -> Standing:
    """Where `process` stands between two steps."""
    frames = [frame for frame in process.stack_ if isinstance(frame, Frame)]
    frames = [frame for frame in frames if frame.routine_.qualname != _SERVE_ROUTINE]
    places = tuple((_method(frame.routine_.qualname), *_place(frame)) for frame in frames)
    if not process.started_:
        state = "is not started" if process.set_up_ else "is not set up"
    elif process.sleep_ is not None:
        state = "sleeps"
    else:
        state = "waits" if places else "handles messages as they come"
    return Standing(process.id_, places, len(process.inbox_), state)


def stuck(standings: Iterable[str], count: int, said: str = "error[Q107]: ") -> str:
    """What is said where nothing can happen any more, and `count` processes have not ended."""
    head = f"{said}nothing can happen any more, and {not_ended(count)}"
    return "\n".join([head, *standings])


def not_ended(count: int) -> str:
    """`1 process has not ended`, or how many have not."""
    return f"{count} process{'es have' if count > 1 else ' has'} not ended"


def busy_at(process: Process, interrupted: FrameType | None) -> Standing:
    """Where `process` is in the step that runs in the frame `interrupted`, callers first."""
    places = []
    top = interrupted
    while top is not None:
        file = top.f_code.co_filename
        if file.endswith(".da"):
            line = linecache.getline(file, top.f_lineno).strip()
            places.append((_name_of(top), seen_from_here(file), top.f_lineno, line))
        top = top.f_back
    return Standing(process.id_, tuple(reversed(places)), state="is busy in a step")


def _method(qualname: str) -> str:
    """A method as the program knows it: `P.run`, `main`, `a handler of P`."""
    cls, _, name = qualname.rpartition(".")
    if _SUSPENDABLE_HANDLER.fullmatch(name):
        return f"a handler of {cls}"
    return re.sub(rf"^{_MAIN}\b", "main", qualname)


def _place(frame: Frame) -> tuple[str, int, str]:
    """(file, line, source text) of what a frame waits for; the file as seen from here."""
    line, text = frame.place_()
    code = _code_of(frame, frame.block_) if frame.block_ in frame.routine_.blocks else None
    return (seen_from_here(code.co_filename) if code else "", line, " ".join(text.split()))


def _code_of(frame: Frame, block: str) -> CodeType:
    """Of a block as it is written, without what is around it in an `except`."""
    code: CodeType = inspect.unwrap(frame.routine_.blocks[block]).__code__
    return code

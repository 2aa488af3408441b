"""A simulated run in the hands of a test: deliver, drop, crash, partition, tick.

    with Cluster("store.da") as cluster:
        cluster.deliver("Client-2>Store-1")
        assert cluster["Store-1"].value == 1

What processes do by themselves they have done when a call returns; messages are under way until
they are chosen, and timers run out only when time is let pass.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from types import TracebackType

import msgspec

from quorate import __version__
from quorate.compiler.loader import load_anew
from quorate.core.errors import PropertyFailed
from quorate.core.process import Process
from quorate.trace import SCHEMA
from quorate.trace import events as ev
from quorate.trace.reading import line_of
from quorate.trace.telling import told
from quorate.worlds.base import command_line, failure_of, surroundings
from quorate.worlds.sim.byhand import HeldRun
from quorate.worlds.sim.run import load_for

_TOLD = (
    *(ev.State, ev.Send, ev.Duplicate, ev.Drop, ev.Output, ev.End, ev.Fail),
    *(ev.Crash, ev.Restart, ev.Heal, ev.Property, ev.Operation),
)
"""What a program and its network do; the rest is what the machinery does, or what was asked for."""

_decode = msgspec.json.Decoder(ev.Event).decode


class Failed(AssertionError):
    """A process has failed, or a property of the program; the text is what commands say of it."""


class Cluster:
    """The processes of a program, from `main` on. A context manager; one at a time.

    `args` are those of the command line; `config` comes before what the program says of itself,
    such as `{"channel": "unreliable"}`. Raises QuorateSyntaxError, and from every method that lets
    something happen Failed, when a process fails.
    """

    def __init__(
        self,
        program: str | os.PathLike[str],
        *args: object,
        seed: int = 0,
        config: Mapping[str, str] | None = None,
    ) -> None:
        self.events: list[ev.Event] = []
        self._stack = ExitStack()
        self._stack.enter_context(command_line(program, args))
        self._stack.enter_context(surroundings(seed))
        try:
            module = load_anew(load_for(program, views=True))
            begin = ev.Begin(SCHEMA, __version__, os.fspath(program), seed, [*map(str, args)])
            self._run = HeldRun(module, begin, self._tell, words_of(config))
            self._check()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Cluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what the program saw as its command line, its time and its random numbers."""
        self._stack.close()

    # What is there.

    def __getitem__(self, name: str) -> Process:
        """The process called so, whose fields can be read: `cluster["Store-1"].value`."""
        processes = self._run.host.processes.values()
        for process in processes:
            if repr(process.id_) == name:
                return process
        there = ", ".join(sorted(repr(process.id_) for process in processes))
        raise KeyError(f"no process {name}; there are: {there}")

    @property
    def under_way(self) -> list[str]:
        """The messages that can be chosen, in the order in which they were sent."""
        return list(self._run.under_way)

    @property
    def outputs(self) -> list[tuple[str, str]]:
        """What processes have shown, as (process, text)."""
        return [(each.process, each.text) for each in self.events if isinstance(each, ev.Output)]

    @property
    def history(self) -> list[bytes]:
        """The operations of clients, as lines that `quorate.consistency.read` reads."""
        return self._run.host.history.lines

    @property
    def over(self) -> bool:
        """Whether all processes that began have ended."""
        return self._run.host.over()

    def told(self, since: int = 0) -> list[str]:
        """What has happened since there were so many `events`, a line for each."""
        return [*_lines(self.events[since:])]

    # What can be done.

    def deliver(self, *names: str) -> None:
        """Have messages arrive, one after the other: `A>B#2`, or `A>B` for the first between them.

        Without a name, all that are under way now. Raises NotUnderWay.
        """
        for name in names or self.under_way:
            self._run.deliver(name)
            self._check()

    def run(self, most: int = 10_000) -> None:
        """Deliver what is under way, and what is sent by that, in order, until nothing is left."""
        for _ in range(most):
            there = self.under_way
            if not there:
                return
            self.deliver(there[0])
        raise Failed(f"still under way after {most:,} messages: {', '.join(self.under_way[:5])}")

    def drop(self, *names: str) -> None:
        """Lose messages; without a name, all that are under way now. Raises NotUnderWay."""
        for name in names or self.under_way:
            self._run.drop(name)

    def duplicate(self, *names: str) -> None:
        """Have messages be under way twice. Raises NotUnderWay."""
        for name in names or self.under_way:
            self._run.duplicate(name)

    def tick(self, seconds: float) -> None:
        """Let time pass, and timers run out."""
        self._run.tick(seconds)
        self._check()

    def befall(self, said: str) -> None:
        """A line of a scenario without its time: `crash Store-1`, `restart Store-1`, `heal`,
        `partition {A-1} | {B-2}`. See docs/simulation.md. Raises ScenarioError."""
        self._run.befall(said)
        self._check()

    def _tell(self, event: ev.Event) -> None:
        self.events.append(_decode(line_of(event)))

    def _check(self) -> None:
        host = self._run.host
        if host.error is None:
            return
        if host.at_fault is None or isinstance(host.error, PropertyFailed):
            raise Failed(str(host.error)) from host.error
        raise Failed(str(failure_of(host.at_fault.id_, host.error))) from host.error


def words_of(config: Mapping[str, str] | None) -> dict[str, frozenset[str]]:
    """A configuration as worlds take it: of each key the words of its text."""
    return {key: frozenset(text.replace(",", " ").split()) for key, text in (config or {}).items()}


def _lines(events: Iterable[ev.Event]) -> Iterable[str]:
    """The events that matter, in words, without the numbers of lines, which edits change."""
    for event in events:
        if not isinstance(event, _TOLD):
            continue
        if getattr(event, "at", None) is not None:
            event = msgspec.structs.replace(event, at=None)
        if not isinstance(event, ev.State) or event.after:
            yield told(event)

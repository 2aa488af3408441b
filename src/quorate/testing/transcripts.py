"""Transcripts: what is done to a run, and what happens by that, as text that tests compare.

    > start store.da
      Client-2 sends ('set', 1) to Store-1 as Client-2>Store-1#1
    > deliver Client-2>Store-1
      Store-1 sends ('stored', 1) to Client-2 as Store-1>Client-2#1

A line with `>` is done, indented is what happens, all else is prose: playing changes no other line.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from quorate.lang.faults import FaultError, duration
from quorate.lang.names import nearest
from quorate.testing.cluster import Cluster, Failed
from quorate.worlds.sim.byhand import NotUnderWay
from quorate.worlds.sim.scenario import VERBS, ScenarioError

INDENT = "  "


class TranscriptError(ValueError):
    """A command that cannot be understood; with its line, and what to do."""

    def __init__(self, path: Path, line: int, message: str, help: str) -> None:
        super().__init__(f"{path}:{line}: {message}\n  = help: {help}")


class _Wrong(Exception):
    """What is wrong with a command, and what to do."""


def played(path: Path) -> str:
    """The text of a transcript as it should be: with what happens now. Raises TranscriptError."""
    lines: list[str] = []
    said = path.read_text(encoding="utf-8").splitlines()
    player = _Player(path.parent)
    try:
        for number, line in enumerate(said, 1):
            if line.startswith(">"):
                lines.append(line)
                try:
                    lines += [f"{INDENT}{each}" for each in player.do(line[1:].strip())]
                except _Wrong as wrong:
                    raise TranscriptError(path, number, *wrong.args) from None
            elif not line.startswith(INDENT):
                lines.append(line)
    finally:
        player.close()
    return "\n".join(lines) + "\n"


class _Player:
    """Does one command after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cluster: Cluster | None = None

    def close(self) -> None:
        if self.cluster is not None:
            self.cluster.close()
            self.cluster = None

    def do(self, said: str) -> Iterator[str]:
        """What happens by a command, line by line."""
        verb, _, rest = said.partition(" ")
        if verb == "start":
            yield from self._start(rest)
            return
        if self.cluster is None:
            raise _Wrong("nothing has been started", "begin with `> start PROGRAM [ARGUMENTS]`")
        known = [*_COMMANDS, "start", *VERBS]
        if verb not in known:
            near = nearest(verb, known)
            does = f"did you mean `{near}`?" if near else f"there are: {', '.join(known)}"
            raise _Wrong(f"there is no command `{verb}`", does)
        since = len(self.cluster.events)
        answer: list[str] = []
        try:
            if verb in _COMMANDS:
                answer = _COMMANDS[verb](self.cluster, rest.strip())
            else:
                self.cluster.befall(said)
        except (NotUnderWay, KeyError) as error:
            raise _Wrong(str(error.args[0]), "`> messages` tells what is under way") from None
        except ScenarioError as error:
            message, _, help = str(error).partition("\n  = help: ")
            raise _Wrong(message.removeprefix("command:1: "), help) from None
        except Failed:
            pass  # which is told with all else
        yield from self.cluster.told(since)
        yield from answer

    def _start(self, rest: str) -> Iterator[str]:
        self.close()
        words = shlex.split(rest)
        if not words:
            raise _Wrong("`start` names no program", "write `> start PROGRAM [ARGUMENTS]`")
        path = self.folder / words[0]
        if not path.exists():
            raise _Wrong(f"there is no program {words[0]}", "its path is seen from the transcript")
        self.cluster = Cluster(path, *words[1:])
        yield from self.cluster.told()


def _tick(cluster: Cluster, rest: str) -> list[str]:
    try:
        seconds = duration(rest)
    except FaultError as error:
        raise _Wrong(error.message, error.help) from None
    if seconds == math.inf:
        raise _Wrong("time does not pass for ever", "write `> tick 10ms`")
    cluster.tick(seconds)
    return []


def _each(act: Callable[..., None]) -> Callable[[Cluster, str], list[str]]:
    def done(cluster: Cluster, rest: str) -> list[str]:
        act(cluster, *rest.replace(",", " ").split())
        return []

    return done


def _run(cluster: Cluster, rest: str) -> list[str]:
    if rest:
        raise _Wrong("`run` delivers all there is, and takes no names", "`deliver` takes names")
    cluster.run()
    return []


_COMMANDS: dict[str, Callable[[Cluster, str], list[str]]] = {
    "deliver": _each(Cluster.deliver),
    "drop": _each(Cluster.drop),
    "duplicate": _each(Cluster.duplicate),
    "run": _run,
    "tick": _tick,
    "messages": lambda cluster, _rest: cluster.under_way or ["none is under way"],
}

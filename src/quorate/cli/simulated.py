"""What `quorate simulate` shows: progress, failures, what no seed reached, and the closing lines.

Invariant: nothing that is shown depends on how many processes have run the seeds, but the time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from quorate.cli.status import Status
from quorate.compiler.modules import seen_from_here

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from quorate.core.properties import Property
    from quorate.worlds.sim.seeds import Plan, Reached, Result

LOSSES = ("loss", "duplicate", "partition")
"""What a reliable channel makes up for."""

Advance = Callable[["Result"], None]


@dataclass(frozen=True, slots=True)
class Style:
    """How to show it; `level` is the least level of output that is shown of a single run."""

    as_json: bool = False
    quiet: bool = False
    level: int = 20
    keep_going: bool = False
    shrinks: bool = False


@dataclass(slots=True)
class Report:
    """What came of all seeds so far. `again` makes the command that repeats one."""

    plan: Plan
    again: Callable[[int], str]
    style: Style
    seeds: int = 0
    messages: int = 0
    steps: int = 0
    virtual_seconds: float = 0.0
    seconds: float = 0.0
    reliable: bool = True
    stalled: list[int] = field(default_factory=list)
    late: int = 0
    failures: dict[str, list[Result]] = field(default_factory=dict)  # by what is alike
    reached: Reached = field(default_factory=dict)
    sometimes: dict[tuple[str, int], bool] = field(default_factory=dict)
    interrupted: bool = False

    def show(self, module: ModuleType, seeds: Sequence[int], jobs: int | None) -> int:
        """Run the seeds and tell of them; the exit status. Raises click.UsageError."""
        from quorate.worlds.real.program import cores
        from quorate.worlds.sim.pool import WorkerLost
        from quorate.worlds.sim.scenario import ScenarioError
        from quorate.worlds.sim.seeds import in_order

        begun = time.monotonic()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()  # before processes inherit what is in them
        try:
            results = in_order(self.plan, module, seeds, jobs or cores())
            first = next(results)  # by then processes are forked, and threads do no harm
            with _progress(len(seeds), self) as advance:
                self._take(first)
                advance(first)
                while not self.failures or self.style.keep_going:
                    result = next(results, None)
                    if result is None:
                        break
                    self._take(result)
                    advance(result)
            results.close()
        except KeyboardInterrupt:
            self.interrupted = True
        except ScenarioError as error:
            raise click.UsageError(str(error)) from None
        except WorkerLost:
            click.echo("error[Q110]: a process that ran seeds was lost: it was killed", err=True)
            return Status.FAILED
        self.seconds = time.monotonic() - begun
        if self.style.as_json:
            click.echo(json.dumps(self._as_json(), indent=2, ensure_ascii=False))
        else:
            self._tell()
        if self.interrupted:
            return Status.INTERRUPTED
        return Status.FAILED if self.failures or self._never() else Status.DONE

    def _never(self) -> list[Property]:
        """The properties of `@sometimes` that held in none of the seeds, where all were run."""
        from quorate.worlds.sim.seeds import sometimes

        if self.interrupted or (self.failures and not self.style.keep_going):
            return []
        return [each for each in sometimes() if not self.sometimes.get(each.place, False)]

    def _take(self, result: Result) -> None:
        from quorate.worlds.sim.seeds import join

        self.seeds += 1
        self.messages += result.messages
        self.steps += result.steps
        self.virtual_seconds += result.seconds
        self.reliable &= result.reliable
        self.late += result.verdict == "late"
        join(self.reached, result.reached)
        for place, held in result.sometimes.items():
            self.sometimes[place] = held or self.sometimes.get(place, False)
        if result.verdict == "stalled":
            self.stalled.append(result.seed)
        if result.failed:
            self.failures.setdefault(result.kind, []).append(result)
        if not self.style.as_json:
            for output in result.outputs:
                if output.level >= self.style.level:
                    click.echo(f"[{output.time:.6f}] {output.process}: {output.text}")

    @property
    def first_failure(self) -> Result:
        return next(iter(self.failures.values()))[0]

    # In words.

    def _tell(self) -> None:
        for alike in self.failures.values():
            click.echo(alike[0].text, err=True)
            if self.style.keep_going and len(alike) > 1:
                others = ", ".join(str(each.seed) for each in alike[1:6])
                more = f" and {len(alike) - 6:,} more" if len(alike) > 6 else ""
                click.echo(f"quorate: so did seeds {others}{more}", err=True)
            click.echo(f"quorate: to repeat it: {self.again(alike[0].seed)}", err=True)
        for each in self._never():
            from quorate.worlds.base.properties import never_reached

            click.echo(never_reached(each, _several(self.seeds, "seed")), err=True)
        if self.style.quiet:
            return
        for line in (*self._notes(), *self._unreached(), self._coverage(), self._closing()):
            if line:
                click.echo(line, err=True)

    def _notes(self) -> Iterator[str]:
        if self.failures and not self.style.shrinks:
            yield "  = help: add --shrink for a short run that fails so, to be told as a story"
        if self.reliable and any(name in self.plan.adversity.faults for name in LOSSES):
            yield (
                "quorate: note: the channels of this program are reliable, so what is lost is "
                "sent again, and comes late; --channel unreliable lets it be lost"
            )
        if self.stalled:
            seeds = ", ".join(map(str, self.stalled[:5])) + (", ..." if self.stalled[5:] else "")
            yield (
                f"quorate: note: {_several(len(self.stalled), 'seed')} came to a standstill after "
                f"faults ({seeds}), which is no failure; --faults-until makes it one"
            )

    def _unreached(self) -> Iterator[str]:
        """The handlers that no seed reached."""
        if self.interrupted or self.failures:
            return
        for file, point, was_reached in self._points():
            if point.kind == "handler" and not was_reached:
                place = f"{seen_from_here(file)}:{point.line}"
                yield f"{place}: no seed reached this handler of {point.owner}: {point.text}"

    def _points(self) -> Iterator[tuple[str, Any, bool]]:
        from quorate.worlds.sim.seeds import points

        for file, all_points in points().items():
            marks = self.reached.get(file, [False] * len(all_points))
            for point, was_reached in zip(all_points, marks, strict=True):
                yield file, point, was_reached

    def _coverage(self) -> str:
        """How much of each kind was reached."""
        found = list(self._points())
        told = []
        kinds = (("handler", "handlers"), ("branch", "branches"), ("label", "labels"))
        for kind, plural in kinds:
            marks = [was for _, point, was in found if point.kind == kind]
            if marks:
                told.append(f"{sum(marks)} of {len(marks)} {plural if len(marks) > 1 else kind}")
        return f"quorate: reached {', '.join(told)}" if told else ""

    def _closing(self) -> str:
        how = "interrupted: " if self.interrupted else ""
        failed = sum(map(len, self.failures.values()))
        end = f"{_several(failed, 'failure')}" if failed else "no failure"
        if never := len(self._never()):
            end += f", {never} of {len(self.sometimes)} not reached that should be"
        late = f"{self.late:,} at the end of their time, " if self.late and not failed else ""
        return (
            f"quorate: {how}{_several(self.seeds, 'seed')}, {_several(self.messages, 'message')}, "
            f"{self.virtual_seconds:.1f} virtual seconds in {self.seconds:.2f} s, {late}{end}"
        )

    # As data.

    def _as_json(self) -> dict[str, Any]:
        """The same for programs; without how long it took, so it is the same each time."""
        from quorate.worlds.sim.seeds import sometimes

        return {
            "program": self.plan.path,
            "arguments": list(self.plan.args),
            "seeds": self.seeds,
            "messages": self.messages,
            "steps": self.steps,
            "virtual_seconds": self.virtual_seconds,
            "late": self.late,
            "stalled": self.stalled,
            "interrupted": self.interrupted,
            "failures": [
                {
                    "seed": each.seed,
                    "code": each.code,
                    "text": each.text,
                    "status": each.status,
                    "command": self.again(each.seed),
                }
                for alike in self.failures.values()
                for each in alike
            ],
            "sometimes": [
                {
                    "file": seen_from_here(each.file),
                    "line": each.line,
                    "name": each.name,
                    "reached": self.sometimes.get(each.place, False),
                }
                for each in sometimes()
            ],
            "coverage": [
                {
                    "file": seen_from_here(file),
                    "line": point.line,
                    "kind": point.kind,
                    "process": point.owner,
                    "text": point.text,
                    "reached": was_reached,
                }
                for file, point, was_reached in self._points()
            ],
        }


def _several(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


@contextmanager
def _progress(total: int, report: Report) -> Iterator[Advance]:
    """A bar on a terminal: seeds, steps a second, what is reached. Nothing elsewhere."""
    quiet = report.style.quiet or report.style.as_json or total == 1
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield lambda _result: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        MofNCompleteColumn(),
        TextColumn("seeds"),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
    )
    begun = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total, told="")

        def advance(_result: Result) -> None:
            rate = report.steps / max(time.monotonic() - begun, 1e-6)
            marks = [mark for marks in report.reached.values() for mark in marks]
            failed = sum(map(len, report.failures.values()))
            told = f"{rate:,.0f} steps/s  {sum(marks)}/{len(marks)} reached"
            told += f"  {_several(failed, 'failure')}" if failed else ""
            progress.update(task, advance=1, told=told)

        yield advance
